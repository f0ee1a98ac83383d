"""What is chosen on val: NMS and its window, by how many frames a class is moved, thresholds.

The threshold of all classes is simply the best. Everything else stays as it usually is unless val says by more than
chance that another choice is better (`wins` of evaluation/resampling.py), so that a small val split changes nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from evaluation.metrics import average_precision, mean_of_known, right_offsets
from evaluation.pairing import TOLERANCES, Pairing, pair_events
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


class Val(NamedTuple):
    """What is chosen on."""

    true: EventTable  # where the split is labelled
    num_classes: int  # K
    units: Units  # that are drawn
    fps: np.ndarray | None  # float (V,), of the videos; None where they are not all known, and no tolerance needs them

    def pair(self, predicted: EventTable, tolerances: Sequence[Span] = TOLERANCES) -> list[Pairing]:
        """The pairings of events after suppression."""
        return pair_events(self.true, predicted, self.num_classes, tolerances, self.fps)


def choose_suppression(val: Val, predicted: EventTable, usual_fps: float) -> tuple[Suppression, float, float] | None:
    """The suppression with the highest mean mAP, if it beats NMS with its usual window by more than chance.

    Where narrower windows do so too, and the best does not beat them by more than chance, the narrowest is taken: a
    wide window loses events that truly are close to each other, of which val may have few. For the same reason windows
    are in seconds, if rates are known: so many frames are long in a video of few frames a second.

    Args:
        predicted: before suppression.
        usual_fps: of most videos.

    Returns:
        It, mean mAP after it, and after the usual one, fractions; None where the usual one is to stay.
    """
    others = [Suppression(window if val.fps is None else _seconds(window, usual_fps), soft)
              for soft, windows in ((False, WINDOWS), (True, SOFT_WINDOWS)) for window in windows
              if window <= MOST_SECONDS * usual_fps]
    if len(val.units) < FEWEST_UNITS or not others:
        return None
    pairings = {each: val.pair(each(predicted, val.fps)) for each in (NMS, *others)}
    means = {each: mean_map(of_it) for each, of_it in pairings.items()}
    drawn = cache(lambda each: mean_of_known(_drawn_precision(pairings[each], val.units)))
    best = max(others, key=lambda each: means[each])
    if not means[best] >= means[NMS] + LEAST_GAIN or not wins(drawn(best), drawn(NMS), len(others)):
        return None
    enough = max(means[NMS] + LEAST_GAIN, means[best] - NEARLY_BEST)
    narrower = (each for each in others if each.window < best.window and means[each] >= enough)
    chosen = next((each for each in sorted(narrower, key=lambda each: (each.window, each.soft))
                   if wins(drawn(each), drawn(NMS), len(others)) and not wins(drawn(best), drawn(each))), best)
    return chosen, means[chosen], means[NMS]


def _seconds(frames: int, fps: float) -> Seconds:
    """A millisecond more than frames take, so that they are as many at a rate like 29.97 instead of 30."""
    return Seconds(round(frames / fps + 0.001, 3))


def mean_map(pairings: Sequence[Pairing]) -> float:
    """mAP, the mean over tolerances; NaN where there are no true events."""
    return float(mean_of_known(mean_of_known(np.array([average_precision(pairing) for pairing in pairings]))))


def _drawn_precision(pairings: Sequence[Pairing], units: Units) -> np.ndarray:
    """float64 (DRAWS, K): each class's average precision in each draw, the mean over tolerances."""
    return np.mean([drawn_precision(pairing, units) for pairing in pairings], axis=0)


def choose_moves(val: Val, predicted: EventTable, threshold: float) -> np.ndarray:
    """int64 (K,): by how many frames predictions of each class are to be moved, mostly 0.

    Where the right predictions of a class are off by a number of frames in the median, it is moved by so many the other
    way if its average precision, the mean over tolerances, is higher then by more than chance.

    Args:
        predicted: after suppression.
        threshold: the right predictions above it tell the median.
    """
    moves = np.zeros(val.num_classes, int)
    if len(val.units) < FEWEST_UNITS:
        return moves
    as_they_are = val.pair(predicted)
    widest = as_they_are[-1].above(threshold)
    label_of, offset = widest.predicted.label[widest.right], right_offsets(widest)
    for label in np.unique(label_of):
        moves[label] = -round(np.median(offset[label_of == label]))
    if not moves.any():
        return moves
    after, before = (_drawn_precision(pairings, val.units)
                     for pairings in (val.pair(moved_by(predicted, moves)), as_they_are))
    return moves * np.isin(range(val.num_classes), _that_win(after, before, np.flatnonzero(moves)))


def _that_win(own: np.ndarray, usual: np.ndarray, tried: np.ndarray) -> list[int]:
    """The classes of those tried whose own choice is better than the usual one, in draws (DRAWS, K) of both."""
    return [label for label in tried.tolist() if wins(own[:, label], usual[:, label], len(tried))]


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
    own, common = (drawn_f1(counts_by_unit(_held_out(pairing, units, parted), units), units) for parted in (1, 0))
    return {label: best_threshold(pairing.take(pairing.predicted.label == label), int(pairing.num_true[label]))
            for label in _that_win(own, common, occurring)}


def _held_out(pairing: Pairing, units: Units, parted: int) -> Pairing:
    """What is left above thresholds that were chosen without the own fifth: the one of all classes, or, `parted`, the
    own of each."""
    fold, true_fold = prediction_units(pairing, units) % FOLDS, units.of(pairing.true) % FOLDS
    group, true_group = (parted * events.label for events in (pairing.predicted, pairing.true))
    above = np.zeros(len(fold), bool)
    for held_out, one in itertools.product(range(FOLDS), np.unique(group)):
        rows, others = (group == one) & (fold == held_out), (group == one) & (fold != held_out)
        num_true = int(((true_group == one) & (true_fold != held_out)).sum())
        above |= rows & (pairing.predicted.score > best_threshold(pairing.take(others), num_true))
    return pairing.take(above)
