"""Several models' results in one table: a line each, as text, CSV or LaTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from util.choosing import threshold_tolerance
from util.io import whole_file
from util.pairing import Seconds, Tolerance
from util.report import RATES, Report
from util.soccernet import SoccerNetScores
from util.soccernet_report import KINDS

TABLE_SUFFIXES = (".csv", ".tex")
_SOCCERNET = {"tight": "tight", "loose": "loose", "at1": "mAP@1", "team_at1": "Team mAP@1"}
_LATEX = {sign: f"\\{sign}" for sign in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def report_row(report: Report) -> dict[str, float]:
    """What stands for a model, fractions: mAP after suppression at each tolerance, its mean; precision, recall, F1."""
    mean_ap = report.nms.mean()
    at = threshold_tolerance([pairing.tolerance for pairing in report.pairings])
    rates = report.f1_of_all.loc[at]
    return {
        **{f"mAP@{_short(pairing.tolerance)}": mean_ap[pairing.tolerance] for pairing in report.pairings},
        "mAP": mean_ap.mean(),
        **{f"{'F1' if rate == 'f1' else rate}@{_short(at)}": rates[rate] for rate in RATES},
    }


def _short(tolerance: Tolerance) -> str:
    return f"{tolerance:g}{'s' * isinstance(tolerance, Seconds)}"


def soccernet_row(scores: Mapping[str, SoccerNetScores]) -> dict[str, float]:
    """The same by SoccerNet's metrics: of all events, shown ones, and those not shown."""
    return {_SOCCERNET[name] + (f" {kind}" if kind != "all" else ""): float(value)
            for name, one in scores.items() for kind, value in zip(KINDS, one.mean, strict=True)}


def comparison(rows: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """The table of rows by model; NaN where one has nothing to measure by."""
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def plain_rows(table: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """The table as JSON can have it, {model: {number: fraction}}."""
    return table.astype(object).where(table.notna(), None).to_dict("index")


def show_comparison(table: pd.DataFrame) -> str:
    """The table in per cent, lying: a line for each number, as models are few."""
    text = (100 * table).T.to_string(float_format="{:.2f}".format, na_rep="-", col_space=7)
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


def write_comparison(path: Path, table: pd.DataFrame) -> None:
    """Write the table: as fractions into a .csv, in per cent into a .tex, with the best of each column in bold."""
    with whole_file(path) as scratch:
        text = _as_latex(table) if path.suffix.lower() == ".tex" else table.to_csv(lineterminator="\n")
        scratch.write_text(text, encoding="utf-8", newline="\n")


def _as_latex(table: pd.DataFrame) -> str:
    best = table.max()

    def cell(column: str, value: float) -> str:
        if pd.isna(value):
            return "--"
        return rf"\textbf{{{100 * value:.2f}}}" if value == best[column] and len(table) > 1 else f"{100 * value:.2f}"

    lines = [rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}", r"\hline",
             " & ".join(["model", *map(_escaped, table.columns)]) + r" \\", r"\hline"]
    for model, row in table.iterrows():
        lines.append(" & ".join([_escaped(str(model)), *(cell(name, value) for name, value in row.items())]) + r" \\")
    return "\n".join([*lines, r"\hline", r"\end{tabular}", ""])


def _escaped(text: str) -> str:
    return re.sub(r"[&%$#_{}\\~^]", lambda found: _LATEX[found[0]], text)
