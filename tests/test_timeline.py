from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from footage.raw_videos import VideoInfo
from label_forms.clock import announced_record, clock_of
from label_forms.fields import Timecode
from label_forms.sets import LabelledEvent, LabelSet
from label_forms.timeline import place_events
from label_forms.videos import Labelled
from util.errors import UserError
from util.stamps import Stamps


def record(source_frames=100, source_fps=25.0, fps=None):
    fps = fps or source_fps
    return {"source_frames": source_frames, "source_fps": source_fps, "fps": fps, "width": 398, "height": 224,
            "num_frames": round(source_frames * fps / source_fps)}


def labels_of(positions, seconds=False, halves=(), **keys):
    halves = halves or [None] * len(positions)
    events = tuple(LabelledEvent(f"annotations[{index}] ({position})", position, {"frame": None, "label": "PASS"}, half)
                   for index, (position, half) in enumerate(zip(positions, halves, strict=True)))
    return LabelSet(Path("m.json"), "raw", ("m",), events, seconds, read=len(events), **keys)


def place(labels, second_half=None, **records):
    """The labels placed on the videos m, or m_1 and m_2, by their records."""
    parts = {int(name[-1]) if name[-2] == "_" else 0: name for name in records if name != "m"} or {0: "m"}
    return place_events(Labelled(labels, parts), records, second_half or {})


def frames(placed):
    return [[event["frame"] for event in entry["events"]] for entry in placed.entries]


def test_label_rates():
    def scale(label_fps, source, fps, fps_from="file"):
        return clock_of(labels_of([], fps=label_fps, fps_from=fps_from), record(100, source, fps)).frame_of(60)

    assert scale(None, 25, 25) == scale(25, 25, 25) == 60
    assert scale(30, 29.97, 29.97) == scale(23.976, 24, 24) == 60  # the same rate, rounded
    assert scale(None, 50, 25) == scale(50, 50, 25) == 30
    assert scale(25, 50, 25) == 60  # made for the extracted frames
    assert scale(30, 25, 25, "option") == 50  # as the user says, by the clock
    for wrong in ((30, 25, 25), (24, 25, 25), (30, 50, 25)):
        with pytest.raises(UserError, match=r"m\.json: its fps is (30|24), but that of the video is"):
            scale(*wrong)
    with pytest.raises(UserError, match=r"count 30 frames a second, but the rate of the video is 25; say --label_fps "
                                        r"30 if .*, or --label_fps 25 if they count the video's own frames"):
        scale(30, 25, 25, "form")


def test_an_entry_tells_the_extracted_frames_and_keeps_what_it_does_not_know():
    events = (LabelledEvent("events[0]", 9, {"frame": 9, "label": "PASS", "team": "BRA"}),
              LabelledEvent("events[1]", 3, {"label": "DRIVE", "frame": 3}))
    keys = {"video": "m", "fps": 25, "num_frames": 100, "num_events": 9, "camera": "left"}
    placed = place(LabelSet(Path("m.json"), "video", ("m",), events, fps=25, fps_from="file", keys=keys), m=record())
    assert placed.entries == [{
        "video": "m", "num_frames": 100, "num_events": 2, "fps": 25.0, "width": 398, "height": 224, "camera": "left",
        "events": [{"label": "DRIVE", "frame": 3}, {"frame": 9, "label": "PASS", "team": "BRA"}],
    }]
    assert (placed.notes, placed.warnings, placed.outside, events[0].fields["frame"]) == ([], [], [], 9)


def test_frames_are_converted_to_the_nearest_extracted_one_and_stay_in_the_video():
    counted = [0, 1, 2, 51, 98, 99]
    placed = place(labels_of(counted), m=record(fps=12.5))
    (made,) = frames(placed)
    assert all(abs(frame - position / 2) <= 0.5 for frame, position in zip(made, counted, strict=True))
    assert made[-1] == 49
    assert placed.notes == ["m.json: 6 events converted from 25 to 12.5 fps"]
    for fps in (25, 12.5):
        (said,) = place(labels_of([3, 100, 149]), m=record(fps=fps)).outside
        assert said.startswith("m.json: annotations[1] (100): 1 frame (0.04 s) past the end of the video 'm', whose "
                               "last frame is 99 (and 1 more event, up to 50 frames (2.00 s) past the end); were the")


def test_events_that_come_to_one_frame_at_a_lower_rate_are_kept_and_told():
    labels = labels_of([5, 6, 6, 40])
    assert not place(labels, m=record()).warnings
    placed = place(labels, m=record(fps=5))
    assert frames(placed) == [[1, 1, 1, 8]]
    assert placed.warnings == ["m.json: 1 event of m came to the frame of another of the same class when converted"]


def test_labels_made_for_another_number_of_frames_are_told():
    def warnings(num_frames, **options):
        return place(labels_of([3], keys={"num_frames": num_frames}), m=record(**options)).warnings

    assert not warnings(100) and not warnings(100, fps=12.5) and not warnings(50, fps=12.5)
    (said,) = warnings(101)
    assert said.startswith("m.json: its num_frames is 101, but the video has 100 frames; were the labels made for")
    assert len(warnings(50)) == 1


def test_times_go_to_the_frame_on_display_at_any_rate():
    times = [0, 0.041, 0.079, 1.48, 3.96, 3.999]
    assert frames(place(labels_of(times, seconds=True), m=record())) == [[0, 1, 1, 37, 99, 99]]
    placed = place(labels_of(times, seconds=True), m=record(fps=12.5))
    assert frames(placed) == [[0, 0, 0, 18, 49, 49]]
    assert placed.notes == ["m.json: 6 times converted to frames at 12.5 fps"]
    (said,) = place(labels_of([1, 4.5], seconds=True), m=record()).outside
    assert "annotations[1] (4.5): 0.50 s past the end of the video 'm', which is 4.00 s long" in said


def test_frames_of_another_rate_are_converted_by_the_clock():
    placed = place(labels_of([0, 30, 119], fps=30, fps_from="option"), m=record())
    assert frames(placed) == [[0, 25, 99]] and placed.notes == ["m.json: 3 events converted from 30 to 25 fps"]
    assert place(labels_of([121], fps=30, fps_from="option"), m=record()).outside


def test_times_are_those_of_a_player():
    late = record(5) | {"stamps": Stamps.even(5, 25, 0.4).to_json(Fraction(1, 25))}
    assert frames(place(labels_of([0.2, 0.4, 0.438, 0.559], seconds=True), m=late)) == [[0, 0, 0, 3]]
    uneven = Stamps(np.array([0, 0.1, 0.5, 0.6]), 0.7)
    gap = {"stamps": uneven.to_json(Fraction(1, 100)), **record(4)}
    assert frames(place(labels_of([0.09, 0.49, 0.5, 0.7], seconds=True), m=gap)) == [[0, 1, 2, 3]]
    assert [place(labels_of([time], True), m=gap).unplaced for time in (-0.04, 0, 0.74, 0.76)] == [1, 0, 0, 1]


def test_a_video_that_lost_frames_is_known_by_its_usual_rate():
    lost = Stamps(np.delete(np.arange(112) / 25, range(41, 53)), 112 / 25)
    made = record(100) | {"source_fps": 22.3, "fps": 22.3, "stamps": lost.to_json(Fraction(1, 25))}
    assert frames(place(labels_of([30, 60, 90], fps=25, fps_from="file"), m=made)) == [[30, 60, 90]]
    assert frames(place(labels_of([lost.time_of(60)], seconds=True), m=made)) == [[60]]


@pytest.mark.parametrize("frame, stated, agrees", [
    (25, (1.0, 0.001), True), (25, (1.0, 1.0), True), (25, (9.9, 0.1), False), (25, (1.5, 0.1), False),
    (90, (4.0, 1.0), True), (90, (3.0, 1.0), True), (90, (2.0, 1.0), False)])
def test_a_time_beside_a_frame_must_agree_with_it(frame, stated, agrees):
    labels = labels_of([frame])
    labels = replace(labels, events=(replace(labels.events[0], stated=stated),))
    if agrees:
        assert frames(place(labels, m=record())) == [[frame]]
    else:
        with pytest.raises(UserError, match="its frame is at .*, but its time is .*; correct one"):
            place(labels, m=record())


@pytest.mark.parametrize("code, drop, fps, frame", [
    ((1, 12), False, 25, 37), ((60, 2), True, 29.97, 1800), ((59, 29), True, 29.97, 1799),
    ((600, 0), True, 29.97, 17982),
    ((600, 0), False, 29.97, 18000), ((60, 4), True, 59.94, 3600)])
def test_time_codes_count_at_the_rate_of_the_video(code, drop, fps, frame):
    assert frames(place(labels_of([Timecode(*code, drop)], seconds=True), m=record(20000, fps))) == [[frame]]


def test_time_codes_are_times_of_a_player():
    late = record(50) | {"stamps": Stamps.even(50, 25, 0.4).to_json(Fraction(1, 25))}
    assert frames(place(labels_of([Timecode(1, 10, False)], seconds=True), m=late)) == [[25]]
    lost = Stamps(np.delete(np.arange(112) / 25, range(41, 53)), 112 / 25).to_json(Fraction(1, 25))
    made = record(100) | {"source_fps": 22.3, "fps": 22.3, "variable_rate": True, "stamps": lost}
    assert frames(place(labels_of([Timecode(2, 22, False)], seconds=True), m=made)) == [[60]]


# A match and its halves


def test_a_file_of_a_match_is_cut_where_the_first_video_ends():
    placed = place(labels_of([0, 99, 100, 149], fps=25, fps_from="file"), m_1=record(100), m_2=record(50))
    assert [entry["video"] for entry in placed.entries] == ["m_1", "m_2"] and frames(placed) == [[0, 99], [0, 49]]
    assert [entry["num_events"] for entry in placed.entries] == [2, 2] and not placed.warnings
    assert placed.notes == ["m.json: cut at frame 100 (4.00 s): 2 events in m_1, 2 events in m_2"]


def test_the_cut_is_the_same_at_another_rate_and_by_time():
    halves = {"m_1": record(101, fps=12.5) | {"num_frames": 51}, "m_2": record(50, fps=12.5)}
    assert frames(place(labels_of([0, 100, 101, 150]), **halves)) == [[0, 50], [0, 24]]  # 101 source frames, not 2 * 50
    at = [position / 25 for position in (0, 100, 101, 150)]
    placed = place(labels_of(at, seconds=True), m_1=record(101), m_2=record(50))
    assert frames(placed) == [[0, 100], [0, 49]] and "cut at 4.04 s: 2 events in m_1" in placed.notes[0]


def test_three_parts_follow_each_other():
    placed = place(labels_of([99, 100, 150, 159]), m_1=record(100), m_2=record(50), m_3=record(10))
    assert frames(placed) == [[99], [0], [0, 9]]
    assert "cut at frame 100 (4.00 s), frame 150 (6.00 s): " in placed.notes[0]


@pytest.mark.parametrize("where", [{"m": "120"}, {"": "120"}, {"m": "0:04.8"}, {"m": "120", "": "90"}])
def test_the_second_half_begins_where_one_says(where):
    placed = place(labels_of([99, 120, 169]), where, m_1=record(100), m_2=record(50))
    assert frames(placed) == [[99], [0, 49]] and "cut at frame 120 (4.80 s)" in placed.notes[0]


def test_an_event_that_neither_half_shows_says_by_how_much():
    (said,) = place(labels_of([3, 170]), m_1=record(100), m_2=record(50)).outside
    assert "annotations[1] (170): 21 frames (0.84 s) past the end of the video 'm_2', whose last frame is 49; " in said
    assert "tell where the second one begins: --second_half m=FRAME or =TIME" in said
    (said,) = place(labels_of([3, 110]), {"m": "120"}, m_1=record(100), m_2=record(50)).outside
    assert "annotations[1] (110): 11 frames (0.44 s) past the end of the video 'm_1'" in said
    (said,) = place(labels_of([3, 110]), m_1=record(100)).outside
    assert "is the video of the second half, 'm_2', missing?" in said


def test_a_file_of_the_second_half_that_counts_through_the_match_is_told_what_to_do():
    (said,) = place_events(Labelled(labels_of([120, 130]), {0: "m_2"}), {"m_2": record(50)}, {}).outside
    assert "if it counts from the start of the match, put the events of all halves into one file, m.json" in said


def test_halves_without_the_one_before_are_refused():
    with pytest.raises(UserError, match="no video of its first half, 'm_1'; add it"):
        place(labels_of([3]), m_2=record())
    with pytest.raises(UserError, match="a video of part 3 of 'm', but none of part 2"):
        place(labels_of([3]), m_1=record(), m_3=record())


def test_a_break_that_the_labels_count_is_told():
    halves = {"m_1": record(15000), "m_2": record(15000)}
    steady = list(range(50, 30000, 500))
    assert not place(labels_of(steady), **halves).warnings
    late = [position + (2500 if position >= 15000 else 0) for position in steady if position < 27000]
    (warning,) = place(labels_of(late), **halves).warnings
    assert "the first event of m_2 comes 1:42.0 after its start, and no other pause is longer than 20.0 s" in warning
    assert "--second_half m=FRAME or =TIME" in warning
    assert not place(labels_of(late), {"m": "17500"}, **halves).warnings


def test_a_second_half_that_counts_from_zero_and_one_without_events_are_told():
    restarted = [*range(5, 100, 10), *range(2, 50, 10)]
    nothing, again = place(labels_of(restarted), m_1=record(100), m_2=record(50)).warnings
    assert nothing == "m.json: no event lies in m_2, and 15 in the whole match"
    assert "positions start again at annotations[10] (2), after annotations[9] (95); if the second half counts" in again


def test_soccernet_halves_go_to_their_videos():
    labels = labels_of([1.48, 1.0, 0.0], True, (2, 1, 2))
    placed = place(labels, m_1=record(100), m_2=record(50))
    assert frames(placed) == [[25], [0, 37]] and placed.notes[0] == "m.json: 1 event in m_1, 2 events in m_2"
    placed = place(labels_of([1, 2], True, (1, 3)), m_1=record(), m_2=record())
    assert "[1] (2): there is no video for half 3 of 'm' (there is 'm_1', 'm_2')" in placed.homeless[0]
    assert frames(placed) == [[25], []] and placed.unplaced == 1
    assert "no video for half 2 of 'm'" in place(labels_of([1, 2], True, (1, 2)), m_1=record()).homeless[0]


def test_halves_of_two_rates_are_converted_and_told_each():
    halves = {"m_1": record(), "m_2": record(source_fps=30.0)}
    placed = place(labels_of([1.0, 2.0], seconds=True, halves=[1, 2]), **halves)
    assert frames(placed) == [[25], [60]]
    assert placed.notes[-1] == "m.json: 2 times converted to frames at 25 and 30 fps"
    placed = place(labels_of([50, 230], fps=50, fps_from="option"), **halves)  # the first video is 4 s long
    assert frames(placed) == [[25], [18]]
    assert placed.notes[-1] == "m.json: 2 events converted from 50 to 25 and 30 fps"


def test_soccernet_halves_of_one_video():
    assert frames(place(labels_of([1.0], True, (1,)), m=record())) == [[25]]
    counting_on = place(labels_of([1, 2, 2.4], True, (1, 2, 2)), m=record())
    assert frames(counting_on) == [[25, 50, 60]]
    assert "positions are taken to count on through the halves" in counting_on.notes[0]
    from_zero = labels_of([1, 0, 0.4], True, (1, 2, 2))
    assert frames(place(from_zero, {"m": "2"}, m=record())) == [[25, 50, 60]]
    assert frames(place(from_zero, {"": "0:02.0"}, m=record())) == [[25, 50, 60]]
    for labels in (from_zero, labels_of([1], True, (2,))):
        with pytest.raises(UserError, match="'m' is one video for the match; say .*, such as --second_half m=58"):
            place(labels, m=record())


def test_a_soccernet_file_of_one_half_must_be_of_that_half():
    half = Labelled(labels_of([1.0], True, (2,)), {0: "m_2"})
    assert frames(place_events(half, {"m_2": record()}, {})) == [[25]]
    (said,) = place_events(Labelled(half.labels, {0: "m_1"}), {"m_1": record()}, {}).homeless
    assert "no video for half 2 of 'm' (there is 'm_1')" in said


# What there is to say


def test_thirty_for_2997_is_told_where_it_matters_and_not_where_someone_chose():
    def warned(position, fps_from, source=29.97, fps=None, label_fps=30):
        placed = place(labels_of([position], fps=label_fps, fps_from=fps_from), m=record(36000, source, fps))
        return placed.warnings[0] if placed.warnings else None

    doubt = "is taken to count 29.97 frames a second, and not 30; if that is wrong, its last event is 35 frames off"
    assert doubt in warned(35000, "form")
    assert "say --label_fps 29.97 if" in warned(35000, "form") and "write fps 29.97 into it if" in warned(35000, "file")
    assert "taken to count 30 frames a second, and not 29.97" in warned(35000, "form", fps=30)
    assert warned(400, "form") is None and warned(35000, "form", source=30.0) is None
    assert warned(35000, "option", fps=30) is None and warned(35000, "option", label_fps=29.97) is None
    assert warned(35000, "", label_fps=None) is None


def test_a_video_of_another_name_is_told():
    placed = place_events(Labelled(labels_of([3]), {0: "m/720p"}), {"m/720p": record()}, {})
    assert placed.notes == ["m.json: is taken for the labels of m/720p"]


def test_what_a_video_announces_stands_in_for_its_record():
    for fps in (None, 12.5):
        expected = record(fps=fps or 25.0) | {"announced": True, "start": 0.0, "options": {"fps": fps}}
        assert announced_record(VideoInfo(25.0, 398, 224, 100), fps) == expected
    unknown = announced_record(VideoInfo(25.0, 398, 224, 0), 30)
    assert not place(labels_of([10**6 - 1]), m=unknown).outside


def test_labelled_ranges_become_extracted_frames():
    def ranges(labelled, of_record, seconds=False, second_half=None, **keys):
        placed = place(labels_of([], seconds, keys={"labelled": labelled, **keys}), second_half, **of_record)
        return [entry["labelled"] for entry in placed.entries]

    assert ranges([[0, 9], [90, 99]], {"m": record()}) == [[[0, 9], [90, 99]]]
    assert ranges([[0, 9], [90, 99]], {"m": record(fps=12.5)}) == [[[0, 4], [45, 49]]]
    assert ranges([[0, 9], [91, 91]], {"m": record(fps=50.0)}) == [[[0, 19], [182, 183]]]
    assert ranges([[10, 19]], {"m": record(fps=12.5)}, seconds=True) == [[[5, 9]]]
    assert ranges([[90, 120], [200, 300]], {"m": record()}) == [[[90, 99]]]  # the video ends there
    assert ranges([[90, 120]], {"m_1": record(), "m_2": record()}) == [[[90, 99]], [[0, 20]]]
