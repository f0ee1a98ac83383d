"""The networks that are measured: E2E-Spot by the names of its backbones, and the other published systems by theirs."""

from __future__ import annotations

import torch
from torch import nn

from model.architecture import Architecture, Regions
from model.backbone import build_cnn

SYSTEMS = ("T-DEED", "AdaSpot")
NETWORKS = ("rny002_gsm", "rny008_gsm", *SYSTEMS)


def network(name: str, clip_len: int) -> Architecture:
    """What a name stands for; both systems with the backbone rny002_gsf, which they were published with."""
    if name == "T-DEED":
        return Architecture("rny002_gsf", "ed_sgp_mixer", 2, clip_len=clip_len, shift_stages="34", radi_displacement=4)
    if name == "AdaSpot":
        return Architecture("rny002_gsf", "gru", 2, clip_len=clip_len, padding="replicate", regions=Regions())
    return Architecture(name, "gru", 2, clip_len=clip_len)


def called(name: str) -> str:
    """As the table has it."""
    return name if name in SYSTEMS else f"E2E-Spot {name}"


def frame_side(name: str, crop: int) -> int:
    """Pixels of the square that a network is given: AdaSpot's first CNN then sees what the others see."""
    return round(crop / Regions().scale) if name == "AdaSpot" else crop


def bare_cnns(architecture: Architecture, side: int) -> list[tuple[nn.Module, int]]:
    """The CNNs of a network without anything else, in training mode, each with the side of the square it works on."""
    regions = architecture.regions
    sides = [side] if regions is None else [round(side * regions.scale), regions.size]
    return [(build_cnn(architecture.cnn, 3, imagenet=False).train(), side) for side in sides]


def random_frames(number: int, side: int, device: torch.device, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Normalised frames (number, 3, side, side) as a CNN takes them."""
    frames = torch.randn(number, 3, side, side, device=device, dtype=dtype)
    return frames.to(memory_format=torch.channels_last)
