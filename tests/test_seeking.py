import pytest
from encoded import copy_packets, encode

from footage.decoding import Decoder, count_packets
from footage.frame_index import CannotSeek, find_entry, frames_from, spread_frames


def read_from(path, seconds):
    with Decoder(path, threads=1) as decoder:
        return [(number, round(at, 3)) for number, at, _ in frames_from(decoder, *find_entry(path, seconds))]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.flv"])
def test_reading_begins_at_the_key_frame_before_and_knows_its_number(tmp_path, name):
    path = encode(tmp_path / name, num_frames=60)  # a key frame every ten
    found = read_from(path, 1.3)  # frame 32.5
    assert found[0][0] in (20, 30) and found[-1][0] == 59
    assert [at for _, at in found] == pytest.approx([number / 25 for number, _ in found], abs=0.0011)
    assert read_from(path, 1.24)[0][0] <= 20  # two frames must lie between: frame 31 is only one after a key frame


def test_a_file_that_begins_late_counts_from_its_first_frame(tmp_path):
    path = copy_packets(encode(tmp_path / "whole.mp4", num_frames=60), tmp_path / "a.mkv", shift=500)
    assert read_from(path, 1.3)[0][0] in (20, 30)


@pytest.mark.parametrize("name, options, seconds", [
    ("a.mp4", {}, 0.2),  # nothing to leap over
    ("a.avi", {}, 1.3),  # no time stamps of its own
    ("a.mpg", {"codec": "mpeg2video"}, 1.3),
])
def test_where_numbers_would_not_be_sure_it_does_not_leap(tmp_path, name, options, seconds):
    path = encode(tmp_path / name, num_frames=60, **options)
    with pytest.raises(CannotSeek):
        find_entry(path, seconds)


def test_files_that_were_joined_are_not_leapt_about_in(tmp_path):
    path = encode(tmp_path / "a.ts", num_frames=60)
    path.write_bytes(2 * path.read_bytes())
    with pytest.raises(CannotSeek):
        find_entry(path, 4)


def test_a_few_frames_come_from_all_over_a_video(tmp_path):
    path = encode(tmp_path / "a.mp4", num_frames=60)
    stamps = [frame.time for frame, _ in spread_frames(path, 3)]
    assert len(stamps) == 3 and stamps[0] < 0.8 <= stamps[1] < 1.6 <= stamps[2]
    assert len(list(spread_frames(encode(tmp_path / "b.mkv", container={"live": "1"}), 3))) == 1


def test_packets_are_counted_where_nothing_announces_them(tmp_path):
    assert count_packets(encode(tmp_path / "b.mkv", container={"live": "1"})) == 40
