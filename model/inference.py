"""Whole video -> per-frame class scores: from stretches, each frame computed once, or from overlapping clips.

Those of a network that tells sides (`event_team`) have one more dimension, of 2 behind all others: the parts of a score
that are the left and the right side's (SoccerNet's team spotting), whose sum it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, tee

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from model.device import no_benchmark
from model.folding import for_inference
from model.spotter import EventSpotter
from util.batch import Batch, Outputs
from util.errors import UserError

CACHED = 8  # frames that a processor normalises at a time: what comes between stays in its cache
WINDOWS = 16  # that the head works on at once: a recurrent one costs half of what it does with four


def frame_scores(outputs: Outputs, by_clip: bool = False) -> Tensor:
    """What the network says of clips -> scores float32 (B, T, K + 2): of each class (background first), and last the
    number of scores that each frame was given; they can be added up over clips, and the sums divided by the last.

    With a displacement, a frame's scores go to the frame of its event, within the clip. Where several meet, the highest
    of each class stays; a frame to which none go was given none (T-DEED, section 3.3), or `by_clip` scores of 0: so
    that one clip of four which places an event a frame beside the others has a quarter of the say there, and not all.
    The side is the frame's own.
    """
    scores = F.pad(outputs.logits[-1].softmax(-1), (0, 1), value=1)
    if outputs.displacement is not None:
        scores = scores.masked_fill(~outputs.displacement.isfinite()[..., None], torch.nan)  # and not at some frame
        frame = torch.arange(scores.shape[1], device=scores.device) - outputs.displacement.round().long()
        place = frame.clamp(0, scores.shape[1] - 1)[..., None].expand_as(scores)
        scores = torch.zeros_like(scores).scatter_reduce_(1, place, scores, "amax")
        if by_clip:
            scores[..., -1] = 1
    if outputs.team is not None:
        right = outputs.team.sigmoid()
        scores = scores[..., None] * torch.stack((1 - right, right), -1)[..., None, :]
    return scores


def mirrored(frames: Tensor, modality: str) -> Tensor:
    """Frames uint8 (..., 3, H, W) as in a mirror; the horizontal part of "flow", the blue plane, turns about."""
    frames = frames.flip(-1)
    if modality == "flow":
        frames[..., 2, :, :] = 255 - frames[..., 2, :, :]
    return frames


def with_mirrored(scores: np.ndarray, of_mirrored: np.ndarray) -> np.ndarray:
    """The mean of the scores of frames and of those of the mirrored frames, where left is right and right is left."""
    return (scores + (of_mirrored[..., ::-1] if of_mirrored.ndim == 3 else of_mirrored)) / 2


def head_overlap(spotter: EventSpotter) -> int:
    """Frames that a window of the head shares with the next where a whole video is scored: each frame is in four, or in
    eight if the head knows the places in a window, so that it sees each frame at more of them.

    Mean mAP of three seeds with 2, 4 and 8 windows on seven matches of the demo's world that no choice had seen:
    E2E-Spot 85.1, 87.1, 87.7; T-DEED 77.5, 80.5, 81.3; AdaSpot 87.4, 90.3, 91.0 (docs/accuracy.md). T-DEED's head
    takes a sixth of the time with eight; for E2E-Spot half a point was not thought worth twice the head's work.
    """
    windows = 4 if spotter.head.positions is None else 8
    return spotter.architecture.clip_len * (windows - 1) // windows


def score_videos(
    spotter: EventSpotter,
    stretches: Iterable[Batch],
    videos: list[dict],
    clip_len: int,
    overlap: int,
    flip: bool = False,
) -> dict[str, np.ndarray]:
    """Score whole videos from stretches of them. The model is left as it is.

    Args:
        stretches: batches of one clip each, which one after the other make up each video, and video after video.
        videos: [{"video", "num_frames"}].
        clip_len, overlap, flip: see `score_stretches`.

    Returns:
        video -> float32 (num_frames, K + 1).
    """
    spotter = for_inference(spotter)
    scores = {}
    with no_benchmark():  # the ends of videos bring many sizes of batches, each once
        for video, parts in groupby(stretches, key=lambda part: part.videos[0]):
            frames = (part.frames[0] for part in parts)
            rows = score_stretches(spotter, frames, clip_len, overlap, flip)
            scores[videos[video]["video"]] = np.concatenate(list(rows))
    return scores


@torch.inference_mode()
def score_stretches(
    spotter: EventSpotter, stretches: Iterable[Tensor], clip_len: int, overlap: int, flip: bool = False
) -> Iterator[np.ndarray]:
    """Score one video as its frames come, from wherever they come; what is kept of it does not grow with its length.

    The features are those of the whole video as one clip. The head sees windows of them, each of which shares
    `overlap` frames with the next, and a last one that ends with the video. Nothing lies past a video's ends, as
    nothing does past those of most training clips: black frames there would make a model see an event.

    Args:
        spotter: as `for_inference` gives it.
        stretches: the video's frames, uint8 (T, 3, H, W) on the model's device, T as it comes.
        clip_len: frames in a window, as in training; a shorter video is one window.
        overlap: frames that a window shares with the next.
        flip: score the mirrored frames as well, and give the mean of both.

    Yields:
        float32 (n, K + 1), scores of the next n frames: the mean of the softmax over all windows that hold the frame.
    """
    if flip:
        frames, again = tee(stretches)
        turned = (mirrored(stretch, spotter.architecture.modality) for stretch in again)
        both = (score_stretches(spotter, each, clip_len, overlap) for each in (frames, turned))
        yield from (with_mirrored(*rows) for rows in zip(*both, strict=True))
        return
    step = clip_len - overlap
    windows = _windows(spotter.backbone.stream(normalised(spotter, stretches)), clip_len, step)
    scores = ((first, frame_scores(spotter.head(batch), by_clip=True)) for first, batch in windows)
    for rows in _means(scores, step):
        yield finite(rows.cpu().numpy())


def normalised(spotter: EventSpotter, stretches: Iterable[Tensor]) -> Iterator[Tensor]:
    """Frames uint8 (T, 3, H, W) -> what the backbone takes."""
    dtype = next(spotter.backbone.parameters()).dtype
    for stretch in stretches:
        parts = stretch.split(CACHED) if stretch.device.type == "cpu" else [stretch]
        yield torch.cat([spotter.normalise(part).to(dtype) for part in parts])


def _windows(features: Iterable[Tensor], clip_len: int, step: int) -> Iterator[tuple[int, Tensor]]:
    """Features (n, D), as they come -> windows float32 (W, T, D), W <= WINDOWS, each `step` frames after the one
    before, and the frame with which the first of them begins."""
    kept, first = None, 0
    for new in features:
        kept = new.float() if kept is None else torch.cat((kept, new.float()))
        while len(kept) >= clip_len + WINDOWS * step:  # enough for a window that ends with the video stays
            yield first, kept.unfold(0, clip_len, step)[:WINDOWS].transpose(1, 2)
            kept, first = kept[WINDOWS * step :], first + WINDOWS * step
    if kept is not None:
        length = min(clip_len, len(kept))
        windows = kept.unfold(0, length, step).transpose(1, 2)
        yield first, windows
        end = (len(windows) - 1) * step + length
        if end < len(kept):
            yield first + len(kept) - length, kept[-length:][None]


def _means(scores: Iterable[tuple[int, Tensor]], step: int) -> Iterator[Tensor]:
    """`frame_scores` (W, T, K + 2) of what `_windows` gives -> the means (n, K + 1) of the next n frames over all
    windows that hold them."""
    sums, done = None, 0  # of the frames after those that were given
    for first, batch in scores:
        sums = batch.new_zeros(0, *batch.shape[2:]) if sums is None else sums
        ready, sums = sums.split((first - done, len(sums) - first + done))
        yield mean_scores(ready)
        length = (len(batch) - 1) * step + batch.shape[1]
        sums, done = torch.cat((sums, sums.new_zeros(max(0, length - len(sums)), *sums.shape[1:]))), first
        for number, window in enumerate(batch):
            sums[number * step :][: len(window)] += window
    if sums is not None:
        yield mean_scores(sums)


def mean_scores(sums: Tensor) -> Tensor:
    """(n, K + 2), sums of `frame_scores` -> (n, K + 1)."""
    number = sums[:, -1:] if sums.dim() == 2 else sums[:, -1:].sum(-1, keepdim=True)  # both sides' parts of it
    return sums[:, :-1] / number.clamp(min=1)


@torch.inference_mode()
def score_clips(
    spotter: EventSpotter, batches: Iterable[Batch], videos: list[dict], flip: bool = False
) -> dict[str, np.ndarray]:
    """Score whole videos by clips that cover them.

    Args:
        batches: clips of all videos, in any order; each says which video (its place in `videos`) and where.
        videos: [{"video", "num_frames"}].
        flip: score the mirrored frames as well, and give the mean of both.

    Returns:
        video -> float32 (num_frames, K + 1): the mean of the softmax over all clips that hold the frame.
    """
    spotter.eval()
    shape = (spotter.architecture.num_classes + 2, *[2] * spotter.architecture.event_team)
    sums = [[torch.zeros(v["num_frames"], *shape) for v in videos] for _ in range(1 + flip)]  # the mirrored ones last
    for batch in batches:
        _add_clips(sums[0], spotter, batch.frames, batch)
        if flip:
            _add_clips(sums[1], spotter, mirrored(batch.frames, spotter.architecture.modality), batch)
    means = [[mean_scores(total).numpy() for total in of_all] for of_all in sums]
    scores = map(with_mirrored, *means) if flip else means[0]
    return {v["video"]: finite(rows) for v, rows in zip(videos, scores, strict=True)}


def _add_clips(sums: list[Tensor], spotter: EventSpotter, frames: Tensor, batch: Batch) -> None:
    """Add the `frame_scores` of a batch's clips, which show `frames`, to the sums (num_frames, K + 2) of each video."""
    for clip, video, start in zip(frame_scores(spotter(frames, batch.inside)).cpu(), batch.videos, batch.starts,
                                  strict=True):
        first, last = max(start, 0), min(start + len(clip), len(sums[video]))
        sums[video][first:last] += clip[first - start : last - start]


def finite(scores: np.ndarray) -> np.ndarray:
    """The scores as they are.

    Raises:
        UserError: some are no numbers.
    """
    if not np.isfinite(scores).all():
        raise UserError("the network's scores are no numbers (NaN): its weights are damaged, or too large for half "
                        "precision; try --precision float32, or another epoch's checkpoint")
    return scores
