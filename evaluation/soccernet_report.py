"""The events of games as SoccerNet's metrics take them, and the metrics as a table or as JSON.

Events, true or predicted, are tables in file order: "game", from 0; "half", 1 or 2; "label", a name; "seconds" in the
half; "score", of true ones 1; "shown", bool; "team", a name, "" where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from evaluation.pairing import rates_of
from evaluation.report import plain
from evaluation.report_text import show_table
from evaluation.soccernet import TEAM_FPS, SoccerNetScores, score_halves, score_teams, server_frames
from util.entries import is_labelled
from util.events import SIDES, EventTable, Video, events_by_side, of_labelled

KINDS = ("all", "shown", "unshown")
_TITLES = {"tight": "average mAP, tight (1 to 5 s)", "loose": "average mAP, loose (5 to 60 s)", "at1": "mAP@1 (1 s)",
           "team_at1": "Team mAP@1 (1 s)"}


def split_truth(truth: Sequence[Video]) -> pd.DataFrame:
    """The true events of a split; each video is a half of its own, the first of a game."""
    rows = [(index, event["frame"], event["label"], team if isinstance(team := event.get("team"), str) else "", 1.0,
             event.get("visibility") != "not shown")
            for index, video in enumerate(truth) for event in video["events"] if is_labelled(video, event["frame"])]
    return _timed(pd.DataFrame(rows, columns=["game", "frame", "label", "team", "score", "shown"]), truth)


def split_predictions(
    predicted: EventTable, truth: Sequence[Video], classes: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The predicted events of a split, and those that tell a side, once for each side with its part of the score."""
    predicted, names = of_labelled(predicted, truth), np.array(classes, object)
    by_side = events_by_side(predicted)
    with_side, without = ((by_side, by_side.label // 2, np.array(SIDES, object)[by_side.label % 2]),
                          (predicted, predicted.label, ""))
    return tuple(_timed(pd.DataFrame({"game": events.video, "frame": events.frame, "label": names[label], "team": team,
                                      "score": events.score, "shown": True}), truth)
                 for events, label, team in (without, with_side))


def _timed(events: pd.DataFrame, truth: Sequence[Video]) -> pd.DataFrame:
    """With seconds: just after frames begin, so that rounding puts none into the frame before."""
    events = events.astype({"game": np.int64, "frame": np.int64, "score": float, "shown": bool})
    return events.assign(half=1, seconds=(events["frame"] + 1e-4) / rates_of(truth)[events["game"]])


def soccernet_scores(
    true: pd.DataFrame, predicted: pd.DataFrame, by_team: pd.DataFrame, classes: Sequence[str], fps: int
) -> dict[str, SoccerNetScores]:
    """"tight", "loose", "at1", and where both have teams "team_at1", which sees first halves alone.

    Args:
        by_team: the predictions as Team mAP takes them.
        classes: the K that count; events of others are left out.
        fps: frames that the servers count in a second, 2 or 25.
    """
    (truth, shown, _), (found, _, _) = (_counted(events, classes, (1, 2), fps) for events in (true, predicted))
    scores = score_halves(truth, shown, found, len(classes), fps)
    if any(true["team"]) and any(by_team["team"]):
        (truth, shown, true_team), (found, _, team) = (
            _counted(events, classes, (1,), TEAM_FPS) for events in (true, by_team))
        teams = pd.Index(sorted(set(true_team)), dtype=object)
        if any(teams):
            scores["team_at1"] = score_teams(truth, shown, found, teams.get_indexer(true_team),
                                             teams.get_indexer(team), len(classes))
    return scores


def _counted(
    events: pd.DataFrame, classes: Sequence[str], halves: Sequence[int], fps: int
) -> tuple[EventTable, np.ndarray, pd.Series]:
    """The events of the classes in the halves, as columns of numbers, each half of a game a video; bool (N,), whether
    they are shown; their teams."""
    label = pd.Index(classes, dtype=object).get_indexer(events["label"])
    rows = events["half"].isin(halves).to_numpy() & (label >= 0)
    kept = events[rows]
    video, seconds = 2 * kept["game"] + kept["half"] - 1, kept["seconds"].to_numpy()
    table = EventTable(video.to_numpy(), label[rows], server_frames(seconds, fps), kept["score"].to_numpy())
    return table, kept["shown"].to_numpy(), kept["team"]


def scores_as_json(scores: Mapping[str, SoccerNetScores], classes: Sequence[str]) -> dict[str, Any]:
    """Fractions, {"tight": {"all", "shown", "unshown", "classes": {class: AP}, "classes_shown", "classes_unshown"}};
    None where there is nothing to measure by."""
    keys = "classes", "classes_shown", "classes_unshown"
    return plain({
        name: dict(zip(KINDS, one.mean.tolist(), strict=True)) | {
            key: dict(zip(classes, of_kind, strict=True))
            for key, of_kind in zip(keys, one.classes.tolist(), strict=True)}
        for name, one in scores.items()
    })


def show_scores(scores: Mapping[str, SoccerNetScores], classes: Sequence[str]) -> str:
    """The metrics in per cent: a table each."""
    parts = []
    for name, one in scores.items():
        table = pd.DataFrame(np.append(one.classes, one.mean[:, None], axis=1).T * 100, [*classes, "mean"], KINDS)
        parts.append(f"{_TITLES[name]}, %\n{show_table(table)}")
    return "\n\n".join(parts)
