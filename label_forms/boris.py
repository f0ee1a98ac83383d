"""BORIS's project files: JSON with the observations of media files, each event [time, subject, behaviour, modifier,
comment]. Its tables of events are read as tables (tools.py)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

from label_forms.exported import ExportedVideo, in_words
from label_forms.fields import EventReader
from label_forms.sets import LabelFile, LabelledEvent, LabelSet, path_names
from plots.style import class_colour
from util.entries import shown
from util.errors import UserError
from util.io import write_json

STATE = "state event"  # type of a behaviour whose events come in pairs, start and end
_VERSION = "7.0"  # of the format
_KEYS = "1234567890abcdefghijklmnopqrstuvwxyz"  # of the keyboard, one for each class


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
    listed = behaviours.values() if isinstance(behaviours, dict) else ()
    states = {one.get("code") for one in listed if isinstance(one, dict)
              and str(one.get("type")).lower().startswith(STATE)}
    return [labels for name, observation in file.content["observations"].items()
            for labels in _read_observation(file, f"{file.path}: observations[{name}]", observation, states)]


def _read_observation(file: LabelFile, where: str, observation: Any, states: set[Any]) -> list[LabelSet]:
    about = observation if isinstance(observation, dict) else {}
    players, media, events = about.get("file"), about.get("media_info"), about.get("events")
    videos = players.get("1") if isinstance(players, dict) else players
    if not videos or str(about.get("type")) != "MEDIA":
        return []  # a live one
    if not isinstance(videos, list) or not isinstance(events, list) or not all(isinstance(one, str) for one in videos):
        raise UserError(f"{where}: must have the media files of player 1 and a list of events")
    starts = _starts(videos, media.get("length") if isinstance(media, dict) else None)
    reader = EventReader({"start": "start", "end": "end", "label": "label"}, file.moment, timed=True, has_halves=False,
                         left_out=("end",))
    rows = list(_rows(where, events, states))
    offset = about.get("time offset")
    notes = reader.notes() if any("end" in row for _, row in rows) else ()
    notes += (f"its time offset is {offset} and not applied",) if offset else ()
    read: list[list[LabelledEvent]] = [[] for _ in videos]
    for place, row in rows:
        part = max((at for at, start in enumerate(starts) if start <= row["start"]), default=0)
        moved = {end: row[end] - starts[part] for end in ("start", "end") if end in row}
        read[part].append(reader.read(place, row | moved))
    return [file.label_set(path_names(video), of_video, True, notes=notes)
            for video, of_video in zip(videos, read, strict=True)]


def _starts(videos: list[str], lengths: Any) -> list[float]:
    """When each of the media files begins that are played one after another, in seconds."""
    known = [lengths.get(video) if isinstance(lengths, dict) else None for video in videos[:-1]]
    return list(accumulate((one if type(one) in (int, float) else math.inf for one in known), initial=0.0))


def _rows(where: str, events: list[Any], states: set[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Place and row of each event; the start and the end of a state are one."""
    open_states: dict[tuple[Any, Any], dict[str, Any]] = {}
    for index, event in enumerate(events):
        place = f"{where}: events[{index}]"
        if not isinstance(event, list) or len(event) < 3 or type(event[0]) not in (int, float) or not all(
                isinstance(part, str) for part in event[1:3]):
            raise UserError(f"{place}: is {shown(event)}; it must be [time, subject, behaviour, ...]")
        time, subject, label, modifier, comment = [*event[:5], "", ""][:5]
        if label in states and (started := open_states.pop((subject, label), None)) is not None:
            started["end"] = float(time)
            continue
        more = {"subject": subject, "modifier": modifier, "comment": comment}
        row = {"start": float(time), "label": label, **{key: value for key, value in more.items() if value}}
        if label in states:
            open_states[subject, label] = row
        yield place, row


def write_boris(path: Path, video: ExportedVideo) -> None:
    """A project with the video as an observation, which BORIS opens with the video and point events: the subject is the
    team, the comment the score and further fields."""
    teams = sorted({event["team"] for event in video.events if event.get("team")})
    write_json(path, {
        "time_format": "hh:mm:ss", "project_date": "", "project_name": video.name, "project_description": "",
        "project_format_version": _VERSION,
        "subjects_conf": {str(index): {"key": "", "name": team, "description": ""} for index, team in enumerate(teams)},
        "behaviors_conf": {str(index): _behaviour(index, name) for index, name in enumerate(video.classes)},
        "observations": {video.name: _observation(video)},
        "behavioral_categories": [], "independent_variables": {}, "coding_map": {}, "behaviors_coding_map": [],
        "converters": {},
    })


def _behaviour(index: int, name: str) -> dict[str, Any]:
    return {"type": "Point event", "key": _KEYS[index : index + 1], "code": name, "description": "", "category": "",
            "color": class_colour(index), "modifiers": {}, "excluded": "", "coding map": ""}


def _observation(video: ExportedVideo) -> dict[str, Any]:
    last = max((event["seconds"] for event in video.events), default=0.0)
    length = video.end if math.isfinite(video.end) else last + 1 / video.fps
    events = [[round(event["seconds"], 3), event.get("team") or "", event["label"], "", in_words(event), event["frame"]]
              for event in video.events]
    return {
        "file": {"1": [video.file], **{str(player): [] for player in range(2, 9)}}, "type": "MEDIA", "date": "",
        "description": "", "time offset": 0.0, "events": events, "observation time interval": [0, 0],
        "independent_variables": {}, "visualize_spectrogram": False, "visualize_waveform": False,
        "close_behaviors_between_videos": False, "scan_sampling_time": 0,
        "media_info": {"length": {video.file: length}, "fps": {video.file: video.fps}, "hasVideo": {video.file: True},
                       "hasAudio": {video.file: False}, "offset": {"1": 0.0}},
    }
