"""Inputs that people's reports describe, through prepare_data.py: each event on the frame that its annotator saw.

The cases are those of ../shared/cases, whose README says what is right.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from conftest import run_here, user_error

import check_data
import prepare_data

MATCHES = ("red_blue", "red_green", "blue_green", "white_red")
LEAGUE = "league/2019/2019-10-01 - Red Town - Blue City"


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The folder with the cases that are videos or belong to them, and that of the text files."""
    cases = Path(__file__).resolve().parents[2] / "shared" / "cases"
    if not cases.is_dir():
        pytest.skip("needs the folder shared/ beside the repository")
    folder = tmp_path_factory.mktemp("cases")
    subprocess.run([sys.executable, str(cases / "make_cases.py"), str(folder)], check=True, stdout=subprocess.DEVNULL)
    return folder, cases


@pytest.fixture
def prepare(made, tmp_path):
    """Prepare videos with labels, which are paths below the cases; frames are made once for all tests."""
    folder, _ = made

    def run(videos, labels, *options, check=True):
        frames = folder / "Frames" / videos.replace("/", "_")
        done = run_here(prepare_data, "--videos", folder / videos, "--output", frames, "--labels", folder / labels,
                        "--dataset", f"{tmp_path}/data", "-j", 1, *options)
        assert done.returncode == 0 or not check, done.stderr
        return done
    return run


def entries(tmp_path):
    return {split: json.loads((tmp_path / "data" / f"{split}.json").read_text(encoding="utf-8"))
            for split in ("train", "val", "test") if (tmp_path / "data" / f"{split}.json").exists()}


def events(tmp_path, *keys):
    """(frame, label) and other keys of the events of each video."""
    return {entry["video"]: [tuple(event[key] for key in ("frame", "label", *keys)) for event in entry["events"]]
            for split in entries(tmp_path).values() for entry in split}


def frames(tmp_path):
    return {video: [frame for frame, _ in found] for video, found in events(tmp_path).items()}


@pytest.mark.parametrize("case, right", [
    ("starts_later/mp4", [25, 50]), ("uneven/slower", [30, 59, 80, 110]), ("uneven/dropped", [30, 60, 90])])
def test_times_are_those_of_a_player(prepare, tmp_path, case, right):
    done = prepare(f"{case}/Videos", f"{case}/Labels")
    assert frames(tmp_path) == dict.fromkeys("abc", right)
    assert "--fps" not in done.stderr  # no mean rate is advised


@pytest.mark.parametrize("case", ["fragmented", "ts"])
def test_pictures_that_begin_after_the_file_does(prepare, made, tmp_path, case):
    labels = tmp_path / "labels.csv"
    labels.write_text("video,time,label\n" + "".join(f"{video},1.5,PASS\n" for video in "abc"))
    prepare(f"starts_later/{case}/Videos", labels)
    record = json.loads((made[0] / "Frames" / f"starts_later_{case}_Videos/a/video.json").read_text())
    first = record["stamps"]["first"]
    assert frames(tmp_path) == dict.fromkeys("abc", [int((1.5 - first) * 25 + 1e-3)])


def test_a_time_within_a_frame_is_in_it(prepare, tmp_path):
    prepare("within_a_frame/V", "within_a_frame/V")
    found = frames(tmp_path)
    assert found["game_b/1_224p"] == [25, 25, 25, 25, 25, 26] and found["game_b/2_224p"] == [25]


@pytest.mark.parametrize("form", ["words", "letter", "ordinal", "dash", "part", "bracket", "folder", "rate", "quarters",
                                  "shootout"])
def test_the_parts_of_a_match_stand_in_one_split(prepare, tmp_path, form):
    done = prepare(f"halves/{form}/Videos", f"halves/{form}/Labels")
    where = defaultdict(set)
    for split, of_split in entries(tmp_path).items():
        for entry in of_split:
            where[next(match for match in MATCHES if entry["video"].startswith(match))].add(split)
    assert where.keys() == set(MATCHES) and all(len(splits) == 1 for splits in where.values())
    assert "names differ" not in done.stderr


def test_names_that_may_be_parts_are_warned_of(prepare, made, tmp_path):
    folder, _ = made
    for match in MATCHES[:2]:
        for camera in (1, 2):
            video = folder / f"doubt/Videos/{match}_take{camera}_wide.mp4"
            video.parent.mkdir(parents=True, exist_ok=True)
            video.write_bytes((folder / "halves/one.mp4").read_bytes())
            label = folder / f"doubt/Labels/{match}_take{camera}_wide.json"
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text('{"events": [{"frame": 3, "label": "PASS"}]}')
    done = prepare("doubt/Videos", "doubt/Labels")
    assert "and the names differ by no more than a number" in done.stderr
    checked = run_here(check_data, f"{tmp_path}/data", folder / "Frames/doubt_Videos")
    assert "match-in-doubt" in checked.stdout


@pytest.mark.parametrize("order", ["by_half", "by_time", "by_label"])
def test_each_event_lies_in_the_half_that_its_column_names(prepare, tmp_path, order):
    prepare("half_column/Videos", f"half_column/{order}.csv")
    found = events(tmp_path)
    assert len(found) == 6
    for video, of_video in found.items():
        seconds = (1, 3, 7, 9) if video.endswith("_1") else (2, 4, 6, 8)
        assert of_video == [(25 * at, "DRIVE" if at % 3 == 0 else "PASS") for at in seconds]


@pytest.mark.parametrize("column, halves", [
    ("Period", ("1st", "2nd")), ("part", ("H1", "H2")), ("half", ("1.0", "2.0")),
    ("HALF", ("first half", "second half")), ("Match half", ("I", "II"))])
def test_halves_may_be_called_otherwise(prepare, tmp_path, column, halves):
    table = tmp_path / "labels.csv"
    rows = [f"{match},{halves[k % 2]},{2 + k},PASS" for match in MATCHES[:3] for k in (3, 0, 1, 2)]
    table.write_text("\n".join([f"video,{column},time,label", *rows]) + "\n")
    prepare("half_column/Videos", table)
    assert frames(tmp_path)["red_blue_1"] == [50, 100] and frames(tmp_path)["red_blue_2"] == [75, 125]


def test_labels_of_a_video_go_before_those_of_its_match(prepare, tmp_path):
    done = prepare("mended/Videos", "mended/Labels", "--label_fps", 25)
    assert frames(tmp_path) == {"red_blue_1": [10], "red_blue_2": [20], "red_green_1": [12], "red_green_2": [21],
                                "blue_green_1": [12], "blue_green_2": [22]}
    assert "red_green.json: 1 event of red_green_1 left out, as red_green_1.json labels it" in done.stdout


def test_composed_and_decomposed_names_are_one(prepare, made, tmp_path):
    prepare("composed/Videos", "composed/Labels", "--splits", made[0] / "composed/splits.json")
    assert {split: len(of_split) for split, of_split in entries(tmp_path).items()} == {"train": 1, "val": 1, "test": 1}
    table = tmp_path / "labels.csv"
    table.write_text("video,frame,label\natl\u00e9tico_m\u00e1laga,7,PASS\natle\u0301tico_ma\u0301laga.mp4,9,PASS\n"
                     "c\u00e1diz_le\u00f3n,7,PASS\nsevilla_betis,7,PASS\n", encoding="utf-8")
    prepare("composed/Videos", table, "--overwrite")
    assert sorted(frames(tmp_path).values()) == [[7], [7], [7, 9]]


@pytest.mark.parametrize("case, said, left", [
    ("third_period", "annotations[2] (3 - 00:02, 2000 ms): there is no video for half 3", [[25], [25]]),
    ("negative", "(1 - 00:00, -40 ms): 0.04 s before the start of the video", [[], [25]]),
    ("past_end", "(1 - 00:04, 4060 ms): 0.06 s past the end of the video", [[], [99]])])
def test_events_that_no_video_shows_are_refused_or_left_out(prepare, tmp_path, case, said, left):
    videos = f"soccernet/{case}/V"
    error = user_error(prepare(videos, videos, check=False))
    assert said in error and "--drop unplaceable leaves out what no video shows (1 event)" in error
    assert not (tmp_path / "data").exists()
    assert "1 event left out by --drop unplaceable" in prepare(videos, videos, "--drop", "unplaceable").stdout
    assert frames(tmp_path) == {f"{LEAGUE}/1_224p": left[0], f"{LEAGUE}/2_224p": left[1]}


@pytest.mark.parametrize("case", ["decimal", "no_space"])
def test_what_can_be_read_is_read(prepare, tmp_path, case):
    prepare(f"soccernet/{case}/V", f"soccernet/{case}/V")
    assert list(frames(tmp_path).values()) == [[25], [25]]


def test_events_that_are_not_shown_are_counted_and_may_be_left_out(prepare, tmp_path):
    videos = "soccernet/not_shown/V"
    assert "1 not shown in the picture, kept" in prepare(videos, videos).stdout
    assert list(frames(tmp_path).values()) == [[25], [25]]
    assert "1 not shown in the picture, dropped" in prepare(
        videos, videos, "--drop", "not_shown", "unplaceable", "--overwrite").stdout
    assert list(frames(tmp_path).values()) == [[], [25]]


def test_a_team_in_the_label_is_parted_from_it(prepare, tmp_path):
    videos = "soccernet/team_in_label/V"
    prepare(videos, videos, "--split_label_team", "-")
    assert list(events(tmp_path, "team").values()) == [[(25, "PASS", "left")], [(25, "PASS", "right")]]


@pytest.mark.parametrize("table", [
    "comment", "cp1252", "crlf_bom", "floats", "header_spaces", "index_col", "ms", "pipe", "utf16", "winpath", "zwsp"])
def test_tables_of_any_dialect(prepare, made, tmp_path, table):
    prepare("for_text_files/csv/Videos", made[1] / "csv" / f"{table}.csv")
    assert events(tmp_path) == dict.fromkeys(("m_a", "m_b", "m_c"), [(25, "PASS")])
    assert (tmp_path / "data/class.txt").read_text() == "PASS\n"


def test_a_table_that_contradicts_itself_is_refused(prepare, made):
    error = user_error(prepare("for_text_files/csv/Videos", made[1] / "csv/both.csv", check=False))
    assert "both.csv: line 2 (frame 25): its frame is at 1.00 s, but its time is 9.90 s; correct one" in error


@pytest.mark.parametrize("dialect", ["bom", "fps_null", "fps_ratio", "frame_float", "frame_text", "jsonl", "own_output",
                                     "segment", "time_key", "video_full"])
def test_dialects_of_a_videos_json(prepare, made, tmp_path, dialect):
    prepare("for_text_files/json/Videos", made[1] / "json" / dialect)
    right = [(25, "PASS"), (50, "PASS")] if dialect == "jsonl" else [(25, "PASS")]
    assert events(tmp_path) == dict.fromkeys("abc", right)


@pytest.mark.parametrize("tool, videos, right", [
    ("boris", 3, (25, "PASS", "RED")), ("e2e", 3, (25, "PASS")), ("elan", 1, (25, "PASS")),
    ("labelstudio", 1, (25, "PASS")), ("longomatch", 1, (25, "PASS", "RED")), ("osl1", 3, (25, "PASS", "left")),
    ("osl2", 3, (25, "PASS")), ("smpte", 3, (37, "PASS")), ("via", 1, (25, "PASS")), ("xml", 3, (25, "PASS", "RED"))])
def test_exports_of_other_tools(prepare, made, tmp_path, tool, videos, right):
    prepare("for_text_files/exports/Videos", made[1] / "exports" / tool, "--skip_unlabelled")
    keys = () if len(right) == 2 else ("subject",) if tool == "boris" else ("team",)
    found = events(tmp_path, *keys)
    assert len(found) == videos and set(map(tuple, found.values())) == {(right,)}
