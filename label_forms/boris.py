"""BORIS's project files: JSON with the observations of media files, each event [time, subject, behaviour, modifier,
comment]. Its tables of events are read as tables (tools.py)."""

from __future__ import annotations

import math
from bisect import bisect
from dataclasses import replace
from itertools import accumulate
from typing import Any

from label_forms.fields import EventReader, Row
from label_forms.sets import LabelFile, LabelSet, path_names
from util.entries import shown
from util.errors import UserError

STATE = "state event"  # type of a behaviour whose events come in pairs, start and end
_COLUMNS = {name: name for name in ("start", "end", "label")}


def is_boris(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("observations"), dict) and "behaviors_conf" in content


def read_boris(file: LabelFile) -> list[LabelSet]:
    """A label set for each observation of one media file, and for each file of one that shows several in a row.

    Raises:
        UserError: it is not what it must be.
    """
    if not is_boris(file.content):
        raise UserError(f"{file.path}: is no project of BORIS; it must have observations and behaviors_conf")
    behaviours = file.content["behaviors_conf"]
    states = [one.get("code") for one in (behaviours.values() if isinstance(behaviours, dict) else ())
              if isinstance(one, dict) and str(one.get("type")).lower().startswith(STATE)]
    return [labels for name, observation in file.content["observations"].items()
            if isinstance(observation, dict) and observation.get("type") == "MEDIA"  # and no live one
            for labels in _read_observation(file, f"observations[{name}]", observation, states)]


def _read_observation(file: LabelFile, where: str, observation: dict[str, Any], states: list[Any]) -> list[LabelSet]:
    players, media, events = map(observation.get, ("file", "media_info", "events"))
    videos = players.get("1") if isinstance(players, dict) else players
    if not videos:
        return []
    if not isinstance(videos, list) or not isinstance(events, list) or not all(isinstance(one, str) for one in videos):
        raise UserError(f"{file.path}: {where}: must have the media files of player 1 and a list of events")
    reader = EventReader(file, _rows(file, where, events, states), _COLUMNS, timed=True, left_out=("end",))
    lengths = media.get("length") if isinstance(media, dict) else None
    known = [lengths.get(video) if isinstance(lengths, dict) else None for video in videos[:-1]]
    starts = [*accumulate((one if type(one) in (int, float) else math.inf for one in known), initial=0.0)]
    read = [[] for _ in videos]  # which are played one after another
    for event in reader.events:
        part = max(0, bisect(starts, event.position) - 1)
        read[part].append(replace(event, position=event.position - starts[part]))
    offset = observation.get("time offset")
    notes = [f"its time offset is {offset} and not applied"] if offset else []
    return [reader.label_set(path_names(video), found, notes) for video, found in zip(videos, read, strict=True)]


def _rows(file: LabelFile, where: str, events: list[Any], states: list[Any]) -> list[tuple[str, Row]]:
    """Place and row of each event; the start and the end of a state are one."""
    rows: list[tuple[str, Row]] = []
    open_states: dict[tuple[str, str], Row] = {}
    for index, event in enumerate(events):
        place = f"{where}: events[{index}]"
        if not isinstance(event, list) or len(event) < 3 or type(event[0]) not in (int, float) or not all(
                isinstance(part, str) for part in event[1:3]):
            raise UserError(f"{file.path}: {place}: is {shown(event)}; it must be [time, subject, behaviour, ...]")
        time, subject, label, modifier, comment = [*event[:5], "", ""][:5]
        if label in states and (subject, label) in open_states:
            open_states.pop((subject, label))["end"] = time
            continue
        row = {"start": time, "label": label, "subject": subject, "modifier": modifier, "comment": comment}
        rows.append((place, row))
        if label in states:
            open_states[subject, label] = row
    return rows
