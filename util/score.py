"""How good predicted events are: average precision, mAP, precision, recall, F1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from util.errors import UserError
from util.events import EventTable, Video, event_table, lay_on_line, non_maximum_suppression

TOLERANCES = (0, 1, 2, 4)  # frames
NMS_WINDOW = 1  # frames
DEFAULT_THRESHOLD = 0.5  # where no other split is there to choose it on


@dataclass(frozen=True)
class Matches:
    """Predicted events of all classes held against the truth at one tolerance: who got whom."""

    predicted: EventTable  # P events, best score first
    true: EventTable  # T events, in file order
    partner: np.ndarray  # int64 (P,), row of the true event that a prediction was matched to; -1 where it is wrong
    num_classes: int  # K

    @property
    def label(self) -> np.ndarray:
        """int64 (P,): index into the classes."""
        return self.predicted.label

    @property
    def score(self) -> np.ndarray:
        """float64 (P,), best first."""
        return self.predicted.score

    @property
    def right(self) -> np.ndarray:
        """bool (P,): whether the prediction was matched to a true event."""
        return self.partner >= 0

    @property
    def found(self) -> np.ndarray:
        """bool (T,): whether the true event was matched."""
        found = np.zeros(len(self.true), bool)
        found[self.partner[self.right]] = True
        return found

    @property
    def num_truth(self) -> np.ndarray:
        """int64 (K,): true events of each class."""
        return np.bincount(self.true.label, minlength=self.num_classes)


def check_videos(truth: Sequence[Video], predictions: Sequence[Video], source: str) -> None:
    """Check that the predictions are for the videos of the truth, each once.

    Args:
        source: what the predictions are called in the error, such as their file's path.

    Raises:
        UserError: a video is missing, there twice, or not in the truth.
    """
    wanted = [video["video"] for video in truth]
    given = [video["video"] for video in predictions]
    if unknown := sorted(set(given) - set(wanted)):
        raise UserError(f"{source}: {_some(unknown)} not in the truth; check the split and the dataset")
    if missing := sorted(set(wanted) - set(given)):
        raise UserError(f"{source}: no predictions for {_some(missing)}; predict the whole split anew")
    if twice := sorted(name for name, count in Counter(given).items() if count > 1):
        raise UserError(f"{source}: {_some(twice)} there more than once; predict the split anew")


def _some(videos: Sequence[str]) -> str:
    names = ", ".join(videos[:5]) + (f" and {len(videos) - 5} more" if len(videos) > 5 else "")
    return f"video {names}" if len(videos) == 1 else f"videos {names}"


def match_events(
    truth: Sequence[Video], predictions: Sequence[Video], classes: Sequence[str], tolerances: Sequence[int]
) -> list[Matches]:
    """Hold predictions against the truth, once for each tolerance (in frames).

    Predictions are taken by score, best first, equal ones in file order. Each takes the closest true event of
    its class and video that is still free, the earlier in file order where two are as close, and is right if
    that is at most the tolerance away. If it is not, the true event stays free.

    Raises:
        UserError: the predictions are not for the videos of the truth.
    """
    check_videos(truth, predictions, "the predictions")
    label_index = {name: i for i, name in enumerate(classes)}
    video_index = {video["video"]: i for i, video in enumerate(truth)}
    true_events = event_table(truth, video_index, label_index)
    predicted = event_table(predictions, video_index, label_index)
    return match_tables(true_events, predicted, len(classes), tolerances)


def match_tables(
    true: EventTable, predicted: EventTable, num_classes: int, tolerances: Sequence[int]
) -> list[Matches]:
    """As match_events, of events in file order that are laid out as columns already."""
    predicted = predicted.take(np.argsort(-predicted.score, kind="stable"))
    pairs = (pair_events(true, predicted, num_classes, tolerance) for tolerance in tolerances)
    return [Matches(predicted, true, partner, num_classes) for partner in pairs]


def pair_events(truth: EventTable, predicted: EventTable, num_classes: int, tolerance: int) -> np.ndarray:
    """int64 (P,): the row of the true event within the tolerance that each prediction, best first, gets, or -1.

    Letting each prediction in turn choose among the true events that are left gives the one stable matching
    in which predictions prefer what is closer and true events prefer who comes first. So it can be found by
    deferred acceptance (Gale and Shapley, 1962), in a few rounds over whole arrays and not one by one.
    """
    partner = np.full(len(predicted), -1)
    wish_of, wishes = _wishes(truth, predicted, num_classes, tolerance)
    if not len(wishes):
        return partner
    asking, current = np.unique(wish_of, return_index=True)  # predictions, and the first wish of each
    end = np.append(current[1:], len(wishes))

    nobody = len(asking)
    holder = np.full(len(truth), nobody)  # who has each true event so far, as an index into `asking`
    active = np.arange(len(asking))
    while len(active):
        wanted = wishes[current[active]]
        held_before = holder[wanted]
        np.minimum.at(holder, wanted, active)
        refused = active[holder[wanted] != active]
        ousted = held_before[(held_before != holder[wanted]) & (held_before != nobody)]
        losers = np.unique(np.concatenate([refused, ousted]))
        current[losers] += 1
        active = losers[current[losers] < end[losers]]
    (taken,) = np.nonzero(holder != nobody)
    partner[asking[holder[taken]]] = taken
    return partner


def _wishes(
    truth: EventTable, predicted: EventTable, num_classes: int, tolerance: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs within the tolerance: int64 (E,) predictions in order, int64 (E,) true events, closest first."""
    if not len(truth) or not len(predicted):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    first = int(min(truth.frame.min(), predicted.frame.min()))
    last = int(max(truth.frame.max(), predicted.frame.max()))
    true_place = lay_on_line(truth, num_classes, first, last, tolerance)
    place = lay_on_line(predicted, num_classes, first, last, tolerance)
    by_place = np.argsort(true_place, kind="stable")
    start = np.searchsorted(true_place[by_place], place - tolerance, side="left")
    stop = np.searchsorted(true_place[by_place], place + tolerance, side="right")

    count = stop - start
    prediction = np.repeat(np.arange(len(predicted)), count)
    nth = np.arange(len(prediction)) - np.repeat(np.cumsum(count) - count, count)
    true_event = by_place[np.repeat(start, count) + nth]
    distance = np.abs(true_place[true_event] - place[prediction])
    return prediction, true_event[np.lexsort((true_event, distance, prediction))]


def by_video(matches: Matches, num_videos: int) -> list[Matches]:
    """The matches of each video alone, which are those that it would have without the others."""
    videos = np.arange(num_videos)
    order = np.argsort(matches.predicted.video, kind="stable")
    sorted_video = matches.predicted.video[order]
    bounds = np.searchsorted(sorted_video, videos), np.searchsorted(sorted_video, videos, side="right")
    true_bounds = np.searchsorted(matches.true.video, videos), np.searchsorted(matches.true.video, videos, side="right")
    alone = []
    for start, stop, first, last in zip(*bounds, *true_bounds, strict=True):
        rows = order[start:stop]
        partner = matches.partner[rows]
        partner = np.where(partner >= 0, partner - first, -1)
        true = matches.true.take(np.arange(first, last))
        alone.append(Matches(matches.predicted.take(rows), true, partner, matches.num_classes))
    return alone


def precision_recall(matches: Matches, label: int) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall at each right prediction of a class, best score first: float64 (R,) each.

    Precision is monotone: at each recall the best that is reached there or further on.
    """
    right = matches.right[matches.label == label]
    rank = np.flatnonzero(right) + 1
    found = np.arange(1, len(rank) + 1)
    precision = np.maximum.accumulate((found / rank)[::-1])[::-1]
    return precision, found / max(int(matches.num_truth[label]), 1)


def average_precision(
    truth: Sequence[Video], predictions: Sequence[Video], classes: Sequence[str], tolerances: Sequence[int]
) -> dict[str, dict[str, float]]:
    """Average precision as {tolerance: {class: AP, ..., "mAP": mean}}, fractions.

    Classes that do not occur in the truth are left out; where none does, mAP is 0.

    Raises:
        UserError: the predictions are not for the videos of the truth.
    """
    matched = match_events(truth, predictions, classes, tolerances)
    return {str(tolerance): ap_row(matches, classes) for tolerance, matches in zip(tolerances, matched, strict=True)}


def ap_row(matches: Matches, classes: Sequence[str]) -> dict[str, float]:
    """The row of average_precision at one tolerance: {class: AP, ..., "mAP": mean}."""
    num_truth = matches.num_truth
    per_class = {
        name: float(precision_recall(matches, label)[0].sum() / num_truth[label])
        for label, name in enumerate(classes)
        if num_truth[label]
    }
    return {**per_class, "mAP": sum(per_class.values()) / len(per_class) if per_class else 0.0}


def f1_scores(
    truth: Sequence[Video],
    predictions: Sequence[Video],
    classes: Sequence[str],
    tolerances: Sequence[int],
    threshold: float,
) -> dict[str, dict[str, dict[str, float]]]:
    """Precision, recall, F1 of the events that score above the threshold, and the counts behind them.

    Returns:
        {tolerance: {class: {"precision", "recall", "f1", "tp", "fp", "fn"}, ..., "all": {...}}}; "all" has
        the counts of all classes together. What would be a division by 0 is 0.

    Raises:
        UserError: the predictions are not for the videos of the truth.
    """
    matched = match_events(truth, predictions, classes, tolerances)
    return {
        str(tolerance): f1_row(matches, classes, threshold)
        for tolerance, matches in zip(tolerances, matched, strict=True)
    }


def f1_row(matches: Matches, classes: Sequence[str], threshold: float) -> dict[str, dict[str, float]]:
    """The row of f1_scores at one tolerance: {class: {"precision", ...}, ..., "all": {...}}."""
    above = matches.score > threshold
    given = np.bincount(matches.label[above], minlength=len(classes))
    tp = np.bincount(matches.label[above & matches.right], minlength=len(classes))
    counts = [[*column.tolist(), int(column.sum())] for column in (tp, given, matches.num_truth)]
    rows = zip([*classes, "all"], *counts, strict=True)
    return {name: _f1(*row) for name, *row in rows}


def _f1(tp: int, given: int, num_truth: int) -> dict[str, float]:
    return {
        "precision": tp / max(given, 1),
        "recall": tp / max(num_truth, 1),
        "f1": 2 * tp / max(given + num_truth, 1),
        "tp": tp,
        "fp": given - tp,
        "fn": num_truth - tp,
    }


def choose_threshold(
    truth: Sequence[Video], predictions: Sequence[Video], classes: Sequence[str], tolerance: int
) -> float:
    """The score above which the events of all classes together have the highest F1.

    Best first, a prediction's match does not depend on those after it: so one matching serves for every
    threshold. The answer lies halfway between two scores that occur; of equally good ones it is the highest.

    Args:
        predictions: after non-maximum suppression, as they will be used.
        tolerance: frames.

    Returns:
        The threshold; DEFAULT_THRESHOLD where no event is right.

    Raises:
        UserError: the predictions are not for the videos of the truth.
    """
    (matches,) = match_events(truth, predictions, classes, [tolerance])
    if not matches.right.any():
        return DEFAULT_THRESHOLD
    score = np.append(matches.score, 0.0 if matches.score[-1] > 0 else matches.score[-1] - 1)
    cuts = np.flatnonzero(score[:-1] > score[1:])  # a threshold cannot part equal scores
    f1 = 2 * np.cumsum(matches.right)[cuts] / (cuts + 1 + matches.num_truth.sum())
    cut = cuts[f1.argmax()]
    above, below = float(score[cut]), float(score[cut + 1])
    middle = (above + below) / 2
    return middle if middle < above else below  # floats side by side have no middle


def evaluate(
    truth: Sequence[Video],
    predictions: Sequence[Video],
    classes: Sequence[str],
    tolerances: Sequence[int] = TOLERANCES,
    nms_window: int = NMS_WINDOW,
    threshold: float = DEFAULT_THRESHOLD,
) -> dict[str, Any]:
    """Score predictions in every way that is reported, as plain values that can be written as JSON.

    Args:
        truth: [{"video", "events": [{"frame", "label"}]}].
        predictions: [{"video", "events": [{"frame", "label", "score"}]}], before non-maximum suppression.
        classes: the K class names.
        tolerances: frames.
        nms_window: frames.
        threshold: events that score above it count for precision, recall, F1; chosen on another split.

    Returns:
        {"no_nms": see average_precision, "nms": the same after non-maximum suppression, "f1": see f1_scores,
        "mean_mAP": {"no_nms", "nms"} over the tolerances, "threshold", "nms_window"}, fractions.

    Raises:
        UserError: the predictions are not for the videos of the truth.
    """
    peaks = non_maximum_suppression(predictions, nms_window)
    tables = {
        "no_nms": average_precision(truth, predictions, classes, tolerances),
        "nms": average_precision(truth, peaks, classes, tolerances),
    }
    return {
        **tables,
        "f1": f1_scores(truth, peaks, classes, tolerances, threshold),
        "mean_mAP": {name: mean_map(table) for name, table in tables.items()},
        "threshold": threshold,
        "nms_window": nms_window,
    }


def mean_map(table: dict[str, dict[str, float]]) -> float:
    """The mean of mAP over the tolerances of a table that average_precision gave."""
    return sum(row["mAP"] for row in table.values()) / len(table)


def format_tables(report: dict[str, Any]) -> str:
    """What evaluate gave, as tables in plain ASCII, per cent."""
    window = report["nms_window"]
    return "\n\n".join(
        [
            _format_precision(report, "no_nms", "without NMS"),
            _format_precision(report, "nms", f"after NMS, window {window}"),
            _format_f1(report),
        ]
    )


def _format_precision(report: dict[str, Any], key: str, when: str) -> str:
    table = report[key]
    classes = [name for name in next(iter(report["f1"].values())) if name != "all"]
    width = max(map(len, [*classes, "tolerance"]))
    lines = [
        f"Average precision (%), {when}",
        f"  {'tolerance':{width}}" + "".join(f"{tolerance:>8}" for tolerance in table) + f"{'mean':>8}",
    ]
    for name in [*classes, "mAP"]:
        values = [row[name] for row in table.values() if name in row]
        shown = [f"{100 * value:8.2f}" for value in [*values, sum(values) / max(len(values), 1)]]
        cells = shown if values else [f"{'-':>8}"] * (len(table) + 1)
        lines.append(f"  {name:{width}}{''.join(cells)}")
    return "\n".join(lines)


def _format_f1(report: dict[str, Any]) -> str:
    width = max(len(name) for rows in report["f1"].values() for name in [*rows, "class"])
    lines = [
        f"Precision, recall, F1 (%) of events scoring above {report['threshold']:.3f},"
        f" after NMS, window {report['nms_window']}",
        f"  tolerance  {'class':{width}}{'precision':>11}{'recall':>8}{'F1':>8}{'tp':>7}{'fp':>7}{'fn':>7}",
    ]
    for tolerance, rows in report["f1"].items():
        for i, (name, row) in enumerate(rows.items()):
            rates = f"{100 * row['precision']:11.2f}{100 * row['recall']:8.2f}{100 * row['f1']:8.2f}"
            counts = f"{row['tp']:7d}{row['fp']:7d}{row['fn']:7d}"
            lines.append(f"  {tolerance if i == 0 else '':>9}  {name:{width}}{rates}{counts}")
    return "\n".join(lines)
