"""What to label next: stretches of the videos, ranked by what their labels would teach a model.

A stretch teaches where the model is uncertain (a class scores near one half), the more so of a class that few labels
have, and where its scores are unlike those of all that is labelled: after active learning by uncertainty and by
diversity (Settles, "Active Learning Literature Survey", 2009; Sener and Savarese, ICLR 2018).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from viewer.models import FULL, Model
from viewer.store import LabelState, LabelStore
from viewer.viewed_videos import ViewedVideo

SECONDS = 4.0  # of a stretch
FRAMES = 100  # of one, where the rate of a video is unknown
MOST = 60  # stretches that are suggested at a time
MOST_COMPARED = 500  # labelled stretches, to tell what is unlike them
NOVEL = 0.5  # what being unlike all labels weighs beside being uncertain


@dataclass(frozen=True)
class Stretches:
    """All stretches of all videos, with the best score of each class in each."""

    video: np.ndarray  # (N,)
    first: np.ndarray  # frame
    last: np.ndarray
    peaks: np.ndarray  # float (N, K)
    known: np.ndarray  # bool: labelled, in part at least


def suggest(store: LabelStore, model: Model) -> list[dict]:
    """Stretches that nobody has labelled, the one that would teach most first: [{"video", "first", "last", "why"}]."""
    states, classes = store.states(), store.classes
    found = _stretches(store.videos, model, states, len(classes))
    counts = np.array([sum(event["label"] == name for state in states for event in state.events) for name in classes])
    rarity = 1 / np.sqrt(1 + counts)
    doubt = (1 - np.abs(2 * found.peaks - 1)) * (rarity / rarity.max())  # (N, K); 1 where a rare class scores 0.5
    worth, unlike = doubt.max(axis=1), _distances(found.peaks, found.peaks[found.known])
    open_ = ~found.known
    chosen: list[dict] = []
    while open_.any() and len(chosen) < MOST:
        best = int(np.argmax(np.where(open_, worth + NOVEL * unlike, -1)))
        open_[best] = False
        label = int(doubt[best].argmax())
        score = f"{classes[label]} scores {found.peaks[best, label]:.2f}"
        few = f", which has few labels ({counts[label]})" if rarity[label] > np.median(rarity) else ""
        why = f"unlike what is labelled ({score})" if NOVEL * unlike[best] > worth[best] else f"uncertain: {score}{few}"
        chosen.append({"video": int(found.video[best]), "first": int(found.first[best]),
                       "last": int(found.last[best]), "why": why})
        unlike = np.minimum(unlike, _distances(found.peaks, found.peaks[best : best + 1]))  # the next is to be another
    return chosen


def _stretches(
    videos: Sequence[ViewedVideo], model: Model, states: Sequence[LabelState], num_classes: int
) -> Stretches:
    parts = []
    for index, (video, state) in enumerate(zip(videos, states, strict=True)):
        curves = model.curves(video.name) / FULL  # (K, num_frames)
        length = max(1, min(video.num_frames, round(SECONDS * video.fps) if video.fps else FRAMES))
        first = np.arange(0, video.num_frames - length // 2, length)
        last = np.append(first[1:] - 1, video.num_frames - 1)
        known = np.zeros(len(first), bool)
        for begin, end in _known_ranges(video, state):
            known |= (first <= end) & (last >= begin)
        peaks = np.maximum.reduceat(curves, first, axis=1).T
        parts.append((np.full(len(first), index), first, last, peaks.reshape(-1, num_classes), known))
    return Stretches(*map(np.concatenate, zip(*parts, strict=True)))


def _known_ranges(video: ViewedVideo, state: LabelState) -> Iterator[tuple[int, int]]:
    """What has been labelled: what is said to be, and around each event; of a split's video that says nothing all."""
    for event in (*state.events, *state.rejected):
        yield event["frame"], event["frame"]
    if state.labelled is not None:
        yield from map(tuple, state.labelled)
    elif video.split:
        yield 0, video.num_frames - 1


def _distances(peaks: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How far each row is from the nearest of the others, from 0 to 1; 1 where there are none."""
    far = np.ones(len(peaks))
    for other in others[:: 1 + len(others) // MOST_COMPARED]:
        far = np.minimum(far, np.abs(peaks - other).max(axis=1))
    return far
