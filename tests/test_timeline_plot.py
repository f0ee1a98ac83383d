"""A video's events along time: judged as the metrics do, and drawn in rows."""

import numpy as np
from pictures import CLASSES, EVENTS, VIDEO, decoded, holds_colour

from plots.style import class_colour
from plots.timeline import judge, timeline


def test_events_of_a_timeline_are_judged_as_the_metrics_do():
    kinds = {(mark["kind"], mark["label"], mark["frame"]) for mark in judge(VIDEO, EVENTS, CLASSES, 2)}
    assert kinds == {
        ("missed", 1, 400),
        ("found", 1, 100),
        ("missed", 0, 250),
        ("missed", 0, 300),
        ("right", 1, 99),
        ("wrong", 1, 101),
        ("wrong", 0, 260),
    }


def test_timeline_of_a_whole_video_is_in_rows_and_of_a_part_in_one(tmp_path):
    scores = np.random.default_rng(0).dirichlet([9, 1, 1], VIDEO["num_frames"])
    timeline(tmp_path / "all.png", VIDEO, EVENTS, CLASSES, scores=scores, frames_per_row=100)
    timeline(tmp_path / "part.png", VIDEO, EVENTS, CLASSES, start=80, stop=120)
    whole, part = decoded(tmp_path / "all.png"), decoded(tmp_path / "part.png")
    assert whole.shape[0] > 2.5 * part.shape[0]
    assert holds_colour(part, class_colour(1))
    assert not holds_colour(part[:, part.shape[1] // 4 :], class_colour(0))  # no DRIVE but the lane's name


def test_timeline_takes_an_unknown_frame_rate_no_events_and_a_very_long_video(tmp_path):
    empty = {"video": "m", "num_frames": 400_000, "events": []}
    timeline(tmp_path / "t.png", empty, [], CLASSES)
    assert decoded(tmp_path / "t.png").shape[0] < 65_536
