"""Which of several predicted events near each other are left: non-maximum suppression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from util.events import EventTable, lay_on_line

NMS_WINDOW = 1  # frames


@dataclass(frozen=True)
class Suppression:
    """What is done with predicted events that are near others of their video and class."""

    window: int = NMS_WINDOW  # frames, 0 or more; 0 leaves everything

    def __call__(self, events: EventTable) -> EventTable:
        """The events that are left, in the order in which they came."""
        return non_maximum_suppression(events, self.window)

    def __str__(self) -> str:
        return f"NMS, window {self.window}"


NMS = Suppression()  # what is done where nothing else is asked for


def non_maximum_suppression(events: EventTable, window: int) -> EventTable:
    """Leave out each event near which another of its video and class scores strictly more.

    Near is at most `window` frames away, on another frame; the other counts whether or not it is left itself.
    The order of what is left stays. Takes n log n time for n events.
    """
    if not len(events) or window <= 0:
        return events
    place = lay_on_line(events, int(events.label.max()) + 1, int(events.frame.min()), int(events.frame.max()), window)
    frames, frame_of = np.unique(place, return_inverse=True)
    best = np.full(len(frames), -np.inf)
    np.maximum.at(best, frame_of, events.score)
    here = np.arange(len(frames))
    before = _range_max(best, np.searchsorted(frames, frames - window, side="left"), here)
    after = _range_max(best, here + 1, np.searchsorted(frames, frames + window, side="right"))
    return events.take(events.score >= np.maximum(before, after)[frame_of])


def _range_max(values: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """The maximum of values[start:stop] for each pair (a sparse table); -inf where that is empty."""
    result = np.full(len(start), -np.inf)
    power = np.frexp(stop - start)[1] - 1  # floor(log2(length)), -1 for an empty range
    running = values  # running[i] is the maximum of values[i:i + 2**k]
    for k in range(int(power.max(initial=-1)) + 1):
        rows = np.flatnonzero(power == k)
        result[rows] = np.maximum(running[start[rows]], running[stop[rows] - 2**k])
        running = np.maximum(running[: -(2**k)], running[2**k :])
    return result
