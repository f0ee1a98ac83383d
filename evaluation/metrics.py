"""How good a pairing of predicted and true events is: average precision, counts and their rates, confusion, offsets.

Everything here counts classes by their index, so that no class name can be taken for a sum.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evaluation.pairing import Pairing, find_partners


def precision_recall(pairing: Pairing, label: int) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall at each right prediction of a class, best score first: float64 (R,) each.

    Precision is monotone: at each recall the best that is reached there or further on.
    """
    rank = np.flatnonzero(pairing.right[pairing.predicted.label == label]) + 1
    found = np.arange(1, len(rank) + 1)
    precision = np.maximum.accumulate((found / rank)[::-1])[::-1]
    return precision, found / max(int(pairing.num_true[label]), 1)


def average_precision(pairing: Pairing) -> np.ndarray:
    """float64 (K,): of each class as a fraction; NaN for one that does not occur in the truth."""
    total = np.array([precision_recall(pairing, label)[0].sum() for label in range(pairing.num_classes)])
    return np.where(pairing.num_true > 0, total / np.maximum(pairing.num_true, 1), np.nan)


def mean_of_known(values: np.ndarray) -> np.ndarray:
    """float64 (...) of (..., K): the mean of what is not NaN, so mAP of average precisions; NaN where nothing is."""
    known = ~np.isnan(values)
    number = known.sum(axis=-1)
    return np.where(number > 0, np.where(known, values, 0).sum(axis=-1) / np.maximum(number, 1), np.nan)[()]


def count_events(
    pairing: Pairing, group: np.ndarray | int = 0, true_group: np.ndarray | int = 0, groups: int = 1
) -> np.ndarray:
    """int64 (K, 3): right predictions, false ones, and missed true events of each class (tp, fp, fn); of each group,
    (groups, K, 3), where int64 (P,) and (T,) say in which of several predictions and true events are."""
    classes, place = pairing.num_classes, pairing.predicted.label + group * pairing.num_classes
    right, predicted, true = (
        np.bincount(rows, minlength=groups * classes).reshape(groups, classes)
        for rows in (place[pairing.right], place, pairing.true.label + true_group * classes))
    counts = np.stack([right, predicted - right, true - right], axis=-1)
    return counts if groups > 1 else counts[0]


def precision_recall_f1(counts: np.ndarray) -> np.ndarray:
    """float64 (..., 3) of counts (..., 3), see `count_events`; NaN where nothing was predicted, true, or either."""
    tp, fp, fn = np.moveaxis(counts, -1, 0)
    rates = [(tp, tp + fp), (tp, tp + fn), (2 * tp, 2 * tp + fp + fn)]
    return np.stack([np.where(all_ > 0, part / np.maximum(all_, 1), np.nan) for part, all_ in rates], axis=-1)


def confused_partners(pairing: Pairing) -> np.ndarray:
    """int64 (P,): the row of the true event of another class that each wrong prediction was given for, or -1.

    Only wrong predictions and missed true events can be confused. They are paired as predictions and true events of
    one class are: best first, each with the closest that is free.
    """
    wrong, missed = np.flatnonzero(~pairing.right), np.flatnonzero(~pairing.found)
    # one class for all: whatever lies within the tolerance here is of another class, or it would have been found
    true, predicted = (
        replace(events.take(rows), label=np.zeros(len(rows), np.int64))
        for events, rows in ((pairing.true, missed), (pairing.predicted, wrong))
    )
    partner = find_partners(true, predicted, 1, pairing.frames)
    confused = np.full(len(pairing.predicted), -1)
    confused[wrong[partner >= 0]] = missed[partner[partner >= 0]]
    return confused


def confusion_matrix(pairing: Pairing) -> np.ndarray:
    """int64 (K + 1, K + 1): how many events of each true class (row) were predicted as each class (column).

    The last column counts true events that were missed, the last row predictions that are false: nothing of any
    class lies within the tolerance that is not better paired. So a row adds up to the true events of its class, a
    column to the predictions of its class; the corner is 0.
    """
    none = pairing.num_classes
    partner = np.where(pairing.right, pairing.partner, confused_partners(pairing))
    true_label = np.append(pairing.true.label, none)[partner]  # row -1 is the class that is none
    table = np.zeros((none + 1, none + 1), np.int64)
    np.add.at(table, (true_label, pairing.predicted.label), 1)
    table[:none, none] = pairing.num_true - table[:none].sum(axis=1)
    return table


def side_accuracy(pairing: Pairing) -> float:
    """The share of right predictions that name the side of their true event, where both are known; NaN without such."""
    predicted = pairing.predicted.right[pairing.right]
    true = pairing.true.right[pairing.partner[pairing.right]]
    known = ~np.isnan(predicted) & ~np.isnan(true)
    return float(((predicted > 0.5) == (true > 0.5))[known].mean()) if known.any() else np.nan


def right_offsets(pairing: Pairing) -> np.ndarray:
    """int64 (R,): how many frames behind its true event each right prediction lies, best score first."""
    return pairing.predicted.frame[pairing.right] - pairing.true.frame[pairing.partner[pairing.right]]


def frame_offsets(pairing: Pairing) -> np.ndarray:
    """int64 (K, 2 * reach + 1): how many right predictions of each class lie how far from their true event.

    Column 0 is the pairing's reach in frames too early, column `reach` on the frame, the last as far too late.
    """
    table = np.zeros((pairing.num_classes, 2 * pairing.reach + 1), np.int64)
    np.add.at(table, (pairing.predicted.label[pairing.right], right_offsets(pairing) + pairing.reach), 1)
    return table
