"""A field beside `frame` that tells the moment better is found, with the frame that it means; other fields are not."""

import numpy as np
import pytest
from clean_labels import clean_entries, labels_of, only

from checks.label_fields import field_findings


def each_event(splits):
    return [(entry, event) for entries in splits.values() for entry in entries for event in entry["events"]]


def clock(seconds):
    return f"{int(seconds) // 3600:02d}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"


FIELDS = {
    "frames as text": lambda frame, entry: str(frame),
    "frames of the match": lambda frame, entry: frame + 4000 * (entry["video"][-1] == "2"),
    "frames at 30": lambda frame, entry: round(frame * 30 / 25),
    "milliseconds": lambda frame, entry: str(round(frame * 40)),
    "seconds": lambda frame, entry: frame / 25,
    "a clock": lambda frame, entry: f"{clock(frame / 25)}.{frame % 25 * 40:03d}",
    "a clock of whole seconds": lambda frame, entry: clock(frame / 25),
}


@pytest.mark.parametrize("kind", FIELDS)
def test_a_field_that_agrees_is_not_told(kind, tmp_path):
    splits = clean_entries(1)
    for entry, event in each_event(splits):
        event |= {"position": FIELDS[kind](event["frame"], entry), "team": "BRA"}
    assert not field_findings(labels_of(tmp_path, splits))


@pytest.mark.parametrize("kind", [kind for kind in FIELDS if kind != "a clock of whole seconds"])
def test_a_field_that_is_exact_where_frames_are_whole_seconds(kind, tmp_path):
    splits = clean_entries(1)
    for entry, event in each_event(splits):
        event["gameTime"] = clock(event["frame"] / 25)
        event["position"] = FIELDS[kind](event["frame"], entry)
        event["exact"] = event["frame"]
        event["frame"] = event["frame"] // 25 * 25
    findings = field_findings(labels_of(tmp_path, splits))
    assert [(f.level, f.check) for f in findings] == [("error", "field-more-exact")] * 2  # and not gameTime
    found = findings[0]
    assert found.where.endswith("field 'position'") and "make frame from position" in found.advice
    assert f"{len(each_event(splits))} of {len(each_event(splits))} frame numbers are " in found.message
    video, index = found.message.split("rounded: ")[1].split(" has frame")[0].split(" events")
    event = next(entry for entry, _ in each_event(splits) if repr(entry["video"]) == video)["events"][int(index[1:-1])]
    would_be = int(found.message.split("that is frame ")[1].split()[0])
    assert abs(would_be - event["exact"]) <= (13 if kind == "frames of the match" else 1)


def test_the_futsal_groups_case_is_told_by_its_numbers(tmp_path):
    splits = clean_entries(1, fps=30.0)
    for _, event in each_event(splits):
        event["position"] = str(event["frame"])
        event["frame"] = event["frame"] // 30 * 30
    event = splits["train"][0]["events"][0]
    found = only(field_findings(labels_of(tmp_path, splits)), "error", "field-more-exact")
    assert "frame numbers are multiples of 30, but position is not rounded" in found.message
    assert f"has frame {event['frame']} and position {event['position']}, that is frame" in found.message
    assert "up to 29 frames beside the event" in found.advice


@pytest.mark.parametrize("unit", [1000, 1])
@pytest.mark.parametrize("part", ["all", "some"])
def test_frame_numbers_of_another_rate(unit, part, tmp_path):
    splits = clean_entries(1)
    for entry in splits["train"][:4] if part == "some" else sum(splits.values(), []):
        entry["fps"] = 30.0  # the labels were made at 25
    for _, event in each_event(splits):
        event["time"] = event["frame"] / 25 * unit
    found = only(field_findings(labels_of(tmp_path, splits)), "error", "field-at-another-rate")
    assert "count 25 frames a second, but fps is 30" in found.message


def test_a_time_that_is_far_from_the_frame(tmp_path):
    rng = np.random.default_rng(0)
    splits = clean_entries(1)
    for _, event in each_event(splits):
        event["time"] = event["frame"] / 25 + rng.normal(0, 0.4)
    found = only(field_findings(labels_of(tmp_path, splits)), "warning", "field-disagrees")
    assert "one event in ten is more than 1" in found.message  # 1.64 x 0.4 s x 25


def test_fields_that_are_no_time_are_not_told(tmp_path):
    rng = np.random.default_rng(0)
    splits = clean_entries(1)
    for number, (_, event) in enumerate(each_event(splits)):
        event |= {"id": number, "x": float(rng.random()), "player": str(rng.integers(1, 20)), "visible": True,
                  "comment": "", "note": None, "half": 1, "nested": {"a": 1}}
    for entry in sum(splits.values(), []):
        for number, event in enumerate(entry["events"]):
            event["number"] = str(number + 1)
            event["minute"] = event["frame"] // 1500
    assert not field_findings(labels_of(tmp_path, splits))


def test_many_random_datasets_with_rounded_frames_and_other_fields_give_no_false_alarm(tmp_path):
    for seed in range(15):
        rng = np.random.default_rng(seed)
        splits = clean_entries(seed, matches=4, num_frames=2500, events=40)
        for number, (_, event) in enumerate(each_event(splits)):
            event |= {"id": 7 * number + int(rng.integers(7)), "y": int(rng.integers(1000))}
            event["frame"] = event["frame"] // 25 * 25
        assert not field_findings(labels_of(tmp_path, splits)), seed
