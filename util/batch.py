"""What flows between frames, network and loss. A record's fields are tensors, other records, or plain values; what is
not there is None. Whatever only passes a record on does so by `each_tensor`, and need not know its fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor


@dataclass(frozen=True)
class Targets:
    """What the loss compares a network's outputs with; of a clip alone, without B."""

    labels: Tensor  # float (B, T, K + 1), shares of the classes; index 0 is background; zeros where nobody has labelled
    displacement: Tensor | None = None  # float (B, T), frames after the event that a frame is labelled for, 0 elsewhere
    team: Tensor | None = None  # float (B, T, 2), shares of the left and right side; zeros where no event has a side
    joint_labels: Tensor | None = None  # float (B, T, K' + 1): those of the second dataset; each clip's are in one of
    # the two, and zeros in the other


@dataclass(frozen=True)
class Batch:
    """B clips of T frames."""

    frames: Tensor  # (B, T, 3, H, W) RGB, channels-last in memory, black past the ends; uint8, or augmented float 0..1
    inside: Tensor  # float (B, T), 1 for a frame of the video, 0 past its ends; in between where mixup laid one over
    videos: list[int]  # of each clip, the video's place in its split
    starts: list[int]  # of each clip, the number of its first frame, negative before the video
    targets: Targets | None = None  # where the clips are for training


@dataclass(frozen=True)
class Outputs:
    """What the network says of B clips of T frames."""

    logits: Tensor  # float (S, B, T, K + 1) of the head's S stages: each is trained, the last is the answer
    displacement: Tensor | None = None  # float (B, T), frames by which a frame comes after its event
    team: Tensor | None = None  # float (B, T), logit of the right side
    joint_logits: Tensor | None = None  # float (B, T, K' + 1), of the second dataset's classes


Record = TypeVar("Record", Targets, Batch, Outputs)


def each_tensor(function: Callable[..., Tensor], *records: Record) -> Record:
    """A record like the first, with `function` of the tensors that the records have in it in place of each."""
    changed = {}
    for field in fields(records[0]):
        values = [getattr(record, field.name) for record in records]
        if isinstance(values[0], Tensor):
            changed[field.name] = function(*values)
        elif is_dataclass(values[0]):
            changed[field.name] = each_tensor(function, *values)
    return replace(records[0], **changed)


def to_device(record: Record, device: torch.device) -> Record:
    """On a card the copy goes on while the host works, where the memory that it comes from allows it."""
    return each_tensor(lambda tensor: tensor.to(device, non_blocking=device.type == "cuda"), record)


def stack(records: list[Record]) -> Record:
    """Records of one clip each -> one of a batch, (B, ...)."""
    return each_tensor(lambda *tensors: torch.stack(tensors), *records)
