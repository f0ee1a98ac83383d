"""Each defect in the events and splits of clean labels is found, and it alone; clean labels are found clean."""

import pytest
from clean_labels import clean_entries, labels_of, only

from checks.label_checks import event_findings
from checks.label_reading import read_dataset


@pytest.fixture
def splits():
    return clean_entries()


def findings(folder, splits, classes=("DRIVE", "PASS")):
    for entries in splits.values():
        for entry in entries:
            entry["num_events"] = len(entry["events"])
    return event_findings(labels_of(folder, splits, list(classes)))


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_found_in_clean_labels(seed, tmp_path):
    assert not findings(tmp_path, clean_entries(seed))


def test_the_same_event_twice(splits, tmp_path):
    entry = splits["train"][2]
    entry["events"].append(dict(entry["events"][7], team="BRA"))
    found = only(findings(tmp_path, splits), "warning", "event-twice")
    frame, label = entry["events"][7]["frame"], entry["events"][7]["label"]
    assert found.where.endswith(f"train.json: video 'm1_1': events[{len(entry['events']) - 1}] (frame {frame})")
    assert found.message == f"the same {label} stands at events[7]" and "missed" in found.advice


def test_two_classes_on_one_frame(splits, tmp_path):
    entry = splits["val"][0]
    event = entry["events"][4]
    other = {"DRIVE": "PASS", "PASS": "DRIVE"}[event["label"]]
    entry["events"].insert(5, {"frame": event["frame"], "label": other})
    found = only(findings(tmp_path, splits), "warning", "two-classes-on-a-frame")
    assert "'m5_1': events[5]" in found.where
    assert found.message == f"{other}, but events[4] says {event['label']} on the same frame"


@pytest.mark.parametrize(("gap", "is_found"), [(1, True), (2, True), (3, False)])
def test_events_of_a_class_closer_than_nms_keeps(gap, is_found, splits, tmp_path):
    entry = splits["test"][0]
    event = entry["events"][9]
    entry["events"].append({"frame": event["frame"] + gap, "label": event["label"]})
    there = findings(tmp_path, splits)
    if is_found:
        found = only(there, "warning", "events-too-close")
        assert f"events[9], frame {event['frame']}" in found.message and "non-maximum suppression" in found.advice
    else:
        assert not there


def test_two_classes_may_be_close(splits, tmp_path):
    event = splits["test"][0]["events"][9]
    other = {"DRIVE": "PASS", "PASS": "DRIVE"}[event["label"]]
    splits["test"][0]["events"].append({"frame": event["frame"] + 1, "label": other})
    assert not findings(tmp_path, splits)


def test_a_video_dealt_over_splits(splits, tmp_path):
    entry = splits["train"][0]
    parts = entry["events"][::3], entry["events"][1::3], entry["events"][2::3]
    for split, part in zip(("val", "test"), parts[1:], strict=True):
        splits[split].append(entry | {"events": part})
    entry["events"] = parts[0]
    found = only(findings(tmp_path, splits), "error", "video-in-two-splits")
    assert found.where.endswith("{train.json,val.json,test.json}: video 'm0_1'")
    assert f"train ({len(parts[0])} events), val ({len(parts[1])} events)" in found.message
    assert "background" in found.advice


def test_a_match_in_two_splits(splits, tmp_path):
    splits["val"].append(splits["train"].pop(3))
    found = only(findings(tmp_path, splits), "warning", "match-in-two-splits")
    assert found.message == "m1_1 in train; m1_2 in val" and "{train.json,val.json}: match 'm1'" in found.where


def test_numbered_videos_are_no_halves(splits, tmp_path):
    videos = [entry for split in ("train", "val", "test") for entry in splits[split]]
    for number, entry in enumerate(videos):
        entry["video"] = f"dive_{number + 1}"
    assert not findings(tmp_path, splits)


def test_names_that_differ_by_a_number_and_may_be_parts_of_one_match(splits, tmp_path):
    splits["train"][0]["video"], splits["test"][0]["video"] = "cup_red_blue_cam1", "cup_red_blue_cam2"
    found = only(findings(tmp_path, splits), "warning", "match-in-doubt")
    assert "'cup_red_blue_cam1' is in train and 'cup_red_blue_cam2' in test" in found.message


def test_clips_of_one_recording_in_two_splits(splits, tmp_path):
    splits["train"][0]["video"], splits["test"][0]["video"] = "final_2020_0_4000", "final_2020_9000_13000"
    found = only(findings(tmp_path, splits), "warning", "recording-in-two-splits")
    assert found.message == "1 in train and 1 in test" and "clips of 'final_2020'" in found.where


def test_halves_with_the_same_events(splits, tmp_path):
    splits["train"][1]["events"] = splits["train"][0]["events"]
    found = only(findings(tmp_path, splits), "error", "same-events")
    assert "'m0_1'" in found.where and "as 'm0_2' in train" in found.message


def test_two_matches_with_the_same_events(splits, tmp_path):
    splits["val"][0]["events"] = splits["train"][0]["events"]
    only(findings(tmp_path, splits), "warning", "same-events")


def test_events_as_regular_as_a_clock_may_be_the_same(splits, tmp_path):
    for entry in splits["train"]:
        frames = range(9, 3999, 50)
        entry["events"] = [{"frame": frame, "label": ("PASS", "DRIVE")[frame % 100 > 50]} for frame in frames]
    assert not findings(tmp_path, splits)


def test_two_halves_in_one_list(splits, tmp_path):
    first, second = splits["train"][:2]
    first["events"] += second["events"]
    del splits["train"][1]
    there = findings(tmp_path, splits)
    found = next(finding for finding in there if finding.check == "halves-mixed")
    assert found.level == "warning" and "as where two halves are labelled as one video" in found.message
    assert {f.check for f in there} <= {"halves-mixed", "event-twice", "two-classes-on-a-frame", "events-too-close"}


@pytest.mark.parametrize("key", ["label", "team"])
def test_a_list_sorted_by_class_or_team_is_no_second_half(key, splits, tmp_path):
    entry = splits["train"][0]
    for index, event in enumerate(entry["events"]):
        event["team"] = "ARG" if index % 2 else "BRA"
    entry["events"].sort(key=lambda event: (event[key], event["frame"]))
    assert not findings(tmp_path, splits)


def test_game_times_of_the_other_half(splits, tmp_path):
    for split in splits.values():
        for entry in split:
            for event in entry["events"]:
                event["gameTime"] = f"{entry['video'][-1]} - {event['frame'] // 25 // 60:02d}:00"
    assert not findings(tmp_path, splits)
    splits["train"][0]["events"][-4]["gameTime"] = "2 - 01:00"
    found = only(findings(tmp_path, splits), "error", "halves-mixed")
    assert "'2 - 01:00'" in found.message and f"events[{len(splits['train'][0]['events']) - 4}]" in found.where


def test_a_whole_match_in_one_video_may_have_both_halves(splits, tmp_path):
    entry = splits["train"][0]
    entry["video"] = "final"
    for event in entry["events"]:
        event["gameTime"] = f"{1 if event['frame'] < 2000 else 2} - 00:10"
    assert not findings(tmp_path, splits)
    entry["events"][-1]["frame"] = 7  # of its half, and not of the video
    only(findings(tmp_path, splits), "error", "halves-mixed")


def test_a_class_without_events(splits, tmp_path):
    found = only(findings(tmp_path, splits, ("DRIVE", "GOAL", "PASS")), "warning", "class-without-events")
    assert found.where.endswith("class.txt: GOAL")


def test_a_rare_class_that_is_another_one_misspelt(splits, tmp_path):
    splits["train"][0]["events"][0]["label"] = "PAS"
    there = findings(tmp_path, splits, ("DRIVE", "PAS", "PASS"))
    found = next(one for one in there if one.check == "class-like-another")
    assert found.where.endswith(": PAS") and "1 event, while PASS has" in found.message


@pytest.mark.parametrize(("fps", "is_found"), [(50, True), (15, True), (30, False), (-1, False)])
def test_a_match_at_another_rate(fps, is_found, splits, tmp_path):
    for entry in splits["train"][:2]:
        entry["fps"] = fps
    there = findings(tmp_path, splits)
    if is_found:
        found = only(there, "warning", "rates-differ")
        assert f"'m0_1' has {fps} frames per second, and most videos have 25 (and 1 more such)" in found.message
        assert "prepare_data.py --fps 25" in found.advice
    else:
        assert not there


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_class_missing_from_a_split(split, splits, tmp_path):
    for entry in splits[split]:
        entry["events"] = [event for event in entry["events"] if event["label"] != "DRIVE"]
    found = only(findings(tmp_path, splits), "warning", "class-missing")
    assert found.where.endswith(f"{split}.json: DRIVE") and "no event of it" in found.message
    assert ("not learned" in found.advice) == (split == "train")


def test_a_class_too_rare_to_judge_by_with_its_uncertainty(splits, tmp_path):
    kept = 0
    for entry in splits["test"]:
        for event in list(entry["events"]):
            kept += event["label"] == "DRIVE"
            if event["label"] == "DRIVE" and kept > 16:
                entry["events"].remove(event)
    found = only(findings(tmp_path, splits), "warning", "class-rare")
    assert found.where.endswith("test.json: DRIVE")
    assert "only 16 events" in found.message and "uncertain by 12 points" in found.message  # sqrt(0.25 / 16) = 0.125


@pytest.mark.parametrize("dataset", ["tennis", "fs_comp", "fs_perf", "finediving"])
def test_no_error_is_found_in_real_labels(dataset, shared):
    labels = read_dataset(str(shared / "labels" / dataset))
    assert sum(len(video.events) for video in labels.videos) > 3000
    assert {(f.level, f.check) for f in event_findings(labels)} <= {
        ("warning", "num-events"), ("warning", "recording-in-two-splits"), ("warning", "match-in-doubt")}
