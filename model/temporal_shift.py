"""Temporal Shift Module (Lin, Gan and Han, "TSM: Temporal Shift Module for Efficient Video Understanding",
ICCV 2019, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


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
    backbone before each pass.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        fold = channels // 8
        self.parts = (fold, fold, channels - 2 * fold)
        self.num_frames = 1

    def forward(self, x: Tensor) -> Tensor:
        first, second, rest = x.split(self.parts, 1)
        return torch.cat((next_frame(first, self.num_frames), previous_frame(second, self.num_frames), rest), 1)
