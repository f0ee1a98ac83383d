"""Markers in an edit decision list (CMX 3600), as editing programs write them: the time codes of a timeline.

    001  001      V     C        01:00:18:06 01:00:18:07 01:00:18:06 01:00:18:07
     |C:ResolveColorBlue |M:PASS |D:1               DaVinci Resolve: an edit, then the note, colour, name and length
    * LOC: 01:00:01:05 RED     PASS                 Avid, Premiere Pro: a locator

The name is the class; where Resolve itself has numbered a marker, its note is. "Team: left" in a note tells the team.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from label_forms.exported import ExportedVideo
from label_forms.fields import Timecode, class_name, read_time
from label_forms.sets import LabelFile, LabelledEvent, LabelSet
from util.errors import UserError
from util.io import write_text

_TEAM_NOTE = "Team: "
_CODE = r"\d{1,3}[:;]\d\d[:;]\d\d[:;]\d\d"
_EDIT = re.compile(rf"\s*\d+\s.*\s({_CODE})\s+({_CODE})\s*")  # the last two time codes: of the timeline
_COLOURS = "RED|GREEN|BLUE|CYAN|MAGENTA|YELLOW|BLACK|WHITE"
_LOCATOR = re.compile(rf"\s*\*\s*LOC:\s*({_CODE})\s+(?:(?:{_COLOURS})\s+)?(.*?)\s*", re.IGNORECASE)
_FCM = re.compile(r"\s*FCM:\s*(NON-?\s*)?DROP FRAME\s*", re.IGNORECASE)
_NUMBERED = re.compile(r"(Marker \d+)?")
_MARKER_COLOURS = ("Blue", "Red", "Green", "Pink", "Yellow", "Cyan", "Purple", "Cream")  # of Resolve's markers


def is_edl(text: str) -> bool:
    return text.lstrip().startswith("TITLE:") or bool(re.search(r"\|M:|\* *LOC:", text))


def read_edl(file: LabelFile) -> list[LabelSet]:
    """The markers of a list, which is named as its video is.

    Raises:
        UserError: it has none, or one without a name.
    """
    events: list[LabelledEvent] = []
    code, drop = "", False
    for number, line in enumerate(file.content.split("\n"), 1):
        if fcm := _FCM.fullmatch(line):
            drop = not fcm[1]
        elif edit := _EDIT.fullmatch(line):
            code = edit[1]
        elif (locator := _LOCATOR.fullmatch(line)) or ("|M:" in line and code):
            where = f"{file.path}: line {number}"
            fields = {"M": locator[2]} if locator else _fields(line)
            code = locator[1] if locator else code
            events.append(_event(where, code, drop, fields, file.moment))
    if not events and re.search(_CODE, file.content):
        raise UserError(f"{file.path}: has edits but no markers (|M: or * LOC:); export the markers of the timeline")
    return [file.label_set(file.own_names(), events, True)]


def _fields(line: str) -> dict[str, str]:
    """The note of a marker, and by their letters colour C, name M and length D."""
    note, *fields = line.split("|")
    return {"note": note.strip()} | {field[:1]: field[2:].strip() for field in fields if field[1:2] == ":"}


def _event(where: str, code: str, drop: bool, fields: dict[str, str], instant: str) -> LabelledEvent:
    label, note = fields["M"], fields.get("note", "")
    if _NUMBERED.fullmatch(label) and note:
        label, note = note, ""
    more: dict[str, Any] = {}
    if note.startswith(_TEAM_NOTE):
        more["team"] = note.removeprefix(_TEAM_NOTE)
    elif note:
        more["note"] = note
    time = read_time(code)
    if not isinstance(time, Timecode):
        raise UserError(f"{where}: {code} is no time code; it must be hh:mm:ss:ff")
    length = int(fields["D"]) if fields.get("D", "").isdecimal() else 0
    later = {"start": 0, "middle": length // 2, "end": max(0, length - 1)}[instant]
    place = f"{where.rsplit(': ', 1)[1]} ({code})"
    return LabelledEvent(place, time._replace(drop=time.drop or drop, later=later),
                         {"frame": None, "label": class_name(where, label), **more})


def write_resolve(path: Path, video: ExportedVideo) -> None:
    """An edit of one frame for each event, which Resolve imports as timeline markers; the timeline starts at 0."""
    lines = [f"TITLE: {video.name}", f"FCM: {'' if video.drops else 'NON-'}DROP FRAME", ""]
    for number, event in enumerate(video.events, 1):
        start, end = video.timecode(event["seconds"]), video.timecode(event["seconds"] + 1 / video.fps)
        colour = _MARKER_COLOURS[video.classes.index(event["label"]) % len(_MARKER_COLOURS)]
        note = _TEAM_NOTE + _one_field(event["team"]) if event.get("team") else ""
        lines += [f"{number:03d}  001      V     C        {start} {end} {start} {end}",
                  f"{note} |C:ResolveColor{colour} |M:{_one_field(event['label'])} |D:1", ""]
    write_text(path, "\n".join(lines))


def _one_field(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
