"""CVAT's XML, version 1.1: tracks of a video, or tags of single frames ("for video" and "for images").

    <track label="PASS"><box frame="25" outside="0"><attribute name="team">RED</attribute></box>
                        <box frame="26" outside="1"/></track>
    <image id="25" name="frame_000025"><tag label="PASS"/></image>

A track is an event for each time that it comes into view; a box drawn on one frame alone is a track of one frame.
Frames count from 0 in the video file, whatever step a task has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from label_forms.fields import EventReader, columns_of
from label_forms.sets import LabelFile, LabelSet, path_names
from util.errors import UserError

_OWN = ("start", "end", "label")
_TASKS = ("./meta/task", "./meta/job", "./meta/project/tasks/task")


def is_cvat(root: ElementTree.Element) -> bool:
    return root.tag == "annotations" and any(root.find(name) is not None for name in ("track", "image", *_TASKS))


def read_cvat(file: LabelFile) -> list[LabelSet]:
    """A label set for each task of a file.

    Raises:
        UserError: a frame is no number, or pictures have shapes and no tags.
    """
    root = file.content
    tasks = [task for path in _TASKS for task in root.iterfind(path)] or [ElementTree.Element("task")]
    return [_read_task(file, task, len(tasks) == 1) for task in tasks]


def _read_task(file: LabelFile, task: ElementTree.Element, alone: bool) -> LabelSet:
    number = task.findtext("id")

    def mine(element: ElementTree.Element) -> bool:
        return alone or element.get("task_id") == number

    rows = [row for track in file.content.iterfind("track") if mine(track) for row in _stretches(track)]
    pictures = list(filter(mine, file.content.iterfind("image")))
    tags = [_row(tag, picture.get("id"), picture.get("id")) for picture in pictures for tag in picture.iterfind("tag")]
    if not tags and any(len(picture) for picture in pictures):
        raise UserError(f"{file.path}: has shapes on pictures, each by itself; export the task as CVAT for video 1.1")
    rows += tags
    named = columns_of(name for row in rows for name in row if name not in _OWN)
    columns = {name: name for name in _OWN} | {key: named[key] for key in ("team", "half") if key in named}
    reader = EventReader.of(rows, columns, file.moment, timed=False, left_out=("end",))
    events = [reader.read(f"{file.path}: annotation[{index}]", row) for index, row in enumerate(rows)]
    names = [name for tag in ("source", "name") if (text := task.findtext(tag)) for name in path_names(text)]
    return file.label_set((*names, *file.own_names()), events, False, notes=reader.notes())


def _stretches(track: ElementTree.Element) -> Iterator[dict[str, Any]]:
    """A row for each stretch of frames in which a track is in view."""
    shown: list[ElementTree.Element] = []
    for shape in [*(child for child in track if child.get("frame") is not None), None]:
        if shape is not None and shape.get("outside", "0") != "1":
            shown.append(shape)
        elif shown:
            yield _row(shown[0], shown[0].get("frame"), shown[-1].get("frame")) | {"label": track.get("label", "")}
            shown = []


def _row(element: ElementTree.Element, start: str | None, end: str | None) -> dict[str, Any]:
    given = {one.get("name", ""): (one.text or "").strip() for one in element.iterfind("attribute")}
    given = {f"{name} of an attribute" if name in (*_OWN, "frame") else name: text for name, text in given.items()}
    return {"start": start or "", "end": end or "", "label": element.get("label", ""), **given}
