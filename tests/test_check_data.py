"""check_data.py as a user runs it: the futsal group's first attempt, clean data, exit codes, JSON."""

import json
import shutil
import subprocess
import sys

import pytest
from clean_labels import clean_entries, write_splits
from conftest import REPO, make_dataset, run_here, run_script, user_error

import check_data
from util.io import read_json


def blocks(done):
    """What was found: {"error: check": the block's other lines}."""
    found = {}
    for block in done.stdout.split("\n\n")[1:-1]:
        head, *rest = block.splitlines()
        found[head.split(" (")[0]] = rest
    return found


@pytest.fixture
def noise(tmp_path):
    """Labels and frames of noise, 24 frames to a video."""
    splits = {"train": ["cup/a_1", "cup/a_2"], "val": ["cup/b_1"], "test": ["cup/c_1"]}
    return make_dataset(tmp_path, splits, num_frames=24)


def test_clean_labels_get_a_line_that_says_what_was_checked(tmp_path):
    done = run_here(check_data, write_splits(tmp_path / "mine", clean_entries()))
    assert done.returncode == 0 and not done.stderr
    assert "  train: 10 videos, 40,000 frames, " in done.stdout
    assert "nothing wrong found\nchecked: entries, events, classes, splits, rounding" in done.stdout
    assert "not checked: whether frames are there and of one size and rate (give FRAME_DIR)" in done.stdout


@pytest.mark.parametrize("options", [[], ["--read", "-j", 2]])
def test_clean_frames_are_found_clean(options, noise):
    done = run_here(check_data, *noise, *options)
    assert done.returncode == 0, done.stdout
    assert set(blocks(done)) <= {"warning: class-rare", "warning: class-missing"}
    assert "frames are there and of one size and rate" in done.stdout
    assert ("; each frame decodes" in done.stdout) == bool(options)


def test_the_demos_labels_are_found_clean():
    done = run_here(check_data, "futsal")
    assert done.returncode == 0 and set(blocks(done)) <= {"warning: class-rare"}


def test_the_futsal_groups_first_attempt_is_told_in_all_its_parts(tmp_path):
    splits = clean_entries(1, fps=30.0)
    videos = sum(splits.values(), [])
    for entry in videos:
        entry["events"].append(dict(entry["events"][0]))
        for event in entry["events"]:
            event["position"] = str(event["frame"])
            event["frame"] = event["frame"] // 30 * 30
        entry["num_events"] = len(entry["events"])
    dealt = {split: [entry | {"events": entry["events"][part::3]} for entry in videos]
             for part, split in enumerate(splits)}
    frames = tmp_path / "Frames" / "m0"
    for half in "12":
        (frames / half).mkdir(parents=True)
    for entries in dealt.values():
        entries[0]["video"] = "m0"

    dataset, file = write_splits(tmp_path / "mine", dealt), tmp_path / "a.json"
    done = run_here(check_data, dataset, tmp_path / "Frames", "--json", file)
    assert done.returncode == 1
    found = blocks(done)
    assert {"error: video-in-two-splits", "error: field-more-exact", "error: frames-rounded", "error: frames-in-halves",
            "warning: num-events", "warning: event-twice"} <= set(found)
    assert "stands in train" in found["error: video-in-two-splits"][0]
    assert "background" in found["error: video-in-two-splits"][-1]
    assert "make frame from position instead" in found["error: field-more-exact"][-1]
    assert "are multiples of 30 (1 s)" in found["error: frames-rounded"][0]
    assert "folders 1 and 2: a match in halves, labelled as one video" in found["error: frames-in-halves"][0]
    assert len(done.stdout.splitlines()) < 80
    value = read_json(file)
    assert value["errors"] + value["warnings"] == len(value["findings"]) > 42
    assert {f"{f['level']}: {f['check']}" for f in value["findings"]} == set(found)


def test_frames_that_do_not_go_with_the_labels_are_an_error(noise):
    (noise[1] / "cup" / "b_1" / "000007.jpg").unlink()
    shutil.rmtree(noise[1] / "cup" / "c_1")
    done = run_here(check_data, *noise)
    assert done.returncode == 1 and "error: frames-missing (2 times)" in done.stdout
    assert "b_1: 1 of 24 frames are missing, the first 000007.jpg" in done.stdout


def test_a_frame_that_has_lost_its_end_is_told_without_reading_all(noise):
    folder = noise[1] / "cup" / "b_1"
    record = {"num_frames": 24, "bytes": sum(path.stat().st_size for path in folder.glob("*.jpg"))}
    (folder / "video.json").write_text(json.dumps(record), encoding="utf-8")
    assert "frames-changed" not in run_here(check_data, *noise).stdout
    frame = folder / "000007.jpg"
    frame.write_bytes(frame.read_bytes()[:-100])
    done = run_here(check_data, *noise)
    assert done.returncode == 0 and "--read finds those" in blocks(done)["warning: frames-changed"][-1]
    frame.write_bytes(b"")
    done = run_here(check_data, *noise, "--read")
    assert done.returncode == 1 and len(blocks(done)["error: frame-unreadable"]) == 1


def test_a_broken_frame_is_found_with_read_alone_and_once_at_an_end(noise):
    (noise[1] / "cup" / "b_1" / "000007.jpg").write_bytes(b"")
    assert run_here(check_data, *noise).returncode == 0
    (noise[1] / "cup" / "a_1" / "000000.jpg").write_bytes(b"")
    done = run_here(check_data, *noise, "--read")
    assert done.returncode == 1 and "error: frame-unreadable (2 times)" in done.stdout


def test_pictures_and_motion(noise, tmp_path):
    sheet = tmp_path / "sheet"
    assert "among what is read" in user_error(run_here(check_data, *noise, "--sheet", noise[1]))
    done = run_here(check_data, *noise, "--motion", "--sheet", sheet, "--json", tmp_path / "a.json", "-j", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    written = {path.name for path in sheet.iterdir()}
    assert {"index.html", "plots.png"} <= written and any(name.startswith("sheet-01") for name in written)
    assert str(sheet / "index.html") in done.stdout
    page = (sheet / "index.html").read_text(encoding="utf-8")
    assert all(name in page for name in written - {"index.html"})
    notes = read_json(tmp_path / "a.json")["notes"]
    assert notes and all(note in done.stdout for note in notes)
    assert "; whether labels go with what moves (cannot be judged)" in done.stdout.split("not checked: ")[1]


def test_labels_alone_have_plots_too(tmp_path):
    done = run_here(check_data, write_splits(tmp_path / "mine", clean_entries()), "--sheet", tmp_path / "sheet")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "sheet").iterdir()} == {"index.html", "plots.png"}


def test_warnings_alone_are_no_failure(tmp_path):
    splits = clean_entries()
    splits["train"][0]["num_events"] = 7
    done = run_here(check_data, write_splits(tmp_path / "mine", splits))
    assert done.returncode == 0 and "1 warning\n" in done.stdout


def test_ten_thousand_findings_are_few_lines(tmp_path):
    splits = clean_entries(events=300, num_frames=9000)
    for entry in sum(splits.values(), []):
        for event in entry["events"]:
            event["label"] = "GOAL"
    done = run_here(check_data, write_splits(tmp_path / "mine", splits))
    assert done.returncode == 1 and len(done.stdout.splitlines()) < 40


@pytest.mark.parametrize(("args", "said"), [
    (["nowhere"], "no such dataset"), (["futsal", "no/frames"], "no such folder; FRAME_DIR"),
])
def test_bad_paths_are_one_line(args, said):
    assert said in user_error(run_here(check_data, *args))


@pytest.mark.parametrize("option", ["--read", "--motion"])
def test_what_needs_frames_says_so(option):
    done = run_here(check_data, "futsal", option)
    assert done.returncode == 2 and "need the FRAME_DIR" in done.stderr and "Traceback" not in done.stderr


def test_it_starts_without_torch():
    code = "import sys, check_data; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=REPO, check=False).returncode == 0


@pytest.mark.parametrize("dataset", ["tennis", "fs_comp", "fs_perf", "finediving"])
def test_real_labels_have_no_errors(dataset, shared):
    done = run_here(check_data, shared / "labels" / dataset)
    assert done.returncode == 0, done.stdout
    assert set(blocks(done)) <= {"warning: recording-in-two-splits", "warning: num-events", "warning: frames-rounded",
                                 "warning: match-in-doubt"}


def test_the_script_runs_by_itself(noise):
    done = run_script("check_data.py", *noise, "--json", noise[1] / "all.json")
    assert json.loads((noise[1] / "all.json").read_text(encoding="utf-8"))["errors"] == 0 and "checked: " in done.stdout
