"""How motion runs around events, and where else in a video it runs so.

The look of motion around the events of a class is learnt from some videos and searched for in another one: a matched
filter, that is a linear discriminant between windows around events and windows anywhere. What comes out of it at the
labels of a video that was not learnt from, in standard deviations over that video, tells how well they sit.
"""

from __future__ import annotations

import numpy as np

from checks.motion_source import Source

REACH = 16  # steps of a window to either side of its middle
RIDGE = 0.1  # of the mean variance, added to the variance of each value of a window
ENOUGH_OF_CLASS = 15  # events of a class that its look is learnt from at least
SAMPLE = 20_000  # windows that their variance is taken from
SEEN = 3.0  # standard errors by which a class must stand out in the other videos to count


class EventLook:
    """What motion around the events of each class looks like, in many sources, any of which can be left out."""

    def __init__(self, sources: list[Source], num_classes: int) -> None:
        self.sources = sources
        self._windows = [_windows(source) for source in sources]
        rows = [windows[known][:: max(1, len(sources) * known.sum() // SAMPLE)] for windows, known in self._windows]
        anywhere = np.concatenate(rows).astype(float)
        enough = len(anywhere) > 1
        self._usual = anywhere.mean(0) if enough else np.zeros(anywhere.shape[1])
        variance = np.cov(anywhere.T) if enough else np.eye(anywhere.shape[1])
        ridge = RIDGE * np.trace(variance) / len(variance) + 1e-6
        self._weigh = np.linalg.inv(variance + ridge * np.eye(len(variance)))
        self._sums = np.zeros((len(sources), num_classes, len(self._usual)))
        self.counts = np.zeros((len(sources), num_classes), int)
        for index, source in enumerate(sources):
            windows, known = self._windows[index]
            seen = known[source.frames]
            np.add.at(self._sums[index], source.labels[seen], windows[source.frames[seen]] - self._usual)
            np.add.at(self.counts[index], source.labels[seen], 1)

    def responses(self, index: int, learnt_from: np.ndarray) -> np.ndarray:
        """(N, K) for source `index`: how much each place looks like an event of each class.

        Mean 0 and standard deviation 1 over the source; NaN where not known, or where too few events could be learnt
        from. `learnt_from` is bool (sources,); the source itself is always left out.
        """
        others = learnt_from.copy()
        others[index] = False
        counts = self.counts[others].sum(0)
        look = self._sums[others].sum(0) / np.maximum(counts, 1)[:, None]
        windows, known = self._windows[index]
        out = np.full((len(windows), len(counts)), np.nan)
        if known.any():
            heights = windows[known] @ (look @ self._weigh).T
            out[known] = (heights - heights.mean(0)) / np.maximum(heights.std(0), 1e-9)
        out[:, counts < ENOUGH_OF_CLASS] = np.nan
        return out


def class_weights(means: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(K,): what an event of each class is worth as a witness: its mean response in other sources, 0 where it does
    not stand out.

    Args:
        means, counts: (sources, K) mean response at the labels, NaN where none, and how many.
    """
    counts = np.where(np.isnan(means), 0, counts)
    total = counts.sum(0)
    mean = (np.nan_to_num(means) * counts).sum(0) / np.maximum(total, 1)
    return np.where(mean * np.sqrt(total) >= SEEN, mean, 0)


def at_labels(responses: np.ndarray, places: np.ndarray, labels: np.ndarray, weights: np.ndarray, lags: np.ndarray
              ) -> np.ndarray:
    """(n, lags) weighted responses at places moved by each lag; NaN where not known."""
    columns = places[:, None] + lags
    inside = (columns >= 0) & (columns < len(responses))
    found = responses[np.where(inside, columns, 0), labels[:, None]]
    return np.where(inside & (weights[labels] > 0)[:, None], found * weights[labels][:, None], np.nan)


def strengths(found: np.ndarray, weights: np.ndarray, at_least: int) -> tuple[np.ndarray, np.ndarray]:
    """(lags,) of what `at_labels` gives: how far the labels, moved by each lag, stand out from random places, in
    standard errors; and how far they would if they sat as those of the other sources do.

    Args:
        weights: (n,) of each label's class.
        at_least: where fewer labels fall on known places, the strength is 0.
    """
    known = ~np.isnan(found)
    expected = np.sqrt((known * weights[:, None] ** 2).sum(0))
    strength = np.nansum(found, axis=0) / np.maximum(expected, 1e-9)
    few = known.sum(0) < at_least
    return np.where(few, 0, strength), np.where(few, 0, expected)


def _windows(source: Source) -> tuple[np.ndarray, np.ndarray]:
    """float32 (N, C * steps) around each place, and bool (N,) whether all of it is known."""
    offsets = np.rint(np.arange(-REACH, REACH + 1) * source.step).astype(int)
    places = np.arange(len(source.levels))[:, None] + offsets
    inside = (places >= 0) & (places < len(source.levels))
    windows = source.levels[np.where(inside, places, 0)]
    windows = windows.reshape(len(places), -1)
    return windows, inside.all(1) & ~np.isnan(windows).any(1)
