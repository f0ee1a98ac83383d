"""The loss that a spotter is trained by: a sum of terms, one for each output that has a target."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from model.processes import mean_of_all, summed
from model.spotter import EventSpotter
from util.batch import Batch, Outputs, Targets
from util.errors import UserError
from util.processes import number

FOREGROUND_WEIGHT = 5.0  # of a frame with an event; background has 1, and is some fifty times as frequent


def label_loss(outputs: Outputs, targets: Targets) -> Tensor:
    """Cross-entropy of the classes (E2E-Spot, section 3), and of those of a second dataset where clips may be of it
    (T-DEED, section 3.4)."""
    loss = _cross_entropy(outputs.logits, targets.labels)
    if targets.joint_labels is not None:
        loss = loss + _cross_entropy(outputs.joint_logits[None], targets.joint_labels)
    return loss


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Weighted, of logits (S, B, T, K + 1) against shares (B, T, K + 1), the mean over stages and all frames, of which
    those without shares add nothing."""
    weight = torch.full(labels.shape[-1:], FOREGROUND_WEIGHT, device=labels.device)
    weight[0] = 1
    return F.cross_entropy(logits.flatten(0, 2), labels.expand_as(logits).flatten(0, 2), weight)


def displacement_loss(outputs: Outputs, targets: Targets) -> Tensor | None:
    """Mean squared error in frames (T-DEED, section 3.3), to which those that nobody has labelled add nothing."""
    if outputs.displacement is None:
        return None
    share = targets.labels.sum(-1)
    if targets.joint_labels is not None:
        share = share + targets.joint_labels.sum(-1)
    return (share * (outputs.displacement - targets.displacement) ** 2).mean()


def team_loss(outputs: Outputs, targets: Targets) -> Tensor | None:
    """Binary cross-entropy of the side, the mean over the frames whose event has one."""
    if outputs.team is None:
        return None
    left, right = targets.team.unbind(-1)
    of_frames = left * F.softplus(outputs.team) + right * F.softplus(-outputs.team)
    count = (left + right).sum()
    if outputs.team.requires_grad:  # in training, of the whole batch, of which each process has a share
        count = mean_of_all(count)
    return of_frames.sum() / count.clamp(min=1 / number())


# each takes outputs and targets, and gives a scalar, or None where the network has no such output
TERMS = (label_loss, displacement_loss, team_loss)


def spotting_loss(outputs: Outputs, targets: Targets) -> Tensor:
    """The sum of all terms, a scalar: the mean over the frames of a batch."""
    terms = [term(outputs, targets) for term in TERMS]
    return torch.stack([term for term in terms if term is not None]).sum()


@torch.inference_mode()
def mean_loss(spotter: EventSpotter, batches: Iterable[Batch]) -> float:
    """The loss on clips with targets, the mean over their frames, without training on them; where several processes
    have some of the clips each, that of all.

    Raises:
        UserError: it is no number any more.
    """
    spotter.eval()
    losses, frames = [], 0  # on the device: a card is not waited for after each batch
    for batch in batches:
        loss = spotting_loss(spotter(batch.frames, batch.inside), batch.targets)
        losses.append(loss * batch.inside.numel())
        frames += batch.inside.numel()
    total, frames = summed(sum(torch.stack(losses).tolist()) if losses else 0, frames)
    if not math.isfinite(total):
        raise UserError("the loss is no longer a number; train again with a lower -lr, and another -s")
    return total / frames
