"""Whole-video inference: from JPEG files to the scores of each frame."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bench.inputs import FRAME_SIZE, write_frames
from bench.rows import Row
from bench.systems import SYSTEMS, bare_cnns, frame_side, network, random_frames
from bench.timing import fastest
from dataset.frames import DEFAULT_WORKERS, Loader, VideoClips, load_stretches
from model.device import best_precision, move, pick_device
from model.inference import head_overlap, score_clips, score_videos
from model.spotter import EventSpotter

ARCHS = ("rny002_gsm", "rny008_gsm")
LARGE_FRAME_SIZE = (796, 448)  # width, height: AdaSpot's, of which its first CNN sees half the size
CROP = 224
CLIP_LEN = 100
BATCHES = (16, 32, 64, 256)  # frames; the bare CNN is given the one that suits it best


def measure(folder: Path, quick: bool) -> list[Row]:
    """Frames a second by architecture and precision."""
    device = pick_device("auto")
    small, large = ((folder / name, write_frames(folder / name, number, size, drawn=100 if quick else 400))
                    for name, number, size in (("small", 1200, FRAME_SIZE), ("large", 400, LARGE_FRAME_SIZE)))
    half = best_precision(device)
    precisions = [half] if quick else dict.fromkeys((torch.float32, half))
    rows = []
    for arch, dtype in itertools.product(("rny002_gsm", *SYSTEMS) if quick else (*ARCHS, *SYSTEMS), precisions):
        frame_dir, videos = large if arch == "AdaSpot" else small
        rows.append(speed(frame_dir, videos, arch, dtype, device, seconds=8 if quick else 30))
    return rows + [clip_by_clip(*(large if arch == "AdaSpot" else small), arch, device) for arch in SYSTEMS]


def clip_by_clip(frame_dir: Path, videos: list[dict], arch: str, device: torch.device) -> Row:
    """As the published systems do it: in float32, by clips that overlap by half; the floor is the one pass of `speed`
    on the same frames, in this device's best precision."""
    architecture, side = network(arch, CLIP_LEN), frame_side(arch, CROP)
    spotter = EventSpotter(architecture)
    own = move(copy.deepcopy(spotter), device, torch.float32)
    ours = move(spotter, device, best_precision(device))
    part = [{**videos[0], "num_frames": min(2 * CLIP_LEN, videos[0]["num_frames"])}]

    def clips() -> None:
        batches = Loader(VideoClips(frame_dir, part, CLIP_LEN, CLIP_LEN // 2, side), 1, DEFAULT_WORKERS, device)
        score_clips(own, batches, part)

    def whole() -> None:
        stretches = load_stretches(frame_dir, part, side, DEFAULT_WORKERS, device)
        score_videos(ours, stretches, part, CLIP_LEN, head_overlap(CLIP_LEN))

    slow, fast = fastest(clips, whole, seconds=0)
    frames = part[0]["num_frames"]
    return Row(f"inference {arch} by clips, float32", frames / slow, frames / fast, "frames/s",
               f"in one pass {slow / fast:.1f} times as fast")


def speed(
    frame_dir: Path, videos: list[dict], arch: str, dtype: torch.dtype, device: torch.device, seconds: float
) -> Row:
    """All that test_e2e.py does with the frames of a video; the floor is the bare CNN (of AdaSpot both, on what each
    sees) on frames that are there."""
    architecture, side = network(arch, CLIP_LEN), frame_side(arch, CROP)
    spotter = move(EventSpotter(architecture), device, dtype)
    cnns = [(folded(cnn).to(device, dtype, memory_format=torch.channels_last),
             random_frames(max(BATCHES), seen, device, dtype)) for cnn, seen in bare_cnns(architecture, side)]

    def score() -> None:
        stretches = load_stretches(frame_dir, videos, side, DEFAULT_WORKERS, device)
        score_videos(spotter, stretches, videos, CLIP_LEN, head_overlap(CLIP_LEN))

    @torch.inference_mode()
    def bare(batch: int) -> None:
        for cnn, frames in cnns:
            for part in frames.split(batch):
                cnn(part)

    took, *floors = fastest(score, *(lambda batch=batch: bare(batch) for batch in BATCHES), seconds=seconds)
    precision = str(dtype).removeprefix("torch.")
    return Row(f"inference {arch}, {precision}", videos[0]["num_frames"] / took, max(BATCHES) / min(floors), "frames/s")


def folded(cnn: nn.Module) -> nn.Module:
    """A bare RegNet of timm, with its batch norms folded and nothing else done."""
    for module in cnn.eval().modules():
        if isinstance(norm := getattr(module, "bn", None), nn.BatchNorm2d):
            module.conv, module.bn = fuse_conv_bn_eval(module.conv, norm), norm.act
    return cnn
