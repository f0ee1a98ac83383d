"""Which frames of a video file extracted frames show: those that prepare_data.py took, by what both pictures show."""

from fractions import Fraction

import numpy as np
import pytest
from conftest import pattern_index, read_image
from encoded import copy_packets, encode

from dataset.video_record import frame_name, read_record
from footage.frame_folders import extract_frames
from footage.raw_videos import FrameOptions, SourceVideo
from util.errors import UserError

UNEVEN = {"pts": np.cumsum(1 + np.arange(60) % 3).tolist(), "time_base": Fraction(1, 60)}


def shown(folder, num_frames):
    return [pattern_index(read_image(folder / frame_name(number))) for number in range(num_frames)]


def source(path, record, folder):
    return SourceVideo(path, folder / "kept.json.gz", record["num_frames"], record["fps"], record)


@pytest.mark.parametrize("fps", [None, 12.5, 10, 30])
@pytest.mark.parametrize("uneven", [False, True])
def test_extracted_frames_are_those_of_the_file_whatever_the_rate(tmp_path, fps, uneven):
    path = encode(tmp_path / "a.mp4", num_frames=60, **(UNEVEN if uneven else {}))
    record = extract_frames(path, tmp_path / "a", FrameOptions(64, fps), 1)
    assert source(path, record, tmp_path).numbers.tolist() == shown(tmp_path / "a", record["num_frames"])


def test_a_file_that_begins_elsewhere_in_time_is_gone_by_time(tmp_path):
    """Frames were made of a copy at half the rate; the whole video stands for them by the times of both."""
    whole = encode(tmp_path / "whole.mp4", num_frames=60, pts=range(60), time_base=Fraction(1, 50), fps=50)
    half = encode(tmp_path / "half.mp4", num_frames=30)
    record = extract_frames(half, tmp_path / "half", FrameOptions(64), 1)
    assert source(whole, record, tmp_path).numbers.tolist() == list(range(0, 60, 2))
    resampled = extract_frames(half, tmp_path / "half", FrameOptions(64, 12.5), 1)
    assert source(whole, resampled, tmp_path).numbers.tolist() == list(range(0, 60, 4))


def test_of_another_container_frames_keep_their_numbers(tmp_path):
    path = encode(tmp_path / "a.mp4", num_frames=60)
    record = extract_frames(path, tmp_path / "a", FrameOptions(64), 1)
    copy = copy_packets(path, tmp_path / "copy.mkv", shift=3)
    assert source(copy, record, tmp_path).numbers.tolist() == list(range(60))


def test_frames_of_other_tools_go_by_their_rate_if_one_is_known(tmp_path):
    path = encode(tmp_path / "a.mp4", num_frames=60)
    assert SourceVideo(path, tmp_path / "k.gz", 30, 12.5).numbers.tolist() == list(range(0, 60, 2))
    assert SourceVideo(path, tmp_path / "k.gz", 60).numbers.tolist() == list(range(60))
    with pytest.raises(UserError, match="has 60 frames, but 30 were extracted"):
        _ = SourceVideo(path, tmp_path / "k.gz", 30).numbers
    assert read_record(tmp_path) is None
