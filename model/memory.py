"""Memory: of a training step, counted on no device at all; of this machine and process."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from model.architecture import Architecture
from model.loss import spotting_loss
from model.spotter import EventSpotter
from util.batch import Targets

GIB = 2**30  # bytes
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


def counted_step(
    architecture: Architecture, batch_size: int, frame: tuple[int, int], precision: torch.dtype, grad_checkpoint: bool
) -> int:
    """Bytes that a training holds at most, counted tensor by tensor.

    A step is gone through with tensors that have a shape and no values. What is not in it: the head (a GRU takes
    0.1 GB), the workspaces of single operations, what the allocator wastes, and the driver's own memory.

    Args:
        frame: height and width.
    """
    spotter = EventSpotter(replace(architecture, temporal_arch=""))
    if architecture.regions:  # where they lie depends on values; what they are cut from and come to does not
        size = architecture.regions.size
        spotter.backbone.cut = lambda frames, _place: frames.new_zeros(*frames.shape[:-2], size, size)
    if grad_checkpoint:
        spotter.backbone.recompute_blocks()
    spotter.precision = precision
    with FakeTensorMode(), CountMemory() as memory:
        for module in spotter.modules():
            for values in (module._parameters, module._buffers):
                values.update({name: _hollow(value) for name, value in values.items() if value is not None})
        # the optimiser's
        moments = [torch.zeros_like(parameter) for parameter in spotter.parameters() for _ in range(2)]
        blank_step(spotter, batch_size, frame)
        del moments
    return memory.peak


def _hollow(value: torch.Tensor) -> torch.Tensor:
    empty = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype)
    return nn.Parameter(empty) if isinstance(value, nn.Parameter) else empty


def blank_step(spotter: EventSpotter, batch_size: int, frame: tuple[int, int]) -> None:
    """Loss and gradients of black frames, as in train_e2e.py from augmented ones on (what comes before takes less),
    while the next batch lies there, with the clips that mixup lays over it."""
    of, device, clips = spotter.architecture, spotter.device, (batch_size, spotter.architecture.clip_len)

    def zeros(*shape: int) -> torch.Tensor:
        return torch.zeros(*clips, *shape, device=device)

    targets = Targets(
        zeros(of.num_classes + 1),
        zeros() if of.radi_displacement else None,
        zeros(2) if of.event_team else None,
        zeros(of.joint_classes + 1) if of.joint_classes else None,
    )
    ahead = torch.empty(2, *clips, *frame, 3, dtype=torch.uint8, device=device)
    frames = zeros(*frame, 3).movedim(-1, 2)
    outputs = spotter.train()(frames, torch.ones(clips, device=device))
    del frames
    spotting_loss(outputs, targets).backward()
    del ahead


def machine_memory() -> int:
    """Bytes of this machine's memory, or of it that a container or a cluster's job may take."""
    if hasattr(os, "sysconf"):
        return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_group_limits()])
    kilobytes = ctypes.c_uint64()
    ctypes.windll.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes))
    return 1024 * kilobytes.value


def _group_limits(process: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> Iterator[int]:
    """Bytes that Linux's control groups, version 2 or 1, hold this process to: its own and those around it."""
    lines = process.read_text(encoding="utf-8").splitlines() if process.is_file() else []
    for _, kinds, group in (line.split(":", 2) for line in lines):
        if kinds and "memory" not in kinds.split(","):
            continue
        top, name = (root / "memory", "memory.limit_in_bytes") if kinds else (root, "memory.max")
        own = top / group.strip("/")  # in a container it may not be there, and the uppermost is the container's
        for folder in (own, *own.parents[: len(own.relative_to(top).parts)]):
            with contextlib.suppress(OSError, ValueError):  # "max" is no limit
                yield int((folder / name).read_text(encoding="ascii"))


def peak_memory() -> float | None:
    """GiB that this process has held at most; None where the system does not tell, as Windows."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB
