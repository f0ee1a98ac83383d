"""A training step of train_e2e.py: how fast it is, and how much memory of a GPU it takes."""

from __future__ import annotations

import contextlib
import gc
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from bench.rows import Row
from bench.systems import SYSTEMS, bare_cnns, frame_side, network, random_frames
from bench.timing import fastest
from dataset.augment import augment
from model.device import best_precision, move, pick_device
from model.memory import counted_step
from model.spotter import EventSpotter
from train_e2e import train_epoch
from util.batch import Batch, Targets, to_device

ARCHS = ("rny002_gsm", "rny008_gsm")
CROP = 224
MANY = 64  # clips of 100 frames: no larger batches are tried
SMALL_CARD = 6.5  # GiB of tensors that go onto a card of 8 GB, beside its screen, driver and workspaces
GIB = 2**30


def measure(folder: Path, quick: bool) -> list[Row]:
    """Frames a second by architecture, length of clips and precision; GPU memory, counted where there is none."""
    device = pick_device("auto")
    torch.backends.cudnn.benchmark = True  # as in train_e2e.py
    half = best_precision(device)
    batch_size = 4 if device.type == "cuda" else 1
    if quick:
        return [speed(arch, 25, batch_size, CROP, half, device, seconds=3) for arch in ("rny002_gsm", *SYSTEMS)]
    rows = []
    for arch, clip_len, dtype in itertools.product((*ARCHS, *SYSTEMS), (50, 100), dict.fromkeys((torch.float32, half))):
        with contextlib.suppress(torch.OutOfMemoryError):  # no row for what does not fit this card
            rows.append(speed(arch, clip_len, batch_size, CROP, dtype, device, seconds=20))
        _empty(device)
    needs = measured_memory if device.type == "cuda" else counted_memory
    return rows + [needs(arch, sparing, device) for arch in ARCHS for sparing in (False, True)]


def speed(
    arch: str, clip_len: int, batch_size: int, crop: int, dtype: torch.dtype, device: torch.device,
    seconds: float,
) -> Row:
    """Whole steps, from frames in memory to changed weights; the floor is the bare CNN's (of AdaSpot those of both, on
    what each sees), forward and backward."""
    side, number = frame_side(arch, crop), batch_size * clip_len
    step = make_step(arch, clip_len, batch_size, side, device, dtype, grad_checkpoint=False)
    cnns = [(cnn.to(device, memory_format=torch.channels_last), random_frames(number, seen, device))
            for cnn, seen in bare_cnns(network(arch, clip_len), side)]

    def bare() -> None:
        for cnn, frames in cnns:
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                loss = cnn(frames).float().mean()
            loss.backward()
            cnn.zero_grad()

    floor, took = fastest(bare, step, seconds=seconds)
    precision = str(dtype).removeprefix("torch.")
    name = f"training {arch}, {batch_size} x {clip_len} frames, {precision}"
    return Row(name, number / took, number / floor, "frames/s")


def make_step(
    arch: str, clip_len: int, batch_size: int, crop: int, device: torch.device, dtype: torch.dtype,
    grad_checkpoint: bool,
) -> Callable[[], None]:
    """One step of the training loop, on one and the same batch."""
    architecture = network(arch, clip_len)
    spotter = move(EventSpotter(architecture), device, dtype)
    if grad_checkpoint:
        spotter.backbone.recompute_blocks()
    optimizer = torch.optim.AdamW(spotter.parameters(), fused=True)
    scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)
    frames = torch.randint(256, (batch_size, clip_len, crop, crop, 3), dtype=torch.uint8).movedim(-1, 2)
    displacement = torch.zeros(batch_size, clip_len) if architecture.radi_displacement else None
    targets = Targets(torch.eye(3)[torch.randint(3, (batch_size, clip_len))], displacement)
    batch = Batch(frames, torch.ones(batch_size, clip_len), [0] * batch_size, [0] * batch_size, targets)
    rngs = [np.random.default_rng(number) for number in range(batch_size)]
    batches = (augment(to_device(batch, device), "rgb", rngs) for _ in itertools.count())
    return lambda: train_epoch(spotter, batches, 1, optimizer, scaler, rates=[1e-4])


def measured_memory(arch: str, grad_checkpoint: bool, device: torch.device) -> Row:
    """Peak of a step of 8 clips of 100 frames, or of as many as fit this card."""

    def fits(batch_size: int) -> bool:
        _empty(device)
        try:
            make_step(arch, 100, batch_size, CROP, device, best_precision(device), grad_checkpoint)()
        except torch.OutOfMemoryError:
            return False
        return True

    most = largest(fits, MANY)
    _empty(device)
    torch.cuda.reset_peak_memory_stats()
    fits(min(8, most))
    peak = torch.cuda.max_memory_allocated() / GIB
    return _memory_row(arch, min(8, most), grad_checkpoint, peak, f"largest batch on this card: {most}")


def _empty(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def counted_memory(arch: str, grad_checkpoint: bool, _device: torch.device) -> Row:
    """The same, of a card of 8 GB, where there is no card to measure."""
    two, eight = (counted_step(network(arch, 100), batch_size, (CROP, CROP), torch.bfloat16, grad_checkpoint) / GIB
                  for batch_size in (2, 8))
    each = (eight - two) / 6
    most = int((SMALL_CARD - two) / each + 2)
    note = f"counted, not measured; largest batch in {SMALL_CARD} GiB: {most}"
    return _memory_row(arch, 8, grad_checkpoint, eight, note)


def _memory_row(arch: str, batch_size: int, grad_checkpoint: bool, gib: float, note: str) -> Row:
    option = " --grad_checkpoint" if grad_checkpoint else ""
    return Row(f"GPU memory of training {arch}, {batch_size} x 100 frames{option}", gib, None, "GiB", note)


def largest(fits: Callable[[int], bool], limit: int) -> int:
    """The largest number up to `limit` for which `fits` is true, 0 where there is none."""
    low, high = 0, 1
    while high <= limit and fits(high):
        low, high = high, 2 * high
    high = min(high, limit + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
