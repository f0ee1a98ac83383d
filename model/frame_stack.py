"""Frames that carry their neighbours: what moves shows in a single picture, before any layer has learned to compare."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.streaming import Carry

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


class FrameStack(nn.Module):
    """Each frame with its neighbours: (B * T, C, H, W), T = `num_frames` -> (B * T, C', H, W).

    A grey frame (C = 1) becomes the one before it, itself, and the one after it (C' = 3). A coloured one (C = 3) keeps
    its colours, and has behind them by how much it is lighter than the frame before, and the frame after than it
    (C' = 5). Past either end of a clip the frame itself stands for its neighbour: there nothing moves.
    """

    reach = 1  # frames to either side on which a frame depends

    def __init__(self) -> None:
        super().__init__()
        self.num_frames = 1  # T, set by the backbone before each pass
        self.carry: Carry | None = None  # set where the frames are a stretch of a video

    @staticmethod
    def channels(of_frame: int) -> int:
        """C -> C'."""
        return {1: 3, 3: 5}[of_frame]

    def forward(self, x: Tensor) -> Tensor:
        if self.carry is None:
            return self.stack(x, self.num_frames)
        if not len(self.carry.take_in(x)):
            return x.new_empty(0, self.channels(x.shape[1]), *x.shape[2:])
        return self.carry.shift(x.shape[1], self.stack)

    def stack(self, x: Tensor, num_frames: int) -> Tensor:
        clips = x.unflatten(0, (-1, num_frames))
        planes = clips.split(1, 2)
        grey = clips if x.shape[1] == 1 else sum(part * plane for part, plane in zip(LUMA, planes, strict=True))
        before = torch.cat((grey[:, :1], grey[:, :-1]), 1)
        after = torch.cat((grey[:, 1:], grey[:, -1:]), 1)
        parts = (before, grey, after) if x.shape[1] == 1 else (clips, grey - before, after - grey)
        return torch.cat(parts, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
