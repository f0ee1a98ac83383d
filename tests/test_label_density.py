"""Splits, halves and ends of videos with far too few events are found; those that chance makes uneven are not."""

import re

import pytest
from clean_labels import clean_entries, labels_of, only

from checks.label_checks import event_findings
from checks.label_density import density_findings
from checks.label_reading import read_dataset


def thin(entries, keep_one_in):
    for entry in entries:
        entry["events"] = entry["events"][::keep_one_in]


def test_false_alarms_are_rare(tmp_path):
    alarms = [bool(density_findings(labels_of(tmp_path, clean_entries(seed, uneven=uneven))))
              for seed in range(25) for uneven in (0.1, 0.4)]
    assert sum(alarms) <= 3  # of 50


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_split_that_is_labelled_in_part(split, tmp_path):
    splits = clean_entries(2, uneven=0.1)
    thin(splits[split], 4)
    there = density_findings(labels_of(tmp_path, splits))
    assert {(f.level, f.check) for f in there} == {("warning", "density-of-split")}
    found = next(f for f in there if f.where.endswith(f"{split}.json"))
    number, others = map(float, re.match(r"([\d.]+) events .* splits ([\d.]+);", found.message).groups())
    assert 3 < others / number < 5 and "by chance once in" in found.message and "labelled" in found.advice


def test_a_class_that_is_labelled_in_train_alone(tmp_path):
    splits = clean_entries(2, matches=14, uneven=0.1)
    for entry in splits["val"] + splits["test"]:
        kept = [event for event in entry["events"] if event["label"] == "DRIVE"][::8]
        entry["events"] = [event for event in entry["events"] if event["label"] == "PASS" or event in kept]
    there = density_findings(labels_of(tmp_path, splits))
    assert {f.check for f in there} == {"density-of-split"} and any(f.where.endswith("json: DRIVE") for f in there)


@pytest.mark.parametrize("half", [0, 1])
def test_a_half_without_labels(half, tmp_path):
    splits = clean_entries(2)
    splits["train"][2 + half]["events"] = []
    found = only(density_findings(labels_of(tmp_path, splits)), "warning", "density-of-half")
    assert f"video 'm1_{half + 1}'" in found.where and found.message.startswith("0 events in 4000 frames")
    assert f"'m1_{2 - half}'" in found.message and "both halves" in found.advice


def test_a_half_with_the_events_of_both(tmp_path):
    splits = clean_entries(2)
    first, second = splits["train"][4:6]
    first["events"] = first["events"] + second["events"]
    second["events"] = second["events"][:1]
    found = density_findings(labels_of(tmp_path, splits))[0]
    assert found.check == "density-of-half" and "'m2_2'" in found.where


@pytest.mark.parametrize("part", ["after the last event", "before the first event"])
def test_labels_that_stop_early_or_begin_late(part, tmp_path):
    splits = clean_entries(2, num_frames=10_000, events=150)
    entry = splits["train"][6]
    entry["events"] = [event for event in entry["events"] if (event["frame"] < 4000) == part.startswith("after")]
    there = [f for f in density_findings(labels_of(tmp_path, splits)) if f.check != "density-of-half"]
    found = only(there, "warning", "labels-end-early")
    assert "video 'm3_1'" in found.where and part in found.message


def test_too_few_videos_to_compare_are_no_error(tmp_path):
    splits = clean_entries(2, matches=3)
    assert not density_findings(labels_of(tmp_path, {"train": splits["train"]}))
    assert not density_findings(labels_of(tmp_path, {"train": splits["train"][:1], "val": splits["val"][:1]}))
    assert not density_findings(labels_of(tmp_path, {}))


@pytest.mark.parametrize("dataset", ["tennis", "fs_comp", "fs_perf", "finediving"])
def test_nothing_is_found_in_real_labels(dataset, shared):
    assert not density_findings(read_dataset(str(shared / "labels" / dataset)))


def test_what_nobody_labelled_is_not_thin(tmp_path):
    splits = clean_entries(2, uneven=0.1)
    for entry in splits["test"]:  # the first tenth and the last are labelled, an event elsewhere too
        entry["labelled"] = [[0, 399], [3600, 3999]]
        inside = [event for event in entry["events"] if not 400 <= event["frame"] < 3600]
        entry["events"] = [*inside, {"frame": 2000, "label": "PASS"}]
    there = density_findings(labels_of(tmp_path, splits))
    assert not there
    for entry in splits["test"]:
        del entry["labelled"]
    assert "density-of-split" in {f.check for f in density_findings(labels_of(tmp_path / "all", splits))}


def test_a_split_of_which_nothing_is_labelled_is_an_error(tmp_path):
    splits = clean_entries(2, uneven=0.1)
    for entry in splits["val"]:
        entry |= {"labelled": [], "events": []}
    found = [f for f in event_findings(labels_of(tmp_path, splits)) if f.level == "error"]
    assert only(found, "error", "nothing-labelled").where.endswith("val.json")
    assert not density_findings(labels_of(tmp_path / "again", splits))
