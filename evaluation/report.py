"""The results of a split: predictions -> events by a rule -> pairings -> tables, or JSON; report_text.py shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evaluation.metrics import average_precision, count_events, offset_statistics, precision_recall_f1, side_accuracy
from evaluation.pairing import TOLERANCES, Pairing, Tolerance, pair_events, pair_sides, rates_of
from evaluation.resampling import Intervals, intervals_of
from evaluation.rule import UNCHOSEN, Rule, lengths_of
from util.events import SIDES, EventTable, Video, of_labelled, true_events

RATES = ["precision", "recall", "f1"]
COUNTS = ["tp", "fp", "fn"]  # right predictions, false ones, missed true events
OFFSETS = ["right", "mean", "spread", "exact"]


@dataclass(frozen=True)
class Report:
    """The results of a split's predictions. In its tables NaN stands where there is nothing to measure by."""

    rule: Rule  # predictions are moved, suppressed and counted by it
    levels: np.ndarray  # float (K,), the score above which predictions of each class count
    pairings: list[Pairing]  # of what the rule gives, one for each tolerance
    no_nms: pd.DataFrame  # average precision of predictions as they are, fractions; rows: classes; columns: tolerances
    nms: pd.DataFrame  # the same of what the rule gives
    f1: pd.DataFrame  # precision, recall, F1 and counts after suppression; rows: tolerance, class
    f1_of_all: pd.DataFrame  # the same of all classes together; rows: tolerances
    offsets: pd.DataFrame  # of the right predictions that are counted, see `offset_statistics`; rows: classes
    team: pd.DataFrame | None  # AP after suppression by side; rows: PASS-left, ...; None where no side is known
    side_accuracy: pd.DataFrame  # of the right predictions that are counted, as fractions; one row; columns: tolerances
    intervals: Intervals | None  # None where they were not asked for, or the split is too small

    @property
    def mean_map(self) -> float:
        """The number that stands for all: mAP of what the rule gives, the mean over tolerances."""
        return float(self.nms.mean().mean())

    def as_json(self) -> dict[str, Any]:
        """Plain values, fractions; None where there is nothing to measure by.

        {"no_nms", "nms": {tolerance: {class: AP, ..., "mAP"}},
        "f1": {tolerance: {class: {"precision", "recall", "f1", "tp", "fp", "fn"}, ..., "all"}},
        "mAP": {"no_nms", "nms": {tolerance: mAP}}, "all": {tolerance: {"precision", ...}},
        "mean_mAP": {"no_nms", "nms"}, "offsets": {class: {"right", "mean", "spread", "exact"}},
        "intervals": None or {"of", "mAP": {tolerance: [from, to]}, "mean_mAP", "f1": {tolerance: {class: ...}}, "all"},
        "threshold", "threshold_from", "own_threshold", "moves", "nms_window", "soft_nms"}; a class without true
        events has no AP. A class that is itself called mAP or all stands in its row, and what is meant otherwise only
        under the keys "mAP" and "all".
        """
        precision = {"no_nms": self.no_nms, "nms": self.nms}
        mean_ap = {key: _by_tolerance(table.mean()) for key, table in precision.items()}
        total = _by_tolerance(self.f1_of_all.to_dict("index"))
        f1 = {t: self.f1.loc[t].to_dict("index") for t in self.f1_of_all.index}
        return plain({
            **{key: _with_sum(_by_tolerance({t: table[t].dropna().to_dict() for t in table}), "mAP", mean_ap[key])
               for key, table in precision.items()},
            "f1": _with_sum(_by_tolerance(f1), "all", total),
            "mAP": mean_ap,
            "all": total,
            "mean_mAP": {key: table.mean().mean() for key, table in precision.items()},
            "offsets": self.offsets.to_dict("index"),
            "intervals": self.intervals and self._intervals_as_json(self.intervals),
            "threshold_from": self.rule.source,
            **self.rule.as_json(),
            **({} if self.team is None else self._team_as_json()),
        })

    def _intervals_as_json(self, intervals: Intervals) -> dict[str, Any]:
        by_class = {t: dict(zip(self.nms.index, rows, strict=True)) for t, rows in intervals.f1.items()}
        return {"of": intervals.words, "mAP": _by_tolerance(intervals.mean_ap), "mean_mAP": intervals.mean,
                "f1": _by_tolerance(by_class), "all": _by_tolerance(intervals.f1_of_all)}

    def _team_as_json(self) -> dict[str, Any]:
        mean_ap = _by_tolerance(self.team.mean())
        precision = _by_tolerance({t: self.team[t].dropna().to_dict() for t in self.team})
        return {"team": {"nms": _with_sum(precision, "mAP", mean_ap), "mAP": mean_ap,
                         "mean_mAP": self.team.mean().mean(),
                         "accuracy": _by_tolerance(self.side_accuracy.loc["side"].to_dict())}}


def evaluate(
    truth: Sequence[Video],
    predicted: EventTable,
    classes: Sequence[str],
    tolerances: Sequence[Tolerance] = TOLERANCES,
    rule: Rule = UNCHOSEN,
    intervals: bool = False,
) -> Report:
    """Score predictions in every way that is reported.

    Args:
        truth: [{"video", "events": [{"frame", "label"}]}]; where "labelled" names ranges, only these count.
        predicted: every class of every frame with score >= 0.01, before suppression; videos are counted as in `truth`.
        classes: the K class names.
        tolerances: frames, or `Seconds` at the rate of each video.
        rule: chosen on another split, see evaluation/rule.py.
        intervals: say how sure the numbers are, which takes a second on a split of hours.
    """
    true, predicted = of_labelled(true_events(truth, classes), truth), of_labelled(predicted, truth)
    levels = rule.levels(classes)
    fps, moved = rates_of(truth, tolerances), rule.moved(predicted, classes, lengths_of(truth))
    pairings = pair_events(true, rule.suppression(moved), len(classes), tolerances, fps)
    by_side = pair_sides(true, moved, len(classes), rule.suppression, tolerances, fps)
    counted = [pairing.above(levels) for pairing in pairings]
    counts = {p.tolerance: count_events(p) for p in counted}
    return Report(
        rule,
        levels,
        pairings,
        no_nms=_precision_table(pair_events(true, predicted, len(classes), tolerances, fps), classes),
        nms=_precision_table(pairings, classes),
        f1=pd.concat({t: _f1_table(c, classes) for t, c in counts.items()}, names=["tolerance", "class"]),
        f1_of_all=pd.concat([_f1_table(c.sum(axis=0, keepdims=True), [t]) for t, c in counts.items()]
                            ).rename_axis("tolerance"),
        offsets=pd.DataFrame(offset_statistics(counted[-1]), list(classes), OFFSETS),
        team=by_side and _precision_table(by_side, [f"{name}-{side}" for name in classes for side in SIDES]),
        side_accuracy=pd.DataFrame({p.tolerance: [side_accuracy(p)] for p in counted}, ["side"]
                                   ).rename_axis("tolerance", axis="columns"),
        intervals=intervals_of(pairings, levels, truth) if intervals else None,
    )


def _precision_table(pairings: Sequence[Pairing], classes: Sequence[str]) -> pd.DataFrame:
    columns = {pairing.tolerance: average_precision(pairing) for pairing in pairings}
    return pd.DataFrame(columns, index=list(classes)).rename_axis("tolerance", axis="columns")


def _f1_table(counts: np.ndarray, rows: Sequence[Any]) -> pd.DataFrame:
    """Of counts (R, 3), see `count_events`, with their rates."""
    rates = pd.DataFrame(precision_recall_f1(counts), list(rows), RATES)
    return rates.join(pd.DataFrame(counts, list(rows), COUNTS))


def _by_tolerance(rows: Any) -> dict[str, Any]:
    return {f"{tolerance:g}": row for tolerance, row in rows.items()}


def _with_sum(rows: dict[str, dict], key: str, sums: dict[str, Any]) -> dict[str, dict]:
    """Each tolerance's rows of classes and behind them their sum, unless a class is called like it."""
    return {tolerance: {**row, key: row.get(key, sums[tolerance])} for tolerance, row in rows.items()}


def plain(value: Any) -> Any:
    """Dictionaries as JSON can have them: None for NaN."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value
