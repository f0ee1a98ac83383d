"""Whole video -> per-frame class scores: from stretches, each frame computed once, or from overlapping clips."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model.device import autocast
from model.folding import for_inference
from model.spotter import EventSpotter

PAST_END = 5  # black frames before a video's first, as in the training clips that begin before it
CACHED = 8  # frames that a processor normalises at a time: what comes between stays in its cache
WINDOWS = 16  # that the head works on at once: a recurrent one costs half of what it does with four


class ClipBatch(Protocol):
    """What inference needs of a batch of B clips of T frames."""

    frames: Tensor  # uint8 (B, T, 3, H, W)
    inside: Tensor  # float (B, T)
    videos: list[int]
    starts: list[int]


def score_videos(
    spotter: EventSpotter,
    stretches: Iterable[ClipBatch],
    videos: list[dict],
    clip_len: int,
    overlap: int,
    device: torch.device,
) -> dict[str, np.ndarray]:
    """Score whole videos from stretches of them. The model is left as it is.

    Args:
        stretches: batches of one clip each, which one after the other make up each video, and video after video.
        videos: [{"video", "num_frames"}].
        clip_len, overlap: see `score_stretches`.

    Returns:
        video -> float32 (num_frames, K + 1).
    """
    spotter = for_inference(spotter, device)
    scores = {}
    with torch.backends.cudnn.flags(benchmark=False):  # the ends of videos bring many sizes of batches, each once
        for video, parts in groupby(stretches, key=lambda part: part.videos[0]):
            frames = (part.frames[0].to(device, non_blocking=device.type == "cuda") for part in parts)
            scores[videos[video]["video"]] = np.concatenate(list(score_stretches(spotter, frames, clip_len, overlap)))
    return scores


@torch.inference_mode()
def score_stretches(
    spotter: EventSpotter, stretches: Iterable[Tensor], clip_len: int, overlap: int
) -> Iterator[np.ndarray]:
    """Score one video as its frames come, from wherever they come; what is kept of it does not grow with its length.

    The features are those of the whole video as one clip, which begins 5 black frames before it and ends with the last
    window of the head. The windows lie as the clips of `score_clips` do: from frame -5 on, every clip_len - overlap
    frames, while the start is before num_frames - overlap.

    Args:
        spotter: as `for_inference` gives it.
        stretches: the video's frames, uint8 (T, 3, H, W) on the model's device, T as it comes.
        clip_len: frames in a window, as in training.
        overlap: frames that a window shares with the next.

    Yields:
        float32 (n, K + 1), scores of the next n frames: the mean of the softmax over all windows that hold the frame.
    """
    clip = _WholeClip(spotter, stretches, clip_len, overlap)
    windows = _windows(spotter.backbone.stream(clip), clip_len, clip_len - overlap)
    scores = (spotter.head(batch)[-1].softmax(-1) for batch in windows)
    first = -PAST_END
    for rows in _means(scores, clip_len - overlap):
        yield rows[max(0, -first) : max(0, clip.num_frames - first)].cpu().numpy()
        first += len(rows)


class _WholeClip:
    """A video as one clip, normalised: black frames before it, its own, counted as they come, and black ones up to the
    end of the head's last window."""

    def __init__(self, spotter: EventSpotter, stretches: Iterable[Tensor], clip_len: int, overlap: int) -> None:
        self.spotter, self.stretches, self.clip_len, self.overlap = spotter, stretches, clip_len, overlap
        self.num_frames = 0

    def __iter__(self) -> Iterator[Tensor]:
        dtype = next(self.spotter.backbone.parameters()).dtype
        longest = 0
        for stretch in self.stretches:
            parts = stretch.split(CACHED) if stretch.device.type == "cpu" else [stretch]
            frames = torch.cat([self.spotter.normalise(part).to(dtype) for part in parts])
            black = frames.new_zeros(1, *frames.shape[1:])
            begins, longest = not self.num_frames, max(longest, len(frames))
            self.num_frames += len(frames)  # before their scores come, some of them at once
            yield torch.cat((black.expand(PAST_END, -1, -1, -1), frames)) if begins else frames
        if self.num_frames:
            yield from black.expand(self._end() - self.num_frames, -1, -1, -1).split(longest)

    def _end(self) -> int:
        """The frame number just past the last window."""
        step = self.clip_len - self.overlap
        steps = (self.num_frames - self.overlap + PAST_END - 1) // step  # from the first window to the last
        return max(0, steps) * step + self.clip_len - PAST_END


def _windows(features: Iterable[Tensor], clip_len: int, step: int) -> Iterator[Tensor]:
    """Features (n, D), as they come -> all windows of a clip's length, float32 (W, clip_len, D), W <= WINDOWS."""
    kept = None
    for new in features:
        kept = new.float() if kept is None else torch.cat((kept, new.float()))
        while len(kept) >= clip_len + (WINDOWS - 1) * step:
            yield kept.unfold(0, clip_len, step)[:WINDOWS].transpose(1, 2)
            kept = kept[WINDOWS * step :]
    if kept is not None and len(kept) >= clip_len:
        yield kept.unfold(0, clip_len, step).transpose(1, 2)


def _means(scores: Iterable[Tensor], step: int) -> Iterator[Tensor]:
    """Scores (W, T, K + 1) of W windows, each `step` frames after the one before, and so on -> the means (n, K + 1) of
    the next n frames over all windows that hold them."""
    sums = None
    for batch in scores:
        held = 0 if sums is None else len(sums)
        shape = (len(batch) * step + batch.shape[1] - step, batch.shape[2] + 1)
        sums = batch.new_zeros(shape) if sums is None else F.pad(sums, (0, 0, 0, shape[0] - held))
        for start, window in enumerate(batch):
            rows = sums[start * step :][: len(window)]
            rows[:, :-1] += window
            rows[:, -1] += 1  # the last column counts
        ready, sums = sums.split((len(batch) * step, len(sums) - len(batch) * step))
        yield ready[:, :-1] / ready[:, -1:]
    if sums is not None:
        yield sums[:, :-1] / sums[:, -1:]


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
            logits = spotter(batch.frames.to(device), batch.inside.to(device))
        scores = logits[-1].softmax(-1).cpu().numpy()
        for clip, video, start in zip(scores, batch.videos, batch.starts, strict=True):
            first, last = max(start, 0), min(start + len(clip), len(sums[video]))
            sums[video][first:last] += clip[first - start : last - start]
            counts[video][first:last] += 1
    return {v["video"]: total / count for v, total, count in zip(videos, sums, counts, strict=True)}
