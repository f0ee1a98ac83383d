"""The index of a video: the frames and stamps that decoding all of it gives, whatever the file is like."""

from fractions import Fraction

import numpy as np
import pytest
from conftest import pattern_index
from encoded import copy_packets, encode

from footage.decoding import Decoder
from footage.frame_index import Cursor, kept_index, make_index
from footage.pictures import Fitter
from util.errors import UserError
from util.io import read_json

FILES = {
    "b-frames": ("a.mp4", {}),
    "matroska": ("a.mkv", {}),
    "broadcast": ("a.ts", {}),
    "hevc": ("a.mp4", {"codec": "libx265"}),
    "uneven": ("a.mp4", {"pts": np.cumsum(1 + np.arange(60) % 3).tolist(), "time_base": Fraction(1, 60)}),
    "avi": ("a.avi", {"codec": "mpeg4"}),
    "mpeg": ("a.mpg", {"codec": "mpeg2video"}),
}


def make(folder, name):
    if name == "late":
        return copy_packets(encode(folder / "whole.mp4", num_frames=60), folder / "a.mkv", shift=500)
    if name == "later than its sound":
        return encode(folder / "a.mkv", num_frames=60, pts=range(30, 90), time_base=Fraction(1, 25), sound=2)
    file, options = FILES[name]
    return encode(folder / file, num_frames=60, **options)


NAMES = [*FILES, "late", "later than its sound"]


@pytest.mark.parametrize("name", NAMES)
def test_the_index_has_the_frames_and_times_that_decoding_gives(tmp_path, name):
    path = make(tmp_path, name)
    with Decoder(path) as decoder:
        shown = [(at, pattern_index(Fitter(64, 1)(frame))) for at, frame in decoder]
    index = make_index(path)
    assert [number for _, number in shown] == list(range(60)) and len(index.stamps) == 60
    assert index.stamps.seconds == pytest.approx([at for at, _ in shown], abs=1e-6)
    assert index.stamps.end == pytest.approx(decoder.stamps().end, abs=1e-6)
    assert bool(index.keys) == (name not in ("avi", "mpeg"))
    assert index.record(path)["num_frames"] == 60 and index.record(path)["variable_rate"] == (name == "uneven")
    again = kept_index(path, tmp_path / "kept.json.gz"), kept_index(path, tmp_path / "kept.json.gz")
    for kept in again:
        assert (kept.pts, kept.keys, kept.fps, kept.size, kept.aspect) == (
            index.pts, index.keys, index.fps, index.size, index.aspect)
        assert kept.stamps.seconds == pytest.approx(index.stamps.seconds, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_cursor_gives_the_frame_that_shows_the_number(tmp_path, name):
    path = make(tmp_path, name)
    index = make_index(path)
    for sought in (0, 1, 9, 10, 31, 59):
        cursor = Cursor(path, index, sought, threads=1)
        assert cursor.next <= sought and (cursor.next > sought - 12 or not index.keys)
        while (found := cursor.read()) and found[0] < sought:
            pass
        assert found[0] == sought == pattern_index(Fitter(64, 1)(found[1]))
        cursor.close()


def test_a_file_that_is_another_is_read_again(tmp_path):
    path, kept = encode(tmp_path / "a.mp4", num_frames=30), tmp_path / "kept.json.gz"
    assert len(kept_index(path, kept).stamps) == 30
    before = read_json(kept)
    encode(path, num_frames=40)
    assert len(kept_index(path, kept).stamps) == 40 and read_json(kept) != before


def test_what_is_no_video_is_said(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"no video at all")
    with pytest.raises(UserError, match="cannot be opened as a video"):
        make_index(tmp_path / "a.mp4")


def test_a_frame_that_does_not_come_is_an_error_and_not_another_frame(tmp_path):
    """Of a video that lost frames, as its packets promise what cannot be decoded."""
    path = encode(tmp_path / "a.mp4", num_frames=60)
    index = make_index(path)
    index.pts.insert(45, index.pts[44] + 1)
    cursor = Cursor(path, index, 42, threads=1)
    with pytest.raises(UserError, match="is damaged"):
        while cursor.read():
            pass
    cursor.close()
