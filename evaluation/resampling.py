"""How sure a number is: parts of a split are drawn again with replacement (the bootstrap; Efron, 1979).

Whole videos are drawn, or of few videos stretches, as events near each other are not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from evaluation.metrics import count_events, mean_of_known, precision_recall_f1
from evaluation.pairing import Pairing
from util.errors import number_of
from util.events import EventTable, Video

CONFIDENCE = 0.95
DRAWS = 500
FEWEST_VIDEOS = 10  # from which on whole videos are drawn
FEWEST_UNITS = 6  # of fewer nothing is said
MOST_UNITS = 200  # more make nothing surer, and take longer
STRETCH = 20  # seconds; longer where there would be more than MOST_UNITS
USUAL_FPS = 25.0  # where a video's is not known
_BLOCK = 4_000_000  # numbers that are held at once


@dataclass(frozen=True)
class Units:
    """What is drawn: whole videos, or the stretches that each is cut into."""

    first: np.ndarray  # int64 (V,), the number of each video's first
    number: np.ndarray  # int64 (V,), how many a video has
    length: np.ndarray  # int64 (V,), frames
    words: str  # what they are

    def __len__(self) -> int:
        return int((self.first + self.number).max(initial=0))

    def of(self, events: EventTable) -> np.ndarray:
        """int64 (N,): the unit of each event; what is left over at the end of a video goes with its last stretch."""
        nth = np.minimum(events.frame // self.length[events.video], self.number[events.video] - 1)
        return self.first[events.video] + nth

    @cached_property
    def draws(self) -> np.ndarray:
        """float32 (DRAWS, U): how often each unit is drawn; the same at each call."""
        return np.random.default_rng(0).multinomial(len(self), np.full(len(self), 1 / len(self)), DRAWS).astype("f4")


def units_of(truth: Sequence[Video]) -> Units:
    """The units of a split: [{"video", "events"}], with "num_frames" and "fps" where they are known."""
    videos = len(truth)
    if videos >= FEWEST_VIDEOS:
        first, groups = np.arange(videos) * min(videos, MOST_UNITS) // videos, min(videos, MOST_UNITS)
        words = number_of(videos, "video") + f", in {groups} groups" * (groups < videos)
        return Units(first, np.ones(videos, int), np.ones(videos, int), words)
    known = [video.get("num_frames") or 1 + max((e["frame"] for e in video["events"]), default=0) for video in truth]
    num_frames = np.array(known, int)
    fps = np.array([video["fps"] if video.get("fps", -1) > 0 else USUAL_FPS for video in truth])
    seconds = max(STRETCH, (num_frames / fps).sum() / MOST_UNITS)
    length = np.maximum(1, (seconds * fps).astype(int))
    number = np.maximum(1, (num_frames / length).round().astype(int))
    return Units(np.cumsum(number) - number, number, length, f"{number.sum()} stretches of {seconds:.0f} s")


def prediction_units(pairing: Pairing, units: Units) -> np.ndarray:
    """int64 (P,): the unit of each prediction; a right one is drawn with its true event."""
    own, of_true = units.of(pairing.predicted), np.append(units.of(pairing.true), 0)
    return np.where(pairing.right, of_true[pairing.partner], own)


def drawn_precision(pairing: Pairing, units: Units) -> np.ndarray:
    """float64 (DRAWS, K): the average precision of each class in each draw; NaN where the class is not drawn."""
    of_prediction, of_true = prediction_units(pairing, units), units.of(pairing.true)
    columns = []
    for label in range(pairing.num_classes):
        of_class = pairing.predicted.label == label
        true = np.bincount(of_true[pairing.true.label == label], minlength=len(units)).astype("f4")
        sums = _drawn_sums(pairing.right[of_class], of_prediction[of_class], units.draws)
        total = units.draws @ true
        columns.append(np.where(total > 0, sums / np.maximum(total, 1), np.nan))
    return np.stack(columns, axis=1)


def _drawn_sums(right: np.ndarray, unit: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """float64 (DRAWS,): the precisions of a class at its right predictions, best score first, summed in each draw."""
    rights = int(right.sum())
    if not rights:
        return np.zeros(len(draws))
    # rows: the predictions from behind one right one up to the next and with it; columns: their units
    row = np.cumsum(right) - right
    before = np.flatnonzero(right)[-1] + 1
    counts = np.bincount(row[:before] * draws.shape[1] + unit[:before], minlength=rights * draws.shape[1])
    counts = counts.reshape(rights, -1).T.astype("f4")
    sums = []
    for block in np.array_split(draws, 1 + len(draws) * rights // _BLOCK):
        drawn = block[:, unit[right]]
        found, rank = np.cumsum(drawn, axis=1), np.cumsum(block @ counts, axis=1)
        precision = np.where(drawn > 0, found / np.maximum(rank, 1), 0)
        best_from_here = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        sums.append((drawn * best_from_here).sum(axis=1, dtype=float))
    return np.concatenate(sums)


def counts_by_unit(pairing: Pairing, units: Units) -> np.ndarray:
    """int64 (U, K, 3): the counts of `count_events` in each unit."""
    return count_events(pairing, prediction_units(pairing, units), units.of(pairing.true), len(units))


def drawn_f1(counts: np.ndarray, units: Units) -> np.ndarray:
    """float64 (DRAWS, K): F1 in each draw, of counts by unit; NaN where a class was neither predicted nor there."""
    flat = units.draws @ counts.reshape(len(units), -1).astype("f4")
    return precision_recall_f1(flat.reshape(len(flat), *counts.shape[1:]).round())[..., 2]


def interval(values: np.ndarray) -> np.ndarray:
    """float64 (2, N): between which two values the middle CONFIDENCE of the draws (DRAWS, N) lie; NaN where nothing is
    known."""
    import pandas as pd  # takes long, and the page starts without it

    return pd.DataFrame(values).quantile([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]).to_numpy()


def wins(better: np.ndarray, than: np.ndarray, candidates: int = 1) -> bool:
    """Whether one is better than the other by more than chance: in all draws but 1 in 20, or, where it is the best of
    several `candidates`, but 1 in 20 over their number (Bonferroni).

    Args:
        better, than: float (DRAWS,), by the same draws; NaN counts as no better.
    """
    return bool(np.mean(~(better > than)) <= (1 - CONFIDENCE) / candidates)


class Intervals(NamedTuple):
    """Between which values the numbers of a report after suppression lie: CONFIDENCE of the draws."""

    words: str  # what was drawn
    mean_ap: np.ndarray  # float64 (2, D + 1): of mAP at each of D tolerances, and of the mean over them
    f1: np.ndarray  # float64 (D * (K + 1), 2): at each tolerance of each class, and of all together


UNKNOWN = Intervals("", np.nan, np.nan)


def intervals_of(pairings: Sequence[Pairing], levels: np.ndarray, truth: Sequence[Video]) -> Intervals | None:
    """The intervals of pairings, one for each tolerance; None where the split is too small to say.

    Args:
        levels: float (K,), the score above which predictions of each class count.
    """
    units = units_of(truth)
    if len(units) < FEWEST_UNITS:
        return None
    by_class = np.array([drawn_precision(pairing, units) for pairing in pairings])
    mean_ap = [mean_of_known(precision) for precision in (*by_class, by_class.mean(axis=0))]
    counts = (counts_by_unit(pairing.above(levels), units) for pairing in pairings)
    f1 = [interval(drawn_f1(np.append(each, each.sum(axis=1, keepdims=True), axis=1), units)).T for each in counts]
    return Intervals(units.words, interval(np.transpose(mean_ap)), np.concatenate(f1))
