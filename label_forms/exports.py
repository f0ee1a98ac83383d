"""Events for other tools: what a form is written from, and the forms; a new one is a function and a line in EXPORTS.

What is read back (see forms.py) is on the same frames again.
"""

from __future__ import annotations

import argparse
import html
import json
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as Xml

import numpy as np
from PIL.ImageColor import getrgb

from label_forms.markers import TEAM_NOTE
from label_forms.xml_files import INSTANT
from plots.style import class_colour
from util.clock import exact_time
from util.errors import UserError
from util.events import Event
from util.io import whole_file, write_json, write_text
from util.options import rate
from util.stamps import SLACK, Stamps

KNOWN_FIELDS = ("frame", "label", "seconds", "time", "score", "team", "team_score")  # that forms have places for
AROUND = 3.0  # seconds
DROP_FRAME_RATES = (30000 / 1001, 60000 / 1001)  # whose time codes leave numbers out, to keep pace with the clock

_SHOWN = 1.5  # seconds of a subtitle at most, if no other event follows
_MARKER_COLOURS = ("Blue", "Red", "Green", "Pink", "Yellow", "Cyan", "Purple", "Cream")  # of Resolve's markers
_KEYS = "1234567890abcdefghijklmnopqrstuvwxyz"  # of the keyboard, one for each class in BORIS
_BORIS_EMPTY = {"time_format": "hh:mm:ss", "project_date": "", "project_description": "", "project_format_version":
                "7.0", "behavioral_categories": [], "independent_variables": {}, "coding_map": {},
                "behaviors_coding_map": [], "converters": {}}  # of a project, what says nothing of events
_HEAD = "action"  # in OSL, the name of the only set of classes


def code_rate(seconds: Sequence[float], fps: float) -> float:
    """The frames per second at which time codes count a video, by when its frames are on display: see
    `dataset.video_record.timecode_rate`, which tells the same of extracted frames."""
    stamps = Stamps(np.asarray(seconds), seconds[-1] + 1 / fps)
    return fps if stamps.is_even(fps) else stamps.usual_fps


@dataclass(frozen=True)
class ExportedVideo:
    """A video and its events."""

    name: str  # as in a split, with / between folders and without suffix
    file: str  # of the video, below the folder of videos
    fps: float  # at which time codes count the video file
    events: Sequence[Event]  # {"frame", "label", "seconds"}, maybe "score", "team" and further fields
    classes: Sequence[str]  # in the order that gives them their colours
    lead: float = AROUND  # seconds of the video before an event, where a tool shows clips
    lag: float = AROUND  # and after it
    end: float = math.inf  # seconds, of the video; where no clip may go on

    def timecode(self, seconds: float) -> str:
        """The first one, hh:mm:ss:ff, at which the frame that comes on display at `seconds` is shown."""
        rate = round(self.fps)
        number = max(0, math.ceil((seconds - SLACK) * self.fps))
        if self.drops:
            left_out = round(rate / 15)  # 2 or 4 at each minute but for the tenth
            tens, rest = divmod(number, 600 * rate - 9 * left_out)
            number += 9 * left_out * tens + left_out * (max(0, rest - left_out) // (60 * rate - left_out))
        second, frame = divmod(number, rate)
        return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}{';' if self.drops else ':'}{frame:02d}"

    @property
    def drops(self) -> bool:
        """Whether its time codes are drop frame."""
        return any(abs(self.fps - rate) < 1e-3 for rate in DROP_FRAME_RATES)


def further_fields(event: Event) -> dict[str, str]:
    """What people noted of an event beside label and team, such as its player, as text."""
    return {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for name, value in event.items() if name not in KNOWN_FIELDS and value is not None}


def in_words(event: Event) -> str:
    """Score and further fields of an event, for the one field of a form that takes any text."""
    score = [str(event["score"])] if "score" in event else []
    return "; ".join(score + [f"{name}: {text}" for name, text in further_fields(event).items()])


def write_sportscode(path: Path, video: ExportedVideo) -> None:
    """A clip for each event, from `lead` seconds before it to `lag` after it, whose labels hold all else and the
    instant; and a coloured row for each class."""
    instances, rows = Xml.Element("ALL_INSTANCES"), Xml.Element("ROWS")
    for number, event in enumerate(video.events, 1):
        seconds = event["seconds"]
        start, end = max(0.0, seconds - video.lead), min(seconds + video.lag, video.end)
        instance = _add(instances, "instance", ID=number, start=f"{start:.3f}", end=f"{end:.3f}", code=event["label"])
        labels = {"Team": event.get("team"), "Score": event.get("score"), INSTANT: f"{seconds:.3f}",
                  **further_fields(event)}
        for group, text in labels.items():
            if text is not None:
                _add(instance, "label", group=group, text=text)
    for index, name in enumerate(video.classes):
        levels = (257 * level for level in getrgb(class_colour(index)))  # 0 to 65535
        _add(rows, "row", sort_order=index + 1, code=name, **dict(zip("RGB", levels, strict=True)))
    root = Xml.Element("file")
    root.extend([Xml.Element("SESSION_INFO"), instances, rows])
    Xml.indent(root)
    with whole_file(path) as scratch:
        Xml.ElementTree(root).write(scratch, encoding="UTF-8", xml_declaration=True)


def _add(parent: Xml.Element, tag: str, **texts: object) -> Xml.Element:
    """An element with an element for each text, as the last below `parent`."""
    element = Xml.SubElement(parent, tag)
    for name, text in texts.items():
        Xml.SubElement(element, name).text = str(text)
    return element


def write_resolve(path: Path, video: ExportedVideo) -> None:
    """An edit of one frame for each event, which Resolve imports as timeline markers; the timeline starts at 0."""
    lines = [f"TITLE: {video.name}", f"FCM: {'' if video.drops else 'NON-'}DROP FRAME", ""]
    for number, event in enumerate(video.events, 1):
        start, end = video.timecode(event["seconds"]), video.timecode(event["seconds"] + 1 / video.fps)
        colour = _MARKER_COLOURS[video.classes.index(event["label"]) % len(_MARKER_COLOURS)]
        team, label = (" ".join(text.replace("|", "/").split()) for text in (event.get("team") or "", event["label"]))
        lines += [f"{number:03d}  001      V     C        {start} {end} {start} {end}",
                  f"{TEAM_NOTE + team if team else ''} |C:ResolveColor{colour} |M:{label} |D:1", ""]
    write_text(path, "\n".join(lines))


def write_premiere(path: Path, video: ExportedVideo) -> None:
    """The columns of Premiere's list of markers, and the team."""
    import pandas as pd

    codes = [video.timecode(event["seconds"]) for event in video.events]
    table = pd.DataFrame({
        "Marker Name": [event["label"] for event in video.events], "Description": list(map(in_words, video.events)),
        "In": codes, "Out": codes, "Duration": video.timecode(0), "Marker Type": "Comment",
        "Team": [event.get("team") or "" for event in video.events]})
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def write_boris(path: Path, video: ExportedVideo) -> None:
    """A project with the video as an observation, which BORIS opens with the video and point events: the subject is the
    team, the comment the score and further fields."""
    teams = sorted({event["team"] for event in video.events if event.get("team")})
    last = max((event["seconds"] for event in video.events), default=0.0)
    length = video.end if math.isfinite(video.end) else last + 1 / video.fps
    events = [[round(event["seconds"], 3), event.get("team") or "", event["label"], "", in_words(event), event["frame"]]
              for event in video.events]
    observation = {
        "file": {"1": [video.file], **{str(player): [] for player in range(2, 9)}}, "type": "MEDIA", "date": "",
        "description": "", "time offset": 0.0, "events": events, "observation time interval": [0, 0],
        "independent_variables": {}, "visualize_spectrogram": False, "visualize_waveform": False,
        "close_behaviors_between_videos": False, "scan_sampling_time": 0,
        "media_info": {"length": {video.file: length}, "fps": {video.file: video.fps}, "hasVideo": {video.file: True},
                       "hasAudio": {video.file: False}, "offset": {"1": 0.0}},
    }
    behaviours = [{"type": "Point event", "key": _KEYS[index : index + 1], "code": name, "description": "",
                   "category": "", "color": class_colour(index), "modifiers": {}, "excluded": "", "coding map": ""}
                  for index, name in enumerate(video.classes)]
    subjects = [{"key": "", "name": team, "description": ""} for team in teams]
    numbered = {key: {str(index): one for index, one in enumerate(listed)}
                for key, listed in (("subjects_conf", subjects), ("behaviors_conf", behaviours))}
    write_json(path, _BORIS_EMPTY | {"project_name": video.name, **numbered, "observations": {video.name: observation}})


def write_osl(path: Path, video: ExportedVideo) -> None:
    """OSL, version 2, SoccerNet's present form of labels and results: a data set of one video."""
    def described(event: Event) -> dict[str, Any]:
        millis = round(1000 * event["seconds"])
        more = further_fields(event) | {"team": event.get("team"), "confidence": event.get("score")}
        return {"head": _HEAD, "label": event["label"], "position_ms": millis,
                "gameTime": f"1 - {millis // 60_000:02d}:{millis // 1000 % 60:02d}",
                **{key: value for key, value in more.items() if value is not None}}

    data = {"id": video.name, "inputs": [{"type": "video", "path": video.file, "fps": video.fps}],
            "events": list(map(described, video.events))}
    write_json(path, {
        "version": "2.0", "task": "action_spotting", "dataset_name": video.name, "modalities": ["video"],
        "labels": {_HEAD: {"type": "single_label", "labels": list(video.classes)}}, "data": [data]})


def check_exports(forms: Collection[str]) -> None:
    """
    Raises:
        UserError: the package that writes Excel sheets is not there, and they are asked for.
    """
    if "excel" in forms and find_spec("openpyxl") is None:
        raise UserError("--export excel needs the package openpyxl; install it (pip install openpyxl), or export csv")


def write_excel(path: Path, video: ExportedVideo) -> None:
    """A sheet with a line for each event: video, frame, time, label, team, score, further fields. Text stays text, such
    as "=1" or "#N/A", which would be a formula or an error; control characters, which no sheet may hold, go."""
    import pandas as pd
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    def legal(cell: Any) -> Any:
        return ILLEGAL_CHARACTERS_RE.sub("", cell) if isinstance(cell, str) else cell

    rows = [{"video": video.name, "frame": event["frame"], "time": exact_time(event["seconds"]),
             "label": event["label"], "team": event.get("team"), "score": event.get("score"),
             **further_fields(event)} for event in video.events]
    columns = dict.fromkeys(("video", "frame", "time", "label", "team", "score", *(key for row in rows for key in row)))
    sheet = pd.DataFrame(rows, columns=list(columns), dtype=object).map(legal).rename(columns=legal)
    with whole_file(path) as scratch, pd.ExcelWriter(scratch, "openpyxl") as book:
        sheet.to_excel(book, sheet_name="events", index=False)
        for cell in (cell for line in book.sheets["events"] for cell in line if cell.data_type in "fe"):
            cell.data_type, cell.quotePrefix = "s", True  # the latter for when a person changes it


def write_subtitles(path: Path, video: ExportedVideo) -> None:
    """SubRip or, where `path` ends in .vtt, WebVTT; events of one time share a cue, and none overlaps the next."""
    is_vtt = path.suffix == ".vtt"
    texts: dict[int, list[str]] = defaultdict(list)  # by milliseconds
    for event in video.events:
        team = f" ({event['team']})" if event.get("team") else ""
        score = event.get("score")  # of labels it may be anything
        score = f" {100 * score:.0f} %" if type(score) in (int, float) else ""
        text = f"{event['label']}{team}{score}"
        texts[round(1000 * event["seconds"])].append(html.escape(text, quote=False) if is_vtt else text)
    cues = ["WEBVTT\n"] if is_vtt else []
    for number, (start, later) in enumerate(pairwise([*sorted(texts), 10**12]), 1):
        ends = (start, min(start + round(1000 * _SHOWN), later))
        times = " --> ".join(exact_time(end / 1000).zfill(12) for end in ends)
        lines = [times, *texts[start], ""] if is_vtt else [str(number), times.replace(".", ","), *texts[start], ""]
        cues.append("\n".join(lines))
    write_text(path, "\n".join(cues))


class Export(NamedTuple):
    """A form of events for other tools."""

    suffix: str  # of a video's file
    write: Callable[[Path, ExportedVideo], None]


EXPORTS = {
    "sportscode": Export(".xml", write_sportscode),
    "resolve": Export(".edl", write_resolve),
    "premiere": Export(".premiere.csv", write_premiere),
    "boris": Export(".boris", write_boris),
    "osl": Export(".osl.json", write_osl),
    "excel": Export(".xlsx", write_excel),
    "srt": Export(".srt", write_subtitles),
    "vtt": Export(".vtt", write_subtitles),
}


def add_export_options(parser: argparse._ActionsContainer) -> None:
    """--export, --lead, --lag."""
    add = parser.add_argument
    add("--export", nargs="+", choices=EXPORTS, default=[], metavar="FORM",
        help=f"events for other tools, a file for each video: {', '.join(EXPORTS)}")
    add("--lead", type=rate, default=AROUND, metavar="SECONDS",
        help=f"with which a clip begins before its event, in Sportscode's XML (default: {AROUND:g})")
    add("--lag", type=rate, default=AROUND, metavar="SECONDS",
        help=f"with which it ends after it (default: {AROUND:g})")


def export_video(base: Path, video: ExportedVideo, args: argparse.Namespace) -> list[Path]:
    """Write the events of a video in all forms asked for, and give the paths: that of `base` and a suffix each."""
    video = replace(video, lead=args.lead, lag=args.lag)
    paths = {name: base.with_name(base.name + EXPORTS[name].suffix) for name in args.export}
    for name, path in paths.items():
        EXPORTS[name].write(path, video)
    return list(paths.values())
