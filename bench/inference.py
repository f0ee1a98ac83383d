"""Whole-video inference: from JPEG files to the scores of each frame."""

from __future__ import annotations

import itertools
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bench.inputs import write_frames
from bench.rows import Row
from bench.timing import fastest
from dataset.frames import DEFAULT_WORKERS, load_stretches
from model.architecture import Architecture
from model.backbone import build_cnn
from model.device import best_precision, move, pick_device
from model.inference import head_overlap, score_videos
from model.spotter import EventSpotter

ARCHS = ("rny002_gsm", "rny008_gsm")
CROP = 224
CLIP_LEN = 100
BATCHES = (16, 32, 64, 256)  # frames; the bare CNN is given the one that suits it best


def measure(folder: Path, quick: bool) -> list[Row]:
    """Frames a second by architecture and precision."""
    device = pick_device("auto")
    videos = write_frames(folder / "frames", 1200, drawn=100 if quick else 400)
    if quick:
        return [speed(folder / "frames", videos, "rny002_gsm", best_precision(device), device, seconds=8)]
    cases = itertools.product(ARCHS, dict.fromkeys((torch.float32, best_precision(device))))
    return [speed(folder / "frames", videos, arch, dtype, device, seconds=30) for arch, dtype in cases]


def speed(
    frame_dir: Path, videos: list[dict], arch: str, dtype: torch.dtype, device: torch.device, seconds: float
) -> Row:
    """All that test_e2e.py does with the frames of a video; the floor is the bare CNN on frames that are there."""
    architecture = Architecture(arch, "gru", 2)
    spotter = move(EventSpotter(architecture), device, dtype)
    cnn = folded(build_cnn(architecture.cnn, 3, imagenet=False)).to(device, dtype, memory_format=torch.channels_last)
    frames = torch.randn(max(BATCHES), 3, CROP, CROP, device=device, dtype=dtype).to(memory_format=torch.channels_last)

    def score() -> None:
        stretches = load_stretches(frame_dir, videos, CROP, DEFAULT_WORKERS, device)
        score_videos(spotter, stretches, videos, CLIP_LEN, head_overlap(CLIP_LEN))

    @torch.inference_mode()
    def bare(batch: int) -> None:
        for part in frames.split(batch):
            cnn(part)

    took, *floors = fastest(score, *(lambda batch=batch: bare(batch) for batch in BATCHES), seconds=seconds)
    precision = str(dtype).removeprefix("torch.")
    return Row(f"inference {arch}, {precision}", videos[0]["num_frames"] / took, len(frames) / min(floors), "frames/s")


def folded(cnn: nn.Module) -> nn.Module:
    """A bare RegNet of timm, with its batch norms folded and nothing else done."""
    for module in cnn.eval().modules():
        if isinstance(norm := getattr(module, "bn", None), nn.BatchNorm2d):
            module.conv, module.bn = fuse_conv_bn_eval(module.conv, norm), norm.act
    return cnn
