import pytest

from dataset.video_record import frame_stamps, source_stamps

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
