"""Frames with their neighbours: what stands in which channel, and at the ends."""

import pytest
import torch

from model.frame_stack import FrameStack


def stacked(clips):
    stack = FrameStack()
    stack.num_frames = clips.shape[1]
    return stack(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])


def test_a_grey_frame_stands_between_the_one_before_and_the_one_after():
    clips = torch.randn(2, 4, 1, 3, 5)
    out = stacked(clips)
    assert out.shape == (2, 4, 3, 3, 5)
    torch.testing.assert_close(out[:, 1:, 0], clips[:, :-1, 0])
    torch.testing.assert_close(out[:, :, 1], clips[:, :, 0])
    torch.testing.assert_close(out[:, :-1, 2], clips[:, 1:, 0])
    torch.testing.assert_close(out[:, 0, 0], clips[:, 0, 0])  # past the ends a frame stands for its neighbour
    torch.testing.assert_close(out[:, -1, 2], clips[:, -1, 0])


def test_a_coloured_frame_has_what_changed_behind_its_colours():
    clips = torch.randn(2, 4, 3, 3, 5)
    out = stacked(clips)
    assert out.shape == (2, 4, 5, 3, 5)
    grey = 0.299 * clips[:, :, 0] + 0.587 * clips[:, :, 1] + 0.114 * clips[:, :, 2]
    torch.testing.assert_close(out[:, :, :3], clips)
    torch.testing.assert_close(out[:, 1:, 3], grey[:, 1:] - grey[:, :-1])
    torch.testing.assert_close(out[:, :-1, 4], grey[:, 1:] - grey[:, :-1])
    assert not out[:, 0, 3].any() and not out[:, -1, 4].any()


@pytest.mark.parametrize("channels", [1, 3])
def test_one_clip_tells_nothing_to_another(channels):
    clips = torch.randn(2, 3, channels, 3, 5)
    torch.testing.assert_close(stacked(clips)[1], stacked(clips[1:])[0])
