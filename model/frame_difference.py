"""Colours with what changes beside them: what moves shows in a single picture, before any layer has learned to compare.

Temporal differences of frames are an old input of action recognition (Wang et al., "Temporal Segment Networks", ECCV
2016, section 3.2); here they stand beside the colours.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.streaming import Carry

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
# What differences are multiplied by, so that they weigh as much as colours do: frames are normalised to a deviation
# of 1, and the noise of a camera, some 7 of 255 between two frames, comes to 1 as well. As they are, a ball that moves
# is a hundredth of what a CNN sees, and one that begins from nothing hardly finds it.
GAIN = 8.0


class FrameDifference(nn.Module):
    """Frames with how they differ from their neighbours: (B * T, 3, H, W), T = `num_frames` -> (B * T, 5, H, W).

    Behind its colours a frame has by how much it is lighter than the one before, and the one after than it, times
    `GAIN`. Past either end of a clip the frame itself stands for its neighbour: there nothing moves.
    """

    reach = 1  # frames to either side on which a frame depends

    def __init__(self) -> None:
        super().__init__()
        self.num_frames = 1  # T, set by the backbone before each pass
        self.carry: Carry | None = None  # set where the frames are a stretch of a video

    def forward(self, x: Tensor) -> Tensor:
        if self.carry is None:
            return self.with_differences(x, self.num_frames)
        if not len(self.carry.take_in(x)):
            return x.new_empty(0, 5, *x.shape[2:])
        return self.carry.shift(3, self.with_differences)

    @staticmethod
    def with_differences(x: Tensor, num_frames: int) -> Tensor:
        clips = x.unflatten(0, (-1, num_frames))
        grey = sum(part * plane for part, plane in zip(LUMA, clips.split(1, 2), strict=True))
        change = GAIN * (grey[:, 1:] - grey[:, :-1])  # ONNX has no diff
        none = torch.zeros_like(grey[:, :1])
        parts = clips, torch.cat((none, change), 1), torch.cat((change, none), 1)
        return torch.cat(parts, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
