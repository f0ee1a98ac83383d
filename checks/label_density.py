"""Whether events are as dense in one split as in the others, in one half as in the other, up to a video's end.

Events come in bursts, and matches differ: counts scatter more than those of independent events do. How much more is
taken from the dataset itself, between matches and videos for the splits, between stretches of a video for the rest, and
the counts are judged by that (quasi-Poisson). A finding is both unlikely and large.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import erfc, log, sqrt

import numpy as np
import pandas as pd

from checks.findings import Finding
from checks.label_reading import LabelledVideo, Labels
from dataset.labels import SPLITS
from util.matches import match_and_part

CHANCE = 0.003  # how often, over all that is tried of one kind, chance may bring about a finding
SPLIT_RATIO = 1.5  # splits whose densities are nearer to each other may differ as they like
HALF_RATIO = 2.0
STRETCHES = 8  # of a video, between which counts are compared
LEAST_SCATTER = 1.5  # within videos: times that of independent events
UNSURE_SCATTER = 4.0  # between videos, where they are too few to tell
LONG = 500  # frames without events, up to a video's end, that are worth a word
UNITS = ["match", "recording", "name"]  # that videos are parts of
UNLABELLED = "is all of it labelled? An event without a label is learned as background, and counts as wrong where found"


def density_findings(labels: Labels) -> list[Finding]:
    """Splits, halves and ends of videos that have far fewer events than the rest."""
    parts = [video.labelled_part for video in labels.videos]
    labels = replace(labels, videos=[part for part in parts if part.num_frames])
    scatter = _scatter_within(labels.videos)
    return [*_splits(labels), *_halves(labels, scatter), *_ends(labels, scatter)]


def _splits(labels: Labels) -> Iterator[Finding]:
    videos, classes, sparse = labels.table[labels.table.split.isin(SPLITS)], labels.classes, set()
    counts = pd.crosstab(labels.events.video, labels.events.label).reindex(videos.index, fill_value=0)
    for kind, number in [("", counts.sum(axis=1)), *counts.reindex(columns=classes, fill_value=0).items()]:
        sums, scatter, freedom = _scatter_between(videos.assign(number=number))
        tried = len(sums) * (len(classes) if kind else 1)
        if len(sums) < 2 or (kind and len(classes) < 2):
            return
        for name in (split for split in SPLITS if split in sums.index and split not in sparse):
            here, others = sums.loc[name], sums.drop(name).sum()
            chance, ratio = _compare(here, others, scatter, freedom)
            missing = kind and not (here.number and others.number)  # which is a finding of its own
            if missing or chance * tried > CHANCE or 1 / SPLIT_RATIO < ratio < SPLIT_RATIO:
                continue
            if not kind:
                sparse.add(name)
            density, usual = (f"{1000 * part.number / part.num_frames:.3g}" for part in (here, others))
            yield Finding(
                "warning", "density-of-split", f"{labels.folder / name}.json" + (f": {kind}" if kind else ""),
                f"{density}{kind and ' '}{kind} events in 1000 frames, the other splits {usual}; videos of this "
                f"dataset differ so by chance {_odds(chance * tried)}", UNLABELLED,
            )


def _halves(labels: Labels, scatter: float) -> Iterator[Finding]:
    parts = [{match_and_part(labels.videos[at].name)[1]: labels.videos[at] for at in places}
             for places in labels.table.groupby("match", sort=False).groups.values()]
    pairs = [(of[1], of[2]) for of in parts if {1, 2} <= of.keys()]
    for first, second in pairs:
        chance, ratio = _compare(*((len(half.events), half.num_frames) for half in (second, first)), scatter)
        if chance * len(pairs) < CHANCE and not 1 / HALF_RATIO < ratio < HALF_RATIO:
            fewer, more = (second, first) if ratio < 1 else (first, second)
            yield Finding(
                "warning", "density-of-half", fewer.where,
                f"{len(fewer.events)} events in {fewer.num_frames} frames, the other half ({more.name!r}) "
                f"{len(more.events)} in {more.num_frames}; chance does so {_odds(chance * len(pairs))}",
                f"{UNLABELLED}. Or do the events of both halves stand in one?",
            )


def _ends(labels: Labels, scatter: float) -> Iterator[Finding]:
    """Videos whose labels begin late or stop early."""
    for video in (video for video in labels.videos if len(video.events) > 1):
        frames = np.sort(video.frames)
        gap = np.diff(frames).max()
        ends = {"before the first event": frames[0], "after the last event": video.num_frames - 1 - frames[-1]}
        for place, length in ends.items():
            odds = (1 - length / video.num_frames) ** (len(frames) / scatter) * 2 * len(labels.videos)
            if odds < CHANCE and length > max(LONG, 3 * gap):
                yield Finding(
                    "warning", "labels-end-early", video.where,
                    f"{length} of its {video.num_frames} frames are {place}, while events are never more than {gap} "
                    f"frames apart; chance does so {_odds(odds)}", UNLABELLED,
                )


def _compare(
    here: Iterable[float], there: Iterable[float], scatter: float, freedom: float = np.inf
) -> tuple[float, float]:
    """How likely two numbers of events are to differ so, or more, if they are equally dense; the ratio of densities.

    Args:
        here, there: a number of events, and of how many frames.
        scatter: of counts, in times that of independent events.
        freedom: degrees of freedom that `scatter` was found with.
    """
    (number, frames), (others, other_frames) = here, there
    total, share = number + others, frames / (frames + other_frames)
    if not total:
        return 1.0, 1.0
    deviation = (number - total * share) / sqrt(scatter * total * share * (1 - share))
    if np.isfinite(freedom):  # Student's t as a normal deviate (Wallace 1959)
        deviation = (8 * freedom + 1) / (8 * freedom + 3) * sqrt(freedom * log(1 + deviation**2 / freedom))
    ratio = (number / frames) / (others / other_frames) if others else np.inf
    return erfc(abs(deviation) / sqrt(2)), ratio


def _scatter_between(videos: pd.DataFrame) -> tuple[pd.DataFrame, float, float]:
    """Numbers of events and frames of each split; their scatter within a split, the largest of several units, and its
    degrees of freedom.

    Args:
        videos: number of events, num_frames, split, and what each is a part of.
    """
    sums = videos.groupby("split")[["number", "num_frames"]].sum()
    expected = videos.num_frames * videos.split.map(sums.number / sums.num_frames)
    scatter, freedom = 1.0, 0
    for unit in UNITS:
        parts = videos.assign(expected=expected).groupby(["split", unit])[["number", "expected"]].sum()
        free = len(parts) - len(sums)
        if free > 2:
            squares = (parts.number - parts.expected) ** 2 / parts.expected[parts.expected > 0]
            scatter, freedom = max(scatter, squares.sum() / free), max(freedom, free)
    return (sums, scatter, freedom) if freedom else (sums, UNSURE_SCATTER, np.inf)


def _scatter_within(videos: list[LabelledVideo]) -> float:
    """Scatter of the numbers of events in stretches of a video."""
    squares = free = 0.0
    for video in videos:
        if len(video.events) >= 2 * STRETCHES:
            counts = np.bincount(video.frames * STRETCHES // video.num_frames, minlength=STRETCHES)
            squares += ((counts - counts.mean()) ** 2).sum() / counts.mean()
            free += STRETCHES - 1
    return max(LEAST_SCATTER, squares / free) if free else LEAST_SCATTER


def _odds(chance: float) -> str:
    return f"once in {1 / max(chance, 1e-6):,.0f} times" + (" at most" if chance < 1e-6 else "")
