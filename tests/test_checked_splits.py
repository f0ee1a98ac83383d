"""What a training is given: splits that the quick checks let through, with warnings in few lines."""

import json
import shutil
from pathlib import Path

import pytest

from checks.checked_splits import read_checked_splits
from dataset import labels
from dataset.labels import read_split
from util.errors import UserError


@pytest.fixture
def data(tiny, tmp_path):
    """A copy of the tiny dataset that may be changed; dataset argument and frame folder."""
    return str(shutil.copytree(tiny[0], tmp_path / "data")), tiny[1]


def change(data, split, edit):
    path = Path(data[0]) / f"{split}.json"
    entries = json.loads(path.read_text(encoding="utf-8"))
    edit(entries)
    path.write_text(json.dumps(entries), encoding="utf-8")


def complaint(data, crop=None):
    with pytest.raises(UserError) as caught:
        read_checked_splits(*data, crop)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_splits_are_those_of_the_files(tiny, capsys):
    classes, splits = read_checked_splits(*tiny, None)
    assert classes == ["DRIVE", "PASS"]
    assert splits == {name: read_split(tiny[0], name) for name in ("train", "val", "test")}
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) <= 6 and all(line.startswith("warning: class-") for line in lines[:-1])
    assert lines[-1] == f"python check_data.py {tiny[0]} {tiny[1]} tells more"


def test_ten_kinds_of_warnings_are_few_lines(data, capsys):
    def spoil(entries):
        events = entries[0]["events"]
        events += [dict(events[0]), {"frame": events[0]["frame"] + 1, "label": events[0]["label"]}]
        events.append({"frame": events[1]["frame"], "label": "PASS" if events[1]["label"] == "DRIVE" else "DRIVE"})
        entries[0] |= {"width": 1, "num_frames": 23, "video": "cup/a_1"}

    change(data, "train", spoil)
    read_checked_splits(*data, None)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6 and "of warnings; python check_data.py" in lines[-1]


def test_an_error_of_the_labels_stops_and_says_which_command_tells_more(data):
    train = []
    change(data, "train", train.extend)
    change(data, "val", lambda entries: entries.append(train[0] | {"events": []}))
    message = complaint(data)
    assert "video 'cup/a_1': stands in train (2 events), val (0 events)" in message
    assert message.endswith(f"; python check_data.py {data[0]} {data[1]} tells more")


def test_several_errors_are_counted(data):
    train = []
    change(data, "train", train.extend)
    change(data, "val", lambda entries: entries.extend(train))
    assert "(1 more error)" in complaint(data)


def test_missing_frames_stop_it(data, tmp_path):
    message = complaint((data[0], tmp_path / "no frames"))
    assert "no frames of this video" in message
    assert message.endswith(f'python check_data.py {data[0]} "{tmp_path / "no frames"}" tells more')


@pytest.mark.parametrize("split", ["train", "val"])
def test_labels_that_cannot_be_read_stop_it(split, data):
    change(data, split, lambda entries: entries[0]["events"].append({"frame": 99, "label": "PASS"}))
    assert f"{split}.json: video" in complaint(data)


def test_a_test_split_with_errors_is_left_out_with_a_note(data, capsys):
    change(data, "test", lambda entries: entries[0]["events"].append({"frame": 99, "label": "PASS"}))
    assert list(read_checked_splits(*data, None)[1]) == ["train", "val"]
    assert "no results on test at the end: " in capsys.readouterr().err


def test_each_split_is_read_once(data, monkeypatch):
    read, paths = labels.read_json, []
    monkeypatch.setattr(labels, "read_json", lambda path: paths.append(path.name) or read(path))
    assert list(read_checked_splits(*data, None)[1]) == ["train", "val", "test"]
    assert paths == ["train.json", "val.json", "test.json"]
