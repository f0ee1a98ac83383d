"""A report as text: tables in per cent, or words where a table would hold nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from evaluation.choosing import threshold_tolerance
from evaluation.pairing import Pairing, within
from evaluation.report import COUNTS, RATES, Report
from evaluation.resampling import CONFIDENCE, Interval

SURE = f"{CONFIDENCE:.0%}"


def show_report(report: Report) -> str:
    """The numbers that stand for all, and the tables: classes, whatever they are called, and then their mean or sum."""
    after, above = f"after {report.rule.suppression}", f"above {show_levels(report)}"
    widest = within(report.pairings[-1].tolerance)
    if not report.pairings[-1].right.any():
        return f"No prediction of {len(report.pairings[-1].predicted):,} is right, not even {widest}."
    parts = [
        _headline(report),
        f"Average precision (%), without NMS\n{_show_precision(report.no_nms)}",
        f"Average precision (%), {after}\n{_show_precision(report.nms, report)}",
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
    known, at = report.intervals, threshold_tolerance([pairing.tolerance for pairing in report.pairings])
    strictest = report.pairings[0].tolerance
    numbers = [("mean mAP", report.mean_map, known and known.mean),
               (f"mAP {within(strictest)}", report.nms.mean()[strictest], known and known.mean_ap[strictest]),
               (f"F1 {within(at)}", report.f1_of_all.loc[at, "f1"], known and known.f1_of_all[at])]
    said = ", ".join(f"{name} {_per_cent(value)}" + (f" ({_between(sure)})" if sure else "")
                     for name, value, sure in numbers)
    return said + (f"\n(in brackets: {SURE} of what drawing from {known.words} gives)" if known else "")


def _between(sure: Interval) -> str:
    return f"{_per_cent(sure[0])} to {_per_cent(sure[1])}"


def _per_cent(value: float) -> str:
    return "-" if np.isnan(value) else f"{100 * value:.1f}"


def _show_precision(table: pd.DataFrame, report: Report | None = None) -> str:
    """Per cent, with the mean over classes and tolerances, and of a report how sure that is."""
    table = pd.concat([table, table.mean().to_frame("mAP").T])
    table = table.assign(mean=table.mean(axis=1))
    if report and report.intervals:
        sure = [*(report.intervals.mean_ap[t] for t in report.nms), report.intervals.mean]
        rows = pd.DataFrame(np.transpose(sure), [f"{SURE} from", f"{SURE} to"], table.columns)
        table = pd.concat([table, rows])
    return show_table(100 * table.rename_axis("tolerance", axis="columns"))


def _show_f1(report: Report) -> str:
    total = report.f1_of_all.set_index(pd.Index(["all"] * len(report.f1_of_all), name="class"), append=True)
    by_class, order = report.f1, [*RATES, *COUNTS]
    if sure := report.intervals:
        ends, order = ["from", "to"], [*RATES, "from", "to", *COUNTS]
        by_class = by_class.assign(**dict(zip(ends, np.concatenate(list(sure.f1.values())).T, strict=True)))
        total = total.assign(**dict(zip(ends, np.array(list(sure.f1_of_all.values())).T, strict=True)))
    table = pd.concat([part.loc[[t]] for t in report.f1_of_all.index for part in (by_class, total)])[order]
    rates = [name for name in order if name not in COUNTS]
    return show_table(table.assign(**(100 * table[rates])).rename(columns={"f1": "F1"}))


def _show_offsets(report: Report) -> str:
    table = report.offsets[report.pairings[0].num_true > 0]
    table = table.assign(right=table["right"].astype(int), exact=100 * table["exact"])
    return show_table(table.rename(columns={"exact": "on the frame (%)"}))


def show_table(table: pd.DataFrame) -> str:
    """A table as text, indented, rates with two decimals, and a dash where there is nothing to measure by."""
    text = table.to_string(float_format="{:.2f}".format, na_rep="-", col_space=7)
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
