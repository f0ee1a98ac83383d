"""Events for other tools: each form that has a reader is read back with the same events on the same frames."""

import argparse
import sys
from fractions import Fraction
from importlib.util import find_spec
from xml.etree import ElementTree

import numpy as np
import pytest
from conftest import complaint, run_here
from encoded import encode

import prepare_data
from footage.raw_videos import FrameOptions, Frames, probe
from label_forms.exports import EXPORTS, ExportedVideo, add_export_options, check_exports, code_rate, export_video
from label_forms.fields import read_time
from label_forms.forms import read_labels
from label_forms.timeline import place_events
from label_forms.videos import pair_labels
from spotting.event_files import write_csv
from util.io import read_json
from util.stamps import Stamps

CLASSES = ["DRIVE", "PASS"]
READ_BACK = list(EXPORTS)
RATES = [25.0, 30000 / 1001, 60000 / 1001, 24000 / 1001, 12.5]


def options(*forms, **more):
    parser = argparse.ArgumentParser()
    add_export_options(parser)
    return parser.parse_args(["--export", *forms, *(f"--{key}={value}" for key, value in more.items())])


def video_of(stamps, fps, frames, name="cup/a_1", **more):
    events = [{"frame": frame, "label": CLASSES[index % 2], "score": 0.75, "seconds": float(stamps.seconds[frame]),
               **({"team": ("left", "right")[index % 3]} if index % 3 < 2 else {})}
              for index, frame in enumerate(frames)]
    return ExportedVideo(name, f"{name}.mp4", fps, events, CLASSES, **more)


def read_back(folder, name, stamps, fps):
    """The events of the only video, as prepare_data.py places them."""
    record = {"num_frames": len(stamps), "fps": fps, "source_frames": len(stamps), "source_fps": fps,
              "start": stamps.start, "width": 96, "height": 64, "options": {}}
    (labelled,) = pair_labels(read_labels(folder, pattern="*.*"), [name])
    placement = place_events(labelled, {name: record}, {})
    (entry,) = placement.entries
    assert not placement.unplaced and entry["video"] == name
    return [(event["frame"], event["label"], event.get("team") or event.get("subject")) for event in entry["events"]]


@pytest.mark.parametrize("form", READ_BACK)
@pytest.mark.parametrize("fps", RATES)
def test_what_is_written_is_read_back_on_the_same_frames(tmp_path, form, fps):
    if form == "excel":
        pytest.importorskip("openpyxl")
    stamps = Stamps.even(int(700 * fps), fps, start=0.4 if fps == 25 else 0.0)
    minutes = {round(fps) * 60 * minute + step for minute in (1, 2, 9, 10, 11) for step in range(-3, 4)}
    frames = sorted({0, 1, 2, 29, len(stamps) - 1, *minutes})
    video = video_of(stamps, fps, frames)
    (path,) = export_video(tmp_path / "cup" / "a_1", video, options(form, lead=5, lag=1))
    assert path.name == f"a_1{EXPORTS[form].suffix}"
    assert read_back(tmp_path, "cup/a_1", stamps, fps) == [
        (event["frame"], event["label"], event.get("team")) for event in video.events]


def test_prepare_data_finds_the_frames_again_in_videos_that_start_late_or_lost_frames(tmp_path):
    """The second of three videos lost twelve frames, the third begins 0.4 seconds after its sound."""
    stamps = {"a_1": range(40), "b_1": [*range(20), *range(32, 52)], "c_1": range(10, 50)}
    for name, pts in stamps.items():
        encode(tmp_path / "V" / f"{name}.mp4", pts=pts, time_base=Fraction(1, 25), sound=2)
    for form in [*READ_BACK, "csv"]:
        if form == "excel" and not find_spec("openpyxl"):
            continue
        for name in stamps:
            frames = Frames(tmp_path / "V" / f"{name}.mp4", FrameOptions(height=32))
            assert len(list(frames)) == 40
            events = [{"frame": frame, "label": CLASSES[frame % 2], "seconds": frames.times[frame]}
                      for frame in (0, 19, 20, 39)]
            video = ExportedVideo(name, f"{name}.mp4", code_rate(frames.times, probe(frames.path).fps), events, CLASSES)
            if form == "csv":
                write_csv(tmp_path / form / f"{name}.csv", [event | {"score": 0.5} for event in events])
            else:
                export_video(tmp_path / form / name, video, options(form))
        done = run_here(prepare_data, "--videos", tmp_path / "V", "--output", tmp_path / "F", "--height", 32, "-j", 1,
                        "--labels", tmp_path / form, "--label_files", "*.*",
                        "--dataset", f"{tmp_path.as_posix()}/data_{form}")
        assert done.returncode == 0, done.stderr
        found = [(event["frame"], event["label"]) for split in ("train", "val", "test")
                 for entry in read_json(tmp_path / f"data_{form}" / f"{split}.json") for event in entry["events"]]
        assert found == 3 * [(frame, CLASSES[frame % 2]) for frame in (0, 19, 20, 39)], form


@pytest.mark.parametrize("fps", RATES)
def test_time_codes_are_read_as_the_first_that_show_their_frame(fps):
    stamps = Stamps.even(40_000, fps)
    video = video_of(stamps, fps, [])
    for frame in np.random.default_rng(0).choice(40_000, 300).tolist():
        code = video.timecode(stamps.seconds[frame])
        assert read_time(code).frame(fps) == frame
        assert (";" in code) == (fps in (30000 / 1001, 60000 / 1001))
    at_29_97 = video_of(stamps, 30000 / 1001, [])
    assert at_29_97.timecode(60.06) == "00:01:00;02" and at_29_97.timecode(600) == "00:10:00;00"


def test_sportscode_has_clips_with_lead_and_lag_a_team_and_a_coloured_row_for_each_class(tmp_path):
    stamps = Stamps.even(1000, 25.0)
    export_video(tmp_path / "a", video_of(stamps, 25.0, [25, 500]), options("sportscode", lead=4, lag=2))
    root = ElementTree.parse(tmp_path / "a.xml").getroot()
    short = video_of(stamps, 25.0, [999], end=stamps.end)
    export_video(tmp_path / "b", short, options("sportscode", lag=2))
    assert "<end>40.000</end>" in (tmp_path / "b.xml").read_text(encoding="utf-8")
    ends = [(one.findtext("start"), one.findtext("end"), one.findtext("code")) for one in root.iter("instance")]
    assert ends == [("0.000", "3.000", "DRIVE"), ("16.000", "22.000", "PASS")]
    labels = {label.findtext("group"): label.findtext("text") for label in root.find(".//instance").iter("label")}
    assert labels == {"Team": "left", "Score": "0.75", "Event time": "1.000"}
    rows = [(row.findtext("code"), row.findtext("R"), row.findtext("B")) for row in root.iter("row")]
    assert [row[0] for row in rows] == CLASSES and rows[0][1:] != rows[1][1:]
    assert all(0 <= int(channel) <= 65535 for row in rows for channel in row[1:])


def test_markers_of_resolve_are_edits_of_one_frame_with_a_name_and_a_colour(tmp_path):
    export_video(tmp_path / "a", video_of(Stamps.even(2000, 25.0), 25.0, [37, 1500]), options("resolve"))
    lines = (tmp_path / "a.edl").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["TITLE: cup/a_1", "FCM: NON-DROP FRAME"]
    assert lines[3] == "001  001      V     C        00:00:01:12 00:00:01:13 00:00:01:12 00:00:01:13"
    assert lines[4] == "Team: left |C:ResolveColorBlue |M:DRIVE |D:1"
    assert lines[6].split()[-1] == "00:01:00:01" and "|M:PASS" in lines[7]


def test_subtitles_last_until_the_next_and_share_a_cue_on_one_frame(tmp_path):
    export_video(tmp_path / "a", video_of(Stamps.even(2000, 25.0), 25.0, [25, 25, 50, 1500]), options("srt", "vtt"))
    assert (tmp_path / "a.srt").read_text(encoding="utf-8") == (
        "1\n00:00:01,000 --> 00:00:02,000\nDRIVE (left) 75 %\nPASS (right) 75 %\n\n"
        "2\n00:00:02,000 --> 00:00:03,500\nDRIVE 75 %\n\n3\n00:01:00,000 --> 00:01:01,500\nPASS (left) 75 %\n")
    text = (tmp_path / "a.vtt").read_text(encoding="utf-8")
    assert text.startswith("WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nDRIVE (left)") and text.count("-->") == 3
    named = ExportedVideo("a", "a.mp4", 25.0, [{"frame": 0, "label": "<A & B>", "seconds": 0.0}], ["<A & B>"])
    export_video(tmp_path / "b", named, options("vtt"))
    assert "\n&lt;A &amp; B&gt;\n" in (tmp_path / "b.vtt").read_text(encoding="utf-8")


def test_text_that_a_sheet_could_take_for_a_formula_stays_text(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    players = ["=1+1", "+10", "-3", "@me", "#N/A", "=", "007"]
    events = [{"frame": frame, "label": "=PASS", "seconds": frame / 25, "team": "=T", "player": player,
               "a\x07b": "x"}
              for frame, player in enumerate([*players, "x\x07y"])]
    (path,) = export_video(tmp_path / "a", ExportedVideo("a", "a.mp4", 25.0, events, ["=PASS"]), options("excel"))
    sheet = openpyxl.load_workbook(path).active
    assert not {cell.data_type for line in sheet for cell in line} & {"f", "e"}  # formulas, errors
    (labels,) = read_labels(path)
    assert [(event.fields["player"], event.fields["label"], event.fields["team"]) for event in labels.events] == [
        (player, "=PASS", "=T") for player in [*players, "xy"]] and not labels.notes


def test_a_formula_without_a_value_is_said_and_one_with_it_read(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for line in (["video", "frame", "label", "player"], ["a", 1, "PASS", "=1+1"], ["a", 2, "PASS", "=2"]):
        book.active.append(line)
    book.save(tmp_path / "a.xlsx")
    (labels,) = read_labels(tmp_path / "a.xlsx")
    assert any("2 formulas without a value count as empty, such as D2" in note for note in labels.notes)
    assert len(labels.events) == 2


@pytest.mark.parametrize("form", EXPORTS)
def test_a_video_without_events_is_written_too(tmp_path, form):
    if form == "excel":
        pytest.importorskip("openpyxl")
    (path,) = export_video(tmp_path / "a", ExportedVideo("a", "a.mp4", 25.0, [], CLASSES), options(form))
    assert [path] == list(tmp_path.iterdir()) and (form == "srt" or path.stat().st_size > 0)
    if form == "osl":
        assert read_json(path)["data"][0]["events"] == []


def test_a_sheet_without_the_package_that_writes_it_is_refused_before_the_work(monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    monkeypatch.setattr("label_forms.exports.find_spec", lambda name: None)
    assert "needs the package openpyxl" in complaint(check_exports, ["srt", "excel"])
    check_exports(["srt"])
