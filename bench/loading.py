"""Training clips: read from JPEG files, and augmented on the device."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from torchvision.io import ImageReadMode, decode_jpeg

from bench.inputs import VIDEO, write_frames
from bench.rows import Row, Settings
from bench.timing import fastest
from dataset.augment import augment
from dataset.clips import RandomClips
from dataset.frames import DEFAULT_WORKERS, Loader, read_batch
from dataset.targets import TargetMaker
from model.device import pick_device
from util.batch import to_device


def measure(folder: Path, settings: Settings) -> Iterator[Row]:
    """Frames a second of loading, by number of workers, of decoding on a card, and of augmentation."""
    device = pick_device(settings.device)
    videos = write_frames(folder / "frames", max(settings.clip_len, 100 if settings.quick else 400))
    clips = RandomClips(folder / "frames", videos, TargetMaker(["DRIVE", "PASS"]), settings.clip_len,
                        16 if settings.quick else 64, settings.crop)
    frames = folder / "frames" / VIDEO
    for workers in sorted({0, 1, DEFAULT_WORKERS, os.cpu_count() or 1}):
        yield loading(frames, clips, 4, workers, settings.seconds)
    if device.type == "cuda":
        with contextlib.suppress(RuntimeError):  # torchvision was built without it
            yield decoding_on_card(frames, device, settings.seconds)
    yield augmentation(clips, 4, device, settings.seconds)


def loading(frames: Path, clips: RandomClips, batch_size: int, workers: int, seconds: float) -> Row:
    """Its floor is to decode the same files, held in memory, in as many threads as there are workers."""
    jpegs = [np.fromfile(path, np.uint8) for path in sorted(frames.glob("*.jpg"))]
    batches = Loader(clips, batch_size, workers, torch.device("cpu"))
    threads = max(1, workers)

    def decode(_thread: int) -> None:
        for jpeg in jpegs:
            cv2.imdecode(jpeg, cv2.IMREAD_COLOR)

    with ThreadPoolExecutor(threads) as pool:
        decoding, took = fastest(lambda: list(pool.map(decode, range(threads))), lambda: deque(batches, maxlen=0),
                                 seconds=seconds)
    return Row(f"loading clips, {workers or 'no'} worker{'s' * (workers != 1)}",
               len(clips) * clips.clip_len / took, threads * len(jpegs) / decoding, "frames/s")


def decoding_on_card(frames: Path, device: torch.device, seconds: float) -> Row:
    """What nvJPEG would do for the loader, which decodes on the processor; the floor is one thread of that."""
    jpegs = [np.fromfile(path, np.uint8) for path in sorted(frames.glob("*.jpg"))]
    tensors = [torch.from_numpy(jpeg) for jpeg in jpegs]
    one, took = fastest(lambda: [cv2.imdecode(jpeg, cv2.IMREAD_COLOR) for jpeg in jpegs],
                        lambda: decode_jpeg(tensors, ImageReadMode.RGB, device), seconds=seconds)
    return Row("decoding JPEG on the card, beside one thread", len(jpegs) / took, len(jpegs) / one, "frames/s")


def augmentation(clips: RandomClips, batch_size: int, device: torch.device, seconds: float) -> Row:
    """Augmentation; the floor is to make floats of the frames."""
    batch = to_device(read_batch([clips[number] for number in range(batch_size)]), device)
    rngs = [np.random.default_rng(number) for number in range(batch_size)]

    def change() -> None:
        for _ in range(4):  # a clip is changed in some ways or in none: the mean of many counts
            augment(batch, "rgb", rngs)

    copying, took = fastest(lambda: batch.frames.float(), change, seconds=seconds)
    count = batch_size * clips.clip_len
    size = f"{clips.crop}x{clips.crop}"
    return Row(f"augmentation of {size} frames", 4 * count / took, count / copying, "frames/s")
