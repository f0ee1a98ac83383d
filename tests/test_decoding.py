from fractions import Fraction

import numpy as np
import pytest
from encoded import copy_packets, cut, damage, encode, indices, noise, silence

from footage.decoding import Decoder, Faults
from util.errors import UserError

FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
AHEAD = {"movflags": "faststart"}  # the index first
NO_LENGTH = {"live": "1"}


def decode(path, threads=2):
    """The decoder once it is done, the times, and the numbers that the frames show."""
    with Decoder(path, threads) as decoder:
        times, frames = zip(*[(at, frame.to_ndarray(format="bgr24")) for at, frame in decoder], strict=True)
    return decoder, list(times), indices(frames)


def faults(path, threads=2):
    with Decoder(path, threads) as decoder:
        decoded = sum(1 for _ in decoder)
        return decoded, decoder.faults()


@pytest.mark.parametrize("name, options", [
    ("a.mp4", {}),
    ("a.mp4", {"container": FRAGMENTS}),
    ("a.mkv", {}),
    ("a.mkv", {"container": NO_LENGTH}),
    ("a.ts", {}),
    ("a.flv", {}),
    ("a.avi", {}),
    ("a.mp4", {"fps": Fraction(30000, 1001)}),
    ("a.mov", {"pixels": "yuv420p10le"}),
    ("a.mp4", {"pixels": "yuv444p", "size": (95, 65)}),
    ("a.264", {}),
    ("a.mp4", {"codec": "libx265"}),
    ("a.webm", {"codec": "libvpx-vp9", "size": (95, 65)}),
    ("a.webm", {"codec": "libvpx-vp9", "container": NO_LENGTH}),
    ("a.mpg", {"codec": "mpeg2video"}),
    ("a.ts", {"codec": "mpeg2video"}),
    ("a.avi", {"codec": "mpeg4"}),
    ("a.avi", {"codec": "mjpeg", "pixels": "yuvj420p", "size": (95, 65)}),
    ("a.mkv", {"codec": "ffv1", "pixels": "bgr0"}),
    ("a.wmv", {"codec": "wmv2"}),
])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_whole_video_gives_each_frame_once_in_order_and_has_no_faults(tmp_path, name, options, threads):
    path = encode(tmp_path / name, **options)
    decoder, times, shown = decode(path, threads)
    assert shown == list(range(40))
    assert not decoder.faults() and decoder.lost_start == 0
    fps = float(options.get("fps", 25))
    assert np.allclose(times, np.arange(40) / fps, atol=0.0011)  # some containers count milliseconds
    assert decoder.fps == decoder.even_rate() == pytest.approx(fps)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.flv"])
def test_without_its_first_key_frame_a_video_begins_at_the_next_and_is_not_called_cut(tmp_path, name):
    whole = encode(tmp_path / "whole.mp4")
    decoder, times, shown = decode(copy_packets(whole, tmp_path / name, keep=lambda number: number >= 4))
    assert shown == list(range(10, 40)) and times[0] == pytest.approx(0.16, abs=0.0011)
    assert not decoder.faults()
    assert 4 <= decoder.lost_start <= 6  # an edit list may leave two of them out


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_times_count_from_the_start_of_the_container_wherever_that_is(tmp_path, name):
    path = copy_packets(encode(tmp_path / "whole.mp4"), tmp_path / name, shift=1000)
    decoder, times, shown = decode(path)
    assert shown == list(range(40)) and np.allclose(times, np.arange(40) / 25, atol=0.0011)
    assert not decoder.faults()


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.ts", "a.flv"])
def test_sound_that_begins_before_the_picture_begins_the_container(tmp_path, name):
    stamps = range(10, 50)
    path = encode(tmp_path / name, pts=stamps, time_base=Fraction(1, 25), sound=2)
    decoder, times, shown = decode(path)
    assert shown == list(range(40)) and np.allclose(times, np.arange(10, 50) / 25, atol=0.025)
    assert decoder.start == times[0] and decoder.even_rate() == pytest.approx(25, abs=0.01)
    assert decoder.stamps().end == pytest.approx(times[0] + 1.6, abs=0.0011)


def test_what_an_edit_list_cuts_off_is_neither_shown_nor_missing(tmp_path):
    path = copy_packets(encode(tmp_path / "whole.mp4"), tmp_path / "a.mp4", shift=-0.4)
    decoder, _, shown = decode(path)
    assert shown == list(range(10, 40)) and not decoder.faults() and decoder.announced_frames == 30
    content = bytearray(path.read_bytes())
    place = content.index(b"elst") + 12  # its first entry, whose length is in milliseconds
    assert int.from_bytes(content[place : place + 4], "big") == 1200
    content[place : place + 4] = (400).to_bytes(4, "big")
    path.write_bytes(content)
    decoder, _, shown = decode(path)
    assert shown == list(range(10, 20)) and not decoder.faults() and decoder.announced_frames == 10


def test_frames_that_a_recorder_dropped_are_not_missing(tmp_path):
    stamps = [number + 5 * (number >= 20) for number in range(40)]
    path = encode(tmp_path / "a.avi", "mjpeg", pixels="yuvj420p", pts=stamps, time_base=Fraction(1, 25))
    decoder, times, _ = decode(path)
    assert len(times) == 40 and not decoder.faults() and decoder.even_rate() is None


def test_files_that_were_joined_are_whole(tmp_path):
    path = encode(tmp_path / "a.ts")
    path.write_bytes(2 * path.read_bytes())
    decoder, times, shown = decode(path)
    assert shown == 2 * list(range(40)) and not decoder.faults()
    assert np.allclose(times, np.arange(80) / 25) and decoder.even_rate() == 25


def test_frames_are_timed_by_their_stamps_and_a_leap_of_minutes_is_none(tmp_path):
    stamps = [0, 40, 80, 700, 740]
    path = encode(tmp_path / "a.mkv", "mjpeg", 5, pixels="yuvj420p", pts=stamps, time_base=Fraction(1, 1000))
    decoder, times, _ = decode(path)
    assert times == pytest.approx([0, 0.04, 0.08, 0.7, 0.74]) and decoder.even_rate() is None
    path = encode(tmp_path / "b.mkv", "mjpeg", 5, pixels="yuvj420p", pts=[0, 40, 80, 900_000, 900_040],
                  time_base=Fraction(1, 1000))
    assert decode(path)[1] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])


def test_a_rate_that_the_header_does_not_tell_is_taken_from_the_packets(tmp_path):
    path = encode(tmp_path / "a.mkv", "mjpeg", fps=1000, pixels="yuvj420p", pts=range(0, 1600, 40),
                  time_base=Fraction(1, 1000))
    assert decode(path)[0].fps == pytest.approx(25)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.flv", "a.ts"])
@pytest.mark.parametrize("sound", [1, 4])
def test_sound_that_is_longer_or_shorter_than_the_picture_is_no_fault(tmp_path, name, sound):
    decoder, _, shown = decode(encode(tmp_path / name, sound=sound))
    assert shown == list(range(40)) and not decoder.faults()


@pytest.mark.parametrize("name", ["a.ts", "a.mpg"])
def test_a_recording_that_begins_anywhere_is_whole_from_its_first_key_frame(tmp_path, name):
    path = encode(tmp_path / name, "mpeg2video", pictures=noise(40))
    content = path.read_bytes()
    path.write_bytes(content[len(content) // 6 // 188 * 188 :])
    decoder, _, shown = decode(path)
    assert shown[0] >= 8 and shown[-5:] == [35, 36, 37, 38, 39] and not decoder.faults() and decoder.lost_start


@pytest.mark.parametrize("name, options, missing", [
    ("a.mp4", {"container": AHEAD}, 20),
    ("a.mp4", {"container": FRAGMENTS}, 1),
    ("a.mkv", {}, 20),
    ("a.flv", {}, 20),
    ("a.avi", {}, 20),
    ("a.webm", {"codec": "libvpx-vp9"}, 20),
    ("a.avi", {"codec": "mjpeg", "pixels": "yuvj420p"}, 20),
    ("a.ts", {}, 0),  # which announces nothing: it is known to be cut by its last packet
    ("a.webm", {"codec": "libvpx-vp9", "container": NO_LENGTH}, 0),
    ("a.mpg", {"codec": "mpeg2video"}, 0),
])
def test_a_video_cut_off_is_told(tmp_path, name, options, missing):
    path = encode(tmp_path / name, num_frames=60, pictures=noise(60), **options)
    assert faults(path) == (60, Faults())
    decoded, found = faults(cut(path, 0.45))
    assert 5 < decoded < 45 and found
    assert found.missing >= missing
    if missing == 20:
        assert found.missing == pytest.approx(60 - decoded, abs=2)
        assert str(found).startswith(f"{found.missing} frames are missing")


def test_of_a_cut_mp4_the_missing_frames_are_counted_exactly(tmp_path):
    path = cut(encode(tmp_path / "a.mp4", num_frames=60, pictures=noise(60), container=AHEAD), 0.97)
    decoded, found = faults(path, threads=1)
    assert decoded > 50 and found.missing == 60 - decoded


@pytest.mark.parametrize("name, options", [
    ("a.mp4", {}),
    ("a.mkv", {}),
    ("a.ts", {}),
    ("a.flv", {}),
    ("a.mp4", {"codec": "libx265"}),
    ("a.ts", {"codec": "mpeg2video"}),
    ("a.webm", {"codec": "libvpx-vp9"}),
    ("a.avi", {"codec": "mjpeg", "pixels": "yuvj420p"}),
])
@pytest.mark.parametrize("threads", [1, 3])
def test_damage_in_the_middle_is_told(tmp_path, name, options, threads):
    path = encode(tmp_path / name, num_frames=60, pictures=noise(60), **options)
    decoded, found = faults(damage(path), threads)
    assert found.missing or found.damaged
    assert 60 - decoded <= found.missing + 1


def test_transport_packets_that_were_lost_are_told(tmp_path):
    path = encode(tmp_path / "a.ts", num_frames=60, pictures=noise(60))
    content = path.read_bytes()
    middle = len(content) // 2 // 188 * 188
    path.write_bytes(content[:middle] + content[middle + 5 * 188 :])
    assert faults(path)[1]


def test_a_video_of_which_only_the_index_is_lost_is_whole(tmp_path):
    path = encode(tmp_path / "a.avi", "mjpeg", pixels="yuvj420p")
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"idx1")])
    assert faults(path) == (40, Faults())


def test_faults_in_words():
    assert not Faults() and Faults(trouble="it ends") and Faults(damaged=1)
    assert str(Faults(3, 1, "it ends within a packet")) == (
        "3 frames are missing, 1 frame is damaged, it ends within a packet")
    assert str(Faults(missing=1)) == "1 frame is missing"


def test_frames_that_change_in_size_are_refused(tmp_path):
    path, other = encode(tmp_path / "a.ts"), encode(tmp_path / "b.ts", size=(128, 64))
    path.write_bytes(path.read_bytes() + other.read_bytes())
    with pytest.raises(UserError, match=r"a\.ts: its frames change in size, from 96x64 to 128x64, 1\.\d+ s after"):
        faults(path)


@pytest.mark.parametrize("content, said", [
    (b"", "it is empty"),
    (b"no video" * 100, "cannot be opened as a video"),
    (b"\x00\x00\x00\x18ftypmp42" + bytes(500), "cannot be opened as a video"),
])
def test_a_file_that_is_no_video_is_refused(tmp_path, content, said):
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(UserError, match=rf"a\.mp4: .*{said}"):
        Decoder(tmp_path / "a.mp4")


def test_an_index_at_the_end_that_was_cut_off_is_said_to_be_missing(tmp_path):
    with pytest.raises(UserError, match="moov atom not found"):
        Decoder(cut(encode(tmp_path / "a.mp4")))


def test_sound_without_a_picture_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"a\.mp4: holds no video"):
        Decoder(silence(tmp_path / "a.mp4"))


def test_names_in_any_alphabet_and_with_a_colon(tmp_path):
    path = encode(tmp_path / "a.mp4")
    for name in ("Malm\u00f6 \u0424.mp4", "12:30.mp4"):
        assert decode(path.rename(tmp_path / name))[2] == list(range(40))
        path = tmp_path / name
