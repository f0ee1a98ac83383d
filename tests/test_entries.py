"""What a valid entry is: problems are listed with their place, or the first is raised."""

import json
import math

import pytest

from util.entries import (
    MAX_FRAMES,
    check_entry,
    check_events,
    check_split,
    clean_label,
    labelled_frames,
    name_fault,
    raise_first,
    rate,
    shown,
    whole_number,
)
from util.errors import UserError

CLASSES = ["DRIVE", "PASS"]


def entry(**changes):
    return {"video": "a_1", "num_frames": 100, "events": [{"frame": 9, "label": "PASS"}]} | changes


def test_all_problems_of_a_file_are_listed_and_the_first_error_is_raised():
    content = [entry(num_events=7), entry(video="b", num_frames=0, fps="x", events=None), 5, entry(video="c", events=[
        {"frame": 100, "label": "PASS"}, {"frame": 3, "label": "DRIVE"}, {"frame": 3, "label": "GOAL"}, "PASS"]),
               entry()]
    entries, problems = check_split(content, "x.json", CLASSES)
    assert [(p.level, p.check, p.where) for p in problems] == [
        ("warning", "num-events", "x.json: video 'a_1'"), *[("error", "entry-malformed", "x.json: video 'b'")] * 3,
        ("error", "entry-malformed", "x.json: entry 2"),
        ("error", "event-past-end", "x.json: video 'c': events[0] (frame 100)"),
        ("error", "unknown-class", "x.json: video 'c': events[2] (frame 3)"),
        ("error", "event-malformed", "x.json: video 'c': events[3]"), ("error", "video-twice", "x.json: video 'a_1'"),
    ]
    assert [(e.content["video"], e.indices) for e in entries] == [("a_1", [0]), ("c", [1])]
    assert entries[1].content["events"] == [{"frame": 3, "label": "DRIVE"}]
    with pytest.raises(UserError, match=r"x\.json: video 'b': num_frames is 0"):
        raise_first(problems)
    raise_first(problems[:1])


def test_what_has_one_meaning_is_put_right_and_the_rest_is_carried_through():
    written = entry(num_frames=100.0, fps=None, width=None, x=[1], events=[
        {"frame": 25.0, "label": "\u200bPASS ", "team": "\u200bBRA"},
        {"label": "DRIVE", "frame": 3, "visibility": None}])
    (found,), problems = check_split([written], "x.json", CLASSES)
    assert not problems and found.content == written | {"num_frames": 100, "fps": -1, "events": [
        {"frame": 25, "label": "PASS", "team": "\u200bBRA"}, {"label": "DRIVE", "frame": 3, "visibility": None}]}
    assert type(found.content["num_frames"]) is type(found.content["events"][0]["frame"]) is int
    assert written["events"][0]["frame"] == 25.0 and list(found.content) == list(written)


@pytest.mark.parametrize("name", ["a_1", "cup/a 1", "M\u00e1laga/1", "a..b", "\u0633\u200c\u0644", "x" * 255])
def test_names_of_videos_are_relative_paths(name):
    assert name_fault(name) is None


@pytest.mark.parametrize("name", [None, 7, "", "/a", "a/", "a//b", "./a", "a/../b", "..", "C:a", "C:/a", "a\\b",
                                  "\\\\a\\b", "a\0b", "a\nb", "\ud800", "a/\udcff", "x" * 256, "a/" + "\u00e9" * 128])
def test_other_names_are_refused_for_a_split_and_a_label_file(name):
    assert name_fault(name)
    for label_file in (False, True):
        found, problems = check_entry(entry(video=name), "a.json", CLASSES, label_file)
        assert found is None and len(problems) == 1


@pytest.mark.parametrize("change", [
    {"num_frames": MAX_FRAMES + 1}, {"num_frames": 1e300}, {"num_frames": 10**400}, {"num_frames": 2.5},
    {"fps": math.nan}, {"fps": math.inf}, {"fps": 1e9}, {"fps": True}, {"width": "398"}, {"height": [224]},
    {"events": {"frame": 3}},
])
def test_numbers_without_bounds_or_of_another_type_are_refused(change):
    found, (problem,) = check_entry(entry(**change), "a.json", CLASSES)
    assert found is None and f"{next(iter(change))} is " in problem.message


@pytest.mark.parametrize("frame", [10**400, 1e300, math.nan, math.inf, -math.inf, True, None, [3], "3"])
def test_frames_that_are_no_whole_numbers_are_refused_of_labels_and_of_predictions(frame):
    for scored in (False, True):
        events = [{"frame": frame, "label": "PASS", "score": 0.5}]
        valid, _, problems = check_events(events, "a.json", None, CLASSES, scored=scored)
        assert not valid and "frame" in problems[0].message and "\n" not in problems[0].message


def test_annotators_may_write_numbers_as_text_and_leave_out_what_they_do_not_know():
    written = {"fps": "30000/1001", "events": [{"frame": " 25 ", "label": "PASS"}]}
    found, problems = check_entry(written, "a", None, label_file=True)
    assert not problems and found.content["fps"] == 30000 / 1001 and found.content["events"][0]["frame"] == 25
    assert check_entry({"events": [{"frame": "25", "label": "PASS"}]}, "a", None)[0] is None
    assert [whole_number(text, True) for text in ("25", "25.0", "-3", "2.5", "9" * 5000, "x", "\u0663")] == [
        25, 25, -3, None, None, None, None]
    assert [rate(value, True) for value in (None, "25", "25/1", "25/0", "x", 1e9)] == [-1, 25, 25, None, None, None]


def test_labels_are_compared_as_they_look():
    assert clean_label(" \ufeffCORNE\u0301R\u200b \u00a0") == "CORN\u00c9R"
    assert clean_label("HIGH  PASS") == "HIGH  PASS"
    for label in ("\u200b", " ", "PA\0SS", "PA\nSS", "\ud800", 3, None, ["PASS"]):
        assert check_events([{"frame": 1, "label": label}], "a")[2][0].check == "event-malformed"


@pytest.mark.parametrize(("xy", "is_place"), [
    (None, True), ([0, 1], True), ([0.25, 0.5], True), ([1.01, 0], False), ([-0.1, 0], False), ([0.5], False),
    ([0.5, 0.5, 0.5], False), ([math.nan, 0], False), ([True, 0], False), (["0.5", 0], False), ("0.5, 0.5", False),
    ({"x": 0}, False), (0.5, False)])
def test_a_place_is_two_shares_of_the_picture(xy, is_place):
    events = [{"frame": 3, "label": "PASS", "xy": xy}]
    valid, _, problems = check_events(events, "a.json", 100, CLASSES)
    assert (valid == events and not problems) if is_place else (
        not valid and problems[0].check == "event-malformed" and "xy is " in problems[0].message)


def test_values_are_shown_in_one_short_line():
    assert shown(None) == "missing" and shown("\n\ud800") == '"\\n\\ud800"'
    assert len(shown(list(range(1000)))) == 40 and json.loads(shown([1, "a"])) == [1, "a"]


def test_labelled_ranges_are_sorted_and_joined_and_events_outside_are_warned_of():
    found, problems = check_entry(entry(labelled=[[50, 60.0], [0, 8], [10, 12], [61, 70]]), "x")
    assert found.content["labelled"] == [[0, 8], [10, 12], [50, 70]] and labelled_frames(found.content) == 33
    assert [(p.level, p.check) for p in problems] == [("warning", "outside-labelled")]
    assert "1 event outside its labelled ranges, the first at frame 9" in problems[0].message
    assert check_entry(entry(labelled=[[0, 99]]), "x")[1] == []
    assert "labelled" not in check_entry(entry(labelled=None), "x")[0].content
    assert labelled_frames(entry()) == 100 and labelled_frames(entry(labelled=[])) == 0


@pytest.mark.parametrize("ranges", [5, [5], [[1]], [[5, 4]], [[-1, 4]], [[0, 100]], [[0, 1.5]], [["0", 1]], {"0": 1}])
def test_labelled_ranges_are_frames_of_the_video(ranges):
    found, (problem,) = check_entry(entry(labelled=ranges), "x")
    assert found is None and "it must be a list of [first, last]" in problem.message
