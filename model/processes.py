"""One network in several processes, as torchrun starts them: trained on shares of each batch, their gradients added up
(PyTorch's DistributedDataParallel), or used on shares of the videos. Started by itself, a process does all of it."""

from __future__ import annotations

import contextlib
import io
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from model.synced_norm import sync_norms
from util.errors import UserError
from util.processes import PATIENCE, number, rank

T = TypeVar("T")

LONGEST_WAIT = timedelta(hours=1)  # of a process for the others, such as for one that scores the longest video
OF_DROPOUT = 1_000_003  # between the seeds of two processes


@contextlib.contextmanager
def together(batch_size: int | str | None = None) -> Iterator[None]:
    """Within it the processes that torchrun has started know each other.

    Args:
        batch_size: to be shared by them, or "auto".

    Raises:
        UserError: it cannot be shared alike.
    """
    if number() == 1:
        yield
        return
    if isinstance(batch_size, int) and batch_size % number():
        raise UserError(f"--batch_size {batch_size}: is shared by all {number()} processes alike; take a multiple of "
                        f"{number()}")
    cards = torch.cuda.is_available() and dist.is_nccl_available()
    dist.init_process_group("cpu:gloo,cuda:nccl" if cards else "gloo", timeout=LONGEST_WAIT)
    try:
        yield
    except RuntimeError as error:
        if not _is_lost_process(error):
            raise
        print("error: another process has ended, or its machine cannot be reached; if it could, it says why",
              file=sys.stderr, flush=True)
        time.sleep(2 * PATIENCE)  # in which it says so, and torchrun ends this one
        sys.exit(2)
    dist.destroy_process_group()


def _is_lost_process(error: RuntimeError) -> bool:
    return isinstance(error, dist.DistError) or "gloo" in str(error)  # which raises plain ones


def several() -> str:
    """How many there are, as a line says it that names the device; "" for one."""
    return f" in each of {number()} processes" if number() > 1 else ""


def whole_batch(own: int) -> int:
    """What all processes have of a batch where each can have so many clips: the same part each."""
    if number() == 1:
        return own
    least = torch.tensor(own)
    dist.all_reduce(least, dist.ReduceOp.MIN)
    return number() * int(least)


def draw_apart(seed: int) -> None:
    """Seed PyTorch's random numbers, those of dropout, in each process with another; the first one's is `seed`."""
    torch.manual_seed(seed + OF_DROPOUT * rank())


def joined(spotter: nn.Module, sync_bn: bool = False) -> nn.Module:
    """The network to train: its gradients are the means over all processes, that is, those of the whole batch.

    Args:
        sync_bn: let the statistics of batch norm be those of the whole batch as well, and not of each share.
    """
    if number() == 1:
        return spotter
    if sync_bn:
        sync_norms(spotter)
    network = DistributedDataParallel(spotter, gradient_as_bucket_view=True)
    network.broadcast_buffers = False  # each has running statistics of its own, until `average_statistics`
    return network


def unsynced(network: nn.Module, last: bool) -> contextlib.AbstractContextManager[None]:
    """For the passes through a network of `joined`: gradients are summed over processes after the last of a step's."""
    whole = last or not isinstance(network, DistributedDataParallel)
    return contextlib.nullcontext() if whole else network.no_sync()


@torch.no_grad()
def average_statistics(*networks: nn.Module) -> None:
    """Let the running statistics of batch norm be the means of all processes'."""
    if number() == 1:
        return
    for network in networks:
        buffers = [buffer for name, buffer in network.named_buffers() if "running_" in name]
        means = torch.cat([buffer.flatten() for buffer in buffers] or [torch.zeros(0)])
        dist.all_reduce(means)
        for buffer, mean in zip(buffers, (means / number()).split([b.numel() for b in buffers]), strict=True):
            buffer.copy_(mean.view_as(buffer))


def summed(*values: float) -> list[float]:
    """Each value's sum over all processes."""
    if number() == 1:
        return list(values)
    sums = torch.tensor(values, dtype=torch.float64)
    dist.all_reduce(sums)
    return sums.tolist()


def mean_of_all(value: Tensor) -> Tensor:
    """The mean over all processes of what each has of a tensor, without gradients."""
    if number() == 1:
        return value
    mean = value.detach() / number()
    dist.all_reduce(mean)
    return mean


def as_first(value: T, *holders: Any) -> T:
    """The first process's value. What has a state_dict, a network or an optimiser, takes over that of its own.

    Args:
        value: of numbers, text and tensors, in lists, tuples and dicts.
    """
    if number() == 1:
        return value
    written = io.BytesIO()
    if rank() == 0:
        torch.save((value, [holder.state_dict() for holder in holders]), written)
    box = [written.getvalue()]
    dist.broadcast_object_list(box)
    if rank() == 0:
        return value
    value, states = torch.load(io.BytesIO(box[0]), map_location="cpu", weights_only=True)
    for holder, state in zip(holders, states, strict=True):
        holder.load_state_dict(state)
    return value


def share_of(videos: Sequence[dict]) -> list[dict]:
    """Those of a split that this process is to score: about as many frames as any other's."""
    shares, frames = [[] for _ in range(number())], [0] * number()
    for video in sorted(videos, key=lambda video: -video["num_frames"]):
        least = frames.index(min(frames))
        shares[least].append(video)
        frames[least] += video["num_frames"]
    return shares[rank()]


def gathered(scores: dict[str, np.ndarray], videos: Sequence[dict]) -> dict[str, np.ndarray]:
    """The scores of all videos of a split, of each process's share."""
    parts = [scores]
    if number() > 1:
        parts = [None] * number()
        dist.all_gather_object(parts, scores)
    merged = {name: rows for part in parts for name, rows in part.items()}
    return {video["video"]: merged[video["video"]] for video in videos}
