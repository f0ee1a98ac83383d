"""The results of a split: predicted events -> suppression -> pairings -> tables, printed or as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from util.ensemble import Member
from util.entries import labelled_frames
from util.errors import number_of
from util.events import SIDES, EventTable, Video, of_labelled, predicted_events, true_events
from util.metrics import average_precision, count_events, mean_of_known, precision_recall_f1, side_accuracy
from util.pairing import TOLERANCES, Pairing, Tolerance, pair_events, pair_sides, rates_of
from util.predictions import prediction_prefix, save_predictions
from util.suppression import NMS, Suppression
from util.threshold import UNCHOSEN, Threshold, threshold_from_val, write_threshold

RATES = ["precision", "recall", "f1"]
COUNTS = ["tp", "fp", "fn"]  # right predictions, false ones, missed true events


@dataclass(frozen=True)
class Report:
    """The results of a split's predictions. In its tables NaN stands where there is nothing to measure by."""

    suppression: Suppression
    threshold: Threshold  # predictions that score above it are counted
    pairings: list[Pairing]  # after suppression, one for each tolerance
    no_nms: pd.DataFrame  # average precision as fractions; rows: classes; columns: tolerances
    nms: pd.DataFrame  # the same after suppression
    f1: pd.DataFrame  # precision, recall, F1 and counts after suppression; rows: tolerance, class
    f1_of_all: pd.DataFrame  # the same of all classes together; rows: tolerances
    team: pd.DataFrame | None  # AP after suppression by side; rows: PASS-left, ...; None where no side is known
    side_accuracy: pd.DataFrame  # of the right predictions that are counted, as fractions; one row; columns: tolerances

    def as_json(self) -> dict[str, Any]:
        """Plain values, fractions; None where there is nothing to measure by.

        {"no_nms", "nms": {tolerance: {class: AP, ..., "mAP"}},
        "f1": {tolerance: {class: {"precision", "recall", "f1", "tp", "fp", "fn"}, ..., "all"}},
        "mAP": {"no_nms", "nms": {tolerance: mAP}}, "all": {tolerance: {"precision", ...}},
        "mean_mAP": {"no_nms", "nms"}, "threshold", "threshold_from", "nms_window", "soft_nms"}; a class without true
        events has no AP. A class that is itself called mAP or all stands in its row, and what is meant otherwise only
        under the keys "mAP" and "all".
        """
        precision = {"no_nms": self.no_nms, "nms": self.nms}
        mean_ap = {key: _by_tolerance(table.mean()) for key, table in precision.items()}
        total = _by_tolerance(self.f1_of_all.to_dict("index"))
        f1 = {t: self.f1.loc[t].to_dict("index") for t in self.f1_of_all.index}
        return _plain({
            **{key: _with_sum(_by_tolerance({t: table[t].dropna().to_dict() for t in table}), "mAP", mean_ap[key])
               for key, table in precision.items()},
            "f1": _with_sum(_by_tolerance(f1), "all", total),
            "mAP": mean_ap,
            "all": total,
            "mean_mAP": {key: table.mean().mean() for key, table in precision.items()},
            "threshold": self.threshold.value,
            "threshold_from": self.threshold.source,
            **self.suppression.as_json(),
            **({} if self.team is None else self._team_as_json()),
        })

    def _team_as_json(self) -> dict[str, Any]:
        mean_ap = _by_tolerance(self.team.mean())
        precision = _by_tolerance({t: self.team[t].dropna().to_dict() for t in self.team})
        return {"team": {"nms": _with_sum(precision, "mAP", mean_ap), "mAP": mean_ap,
                         "mean_mAP": self.team.mean().mean(),
                         "accuracy": _by_tolerance(self.side_accuracy.loc["side"].to_dict())}}

    def __str__(self) -> str:
        """The tables in per cent; whatever classes are called, the last row is their mean or sum."""
        return "\n\n".join([
            f"Average precision (%), without NMS\n{_show_precision(self.no_nms)}",
            f"Average precision (%), after {self.suppression}\n{_show_precision(self.nms)}",
            f"Precision, recall, F1 (%) of events scoring above {self.threshold.value:.3f}, after {self.suppression}\n"
            f"{self._show_f1()}",
            *([] if self.team is None else [
                f"Team: average precision (%) by class and side, after {self.suppression}\n"
                f"{_show_precision(self.team)}",
                f"Team: right side (%) of the right predictions above {self.threshold.value:.3f}\n"
                f"{_show(100 * self.side_accuracy)}",
            ]),
        ])

    def _show_f1(self) -> str:
        total = self.f1_of_all.set_index(pd.Index(["all"] * len(self.f1_of_all), name="class"), append=True)
        table = pd.concat([part.loc[[t]] for t in self.f1_of_all.index for part in (self.f1, total)])
        return _show(table.assign(**(100 * table[RATES])).rename(columns={"f1": "F1"}))


def evaluate(
    truth: Sequence[Video],
    predicted: EventTable,
    classes: Sequence[str],
    tolerances: Sequence[Tolerance] = TOLERANCES,
    suppression: Suppression = NMS,
    threshold: Threshold = UNCHOSEN,
) -> Report:
    """Score predictions in every way that is reported.

    Args:
        truth: [{"video", "events": [{"frame", "label"}]}]; where "labelled" names ranges, only these count.
        predicted: every class of every frame with score >= 0.01, before suppression; videos are counted as in `truth`.
        classes: the K class names.
        tolerances: frames, or `Seconds` at the rate of each video.
        threshold: chosen on another split, see util/threshold.py.
    """
    true, predicted = of_labelled(true_events(truth, classes), truth), of_labelled(predicted, truth)
    fps = rates_of(truth, tolerances)
    pairings = pair_events(true, suppression(predicted), len(classes), tolerances, fps)
    counts = {p.tolerance: count_events(p.above(threshold.value)) for p in pairings}
    return Report(
        suppression,
        threshold,
        pairings,
        no_nms=_precision_table(pair_events(true, predicted, len(classes), tolerances, fps), classes),
        nms=_precision_table(pairings, classes),
        f1=pd.concat({t: _f1_table(c, classes) for t, c in counts.items()}, names=["tolerance", "class"]),
        f1_of_all=pd.concat([_f1_table(c.sum(axis=0, keepdims=True), [t]) for t, c in counts.items()]
                            ).rename_axis("tolerance"),
        team=_team_table(true, predicted, classes, tolerances, suppression, fps),
        side_accuracy=pd.DataFrame({p.tolerance: [side_accuracy(p.above(threshold.value))] for p in pairings}, ["side"]
                                   ).rename_axis("tolerance", axis="columns"),
    )


def _team_table(
    true: EventTable, predicted: EventTable, classes: Sequence[str], tolerances: Sequence[Tolerance],
    suppression: Suppression, fps: np.ndarray | None,
) -> pd.DataFrame | None:
    """Average precision by class and side; None where no side is known."""
    pairings = pair_sides(true, predicted, len(classes), suppression, tolerances, fps)
    by_side = [f"{name}-{side}" for name in classes for side in SIDES]
    return None if pairings is None else _precision_table(pairings, by_side)


def _precision_table(pairings: Sequence[Pairing], classes: Sequence[str]) -> pd.DataFrame:
    columns = {pairing.tolerance: average_precision(pairing) for pairing in pairings}
    return pd.DataFrame(columns, index=list(classes)).rename_axis("tolerance", axis="columns")


def _f1_table(counts: np.ndarray, rows: Sequence[Any]) -> pd.DataFrame:
    """Of counts (R, 3), see `count_events`, with their rates."""
    rates = pd.DataFrame(precision_recall_f1(counts), list(rows), RATES)
    return rates.join(pd.DataFrame(counts, list(rows), COUNTS))


def save_results(
    model_dir: Path,
    split: str,
    epoch: int,
    truth: Sequence[Video],
    scores: Mapping[str, np.ndarray],
    classes: Sequence[str],
) -> EventTable:
    """Write a split's predictions into the model folder, and for val the threshold that they choose.

    Args:
        scores: float32 (num_frames, K + 1) of each video.

    Returns:
        The events, before suppression.
    """
    save_predictions(prediction_prefix(model_dir, split, epoch), truth, scores, classes)
    predicted = predicted_events(truth, scores)
    if split == "val":
        write_threshold(model_dir, epoch, truth, predicted, classes)
    return predicted


def val_mean_map(
    truth: Sequence[Video], scores: Mapping[str, np.ndarray], classes: Sequence[str]
) -> float | None:
    """What the best epoch is chosen by, the table's headline: mAP after suppression, the mean over TOLERANCES.

    Args:
        truth: the entries of the val split.
        scores: float32 (num_frames, K + 1) of each video.

    Returns:
        A fraction; None where the truth has no events.
    """
    true, predicted = (of_labelled(events, truth)
                       for events in (true_events(truth, classes), predicted_events(truth, scores)))
    pairings = pair_events(true, NMS(predicted), len(classes))
    mean = mean_of_known(np.array([mean_of_known(average_precision(pairing)) for pairing in pairings]))
    return None if math.isnan(mean) else mean


def choose_or_take(threshold: float | None, *of_val: Any) -> Threshold:
    """A threshold that is given, or else the one of `threshold_from_val`."""
    return threshold_from_val(*of_val) if threshold is None else Threshold(threshold, "given by --threshold")


def print_report(
    folder: Path,
    split: str,
    epoch: int | None,
    truth: Sequence[Video],
    predicted: EventTable,
    classes: Sequence[str],
    read_val_truth: Callable[[], list[Video]],
    tolerances: Sequence[Tolerance] = TOLERANCES,
    suppression: Suppression = NMS,
    threshold: float | None = None,
    variant: str = "",
    members: Sequence[Member] = (),
) -> Report | None:
    """Score a split's predictions and print the tables; one line where the split has no events.

    Args:
        folder: the model's, whose val predictions of the same epoch choose the threshold where none is given.
        predicted: as `evaluate` takes them.
        variant, members: see `threshold_from_val`.
        read_val_truth: gives the entries of the val split; called only if it is needed.
    """
    num_events = sum(len(video["events"]) for video in truth)
    if not num_events:
        print(f"split {split}: its labels have no events, so there is nothing to score against")
        return None
    chosen = choose_or_take(
        threshold, folder, split, epoch, read_val_truth, classes, tolerances, suppression, variant, members)
    report = evaluate(truth, predicted, classes, tolerances, suppression, chosen)
    print(f"split {split}: {num_events} events in {len(truth)} videos; "
          f"threshold {chosen.value:.3f}, {chosen.source}{_say_unlabelled(truth, predicted, classes)}\n\n{report}")
    return report


def _say_unlabelled(truth: Sequence[Video], predicted: EventTable, classes: Sequence[str]) -> str:
    """What does not count, as nobody has labelled it; "" where all is labelled."""
    parts = [entry for entry in truth if "labelled" in entry]
    if not parts:
        return ""
    missing = sum(entry["num_frames"] - labelled_frames(entry) for entry in parts)
    true = true_events(truth, classes)
    left_out = [len(events) - len(of_labelled(events, truth)) for events in (predicted, true)]
    return (f"\n{number_of(missing, 'frame')} of {number_of(len(parts), 'video')} are not labelled, and what lies "
            f"there does not count: {number_of(left_out[0], 'prediction')}, {number_of(left_out[1], 'event')}")


def _show_precision(table: pd.DataFrame) -> str:
    table = 100 * pd.concat([table, table.mean().to_frame("mAP").T])
    return _show(table.assign(mean=table.mean(axis=1)).rename_axis("tolerance", axis="columns"))


def _show(table: pd.DataFrame) -> str:
    """A table as text, indented, rates with two decimals, and a dash where there is nothing to measure by."""
    text = table.to_string(float_format="{:.2f}".format, na_rep="-", col_space=7)
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


def _by_tolerance(rows: Any) -> dict[str, Any]:
    return {f"{tolerance:g}": row for tolerance, row in rows.items()}


def _with_sum(rows: dict[str, dict], key: str, sums: dict[str, Any]) -> dict[str, dict]:
    """Each tolerance's rows of classes and behind them their sum, unless a class is called like it."""
    return {tolerance: {**row, key: row.get(key, sums[tolerance])} for tolerance, row in rows.items()}


def _plain(value: Any) -> Any:
    """Dictionaries as JSON can have them: None for NaN."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
