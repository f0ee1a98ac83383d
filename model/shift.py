"""What the temporal layers of a residual block have in common."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from model.streaming import Carry

# Devices on which splitting off and joining channels is done by the two functions below: there a training step of
# rny002_gsm takes a sixth less time than with split and cat, whose gradients go over the frames channel by channel.
# Everywhere else, split and cat (and for compilers, which make their own of them).
JOINED_BY_HAND = {"cpu"}


class _TakeFirst(torch.autograd.Function):
    """(N, C, H, W) -> its first n channels, channels-last, and all of it, for `_PutFirst`."""

    @staticmethod
    def forward(ctx, x: Tensor, n: int) -> tuple[Tensor, Tensor]:
        ctx.n = n
        return x[:, :n].contiguous(memory_format=torch.channels_last), x.view_as(x)

    @staticmethod
    def backward(ctx, grad_first: Tensor, grad_all: Tensor) -> tuple[Tensor, None]:
        grad = grad_all.clone()
        grad[:, : ctx.n] = grad_first
        return grad, None


class _PutFirst(torch.autograd.Function):
    """The frames that `_TakeFirst` gave, with other values in their first channels.

    Its gradient for the old values of these channels is not zero, as it should be: `_TakeFirst` overwrites it.
    """

    @staticmethod
    def forward(ctx, frames: Tensor, first: Tensor) -> Tensor:
        ctx.n = first.shape[1]
        out = frames.clone()
        out[:, : ctx.n] = first
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor]:
        return grad, grad[:, : ctx.n].contiguous(memory_format=torch.contiguous_format)


class Shift(nn.Module):
    """Lets the first channels of each frame depend on its neighbours; the other channels stay as they are.

    Takes and gives (B * T, C, H, W), the T frames of a clip one after the other. A new one is a subclass with
    `reach` and `shift`, named in `architecture.SHIFTS` and `backbone.SHIFT_LAYERS`.
    """

    reach: int  # frames to either side on which a frame depends
    before_shortcut = False  # it stands before the whole block, whose shortcut then sees shifted features too

    def __init__(self, shifted: int) -> None:
        super().__init__()
        self.shifted = shifted  # channels
        self.num_frames = 1  # T, set by the backbone before each pass
        self.carry: Carry | None = None  # set where the frames are a stretch of a video
        self.overwrite = False  # write into the frames that come in: for inference, where nothing else needs them

    def shift(self, x: Tensor, num_frames: int) -> Tensor:
        """(B * T, shifted, H, W), T = num_frames -> the same shape; past either end of a clip there is nothing."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        n, by_hand = self.shifted, x.device.type in JOINED_BY_HAND
        if self.carry is not None:
            first = self.carry.shift(n, self.shift)
        else:
            first, x = _TakeFirst.apply(x, n) if by_hand else (x[:, :n], x)
            first = self.shift(first, self.num_frames)
        if self.overwrite:
            x[:, :n] = first
            return x
        if by_hand:
            return _PutFirst.apply(x, first)
        return torch.cat((first.contiguous(memory_format=torch.channels_last), x[:, n:]), 1)


def next_frame(x: Tensor, num_frames: int) -> Tensor:
    """(B * T, ...), T = num_frames -> the same, each frame replaced by the one after it, zeros at the end."""
    return _in_clips(x, num_frames, lambda clips: torch.cat((clips[:, 1:], torch.zeros_like(clips[:, :1])), 1))


def previous_frame(x: Tensor, num_frames: int) -> Tensor:
    """(B * T, ...), T = num_frames -> the same, each frame replaced by the one before, zeros at the start."""
    return _in_clips(x, num_frames, lambda clips: torch.cat((torch.zeros_like(clips[:, :1]), clips[:, :-1]), 1))


def interleaved(x: Tensor) -> Tensor:
    """(N, C, H, W), its channels taken from either half in turn, (2, C / 2) -> (C / 2, 2)."""
    if is_channels_last(x):
        return x.movedim(1, -1).unflatten(-1, (2, -1)).transpose(-1, -2).flatten(-2).movedim(-1, 1)
    return x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)


def is_channels_last(x: Tensor) -> bool:
    """Whether frames, or some channels of them, lie in memory so: with a fifth dimension for the clips PyTorch would
    lay out in planes what it makes of them, and in channels again for the next convolution."""
    return x.dim() == 4 and x.stride(1) == 1


def _in_clips(x: Tensor, num_frames: int, move: Callable[[Tensor], Tensor]) -> Tensor:
    """`move` of (B, T, ...); frames lie in memory afterwards as they did before."""
    rows = x.movedim(1, -1) if is_channels_last(x) else x
    out = move(rows.unflatten(0, (-1, num_frames))).flatten(0, 1)
    return out.movedim(-1, 1) if is_channels_last(x) else out
