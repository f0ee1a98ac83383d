"""Subtitles, SubRip and WebVTT, which any player shows over the video: each line of a cue is an event at its start.

    00:00:01,000 --> 00:00:02,500
    PASS (left) 92 %                    the class, maybe the team, maybe the score
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

from label_forms.exported import ExportedVideo
from label_forms.fields import class_name, read_time
from label_forms.sets import LabelFile, LabelledEvent, LabelSet
from util.clock import exact_time
from util.io import write_text

_SHOWN = 1.5  # seconds at most, if no other event follows
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


def write_srt(path: Path, video: ExportedVideo) -> None:
    """SubRip, .srt."""
    cues = [f"{number}\n{times}\n{text}\n" for number, (times, text) in enumerate(_cues(video, ","), 1)]
    write_text(path, "\n".join(cues))


def write_vtt(path: Path, video: ExportedVideo) -> None:
    """WebVTT, .vtt."""
    cues = [f"{times}\n{html.escape(text, quote=False)}\n" for times, text in _cues(video, ".")]
    write_text(path, "\n".join(["WEBVTT\n", *cues]))


def _cues(video: ExportedVideo, point: str) -> list[tuple[str, str]]:
    """Start --> end, and the text; events of one time share a cue, and none overlaps the next."""
    texts: dict[int, list[str]] = defaultdict(list)  # by milliseconds
    for event in video.events:
        texts[round(1000 * event["seconds"])].append(video.subtitle(event))
    starts = sorted(texts)
    spans = [(start, min(start + round(1000 * _SHOWN), later)) for start, later in pairwise([*starts, 10**12])]
    times = [[exact_time(end / 1000).zfill(12).replace(".", point) for end in span] for span in spans]
    return [(" --> ".join(ends), "\n".join(texts[start])) for start, ends in zip(starts, times, strict=True)]
