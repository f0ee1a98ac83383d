"""Temporal Shift Module (Lin, Gan and Han, "TSM: Temporal Shift Module for Efficient Video Understanding",
ICCV 2019, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.streaming import Carry


class _Shift(torch.autograd.Function):
    """Frames moved by one place within each clip; its gradient is the move the other way."""

    @staticmethod
    def forward(ctx, x: Tensor, num_frames: int, ahead: bool) -> Tensor:
        ctx.num_frames, ctx.ahead = num_frames, ahead
        out = torch.empty_like(x)
        source, target = x.unflatten(0, (-1, num_frames)), out.unflatten(0, (-1, num_frames))
        if ahead:
            target[:, :-1], target[:, -1] = source[:, 1:], 0
        else:
            target[:, 1:], target[:, 0] = source[:, :-1], 0
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:
        return _Shift.apply(grad, ctx.num_frames, not ctx.ahead), None, None


def next_frame(x: Tensor, num_frames: int) -> Tensor:
    """(B * T, C, H, W), T = num_frames -> the same, each frame replaced by the one after it, zeros at the end."""
    return _Shift.apply(x, num_frames, True)


def previous_frame(x: Tensor, num_frames: int) -> Tensor:
    """(B * T, C, H, W), T = num_frames -> the same, each frame replaced by the one before, zeros at the start."""
    return _Shift.apply(x, num_frames, False)


class TemporalShift(nn.Module):
    """Takes the first eighth of the channels from the next frame and the second eighth from the previous one.

    Takes and gives (B * T, C, H, W), the T frames of a clip one after the other; `num_frames` is T, set by the
    backbone before each pass, or `carry` where the frames are a stretch of a video.
    """

    reach = 1  # frames to either side on which a frame depends

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shifted = channels // 8 * 2
        self.num_frames = 1
        self.carry: Carry | None = None

    def forward(self, x: Tensor) -> Tensor:
        first, rest = x.split((self.shifted, x.shape[1] - self.shifted), 1)
        moved = self.carry.shift(self.shifted, self.shift) if self.carry else self.shift(first, self.num_frames)
        return torch.cat((moved, rest), 1)

    def shift(self, x: Tensor, num_frames: int) -> Tensor:
        """(B * T, C / 4, H, W), T = num_frames -> the same, one half from the next frame, one from the previous."""
        first, second = x.chunk(2, 1)
        return torch.cat((next_frame(first, num_frames), previous_frame(second, num_frames)), 1)
