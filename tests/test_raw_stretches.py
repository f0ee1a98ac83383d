"""Stretches of a raw video: every frame once, in order, cropped as extracted frames are."""

import numpy as np
import pytest
import torch
from conftest import write_image

from dataset.frames import VideoClips, read_batch
from dataset.jpeg import read_frame
from footage import raw_stretches
from footage.raw_stretches import stretches


def pictures(number, first=7):
    rng = np.random.default_rng(0)
    return [(first + i, rng.integers(0, 256, (20, 31, 3), dtype=np.uint8)) for i in range(number)]


@pytest.mark.parametrize("crop", [None, 16, 24])
def test_frames_are_cropped_as_extracted_ones_are(tmp_path, crop):
    paths = [tmp_path / "m" / f"{index:06d}.jpg" for index in range(5)]
    for path, (_, picture) in zip(paths, pictures(5), strict=True):
        write_image(path, picture)
    ((first, stretch),) = stretches(enumerate(map(read_frame, paths), 7), crop)
    clip = VideoClips(tmp_path, [{"video": "m", "num_frames": 5}], 15, 0, crop)[0]
    assert first == 7 and torch.equal(stretch, read_batch([clip]).frames[0, 5:10])


def test_stretches_follow_each_other_and_have_few_enough_pixels(monkeypatch):
    monkeypatch.setattr(raw_stretches, "STRETCH_PIXELS", 3 * 20 * 31)
    frames = pictures(8)
    parts = list(stretches(frames, None))
    assert [(first, len(stretch)) for first, stretch in parts] == [(7, 3), (10, 3), (13, 2)]
    joined = torch.cat([stretch for _, stretch in parts])
    assert torch.equal(joined, torch.from_numpy(np.stack([p for _, p in frames])).permute(0, 3, 1, 2))
    assert list(stretches([], None)) == []
