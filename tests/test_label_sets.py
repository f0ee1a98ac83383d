from pathlib import Path

import pytest

from label_forms.sets import LabelledEvent, LabelSet, report_labels, settle_classes
from util.errors import UserError


def label_set(*events, name="a", **keys):
    """Events as (position, label) or (position, label, further keys)."""
    made = tuple(
        LabelledEvent(f"events[{index}] (frame {at})", at, {"frame": at, "label": label, **dict(*more)})
        for index, (at, label, *more) in enumerate(events)
    )
    return LabelSet(Path(f"{name}.json"), "video", (name,), made, read=len(made), **keys)


def labels_of(labels):
    return [event.fields["label"] for event in labels.events]


def test_classes_are_those_of_the_labels_or_of_the_class_file():
    sets = [label_set((1, "PASS"), (2, "DRIVE")), label_set((1, "SHOT"), name="b")]
    assert settle_classes(sets, None, None)[1] == ["DRIVE", "PASS", "SHOT"]
    settled, classes = settle_classes(sets, ["SHOT", "PASS", "DRIVE", "GOAL"], None)
    assert classes == ["SHOT", "PASS", "DRIVE", "GOAL"] and settled == sets


def test_an_unknown_label_names_file_and_place():
    with pytest.raises(UserError, match=r"^b\.json: events\[1\] \(frame 7\): label 'SHOT' is not in class\.txt "
                                        r"\(DRIVE, PASS\); correct .* --only PASS DRIVE, which drops the others$"):
        settle_classes([label_set((1, "PASS")), label_set((3, "PASS"), (7, "SHOT"), name="b")], ["PASS", "DRIVE"], None)


def test_case_and_blanks_make_no_class_and_it_is_said():
    sets = [label_set((1, "PASS"), (2, "PASS"), (3, "pass"), (4, " high  pass"), (5, "HIGH PASS"), (6, "HIGH PASS"))]
    (settled,), classes = settle_classes(sets, None, None)
    assert classes == ["HIGH PASS", "PASS"]
    assert labels_of(settled) == ["PASS"] * 3 + ["HIGH PASS"] * 3
    assert settled.notes == ("1 labelled ' high  pass' taken as HIGH PASS", "1 labelled 'pass' taken as PASS")
    (settled,), _ = settle_classes(sets, ["Pass", "High pass"], None)
    assert set(labels_of(settled)) == {"Pass", "High pass"}


def test_only_keeps_classes_and_counts_what_is_dropped():
    sets = [label_set((1, "PASS"), (2, "SHOT"), (3, "FOUL"), (4, "SHOT"), (5, "drive"))]
    (settled,), classes = settle_classes(sets, None, ["pass", "DRIVE"])
    assert classes == ["PASS", "drive"] and [event.position for event in settled.events] == [1, 5]
    assert settled.notes == ("3 dropped by --only (1 FOUL, 2 SHOT)",)
    (settled,), classes = settle_classes(sets, ["DRIVE", "PASS"], ["PASS"])  # labels beyond class.txt are dropped too
    assert classes == ["DRIVE", "PASS"] and labels_of(settled) == ["PASS"]
    with pytest.raises(UserError, match="--only GOAL: no such class; there are: FOUL, PASS, SHOT, drive"):
        settle_classes(sets, None, ["PASS", "GOAL"])


def test_the_same_event_twice_is_taken_once_and_another_team_is_another_event():
    twice = label_set((1, "PASS", {"team": "A"}), (1, "PASS", {"team": "B"}), (1, "Pass", {"team": "A"}), (1, "DRIVE"),
                      (2, "PASS", {"team": "A"}), (1, "PASS", {"team": "A"}))
    (settled,), _ = settle_classes([twice], None, None)
    assert [event.place.split()[0] for event in settled.events] == ["events[0]", "events[1]", "events[3]", "events[4]"]
    assert settled.notes[-1] == "2 dropped, the same event as one before (events[2] (frame 1) and 1 more)"


def test_no_event_at_all_is_refused_unless_the_classes_are_known():
    with pytest.raises(UserError, match=r"a\.json: no label file holds an event"):
        settle_classes([label_set()], None, None)
    assert settle_classes([label_set()], ["PASS"], None) == ([label_set()], ["PASS"])


def test_the_report_has_a_line_for_each_file_and_the_sums():
    sets = [label_set((1, "PASS"), (1, "PASS"), fps=25), label_set((1, "FOUL"), (2, "PASS"), name="b")]
    sets, _ = settle_classes(sets, None, ["PASS"])
    assert report_labels(sets) == [
        "a.json: video, frames at 25 fps: 2 events (1 PASS); "
        "1 dropped, the same event as one before (events[1] (frame 1))",
        "b.json: video, frames of the video: 2 events (1 PASS); 1 dropped by --only (1 FOUL)",
        "labels: 2 files (2 video), 4 events read, 2 dropped, 2 kept",
    ]
