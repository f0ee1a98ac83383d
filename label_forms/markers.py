"""Text with a line for each marker, at the time code or the time of what stands before it: edit decision lists and
subtitles.

    001  001      V     C        01:00:18:06 01:00:18:07 01:00:18:06 01:00:18:07
     |C:ResolveColorBlue |M:PASS |D:1               EDL (CMX 3600) of DaVinci Resolve: an edit, then the note of its
                                                    marker, colour, name and length in frames
    * LOC: 01:00:01:05 RED     PASS                 of Avid or Premiere Pro: a locator

    00:00:01,000 --> 00:00:02,500
    PASS (left) 92 %                                SubRip and WebVTT: the class, maybe the team, maybe the score

In an EDL the name is the class; where Resolve itself has numbered a marker, its note is. "Team: left" in a note tells
the team.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace

from label_forms.fields import EventReader
from label_forms.sets import LabelFile, LabelSet
from util.errors import UserError

TEAM_NOTE = "Team: "
_CODE = r"\d{1,3}[:;]\d\d[:;]\d\d[:;]\d\d"
_EDIT = re.compile(rf"\s*\d+\s.*\s({_CODE})\s+({_CODE})\s*")  # the last two time codes: of the timeline
_COLOURS = "RED|GREEN|BLUE|CYAN|MAGENTA|YELLOW|BLACK|WHITE"
_LOCATOR = re.compile(rf"\s*\*\s*LOC:\s*({_CODE})\s+(?:(?:{_COLOURS})\s+)?(.*?)\s*", re.IGNORECASE)
_FCM = re.compile(r"\s*FCM:\s*(NON-?\s*)?DROP FRAME\s*", re.IGNORECASE)
_NUMBERED = re.compile(r"(Marker \d+)?")
_CUE = re.compile(r"\s*((?:\d+:)?\d\d:\d\d[.,]\d{3})\s+-->\s.*")
_EVENT = re.compile(r"(.+?)(?:\s+\(([^()]+)\))?(?:\s+\d+ %)?", re.DOTALL)


def is_edl(text: str) -> bool:
    return text.lstrip().startswith("TITLE:") or bool(re.search(r"\|M:|\* *LOC:", text))


def read_edl(file: LabelFile) -> list[LabelSet]:
    """The markers of a list, which is named as its video is.

    Raises:
        UserError: it has none, or one without a name.
    """
    rows, later = [], []
    code, drop = "", False
    for number, line in enumerate(file.content.split("\n"), 1):
        if fcm := _FCM.fullmatch(line):
            drop = not fcm[1]
        elif edit := _EDIT.fullmatch(line):
            code = edit[1]
        elif (locator := _LOCATOR.fullmatch(line)) or ("|M:" in line and code):
            code = locator[1] if locator else code
            row, length = ({"label": locator[2]}, 0) if locator else _marker(line)
            rows.append((f"line {number}", {"time": f"{code[:-3]};{code[-2:]}" if drop else code, **row}))
            later.append({"start": 0, "middle": length // 2, "end": max(0, length - 1)}[file.moment])
    if not rows and re.search(_CODE, file.content):
        raise UserError(f"{file.path}: has edits but no markers (|M: or * LOC:); export the markers of the timeline")
    reader = EventReader(file, rows, timed=True)
    return [reader.label_set(file.own_names(), [
        replace(event, position=event.position._replace(frames=event.position.frames + frames))
        for event, frames in zip(reader.events, later, strict=True)])]


def _marker(line: str) -> tuple[dict[str, str], int]:
    """What a line of Resolve's says of its marker, and the frames that this lasts."""
    note, *fields = map(str.strip, line.split("|"))
    given = {field[:1]: field[2:].strip() for field in fields if field[1:2] == ":"}
    label = given["M"]
    if _NUMBERED.fullmatch(label) and note:
        label, note = note, ""
    more = {"team": note.removeprefix(TEAM_NOTE)} if note.startswith(TEAM_NOTE) else {"note": note}
    return {"label": label, **more}, int(given["D"]) if given.get("D", "").isdecimal() else 0


def is_subtitles(text: str) -> bool:
    return any(map(_CUE.fullmatch, text.split("\n")))


def read_subtitles(file: LabelFile) -> list[LabelSet]:
    """The events of a file, which is named as its video is: each line of a cue is one, at its start."""
    rows, start = [], ""
    for number, line in enumerate(file.content.split("\n"), 1):
        cue = _CUE.fullmatch(line)
        if cue or not line.strip():
            start = cue[1] if cue else ""
        elif start:
            label, team = _EVENT.fullmatch(html.unescape(line.strip())).groups()
            rows.append((f"line {number}", {"time": start, "label": label, "team": team or ""}))
    return [EventReader(file, rows, timed=True).label_set(file.own_names())]
