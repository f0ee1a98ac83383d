import math
import os
import sys
from fractions import Fraction

import numpy as np
import pytest
from encoded import copy_packets, cut, encode, indices, noise

from footage.decoding import Faults
from footage.pictures import Fitter
from footage.raw_videos import FrameOptions, Frames, find_videos, probe, resample
from util.errors import UserError


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_videos_are_found_at_any_depth_and_named_by_their_path(tmp_path):
    inside = ("b.MP4", "cup/a_1.mkv", "cup/2024.v2_2.M2TS", "no.txt", "._b.mp4", ".cache/x.mp4")
    touch(*(tmp_path / name for name in inside))
    (tmp_path / "folder.mp4").mkdir()
    assert list(find_videos(tmp_path)) == ["b", "cup/2024.v2_2", "cup/a_1"]
    assert find_videos(tmp_path)["b"] == tmp_path / "b.MP4"


@pytest.mark.parametrize("one, two", [("a.mp4", "a.mkv"), ("a.mp4", "A.avi"), ("a.mp4", "a/b.mp4")])
def test_videos_that_would_share_a_frame_folder_are_refused(tmp_path, one, two):
    touch(tmp_path / one, tmp_path / two)
    with pytest.raises(UserError) as error:
        find_videos(tmp_path)
    assert str(tmp_path / one) in str(error.value) and str(tmp_path / two) in str(error.value)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("name, said", [(b"a_\xff_b.mp4", "has a character that no file name should have; rename it"),
                                        (b"a\\b.mp4", "is no path below the frame folder")])
def test_a_name_that_no_frame_folder_can_have_is_refused_before_the_long_work(tmp_path, name, said):
    touch(tmp_path / os.fsdecode(name))
    with pytest.raises(UserError, match=said):
        find_videos(tmp_path)


def test_a_folder_without_videos_or_none_is_refused(tmp_path):
    touch(tmp_path / "notes.txt")
    with pytest.raises(UserError, match=r"no video files found .*\.mp4"):
        find_videos(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        find_videos(tmp_path / "none")


def test_a_video_tells_its_rate_size_and_length_before_it_is_decoded(tmp_path):
    info = probe(encode(tmp_path / "a.mp4", fps=Fraction(30000, 1001), turned=90))
    assert (info.width, info.height, info.announced_frames) == (64, 96, 40)
    assert info.fps == pytest.approx(29.97, abs=1e-3)
    info = probe(encode(tmp_path / "a.mkv", sample_aspect_ratio=Fraction(4, 3)))
    assert (info.width, info.height, info.announced_frames) == (128, 64, 40)


def test_a_video_of_which_nothing_can_be_decoded_is_refused(tmp_path):
    path = copy_packets(encode(tmp_path / "whole.mp4"), tmp_path / "a.mkv", keep=lambda number: 0 < number < 9)
    with pytest.raises(UserError, match=r"a\.mkv: not one frame can be decoded"):
        probe(path)


@pytest.mark.parametrize("name, frames, size", [
    ("nasa_13013.mp4", 325, (320, 180)),
    ("nasa_13013_rotated.mp4", 17, (126, 224)),
    ("testsrc2_vp9.webm", 30, (398, 224)),
    ("golf_portrait.mp4", 264, (161, 224)),
])
def test_real_videos_give_the_frames_that_they_hold(shared, name, frames, size):
    read = Frames(shared / "videos" / name, FrameOptions())
    shapes = [(number, picture.shape) for number, picture in read]
    assert shapes == [(number, (*size[::-1], 3)) for number in range(frames)]
    assert not read.faults


def resampled(stamps, fps, source_fps):
    """The frame that each new frame shows."""
    shown = list(resample(((at, index) for index, at in enumerate(stamps)), fps, source_fps))
    numbers = [number for _, numbers in shown for number in numbers]
    assert numbers == list(range(len(numbers)))
    return [frame for frame, numbers in shown for _ in numbers]


def test_resampling_to_the_same_rate_changes_nothing_even_with_rounded_stamps():
    assert resampled([round(i / 30, 3) for i in range(300)], 30, 30) == list(range(300))


def test_resampling_takes_the_frame_nearest_in_time():
    assert resampled([i / 50 for i in range(100)], 25, 50) == list(range(0, 100, 2))
    assert resampled([i / 25 for i in range(4)], 50, 25) == [0, 0, 1, 1, 2, 2, 3, 3]
    shown = resampled([i / 30 for i in range(900)], 25, 30)
    assert len(shown) == 750
    assert all(abs(index / 30 - k / 25) <= 0.5 / 30 + 1e-9 for k, index in enumerate(shown))


def test_resampling_fills_a_pause_of_a_variable_rate():
    assert resampled([0, 0.1, 0.2, 0.7, 0.8], 10, 5 / 0.9) == [0, 1, 2, 2, 2, 3, 3, 3, 4]


def test_resampling_may_begin_in_the_midst():
    stamps = [round(i / 30, 3) for i in range(90)]
    whole = list(resample(((at, index) for index, at in enumerate(stamps)), 25, 30))
    part = list(resample(((at, index) for index, at in list(enumerate(stamps))[40:]), 25, 30))
    assert part == [shown for shown in whole if shown[0] > 40]


def test_a_phone_video_of_variable_rate_is_resampled_by_its_stamps(tmp_path):
    rng = np.random.default_rng(0)
    stamps = np.cumsum([0, *rng.choice([33, 34, 50, 17, 100], 59)])  # milliseconds
    path = encode(tmp_path / "a.mp4", num_frames=60, pts=stamps.tolist(), time_base=Fraction(1, 1000))
    shown = indices(picture for _, picture in Frames(path, FrameOptions(fps=25)))
    assert len(shown) == pytest.approx(stamps[-1] / 40, abs=2)
    for number, index in enumerate(shown[:-1]):
        assert abs(stamps[index] - 40 * number) == np.abs(stamps - 40 * number).min()


def whole_and_part(path, options, start, end):
    whole, part = dict(Frames(path, options)), Frames(path, options, start, end, threads=1)
    pictures = dict(part)
    assert all(np.array_equal(pictures[number], whole[number]) for number in pictures)
    return whole, pictures, part.faults


@pytest.mark.parametrize("name, options", [("a.mp4", {}), ("a.mkv", {}), ("a.ts", {}), ("a.avi", {}),
                                           ("a.mp4", {"codec": "libx265"}), ("a.mpg", {"codec": "mpeg2video"})])
@pytest.mark.parametrize("fps", [None, 10, 25, 60])
@pytest.mark.parametrize("start, end", [(0, 0.5), (0.62, 1.3), (1.4, math.inf), (1.59, 1.62), (5, 6)])
def test_a_part_of_a_video_has_the_numbers_and_pictures_of_the_whole(tmp_path, name, options, fps, start, end):
    whole, part, faults = whole_and_part(encode(tmp_path / name, **options), FrameOptions(fps=fps), start, end)
    rate = fps or 25
    first = math.floor(start * rate + 0.02)  # on display then
    assert list(part) == [number for number in whole if first <= number < end * rate - 1e-6]
    assert not faults


def test_a_part_of_a_video_without_its_first_key_frame_counts_frames_from_what_can_be_decoded(tmp_path):
    whole = encode(tmp_path / "whole.mp4", num_frames=60)
    path = copy_packets(whole, tmp_path / "a.mkv", keep=lambda number: number >= 4, shift=50)
    _, part, faults = whole_and_part(path, FrameOptions(), 1, 1.2)
    assert list(part) == [21, 22, 23, 24, 25] and indices(part.values()) == [31, 32, 33, 34, 35] and not faults


def test_pictures_are_rgb_and_those_of_the_fitter(tmp_path):
    red = np.full((64, 96, 3), (0, 0, 200), np.uint8)
    path = encode(tmp_path / "a.mp4", pictures=[red] * 3)
    frames = Frames(path, FrameOptions(height=32))
    pictures = [picture for _, picture in frames]
    assert pictures[0].shape == (32, 48, 3) and pictures[0].flags.c_contiguous
    assert pictures[0][16, 24].tolist() == pytest.approx([200, 0, 0], abs=4)
    assert isinstance(frames.fitter("bgr"), Fitter)


def test_reading_tells_what_is_missing_in_the_part_that_was_read(tmp_path):
    path = encode(tmp_path / "a.mp4", num_frames=60, pictures=noise(60), container={"movflags": "faststart"})
    cut(path)
    for start in (0, 0.6):
        frames = Frames(path, FrameOptions(), start)
        numbers = [number for number, _ in frames]
        assert numbers[-1] < 40 and frames.faults.missing >= 20
    frames = Frames(path, FrameOptions(), 0, 0.5)
    assert len(list(frames)) == 13 and frames.faults == Faults()
