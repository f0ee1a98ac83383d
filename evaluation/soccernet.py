"""SoccerNet's metrics, in seconds, as its servers compute them: average mAP tight and loose, mAP@1, Team mAP@1.

They are neither the average precision of metrics.py nor a pairing of pairing.py. What is particular to them, in the
evaluation package of SoccerNet (0.2.0) and in sn-teamspotting, and kept here for the sake of equal numbers:

- Time is counted in frames of 2 or 25 to a second, and ends after two hours; of several events of a class on one frame
  the last counts, of the truth and of the predictions.
- A tolerance of d seconds is a window of d seconds, so half of it to either side.
- It is the true events that choose, in the order of time, each the prediction with the best score.
- Precision and recall are taken at 200 thresholds, precision at 11 recalls; a class without true events counts as 0.
- A prediction counts for the shown events, or those that are not shown, by the true event that is closest to it, and
  where its class has none in the half, it counts as not shown.
- The average over tolerances is a trapezoid's. That of all classes for events not shown is multiplied by 17/13, since
  13 of the 17 classes of SoccerNet-v2 have such events.
- Team mAP weighs the teams of a class by their true events, of which those that are not shown count as -1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.metrics import mean_of_known
from util.events import EventTable, lay_on_line

HALF_SECONDS = 120 * 60
TEAM_FPS = 25  # sn-teamspotting knows no other
METRICS = {"tight": tuple(range(1, 6)), "loose": tuple(range(5, 61, 5)), "at1": (1,)}  # tolerances, seconds

_THRESHOLDS = np.linspace(0, 1, 200)
_RECALLS = np.arange(11) / 10
_UNSHOWN_FACTOR = 17 / 13


@dataclass(frozen=True)
class SoccerNetScores:
    """One of the metrics, of all events, the shown ones and those not shown: fractions."""

    mean: np.ndarray  # float64 (3,), over the classes
    classes: np.ndarray  # float64 (3, K)


def server_frames(seconds: np.ndarray, fps: int) -> np.ndarray:
    """int64: the frame in which the servers count each time; what is later than two hours is in the last."""
    length = HALF_SECONDS * fps
    return np.minimum((fps * seconds).astype(np.int64), length - 1) % length  # negative ones count from the end


def score_halves(
    true: EventTable, shown: np.ndarray, predicted: EventTable, num_classes: int, fps: int
) -> dict[str, SoccerNetScores]:
    """Each of METRICS: the average over its tolerances.

    Args:
        true, predicted: in file order; the column `video` counts halves, frames are those of `server_frames`.
        shown: bool (T,), whether the picture shows a true event.
    """
    tolerances = sorted({seconds for metric in METRICS.values() for seconds in metric})
    by_tolerance = _precisions(true, shown, predicted, num_classes, fps, tolerances)
    scores = {}
    for name, metric in METRICS.items():
        precision = by_tolerance[np.searchsorted(tolerances, metric)]
        if len(metric) == 1:
            scores[name] = SoccerNetScores(precision[0].mean(axis=1), precision[0])
        else:
            classes = ((precision[1:] + precision[:-1]) / 2).mean(axis=0)
            scores[name] = SoccerNetScores(classes.mean(axis=1) * (1, 1, _UNSHOWN_FACTOR), classes)
    return scores


def score_teams(
    true: EventTable, shown: np.ndarray, predicted: EventTable, true_team: np.ndarray, predicted_team: np.ndarray,
    num_classes: int,
) -> SoccerNetScores:
    """Team mAP@1: each class of each team is one, and a class the mean of its teams.

    A class without events is NaN and left out of the mean, which the servers do not know how to take then.

    Args:
        true, shown, predicted: as `score_halves` takes them, at TEAM_FPS frames a second.
        true_team, predicted_team: int (T,) and (P,), from 0; -1 for the team of a prediction that no true event has.
    """
    teams = int(true_team.max()) + 1
    predicted = replace(predicted, label=predicted.label * teams + predicted_team).take(predicted_team >= 0)
    true = replace(true, label=true.label * teams + true_team)
    precision = _precisions(true, shown, predicted, num_classes * teams, TEAM_FPS, METRICS["at1"])[0]
    rows = _last_of_frame(true)
    weights = np.bincount(true.label[rows], np.where(shown[rows], 1.0, -1.0), num_classes * teams)
    parted, weights = precision.reshape(3, num_classes, teams), weights.reshape(num_classes, teams)
    with np.errstate(divide="ignore", invalid="ignore"):
        classes = (parted * weights).sum(axis=2) / weights.sum(axis=1)
    classes[~np.isfinite(classes)] = np.nan
    return SoccerNetScores(np.array([mean_of_known(kind) for kind in classes]), classes)


def _precisions(
    true: EventTable, shown: np.ndarray, predicted: EventTable, num_classes: int, fps: int, tolerances: Sequence[int]
) -> np.ndarray:
    """float64 (D, 3, K): 11-point average precision at each tolerance: all events, shown and not shown ones."""
    rows = _last_of_frame(true)
    true, shown, predicted = true.take(rows), shown[rows], predicted.take(_last_of_frame(predicted))
    predicted = predicted.take(predicted.score >= 0)
    true_place, place = (lay_on_line(events, num_classes, 0, HALF_SECONDS * fps - 1, HALF_SECONDS * fps)
                         for events in (true, predicted))
    unshown = ~_closest_shown(true, shown, true_place, predicted, place, num_classes)
    kinds = np.stack([np.ones(len(predicted), bool), ~unshown, unshown])
    true_kinds = np.stack([np.ones(len(true), bool), shown, ~shown])
    num_true = np.stack([np.bincount(true.label[kind], minlength=num_classes) for kind in true_kinds])
    reached = np.searchsorted(_THRESHOLDS, predicted.score, side="right")  # how many thresholds a score reaches
    cell = predicted.label * (len(_THRESHOLDS) + 1) + reached
    counts = np.stack([_count_from_above(cell[kind], num_classes) for kind in kinds])
    result = []
    for seconds in tolerances:
        right = _chosen(true_place, place, predicted.score, seconds * fps / 2)
        found = np.stack([_count_from_above(cell[kind & right], num_classes) for kind in kinds])
        result.append(_eleven_points(found, counts, num_true))
    return np.stack(result)


def _last_of_frame(events: EventTable) -> np.ndarray:
    """int64: the rows of those that are the last in file order of their half, class and frame; sorted by these."""
    first, last, labels = (int(end(initial=0)) for end in (events.frame.min, events.frame.max, events.label.max))
    place = lay_on_line(events, labels + 1, first, last, 0)
    order = np.argsort(place, kind="stable")
    return order[np.append(np.diff(place[order]) != 0, True)[: len(order)]]


def _closest_shown(
    true: EventTable, shown: np.ndarray, true_place: np.ndarray, predicted: EventTable, place: np.ndarray,
    num_classes: int,
) -> np.ndarray:
    """bool (P,): whether the true event that is closest to each prediction is shown; False where there is none.

    Between two true events the frame of their mean, rounded down, is the first that belongs to the later.
    """
    group = true.video * num_classes + true.label
    wanted = predicted.video * num_classes + predicted.label
    first, end = np.searchsorted(group, wanted), np.searchsorted(group, wanted, side="right")
    border = (true_place[1:] + true_place[:-1]) // 2
    closest = np.clip(np.searchsorted(border, place, side="right"), first, np.maximum(first, end - 1))
    return (end > first) & np.append(shown, False)[closest]


def _chosen(true_place: np.ndarray, place: np.ndarray, score: np.ndarray, reach: float) -> np.ndarray:
    """bool (P,): the predictions that true events choose, in the order of both; of equal scores the earlier."""
    starts = np.searchsorted(place, true_place - reach)
    ends = np.searchsorted(place, true_place + reach, side="right")
    some, free = starts < ends, score.copy()
    for start, end in zip(starts[some].tolist(), ends[some].tolist(), strict=True):
        free[start + free[start:end].argmax()] = -1  # less than any score; if all are taken, one stays taken
    return free < 0


def _count_from_above(cells: np.ndarray, num_classes: int) -> np.ndarray:
    """int64 (K, 200): how many predictions of each class reach each threshold."""
    width = len(_THRESHOLDS) + 1
    table = np.bincount(cells, minlength=num_classes * width).reshape(num_classes, width)
    return table[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]


def _eleven_points(found: np.ndarray, counts: np.ndarray, num_true: np.ndarray) -> np.ndarray:
    """float64 (3, K): the mean over recalls of the best precision that is reached there, 0 where it is not reached."""
    precision = found / np.maximum(counts, 1)
    recall = found / np.maximum(num_true, 1)[..., None]
    reached = recall[..., None] >= _RECALLS
    return np.where(reached, precision[..., None], 0).max(axis=-2).mean(axis=-1)
