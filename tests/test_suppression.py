"""Non-maximum suppression, hard and soft, against literal versions of their definitions."""

import numpy as np
import pytest

from evaluation.suppression import Suppression
from spotting.live import sure_events
from util.events import event_dicts, event_table, recall_events
from util.spans import Seconds

CLASSES = ["DRIVE", "PASS"]


def suppress_literally(events, window):
    """The definition word for word, for the events of one video."""
    return [
        event
        for event in events
        if not any(
            other["label"] == event["label"]
            and other["frame"] != event["frame"]
            and abs(other["frame"] - event["frame"]) <= window
            and other["score"] > event["score"]
            for other in events
        )
    ]


def suppress_softly(events, window):
    """The definition word for word, for the events of one video."""
    left, taken = [dict(event) for event in events], []
    while any(event["score"] >= 0.01 for event in left):
        best = max(left, key=lambda event: event["score"])  # the first of equals
        left = [event for event in left if event is not best]
        taken.append(best)
        for other in left:
            distance = abs(other["frame"] - best["frame"])
            if other["label"] == best["label"] and distance <= window:
                other["score"] *= (distance / window) ** 2
    return taken


def random_events(rng, num_frames=40, most=30, levels=6):
    """A crowded video in which equal scores, and two events of a class on one frame, are common."""
    return [
        {
            "label": CLASSES[rng.integers(2)],
            "frame": int(rng.integers(num_frames)),
            "score": int(rng.integers(1, levels + 1)) / levels,
        }
        for _ in range(rng.integers(most + 1))
    ]


def left(window, *videos, soft=False, fps=None):
    """The events of each video that are left, as dictionaries."""
    names = [f"match_{i}" for i in range(len(videos))]
    entries = [{"video": name, "events": events} for name, events in zip(names, videos, strict=True)]
    kept = Suppression(window, soft)(event_table(entries, names, CLASSES), fps)
    return [event_dicts(kept.take(kept.video == i), CLASSES) for i in range(len(videos))]


def events(*rows):
    return [dict(zip(("label", "frame", "score"), row, strict=True)) for row in rows]


def test_it_is_what_the_definition_says_on_random_crowded_videos():
    rng = np.random.default_rng(1)
    for case in range(300):
        videos = [random_events(rng, int(rng.integers(2, 80))) for _ in range(3)]
        window = int(rng.integers(0, 12)) if case % 10 else 1000
        assert left(window, *videos) == [suppress_literally(video, window) for video in videos]


def test_an_event_that_goes_makes_others_go_all_the_same():
    assert left(1, events(("PASS", 1, 0.5), ("PASS", 2, 0.6), ("PASS", 3, 0.7))) == [events(("PASS", 3, 0.7))]


def test_equal_scores_and_events_on_one_frame_and_of_other_classes_leave_each_other():
    video = events(("PASS", 1, 0.5), ("PASS", 2, 0.5), ("PASS", 2, 0.4), ("DRIVE", 2, 0.9))
    # the 0.4 goes because of its neighbour on frame 1
    assert left(1, video) == [events(("PASS", 1, 0.5), ("PASS", 2, 0.5), ("DRIVE", 2, 0.9))]
    apart = events(("PASS", 2, 0.5), ("PASS", 2, 0.4))
    assert left(1, apart) == [apart]


def test_order_in_the_file_stays():
    video = events(("PASS", 90, 0.2), ("DRIVE", 5, 0.1), ("PASS", 3, 0.9), ("PASS", 4, 0.8))
    assert left(1, video) == [events(("PASS", 90, 0.2), ("DRIVE", 5, 0.1), ("PASS", 3, 0.9))]


def test_it_takes_no_videos_and_videos_without_events():
    for soft in (False, True):
        assert len(Suppression(1, soft)(event_table([], [], CLASSES))) == 0
        assert left(1, [], soft=soft) == [[]]


def test_soft_nms_is_what_the_definition_says_on_random_crowded_videos():
    rng = np.random.default_rng(2)
    lowered = 0
    for case in range(200):
        videos = [random_events(rng, int(rng.integers(2, 80)), levels=int(rng.integers(2, 60))) for _ in range(3)]
        window = int(rng.integers(1, 12)) if case % 10 else 1000
        for events_left, video in zip(left(window, *videos, soft=True), videos, strict=True):
            expected = suppress_softly(video, window)
            by, found = (sorted((event["label"], event["frame"], round(event["score"], 12)) for event in events)
                         for events in (expected, events_left))  # the same score may be lowered in another order
            assert by == found
            lowered += sum(event not in video for event in events_left)
    assert lowered > 1000


@pytest.mark.parametrize("soft", [False, True])
def test_a_window_in_seconds_is_in_each_video_that_of_so_many_frames(soft):
    rng, fps = np.random.default_rng(4), np.array([25.0, 100.0, 10.0, 59.94])
    for _ in range(50):
        videos = [random_events(rng, 40) for _ in fps]
        alone = [left(frames, video, soft=soft)[0] for frames, video in zip((2, 8, 0, 4), videos, strict=True)]
        assert left(Seconds(0.08), *videos, soft=soft, fps=fps) == alone
    assert Suppression(Seconds(0.08)).at(50) == Suppression(4) and Suppression(2).at(50) == Suppression(2)
    assert len({Suppression(2), Suppression(Seconds(2)), Suppression(2, soft=True)}) == 3  # keys of what is kept


def test_soft_nms_lowers_scores_by_the_distance_and_keeps_the_order():
    video = events(("PASS", 90, 0.2), ("PASS", 4, 0.8), ("DRIVE", 4, 0.7), ("PASS", 5, 0.04), ("PASS", 6, 0.4),
                   ("PASS", 4, 0.3), ("PASS", 8, 0.6))
    assert left(4, video, soft=True) == [events(
        ("PASS", 90, 0.2), ("PASS", 4, 0.8), ("DRIVE", 4, 0.7), ("PASS", 6, 0.4 * 0.25 * 0.25), ("PASS", 8, 0.6))]
    assert left(0, video, soft=True) == [video]


def test_soft_nms_takes_the_earlier_of_equals_in_the_file_first():
    video = events(("PASS", 6, 0.8), ("PASS", 5, 0.8))
    assert left(2, video, soft=True) == [events(("PASS", 6, 0.8), ("PASS", 5, 0.2))]


@pytest.mark.parametrize("window", [0, 1, 5])
def test_events_that_come_bit_by_bit_are_those_of_the_whole_each_as_soon_as_it_is_sure(window):
    rng = np.random.default_rng(3)
    scores = rng.choice([0.0, 0.2, 0.3, 0.7], (80, 3))
    suppression, bits = Suppression(window), np.split(scores, [1, 2, 9, 30, 31, 33])
    whole = suppression(recall_events(scores))
    *parts, rest = (
        table for table, _ in sure_events(lambda events, num_frames: suppression(events), window, bits))
    came, given = (np.cumsum([len(part) for part in each]) for each in (bits, parts))
    assert given.tolist() == [(whole.frame < number - window).sum() for number in came]
    for column in ("frame", "label", "score"):
        found = np.concatenate([getattr(part, column) for part in (*parts, rest)])
        np.testing.assert_array_equal(found, getattr(whole, column))
