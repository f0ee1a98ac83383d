"""What is chosen on val: NMS and its window, by how many frames a class is moved, thresholds.

The threshold of all classes is simply the best. Everything else stays as it usually is unless val says by more than
chance that another choice is better (`wins` of evaluation/resampling.py), so that a small val split changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from evaluation.metrics import average_precision, mean_of_known, right_offsets
from evaluation.pairing import Pairing, pair_events
from evaluation.resampling import (
    FEWEST_UNITS,
    Units,
    counts_by_unit,
    drawn_f1,
    drawn_precision,
    prediction_units,
    wins,
)
from evaluation.suppression import NMS, Suppression
from util.events import EventTable
from util.spans import Seconds, Span

DEFAULT_THRESHOLD = 0.5  # where nothing is there to choose it on
WINDOWS = (2, 3, 5, 8, 12, 20)  # frames at the rate of most videos, of NMS other than the usual
SOFT_WINDOWS = (2, 3, 5, 8, 12)  # of soft NMS
MOST_SECONDS = 1.0  # of a window
LEAST_GAIN = 0.005  # of mean mAP: for less, nobody should have to remember another window
NEARLY_BEST = 0.01  # of mean mAP below the best: a narrower window is looked at that far
FOLDS = 5


class Window(NamedTuple):
    """A suppression that val prefers."""

    suppression: Suppression
    mean_map: float  # after it, a fraction
    usual: float  # after the usual one


def choose_suppression(
    true: EventTable, predicted: EventTable, num_classes: int, units: Units, usual_fps: float,
    fps: np.ndarray | None = None,
) -> Window | None:
    """The suppression with the highest mean mAP, if it beats NMS with its usual window by more than chance.

    Where narrower windows do so too, and the best does not beat them by more than chance, the narrowest is taken: a
    wide window loses events that truly are close to each other, of which val may have few. For the same reason windows
    are in seconds, if rates are known: so many frames are long in a video of few frames a second.

    Args:
        predicted: before suppression.
        usual_fps: of most videos.
        fps: float (V,), of each; None where they are not all known.
    """
    others = [Suppression(window if fps is None else _seconds(window, usual_fps), soft)
              for soft, windows in ((False, WINDOWS), (True, SOFT_WINDOWS)) for window in windows
              if window <= MOST_SECONDS * usual_fps]
    if len(units) < FEWEST_UNITS or not others:
        return None
    pairings = {each: pair_events(true, each(predicted, fps), num_classes) for each in (NMS, *others)}
    means = {each: mean_map(of_it) for each, of_it in pairings.items()}
    best = max(others, key=lambda each: means[each])
    if not means[best] >= means[NMS] + LEAST_GAIN:
        return None
    drawn = {each: _drawn_means(pairings[each], units)[0] for each in (best, NMS)}
    if not wins(drawn[best], drawn[NMS], len(others)):
        return None
    for other in sorted(others, key=lambda each: (each.window, each.soft)):
        if means[other] >= max(means[NMS] + LEAST_GAIN, means[best] - NEARLY_BEST) and other.window < best.window:
            of_other = _drawn_means(pairings[other], units)[0]
            if wins(of_other, drawn[NMS], len(others)) and not wins(drawn[best], of_other):
                return Window(other, means[other], means[NMS])
    return Window(best, means[best], means[NMS])


def _seconds(frames: int, fps: float) -> Seconds:
    """A millisecond more than frames take, so that they are as many at a rate like 29.97 instead of 30."""
    return Seconds(round(frames / fps + 0.001, 3))


def mean_map(pairings: Sequence[Pairing]) -> float:
    """mAP, the mean over tolerances; NaN where there are no true events."""
    return float(mean_of_known(mean_of_known(np.array([average_precision(pairing) for pairing in pairings]))))


def _drawn_means(pairings: Sequence[Pairing], units: Units) -> tuple[np.ndarray, np.ndarray]:
    """Means over tolerances in each draw: mAP, float64 (DRAWS,), and each class's average precision, (DRAWS, K)."""
    by_class = np.mean([drawn_precision(pairing, units) for pairing in pairings], axis=0)
    return mean_of_known(by_class), by_class


def choose_moves(
    true: EventTable, predicted: EventTable, num_classes: int, units: Units, threshold: float
) -> np.ndarray:
    """int64 (K,): by how many frames predictions of each class are to be moved, mostly 0.

    Where the right predictions of a class are off by a number of frames in the median, it is moved by so many the other
    way if its average precision, the mean over tolerances, is higher then by more than chance.

    Args:
        predicted: after suppression.
        threshold: the right predictions above it tell the median.
    """
    moves = np.zeros(num_classes, int)
    if len(units) < FEWEST_UNITS:
        return moves
    as_they_are = pair_events(true, predicted, num_classes)
    widest = as_they_are[-1].above(threshold)
    label_of, offset = widest.predicted.label[widest.right], right_offsets(widest)
    for label in np.unique(label_of):
        moves[label] = -round(np.median(offset[label_of == label]))
    tried = np.flatnonzero(moves)
    if not len(tried):
        return moves
    moved = pair_events(true, moved_by(predicted, moves), num_classes)
    after, before = (_drawn_means(pairings, units)[1] for pairings in (moved, as_they_are))
    for label in tried:
        if not wins(after[:, label], before[:, label], len(tried)):
            moves[label] = 0
    return moves


def moved_by(events: EventTable, moves: np.ndarray, num_frames: np.ndarray | None = None) -> EventTable:
    """The events, each moved by the frames of its class, by video and frame; what would come to lie outside of its
    video goes.

    Args:
        moves: int64 (K,), later is positive.
        num_frames: int64 (V,), of the videos, where they are known.
    """
    if not moves.any():
        return events
    frame = events.frame + moves[events.label]
    inside = frame >= 0
    if num_frames is not None:
        inside &= frame < num_frames[events.video]
    moved = replace(events, frame=frame).take(inside)
    return moved.take(np.lexsort((moved.frame, moved.video)))


def threshold_tolerance(tolerances: Sequence[Span]) -> Span:
    """The tolerance, of those given, at which the threshold is chosen: the largest up to 2 frames or 0.1 seconds."""
    return max((t for t in tolerances if t <= (0.1 if isinstance(t, Seconds) else 2)), default=min(tolerances))


def best_threshold(pairing: Pairing, num_true: int | None = None) -> float:
    """The score above which the events of all classes together have the highest F1.

    Best first, a prediction's partner does not depend on those after it: so one pairing serves for every
    threshold. The answer lies halfway between two scores that occur; of equally good ones it is the highest.
    It is DEFAULT_THRESHOLD where no event is right.

    Args:
        pairing: of events after suppression, as they will be used.
        num_true: true events; None for all of the pairing.
    """
    score, right = pairing.predicted.score, pairing.right
    num_true = len(pairing.true) if num_true is None else num_true
    if not right.any():
        return DEFAULT_THRESHOLD
    score = np.append(score, 0.0 if score[-1] > 0 else score[-1] - 1)
    cuts = np.flatnonzero(score[:-1] > score[1:])  # a threshold cannot part equal scores
    f1 = 2 * np.cumsum(right)[cuts] / (cuts + 1 + num_true)
    cut = cuts[f1.argmax()]
    above, below = float(score[cut]), float(score[cut + 1])
    middle = (above + below) / 2
    return middle if middle < above else below  # floats side by side have no middle


def choose_own_thresholds(pairing: Pairing, units: Units) -> dict[int, float]:
    """The thresholds of classes that have a higher F1 with one of their own than with that of all, by more than chance.

    Both are compared as they do on units that they were not chosen on: a fifth at a time, with those that the other
    four fifths choose. What is given then is chosen on all.

    Returns:
        {class: threshold}, mostly empty.
    """
    occurring = np.flatnonzero(pairing.num_true)
    if len(units) < 2 * FOLDS or len(occurring) < 2:
        return {}
    common, own = _cross_validated(pairing, units)
    drawn = [drawn_f1(counts_by_unit(kept, units), units) for kept in (own, common)]
    return {
        label: best_threshold(pairing.take(pairing.predicted.label == label), int(pairing.num_true[label]))
        for label in occurring.tolist() if wins(drawn[0][:, label], drawn[1][:, label], len(occurring))
    }


def _cross_validated(pairing: Pairing, units: Units) -> tuple[Pairing, Pairing]:
    """What is left above the threshold of all classes, and above each class's own, chosen without the own fifth."""
    fold, true_fold = prediction_units(pairing, units) % FOLDS, units.of(pairing.true) % FOLDS
    label, score = pairing.predicted.label, pairing.predicted.score
    above_common, above_own = np.zeros(len(fold), bool), np.zeros(len(fold), bool)
    for held_out in range(FOLDS):
        others, true_others = fold != held_out, true_fold != held_out
        cut = best_threshold(pairing.take(others), int(true_others.sum()))
        above_common |= ~others & (score > cut)
        for one in range(pairing.num_classes):
            rows = others & (label == one)
            num_true = int((true_others & (pairing.true.label == one)).sum())
            above_own |= ~others & (label == one) & (score > best_threshold(pairing.take(rows), num_true))
    return pairing.take(above_common), pairing.take(above_own)
