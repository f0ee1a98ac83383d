"""What motion is judged by: groups of short videos, stretches of long ones."""

import numpy as np

from checks.label_reading import LabelledVideo
from checks.motion_source import (
    CLIP,
    ENOUGH,
    FRAMES_OF_SOURCE,
    deviations,
    frames_of_step,
    grouped,
    make_source,
    stretches_to_read,
)


def video(name, frames, num_frames=1000, fps=25.0):
    events = [{"frame": frame, "label": "PASS"} for frame in frames]
    return LabelledVideo(name, "train", "", num_frames, fps, None, events)


def test_videos_of_few_events_are_put_together_by_name_and_rate():
    videos = [video(f"cup/final_{i}_{j}", range(4)) for i in (1, 2) for j in range(3)]
    videos += [video("cup/final_1_9", range(4), fps=30.0), video("match_1", range(30)), video("match_2", range(30))]
    groups = grouped(videos)
    assert {name: len(group) for name, group in groups.items()} == {
        "cup/final_1...": 3, "cup/final_2...": 3, "cup/final": 1, "match_1": 1, "match_2": 1}
    assert sum(len(one.events) for one in groups["cup/final_1..."]) == ENOUGH


def test_a_short_video_is_read_whole_and_of_a_long_one_stretches_at_events_and_elsewhere():
    events = list(range(50_000, 60_000, 100))
    long, short = video("long_1", events, 100_000), video("short_1", range(20), 900)
    stretches = stretches_to_read(grouped([long, short]), np.random.default_rng(0))
    assert stretches["short_1"] == [(0, 900)]
    spans = stretches["long_1"]
    read = sum(stop - start for start, stop in spans)
    assert 0.5 * FRAMES_OF_SOURCE[1] < read <= FRAMES_OF_SOURCE[1]
    assert all(a[1] < b[0] for a, b in zip(spans, spans[1:], strict=False))
    assert spans[0][0] < 10_000 and spans[-1][1] > 90_000
    seen = sum(any(start <= frame < stop for start, stop in spans) for frame in events)
    assert seen > 40  # chance alone would give 12


def test_of_many_short_videos_as_many_are_read_as_there_is_room_for():
    videos = [video(f"clip_{i}", [5], 500) for i in range(100)]
    stretches = stretches_to_read(grouped(videos), np.random.default_rng(0))
    assert len(stretches) == FRAMES_OF_SOURCE[1] // 500


def test_deviations_are_of_the_usual_motion_and_bounded():
    motion = np.exp(np.random.default_rng(0).standard_normal((5000, 3))).astype(np.float32)
    motion[100] = 1e6
    motion[200] = np.nan
    found = deviations(motion, 1)
    assert found[100].tolist() == [CLIP] * 3 and np.isnan(found[200]).all()
    rest = np.delete(found, [100, 200], 0)
    assert abs(np.median(rest)) < 0.05 and 0.8 < rest.std() < 1.2
    assert np.nanstd(deviations(motion, frames_of_step(100.0))) > 0.8  # of means over four frames
    assert np.isnan(deviations(np.full((5, 3), np.nan, np.float32), 1)).all()


def test_videos_of_a_source_lie_behind_each_other_with_a_gap():
    videos = [video("a_1", [10], 50), video("a_2", [20], 60), video("a_3", [30], 70)]
    motion = {one.name: np.random.default_rng(0).random((one.num_frames, 3), np.float32) for one in videos[:2]}
    source = make_source("a...", videos, motion, ["PASS"])
    gap = len(source.levels) // 2 - 55
    assert source.videos == ("a_1", "a_2") and source.frames.tolist() == [10, 50 + gap + 20]
    assert np.isnan(source.levels[50 : 50 + gap]).all() and not np.isnan(source.levels[50 + gap : -gap]).any()
