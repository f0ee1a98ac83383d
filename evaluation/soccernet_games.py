"""Folders of games in SoccerNet's own forms: labels (Labels-v2.json, ...) and results (results_spotting.json).

They are read as SoccerNet's evaluation package reads them, and not as labels to learn from: gameTime names the half,
position is milliseconds in it, cut to whole ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from util.errors import UserError
from util.io import read_json

RESULTS = "results_spotting.json"
V2_CLASSES = (
    "Penalty", "Kick-off", "Goal", "Substitution", "Offside", "Shots on target", "Shots off target", "Clearance",
    "Ball out of play", "Throw-in", "Foul", "Indirect free-kick", "Direct free-kick", "Corner", "Yellow card",
    "Red card", "Yellow->red card",
)
V1_CLASSES = ("card", "subs", "soccer")  # a label is of the class whose name is a part of its own

_LABELS = ("Labels-v2.json", "Labels-ball.json", "Labels.json")
_FIELDS = ["gameTime", "position", "half", "label", "confidence", "visibility", "team"]
_GAME_TIME = re.compile(r"\s*(\d)\s*-.*?(\d\d):(\d\d)\s*", re.ASCII)


class Games(NamedTuple):
    """The true and the predicted events of games, which both count alike."""

    names: list[str]  # folders below that of the labels
    label_file: str
    true: pd.DataFrame  # columns as evaluation/soccernet_report.py takes them
    predicted: pd.DataFrame

    @property
    def usual_fps(self) -> int:
        """That of SoccerNet's challenges with such labels; balls are labelled by the frame."""
        return 2 if self.label_file in ("Labels-v2.json", "Labels.json") else 25


def read_games(labels: Path, results: Path, skip_missing: bool = False) -> Games:
    """Read the games at any depth below two folders.

    Args:
        skip_missing: leave games without results out, which the servers do not accept.

    Raises:
        UserError: no games, one without results, or a damaged file.
    """
    label_files = _find(labels, _LABELS, "annotations")
    result_files = _find(results, (RESULTS,), "predictions")
    files = {game: _results_of(game, label_files, result_files) for game in label_files}
    missing = [game for game, file in files.items() if file is None]
    if missing and not (skip_missing and len(missing) < len(files)):
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise UserError(f"{labels / missing[0]}: this game has labels, but no {RESULTS} below {results}{more}; add it, "
                        "or leave such games out with --skip_missing")
    names = [game for game in files if files[game]]
    return Games(
        names, label_files[names[0]].name,
        pd.concat([_read(label_files[game], "annotations", index) for index, game in enumerate(names)]),
        pd.concat([_read(files[game], "predictions", index) for index, game in enumerate(names)]),
    )


def settle_games(games: Games, classes: Sequence[str] | None) -> tuple[Games, list[str]]:
    """The games and the classes that count: `classes`, or those of SoccerNet's set, or those of the labels."""
    labels = set(games.true.label.tolist())
    if classes is None and games.label_file == "Labels-v2.json" and labels <= {*V2_CLASSES}:
        return games, list(V2_CLASSES)
    if classes is None and games.label_file == "Labels.json" and all(map(_v1_class, labels)):
        true, predicted = (spots.assign(label=[_v1_class(label) or label for label in spots.label])
                           for spots in (games.true, games.predicted))
        return games._replace(true=true, predicted=predicted), list(V1_CLASSES)
    return games, list(classes or sorted(labels))


def _v1_class(label: str) -> str | None:
    return next((name for name in V1_CLASSES if name in label), None)


def _find(folder: Path, names: Sequence[str], key: str) -> dict[str, Path]:
    """The file of each game below a folder: of the first name that any has, or else the JSON file that has `key`."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name one that holds a folder for each game")
    found = sorted(path for path in folder.rglob("*.json") if not path.name.startswith("."))
    for name in names:
        if files := [path for path in found if path.name == name]:
            break
    else:
        files = [path for path in found if isinstance(content := read_json(path), dict) and key in content]
    games: dict[str, Path] = {}
    for path in files:
        game = path.parent.relative_to(folder).as_posix()
        if game in games:
            raise UserError(f"{path.parent}: holds {games[game].name} and {path.name}, which both have {key}; call the "
                            f"one that counts {names[0]}")
        games[game] = path
    if not games:
        raise UserError(f"{folder}: has no game in it, a folder with {' or '.join(names)}")
    return games


def _results_of(game: str, label_files: dict[str, Path], result_files: dict[str, Path]) -> Path | None:
    """Of the same folder below, or of the only one of the game's name where the folders above it are others."""
    if game in result_files:
        return result_files[game]
    name = label_files[game].absolute().parent.name
    alike = [file for file in result_files.values() if file.absolute().parent.name == name]
    only_one = sum(file.absolute().parent.name == name for file in label_files.values()) == 1
    return alike[0] if len(alike) == 1 and only_one else None


def _game_time(text: Any) -> tuple[float, float]:
    """The half and the seconds of "1 - 12:30", of which minutes have two digits."""
    found = _GAME_TIME.fullmatch(text) if isinstance(text, str) else None
    return (float(found[1]), 60 * float(found[2]) + float(found[3])) if found else (np.nan, np.nan)


def _read(path: Path, key: str, game: int) -> pd.DataFrame:
    true = key == "annotations"
    content = read_json(path, checked=true)  # predictions are many, and nothing of them is shown or written
    rows = content.get(key) if isinstance(content, dict) else None
    if not isinstance(rows, list) or {*map(type, rows)} - {dict}:
        raise UserError(f'{path}: must be such as {{"{key}": [{{"gameTime": "1 - 12:30", "label": ...}}]}}')
    table = pd.DataFrame(rows, dtype=object).reindex(columns=_FIELDS)
    position, half = _numbers(table["position"]), _numbers(table["half"])
    score = np.ones(len(rows)) if true else _numbers(table["confidence"])
    seconds, label, team = np.trunc(position) / 1000, table["label"], table["team"]
    if true or np.isnan(position).any() or np.isnan(half).any():
        times = np.array(list(map(_game_time, table["gameTime"])), np.float64).reshape(-1, 2)
        seconds = np.where(np.isnan(position), times[:, 1], seconds)
        half = np.where(np.isnan(half) | true, times[:, 0], half)
    faults = {"position": np.isnan(seconds) | (np.abs(seconds) > 1e9), "gameTime": ~np.isfinite(half),
              "confidence": ~np.isfinite(score), "label": ~_is_text(label)}
    for name, wrong in faults.items():
        if wrong.any():
            index = int(np.flatnonzero(wrong)[0])
            raise UserError(f"{path}: {key}[{index}]: {name} is {rows[index].get(name)!r:.60}, which SoccerNet's "
                            "evaluation cannot read; correct it")
    return pd.DataFrame({
        "game": np.full(len(rows), game), "half": half.astype(np.int64), "label": label, "seconds": seconds,
        "score": score, "shown": np.full(len(rows), not true) | (table["visibility"] != "not shown").to_numpy(bool),
        "team": team.where(_is_text(team), ""),
    })


def _is_text(values: pd.Series) -> np.ndarray:
    """bool (N,)"""
    return np.array([type(value) is str for value in values], bool)


def _numbers(values: pd.Series) -> np.ndarray:
    """float64 of numbers, as such or as text; NaN for anything else."""
    return pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
