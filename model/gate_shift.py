"""Gate Shift Module (Sudhakaran, Escalera and Lanz, "Gate-Shift Networks for Video Action Recognition",
CVPR 2020, section 3)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.streaming import Carry


class _Take(torch.autograd.Function):
    """(N, C, H, W) -> its first n channels, and all of it, for `_Put`.

    With `_Put` this is split and cat, but the frames stay channels-last and cost one copy each way.
    """

    @staticmethod
    def forward(ctx, x: Tensor, n: int) -> tuple[Tensor, Tensor]:
        ctx.n = n
        return x[:, :n].contiguous(memory_format=torch.channels_last), x.view_as(x)

    @staticmethod
    def backward(ctx, grad_first: Tensor, grad_all: Tensor) -> tuple[Tensor, None]:
        grad = grad_all.clone()
        grad[:, : ctx.n] = grad_first
        return grad, None


class _Put(torch.autograd.Function):
    """The frames that `_Take` gave, with other values in their first channels.

    The gradient that it hands back for the old ones is void: `_Take` puts the right one in its place.
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


def _early_and_late(num_frames: int) -> tuple[slice, slice]:
    """The frames of a clip that have one after them, and those that have one before them."""
    return slice(0, num_frames - 1), slice(1, num_frames)


class _AddUp(torch.autograd.Function):
    """(B * T, 6, H, W), what each frame says in two planes to its own gates, to the next frame's and to the previous
    frame's -> (B * T, 2, H, W), all that is said to each frame's."""

    @staticmethod
    def forward(ctx, parts: Tensor, num_frames: int) -> Tensor:
        ctx.num_frames = num_frames
        early, late = _early_and_late(num_frames)
        same, to_next, to_previous = parts.unflatten(0, (-1, num_frames)).split(2, 2)
        total = same.contiguous()
        total[:, late] += to_next[:, early]
        total[:, early] += to_previous[:, late]
        return total.flatten(0, 1)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        early, late = _early_and_late(ctx.num_frames)
        grad = grad.unflatten(0, (-1, ctx.num_frames))
        parts = grad.new_zeros(*grad.shape[:2], 6, *grad.shape[3:])
        parts[:, :, 0:2] = grad
        parts[:, early, 2:4] = grad[:, late]
        parts[:, late, 4:6] = grad[:, early]
        return parts.flatten(0, 1), None


class _Move(torch.autograd.Function):
    """The share g of each channel goes to the frame before (first half of the channels) or after (second half), and
    the rest stays; zeros come in at either end of a clip.

    By hand, since every pass over memory counts: there are two forward and four backward.
    """

    @staticmethod
    def forward(ctx, x: Tensor, gates: Tensor, num_frames: int) -> Tensor:
        """x (B * T, 2, F / 2, H, W), gates (B * T, 2, H, W), T = num_frames -> as x."""
        ctx.save_for_backward(x, gates)
        ctx.num_frames = num_frames
        gates = gates.unsqueeze(2)
        out = torch.addcmul(x, x, gates, value=-1)
        for to, come, half in _ways(num_frames):
            target, source, gate = (_half(v, half, num_frames) for v in (out, x, gates))
            target[:, to].addcmul_(source[:, come], gate[:, come])
        return out

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        x, gates = ctx.saved_tensors
        away = grad.neg()  # of what leaves its frame: lost there, gained at its neighbour
        for to, come, half in _ways(ctx.num_frames):
            target, source = (_half(v, half, ctx.num_frames) for v in (away, grad))
            target[:, come] += source[:, to]
        return torch.addcmul(grad, away, gates.unsqueeze(2)), (away * x).sum(2), None


def _half(x: Tensor, half: int, num_frames: int) -> Tensor:
    """(B * T, 2, ...) -> (B, T, ...)"""
    return x[:, half].unflatten(0, (-1, num_frames))


def _ways(num_frames: int) -> tuple[tuple[slice, slice, int], tuple[slice, slice, int]]:
    """To which frames of a clip something comes, from which, and in which half of the channels."""
    early, late = _early_and_late(num_frames)
    return (early, late, 0), (late, early, 1)


class GateShift(nn.Module):
    """Moves a learned share of some channels one frame forth or back in time.

    Of C channels the first F = 4 * ceil(floor(C / 4) / 4) are gated. A gate plane g in (-1, 1) for each half of
    them, made from the frame and its two neighbours, says which part y = g * x leaves its frame: the first
    half's goes to the frame before, the second half's to the frame after. The rest x - y stays.

    Takes and gives (B * T, C, H, W), the T frames of a clip one after the other; `num_frames` is T, set by the
    backbone before each pass, or `carry` where the frames are a stretch of a video.
    """

    reach = 2  # frames to either side on which a frame depends: its neighbours, and theirs for the gates

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shifted = 4 * math.ceil(channels // 4 / 4)
        self.num_frames = 1
        self.carry: Carry | None = None
        self.overwrite = False  # write into the frames that go in: for inference, where nothing else needs them
        self.norm = nn.BatchNorm2d(self.shifted)
        self.relu = nn.ReLU()
        # A 3x3x3 convolution to 2 planes, as 3x3 convolutions to 2 * 3: for each plane one for each place that a
        # frame can take in the window of three. So frames need no fifth dimension.
        self.gate = nn.Conv2d(self.shifted, 2 * 3, 3, padding=1, groups=2, bias=False)
        self.gate_bias = nn.Parameter(torch.zeros(2))
        # the gates start shut: nothing leaves its frame before training opens them
        nn.init.zeros_(self.gate.weight)

    def forward(self, x: Tensor) -> Tensor:
        if self.carry is not None:
            first = self.carry.shift(self.shifted, self.shift)
        else:
            first, x = _Take.apply(x, self.shifted)
            first = self.shift(first, self.num_frames)
        if not self.overwrite:
            return _Put.apply(x, first)
        x[:, : self.shifted] = first
        return x

    def shift(self, x: Tensor, num_frames: int) -> Tensor:
        """(B * T, F, H, W), T = num_frames -> the same, each frame with what its neighbours gave it, and each half of
        the channels interleaved, (2, F / 4) -> (F / 4, 2)."""
        x = x.contiguous(memory_format=torch.channels_last)
        gates = self._gates(x, num_frames)
        # a gate is for a whole plane: on planes in memory it takes a fifth of the time (measured on CPU)
        planes = x.unflatten(1, (2, 2, -1)).transpose(2, 3).contiguous().flatten(2, 3)
        return _Move.apply(planes, gates, num_frames).flatten(1, 2)

    def _gates(self, x: Tensor, num_frames: int) -> Tensor:
        """(B * T, F, H, W) -> (B * T, 2, H, W), in (-1, 1)."""
        weight, bias = self._dense_gate()
        active = self.relu(self.norm(x)).contiguous(memory_format=torch.channels_last)
        parts = F.conv2d(active, weight, bias, padding=1)
        # of half precision tanh takes twice the time (measured on CPU)
        parts = parts.to(torch.promote_types(x.dtype, torch.float32), memory_format=torch.contiguous_format)
        return torch.tanh(_AddUp.apply(parts, num_frames)).to(x.dtype)

    def _dense_gate(self) -> tuple[Tensor, Tensor]:
        """Weights and bias of the gate convolution, without groups: zeros where a plane does not look. Its outputs are
        those that `_AddUp` takes.

        Channels-last, one such convolution to six planes takes half the time of one in two groups to three each
        (measured on CPU, forward and backward).
        """
        half = self.shifted // 2
        to_next, same, to_previous = (w.flatten(0, 1) for w in self.gate.weight.unflatten(0, (2, 3)).split(1, 1))
        weight = torch.stack((same, to_next, to_previous))  # (3, 2, F / 2, 3, 3), for the first half and the second
        first, second = F.pad(weight[:, 0], (0, 0, 0, 0, 0, half)), F.pad(weight[:, 1], (0, 0, 0, 0, half, 0))
        dense = torch.stack((first, second), 1).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        return dense, F.pad(self.gate_bias, (0, 4))
