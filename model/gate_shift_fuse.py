"""Gate Shift Fuse (Sudhakaran, Escalera and Lanz, "Gate-Shift-Fuse for Video Action Recognition", TPAMI 2023,
section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from model.gate_shift import GateShift


class GateShiftFuse(GateShift):
    """A gate shift whose channels are fused with what stayed by a learned weight, one for each channel and frame,
    where the gate shift adds the two up."""

    reach = 3  # those of the gate shift, and one more for the weights

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        # for each half of the channels: a picture of channels and frames, of what arrived and what stayed -> weights
        self.fuse = nn.ModuleList(nn.Conv2d(2, 1, 3, padding=1) for _ in range(2))

    def combine(self, half: int, arrived: Tensor, stayed: Tensor, num_frames: int) -> Tensor:
        means = torch.stack((arrived.mean((-2, -1)), stayed.mean((-2, -1))), 1)  # (B * T, 2, F / 2)
        means = means.unflatten(0, (-1, num_frames)).permute(0, 2, 3, 1)
        weights = self.fuse[half](means).sigmoid()[:, 0].transpose(1, 2).flatten(0, 1)  # (B * T, F / 2)
        # under autocast a ConvNeXt's frames are float32 where the weights are not
        return torch.lerp(stayed, arrived, weights.to(stayed.dtype)[..., None, None])
