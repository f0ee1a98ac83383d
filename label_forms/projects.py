"""Projects of annotation tools as JSON: BORIS's, with the observations of media files, each event [time, subject,
behaviour, modifier, comment] (its tables of events are read as tables, see tools.py); and Label Studio's, tasks with
the ranges of a video's timeline, in frames counted from 1."""

from __future__ import annotations

import math
from bisect import bisect
from collections import defaultdict
from dataclasses import replace
from itertools import accumulate
from typing import Any
from urllib.parse import unquote

from label_forms.fields import EventReader, Row
from label_forms.sets import LabelFile, LabelSet, path_names
from util.entries import shown, whole_number
from util.errors import UserError

STATE = "state event"  # type of a behaviour of BORIS's whose events come in pairs, start and end


def is_boris(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("observations"), dict) and "behaviors_conf" in content


def read_boris(file: LabelFile) -> list[LabelSet]:
    """A label set for each observation of one media file, and for each file of one that shows several in a row.

    Raises:
        UserError: it is not what it must be.
    """
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
    reader = EventReader(file, _boris_rows(file, where, events, states), timed=True)
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


def _boris_rows(file: LabelFile, where: str, events: list[Any], states: list[Any]) -> list[tuple[str, Row]]:
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


def is_label_studio(content: Any) -> bool:
    listed = content if isinstance(content, list) else [content]
    return bool(listed) and None not in map(_task_parts, listed)


def _task_parts(task: Any) -> tuple[dict[str, Any], list[Any]] | None:
    """The data of a task, and the results of each of its annotations; None in what is no task.

    In "JSON-MIN" the task is the data, and results stand under the name of their tag.
    """
    match task:
        case {"data": dict() as data, **others} if isinstance(others.get("annotations", ""), list | None):
            made = [one for one in others.get("annotations") or [] if isinstance(one, dict)]
            return data, [one.get("result") for one in made if not one.get("was_cancelled")]
        case dict():
            lists = [value for value in task.values() if isinstance(value, list)]
            results = [{"type": "timelinelabels", "value": one} for value in lists for one in value
                       if isinstance(one, dict) and "timelinelabels" in one]
            return (task, [results]) if results else None
    return None


def read_label_studio(file: LabelFile) -> list[LabelSet]:
    """A label set for each task."""
    tasks = file.content if isinstance(file.content, list) else [file.content]
    return [_read_task(file, *_task_parts(task), f"[{index}]") for index, task in enumerate(tasks)]


def _read_task(file: LabelFile, data: dict[str, Any], made: list[Any], where: str) -> LabelSet:
    video = next((value for value in data.values() if isinstance(value, str) and "." in value), None)
    if video is None:
        raise UserError(f"{file.path}: {where}: its data names no video")
    notes = [f"{len(made)} people's or versions' annotations, of which the last is taken"] if len(made) > 1 else []
    ranges, more = [], defaultdict(dict)  # by the id of the range that is chosen or written for: {"team": "RED"}
    for index, result in enumerate(made[-1] if made and isinstance(made[-1], list) else ()):
        match result:
            case {"type": "timelinelabels"}:
                ranges += _ranges(file, f"{where}: result[{index}]", result)
            case {"type": "choices" | "textarea", "id": str(of), "value": {"choices": [*given]} | {"text": [*given]}}:
                more[of][str(result.get("from_name"))] = ", ".join(map(str, given))
    rows = [(place, more.get(str(row.pop("id")), {}) | row) for place, row in ranges]
    address, _, query = video.partition("?")  # which may have a key, or the path of a local file
    local = next((part[2:] for part in query.split("&") if part.startswith("d=")), None)
    return EventReader(file, rows, timed=False).label_set(path_names(unquote(local or address)), notes=notes)


def _ranges(file: LabelFile, place: str, result: dict[str, Any]) -> list[tuple[str, Row]]:
    """A row for each range and label, whose start and end count from 0."""
    value = result.get("value") if isinstance(result.get("value"), dict) else {}
    ranges, labels = value.get("ranges"), value.get("timelinelabels")
    if not isinstance(ranges, list) or not isinstance(labels, list):
        raise UserError(f"{file.path}: {place}: value is {shown(value)}; it must have ranges and timelinelabels")
    rows = []
    for one in ranges:
        ends = [whole_number(one.get(end)) if isinstance(one, dict) else None for end in ("start", "end")]
        if None in ends:
            raise UserError(f"{file.path}: {place}: a range is {shown(one)}; it must have start and end, which are "
                            "frames from 1 on")
        rows += [(place, {"start": ends[0] - 1, "end": ends[1] - 1, "label": str(label), "id": result.get("id")})
                 for label in labels]
    return rows
