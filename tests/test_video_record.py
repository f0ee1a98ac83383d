import pytest

from dataset.video_record import frame_stamps, read_record, source_stamps, write_record
from footage.raw_videos import VideoInfo
from label_forms.clock import announced_record
from util.errors import UserError

RECORD = {"source_frames": 60, "source_fps": 30.0, "num_frames": 60, "fps": 30.0, "options": {"fps": None},
          "stamps": {"first": 0.5, "unit": "1/600", "steps": "20x30 30x30"}}


def test_frames_have_the_stamps_of_the_source():
    for stamps in (source_stamps(RECORD), frame_stamps(RECORD)):
        assert [stamps.time_of(frame) for frame in (0, 30, 60)] == pytest.approx([0.5, 1.5, 3.0])


def test_resampled_frames_come_at_their_rate_from_the_first_picture_on():
    stamps = frame_stamps(RECORD | {"options": {"fps": 10.0}, "num_frames": 25, "fps": 10.0})
    assert [stamps.time_of(frame) for frame in (0, 10, 25)] == pytest.approx([0.5, 1.5, 3.0])


def test_a_record_without_stamps_has_those_of_its_rate():
    old = {key: value for key, value in RECORD.items() if key != "stamps"}
    assert [frame_stamps(old).time_of(frame) for frame in (0, 30)] == pytest.approx([0, 1])


def test_what_was_written_is_read_and_keys_may_be_missing(tmp_path):
    assert read_record(tmp_path) is None
    for record in (RECORD, {}, {"num_frames": 3, "fps": None}):
        write_record(tmp_path, record)
        assert read_record(tmp_path) == record


@pytest.mark.parametrize("changed, said", [
    ({"num_frames": 10**9}, "num_frames"), ({"source_frames": True}, "source_frames"), ({"bytes": "1"}, "bytes"),
    ({"fps": 0}, "as fps"), ({"source_fps": "25"}, "source_fps"), ({"options": {"fps": -1}}, "fps of its options"),
    ({"options": []}, "options"), ({"stamps": {}}, "a time stamp for each"), ({"source_frames": 61}, "a time stamp"),
    ({"source_frames": None}, "a time stamp"),
])
def test_impossible_values_are_refused_with_the_way_out(tmp_path, changed, said):
    write_record(tmp_path, RECORD | changed)
    with pytest.raises(UserError, match=rf"video\.json: must .*{said}.*; delete its folder and run prepare_data\.py"):
        read_record(tmp_path)


def test_what_a_file_announces_begins_with_its_first_picture():
    info = VideoInfo(25.0, 96, 64, 75, start=0.4)
    assert (frame_stamps(announced_record(info, None)).end, frame_stamps(announced_record(info, 10)).end) == (3.4, 3.4)
