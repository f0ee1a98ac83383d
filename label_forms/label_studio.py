"""Label Studio's JSON: tasks with the ranges of a video's timeline, in frames counted from 1."""

from __future__ import annotations

from typing import Any

from label_forms.fields import EventReader
from label_forms.sets import LabelFile, LabelSet, path_names
from util.entries import shown, whole_number
from util.errors import UserError


def is_label_studio(content: Any) -> bool:
    listed = content if isinstance(content, list) else [content]
    return bool(listed) and all(isinstance(task, dict) and isinstance(task.get("data"), dict)
                                and isinstance(task.get("annotations", ""), list | None) for task in listed)


def read_label_studio(file: LabelFile) -> list[LabelSet]:
    """A label set for each task."""
    tasks = file.content if isinstance(file.content, list) else [file.content]
    return [_read_task(file, task, f"{file.path}: [{index}]") for index, task in enumerate(tasks)]


def _read_task(file: LabelFile, task: Any, where: str) -> LabelSet:
    if not is_label_studio(task):
        raise UserError(f"{where}: must be a task with data and annotations")
    video = next((value for value in task["data"].values() if isinstance(value, str) and "." in value), None)
    if video is None:
        raise UserError(f"{where}: its data names no video")
    made = [one for one in task["annotations"] or [] if isinstance(one, dict) and not one.get("was_cancelled")]
    results = made[-1].get("result") if made else []
    notes = [f"{len(made)} people's or versions' annotations, of which the last is taken"] if len(made) > 1 else []
    columns = {"start": "start", "end": "end", "label": "label"}
    reader = EventReader(columns, file.moment, timed=False, has_halves=False, left_out=("end",))
    events = [reader.read(place, row) for index, result in enumerate(results if isinstance(results, list) else [])
              for place in [f"{where}: result[{index}]"] for row in _rows(place, result)]
    return file.label_set(path_names(video.partition("?")[0]), events, False, notes=tuple(notes))


def _rows(where: str, result: Any) -> list[dict[str, Any]]:
    """A row for each range and label, whose start and end count from 0."""
    if not isinstance(result, dict) or result.get("type") != "timelinelabels":
        return []
    value = result.get("value") if isinstance(result.get("value"), dict) else {}
    ranges, labels = value.get("ranges"), value.get("timelinelabels")
    if not isinstance(ranges, list) or not isinstance(labels, list):
        raise UserError(f"{where}: value is {shown(value)}; it must have ranges and timelinelabels")
    rows = []
    for one in ranges:
        ends = {end: whole_number(one.get(end)) for end in ("start", "end")} if isinstance(one, dict) else {"": None}
        if None in ends.values():
            raise UserError(f"{where}: a range is {shown(one)}; it must have start and end, which are frames from 1 on")
        rows += [{end: frame - 1 for end, frame in ends.items()} | {"label": str(label)} for label in labels]
    return rows
