"""Scores to events, and non-maximum suppression against a literal version of its definition."""

import numpy as np
import pytest

from util.events import non_maximum_suppression, recall_events, top_class_events

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


def random_videos(rng, num_videos=3, num_frames=40, most=30, levels=6):
    """Crowded videos in which equal scores, and two events of a class on one frame, are common."""
    return [
        {
            "video": f"match_{i}",
            "fps": 25.0,
            "events": [
                {
                    "label": CLASSES[rng.integers(2)],
                    "frame": int(rng.integers(num_frames)),
                    "score": int(rng.integers(1, levels + 1)) / levels,
                }
                for _ in range(rng.integers(most + 1))
            ],
        }
        for i in range(num_videos)
    ]


def one_video(*events):
    keys = ("label", "frame", "score")
    return [{"video": "m", "fps": 30.0, "events": [dict(zip(keys, event, strict=True)) for event in events]}]


def test_top_class_events_are_the_frames_whose_best_class_is_not_background():
    scores = np.array([[0.6, 0.3, 0.1], [0.2, 0.3, 0.5], [0.4, 0.4, 0.2], [0.1, 0.8, 0.1]], np.float32)
    assert top_class_events(scores, CLASSES) == [
        {"label": "PASS", "frame": 1, "score": 0.5},
        {"label": "DRIVE", "frame": 3, "score": 0.8},
    ]


def test_recall_events_are_all_from_one_per_cent_on_by_frame_then_class():
    scores = np.array([[0.98, 0.01, 0.01], [0.5, 0.2, 0.3], [0.99, 0.0099, 0.0001]], np.float32)
    assert recall_events(scores, CLASSES) == [
        {"label": "DRIVE", "frame": 0, "score": 0.01},
        {"label": "PASS", "frame": 0, "score": 0.01},
        {"label": "DRIVE", "frame": 1, "score": 0.2},
        {"label": "PASS", "frame": 1, "score": 0.3},
    ]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_written_scores_are_the_same_numbers_in_the_same_order_with_the_same_ties(dtype):
    rng = np.random.default_rng(0)
    column = rng.random(2000).astype(dtype)
    column[::7] = column[3]
    column[1::7] = np.nextafter(column[3], dtype(1))  # as close as two scores can be
    scores = np.stack([1 - column, column], axis=1)[column >= 0.01]
    written = [event["score"] for event in recall_events(scores, ["PASS"])]
    assert all(type(score) is float for score in written)
    assert (np.array(written).astype(dtype) == scores[:, 1]).all()
    assert (np.argsort(written, kind="stable") == np.argsort(scores[:, 1], kind="stable")).all()


@pytest.mark.parametrize("make_events", [top_class_events, recall_events])
def test_a_video_of_background_has_no_events(make_events):
    assert make_events(np.array([[1.0, 0.0, 0.0]] * 5, np.float32), CLASSES) == []
    assert make_events(np.zeros((0, 3), np.float32), CLASSES) == []


def test_suppression_is_what_the_definition_says_on_random_crowded_videos():
    rng = np.random.default_rng(1)
    for case in range(300):
        videos = random_videos(rng, num_frames=int(rng.integers(2, 80)))
        window = int(rng.integers(0, 12)) if case % 10 else 1000
        expected = [{**video, "events": suppress_literally(video["events"], window)} for video in videos]
        assert non_maximum_suppression(videos, window) == expected


def test_suppression_leaves_what_it_was_given_as_it_was():
    videos = one_video(("PASS", 1, 0.5), ("PASS", 2, 0.9))
    non_maximum_suppression(videos, 1)
    assert videos == one_video(("PASS", 1, 0.5), ("PASS", 2, 0.9))


def test_an_event_that_falls_makes_others_fall_all_the_same():
    videos = one_video(("PASS", 1, 0.5), ("PASS", 2, 0.6), ("PASS", 3, 0.7))
    assert non_maximum_suppression(videos, 1) == one_video(("PASS", 3, 0.7))


def test_equal_scores_and_events_on_one_frame_and_of_other_classes_do_not_make_each_other_fall():
    videos = one_video(("PASS", 1, 0.5), ("PASS", 2, 0.5), ("PASS", 2, 0.4), ("DRIVE", 2, 0.9))
    left = one_video(("PASS", 1, 0.5), ("PASS", 2, 0.5), ("DRIVE", 2, 0.9))
    assert non_maximum_suppression(videos, 1) == left  # the 0.4 falls by its neighbour on frame 1
    apart = one_video(("PASS", 2, 0.5), ("PASS", 2, 0.4))
    assert non_maximum_suppression(apart, 1) == apart


def test_order_in_the_file_stays():
    videos = one_video(("PASS", 90, 0.2), ("DRIVE", 5, 0.1), ("PASS", 3, 0.9), ("PASS", 4, 0.8))
    left = one_video(("PASS", 90, 0.2), ("DRIVE", 5, 0.1), ("PASS", 3, 0.9))
    assert non_maximum_suppression(videos, 1) == left


def test_suppression_takes_no_videos_and_videos_without_events():
    assert non_maximum_suppression([], 1) == []
    assert non_maximum_suppression(one_video(), 1) == one_video()
