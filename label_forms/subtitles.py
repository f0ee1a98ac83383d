"""Subtitles, SubRip and WebVTT, as write_subtitles.py writes them: each line of a cue is an event at its start.

    00:00:01,000 --> 00:00:02,500
    PASS (left) 92 %                    the class, maybe the team, maybe the score
"""

from __future__ import annotations

import html
import re

from label_forms.fields import class_name, read_time
from label_forms.sets import LabelFile, LabelledEvent, LabelSet

_CUE = re.compile(r"\s*((?:\d+:)?\d\d:\d\d[.,]\d{3})\s+-->\s.*")
_EVENT = re.compile(r"(.+?)(?:\s+\(([^()]+)\))?(?:\s+\d+ %)?")


def is_subtitles(text: str) -> bool:
    return any(map(_CUE.fullmatch, text.split("\n")))


def read_subtitles(file: LabelFile) -> list[LabelSet]:
    """The events of a file, which is named as its video is."""
    events: list[LabelledEvent] = []
    start = ""
    for number, line in enumerate(file.content.split("\n"), 1):
        cue = _CUE.fullmatch(line)
        if cue or not line.strip():
            start = cue[1] if cue else ""
        elif start:
            where = f"{file.path}: line {number}"
            label, team = _EVENT.fullmatch(html.unescape(line.strip())).groups()
            fields = {"frame": None, "label": class_name(where, label), **({"team": team} if team else {})}
            events.append(LabelledEvent(f"line {number} ({start})", read_time(start), fields))
    return [file.label_set(file.own_names(), events, True)]
