"""Several models in one table: a line each, and of trainings that differ by their seed the mean and deviation."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.choosing import threshold_tolerance
from evaluation.report import ALL, RATES, Report, plain
from evaluation.report_text import show_table
from evaluation.soccernet import KINDS
from util.config import read_config
from util.errors import UserError
from util.io import write_text
from util.spans import plain_span

MEAN, DEVIATION = "mean", "deviation"  # rows of a system, behind those of its seeds
_OF_A_RUN = ("seed", "weights_used", "init")  # keys of config.json in which trainings of one system may differ
LONGEST, SHOWN = 40, 6  # characters of a value, and options, that `differences` says
_SOCCERNET = {"tight": "tight", "loose": "loose", "at1": "mAP@1", "team_at1": "Team mAP@1"}


def report_row(report: Report) -> dict[str, float]:
    """What stands for a model, fractions: mAP after suppression at each tolerance, its mean; precision, recall, F1."""
    tolerances = [pairing.tolerance for pairing in report.pairings]
    at = threshold_tolerance(tolerances)
    return {
        **{f"mAP@{plain_span(tolerance)}": report.nms.loc[ALL, tolerance] for tolerance in tolerances},
        "mAP": report.mean_map,
        **{f"{'F1' if rate == 'f1' else rate}@{plain_span(at)}": report.f1.loc[(at, ALL), rate] for rate in RATES},
    }


def soccernet_row(scores: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """The same by SoccerNet's metrics: of all events, shown ones, and those not shown."""
    return {_SOCCERNET[name] + (f" {kind}" if kind != "all" else ""): table.loc[ALL, kind]
            for name, table in scores.items() for kind in KINDS}


def comparison(rows: Mapping[str, Mapping[str, float]], folders: Mapping[str, Path | None] | None = None
               ) -> pd.DataFrame:
    """The table of rows by model, indexed by "system" and "seed"; NaN where one has nothing to measure by.

    Models whose config.json is the same but for the seed are one system, named by what their names begin with, or as
    the first of them where two systems would be called alike. Behind its seeds are its mean and its deviation (of the
    sample, over n - 1), where "seed" says so.

    Args:
        folders: of the models by name, None where they are of no one folder.
    """
    configs = {name: _config((folders or {}).get(name)) for name in rows}
    systems: dict[str, list[str]] = {}
    for name, config in configs.items():
        same = {key: value for key, value in config.items() if key not in _OF_A_RUN}
        systems.setdefault(json.dumps(same, sort_keys=True) if same else name, []).append(name)
    parts = []
    for names in systems.values():
        table = pd.DataFrame([rows[name] for name in names], [str(configs[name].get("seed", "")) for name in names])
        both = table.agg(["mean", "std"]).set_axis([MEAN, DEVIATION])
        parts.append(pd.concat([table, both]) if len(names) > 1 else table)
    common = list(map(_common_name, systems.values()))
    called = [name if common.count(name) == 1 else names[0]
              for name, names in zip(common, systems.values(), strict=True)]
    return pd.concat(parts, keys=called, names=["system", "seed"])


def _config(folder: Path | None) -> dict[str, Any]:
    """config.json of a training with a seed; empty where there is none."""
    try:
        config = read_config(folder) if folder else {}
    except UserError:
        return {}
    return config if "seed" in config else {}


def differences(folders: Mapping[str, Path | None]) -> str:
    """The options, beside the seed, in which trainings differ, a line each with the values; "" where they do not.

    Args:
        folders: as `comparison` takes them.
    """
    configs = {name: config for name, folder in folders.items() if (config := _config(folder))}
    lines = []
    for key in sorted(set().union(*configs.values()).difference(_OF_A_RUN)):
        having: dict[str, list[str]] = {}
        for name, config in configs.items():
            having.setdefault(json.dumps(config.get(key), sort_keys=True), []).append(name)
        short = all(len(value) <= LONGEST for value in having)  # others are what it read, such as "splits"
        values = "; ".join(f"{value} in {', '.join(names)}" for value, names in having.items())
        lines += [f"  {key}: {values if short else 'not alike'}"] * (len(having) > 1)
    more = [f"  and {len(lines) - SHOWN} more, in their config.json"] * (len(lines) > SHOWN)
    return "\n".join(["these trainings differ in more than their seed:"] * bool(lines) + lines[:SHOWN] + more)


def _common_name(names: Sequence[str]) -> str:
    common = re.sub(r"([\W_]+(seed|s)?|seed)?[\W_]*$", "", os.path.commonprefix(names))
    return common if common and len(names) > 1 else names[0]


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
    deviations = table.index.get_level_values("seed") == DEVIATION
    spread = (100 * table[deviations]).droplevel("seed").map(r" $\pm$ {:.2f}".format).astype(object)
    values = (100 * table[~deviations]).groupby(level="system", sort=False).tail(1).droplevel("seed")  # mean, or alone
    values = values.round(2)  # what is printed alike is alike
    cells = values.map("{:.2f}".format)
    if len(cells) > 1:
        cells = cells.where(values != values.max(), r"\textbf{" + cells + "}")
    cells = (cells + spread.reindex(cells.index).fillna("")).where(values.notna(), "--").reset_index()
    styled = cells.style.hide(axis="index").format(escape="latex", subset="system").format_index(escape="latex", axis=1)
    text = styled.to_latex(column_format="l" + "r" * len(table.columns), hrules=True)
    write_text(path, re.sub(r"\\(top|mid|bottom)rule", r"\\hline", text))  # which needs no package
