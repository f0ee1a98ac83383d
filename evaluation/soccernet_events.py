"""The events that SoccerNet's metrics take: of folders of games in its own forms, labels (Labels-v2.json, ...) and
results (results_spotting.json), or of a split.

Events, true or predicted, are tables in file order: "game", from 0; "half", 1 or 2; "label", a name; "seconds" in the
half; "score", of true ones 1; "shown", bool; "team", a name, "" where there is none.

Folders are read as SoccerNet's evaluation package reads them, and not as labels to learn from: gameTime names the half,
position is milliseconds in it, cut to whole ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from util.entries import is_labelled
from util.errors import UserError
from util.events import SIDES, EventTable, Video, events_by_side, of_labelled
from util.io import read_json
from util.spans import rates_of

RESULTS = "results_spotting.json"
V2_CLASSES = (
    "Penalty", "Kick-off", "Goal", "Substitution", "Offside", "Shots on target", "Shots off target", "Clearance",
    "Ball out of play", "Throw-in", "Foul", "Indirect free-kick", "Direct free-kick", "Corner", "Yellow card",
    "Red card", "Yellow->red card",
)
V1_CLASSES = ("card", "subs", "soccer")  # a label is of the class whose name is a part of its own

_LABELS = ("Labels-v2.json", "Labels-ball.json", "Labels.json")
_FIELDS = ["gameTime", "position", "half", "label", "confidence", "visibility", "team"]
_GAME_TIME = r"^\s*([0-9])\s*-.*?([0-9]{2}):([0-9]{2})\s*$"  # "1 - 12:30": the half, minutes and seconds


def split_events(
    truth: Sequence[Video], predicted: EventTable, classes: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The true events of a split, the predicted ones, and those that tell a side, once for each side with its part of
    the score. Each video is a half of its own, the first of a game."""
    rows = [(index, event["frame"], event["label"], team if isinstance(team := event.get("team"), str) else "", 1.0,
             event.get("visibility") != "not shown")
            for index, video in enumerate(truth) for event in video["events"] if is_labelled(video, event["frame"])]
    predicted, names = of_labelled(predicted, truth), np.array(classes, object)
    by_side, sides = events_by_side(predicted), np.array(SIDES, object)
    tables = [pd.DataFrame(rows, columns=["game", "frame", "label", "team", "score", "shown"]), *(
        pd.DataFrame({"game": events.video, "frame": events.frame, "label": names[label], "team": team,
                      "score": events.score, "shown": True})
        for events, label, team in ((predicted, predicted.label, ""),
                                    (by_side, by_side.label // 2, sides[by_side.label % 2])))]
    rates = rates_of(truth)
    tables = [table.astype({"game": np.int64, "frame": np.int64, "score": float, "shown": bool}) for table in tables]
    # just after frames begin, so that rounding puts none into the frame before
    return tuple(table.assign(half=1, seconds=(table["frame"] + 1e-4) / rates[table["game"]]) for table in tables)


class Games(NamedTuple):
    """The true and the predicted events of games, which both count alike."""

    names: list[str]  # folders below that of the labels
    label_file: str
    true: pd.DataFrame
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
    # of the same folder below, or of the only one of the game's name where the folders above it are others
    only_labels, only_results = _of_one_name(label_files), _of_one_name(result_files)
    files = {game: result_files.get(game) or (only_results.get(name) if (name := _name(path)) in only_labels else None)
             for game, path in label_files.items()}
    missing = [game for game, file in files.items() if file is None]
    if missing and not (skip_missing and len(missing) < len(files)):
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise UserError(f"{labels / missing[0]}: this game has labels, but no {RESULTS} below {results}{more}; add it, "
                        "or leave such games out with --skip_missing")
    names = [game for game in files if files[game]]
    true, predicted = (pd.concat([_read(of[game], key, index) for index, game in enumerate(names)])
                       for of, key in ((label_files, "annotations"), (files, "predictions")))
    return Games(names, label_files[names[0]].name, true, predicted)


def settle_games(games: Games, classes: Sequence[str] | None) -> tuple[Games, list[str]]:
    """The games and the classes that count: `classes`, or those of SoccerNet's set, or those of the labels."""
    labels = set(games.true["label"])
    if classes is None and games.label_file == "Labels-v2.json" and labels <= {*V2_CLASSES}:
        return games, list(V2_CLASSES)
    if classes is None and games.label_file == "Labels.json":
        v1 = {label: next((name for name in V1_CLASSES if name in label), None)
              for label in labels | set(games.predicted["label"])}
        if all(v1[label] for label in labels):
            renamed = (events.assign(label=events["label"].map(lambda label: v1[label] or label))
                       for events in (games.true, games.predicted))
            return Games(games.names, games.label_file, *renamed), list(V1_CLASSES)
    return games, list(classes or sorted(labels))


def _find(folder: Path, names: Sequence[str], key: str) -> dict[str, Path]:
    """The file of each game below a folder: of the first name that any has, or else the JSON file that has `key`."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name one that holds a folder for each game")
    found = sorted(path for path in folder.rglob("*.json") if not path.name.startswith("."))
    called = ([path for path in found if path.name == name] for name in names)
    files = next(filter(None, called), None) or [
        path for path in found if isinstance(content := read_json(path), dict) and key in content]
    games: dict[str, Path] = {}
    for path in files:
        game = path.parent.relative_to(folder).as_posix()
        if games.setdefault(game, path) != path:
            raise UserError(f"{path.parent}: holds {games[game].name} and {path.name}, which both have {key}; call the "
                            f"one that counts {names[0]}")
    if not games:
        raise UserError(f"{folder}: has no game in it, a folder with {' or '.join(names)}")
    return games


def _name(path: Path) -> str:
    return path.absolute().parent.name


def _of_one_name(files: dict[str, Path]) -> dict[str, Path]:
    """By the name of the game, those that alone have it."""
    times = Counter(map(_name, files.values()))
    return {name: path for path in files.values() if times[name := _name(path)] == 1}


def _read(path: Path, key: str, game: int) -> pd.DataFrame:
    true = key == "annotations"
    content = read_json(path, checked=true)  # predictions are many, and nothing of them is shown or written
    rows = content.get(key) if isinstance(content, dict) else None
    if not isinstance(rows, list) or {*map(type, rows)} - {dict}:
        raise UserError(f'{path}: must be such as {{"{key}": [{{"gameTime": "1 - 12:30", "label": ...}}]}}')
    table = pd.DataFrame(rows, dtype=object).reindex(columns=_FIELDS)
    position, half, score = (pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64)  # as such or as text
                             for name in ("position", "half", "confidence"))
    score = np.ones(len(rows)) if true else score
    seconds, label, team = np.trunc(position) / 1000, table["label"], table["team"]
    if true or np.isnan(position).any() or np.isnan(half).any():
        times = table["gameTime"].astype(str).str.extract(_GAME_TIME).to_numpy(np.float64)
        seconds = np.where(np.isnan(position), 60 * times[:, 1] + times[:, 2], seconds)
        half = np.where(np.isnan(half) | true, times[:, 0], half)
    faults = {"position": np.isnan(seconds) | (np.abs(seconds) > 1e9), "gameTime": ~np.isfinite(half),
              "confidence": ~np.isfinite(score), "label": ~_is_text(label)}
    for name, wrong in faults.items():
        if wrong.any():
            index = int(np.flatnonzero(wrong)[0])
            raise UserError(f"{path}: {key}[{index}]: {name} is {rows[index].get(name)!r:.60}, which SoccerNet's "
                            "evaluation cannot read; correct it")
    return pd.DataFrame({
        "game": game, "half": half.astype(np.int64), "label": label, "seconds": seconds, "score": score,
        "shown": (not true) | (table["visibility"] != "not shown"), "team": team.where(_is_text(team), ""),
    })


def _is_text(values: pd.Series) -> np.ndarray:
    """bool (N,)"""
    return np.array([type(value) is str for value in values], bool)
