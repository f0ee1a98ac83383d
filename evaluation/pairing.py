"""Which predicted event belongs to which true one: greedy matching, best score first, at one tolerance."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.suppression import Suppression
from util.errors import UserError, number_of
from util.events import SIDES, EventTable, events_by_side, lay_on_line
from util.spans import METAVAR, Seconds, Span, frames_of, parse_span

TOLERANCES = (0, 1, 2, 4)  # frames


@dataclass(frozen=True)
class Pairing:
    """Predicted events of all classes paired with true ones."""

    predicted: EventTable  # P events, best score first
    true: EventTable  # T events, in file order
    partner: np.ndarray  # int64 (P,), row of the true event that a prediction found; -1 where it is wrong
    num_classes: int  # K
    tolerance: Span  # up to which a prediction is right
    frames: np.ndarray  # int64 (V,), the same in frames of each video

    @property
    def reach(self) -> int:
        """The tolerance in frames, of the video in which it is the widest."""
        return int(self.frames.max(initial=0))

    @property
    def right(self) -> np.ndarray:
        """bool (P,): whether the prediction found a true event."""
        return self.partner >= 0

    @property
    def found(self) -> np.ndarray:
        """bool (T,): whether the true event was found."""
        found = np.zeros(len(self.true), bool)
        found[self.partner[self.right]] = True
        return found

    @property
    def num_true(self) -> np.ndarray:
        """int64 (K,): true events of each class."""
        return np.bincount(self.true.label, minlength=self.num_classes)

    def above(self, threshold: float | np.ndarray) -> Pairing:
        """The pairing of the predictions that score above a threshold, or that of their class (K,); those below it do
        not change it, as of each class the best come first."""
        kept = self.predicted.score > np.broadcast_to(threshold, self.num_classes)[self.predicted.label]
        return self.take(kept)

    def take(self, rows: np.ndarray) -> Pairing:
        """The pairing of some predictions, which have the partners that they have among all."""
        return replace(self, predicted=self.predicted.take(rows), partner=self.partner[rows])

    def by_video(self, num_videos: int) -> list[Pairing]:
        """The pairing of each video, which is the one that it would have without the others.

        The true events must be in the order of their videos.
        """
        order = np.argsort(self.predicted.video, kind="stable")
        videos = np.arange(num_videos + 1)
        starts, firsts = np.searchsorted(self.predicted.video[order], videos), np.searchsorted(self.true.video, videos)
        alone = []
        for video in range(num_videos):
            of_it, first = self.take(order[starts[video] : starts[video + 1]]), firsts[video]
            true, partner = self.true.take(slice(first, firsts[video + 1])), np.maximum(of_it.partner - first, -1)
            alone.append(replace(of_it, true=true, partner=partner))
        return alone


def add_tolerance_options(parser: argparse.ArgumentParser) -> None:
    """-t, see `tolerances_of`."""
    parser.add_argument("-t", "--tolerances", type=parse_span, nargs="+", default=list(TOLERANCES), metavar=METAVAR,
                        help="how far off a right prediction may be: frames, or seconds at the rate of each video, "
                             "such as 0.04s 0.08s (default: 0 1 2 4)")


def tolerances_of(args: argparse.Namespace) -> list[Span]:
    """What the option of `add_tolerance_options` says, the strictest first.

    Raises:
        UserError: some are in frames and some in seconds.
    """
    if len({isinstance(tolerance, Seconds) for tolerance in args.tolerances}) > 1:
        raise UserError("-t: some are in frames and some in seconds; give all in one of them")
    return sorted(set(args.tolerances))


def within(tolerance: Span) -> str:
    """A tolerance in words."""
    if isinstance(tolerance, Seconds):
        return f"within {tolerance:g} s"
    return "on the frame" if tolerance == 0 else f"within {number_of(tolerance, 'frame')}"


def pair_events(
    true: EventTable, predicted: EventTable, num_classes: int, tolerances: Sequence[Span] = TOLERANCES,
    fps: np.ndarray | None = None,
) -> list[Pairing]:
    """Pair predicted events with true ones, once for each tolerance.

    Predictions are taken by score, best first, equal ones in file order. Each takes the closest true event of
    its class and video that is still free, the earlier in file order where two are as close, and is right if
    that is at most the tolerance away. If it is not, the true event stays free.

    Args:
        true, predicted: in file order, with the same numbers for videos and classes.
        fps: float (V,), of the videos, where a tolerance is in seconds.
    """
    best_first = predicted.take(np.argsort(-predicted.score, kind="stable"))
    num_videos = 1 + int(max(true.video.max(initial=0), predicted.video.max(initial=0)))
    pairings = []
    for tolerance in tolerances:
        frames = frames_of(tolerance, fps, num_videos)
        partner = find_partners(true, best_first, num_classes, frames)
        pairings.append(Pairing(best_first, true, partner, num_classes, tolerance, frames))
    return pairings


def pair_sides(
    true: EventTable, predicted: EventTable, num_classes: int, suppression: Suppression,
    tolerances: Sequence[Span] = TOLERANCES, fps: np.ndarray | None = None,
) -> list[Pairing] | None:
    """The pairings of `events_by_side`, where each side of a class is a class of its own; None where no prediction or
    no true event has a side. True events without one are as if they were not there.

    Args:
        predicted: before suppression.
        tolerances: as `pair_events` takes them.
        fps: float (V,), of the videos, where a tolerance or the window is in seconds.
    """
    true, predicted = events_by_side(true), events_by_side(predicted)
    if not len(true) or not len(predicted):
        return None
    return pair_events(true, suppression(predicted, fps), num_classes * len(SIDES), tolerances, fps)


def find_partners(true: EventTable, predicted: EventTable, num_classes: int, frames: np.ndarray) -> np.ndarray:
    """int64 (P,): the row of the true event within the tolerance that each prediction, best first, gets, or -1.

    Args:
        frames: int64 (V,), the tolerance in each video.

    Letting each prediction in turn choose among the true events that are left gives the one stable matching in which
    predictions prefer what is closer and true events prefer who comes first (Gale and Shapley, 1962). In it are all
    pairs that prefer each other to all that are left: so it is found in a few rounds over whole arrays.
    """
    partner = np.full(len(predicted), -1)
    prediction, candidate = _candidates(true, predicted, num_classes, frames)
    first, free = np.zeros(len(true), np.int64), np.ones(len(true), bool)
    while len(prediction):
        first[candidate[::-1]] = prediction[::-1]  # the first of those that could get each true event
        closest = np.append(True, prediction[1:] != prediction[:-1])
        sure = closest & (first[candidate] == prediction)
        partner[prediction[sure]] = candidate[sure]
        free[candidate[sure]] = False
        left = free[candidate] & (partner[prediction] < 0)
        prediction, candidate = prediction[left], candidate[left]
    return partner


def _candidates(
    true: EventTable, predicted: EventTable, num_classes: int, frames: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs within the tolerance: int64 (E,) predictions in order, int64 (E,) true events, closest first."""
    if not len(true) or not len(predicted):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    first = int(min(true.frame.min(), predicted.frame.min()))
    last = int(max(true.frame.max(), predicted.frame.max()))
    reach, tolerance = int(frames.max()), frames[predicted.video]
    true_place = lay_on_line(true, num_classes, first, last, reach)
    place = lay_on_line(predicted, num_classes, first, last, reach)
    by_place = np.argsort(true_place, kind="stable")
    start = np.searchsorted(true_place[by_place], place - tolerance, side="left")
    stop = np.searchsorted(true_place[by_place], place + tolerance, side="right")

    count = stop - start
    prediction = np.repeat(np.arange(len(predicted)), count)
    nth = np.arange(len(prediction)) - np.repeat(np.cumsum(count) - count, count)
    true_event = by_place[np.repeat(start, count) + nth]
    distance = np.abs(true_place[true_event] - place[prediction])
    return prediction, true_event[np.lexsort((true_event, distance, prediction))]
