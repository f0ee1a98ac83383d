"""The loss that a spotter is trained by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from model.device import autocast
from model.spotter import EventSpotter

FOREGROUND_WEIGHT = 5.0  # of a frame with an event; background has 1, and is some fifty times as frequent


class TargetBatch(Protocol):
    """What the loss needs of a batch of B clips of T frames."""

    frames: Tensor  # uint8 (B, T, 3, H, W)
    inside: Tensor  # float (B, T)
    targets: Tensor  # float (B, T, K + 1)


def spotting_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Weighted cross-entropy of logits (S, B, T, K + 1) against target shares (B, T, K + 1), the mean over the
    head's stages and all frames (E2E-Spot, section 3)."""
    weight = torch.full(targets.shape[-1:], FOREGROUND_WEIGHT, device=targets.device)
    weight[0] = 1
    return F.cross_entropy(logits.flatten(0, 2), targets.expand_as(logits).flatten(0, 2), weight)


@torch.inference_mode()
def mean_loss(spotter: EventSpotter, batches: Iterable[TargetBatch], device: torch.device) -> float:
    """The loss on clips with targets, without training on them."""
    spotter.eval()
    losses = []
    for batch in batches:
        with autocast(device):
            logits = spotter(batch.frames.to(device), batch.inside.to(device))
        losses.append(spotting_loss(logits, batch.targets.to(device)).item())
    return sum(losses) / len(losses)
