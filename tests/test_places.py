"""Events outside the square that a network sees are counted where labels say where they are; else there is silence."""

import json
from pathlib import Path

import pytest
from clean_labels import clean_entries, labels_of, only, write_splits
from conftest import make_dataset, pattern_frame, run_here, write_image

import check_data
from checks.checked_splits import read_checked_splits
from checks.places import place_findings
from dataset.training_data import fingerprint
from util.io import read_json

MIDDLE, WING, CORNER = [0.5, 0.5], [0.12, 0.5], [0.5, 0.99]  # of 64x48 pixels; a square of 48 begins at 0.125 of 64


@pytest.fixture
def frames(tmp_path):
    for entries in clean_entries().values():
        for entry in entries:
            write_image(tmp_path / "F" / entry["video"] / "000000.jpg", pattern_frame(0, 64, 48))
    return tmp_path / "F"


def planted(places):
    """Clean labels in which the first events of each class have these places: {class: [xy, ...]}."""
    splits = clean_entries()
    left = {name: list(some) for name, some in places.items()}
    for event in (event for entries in splits.values() for entry in entries for event in entry["events"]):
        if left.get(event["label"]):
            event["xy"] = left[event["label"]].pop()
    assert not any(left.values())
    return splits


def test_of_a_class_of_which_one_in_twenty_lies_outside_nothing_is_found_and_of_more_a_warning(frames, tmp_path):
    splits = planted({"PASS": [WING, *[MIDDLE] * 19], "DRIVE": [WING, *[[0.13, 0.01]] * 18]})
    (line,), found = place_findings(labels_of(tmp_path / "data", splits), frames, 48)
    assert line.endswith(": 1 of 19 DRIVE, 1 of 20 PASS")
    found = only(found, "warning", "events-not-seen")
    assert found.where.endswith("data: DRIVE") and "--crop_dim 0" in found.advice
    assert found.message == "1 of 19 events with a place lie outside the middle 48x48 pixels"


@pytest.mark.parametrize(("crop", "outside"), [(64, 0), (48, 1), (46, 2), (100, 0)])
def test_what_is_outside_hangs_on_the_square_and_on_both_sides_of_the_frame(crop, outside, frames, tmp_path):
    splits = planted({"PASS": [MIDDLE, WING, CORNER]})
    (line,), _ = place_findings(labels_of(tmp_path / "data", splits), frames, crop)
    assert line.endswith(f": {outside} of 3 PASS")


def test_without_places_there_is_silence_and_videos_without_frames_are_left_out(frames, tmp_path):
    assert place_findings(labels_of(tmp_path / "data", clean_entries()), frames, 48) == ([], [])
    splits = planted({"PASS": [WING]})
    assert place_findings(labels_of(tmp_path / "placed", splits), tmp_path / "none", 48) == ([], [])


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0 cut off"])
def test_videos_with_a_broken_first_frame_are_left_out(content, frames, tmp_path):
    labels = labels_of(tmp_path / "data", planted({"PASS": [WING]}))
    for path in frames.rglob("000000.jpg"):
        path.write_bytes(content)
    assert place_findings(labels, frames, 48) == ([], [])


@pytest.fixture
def data(tmp_path):
    """A dataset with frames of 64x48, in which all events of a class are on a wing."""
    folder, frame_dir = make_dataset(tmp_path, {"train": ["a_1"], "val": ["b_1"], "test": ["c_1"]}, num_frames=24)
    for path in Path(folder).glob("*.json"):
        entries = json.loads(path.read_text(encoding="utf-8"))
        for event in entries[0]["events"]:
            event["xy"] = {"PASS": WING, "DRIVE": MIDDLE}[event["label"]]
        path.write_text(json.dumps(entries), encoding="utf-8")
    return folder, frame_dir


def test_check_data_says_it_of_the_crop_that_it_is_told(data, tmp_path):
    done = run_here(check_data, *data, "--crop_dim", 48, "--json", tmp_path / "a.json")
    assert done.returncode == 0, done.stderr
    assert "outside the middle 48x48 pixels of the frames, by the places in the labels: " in done.stdout
    assert "warning: events-not-seen" in done.stdout and f"{data[0]}: PASS: " in done.stdout
    assert any("PASS" in note for note in read_json(tmp_path / "a.json")["notes"])
    assert "outside the middle" not in run_here(check_data, *data).stdout
    done = run_here(check_data, data[0], "--crop_dim", 48)
    assert done.returncode == 2 and "--crop_dim need the FRAME_DIR" in done.stderr


def test_a_training_on_a_crop_warns_and_one_on_whole_frames_has_no_reason_to(data, capsys):
    read_checked_splits(*data, 48)
    said = capsys.readouterr().err
    assert "warning: events-not-seen: " in said and "lie outside the middle 48x48 pixels" in said
    _, splits = read_checked_splits(*data, None)
    assert "events-not-seen" not in capsys.readouterr().err
    without = [entry | {"events": [{key: event[key] for key in ("frame", "label")} for event in entry["events"]]}
               for entry in splits["train"]]
    assert fingerprint(splits["train"], False) == fingerprint(without, False)  # nothing that is learned


def test_a_place_that_is_none_is_an_error_of_the_labels(tmp_path):
    splits = planted({"PASS": [[512, 300]]})
    done = run_here(check_data, write_splits(tmp_path / "data", splits))
    assert done.returncode == 1 and "xy is [512, 300]; it must be [x, y], shares from 0 to 1" in done.stdout
