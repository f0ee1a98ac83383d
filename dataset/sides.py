"""Which side of the field a team is on, where labels name teams: a file that says so, and labels with sides by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from util.config import TeamSides, check_team_sides
from util.errors import UserError
from util.events import SIDES, Video
from util.io import read_json
from util.matches import parts_of


def read_team_sides(path: Path) -> TeamSides:
    """The JSON object in a file.

    Raises:
        UserError: it is missing, or something else.
    """
    return check_team_sides(read_json(path), path)


def with_sides(videos: Sequence[Video], team_sides: TeamSides | None) -> list[Video]:
    """Entries whose events have the side as their "team", those of no known side none.

    A video's own sides go first; then those of its match, which hold for the first half and change for the second
    (those of extra time are drawn by lot again). Where nothing is said, an event that has a side as its team keeps it.
    """
    places = parts_of([video["video"] for video in videos])
    return [{**video, "events": [_with_side(event, _sides_of(video["video"], places, team_sides or {}))
                                 for event in video["events"]]} for video in videos]


def _sides_of(video: str, places: Mapping[str, tuple[str, int | None]], team_sides: TeamSides) -> Mapping[str, str]:
    match, part = places[video]
    as_they_are = dict(zip(SIDES, SIDES, strict=True))
    if video in team_sides:
        return as_they_are | team_sides[video]
    if match not in team_sides or part not in (None, 1, 2):
        return as_they_are
    other = dict(zip(SIDES, reversed(SIDES), strict=True))
    return as_they_are | {team: other[side] if part == 2 else side for team, side in team_sides[match].items()}


def _with_side(event: Mapping[str, Any], sides: Mapping[str, str]) -> dict[str, Any]:
    team = event.get("team")
    kept = {key: value for key, value in event.items() if key != "team"}
    return {**kept, "team": sides[team]} if isinstance(team, str) and team in sides else kept


def require_sides(videos: Sequence[Video]) -> None:
    """Print how many events have a side.

    Raises:
        UserError: none has.
    """
    events = [event for video in videos for event in video["events"]]
    sided = sum(event.get("team") in SIDES for event in events)
    if not sided:
        raise UserError("--team: no event to learn from has a side; its team must be left or right, or --team_sides "
                        "FILE must say which is where")
    print(f"{sided} of {len(events)} events to learn from have a side")
