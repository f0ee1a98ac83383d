"""Markers for editing programs: an EDL as DaVinci Resolve takes it, a list as Premiere Pro has it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from label_forms.edl import TEAM_NOTE
from label_forms.exported import ExportedVideo, in_words
from util.io import write_text

_COLOURS = ("Blue", "Red", "Green", "Pink", "Yellow", "Cyan", "Purple", "Cream")  # of Resolve's markers


def write_resolve(path: Path, video: ExportedVideo) -> None:
    """An edit of one frame for each event, which Resolve imports as timeline markers; the timeline starts at 0."""
    lines = [f"TITLE: {video.name}", f"FCM: {'' if video.drops else 'NON-'}DROP FRAME", ""]
    for number, event in enumerate(video.events, 1):
        start, end = video.timecode(event["seconds"]), video.timecode(event["seconds"] + 1 / video.fps)
        colour = _COLOURS[video.classes.index(event["label"]) % len(_COLOURS)]
        note = TEAM_NOTE + _one_field(event["team"]) if event.get("team") else ""
        lines += [f"{number:03d}  001      V     C        {start} {end} {start} {end}",
                  f"{note} |C:ResolveColor{colour} |M:{_one_field(event['label'])} |D:1", ""]
    write_text(path, "\n".join(lines))


def _one_field(text: str) -> str:
    return " ".join(text.replace("|", "/").split())


def write_premiere(path: Path, video: ExportedVideo) -> None:
    """The columns of Premiere's list of markers, and the team."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["Marker Name", "Description", "In", "Out", "Duration", "Marker Type", "Team"])
    nothing = video.timecode(0)
    for event in video.events:
        code = video.timecode(event["seconds"])
        table.writerow([event["label"], in_words(event), code, code, nothing, "Comment", event.get("team") or ""])
    write_text(path, text.getvalue())
