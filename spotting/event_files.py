"""Files with the events of one video or match, for people and other tools: JSON, CSV, SoccerNet's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from evaluation.rule import Rule
from util.clock import exact_time
from util.errors import UserError
from util.events import Event
from util.io import read_json, write_json, write_text

SPOTTED = ".events.json"  # how the files of spot_video.py end: the events that count
CANDIDATES = ".events.recall.json.gz"  # and all that may be some


class Square(NamedTuple):
    """What a model sees of a frame that is wider: a square in the middle."""

    side: int  # pixels of the frames that it is given
    lines: int  # of these frames

    @property
    def share(self) -> float:
        """The side by the height of a frame."""
        return self.side / self.lines


def write_events(path: Path, video: str, fps: float, events: Sequence[Event], made_with: str = "") -> None:
    """Write the events of a video in the prediction format, each with its "time", h:mm:ss.mmm.

    Args:
        events: [{"label", "frame", "score", "seconds"}].
        made_with: for `read_made_with`.
    """
    rows = [{**event, "time": exact_time(event["seconds"])} for event in events]
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in rows]
    stamp = {"made_with": made_with} if made_with else {}
    write_json(path, [{"video": video, "fps": fps, **stamp, "events": rows}])


def read_made_with(path: Path) -> str | None:
    """The "made_with" of a file of `write_events`; None where it is no such file."""
    try:
        (entry,) = read_json(path)
        return entry.get("made_with")
    except (UserError, ValueError, TypeError, AttributeError):
        return None


def write_candidates(
    path: Path, video: str, fps: float, events: Sequence[Event], rule: Rule, classes: Sequence[str],
    square: Square | None = None, models: Sequence[str] = (),
) -> None:
    """Write all events of a video that score 0.01 or more, before suppression, in the prediction format, with the rule
    by which those of `write_events` are the ones that count, the model's classes in their order, and what it sees.

    Args:
        path: ends in .json.gz.
        events: [{"label", "frame", "score"}], moved already.
        square: None where the model sees whole frames.
        models: their folders, or checkpoints, as they were given.
    """
    write_json(path, [{"video": video, "fps": fps, "classes": list(classes), "square": square and square._asdict(),
                       "models": list(models), "rule": replace(rule, moves={}).as_json(), "events": events}])


def read_square(entry: Mapping[str, Any]) -> Square | None:
    """What an entry of `write_candidates` says of the model's square; None where it says nothing of use."""
    kept = entry.get("square")
    sides = [kept.get(key) for key in Square._fields] if isinstance(kept, dict) else []
    return Square(*sides) if sides and all(type(side) is int and side > 0 for side in sides) else None


def read_first_model(entry: Mapping[str, Any]) -> Path | None:
    """The first of the models that an entry of `write_candidates` names; None where it names none."""
    named = entry.get("models")
    return Path(named[0]) if isinstance(named, list) and named and named[0] and isinstance(named[0], str) else None


def write_csv(path: Path, events: Sequence[Event]) -> None:
    """Write events as a table: frame, time, seconds, label, and what else they have, such as score and team."""
    import pandas as pd  # view.py starts without it

    rows = [{**event, "time": exact_time(event["seconds"]), "seconds": f"{event['seconds']:.3f}"} for event in events]
    columns = dict.fromkeys(("frame", "time", "seconds", "label", *(key for row in rows for key in row)))
    write_text(path, pd.DataFrame(rows, columns=list(columns), dtype=object).to_csv(index=False, lineterminator="\n"))


def write_soccernet(path: Path, match: str, parts: Mapping[int, Sequence[Event]]) -> None:
    """Write the events of a match as SoccerNet's results_spotting.json.

    The confidence of an event with a team is that of the class for this team, as Team mAP takes it.

    Args:
        match: its place in the data set, such as league/season/match.
        parts: the events of each half, by its number; their time counts from its start.
    """
    predictions = []
    for half, events in sorted(parts.items()):
        for event in events:
            minutes, millis = divmod(round(1000 * event["seconds"]), 60_000)
            team = {"team": event["team"]} if "team" in event else {}
            predictions.append({
                "gameTime": f"{half} - {minutes:02d}:{millis // 1000:02d}", "label": event["label"],
                "position": str(60_000 * minutes + millis), "half": str(half), **team,
                "confidence": str(event["score"] * event.get("team_score", 1))})
    write_json(path, {"UrlLocal": match, "predictions": predictions})
