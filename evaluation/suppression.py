"""Which of several predicted events near each other are left, and with which score."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace

import numpy as np

from util.events import RECALL_SCORE, EventTable, lay_on_line
from util.options import frames_around

NMS_WINDOW = 1  # frames
SOFT_NMS_WINDOW = 3  # frames; T-DEED's on datasets that ask for the exact frame


@dataclass(frozen=True)
class Suppression:
    """What is done with predicted events that are near others of their video and class."""

    window: int = NMS_WINDOW  # frames, 0 or more; 0 leaves everything
    soft: bool = False  # scores fall, and not events

    def __call__(self, events: EventTable) -> EventTable:
        """The events that are left, in the order in which they came."""
        if not len(events) or self.window <= 0:
            return events
        return (soft_non_maximum_suppression if self.soft else non_maximum_suppression)(events, self.window)

    @property
    def reach(self) -> int:
        """Frames behind an event that decide on it; of soft NMS, where each event hangs on those about it and so on,
        those that are looked at."""
        return self.window * (1 + self.soft)

    def __str__(self) -> str:
        return f"{'soft ' * self.soft}NMS, window {self.window}"

    def in_words(self, fps: float) -> str:
        return f"{self} {'frame' if self.window == 1 else 'frames'} ({self.window / fps:.2g} s)"

    def as_json(self) -> dict[str, int | bool]:
        return {"nms_window": self.window, "soft_nms": self.soft}


NMS = Suppression()  # what is done where nothing else is asked for


def add_suppression_options(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """--nms_window and --soft_nms, one of them; either gives `args.suppression`, which is None without them."""
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--nms_window", dest="suppression", metavar="FRAMES",
                     type=lambda text: Suppression(frames_around(text)),
                     help=f"of events so close to each other only the best is kept (default: {NMS_WINDOW}, or what val "
                          "says is better)")
    one.add_argument("--soft_nms", dest="suppression", nargs="?", metavar="FRAMES",
                     type=lambda text: Suppression(frames_around(text), soft=True),
                     const=Suppression(SOFT_NMS_WINDOW, soft=True),
                     help="instead: of events so close to each other the best lowers the scores of the others, the "
                          f"nearer the more ({SOFT_NMS_WINDOW} where no number is given)")


def non_maximum_suppression(events: EventTable, window: int) -> EventTable:
    """Leave out each event near which another of its video and class scores strictly more.

    Near is at most `window` frames away, on another frame; the other counts whether or not it is left itself.
    The order of what is left stays. Takes n log n time for n events, of which there is at least one.
    """
    place = _place(events, window)
    frames, frame_of = np.unique(place, return_inverse=True)
    best = np.full(len(frames), -np.inf)
    np.maximum.at(best, frame_of, events.score)
    here = np.arange(len(frames))
    before = _range_max(best, np.searchsorted(frames, frames - window, side="left"), here)
    after = _range_max(best, here + 1, np.searchsorted(frames, frames + window, side="right"))
    return events.take(events.score >= np.maximum(before, after)[frame_of])


def soft_non_maximum_suppression(events: EventTable, window: int) -> EventTable:
    """Lower the scores of events near better ones of their video and class (T-DEED; Bodla et al., ICCV 2017).

    The best event left is taken, the earlier of equals, and the score of each other within `window` frames, 1 or more,
    is multiplied by (distance / window) squared; on and on, down to a score of 0.01. Events have the scores with which
    they were taken; the order of what is left stays.

    Scores only fall, so that whatever is the best of its own surroundings is taken as it is: all such events at once,
    in rounds over whole arrays and not one by one.
    """
    row = np.argsort(_place(events, window), kind="stable")
    place, score = _place(events, window)[row], events.score[row]
    taken = np.zeros(len(events))
    while len(row):
        here, rank = np.arange(len(row)), np.empty(len(row))
        rank[np.lexsort((row, -score))] = -here.astype(float)  # the best has the highest
        first, last = np.searchsorted(place, place - window), np.searchsorted(place, place + window, side="right")
        best = rank == _range_max(rank, first, last)
        taken[row[best]] = score[best]
        # the taken are further from each other than the window: at most one to each side of any event
        of_best = np.concatenate([[-np.inf], place[best], [np.inf]])
        after = np.searchsorted(of_best, place)
        for side in (after - 1, after):
            distance = np.abs(place - of_best[side])
            score = score * np.where(distance <= window, (distance / window) ** 2, 1)
        left = ~best & (score >= RECALL_SCORE)
        row, place, score = row[left], place[left], score[left]
    rows = np.flatnonzero(taken)
    return replace(events.take(rows), score=taken[rows])


def _place(events: EventTable, window: int) -> np.ndarray:
    """int64 (N,): where events are on a line on which only those of one video and class are within the window."""
    return lay_on_line(events, int(events.label.max()) + 1, int(events.frame.min()), int(events.frame.max()), window)


def _range_max(values: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """The maximum of values[start:stop] for each pair; -inf where that is empty."""
    ends = np.stack([start, stop], axis=1).ravel()
    return np.where(start < stop, np.maximum.reduceat(np.append(values, -np.inf), ends)[::2], -np.inf)
