"""What flows between frames, network and loss is passed on whole, whatever its fields."""

from dataclasses import dataclass

import torch
from torch import Tensor

from util.batch import Batch, Targets, each_tensor, stack, to_device


@dataclass(frozen=True)
class Further(Targets):
    """Targets as they may come to be: one more, and one that is not there."""

    offsets: Tensor | None = None
    team: Tensor | None = None


def further(seed):
    torch.manual_seed(seed)
    return Further(torch.rand(4, 3), offsets=torch.rand(4))


def test_clips_are_stacked_field_by_field():
    stacked = stack([further(0), further(1)])
    assert stacked.labels.shape == (2, 4, 3) and torch.equal(stacked.offsets[1], further(1).offsets)
    assert stacked.team is None


def test_a_function_reaches_every_tensor_and_nothing_else():
    batch = Batch(torch.ones(1, 4, 3, 2, 2), torch.ones(1, 4), [3], [-5], stack([further(0)]))
    halved = each_tensor(lambda tensor: tensor / 2, batch)
    assert (halved.videos, halved.starts) == ([3], [-5])
    assert torch.equal(halved.frames, batch.frames / 2) and torch.equal(halved.inside, batch.inside / 2)
    assert torch.equal(halved.targets.labels, batch.targets.labels / 2)
    assert torch.equal(halved.targets.offsets, batch.targets.offsets / 2)
    assert each_tensor(lambda tensor: tensor / 2, Batch(batch.frames, batch.inside, [0], [0])).targets is None


def test_a_batch_moves_to_a_device_with_its_targets():
    batch = Batch(torch.ones(1, 4, 3, 2, 2), torch.ones(1, 4), [3], [-5], stack([further(0)]))
    moved = to_device(batch, torch.device("meta"))
    assert {moved.frames.device.type, moved.targets.labels.device.type, moved.targets.offsets.device.type} == {"meta"}
