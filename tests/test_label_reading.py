"""Reading labels leniently: all that is wrong is told with its place, and the rest is read."""

import pytest
from clean_labels import clean_entries, labels_of, only, write_splits

from checks.label_reading import read_dataset
from dataset.labels import read_split
from util.errors import UserError


def test_clean_labels_are_read_whole(tmp_path):
    splits = clean_entries()
    labels = labels_of(tmp_path / "mine", splits)
    assert not labels.findings and labels.classes == ["DRIVE", "PASS"] and labels.splits == ["train", "val", "test"]
    assert [video.name for video in labels.of_split("val")] == ["m5_1", "m5_2"]
    for video, entry in zip(labels.videos, sum(splits.values(), []), strict=True):
        assert video.events == entry["events"] and video.num_frames == 4000 and video.fps == 25
        assert video.frames.tolist() == [event["frame"] for event in entry["events"]]
    assert labels.videos[0].place(2) == (f"{tmp_path / 'mine' / 'train.json'}: video 'm0_1': events[2] "
                                         f"(frame {splits['train'][0]['events'][2]['frame']})")


def test_unknown_rates_and_sizes_are_none(tmp_path):
    splits = clean_entries()
    splits["train"][0]["fps"] = -1
    del splits["train"][0]["width"], splits["train"][1]["fps"]
    first, second, third = labels_of(tmp_path, splits).videos[:3]
    assert first.fps is first.size is second.fps is None
    assert second.size == third.size == (398, 224) and third.fps == 25


EVENTS = {
    "event-past-end": [{"frame": 4000, "label": "PASS"}, {"frame": -1, "label": "PASS"}],
    "unknown-class": [{"frame": 10, "label": "GOAL"}, {"frame": 10, "label": "pass"}],
    "event-malformed": [7, {"frame": 10}, {"frame": "10", "label": "PASS"}, {"frame": 10.5, "label": "PASS"},
                        {"frame": True, "label": "PASS"}, {"frame": 10, "label": " "}, {"label": "PASS"}],
}


@pytest.mark.parametrize(("check", "event"), [(check, event) for check in EVENTS for event in EVENTS[check]])
def test_an_event_that_is_none_is_told_and_passed_over(check, event, tmp_path):
    splits = clean_entries()
    entry = splits["val"][1]
    rest = list(entry["events"])
    entry["events"].insert(3, event)
    entry["num_events"] += 1
    labels = labels_of(tmp_path, splits)
    assert "val.json: video 'm5_2': events[3]" in only(labels.findings, "error", check).where
    video = labels.of_split("val")[1]
    assert video.events == rest and video.indices == [*range(3), *range(4, len(rest) + 1)]
    with pytest.raises(UserError):  # what a training would say
        read_split(str(tmp_path), "val")


def test_messages_of_events_say_what_would_be_right(tmp_path):
    splits = clean_entries()
    splits["train"][0]["events"] += [{"frame": 4000, "label": "PASS"}, {"frame": 9, "label": "GOAL"}]
    splits["train"][0]["num_events"] += 2
    past, unknown = labels_of(tmp_path, splits).findings
    assert past.where.endswith("(frame 4000)") and "frames are 0 to 3999" in past.message
    assert "'GOAL' is not in class.txt (DRIVE, PASS)" in unknown.message


@pytest.mark.parametrize("change", [
    {"video": ""}, {"video": None}, {"video": "a\\b"}, {"video": "../a"}, {"num_frames": 0}, {"num_frames": "40"},
    {"num_frames": True}, {"num_frames": 10**30}, {"fps": "25"}, {"events": None}, {"events": {}},
])
def test_an_entry_that_is_none_is_told_and_the_others_are_read(change, tmp_path):
    splits = clean_entries()
    splits["train"][1] |= change
    labels = labels_of(tmp_path, splits)
    assert "train.json: " in only(labels.findings, "error", "entry-malformed").where
    assert len(labels.videos) == 13
    with pytest.raises(UserError):
        read_split(str(tmp_path), "train")


def test_all_defects_are_told_and_not_the_first_alone(tmp_path):
    splits = clean_entries()
    for entry in splits["train"]:
        entry["events"][0]["frame"] = 5000
        entry["events"][1]["label"] = "GOAL"
    splits["val"] = {"video": "m5_1"}
    splits["test"].append(5)
    checks = [finding.check for finding in labels_of(tmp_path, splits).findings]
    assert checks == ["event-past-end", "unknown-class"] * 10 + ["no-list", "entry-malformed"]


def test_files_that_cannot_be_read_are_told(tmp_path):
    write_splits(tmp_path, clean_entries())
    (tmp_path / "val.json").write_text("[{,", encoding="utf-8")
    (tmp_path / "test.json").write_text("[]", encoding="utf-8")
    (tmp_path / "notes.json").write_text("{}", encoding="utf-8")
    (tmp_path / "class.txt").unlink()
    labels = read_dataset(str(tmp_path))
    assert [(f.level, f.check) for f in labels.findings] == [
        ("error", "class-file"), ("error", "no-json"), ("error", "no-list"), ("warning", "no-list")]
    assert "line 1, column 3" in labels.findings[1].message and labels.findings[1].where.endswith("val.json")
    assert len(labels.videos) == 10 and not labels.classes


def test_a_video_that_stands_twice_in_a_split_is_told(tmp_path):
    splits = clean_entries()
    splits["train"].append(splits["train"][3])
    found = only(labels_of(tmp_path, splits).findings, "error", "video-twice")
    assert "'m1_2'" in found.where and "entry 10" in found.message


def test_a_wrong_number_of_events_is_told(tmp_path):
    splits = clean_entries()
    splits["test"][0]["num_events"] += 2
    count = len(splits["test"][0]["events"])
    found = only(labels_of(tmp_path, splits).findings, "warning", "num-events")
    assert found.message == f"num_events is {count + 2}, but it has {count} events"


def test_a_missing_split_is_told(tmp_path):
    splits = clean_entries()
    del splits["val"]
    assert only(labels_of(tmp_path, splits).findings, "warning", "split-missing").where.endswith("val.json")


def test_an_unknown_dataset_is_refused():
    with pytest.raises(UserError, match="no such dataset"):
        read_dataset("nowhere")


def test_clips_tell_what_they_were_cut_from(tmp_path):
    splits = clean_entries(num_frames=300, events=10)
    names = ["final_2020_1000_1300", "final_2020_1300_1600", "final_2020_1_2", "cup/semi_0_300"]
    for entry, name in zip(splits["train"], names, strict=False):
        entry["video"] = name
    recordings = labels_of(tmp_path, splits).recording_of
    assert [recordings[name] for name in names] == ["final_2020", "final_2020", "final_2020_1_2", "cup/semi"]
