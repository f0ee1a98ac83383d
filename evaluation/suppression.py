"""Which of several predicted events near each other are left, and with which score."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from util.events import RECALL_SCORE, EventTable, Video, lay_on_line
from util.spans import METAVAR, Seconds, Span, both_ways, frames_of, parse_span, plain_span

NMS_WINDOW = 1  # frames
SOFT_NMS_WINDOW = 3  # frames; T-DEED's on datasets that ask for the exact frame


@dataclass(frozen=True)
class Suppression:
    """What is done with predicted events that are near others of their video and class."""

    window: Span = NMS_WINDOW  # 0 or more; 0 leaves everything
    soft: bool = False  # scores fall, and not events
    in_seconds: bool = field(init=False)  # as 2 frames are no 2 seconds, but equal numbers

    def __post_init__(self) -> None:
        object.__setattr__(self, "in_seconds", isinstance(self.window, Seconds))

    def __call__(self, events: EventTable, fps: np.ndarray | None = None) -> EventTable:
        """The events that are left, in the order in which they came.

        Args:
            fps: float (V,), of the videos, where the window is in seconds.
        """
        window = frames_of(self.window, fps, 1 + int(events.video.max(initial=0)))[events.video]
        if not window.any():
            return events
        return (soft_non_maximum_suppression if self.soft else non_maximum_suppression)(events, window)

    def at(self, fps: float) -> Suppression:
        """The same for videos of one rate, with the window in frames."""
        return Suppression(int(frames_of(self.window, np.array([fps]), 1)[0]), self.soft)

    @property
    def reach(self) -> int:
        """Frames behind an event that decide on it, where the window is in frames; of soft NMS, where each event hangs
        on those about it and so on, those that are looked at."""
        assert not self.in_seconds
        return self.window * (1 + self.soft)

    def in_words(self, videos: Sequence[Video]) -> str:
        """With the window in frames and in seconds, as they are in these videos."""
        return f"{'soft ' * self.soft}NMS, window {both_ways(self.window, videos)}"

    def as_json(self) -> dict[str, int | str | bool]:
        return {"nms_window": plain_span(self.window), "soft_nms": self.soft}


NMS = Suppression()  # what is done where nothing else is asked for


def add_suppression_options(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """--nms_window and --soft_nms, one of them; either gives `args.suppression`, which is None without them."""
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--nms_window", dest="suppression", metavar=METAVAR,
                     type=lambda text: Suppression(parse_span(text)),
                     help="of events at most so far from each other only the best is kept: frames, or seconds at the "
                          f"rate of each video, such as 0.08s (default: {NMS_WINDOW}, or what val says is better)")
    one.add_argument("--soft_nms", dest="suppression", nargs="?", metavar=METAVAR,
                     type=lambda text: Suppression(parse_span(text), soft=True),
                     const=Suppression(SOFT_NMS_WINDOW, soft=True),
                     help="instead: of events at most so far from each other the best lowers the scores of the others, "
                          f"the nearer the more ({SOFT_NMS_WINDOW} where no number is given)")


def non_maximum_suppression(events: EventTable, window: np.ndarray) -> EventTable:
    """Leave out each event near which another of its video and class scores strictly more.

    Near is at most `window` frames away, on another frame; the other counts whether or not it is left itself.
    The order of what is left stays. Takes n log n time for n events, of which there is at least one.

    Args:
        window: int64 (N,), frames, the same for all events of a video.
    """
    order = np.argsort(place := _place(events, window), kind="stable")
    place, score, window = place[order], events.score[order], window[order]
    first = np.flatnonzero(np.append(True, place[1:] != place[:-1]))  # of the events on each frame
    frames, best, here = place[first], np.maximum.reduceat(score, first), np.arange(len(first))
    before = _range_max(best, np.searchsorted(frames, frames - window[first], side="left"), here)
    after = _range_max(best, here + 1, np.searchsorted(frames, frames + window[first], side="right"))
    left = np.zeros(len(events), bool)
    left[order] = score >= np.repeat(np.maximum(before, after), np.diff(first, append=len(place)))
    return events.take(left)


def soft_non_maximum_suppression(events: EventTable, window: np.ndarray) -> EventTable:
    """Lower the scores of events near better ones of their video and class (T-DEED; Bodla et al., ICCV 2017).

    The best event left is taken, the earlier of equals, and the score of each other within `window` frames is
    multiplied by (distance / window) squared; on and on, down to a score of 0.01. Events have the scores with which
    they were taken; the order of what is left stays. Where the window is 0 all stay as they are.

    Args:
        window: int64 (N,), frames, the same for all events of a video.

    Scores only fall, so that whatever is the best of its own surroundings is taken as it is: all such events at once,
    in rounds over whole arrays and not one by one.
    """
    place, taken = _place(events, window), np.where(window > 0, 0, events.score)
    row = np.argsort(place, kind="stable")
    row = row[window[row] > 0]
    place, score, window = place[row], events.score[row], window[row]
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
        row, place, score, window = row[left], place[left], score[left], window[left]
    rows = np.flatnonzero(taken)
    return replace(events.take(rows), score=taken[rows])


def _place(events: EventTable, window: np.ndarray) -> np.ndarray:
    """int64 (N,): where events are on a line on which only those of a video and class are within the widest window."""
    first, last = int(events.frame.min()), int(events.frame.max())
    return lay_on_line(events, int(events.label.max()) + 1, first, last, int(window.max()))


def _range_max(values: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """The maximum of values[start:stop] for each pair; -inf where that is empty."""
    ends = np.stack([start, stop], axis=1).ravel()
    return np.where(start < stop, np.maximum.reduceat(np.append(values, -np.inf), ends)[::2], -np.inf)
