"""The loss that a spotter is trained by: a sum of terms, one for each output that has a target."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from model.spotter import EventSpotter
from util.batch import Batch, Outputs, Targets
from util.errors import UserError

FOREGROUND_WEIGHT = 5.0  # of a frame with an event; background has 1, and is some fifty times as frequent


def label_loss(outputs: Outputs, targets: Targets) -> Tensor:
    """Weighted cross-entropy of the logits (S, B, T, K + 1) against the shares (B, T, K + 1), the mean over the head's
    stages and all frames (E2E-Spot, section 3)."""
    weight = torch.full(targets.labels.shape[-1:], FOREGROUND_WEIGHT, device=targets.labels.device)
    weight[0] = 1
    labels = targets.labels.expand_as(outputs.logits)
    return F.cross_entropy(outputs.logits.flatten(0, 2), labels.flatten(0, 2), weight)


TERMS = (label_loss,)  # each takes outputs and targets, and gives a scalar


def spotting_loss(outputs: Outputs, targets: Targets) -> Tensor:
    """The sum of all terms, a scalar: the mean over the frames of a batch."""
    return torch.stack([term(outputs, targets) for term in TERMS]).sum()


@torch.inference_mode()
def mean_loss(spotter: EventSpotter, batches: Iterable[Batch]) -> float:
    """The loss on clips with targets, the mean over their frames, without training on them.

    Raises:
        UserError: it is no number any more.
    """
    spotter.eval()
    total, frames = 0.0, 0
    for batch in batches:
        loss = spotting_loss(spotter(batch.frames, batch.inside), batch.targets)
        total += loss.item() * batch.inside.numel()
        frames += batch.inside.numel()
    if not math.isfinite(total):
        raise UserError("the loss is no longer a number; train again with a lower -lr, and another -s")
    return total / frames
