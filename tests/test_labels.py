import json

import pytest
from conftest import REPO, make_dataset

from dataset import labels
from util.errors import UserError


def entry(**changes):
    good = {"video": "a_1", "num_frames": 100, "events": [{"frame": 99, "label": "PASS"}]}
    return {key: value for key, value in (good | changes).items() if value is not ...}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "class.txt").write_text("DRIVE\nPASS\n", encoding="utf-8")
    return tmp_path


def read(folder, entries):
    (folder / "train.json").write_text(json.dumps(entries), encoding="utf-8")
    return labels.read_split(str(folder), "train")


def test_a_bare_name_is_below_data_and_anything_with_a_slash_is_a_path():
    assert labels.dataset_dir("futsal") == REPO / "data" / "futsal"
    assert labels.dataset_dir("./mine").name == "mine" and not labels.dataset_dir("./mine").is_absolute()
    assert labels.dataset_dir(str(REPO)) == REPO


def test_classes_keep_the_order_of_the_file(folder):
    (folder / "class.txt").write_bytes(b"\xef\xbb\xbfSHOT \r\n\r\nPASS\r\n  \r\nHIGH PASS\r\n")
    assert labels.read_classes(str(folder)) == ["SHOT", "PASS", "HIGH PASS"]


@pytest.mark.parametrize("content, said", [(b"PASS\nDRIVE\nPASS\n", "PASS stands there more than once"),
                                           (b"\n \n", "is empty"), (b"\xff\xfe", "UTF-8")])
def test_a_class_file_with_nothing_or_a_name_twice_is_refused(folder, content, said):
    (folder / "class.txt").write_bytes(content)
    with pytest.raises(UserError, match=rf"class\.txt: .*{said}"):
        labels.read_classes(str(folder))


def test_unknown_datasets_and_splits_name_those_that_there_are(folder, monkeypatch):
    monkeypatch.setattr(labels, "DATA_DIR", folder.parent)
    with pytest.raises(UserError, match=rf"soccer: no such dataset; there are: .*{folder.name}"):
        labels.read_split("soccer", "train")
    with pytest.raises(UserError, match=r"val\.json: no such split; .*: none$"):
        labels.read_split(str(folder), "val")
    with pytest.raises(UserError, match=r"train\.json: has no video in it"):
        read(folder, [])
    with pytest.raises(UserError, match=r"val\.json: no such split; .*: train$"):
        labels.read_split(folder.name, "val")
    (folder / "class.txt").unlink()
    with pytest.raises(UserError, match=r"class\.txt: no such file"):
        labels.read_split(str(folder), "train")


def test_entries_come_back_untouched_whatever_else_they_hold(folder):
    entries = [
        entry(fps=-1, num_events=17, _source_info={"a": [1]}),
        entry(video="cup/b_2", fps=29.97, height=224,
              events=[{"frame": 5, "label": "DRIVE", "team": "BRA"}, {"label": "PASS", "frame": 0}]),
        entry(video="c", events=[]),
    ]
    assert read(folder, entries) == entries


@pytest.mark.parametrize("bad, said", [
    ({}, "must be a list"),
    ([entry(), 5], "entry 1: must be an object"),
    ([entry(video=...)], "entry 0: has no video"),
    ([entry(video=7)], "entry 0: has no video"),
    ([entry(video="../a")], "'../a': is no path below"),
    ([entry(video="/a")], "is no path below"),
    ([entry(video="C:/a")], "is no path below"),
    ([entry(video="a\\b")], "is no path below"),
    ([entry(video="a//b")], "is no path below"),
    ([entry(), entry()], "'a_1': stands there twice"),
    ([entry(num_frames=...)], "'a_1': num_frames is missing"),
    ([entry(num_frames=0)], "num_frames is 0"),
    ([entry(), entry(video="e\u0301"), entry(video="\u00e9")], "stands there twice, the second time as entry 2"),
    ([entry(num_frames=100.5)], "num_frames is 100.5"),
    ([entry(num_frames=10**9)], "num_frames is 1000000000; .* at most 10,000,000"),
    ([entry(num_frames=True)], "num_frames is true"),
    ([entry(fps="25")], "fps is \"25\""),
    ([entry(events=...)], "'a_1': events is missing"),
    ([entry(events={})], "events is {}"),
    ([entry(events=[{"frame": 3, "label": "PASS"}, "PASS"])], r"'a_1': events\[1\]: must be an object"),
    ([entry(events=[{"label": "PASS"}])], r"events\[0\]: frame is missing"),
    ([entry(events=[{"frame": True, "label": "PASS"}])], "frame is true"),
    ([entry(events=[{"frame": 3.5, "label": "PASS"}])], "frame is 3.5"),
    ([entry(events=[{"frame": "3", "label": "PASS"}])], "frame is \"3\""),
    ([entry(events=[{"frame": -1, "label": "PASS"}])], r"\(frame -1\): PASS is not in .*, whose frames are 0 to 99"),
    ([entry(events=[{"frame": 100, "label": "PASS"}])], r"'a_1': events\[0\] \(frame 100\): PASS is not in the video"),
    ([entry(events=[{"frame": 3}])], r"events\[0\] \(frame 3\): label is missing"),
    ([entry(events=[{"frame": 3, "label": 1}])], "label is 1"),
    ([entry(events=[{"frame": 3, "label": "SHOT"}])], r"events\[0\] \(frame 3\): label 'SHOT' is not in"),
])
def test_a_bad_split_is_refused_by_file_video_and_event(folder, bad, said):
    with pytest.raises(UserError, match=rf"train\.json: .*{said}"):
        read(folder, bad)


@pytest.mark.parametrize("name, videos, events", [
    ("tennis", 3445, 33791), ("fs_comp", 371, 3674), ("fs_perf", 371, 3674), ("finediving", 3000, 7010)
])
def test_real_label_sets_are_read_whole(shared, name, videos, events):
    entries = [e for split in labels.SPLITS for e in labels.read_split(str(shared / "labels" / name), split)]
    assert len(entries) == videos and sum(len(e["events"]) for e in entries) == events


def test_a_dataset_is_written_read_back_and_not_written_again(tmp_path):
    folder = tmp_path / "data" / "mine"
    splits = {"train": [entry(fps=25.0, note="Malm\u00f6")], "val": [entry(video="b", events=[])], "test": []}
    assert labels.write_dataset(folder, ["PASS"], splits, overwrite=False)
    assert sorted(path.name for path in folder.iterdir()) == ["class.txt", "train.json", "val.json"]
    assert labels.read_split(str(folder), "train") == splits["train"]
    assert labels.read_split(str(folder), "val") == splits["val"]
    assert (folder / "train.json").read_text(encoding="utf-8").count("\n") == 5  # a line per video and event
    stamps = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    (folder / "val.json").write_bytes((folder / "val.json").read_bytes().replace(b"\n", b"\r\n"))  # by git
    stamps.pop(folder / "val.json")
    assert not labels.write_dataset(folder, ["PASS"], splits, overwrite=False)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())


def test_a_label_that_cannot_be_written_leaves_no_file_behind(tmp_path):
    splits = {"train": [entry()], "val": [entry(video="b", events=[{"frame": 1, "label": "PA\ud800"}])], "test": []}
    with pytest.raises(UserError, match=r"val\.json: video 'b': events\[0\] \(frame 1\): label .* cannot be printed"):
        labels.write_dataset(tmp_path, ["PASS", "PA\ud800"], splits, overwrite=False)
    with pytest.raises(UserError, match="cannot be printed"):
        labels.write_dataset(tmp_path, ["PASS", "PA\ud800"], {"train": [entry()]}, overwrite=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_replacement_that_is_cut_off_is_never_read_half_and_completed_by_the_next(tmp_path, monkeypatch, after):
    folder = tmp_path / "mine"
    old = {"train": [entry()], "val": [entry(video="b")], "test": [entry(video="c")]}
    new = {"train": [entry(video="b")], "val": [entry(video="c"), entry(video="d")], "test": []}
    labels.write_dataset(folder, ["PASS"], old, overwrite=False)
    rename, calls = labels.rename, []

    def cut_off(*paths):
        if len(calls) == after:
            raise KeyboardInterrupt
        calls.append(paths)
        rename(*paths)

    monkeypatch.setattr(labels, "rename", cut_off)
    if after < 3:  # the folder of new files, train.json, val.json
        with pytest.raises(KeyboardInterrupt):
            labels.write_dataset(folder, ["PASS"], new, overwrite=True)
    else:
        labels.write_dataset(folder, ["PASS"], new, overwrite=True)
    monkeypatch.setattr(labels, "rename", rename)
    if after in (1, 2):
        with pytest.raises(UserError, match=r"mine: .* prepare_data.py was ended while it replaced them; run it again"):
            labels.read_split(str(folder), "train")
        with pytest.raises(UserError, match="run it again"):
            labels.read_classes(str(folder))
        assert not labels.write_dataset(folder, ["PASS"], new, overwrite=False)
    there = {split: labels.read_split(str(folder), split) for split in labels.SPLITS
             if (folder / f"{split}.json").exists()}
    assert there == (old if after == 0 else {split: entries for split, entries in new.items() if entries})
    assert all(path.is_file() and not path.name.startswith(".") for path in folder.iterdir())


def test_another_dataset_is_replaced_only_when_told_to(tmp_path):
    splits = {"train": [entry()], "val": [entry(video="b")], "test": [entry(video="c")]}
    labels.write_dataset(tmp_path, ["PASS"], splits, overwrite=False)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    other = {"train": [entry(events=[])], "val": [entry(video="b")], "test": []}
    with pytest.raises(UserError, match=r"\(test\.json, train\.json would change, by 'a_1'\).*--overwrite"):
        labels.write_dataset(tmp_path, ["PASS"], other, overwrite=False)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert labels.write_dataset(tmp_path, ["PASS"], other, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["class.txt", "train.json", "val.json"]
    assert labels.read_split(str(tmp_path), "train") == other["train"]


def test_the_dataset_maker_of_the_tests_makes_a_good_dataset(tmp_path):
    data, frames = make_dataset(tmp_path, {"train": ["a_1", "cup/b_1"], "val": ["c_1"]}, num_frames=12)
    for split in ("train", "val"):
        for made in labels.read_split(data, split):
            assert len(list((frames / made["video"]).glob("*.jpg"))) == 12 and made["events"]
