"""A report as text: tables in per cent, or words where a table would hold nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evaluation.choosing import threshold_tolerance
from evaluation.pairing import Pairing, within
from evaluation.report import ALL, COUNTS, ENDS, Report
from evaluation.resampling import CONFIDENCE

SURE = f"{CONFIDENCE:.0%}"


def show_report(report: Report) -> str:
    """The numbers that stand for all, and the tables: classes, whatever they are called, and then their mean or sum."""
    after, above = f"after {report.suppression}", f"above {show_levels(report)}"
    widest = within(report.pairings[-1].tolerance)
    if not report.pairings[-1].right.any():
        return f"No prediction of {len(report.pairings[-1].predicted):,} is right, not even {widest}."
    parts = [
        _headline(report),
        f"Average precision (%), without NMS\n{_show_precision(report.no_nms)}",
        f"Average precision (%), {after}\n{_show_precision(report.nms, *([report.sure] * bool(report.drawn)))}",
        nothing_counts(report.pairings[-1], report.levels, list(report.nms.index))
        or f"Precision, recall, F1 (%) of events scoring {above}, {after}\n{_show_f1(report)}",
    ]
    if report.offsets["right"].any():
        parts.append(f"Frames off (+ is late), of the right predictions {widest} {above}\n{_show_offsets(report)}")
    if report.team is not None:
        parts += [f"Team: average precision (%) by class and side, {after}\n{_show_precision(report.team)}",
                  f"Team: right side (%) of the right predictions {above}\n{show_table(100 * report.side_accuracy)}"]
    return "\n\n".join(parts)


def show_levels(report: Report) -> str:
    """The threshold, and those that classes have for themselves."""
    own = [f"{name} {value:.3f}" for name, value in report.rule.own_threshold.items()]
    return f"{report.rule.threshold:.3f}" + (f" ({', '.join(own)})" if own else "")


def nothing_counts(pairing: Pairing, levels: np.ndarray, classes: list[str]) -> str:
    """In words, that no prediction scores above the threshold of its class; "" where some do."""
    predicted = pairing.predicted
    if len(pairing.above(levels).predicted):
        return ""
    if not len(predicted):
        return "There are no predictions at all."
    return (f"No prediction scores above the threshold, {levels.max():.3f}: the highest is {predicted.score[0]:.3f}, "
            f"of {classes[predicted.label[0]]}.")


def _headline(report: Report) -> str:
    tolerances, drawn = [pairing.tolerance for pairing in report.pairings], report.drawn
    strictest, at = tolerances[0], threshold_tolerance(tolerances)
    f1 = report.f1.loc[(at, ALL)]
    said = [f"{name} {_per_cent(value)}" + f" ({_per_cent(ends.iloc[0])} to {_per_cent(ends.iloc[1])})" * bool(drawn)
            for name, value, ends in (
                ("mean mAP", report.mean_map, report.sure["mean"]),
                (f"mAP {within(strictest)}", report.nms.loc[ALL, strictest], report.sure[strictest]),
                (f"F1 {within(at)}", f1["f1"], f1[ENDS]))]
    return ", ".join(said) + f"\n(in brackets: {SURE} of what drawing from {drawn} gives)" * bool(drawn)


def _per_cent(value: float) -> str:
    return "-" if np.isnan(value) else f"{100 * value:.1f}"


def _show_precision(table: pd.DataFrame, *ends: pd.DataFrame) -> str:
    """Per cent, with the mean over classes and tolerances, and between what that lies."""
    ends = [each.rename(lambda end: f"{SURE} {end}") for each in ends]
    return show_table(100 * pd.concat([table.rename({ALL: "mAP"}), *ends]))


def _show_f1(report: Report) -> str:
    table = report.f1.rename({ALL: "all"}, level="class").drop(columns=[] if report.drawn else ENDS)
    rates = table.columns.drop(COUNTS)
    return show_table(table.assign(**(100 * table[rates])).rename(columns={"f1": "F1"}))


def _show_offsets(report: Report) -> str:
    table = report.offsets[report.pairings[0].num_true > 0]
    table = table.assign(right=table["right"].astype(int), exact=100 * table["exact"])
    return show_table(table.rename(columns={"exact": "on the frame (%)"}))


def show_table(table: pd.DataFrame) -> str:
    """A table as text, indented, rates with two decimals, and a dash where there is nothing to measure by."""
    text = table.to_string(float_format="{:.2f}".format, na_rep="-", col_space=7)
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
