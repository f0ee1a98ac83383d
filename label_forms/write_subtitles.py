"""Subtitles that any player shows over the video: SubRip and WebVTT."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

from label_forms.exported import ExportedVideo
from util.io import write_text

SHOWN = 1.5  # seconds at most, if no other event follows


def write_srt(path: Path, video: ExportedVideo) -> None:
    """SubRip, .srt."""
    cues = [f"{number}\n{_time(start, ',')} --> {_time(end, ',')}\n{text}\n"
            for number, (start, end, text) in enumerate(_cues(video), 1)]
    write_text(path, "\n".join(cues))


def write_vtt(path: Path, video: ExportedVideo) -> None:
    """WebVTT, .vtt."""
    cues = [f"{_time(start, '.')} --> {_time(end, '.')}\n{_escaped(text)}\n" for start, end, text in _cues(video)]
    write_text(path, "\n".join(["WEBVTT\n", *cues]))


def _cues(video: ExportedVideo) -> list[tuple[int, int, str]]:
    """Start and end in milliseconds, and the text; events of one time share a cue, and none overlaps the next."""
    texts: dict[int, list[str]] = defaultdict(list)
    for event in video.events:
        texts[round(1000 * event["seconds"])].append(video.subtitle(event))
    starts = sorted(texts)
    ends = [min(start + round(1000 * SHOWN), later) for start, later in pairwise([*starts, 10**12])]
    return [(start, end, "\n".join(texts[start])) for start, end in zip(starts, ends, strict=True)]


def _time(millis: int, point: str) -> str:
    seconds, millis = divmod(millis, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{millis:03d}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
