"""The results of a split: predictions -> events by a rule -> pairings -> tables, or JSON; report_text.py shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evaluation.metrics import average_precision, count_events, precision_recall_f1, right_offsets, side_accuracy
from evaluation.pairing import TOLERANCES, Pairing, pair_events, pair_sides
from evaluation.resampling import UNKNOWN, intervals_of
from evaluation.rule import UNCHOSEN, Rule, lengths_of
from util.events import SIDES, EventTable, Video, of_labelled, true_events
from util.spans import Span, plain_span, rates_of

ALL = ""  # in tables, the row behind the classes: their mean, or all of them together; no class is called so
RATES = ["precision", "recall", "f1"]
COUNTS = ["tp", "fp", "fn"]  # right predictions, false ones, missed true events
ENDS = ["from", "to"]  # between which values a number lies, see evaluation/resampling.py


@dataclass(frozen=True)
class Report:
    """The results of a split's predictions. In its tables NaN stands where there is nothing to measure by."""

    rule: Rule  # predictions are moved, suppressed and counted by it
    suppression: str  # in words, as it is in these videos
    levels: np.ndarray  # float (K,), the score above which predictions of each class count
    pairings: list[Pairing]  # of what the rule gives, one for each tolerance
    no_nms: pd.DataFrame  # average precision of predictions as they are, fractions; rows: classes, ALL; columns:
    # tolerances, and their "mean"
    nms: pd.DataFrame  # the same of what the rule gives
    team: pd.DataFrame | None  # the same by side; rows: PASS-left, ...; None where no side is known
    f1: pd.DataFrame  # RATES after suppression, the ENDS of F1, and COUNTS; rows: tolerance, class or ALL
    offsets: pd.DataFrame  # of the right predictions that are counted, see `_offset_table`; rows: classes
    side_accuracy: pd.DataFrame  # of the right predictions that are counted, as fractions; one row; columns: tolerances
    sure: pd.DataFrame  # the ENDS of `nms`'s row ALL
    drawn: str  # by which ENDS were found, in words; "" where they are not known

    @property
    def mean_map(self) -> float:
        """The number that stands for all: mAP of what the rule gives, the mean over tolerances."""
        return float(self.nms.loc[ALL, "mean"])

    def as_json(self) -> dict[str, Any]:
        """Plain values, fractions; None where there is nothing to measure by.

        {"no_nms", "nms": {tolerance: {class: AP, ..., "mAP"}},
        "f1": {tolerance: {class: {"precision", "recall", "f1", "tp", "fp", "fn"}, ..., "all"}},
        "mAP": {"no_nms", "nms": {tolerance: mAP}}, "all": {tolerance: {"precision", ...}},
        "mean_mAP": {"no_nms", "nms"}, "offsets": {class: {"right", "mean", "spread", "exact"}},
        "intervals": None or {"of", "mAP": {tolerance: [from, to]}, "mean_mAP", "f1": {tolerance: {class: ...}}, "all"},
        "threshold", "threshold_from", "own_threshold", "moves", "suppression": in words, "nms_window": 2 (frames) or
        "0.08s", "soft_nms"}; a class without true events has no AP. A class that is itself called mAP or all stands in
        its row, and what is meant otherwise only under the keys "mAP" and "all".
        """
        tolerances = [pairing.tolerance for pairing in self.pairings]
        f1 = {t: self.f1.loc[t, [*RATES, *COUNTS]].to_dict("index") for t in tolerances}
        tables = {key: table for key in ("no_nms", "nms", "team") if (table := getattr(self, key)) is not None}
        precision = {key: {t: table[t].dropna().to_dict() for t in tolerances} for key, table in tables.items()}
        named = {key: _with_sum(rows, "mAP") for key, rows in precision.items()}
        mean_ap = {key: _sums(rows) for key, rows in precision.items()}
        mean = {key: table.loc[ALL, "mean"] for key, table in tables.items()}
        team = {} if self.team is None else {"team": {
            "nms": named.pop("team"), "mAP": mean_ap.pop("team"), "mean_mAP": mean.pop("team"),
            "accuracy": self.side_accuracy.loc["side"].to_dict()}}
        return plain({**named, "f1": _with_sum(f1, "all"), "mAP": mean_ap, "all": _sums(f1), "mean_mAP": mean,
                      "offsets": self.offsets.to_dict("index"), "intervals": self._intervals_as_json(),
                      "threshold_from": self.rule.source, "suppression": self.suppression, **self.rule.as_json(),
                      **team})

    def _intervals_as_json(self) -> dict[str, Any] | None:
        if not self.drawn:
            return None
        *mean_ap, mean = self.sure.T.to_numpy().tolist()
        f1 = {t: dict(zip(part.index.get_level_values(1), part.to_numpy().tolist(), strict=True))
              for t, part in self.f1[ENDS].groupby(level=0)}
        return {"of": self.drawn, "mAP": dict(zip(f1, mean_ap, strict=True)), "mean_mAP": mean,
                "all": {t: rows.pop(ALL) for t, rows in f1.items()}, "f1": f1}


def evaluate(
    truth: Sequence[Video],
    predicted: EventTable,
    classes: Sequence[str],
    tolerances: Sequence[Span] = TOLERANCES,
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
    fps = rates_of(truth, [*tolerances, rule.suppression.window])
    moved = rule.moved(predicted, classes, lengths_of(truth))
    pairings = pair_events(true, rule.suppression(moved, fps), len(classes), tolerances, fps)
    by_side = pair_sides(true, moved, len(classes), rule.suppression, tolerances, fps)
    counted = [pairing.above(levels) for pairing in pairings]
    nms, known = _precision_table(pairings, classes), (intervals and intervals_of(pairings, levels, truth)) or UNKNOWN
    return Report(
        rule,
        rule.suppression.in_words(truth),
        levels,
        pairings,
        no_nms=_precision_table(pair_events(true, predicted, len(classes), tolerances, fps), classes),
        nms=nms,
        team=by_side and _precision_table(by_side, [f"{name}-{side}" for name in classes for side in SIDES]),
        f1=_f1_table(counted, classes, known.f1),
        offsets=_offset_table(counted[-1], classes),
        side_accuracy=pd.DataFrame({p.tolerance: [side_accuracy(p)] for p in counted}, ["side"]
                                   ).rename_axis("tolerance", axis="columns"),
        sure=pd.DataFrame(known.mean_ap, ENDS, nms.columns),
        drawn=known.words,
    )


def _precision_table(pairings: Sequence[Pairing], classes: Sequence[str]) -> pd.DataFrame:
    table = pd.DataFrame({pairing.tolerance: average_precision(pairing) for pairing in pairings}, list(classes))
    table.loc[ALL] = table.mean()
    return table.assign(mean=table.mean(axis=1)).rename_axis("tolerance", axis="columns")


def _f1_table(counted: Sequence[Pairing], classes: Sequence[str], ends: np.ndarray | float) -> pd.DataFrame:
    counts = np.stack([count_events(pairing) for pairing in counted])
    counts = np.concatenate([counts, counts.sum(axis=1, keepdims=True)], axis=1).reshape(-1, 3)
    rows = pd.MultiIndex.from_product([[pairing.tolerance for pairing in counted], [*classes, ALL]],
                                      names=["tolerance", "class"])
    rates = pd.DataFrame(precision_recall_f1(counts), rows, RATES)
    return rates.join([pd.DataFrame(ends, rows, ENDS), pd.DataFrame(counts, rows, COUNTS)])


def _offset_table(pairing: Pairing, classes: Sequence[str]) -> pd.DataFrame:
    """Of each class "right", the number of right predictions; "mean" and "spread", the mean and the standard deviation
    of how many frames they lie behind their true event; "exact", the share of them that lie on its very frame."""
    offset = pd.Series(right_offsets(pairing)).groupby(pairing.predicted.label[pairing.right])
    table = pd.DataFrame({"right": offset.size(), "mean": offset.mean(), "spread": offset.std(ddof=0),
                          "exact": offset.agg(lambda frames: (frames == 0).mean())})
    return table.reindex(range(len(classes))).fillna({"right": 0}).set_axis(list(classes))


def _with_sum(rows: Mapping[Span, Mapping[str, Any]], name: str) -> dict[Span, dict[str, Any]]:
    """Each tolerance's rows of classes and behind them that of ALL, unless a class is called like it."""
    return {t: {key: value for key, value in row.items() if key != ALL} | {name: row.get(name, row.get(ALL))}
            for t, row in rows.items()}


def _sums(rows: Mapping[Span, Mapping[str, Any]]) -> dict[Span, Any]:
    return {t: row.get(ALL) for t, row in rows.items()}


def plain(value: Any) -> Any:
    """Dictionaries as JSON can have them: None for NaN, and keys that are tolerances as text, "2" or "0.08s"."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(plain_span(key)): plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value
