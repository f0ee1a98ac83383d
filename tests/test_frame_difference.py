"""Frames with their differences: what stands in which channel, and at the ends."""

import torch

from model.frame_difference import GAIN, FrameDifference


def with_differences(clips):
    layer = FrameDifference()
    layer.num_frames = clips.shape[1]
    return layer(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])


def test_a_frame_has_what_changed_behind_its_colours():
    clips = torch.randn(2, 4, 3, 3, 5)
    out = with_differences(clips)
    assert out.shape == (2, 4, 5, 3, 5)
    grey = 0.299 * clips[:, :, 0] + 0.587 * clips[:, :, 1] + 0.114 * clips[:, :, 2]
    torch.testing.assert_close(out[:, :, :3], clips)
    torch.testing.assert_close(out[:, 1:, 3], GAIN * (grey[:, 1:] - grey[:, :-1]))
    torch.testing.assert_close(out[:, :-1, 4], out[:, 1:, 3])
    assert not out[:, 0, 3].any() and not out[:, -1, 4].any()  # past the ends a frame stands for its neighbour


def test_one_clip_tells_nothing_to_another():
    clips = torch.randn(2, 3, 3, 3, 5)
    torch.testing.assert_close(with_differences(clips)[1], with_differences(clips[1:])[0])
