"""XML that Sportscode, LongoMatch, Nacsport and others exchange, instances with a start, an end, a code and labels; and
CVAT's, version 1.1, tracks of a video, or tags of single frames ("for video" and "for images").

    <instance><start>0.5</start><end>1.5</end><code>PASS</code>
        <label><group>Team</group><text>RED</text></label></instance>

    <track label="PASS"><box frame="25" outside="0"><attribute name="team">RED</attribute></box>
                        <box frame="26" outside="1"/></track>
    <image id="25" name="frame_000025"><tag label="PASS"/></image>

Of an instance the code is the class, a label of the group Team the team, one of the group Half the half that the clock
counts in; all others are kept by their group. Where all instances have a label of the group INSTANT, that is when their
events are. A track is an event for each time that it comes into view; a box drawn on one frame alone is a track of one
frame. Its frames count from 0 in the video file, whatever step a task has.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from itertools import groupby
from statistics import mean
from typing import Any
from xml.etree.ElementTree import Element

from label_forms.fields import EventReader
from label_forms.sets import LabelFile, LabelSet, path_names
from util.errors import UserError

INSTANT = "Event time"  # seconds; written here, since lead and lag need not be alike
_ELEMENTS = {"start": "start", "end": "end", "label": "code"}  # of an instance
_OWN = ("start", "end", "label", "frame", "time")  # what events have beside what is noted of them
_TASKS = ("./meta/task", "./meta/job", "./meta/project/tasks/task")


def is_sportscode(root: Element) -> bool:
    return root.find(".//ALL_INSTANCES") is not None


def read_sportscode(file: LabelFile) -> list[LabelSet]:
    """The instances of a file, which is named as its video or match is."""
    rows = []
    for index, instance in enumerate(file.content.iterfind(".//ALL_INSTANCES/instance")):
        own = {name: instance.findtext(tag, "").strip() for name, tag in _ELEMENTS.items()}
        noted = ((label.findtext("group") or "label", label.findtext("text")) for label in instance.iterfind("label"))
        rows.append((f"instance[{index}]", own | _further(noted, "a label")))
    instants = [row.pop(INSTANT, "") for _, row in rows]
    if all(instants):
        rows = [(place, row | {"time": instant}) for (place, row), instant in zip(rows, instants, strict=True)]
    return [EventReader(file, rows, timed=True).label_set(file.own_names())]


def _further(noted: Iterable[tuple[str, str | None]], kind: str) -> dict[str, str]:
    """What is noted of an event by name; a name that it has of its own is told apart."""
    texts: dict[str, str] = {}
    for name, text in noted:
        name, text = name.strip() or "label", (text or "").strip()
        name = f"{name} of {kind}" if name.casefold() in _OWN else name
        texts[name] = f"{texts[name]}, {text}" if texts.get(name) else text
    return texts


def is_cvat(root: Element) -> bool:
    return root.tag == "annotations" and any(root.find(name) is not None for name in ("track", "image", *_TASKS))


def read_cvat(file: LabelFile) -> list[LabelSet]:
    """A label set for each task of a file.

    Raises:
        UserError: a frame is no number, or pictures have shapes and no tags.
    """
    tasks = [task for path in _TASKS for task in file.content.iterfind(path)] or [Element("task")]
    return [_read_task(file, task, len(tasks) == 1) for task in tasks]


def _read_task(file: LabelFile, task: Element, alone: bool) -> LabelSet:
    number = task.findtext("id")
    tracks, pictures = ([one for one in file.content.iterfind(tag) if alone or one.get("task_id") == number]
                        for tag in ("track", "image"))
    tags = [_row(tag, tag, [picture.get("id", "")]) for picture in pictures for tag in picture.iterfind("tag")]
    if not tags and any(len(picture) for picture in pictures):
        raise UserError(f"{file.path}: has shapes on pictures, each by itself; export the task as CVAT for video 1.1")
    listed, size = [], next((file.content if alone else task).iter("original_size"), Element("original_size"))
    for track in tracks:
        shapes = (child for child in track if child.get("frame") is not None)
        for hidden, stretch in groupby(shapes, lambda shape: shape.get("outside") == "1"):
            if not hidden:
                in_view = list(stretch)
                at = {"start": 0, "middle": (len(in_view) - 1) // 2, "end": -1}[file.moment]
                row = _row(track, in_view[0], [shape.get("frame") for shape in in_view])
                listed.append(row | _place(in_view[at], size))
    rows = [(f"annotation[{index}]", row) for index, row in enumerate(listed + tags)]
    names = [name for tag in ("source", "name") if (text := task.findtext(tag)) for name in path_names(text)]
    return EventReader(file, rows, timed=False).label_set((*names, *file.own_names()))


def _place(shape: Element, size: Element) -> dict[str, list[float]]:
    """The middle of a box or of points, as shares of the pictures' size; nothing where one of both is not known."""
    corners = [shape.get(name, "") for name in ("xtl", "ytl", "xbr", "ybr")]
    numbers = corners if all(corners) else re.split("[,;]", shape.get("points", ""))
    with contextlib.suppress(ValueError, ZeroDivisionError):
        sides = [float(size.findtext(name, "")) for name in ("width", "height")]
        middle = [mean(map(float, numbers[axis::2])) / side for axis, side in enumerate(sides)]
        return {"xy": [round(min(max(share, 0), 1), 4) for share in middle]}
    return {}


def _row(labelled: Element, noted: Element, frames: list[str]) -> dict[str, Any]:
    further = _further(((one.get("name", ""), one.text) for one in noted.iterfind("attribute")), "an attribute")
    return {"start": frames[0], "end": frames[-1], "label": labelled.get("label", ""), **further}
