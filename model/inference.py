"""Whole video -> per-frame class scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from model.device import autocast
from model.spotter import EventSpotter


class ClipBatch(Protocol):
    """What inference needs of a batch of B clips of T frames."""

    frames: Tensor  # uint8 (B, T, 3, H, W)
    inside: Tensor  # float (B, T)
    videos: list[int]
    starts: list[int]


@torch.inference_mode()
def score_clips(
    spotter: EventSpotter, batches: Iterable[ClipBatch], videos: list[dict], device: torch.device
) -> dict[str, np.ndarray]:
    """Score whole videos by clips that cover them.

    Args:
        batches: clips of all videos, in any order; each says which video (its place in `videos`) and where.
        videos: [{"video", "num_frames"}].

    Returns:
        video -> float32 (num_frames, K + 1): the mean of the softmax over all clips that hold the frame.
    """
    spotter.eval()
    outputs = spotter.num_classes + 1
    sums = [np.zeros((v["num_frames"], outputs), np.float32) for v in videos]
    counts = [np.zeros((v["num_frames"], 1), np.float32) for v in videos]
    for batch in batches:
        with autocast(device):
            logits = spotter(batch.frames.to(device, non_blocking=True), batch.inside.to(device, non_blocking=True))
        scores = logits[-1].softmax(-1).cpu().numpy()
        for clip, video, start in zip(scores, batch.videos, batch.starts, strict=True):
            first, last = max(start, 0), min(start + len(clip), len(sums[video]))
            sums[video][first:last] += clip[first - start : last - start]
            counts[video][first:last] += 1
    return {v["video"]: total / count for v, total, count in zip(videos, sums, counts, strict=True)}
