"""Labels that do not go with the motion of their frames are found with where they belong; others are left alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import write_image

from checks import alignment
from checks.alignment import align, judge
from checks.label_reading import LabelledVideo, Labels
from checks.motion import WINDOW, EventMotion

CLASSES = ["DRIVE", "PASS"]
NUM_FRAMES, EVENTS = 400, 14


@pytest.fixture(scope="module")
def footage(tmp_path_factory) -> tuple[Path, list[LabelledVideo]]:
    """Five videos in which a ball starts to roll at each event, to the right or down by its class."""
    folder = tmp_path_factory.mktemp("frames")
    rng = np.random.default_rng(0)
    videos = []
    for name in ("a_1", "a_2", "b_1", "b_2", "c_1"):
        wall = rng.integers(60, 120, (48, 64, 3)).astype(np.uint8)
        events = [{"frame": int(frame), "label": CLASSES[int(rng.integers(2))]}
                  for frame in np.arange(EVENTS) * 26 + 25 + rng.integers(-5, 6, EVENTS)]
        x, y = np.full(NUM_FRAMES, 10.0), np.full(NUM_FRAMES, 10.0)
        for event in events:
            along = x if event["label"] == "PASS" else y
            rolled = np.minimum(np.arange(NUM_FRAMES - event["frame"]) * 3, 27)
            along[event["frame"] :] += rolled * (1 if along[event["frame"]] < 20 else -1)
        for number in range(NUM_FRAMES):
            picture = wall + rng.integers(0, 8, wall.shape).astype(np.uint8)
            top, left = int(y[number]) % 40, int(x[number]) % 56
            picture[top : top + 8, left : left + 8] = (20, 120, 250)
            write_image(folder / name / f"{number:06d}.jpg", picture)
        where = f"data/x/train.json: video {name!r}"
        videos.append(LabelledVideo(name, "train", where, NUM_FRAMES, 25.0, (64, 48), events))
    return folder, videos


def aligned(folder, videos, classes=CLASSES):
    return align(Labels(Path("data/x"), classes, ["train"], videos, []), folder, 1)


def shifted(video, by):
    return replace(video, events=[{**event, "frame": event["frame"] + by} for event in video.events])


def test_clean_labels_are_silent_and_said_to_agree(footage):
    found = aligned(*footage)
    assert not found.findings and found.judged
    assert found.notes[0].startswith("motion: the labels of 5 of 5 videos sit alike")
    assert found.notes[0].endswith("is not found, nor one that all of them share, which --sheet shows")
    assert any("around PASS it is highest" in note and "after the label" in note for note in found.notes)
    assert {(curve.label, curve.name) for curve in found.curves} == {
        (label, video.name) for label in (0, 1) for video in footage[1]}


@pytest.mark.parametrize(("fps", "classes"), [(25.0, CLASSES), (None, [])])
def test_a_planted_shift_is_one_warning_with_its_size_and_place(fps, classes, footage):
    folder, videos = footage
    videos = [replace(video, fps=fps) for video in videos]
    found = aligned(folder, [*videos[:2], shifted(videos[2], -6), *videos[3:]], classes)
    assert [(f.level, f.check, f.where) for f in found.findings] == [
        ("warning", "labels-shifted", "data/x/train.json: video 'b_1'")]
    assert found.findings[0].message.startswith("labels seem about 6 frames early (5 to 7, 95 %), judged by")
    assert {curve.name for curve in found.curves if not curve.fits} == {"b_1"}
    assert ("less than 3 frames" if fps is None else "less than 0.12 s") in found.notes[0]


def test_without_frames_or_events_nothing_is_judged(footage):
    folder, videos = footage
    for found in (aligned(folder, [replace(video, events=[]) for video in videos]), aligned(folder / "gone", videos)):
        assert not found.findings and not found.judged and found.notes == ["motion: no frames could be read"]


SHAPE = np.exp(-0.5 * ((np.arange(40) - 6) / 3) ** 2)  # of the motion from an event on


def made(seed, height=3.0, jitter=0.0, events=40, labels_late=0):
    """Motion after each event of two classes, in noise that lasts some frames."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, events)
    noise = rng.standard_normal((events, 2 * WINDOW + 5))
    windows = np.stack([np.convolve(row, np.full(5, 5**-0.5), "valid") for row in noise])
    late = np.broadcast_to(labels_late, events)
    for row, label, by in zip(windows, labels, late, strict=True):
        start = WINDOW - by + round(rng.normal(0, jitter)) + 3 * label
        row[start : start + 40] += height * SHAPE[: len(row[start : start + 40])]
    return EventMotion(f"v_{seed}", f"v_{seed}", 1.0, labels, windows.astype(np.float32))


def judged(motions):
    fits, in_line, drifts = judge(motions, np.random.default_rng(0))
    return fits, [index for index, good in enumerate(in_line) if not good], drifts


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_said_of_clean_labels(seed):
    fits, out, _ = judged([made(100 * seed + i, jitter=1.5) for i in range(8)])
    assert not out and all(fit.placed and abs(fit.late) <= 1 for fit in fits)
    assert all(fit.interval[0] <= 0 <= fit.interval[1] for fit in fits)


@pytest.mark.parametrize("shift", [5, -12, 40])
def test_a_shift_is_found_in_its_video_alone_with_its_interval(shift):
    fits, out, _ = judged([made(seed, jitter=1.0, labels_late=shift * (seed == 3)) for seed in range(8)])
    assert out == [3] and abs(fits[3].late - shift) <= 1
    assert fits[3].interval[0] <= shift <= fits[3].interval[1]


def test_three_of_eight_may_be_shifted():
    assert judged([made(seed, labels_late=10 * (seed < 3)) for seed in range(8)])[1] == [0, 1, 2]


def test_a_shift_that_all_share_cannot_be_found():
    assert not judged([made(seed, labels_late=10) for seed in range(8)])[1]


def test_half_a_video_that_is_shifted_is_a_drift():
    motions = [made(seed, labels_late=np.where(np.arange(40) < 20, 0, 12) * (seed == 5)) for seed in range(8)]
    fits, out, drifts = judged(motions)
    assert out == [5] and [drift is not None for drift in drifts] == [seed == 5 for seed in range(8)]
    finding, = alignment._findings(motions[5], fits[5], drifts[5])
    assert finding.check == "labels-drift"
    assert finding.message.startswith("labels seem right in the first half of the events and about 12 frames late (")


def test_labels_that_belong_nowhere():
    motions = [made(seed, height=3.0 * (seed != 6)) for seed in range(8)]
    fits, out, drifts = judged(motions)
    assert out == [6] and fits[6].nowhere
    assert "another video's" in next(alignment._findings(motions[6], fits[6], drifts[6])).message


def test_nothing_is_judged_where_motion_shows_nothing_or_too_few_are_compared():
    for motions in ([made(seed, height=0.0) for seed in range(8)], [made(seed) for seed in range(3)],
                    [made(seed, events=7) for seed in range(8)]):
        fits, out, _ = judged(motions)
        assert not out and not any(fit.placed for fit in fits)
    assert judged([]) == ([], [], [])
