"""How a split's frames were made: what most of its frames have."""

import numpy as np
from conftest import write_image

from dataset.frame_making import how_frames_were_made
from util.io import write_json


def frames_of(root, video, height, num_frames, fps=None, **record):
    write_image(root / video / "000000.jpg", np.zeros((height, 2 * height, 3), np.uint8))
    if record:
        write_json(root / video / "video.json", record)
    return {"video": video, "num_frames": num_frames} | ({} if fps is None else {"fps": fps})


def test_what_most_frames_have_is_told(tmp_path):
    videos = [
        frames_of(tmp_path, "a", 96, 500, 25.0, options={"height": 96, "fps": 25.0}),
        frames_of(tmp_path, "b", 90, 300, 30.0, options={"height": 96, "fps": None}),
        frames_of(tmp_path, "c", 90, 100, 30.0),
    ]
    assert how_frames_were_made(tmp_path, videos) == {"frame_height": 96, "frame_fps": 25.0, "resample_fps": 25.0}
    assert how_frames_were_made(tmp_path, videos[1:]) == {"frame_height": 90, "frame_fps": 30.0, "resample_fps": None}


def test_a_rate_that_is_not_known_is_none(tmp_path):
    for fps in (None, -1):
        assert how_frames_were_made(tmp_path, [frames_of(tmp_path, "a", 48, 9, fps)])["frame_fps"] is None
