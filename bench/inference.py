"""Whole-video inference: from JPEG files to the scores of each frame."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bench.inputs import FRAME_SIZE, write_frames
from bench.rows import Row, Settings
from bench.systems import NETWORKS, SYSTEMS, bare_cnns, called, frame_side, network, random_frames
from bench.timing import card_memory, fastest
from dataset.frames import DEFAULT_WORKERS, Loader, VideoClips, load_stretches
from model.device import move, pick_device, pick_precision
from model.inference import head_overlap, score_clips, score_videos
from model.spotter import EventSpotter

LARGE_FRAME_SIZE = (796, 448)  # width, height: AdaSpot's, of which its first CNN sees half the size
BATCHES = (16, 32, 64, 256)  # frames; the bare CNN is given the one that suits it best


def measure(folder: Path, settings: Settings) -> Iterator[Row]:
    """Frames a second by network, and of the published systems as their own code works."""
    drawn = 100 if settings.quick else 400
    small, large = ((folder / name, write_frames(folder / name, number, size, drawn))
                    for name, number, size in (("small", 3 * drawn, FRAME_SIZE), ("large", drawn, LARGE_FRAME_SIZE)))
    for row, names in ((speed, NETWORKS), (clip_by_clip, ("rny002_gsm", *SYSTEMS))):
        for name in names:
            yield row(*(large if name == "AdaSpot" else small), name, settings)


def clip_by_clip(frame_dir: Path, videos: list[dict], name: str, settings: Settings) -> Row:
    """As the published systems do it: in float32, by clips that overlap by half; the floor is the one pass of `speed`
    on the same frames."""
    device, clip_len = pick_device(settings.device), settings.clip_len
    architecture, side = network(name, clip_len), frame_side(name, settings.crop)
    spotter = EventSpotter(architecture)
    own = move(copy.deepcopy(spotter), device, torch.float32)
    ours = move(spotter, device, pick_precision(settings.precision, device))
    part = [{**videos[0], "num_frames": min(2 * clip_len, videos[0]["num_frames"])}]

    def clips() -> None:
        batches = Loader(VideoClips(frame_dir, part, clip_len, clip_len // 2, side), 1, DEFAULT_WORKERS, device)
        score_clips(own, batches, part)

    def whole() -> None:
        stretches = load_stretches(frame_dir, part, side, DEFAULT_WORKERS, device)
        score_videos(ours, stretches, part, clip_len, head_overlap(ours))

    slow, fast = fastest(clips, whole, seconds=0)
    frames = part[0]["num_frames"]
    return Row(f"inference {called(name)} by clips, float32", frames / slow, frames / fast, "frames/s",
               f"in one pass {slow / fast:.1f} times as fast")


def speed(frame_dir: Path, videos: list[dict], name: str, settings: Settings) -> Row:
    """All that test_e2e.py does with the frames of a video; the floor is the bare CNN (of AdaSpot both, on what each
    sees) on frames that are there."""
    device, clip_len = pick_device(settings.device), settings.clip_len
    dtype = pick_precision(settings.precision, device)
    architecture, side = network(name, clip_len), frame_side(name, settings.crop)
    spotter = move(EventSpotter(architecture), device, dtype)
    cnns = [(folded(cnn).to(device, dtype, memory_format=torch.channels_last),
             random_frames(max(BATCHES), seen, device, dtype)) for cnn, seen in bare_cnns(architecture, side)]

    def score() -> None:
        stretches = load_stretches(frame_dir, videos, side, DEFAULT_WORKERS, device)
        score_videos(spotter, stretches, videos, clip_len, head_overlap(spotter))

    memory = card_memory(score, device)

    @torch.inference_mode()
    def bare(batch: int) -> None:
        for cnn, frames in cnns:
            for part in frames.split(batch):
                cnn(part)

    took, *floors = fastest(score, *(lambda batch=batch: bare(batch) for batch in BATCHES), seconds=settings.seconds)
    precision = str(dtype).removeprefix("torch.")
    return Row(f"inference {called(name)}, {precision}", videos[0]["num_frames"] / took, max(BATCHES) / min(floors),
               "frames/s", memory)


def folded(cnn: nn.Module) -> nn.Module:
    """A bare RegNet of timm, with its batch norms folded and nothing else done."""
    for module in cnn.eval().modules():
        if isinstance(norm := getattr(module, "bn", None), nn.BatchNorm2d):
            module.conv, module.bn = fuse_conv_bn_eval(module.conv, norm), norm.act
    return cnn
