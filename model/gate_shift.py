"""Gate Shift Module (Sudhakaran, Escalera and Lanz, "Gate-Shift Networks for Video Action Recognition",
CVPR 2020, section 3)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.shift import Shift, interleaved, next_frame, previous_frame


class GateShift(Shift):
    """Moves a learned share of some channels one frame forth or back in time.

    Of C channels the first F = 4 * ceil(floor(C / 4) / 4) are gated. A gate plane g in (-1, 1) for each half of
    them, made from the frame and its two neighbours, says which part y = g * x leaves its frame: the first
    half's goes to the frame before, the second half's to the frame after. The rest r = x - y stays.
    """

    reach = 2  # its neighbours, and theirs for the gates

    def __init__(self, channels: int) -> None:
        super().__init__(4 * math.ceil(channels // 4 / 4))
        self.norm = nn.BatchNorm2d(self.shifted)
        self.relu = nn.ReLU()
        # A 3x3x3 convolution to 2 planes, as 3x3 convolutions to 2 * 3: for each plane one for each place that a
        # frame can take in the window of three. So frames need no fifth dimension.
        self.gate = nn.Conv2d(self.shifted, 2 * 3, 3, padding=1, groups=2, bias=False)
        self.gate_bias = nn.Parameter(torch.zeros(2))
        # the gates start shut: nothing leaves its frame before training opens them
        nn.init.zeros_(self.gate.weight)

    def shift(self, x: Tensor, num_frames: int) -> Tensor:
        """Within each half the channels are then interleaved, (2, F / 4) -> (F / 4, 2)."""
        x = x.contiguous(memory_format=torch.channels_last)
        gates = self._gates(x, num_frames)
        if x.device.type == "cpu":  # a gate is for a whole plane: on planes in memory a step takes a tenth less time
            x = x.contiguous()
        halves = []
        for half, neighbours in enumerate((next_frame, previous_frame)):
            own = x.chunk(2, 1)[half]
            leaving = gates[:, half : half + 1] * own
            out = self.combine(half, neighbours(leaving, num_frames), own - leaving, num_frames)
            halves.append(interleaved(out))
        return torch.cat(halves, 1)

    def combine(self, half: int, arrived: Tensor, stayed: Tensor, num_frames: int) -> Tensor:
        """What comes to the frames from their neighbours, and what stayed in them, of half 0 or 1 of the channels:
        (B * T, F / 2, H, W) each, T = num_frames -> the same shape."""
        return arrived + stayed

    def _gates(self, x: Tensor, num_frames: int) -> Tensor:
        """(B * T, F, H, W) -> (B * T, 2, H, W), in (-1, 1)."""
        parts = F.conv2d(self.relu(self.norm(x)), self._dense_weight(), padding=1)
        # in planes, and not in half precision, of which tanh takes twice the time (measured on CPU)
        parts = parts.to(torch.promote_types(x.dtype, torch.float32), memory_format=torch.contiguous_format)
        to_next, same, to_previous = parts.unflatten(1, (2, 3)).unbind(2)
        total = same + previous_frame(to_next, num_frames) + next_frame(to_previous, num_frames)
        return torch.tanh(total + self.gate_bias.view(2, 1, 1)).to(x.dtype)

    def _dense_weight(self) -> Tensor:
        """The weights of the gate convolution without groups, (6, F, 3, 3): zeros where a plane does not look.

        Channels-last, one such convolution takes half the time of one in two groups (measured on CPU, forward and
        backward), and on cards three outputs a group are no better.
        """
        first, second = self.gate.weight.chunk(2)
        half = self.shifted // 2
        dense = torch.cat((F.pad(first, (0, 0, 0, 0, 0, half)), F.pad(second, (0, 0, 0, 0, half, 0))))
        return dense.contiguous(memory_format=torch.channels_last)
