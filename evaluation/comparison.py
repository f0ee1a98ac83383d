"""Several models in one table: a line each, and of trainings that differ by their seed the mean and deviation."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.choosing import threshold_tolerance
from evaluation.pairing import Seconds, Tolerance
from evaluation.report import RATES, Report, plain
from evaluation.report_text import show_table
from evaluation.soccernet import SoccerNetScores
from evaluation.soccernet_report import KINDS
from util.config import read_config
from util.errors import UserError
from util.io import write_text

MEAN, DEVIATION = "mean", "deviation"  # rows of a system, behind those of its seeds
_OF_A_RUN = ("seed", "weights_used", "init")  # keys of config.json in which trainings of one system may differ
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


def comparison(rows: Mapping[str, Mapping[str, float]], folders: Mapping[str, Path | None] | None = None
               ) -> pd.DataFrame:
    """The table of rows by model, indexed by "system" and "seed"; NaN where one has nothing to measure by.

    Models whose config.json is the same but for the seed are one system, named by what their names begin with. Behind
    its seeds are its mean and its deviation (of the sample, over n - 1), where "seed" says so.

    Args:
        folders: of the models by name, None where they are of no one folder.
    """
    systems, parts = _systems(list(rows), folders or {}), []
    for names in systems:
        table = pd.DataFrame([rows[name] for name in names], [_seed((folders or {}).get(name)) for name in names])
        both = table.agg(["mean", "std"]).set_axis([MEAN, DEVIATION])
        parts.append(pd.concat([table, both]) if len(names) > 1 else table)
    named = [names[0] if len(names) == 1 else _common_name(names) for names in systems]
    return pd.concat(parts, keys=named, names=["system", "seed"])


def _systems(names: Sequence[str], folders: Mapping[str, Path | None]) -> list[list[str]]:
    """The models that differ by their seed alone, in the order of the first of each."""
    systems: dict[str, list[str]] = defaultdict(list)
    for name in names:
        same = {key: value for key, value in _config(folders.get(name)).items() if key not in _OF_A_RUN}
        systems[json.dumps(same, sort_keys=True) if same else name].append(name)
    return list(systems.values())


def _config(folder: Path | None) -> dict[str, Any]:
    """config.json of a training with a seed; empty where there is none."""
    try:
        config = read_config(folder) if folder else {}
    except UserError:
        return {}
    return config if "seed" in config else {}


def _seed(folder: Path | None) -> str:
    return str(_config(folder).get("seed", ""))


def _common_name(names: Sequence[str]) -> str:
    return re.sub(r"([\W_]+(seed|s)?|seed)?[\W_]*$", "", os.path.commonprefix(names)) or names[0]


def plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The table as JSON can have it, [{"system", "seed", number: fraction}]."""
    return [plain(row) for row in table.reset_index().to_dict("records")]


def show_comparison(table: pd.DataFrame) -> str:
    """The table in per cent, a line for each model and seed; lying, where that is narrower."""
    lying = (100 * table).T
    lying.columns = [f"{system}, {seed}" if seed in (MEAN, DEVIATION) else system + f", seed {seed}" * bool(seed)
                     for system, seed in table.index]
    return min(show_table(lying.T), show_table(lying), key=lambda text: len(text.partition("\n")[0]))


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write the table as fractions: pandas.read_csv(path, index_col=["system", "seed"]) gives it back."""
    write_text(path, table.to_csv(lineterminator="\n"))


def write_latex(path: Path, table: pd.DataFrame) -> None:
    """Write the table in per cent, a line for each system, with the mean over its seeds and their deviation, and the
    best of each column in bold."""
    systems = table.index.get_level_values("system").unique()
    rows = {system: table.loc[system] for system in systems}
    values = pd.DataFrame({system: part.loc[MEAN] if MEAN in part.index else part.iloc[0]
                           for system, part in rows.items()}).T
    values = (100 * values).round(2)  # what is printed alike is alike
    best = values.max()

    def cell(system: str, column: str) -> str:
        value, part = values.loc[system, column], rows[system]
        if pd.isna(value):
            return "--"
        text = f"{value:.2f}"
        text = rf"\textbf{{{text}}}" if value == best[column] and len(systems) > 1 else text
        return text + (rf" $\pm$ {100 * part.loc[DEVIATION, column]:.2f}" if DEVIATION in part.index else "")

    lines = [rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}", r"\hline",
             " & ".join(["system", *map(_escaped, table.columns)]) + r" \\", r"\hline",
             *(" & ".join([_escaped(system), *(cell(system, name) for name in table.columns)]) + r" \\"
               for system in systems), r"\hline", r"\end{tabular}", ""]
    write_text(path, "\n".join(lines))


def _escaped(text: str) -> str:
    return re.sub(r"[&%$#_{}\\~^]", lambda found: _LATEX[found[0]], text)
