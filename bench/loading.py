"""Training clips: read from JPEG files, and augmented on the device."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch

from bench.inputs import VIDEO, write_frames
from bench.rows import Row
from bench.timing import fastest
from dataset.augment import augment
from dataset.clips import RandomClips
from dataset.frames import Loader, read_batch
from dataset.targets import TargetMaker
from model.device import pick_device
from util.batch import to_device

CROP = 224
CLIP_LEN = 50


def measure(folder: Path, quick: bool) -> list[Row]:
    """Frames a second of loading, by number of workers, and of augmentation."""
    device = pick_device("auto")
    videos = write_frames(folder / "frames", 100 if quick else 400)
    clips = RandomClips(folder / "frames", videos, TargetMaker(["DRIVE", "PASS"]), CLIP_LEN, 16 if quick else 64, CROP)
    seconds = 1 if quick else 10
    workers = sorted({0, 1, os.cpu_count() or 1})
    return [
        *(loading(folder / "frames" / VIDEO, clips, 4, count, seconds) for count in workers),
        augmentation(clips, 4, device, seconds),
    ]


def loading(frames: Path, clips: RandomClips, batch_size: int, workers: int, seconds: float) -> Row:
    """Its floor is to decode the same files, held in memory, in as many threads as there are workers."""
    jpegs = [np.fromfile(path, np.uint8) for path in sorted(frames.glob("*.jpg"))]
    batches = Loader(clips, batch_size, workers, torch.device("cpu"))

    threads = max(1, workers)

    def decode() -> None:
        for jpeg in jpegs:
            cv2.imdecode(jpeg, cv2.IMREAD_COLOR)

    def decode_all() -> None:
        list(pool.map(lambda _: decode(), range(threads)))

    def load() -> None:
        for _ in batches:
            pass

    with ThreadPoolExecutor(threads) as pool:
        decoding, took = fastest(decode_all, load, seconds=seconds)
    return Row(f"loading clips, {workers or 'no'} worker{'s' * (workers != 1)}",
               len(clips) * clips.clip_len / took, threads * len(jpegs) / decoding, "frames/s")


def augmentation(clips: RandomClips, batch_size: int, device: torch.device, seconds: float) -> Row:
    """Augmentation; the floor is to make floats of the frames."""
    batch = to_device(read_batch([clips[number] for number in range(batch_size)]), device)
    rngs = [np.random.default_rng(number) for number in range(batch_size)]

    def change() -> None:
        for _ in range(4):  # a clip is changed in some ways or in none: the mean of many counts
            augment(batch, "rgb", rngs)

    copying, took = fastest(lambda: batch.frames.float(), change, seconds=seconds)
    count = batch_size * clips.clip_len
    return Row(f"augmentation of {CROP}x{CROP} frames", 4 * count / took, count / copying, "frames/s")
