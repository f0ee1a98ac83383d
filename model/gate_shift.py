"""Gate Shift Module (Sudhakaran, Escalera and Lanz, "Gate-Shift Networks for Video Action Recognition",
CVPR 2020, section 3)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.temporal_shift import next_frame, previous_frame


class _Take(torch.autograd.Function):
    """(N, C, H, W) -> its first n channels as whole planes in memory, and all of it, for `_Put`.

    With `_Put` this is split and cat, but the frames stay channels-last and cost one copy each way. The work on
    few channels in between goes three times as fast on planes (measured on CPU, forward and backward).
    """

    @staticmethod
    def forward(ctx, x: Tensor, n: int) -> tuple[Tensor, Tensor]:
        ctx.n = n
        return x[:, :n].contiguous(memory_format=torch.contiguous_format), x.view_as(x)

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


class GateShift(nn.Module):
    """Moves a learned share of some channels one frame forth or back in time.

    Of C channels the first F = 4 * ceil(floor(C / 4) / 4) are gated. A gate plane g in (-1, 1) for each half of
    them, made from the frame and its two neighbours, says which part y = g * x leaves its frame: the first
    half's goes to the frame before, the second half's to the frame after. The rest x - y stays.

    Takes and gives (B * T, C, H, W), the T frames of a clip one after the other; `num_frames` is T, set by the
    backbone before each pass.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gated = 4 * math.ceil(channels // 4 / 4)
        self.num_frames = 1
        self.norm = nn.BatchNorm2d(self.gated)
        # A 3x3x3 convolution to 2 planes, as 3x3 convolutions to 2 * 3: for each plane one for each place that a
        # frame can take in the window of three. So frames need no fifth dimension.
        self.gate = nn.Conv2d(self.gated, 2 * 3, 3, padding=1, groups=2, bias=False)
        self.gate_bias = nn.Parameter(torch.zeros(2))
        # the gates start shut: nothing leaves its frame before training opens them
        nn.init.zeros_(self.gate.weight)

    def forward(self, x: Tensor) -> Tensor:
        gated, frames = _Take.apply(x, self.gated)
        moved = []
        for part, gate, shift in zip(
            gated.chunk(2, 1), self._gates(gated).chunk(2, 1), (next_frame, previous_frame), strict=True
        ):
            away = gate * part
            out = part - away + shift(away, self.num_frames)
            moved.append(out.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2))  # (2, F/4) -> (F/4, 2)
        return _Put.apply(frames, torch.cat(moved, 1))

    def _gates(self, x: Tensor) -> Tensor:
        """(B * T, F, H, W) -> (B * T, 2, H, W), in (-1, 1)."""
        parts = self.gate(F.relu(self.norm(x)))
        before, same, after = parts[:, 0::3], parts[:, 1::3], parts[:, 2::3]
        total = previous_frame(before, self.num_frames) + same + next_frame(after, self.num_frames)
        return torch.tanh(total + self.gate_bias.view(1, 2, 1, 1))
