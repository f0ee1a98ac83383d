"""How much memory of a GPU a training takes, counted without one."""

from __future__ import annotations

import weakref

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from model.architecture import Architecture
from model.loss import spotting_loss
from model.spotter import EventSpotter
from util.batch import Targets

ALLOCATION = 512  # bytes; CUDA's memory is handed out in multiples of it


class CountMemory(TorchDispatchMode):
    """Adds up the memory of all tensors made under it that are still there, and keeps the highest sum."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[int] = set()
        self.now = self.peak = 0  # bytes

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                self._add(tensor.untyped_storage())
        return out

    def _add(self, storage: torch.UntypedStorage) -> None:
        if id(storage) in self.seen:
            return
        size = -(-storage.nbytes() // ALLOCATION) * ALLOCATION
        self.seen.add(id(storage))
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._remove, id(storage), size)

    def _remove(self, key: int, size: int) -> None:
        self.seen.discard(key)
        self.now -= size


def training_peak(
    feature_arch: str, clip_len: int, batch_size: int, crop_dim: int, grad_checkpoint: bool, half: bool = True
) -> int:
    """Bytes that a training holds at most, counted tensor by tensor.

    A step is gone through with tensors that have a shape and no values. What is not in it: the head (a GRU takes
    0.1 GB), the workspaces of single operations, what the allocator wastes, and the driver's own memory.

    Args:
        half: under autocast to a half precision.
    """
    spotter = EventSpotter(Architecture(feature_arch, "", 2)).train()
    spotter.precision = torch.bfloat16 if half else torch.float32
    if grad_checkpoint:
        spotter.backbone.recompute_blocks()
    with FakeTensorMode(), CountMemory() as memory:
        for module in spotter.modules():
            for values in (module._parameters, module._buffers):
                values.update({name: _hollow(value) for name, value in values.items() if value is not None})
        optimizer = torch.optim.AdamW(spotter.parameters(), foreach=False)
        for parameter in spotter.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()  # makes the optimiser's state, so that one step does
        optimizer.zero_grad()
        _step(spotter, optimizer, (batch_size, clip_len), crop_dim)
    return memory.peak


def _hollow(value: torch.Tensor) -> torch.Tensor:
    empty = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype)
    return nn.Parameter(empty) if isinstance(value, nn.Parameter) else empty


def _step(spotter: EventSpotter, optimizer: torch.optim.Optimizer, clips: tuple[int, int], crop_dim: int) -> None:
    """That of train_e2e.py from augmented frames on: what comes before takes far less."""
    frames = torch.empty(*clips, crop_dim, crop_dim, 3).movedim(-1, 2)
    outputs = spotter(frames, torch.ones(clips))
    del frames
    spotting_loss(outputs, Targets(torch.zeros(*clips, 3))).backward()
    optimizer.step()
