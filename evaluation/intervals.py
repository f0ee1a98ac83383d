"""Between which values the numbers of a report lie, as its split tells: 95 % of draws, see evaluation/resampling.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.pairing import Pairing, Tolerance
from evaluation.resampling import (
    FEWEST_UNITS,
    counts_by_unit,
    drawn_f1,
    drawn_precision,
    interval,
    mean_over_classes,
    units_of,
)
from util.events import Video

Interval = tuple[float, float]  # fractions; NaN where nothing is known


@dataclass(frozen=True)
class Intervals:
    """Of the numbers after suppression."""

    words: str  # what was drawn
    mean_ap: dict[Tolerance, Interval]
    mean: Interval  # of mAP, the mean over tolerances
    f1: dict[Tolerance, list[Interval]]  # of each class
    f1_of_all: dict[Tolerance, Interval]


def intervals_of(pairings: Sequence[Pairing], levels: np.ndarray, truth: Sequence[Video]) -> Intervals | None:
    """The intervals of pairings, one for each tolerance; None where the split is too small to say.

    Args:
        levels: float (K,), the score above which predictions of each class count.
    """
    units = units_of(truth)
    if len(units) < FEWEST_UNITS:
        return None
    by_class = [drawn_precision(pairing, units) for pairing in pairings]
    f1, of_all = {}, {}
    for pairing in pairings:
        counts = counts_by_unit(pairing.above(levels), units)
        f1[pairing.tolerance] = [interval(column) for column in drawn_f1(counts, units).T]
        of_all[pairing.tolerance] = interval(drawn_f1(counts.sum(axis=1, keepdims=True), units)[:, 0])
    return Intervals(
        units.words,
        {p.tolerance: interval(mean_over_classes(ap)) for p, ap in zip(pairings, by_class, strict=True)},
        interval(mean_over_classes(np.mean(by_class, axis=0))),
        f1,
        of_all,
    )
