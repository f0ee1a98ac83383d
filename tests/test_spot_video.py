"""spot_video.py as a user runs it: its scores, its files, and what becomes of bad input and of a stop."""

import csv
import os
import re
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from unittest import mock

import av
import numpy as np
import pytest
from conftest import REPO, run_here, run_script, user_error, write_video
from encoded import encode

import spot_video
from dataset.frames import Loader, VideoStretches
from evaluation.rule import Given, Rule
from evaluation.suppression import Suppression
from footage.frame_folders import extract_frames
from footage.raw_videos import FrameOptions, Frames
from model.folder import load_model
from model.folding import for_inference
from model.inference import head_overlap, score_stretches, score_videos
from spotting import video_files, whole_videos
from spotting.event_files import read_made_with
from util.events import event_dicts, event_table
from util.io import read_json, write_json
from util.lock import exclusive
from util.predictions import check_entries

CLASSES = ["DRIVE", "PASS"]
EVERY = ["--threshold", 0, "--nms_window", 0]  # the tiny model knows nothing, but scores everything


@pytest.fixture(scope="module")
def model(trained):
    return trained[0]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """40 frames of 96x64, at 25 frames a second. No test may change it."""
    return write_video(tmp_path_factory.mktemp("raw") / "cup_1.mp4", 40)


def spot(*args):
    return run_here(spot_video, *args, "--device", "cpu")


def complaint(*args):
    return user_error(spot(*args))


def events_of(path):
    (entry,) = read_json(path)
    return entry["events"]


def spotting(model, **options):
    loaded = load_model(model, "cpu")
    parts = for_inference(loaded.spotter), loaded.config, CLASSES, FrameOptions(48, **options)
    return whole_videos.Spotting(*parts, head_overlap(loaded.spotter), Rule(Suppression(0)))


def test_scores_agree_with_those_of_extracted_frames_within_the_loss_of_jpeg(model, video, tmp_path):
    ready = spotting(model)
    first, scores = whole_videos.score(ready, Frames(video, ready.options), None, "cup_1")
    record = extract_frames(video, tmp_path / "cup_1", ready.options)
    entry = {"video": "cup_1", "num_frames": record["num_frames"]}
    clips = Loader(VideoStretches(tmp_path, [entry], None), 1, 0, ready.spotter.device)
    extracted = score_videos(load_model(model, "cpu").spotter, clips, [entry], 8, 4)["cup_1"]
    assert first == 0 and scores.shape == extracted.shape == (40, 3)
    assert np.abs(scores - extracted).max() < 0.05 and np.abs(scores - extracted).mean() < 0.02


def test_flip_takes_the_mean_with_mirrored_frames(model, video):
    alone, both = spotting(model), replace(spotting(model), flip=True)
    stretch = next(whole_videos.stretches(Frames(video, alone.options), None))[1]
    turned = np.concatenate(list(score_stretches(alone.spotter, [stretch.flip(-1)], 8, alone.overlap)))
    one, two = (whole_videos.score(each, Frames(video, each.options), None, "cup_1")[1] for each in (alone, both))
    np.testing.assert_allclose(two, (one + turned) / 2, atol=1e-6)


def test_the_lines_of_the_readme_print_a_table_of_the_events(model, video, tmp_path, monkeypatch, capsys):
    section = (REPO / "README.md").read_text(encoding="utf-8").partition("\n## From Python\n")[2].partition("\n## ")[0]
    lines = [line.strip() for line in section.splitlines() if line.startswith("    ")]
    assert 5 <= len(lines) <= 7
    code = "\n".join(lines).replace('"out"', f"{str(model)!r}").replace('"new_match_1.mp4"', f"{str(video)!r}")
    exec(code.replace("settle(model)", "settle(model, given=Given(threshold=0))"), {"Given": Given})
    spot(model, video, "--output", tmp_path, "--threshold", 0)
    events = events_of(tmp_path / "cup_1.events.json")
    table = capsys.readouterr().out.splitlines()[-len(events) - 1 :]
    assert table[0].split() == ["label", "frame", "score", "seconds"]
    assert [(int(row[2]), row[1]) for row in map(str.split, table[1:])] == [(e["frame"], e["label"]) for e in events]


def test_each_kind_of_file_tells_the_same_events(model, video, tmp_path):
    done = run_script("spot_video.py", model, video, "--output", tmp_path, "--csv", "--soccernet", *EVERY)
    assert "threshold 0.000, given by --threshold\nafter NMS, window 0 frames\n" in done.stdout
    assert "80 events in 40 frames" in done.stdout
    truth = [{"video": "cup_1", "num_frames": 40}]
    path = tmp_path / "cup_1.events.json"
    (entry,) = check_entries(read_json(path), path, truth, CLASSES)
    assert entry["fps"] == 25 and [e["frame"] for e in entry["events"]] == [t for t in range(40) for _ in CLASSES]
    assert entry["events"][-1]["time"] == "0:00:01.560"
    with (tmp_path / "cup_1.events.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    told = [(int(row["frame"]), row["label"], float(row["score"]), row["time"]) for row in rows]
    assert told == [(e["frame"], e["label"], e["score"], e["time"]) for e in entry["events"]]
    soccernet = read_json(tmp_path / "cup" / "results_spotting.json")
    assert soccernet["UrlLocal"] == "cup" and len(soccernet["predictions"]) == 80
    assert soccernet["predictions"][-1] == {
        "gameTime": "1 - 00:01", "label": "PASS", "position": "1560", "half": "1",
        "confidence": str(entry["events"][-1]["score"]),
    }


def test_events_for_other_tools_stand_beside_the_others(model, video, tmp_path):
    spot(model, video, "--output", tmp_path, "--export", "srt", "sportscode", "resolve", "--lead", 0, *EVERY)
    assert {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")} == {
        "cup_1.events.json", "cup_1.events.recall.json.gz", "cup_1.srt", "cup_1.xml", "cup_1.edl"}
    assert (tmp_path / "cup_1.xml").read_text(encoding="utf-8").count("<instance>") == 80
    assert "invalid choice" in spot(model, video, "--export", "word").stderr


def test_soccernet_gets_what_the_threshold_leaves_out_too(model, video, tmp_path):
    spot(model, video, "--output", tmp_path, "--soccernet", "--threshold", 1)
    assert events_of(tmp_path / "cup_1.events.json") == []
    predictions = read_json(tmp_path / "cup" / "results_spotting.json")["predictions"]
    assert predictions and all(0.01 <= float(one["confidence"]) < 1 for one in predictions)


def test_what_training_chose_is_the_default_and_its_frames_are_made_again(model, video, tmp_path):
    kept = read_json(model / "threshold.json")
    done = spot(model, video, "--output", tmp_path)
    assert f"threshold {kept['threshold']:.3f}, chosen on val in training (threshold.json)" in done.stdout
    assert all(event["score"] > kept["threshold"] for event in events_of(tmp_path / "cup_1.events.json"))
    assert done.stderr == ""


def test_weaker_events_are_kept_too_with_the_rule_by_which_they_do_not_count(model, video, tmp_path):
    spot(model, video, "--output", tmp_path, "--threshold", 0.4, "--nms_window", 2, "--start", 0.4)
    (kept,) = read_json(tmp_path / "cup_1.events.recall.json.gz")
    assert {**kept, "events": 0} == {
        "video": "cup_1", "fps": 25, "classes": CLASSES, "events": 0, "square": None, "models": [str(model)],
        "rule": {"threshold": 0.4, "own_threshold": {}, "moves": {}, "nms_window": 2, "soft_nms": False}}
    assert len(kept["events"]) == 2 * 30 and min(event["frame"] for event in kept["events"]) == 10
    table = Suppression(2)(event_table([kept], ["cup_1"], CLASSES))
    left = [event for event in event_dicts(table, CLASSES) if event["score"] > 0.4]
    counted = events_of(tmp_path / "cup_1.events.json")
    assert left == [{key: event[key] for key in ("label", "frame", "score")} for event in counted]


def test_what_a_model_of_crops_sees_is_told_and_drawn_whatever_the_height(model, video, tmp_path):
    crops, drawn = shutil.copytree(model, tmp_path / "crops"), []
    write_json(crops / "config.json", read_json(crops / "config.json") | {"crop_dim": 32})
    with mock.patch.object(video_files, "write_annotated", lambda *args: drawn.append(args[-2])):
        for height, lines in ((None, 48), (40, 40), (1000, 64)):  # frames are not enlarged
            given = ["--height", height] if height else []
            assert spot(crops, video, "--output", tmp_path, "--annotate", *given).returncode == 0
            (kept,) = read_json(tmp_path / "cup_1.events.recall.json.gz")
            assert kept["square"] == {"side": 32, "lines": lines} and drawn.pop() == 32 / lines
        assert spot(crops, video, "--output", tmp_path, "--annotate", "--with", model).returncode == 0
        (kept,) = read_json(tmp_path / "cup_1.events.recall.json.gz")
        assert kept["square"] is drawn.pop() is None and kept["models"] == [str(crops), str(model)]


def test_a_window_in_seconds_is_in_frames_of_the_video_s_rate(model, video, tmp_path):
    by_frames, by_seconds = ([*EVERY[:2], "--nms_window", window] for window in (3, "0.12s"))
    for more in ([], ["--fps", 12.5], ["--delay", 1]):
        spot(model, video, "--output", tmp_path / "a", *by_seconds, *more)
        window = 1 if "--fps" in more else 3
        spot(model, video, "--output", tmp_path / "b", *by_frames[:3], window, *more)
        found = [events_of(tmp_path / folder / "cup_1.events.json") for folder in "ab"]
        assert found[0] == found[1] and found[0]
        assert read_json(tmp_path / "a" / "cup_1.events.recall.json.gz")[0]["rule"]["nms_window"] == "0.12s"


def test_a_stretch_has_the_numbers_and_times_that_it_has_in_the_whole(model, video, tmp_path):
    spot(model, video, "--output", tmp_path, "--start", "0.4", "--end", "0:01", *EVERY)
    events = events_of(tmp_path / "cup_1.events.json")
    assert sorted({e["frame"] for e in events}) == list(range(10, 25))
    assert events[0]["time"] == "0:00:00.400"
    spot(model, video, "--output", tmp_path, "--fps", 10, "--start", 1, *EVERY)
    events = events_of(tmp_path / "cup_1.events.json")
    assert sorted({e["frame"] for e in events}) == list(range(10, 16))
    assert events[-1]["time"] == "0:00:01.500"
    assert "no frame from 1:40.0 on" in spot(model, video, "--output", tmp_path, "--start", 100).stderr


def test_times_count_from_the_start_of_the_file_as_a_player_shows_them(model, tmp_path):
    later = encode(tmp_path / "later.mp4", pts=range(10, 50), time_base=Fraction(1, 25), sound=2)
    for start, times in ((1.4, (1.4, 1.96)), (1.435, (1.4, 1.96)), (0.2, (0.4, 1.96))):
        done = spot(model, later, "--start", start, *EVERY)
        events = events_of(tmp_path / "later.events.json")
        assert [events[0]["frame"], events[-1]["frame"]] == [round(25 * at) - 10 for at in times]
        assert [events[0]["time"], events[-1]["time"]] == [f"0:00:0{at:.3f}" for at in times]
        assert "times count from the start of the file, 0.400 s before its first frame" in done.stdout
    assert "no frame from 0.00 s to 0.30 s on" in complaint(model, later, "--end", 0.3)


def test_the_second_of_two_at_once_leaves_the_video_to_the_first(model, video, tmp_path):
    with exclusive(tmp_path, "another spot_video.py on cup_1", name=".cup_1.lock"):
        said = complaint(model, video, "--output", tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [".cup_1.lock"]
    assert "is in use by another spot_video.py on cup_1 (process" in said


def test_a_second_run_does_what_is_missing_or_was_made_otherwise(model, video, tmp_path):
    videos = [shutil.copy(video, tmp_path / f"cup_{half}.mp4") for half in (1, 2)]
    command = [model, *videos, "--output", tmp_path / "out", "--threshold", 0.3]
    assert spot(*command, "--limit_hours", 0).returncode == 1 and not (tmp_path / "out").exists()
    first = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} if spot(*command) else {}
    assert sorted(first) == [f"cup_{half}.events.{kind}" for half in (1, 2) for kind in ("json", "recall.json.gz")]
    assert spot(*command).stdout.endswith("videos: 2 done before, 0 to do\n")
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == first
    (tmp_path / "out" / "cup_1.events.json").unlink()
    os.utime(tmp_path / "cup_1.mp4", (1, 1))
    assert "videos: 1 done before, 1 to do" in spot(*command, "--limit_hours", 1).stdout
    for changed in (["--flip"], ["--delay", 1], ["--csv"], ["--soccernet"], ["--soccernet", "--nms_window", 5]):
        assert spot(*command, *changed).stdout.count("in 40 frames") == 2, changed
        assert spot(*command, *changed).stdout.endswith("videos: 2 done before, 0 to do\n")
    (tmp_path / "out" / "cup_1.events.json").unlink()  # SoccerNet's file needs both halves
    assert spot(*command, *changed).stdout.count("in 40 frames") == 2


def test_the_annotated_copy_is_h264_with_its_index_first_and_as_long_as_the_video(model, video, tmp_path):
    spot(model, video, "--output", tmp_path, "--annotate", *EVERY)
    path = tmp_path / "cup_1.events.mp4"
    with av.open(path) as container:
        stream = container.streams.video[0]
        frames = [(round(float(frame.time), 3), frame.to_ndarray(format="rgb24")) for frame in container.decode(stream)]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
    assert [at for at, _ in frames] == [round(number / 25, 3) for number in range(40)]
    assert path.read_bytes().index(b"moov") < path.read_bytes().index(b"mdat")


def test_a_broken_file_fails_alone_and_its_match_gets_no_results(model, video, tmp_path):
    videos = tmp_path / "videos"
    for name in ("a_1", "b_1", "b_2", "c_1"):
        videos.mkdir(exist_ok=True)
        shutil.copy(video, videos / f"{name}.mp4")
    (videos / "b_2.mp4").write_bytes(video.read_bytes()[:500])
    done = spot(model, videos, "--output", tmp_path / "out", "--soccernet")
    assert "1 of 4 videos could not be spotted" in user_error(done)
    assert "b_2.mp4: cannot be opened as a video" in done.stderr
    assert re.search(r"error: \S*results_spotting\.json: not written, as not all videos of its match", done.stderr)
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    results = ["a/results_spotting.json", "c/results_spotting.json"]
    assert written == sorted([
        *results, *(f"{name}_1.events.{kind}" for name in "abc" for kind in ("json", "recall.json.gz"))])


def test_a_stop_leaves_whole_files_only(model, video, tmp_path, monkeypatch):
    draw = video_files.write_annotated

    def stopped(path, frames, *rest):
        def some():
            yield next(frames)
            raise KeyboardInterrupt

        draw(path, some(), *rest)

    monkeypatch.setattr(video_files, "write_annotated", stopped)
    done = spot(model, video, "--output", tmp_path, "--annotate")
    assert done.returncode == 130 and done.stderr.endswith("stopped\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cup_1.events.json", "cup_1.events.recall.json.gz"]
    assert read_made_with(tmp_path / "cup_1.events.json") is None  # a second run makes all of them


def test_another_rate_than_that_of_the_training_is_told(model, tmp_path):
    fast = write_video(tmp_path / "fast.mp4", 12, fps=50)
    assert "50 frames per second, and most videos of the training had 25; --fps 25 may" in spot(model, fast).stderr
    assert spot(model, fast, "--fps", 25).stderr == ""
    assert (tmp_path / "fast.events.json").is_file()


def test_a_folder_that_tells_no_frame_height_takes_that_of_prepare_data(model, video, tmp_path):
    folder = shutil.copytree(model, tmp_path / "model", ignore=shutil.ignore_patterns("optim*", "pred*", "thres*"))
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", {k: v for k, v in config.items() if k not in ("frame_height", "frame_fps")})
    done = spot(folder, video, "--output", tmp_path / "out")
    assert "does not say the height of the frames; taken as 224, --height sets another" in done.stderr
    assert re.search(r"threshold 0\.500, fixed: no val predictions of epoch \d", done.stdout)
    write_json(folder / "config.json", {**config, "frame_height": "48"})
    assert "frame_height must be a number above 0" in complaint(folder, video)


def test_bad_options_are_one_line_and_write_nothing(model, video, tmp_path, monkeypatch):
    out = tmp_path / "out"
    assert "nowhere.mp4: no such video file or folder" in complaint(model, video, "nowhere.mp4", "--output", out)
    (tmp_path / "empty").mkdir()
    assert "no video files found" in complaint(model, tmp_path / "empty", "--output", out)
    assert "cup_1.mp4: is a file; name a folder" in complaint(model, video, "--output", video)
    broken = tmp_path / "empty" / "x.mp4"
    broken.write_bytes(b"no video")
    done = spot(model, broken, "--output", out)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [user_error(done)]  # of one video alone, there is nothing to sum up
    monkeypatch.setattr("footage.annotated_video.ENCODER", "no_such_encoder")
    assert "cannot encode H.264" in complaint(model, video, "--annotate", "--output", out)
    for option in (["--start", "1:99"], ["--start", 5, "--end", 5], ["--threshold", 2], ["--fps", 0]):
        done = spot(model, video, "--output", out, *option)
        assert done.returncode == 2 and option[0] in done.stderr.splitlines()[-1]
    assert not out.exists()


def test_real_videos_of_any_kind_are_spotted(model, shared, tmp_path):
    files = [Path(shared / "videos" / name) for name in ("nasa_13013_rotated.mp4", "testsrc2_vp9.webm")]
    done = spot(model, *files, "--output", tmp_path, "--annotate", *EVERY)
    assert done.returncode == 0, done.stderr
    assert {e["frame"] for e in events_of(tmp_path / "nasa_13013_rotated.events.json")} == set(range(17))
    with av.open(tmp_path / "nasa_13013_rotated.events.mp4") as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (270, 534)  # with the strip
