"""Temporal Shift Module (Lin, Gan and Han, "TSM: Temporal Shift Module for Efficient Video Understanding",
ICCV 2019, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor

from model.shift import Shift, next_frame, previous_frame


class TemporalShift(Shift):
    """Takes the first eighth of the channels from the next frame and the second eighth from the previous one."""

    reach = 1
    before_shortcut = True  # the original shifts a block's input in place

    def __init__(self, channels: int) -> None:
        super().__init__(channels // 8 * 2)

    def shift(self, x: Tensor, num_frames: int) -> Tensor:
        first, second = x.chunk(2, 1)
        return torch.cat((next_frame(first, num_frames), previous_frame(second, num_frames)), 1)
