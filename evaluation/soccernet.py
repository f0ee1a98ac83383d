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

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from evaluation.metrics import mean_of_known
from evaluation.report import ALL, plain
from evaluation.report_text import show_table

KINDS = ("all", "shown", "unshown")
TEAM_FPS = 25  # sn-teamspotting knows no other
METRICS = {"tight": tuple(range(1, 6)), "loose": tuple(range(5, 61, 5)), "at1": (1,)}  # tolerances, seconds
_TITLES = {"tight": "average mAP, tight (1 to 5 s)", "loose": "average mAP, loose (5 to 60 s)", "at1": "mAP@1 (1 s)",
           "team_at1": "Team mAP@1 (1 s)"}
_HALF_SECONDS = 120 * 60
_THRESHOLDS = np.linspace(0, 1, 200)
_RECALLS = np.arange(11) / 10
_UNSHOWN_FACTOR = 17 / 13
_Columns = dict[str, np.ndarray]


def soccernet_scores(
    true: pd.DataFrame, predicted: pd.DataFrame, by_team: pd.DataFrame, classes: Sequence[str], fps: int
) -> dict[str, pd.DataFrame]:
    """"tight", "loose", "at1", and where both have teams "team_at1", which sees first halves alone: fractions; rows:
    classes, and ALL their mean; columns: KINDS of events.

    Args:
        true, predicted: columns as evaluation/soccernet_events.py has them.
        by_team: the predictions as Team mAP takes them.
        classes: the K that count; events of others are left out.
        fps: frames that the servers count in a second, 2 or 25.
    """
    tolerances = sorted({seconds for metric in METRICS.values() for seconds in metric})
    tables = (_counted(events, classes, fps) for events in (true, predicted))
    by_tolerance = _precisions(*tables, len(classes), fps, tolerances)
    scores = {}
    for name, metric in METRICS.items():
        precision, factor = by_tolerance[np.searchsorted(tolerances, metric)], 1.0
        if len(metric) > 1:
            precision, factor = (precision[1:] + precision[:-1]) / 2, _UNSHOWN_FACTOR
        by_class = precision.mean(axis=0)
        scores[name] = _table(by_class, by_class.mean(axis=1) * (1, 1, factor), classes)
    if any(true["team"]) and any(by_team["team"]):
        first = true[(true["half"] == 1) & true["label"].isin(classes)]
        teams = sorted(set(first["team"]))
        if any(teams):
            scores["team_at1"] = _team_scores(first, by_team[by_team["half"] == 1], classes, teams)
    return scores


def _team_scores(
    true: pd.DataFrame, predicted: pd.DataFrame, classes: Sequence[str], teams: Sequence[str]
) -> pd.DataFrame:
    """Team mAP@1: each class of each team is one, and a class the mean of its teams; one without events is NaN and left
    out of the mean, which the servers do not know how to take then."""
    true, predicted = (_counted(events, classes, TEAM_FPS, teams) for events in (true, predicted))
    (precision,) = _precisions(true, predicted, len(classes) * len(teams), TEAM_FPS, METRICS["at1"])
    parted = precision.reshape(3, len(classes), len(teams))
    weights = np.bincount(true["label"], np.where(true["shown"], 1, -1), parted[0].size).reshape(parted[0].shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_class = (parted * weights).sum(axis=2) / weights.sum(axis=1)
    by_class[~np.isfinite(by_class)] = np.nan
    return _table(by_class, mean_of_known(by_class), classes)


def _table(by_class: np.ndarray, mean: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame([*by_class.T, mean], [*classes, ALL], KINDS)


def _counted(events: pd.DataFrame, classes: Sequence[str], fps: int, teams: Sequence[str] | None = None
             ) -> _Columns:
    """Columns of those of the classes and teams: "label", the number of the class, and of its team; "place", of which
    they are in the order: all halves and labels one after another on one line of frames, two hours apart."""
    label, number = pd.Index(classes, dtype=object).get_indexer(events["label"]), len(classes)
    label = np.where(events["half"].isin((1, 2)), label, -1)  # no other counts
    if teams is not None:
        team = pd.Index(teams, dtype=object).get_indexer(events["team"])
        label, number = np.where((label >= 0) & (team >= 0), label * len(teams) + team, -1), number * len(teams)
    length = _HALF_SECONDS * fps
    frame = np.minimum((fps * events["seconds"]).to_numpy(np.int64), length - 1) % length  # negative: from the end
    place = ((2 * events["game"] + events["half"] - 1).to_numpy() * number + label) * 2 * length + frame
    order = np.argsort(place, kind="stable")
    order = order[label[order] >= 0]
    order = order[np.append(np.diff(place[order]) != 0, True)[: len(order)]]
    return {"label": label[order], "place": place[order], "score": events["score"].to_numpy()[order],
            "shown": events["shown"].to_numpy()[order]}


def _precisions(
    true: _Columns, predicted: _Columns, num_classes: int, fps: int, tolerances: Sequence[int]
) -> np.ndarray:
    """float64 (D, 3, K): 11-point average precision at each tolerance: all events, shown and not shown ones."""
    possible = predicted["score"] >= 0
    place, score, label = (predicted[name][possible] for name in ("place", "score", "label"))
    true_place, shown = true["place"], true["shown"]
    reached = np.searchsorted(_THRESHOLDS, score, side="right")  # how many thresholds a score reaches
    kinds = _kinds(_closest_shown(true_place, shown, place, _HALF_SECONDS * fps))
    counts = _reaching(label, reached, kinds, num_classes)
    every = np.full(len(shown), len(_THRESHOLDS))
    num_true = _reaching(true["label"], every, _kinds(shown), num_classes)
    result = []
    for seconds in tolerances:
        right = _chosen(true_place, place, score, seconds * fps // 2)
        found = _reaching(label, reached, kinds & right, num_classes)
        precision, recall = found / np.maximum(counts, 1), found / np.maximum(num_true, 1)
        best = np.where(recall[..., None] >= _RECALLS, precision[..., None], 0).max(axis=-2)
        result.append(best.mean(axis=-1))
    return np.stack(result)


def _kinds(shown: np.ndarray) -> np.ndarray:
    """bool (3, N): which events are of each of KINDS."""
    return np.stack([np.ones(len(shown), bool), shown, ~shown])


def _closest_shown(true_place: np.ndarray, shown: np.ndarray, place: np.ndarray, length: int) -> np.ndarray:
    """bool (P,): whether the true event that is closest to each prediction is shown; False where its half has none.

    Between two true events the frame of their mean, rounded down, is the first that belongs to the later.
    """
    true_place, shown = np.append(true_place, 2**62), np.append(shown, False)
    closest = np.searchsorted((true_place[1:] + true_place[:-1]) // 2, place, side="right")
    return shown[closest] & (np.abs(true_place[closest] - place) < length)


def _chosen(true_place: np.ndarray, place: np.ndarray, score: np.ndarray, reach: int) -> np.ndarray:
    """bool (P,): the predictions that true events choose, in the order of both; of equal scores the earlier."""
    starts = np.searchsorted(place, true_place - reach)
    ends = np.searchsorted(place, true_place + reach, side="right")
    some, free = starts < ends, score.copy()
    for start, end in zip(starts[some].tolist(), ends[some].tolist(), strict=True):
        free[start + free[start:end].argmax()] = -1  # less than any score; if all are taken, one stays taken
    return free < 0


def _reaching(label: np.ndarray, reached: np.ndarray, kinds: np.ndarray, num_classes: int) -> np.ndarray:
    """float64 (3, K, 200): how many events of each kind and class reach each threshold."""
    width = len(_THRESHOLDS) + 1
    tables = [np.bincount(label * width + reached, kind, num_classes * width) for kind in kinds]
    return np.reshape(tables, (3, num_classes, width))[..., ::-1].cumsum(axis=-1)[..., -2::-1]


def scores_as_json(scores: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Fractions, {"tight": {"all", "shown", "unshown", "classes": {class: AP}, "classes_shown", "classes_unshown"}};
    None where there is nothing to measure by."""
    keys = {"classes": "all", "classes_shown": "shown", "classes_unshown": "unshown"}
    return plain({name: table.loc[ALL].to_dict() | {key: table[kind].drop(ALL).to_dict() for key, kind in keys.items()}
                  for name, table in scores.items()})


def show_scores(scores: Mapping[str, pd.DataFrame]) -> str:
    """The metrics in per cent: a table each."""
    return "\n\n".join(f"{_TITLES[name]}, %\n{show_table(100 * table.rename({ALL: 'mean'}))}"
                       for name, table in scores.items())
