"""Where a model runs, and in which precision."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import shlex
import sys
from collections.abc import Iterator
from functools import cache

import torch
import torch.nn.functional as F
from torch import nn

from util.card import nvidia_card
from util.errors import UserError, number_of
from util.processes import local_rank, number

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of mallopt, see malloc.h
MALLOC_OPTIONS = {M_TRIM_THRESHOLD: 2**31 - 1, M_MMAP_MAX: 0}


def add_device_options(parser: argparse.ArgumentParser) -> None:
    """--device and --precision, for `pick_device` and `pick_precision`."""
    parser.add_argument("--device", default="auto", choices=DEVICES,
                        help="where the network runs (auto: a card where there is one)")
    parser.add_argument("--precision", default="auto", choices=PRECISIONS,
                        help="of the backbone (auto: half precision where the device is faster in it)")


def pick_device(name: str) -> torch.device:
    """A device by name: "cpu", "cuda", "mps", or "auto" for the best there is. Of several processes on one machine each
    has a card of its own.

    Raises:
        UserError: this machine has no such device, or not as many as processes.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    there["mps"] &= number() == 1  # torch.distributed has nothing for it
    if name == "auto":
        name = next(kind for kind, available in there.items() if available)
        if name == "cpu" and (unused := _unused_card()):
            _warn(unused)
    if not there[name]:
        why = (name == "cuda" and _unused_card()) or "this machine has none that PyTorch can use"
        raise UserError(f"--device {name}: {why}; try --device cpu")
    if name == "cpu":
        _keep_memory()
    if name == "cuda" and number() > 1:
        if local_rank() >= (cards := torch.cuda.device_count()):
            raise UserError(f"{number_of(cards, 'card')} for more processes than that: each needs one of its own; "
                            f"torchrun --nproc_per_node {cards}")
        torch.cuda.set_device(local_rank())  # where what is for no card in particular goes
        return torch.device(name, local_rank())
    return torch.device(name)


def _unused_card() -> str:
    """Why PyTorch does not use this machine's NVIDIA card, and what helps, in a line; "" where there is none, or where
    it is hidden on purpose."""
    card = None if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1") else nvidia_card()
    if card is None:
        return ""
    unused = f"the {card.name} is not used: PyTorch {torch.__version__} is no build for it"
    if card.build is None or torch.version.cuda:
        return f"{unused} with the driver that is there, which knows CUDA {'.'.join(map(str, card.cuda))}; update it"
    return f"{unused}; install that with: {shlex.join(card.install())}"


@cache
def _warn(of: str) -> None:
    """Once, however many models are loaded."""
    bar = "!" * 78
    print(f"{bar}\nWARNING: running on the processor, many times slower; {of}\n{bar}", file=sys.stderr)


def _keep_memory() -> None:
    """Let tensors take the memory of those before them, in large pages, where the C library is glibc.

    It would hand the memory of each large tensor back to the system and ask for it again, page by page: a fifth of the
    time of inference goes there.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # PyTorch looks when it makes its first tensor
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        for option, value in MALLOC_OPTIONS.items():
            libc.mallopt(option, value)


def move(spotter: nn.Module, device: torch.device, precision: torch.dtype = torch.float32) -> nn.Module:
    """Put a model on a device, and set the precision of its backbone.

    Raises:
        UserError: the device cannot hold it.
    """
    spotter.precision = precision
    try:
        return spotter.to(device)
    except TypeError as error:  # mps knows no float64, in which the asformer head computes
        raise UserError(f"--device {device}: cannot hold this model ({error}); try --device cpu") from error


@contextlib.contextmanager
def no_benchmark() -> Iterator[None]:
    """cuDNN tries no algorithms, which pays only where sizes come again.

    `torch.backends.cudnn.flags` would also change what it is not given: cuDNN off, TF32 on.
    """
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


@contextlib.contextmanager
def memory_errors(advice: str) -> Iterator[None]:
    """Turn a device's lack of memory into a UserError that says what helps."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(f"the device is out of memory; {advice}") from error


@contextlib.contextmanager
def compile_errors() -> Iterator[None]:
    """Turn what keeps torch.compile from its work, such as a missing C++ compiler, into a UserError."""
    try:
        yield
    except RuntimeError as error:
        if not type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):  # nothing public tells
            raise
        reason = str(error).splitlines()[0]
        raise UserError(f"--compile: PyTorch cannot compile on this machine ({reason}); train without it") from error


def best_precision(device: torch.device) -> torch.dtype:
    """The precision in which the backbone runs fastest on this device.

    bfloat16 where cards or processors have it in hardware; on older cards float16, whose gradients need scaling.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and torch.backends.mkldnn.is_available():
        # not public, and so they may go: without them, float32
        checks = (getattr(torch.cpu, f"_is_{unit}_supported", lambda: False) for unit in ("avx512_bf16", "amx_tile"))
        return torch.bfloat16 if any(check() for check in checks) else torch.float32
    return torch.float32


def pick_precision(name: str, device: torch.device) -> torch.dtype:
    """The precision of the backbone by its name in `PRECISIONS`.

    Raises:
        UserError: the device cannot compute in it.
    """
    if name == "auto":
        return best_precision(device)
    if name == "float32":
        torch.backends.cudnn.allow_tf32 = False  # by default cards leave out 13 of the 23 bits in convolutions and GRUs
        return torch.float32
    dtype = getattr(torch, name)
    try:
        weight = torch.ones(1, 1, 3, 3, device=device, requires_grad=True)
        with torch.autocast(device.type, dtype):
            F.conv2d(weight, weight).sum().backward()
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"--precision {name}: {device} cannot compute in it ({reason}); use auto or float32") from error
    return dtype
