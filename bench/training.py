"""A training step as train_e2e.py does it: how fast it is, and how much of a card's memory it takes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from bench.rows import Row, Settings
from bench.systems import NETWORKS, bare_cnns, called, frame_side, network, random_frames
from bench.timing import card_memory, fastest
from dataset.augment import augment
from model.device import move, pick_device, pick_precision
from model.loss import spotting_loss
from model.spotter import EventSpotter
from util.batch import Batch, Targets, to_device

BATCHES = (4, 2, 1)  # clips: the first of them that a card's memory holds; elsewhere the last


def measure(_folder: Path, settings: Settings) -> Iterator[Row]:
    """Frames a second by network."""
    device = pick_device(settings.device)
    torch.backends.cudnn.benchmark = True  # as in train_e2e.py
    for name in NETWORKS:
        for batch_size in BATCHES if device.type == "cuda" else BATCHES[-1:]:
            with contextlib.suppress(torch.OutOfMemoryError):
                yield speed(name, batch_size, settings)
                break
            torch.cuda.empty_cache()


def speed(name: str, batch_size: int, settings: Settings) -> Row:
    """Whole steps, from frames in memory to changed weights; the floor is the bare CNN's (of AdaSpot those of both, on
    what each sees), forward and backward."""
    device = pick_device(settings.device)
    dtype = pick_precision(settings.precision, device)
    architecture, side = network(name, settings.clip_len), frame_side(name, settings.crop)
    number = batch_size * settings.clip_len
    step = make_step(move(EventSpotter(architecture), device, dtype), batch_size, side)
    memory = card_memory(step, device)
    cnns = [(cnn.to(device, memory_format=torch.channels_last), random_frames(number, seen, device))
            for cnn, seen in bare_cnns(architecture, side)]

    def bare() -> None:
        for cnn, frames in cnns:
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                loss = cnn(frames).float().mean()
            loss.backward()
            cnn.zero_grad()

    floor, took = fastest(bare, step, seconds=settings.seconds)
    precision = str(dtype).removeprefix("torch.")
    return Row(f"training {called(name)}, {batch_size} x {settings.clip_len} frames, {precision}", number / took,
               number / floor, "frames/s", memory)


def make_step(spotter: EventSpotter, batch_size: int, side: int) -> Callable[[], object]:
    """One step of the training loop, on one and the same batch."""
    architecture, device = spotter.train().architecture, spotter.device
    clip_len = architecture.clip_len
    optimizer = torch.optim.AdamW(spotter.parameters(), fused=True)
    frames = torch.randint(256, (batch_size, clip_len, side, side, 3), dtype=torch.uint8).movedim(-1, 2)
    displacement = torch.zeros(batch_size, clip_len) if architecture.radi_displacement else None
    targets = Targets(torch.eye(3)[torch.randint(3, (batch_size, clip_len))], displacement)
    places = [0] * batch_size
    batch = to_device(Batch(frames, torch.ones(batch_size, clip_len), places, places, targets), device)
    rngs = [np.random.default_rng(clip) for clip in range(batch_size)]

    def step() -> float:
        changed = augment(batch, "rgb", rngs)
        outputs, targets = spotter(changed.frames, changed.inside), changed.targets
        del changed
        loss = spotting_loss(outputs, targets)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return step
