"""Motion around events is measured from frames as they are: missing ones, several rates, clips of one recording."""

import numpy as np
import pytest
from conftest import write_image

from checks.label_reading import LabelledVideo, Labels
from checks.motion import CLIP, EVENTS, STEPS_PER_SECOND, WINDOW, deviations, read_event_motion
from dataset.jpeg import with_checksum

RNG = np.random.default_rng(0)
WALL = RNG.integers(60, 120, (32, 48, 3)).astype(np.uint8)


def video(name, frames, num_frames=200, fps=25.0):
    events = [{"frame": frame, "label": "PASS"} for frame in frames]
    return LabelledVideo(name, "train", f"train.json: video {name!r}", num_frames, fps, None, events)


def read(folder, *videos, workers=1):
    return read_event_motion(Labels("data/x", ["PASS"], ["train"], list(videos), []), ["PASS"], folder, workers)


def write_frames(folder, jumps, num_frames=200):
    """Frames whose brightness differs by some grey levels, and changes by many at the jumps."""
    light = RNG.integers(0, 12, num_frames) + 100 * (np.searchsorted(jumps, np.arange(num_frames), "right") % 2)
    for number in range(num_frames):
        write_image(folder / f"{number:06d}.jpg", WALL + np.uint8(light[number]))


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    write_frames(folder / "a", [80, 120])
    return folder


def highest(motion):
    return (np.nanargmax(motion.windows[:, WINDOW - 20 : WINDOW + 21], 1) - 20).tolist()


def test_what_changes_stands_out_where_it_does(frames):
    motion, = read(frames, video("a", [120, 75]))
    assert motion.windows.shape == (2, 2 * WINDOW + 1) and highest(motion) == [5, 0]  # in the order of time
    known = np.arange(75 - WINDOW, 75 + WINDOW + 1) > 0
    assert (~np.isnan(motion.windows[0]) == known).all()


def test_a_step_is_the_same_time_at_every_rate(frames):
    motion, = read(frames, video("a", [70], fps=50.0))
    assert motion.step == 50 / STEPS_PER_SECOND and highest(motion) == [5]
    motion, = read(frames, video("a", [70], fps=None))
    assert motion.step == 1 and highest(motion) == [10]


def test_threads_read_the_same(frames):
    one, three = (read(frames, video("a", [75, 120]), workers=workers)[0] for workers in (1, 3))
    assert np.array_equal(one.windows, three.windows, equal_nan=True)


def test_missing_and_broken_frames_leave_gaps(tmp_path):
    write_frames(tmp_path / "a", [])
    (tmp_path / "a/000100.jpg").unlink()
    (tmp_path / "a/000110.jpg").write_bytes(b"no picture")
    (tmp_path / "a/000120.jpg").write_bytes(b"")
    write_image(tmp_path / "a/000130.jpg", WALL[:20])
    damaged = bytearray(with_checksum((tmp_path / "a/000140.jpg").read_bytes()))
    damaged[-40] ^= 1  # it decodes all the same
    (tmp_path / "a/000140.jpg").write_bytes(damaged)
    motion, = read(tmp_path, video("a", [115]))
    gone = np.flatnonzero(np.isnan(motion.windows[0])) + 115 - WINDOW
    assert gone.tolist() == [100, 101, 110, 111, 120, 121, 130, 131, 140, 141]
    assert read(tmp_path, video("gone", [5]), video("none", [])) == []


def test_clips_of_a_recording_are_one_and_of_many_events_a_part_is_read(frames):
    clips = [video(f"cup_{start}_{start + 200}", [50 + start, 100]) for start in (0, 40)]
    for clip in clips:
        write_frames(frames / clip.name, [])
    motion, = read(frames, *clips)
    assert motion.name == "cup" and "2 videos of 'cup'" in motion.where and len(motion.labels) == 4
    motion, = read(frames, video("a", [*range(200)] * 3))
    assert len(motion.labels) == EVENTS


def test_deviations_are_of_the_usual_motion_and_bounded():
    levels = np.exp(np.random.default_rng(0).standard_normal(5000)).astype(np.float32)
    levels[100], levels[200] = 1e6, np.nan
    found = deviations(levels)
    assert found[100] == CLIP and np.isnan(found[200])
    rest = np.delete(found, [100, 200])
    assert abs(np.median(rest)) < 0.05 and 0.8 < rest.std() < 1.2
    assert np.isnan(deviations(np.full(5, np.nan, np.float32))).all()
