"""Where predictions go wrong: what is taken for what, and by how many frames the right ones are off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from util.score import Matches, pair_events


def mix_ups(matches: Matches, tolerance: int, threshold: float) -> np.ndarray:
    """int64 (P,): the row of the true event of another class that each prediction took for its own, or -1.

    Only predictions above the threshold that are wrong, and true events that none above it found, can be mixed up.
    They are paired as predictions and true events of a class are: best first, each with the closest that is free.

    Args:
        tolerance: frames, the one that `matches` was made with.
    """
    above = matches.score > threshold
    found = np.zeros(len(matches.true), bool)
    found[matches.partner[above & matches.right]] = True
    wrong, missed = np.flatnonzero(above & ~matches.right), np.flatnonzero(~found)
    # one class for all: whatever lies within the tolerance here is of another class, or it would have been matched
    truth, predicted = (
        table.take(rows).with_label(0) for table, rows in ((matches.true, missed), (matches.predicted, wrong))
    )
    pairs = pair_events(truth, predicted, 1, tolerance)
    mixed = np.full(len(matches.predicted), -1)
    mixed[wrong[pairs >= 0]] = missed[pairs[pairs >= 0]]
    return mixed


def confusion(matches: Matches, tolerance: int, threshold: float) -> np.ndarray:
    """int64 (K + 1, K + 1): how many events of each true class (row) were predicted as each class (column).

    The last column counts true events that were missed, the last row predictions that are false: nothing of any
    class lies within the tolerance that is not matched better. So a row adds up to the true events of its class, a
    column to the predictions of its class above the threshold; the corner is 0.
    """
    none = matches.num_classes
    above = matches.score > threshold
    partner = np.where(matches.right, matches.partner, mix_ups(matches, tolerance, threshold))[above]
    predicted, paired = matches.label[above], partner >= 0
    table = np.zeros((none + 1, none + 1), np.int64)
    np.add.at(table, (np.where(paired, matches.true.label[partner] if len(matches.true) else none, none), predicted), 1)
    table[:none, none] = matches.num_truth - table[:none].sum(axis=1)
    return table


def frame_offsets(matches: Matches, tolerance: int, threshold: float) -> np.ndarray:
    """int64 (K, 2 * tolerance + 1): how many right predictions of each class lie how far from their true event.

    Column 0 is `tolerance` frames too early, column `tolerance` on the frame, the last as far too late.
    """
    right = (matches.score > threshold) & matches.right
    offset = matches.predicted.frame[right] - matches.true.frame[matches.partner[right]]
    table = np.zeros((matches.num_classes, 2 * tolerance + 1), np.int64)
    np.add.at(table, (matches.label[right], offset + tolerance), 1)
    return table


def describe_offsets(counts: Sequence[int]) -> dict[str, float]:
    """The share of right predictions that lie on the frame, and the mean offset in frames; 0 where there are none.

    Args:
        counts: a row of `frame_offsets`, or the sum of its rows.
    """
    counts = np.asarray(counts)
    offsets = np.arange(len(counts)) - len(counts) // 2
    total = max(int(counts.sum()), 1)
    return {"on_frame": float(counts[len(counts) // 2] / total), "mean": float((counts * offsets).sum() / total)}
