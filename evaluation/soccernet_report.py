"""The events of games as SoccerNet's metrics take them, and the metrics as a table or as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from evaluation.pairing import rates_of
from evaluation.report_text import show_table
from evaluation.soccernet import TEAM_FPS, SoccerNetScores, Truth, score_halves, score_teams, server_frames
from util.entries import is_labelled
from util.events import SIDES, EventTable, Video, events_by_side, of_labelled

KINDS = ("all", "shown", "unshown")
_TITLES = {"tight": "average mAP, tight (1 to 5 s)", "loose": "average mAP, loose (5 to 60 s)", "at1": "mAP@1 (1 s)",
           "team_at1": "Team mAP@1 (1 s)"}


@dataclass(frozen=True)
class Spots:
    """The N events of some games, true or predicted, as columns in file order."""

    game: np.ndarray  # int64 (N,)
    half: np.ndarray  # int64 (N,), 1 or 2
    label: np.ndarray  # object (N,), names
    seconds: np.ndarray  # float64 (N,), in the half
    score: np.ndarray  # float64 (N,); 1 for true events
    shown: np.ndarray  # bool (N,)
    team: np.ndarray  # object (N,), names; "" where there is none

    @classmethod
    def join(cls, parts: Sequence[Spots]) -> Spots:
        """All events of several."""
        columns = (column.name for column in fields(cls))
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))

    def table(self, classes: Sequence[str], fps: int) -> EventTable:
        """As columns of numbers; each half of a game is a video."""
        return EventTable(2 * self.game + self.half - 1, _numbers(self.label, classes),
                          server_frames(self.seconds, fps), self.score)


def _numbers(values: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """int64 (N,): the place of each value among the names, -1 for others."""
    place = {name: index for index, name in enumerate(names)}
    return np.array(list(map(place.get, values.tolist(), repeat(-1))), np.int64)


def split_truth(truth: Sequence[Video]) -> Spots:
    """The true events of a split; each video is a half of its own, the first of a game."""
    events = [(index, event) for index, video in enumerate(truth) for event in video["events"]
              if is_labelled(video, event["frame"])]
    game = np.array([index for index, _ in events], np.int64)
    return Spots(
        game, np.ones_like(game), np.array([event["label"] for _, event in events], object),
        _seconds(game, np.array([event["frame"] for _, event in events], np.int64), truth), np.ones(len(events)),
        np.array([event.get("visibility") != "not shown" for _, event in events], bool),
        np.array([team if isinstance(team := event.get("team"), str) else "" for _, event in events], object))


def split_predictions(predicted: EventTable, truth: Sequence[Video], classes: Sequence[str]) -> tuple[Spots, Spots]:
    """The predicted events of a split, and those that tell a side, once for each side with its part of the score."""
    predicted = of_labelled(predicted, truth)
    by_side = events_by_side(predicted)
    return (_split_spots(predicted, predicted.label, np.full(len(predicted), "", object), truth, classes),
            _split_spots(by_side, by_side.label // 2, np.array(SIDES, object)[by_side.label % 2], truth, classes))


def _split_spots(
    events: EventTable, label: np.ndarray, team: np.ndarray, truth: Sequence[Video], classes: Sequence[str]
) -> Spots:
    return Spots(events.video, np.ones_like(events.video), np.array(classes, object)[label],
                 _seconds(events.video, events.frame, truth), events.score, np.ones(len(events), bool), team)


def _seconds(video: np.ndarray, frame: np.ndarray, truth: Sequence[Video]) -> np.ndarray:
    """When frames are; just after they begin, so that rounding puts none into the frame before."""
    return (frame + 1e-4) / rates_of(truth)[video]


def soccernet_scores(
    true: Spots, predicted: Spots, by_team: Spots, classes: Sequence[str], fps: int
) -> dict[str, SoccerNetScores]:
    """"tight", "loose", "at1", and where both have teams "team_at1", which sees first halves alone.

    Args:
        by_team: the predictions as Team mAP takes them.
        classes: the K that count; events of others are left out.
        fps: frames that the servers count in a second, 2 or 25.
    """
    truth, found = (_counted(spots, classes, (1, 2), fps) for spots in (true, predicted))
    scores = score_halves(Truth(truth.events, true.shown[truth.rows]), found.events, len(classes), fps)
    if any(true.team) and any(by_team.team):
        truth, found = (_counted(spots, classes, (1,), TEAM_FPS) for spots in (true, by_team))
        teams = sorted({*true.team[truth.rows].tolist()})
        if any(teams):
            scores["team_at1"] = score_teams(
                Truth(truth.events, true.shown[truth.rows]), found.events, _numbers(true.team[truth.rows], teams),
                _numbers(by_team.team[found.rows], teams), len(classes))
    return scores


class _Counted(NamedTuple):
    """Those events that count, as columns of numbers, and which they are."""

    events: EventTable
    rows: np.ndarray  # bool


def _counted(spots: Spots, classes: Sequence[str], halves: Sequence[int], fps: int) -> _Counted:
    """The events of the classes in the halves."""
    events = spots.table(classes, fps)
    rows = np.isin(spots.half, halves) & (events.label >= 0)
    return _Counted(events.take(rows), rows)


def scores_as_json(scores: Mapping[str, SoccerNetScores], classes: Sequence[str]) -> dict[str, Any]:
    """Fractions, {"tight": {"all", "shown", "unshown", "classes": {class: AP}, "classes_shown", "classes_unshown"}};
    None where there is nothing to measure by."""
    def plain(value: float) -> float | None:
        return None if math.isnan(value) else float(value)

    return {
        name: {kind: plain(value) for kind, value in zip(KINDS, one.mean, strict=True)} | {
            key: dict(zip(classes, map(plain, values), strict=True))
            for key, values in zip(("classes", "classes_shown", "classes_unshown"), one.classes, strict=True)}
        for name, one in scores.items()
    }


def show_scores(scores: Mapping[str, SoccerNetScores], classes: Sequence[str]) -> str:
    """The metrics in per cent: a table each."""
    parts = []
    for name, one in scores.items():
        table = pd.DataFrame(np.append(one.classes, one.mean[:, None], axis=1).T * 100, [*classes, "mean"], KINDS)
        parts.append(f"{_TITLES[name]}, %\n{show_table(table)}")
    return "\n\n".join(parts)
