"""Label Studio's JSON: tasks with the ranges of a video's timeline, in frames counted from 1."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from urllib.parse import unquote

from label_forms.fields import EventReader, Row
from label_forms.sets import LabelFile, LabelSet, path_names
from util.entries import shown, whole_number
from util.errors import UserError

_COLUMNS = {name: name for name in ("start", "end", "label", "team")}


def is_label_studio(content: Any) -> bool:
    listed = content if isinstance(content, list) else [content]
    return bool(listed) and all(_is_task(task) or bool(_short_results(task)) for task in listed)


def _is_task(task: Any) -> bool:
    return isinstance(task, dict) and isinstance(task.get("data"), dict) and (
        isinstance(task.get("annotations", ""), list | None))


def _short_results(task: Any) -> list[Any]:
    """The results of a task in "JSON-MIN", where they stand under the name of their tag."""
    lists = [value for value in task.values() if isinstance(value, list)] if isinstance(task, dict) else []
    return [{"type": "timelinelabels", "value": one} for value in lists for one in value
            if isinstance(one, dict) and "timelinelabels" in one]


def read_label_studio(file: LabelFile) -> list[LabelSet]:
    """A label set for each task."""
    tasks = file.content if isinstance(file.content, list) else [file.content]
    return [_read_task(file, task, f"[{index}]") for index, task in enumerate(tasks)]


def _read_task(file: LabelFile, task: Any, where: str) -> LabelSet:
    if not is_label_studio(task):
        raise UserError(f"{file.path}: {where}: must be a task with data and annotations")
    data = task["data"] if _is_task(task) else task
    video = next((value for value in data.values() if isinstance(value, str) and "." in value), None)
    if video is None:
        raise UserError(f"{file.path}: {where}: its data names no video")
    made = [one for one in task.get("annotations") or [] if isinstance(one, dict) and not one.get("was_cancelled")]
    results = (made[-1].get("result") if made else []) if _is_task(task) else _short_results(task)
    notes = [f"{len(made)} people's or versions' annotations, of which the last is taken"] if len(made) > 1 else []
    ranges, more = [], defaultdict(dict)  # by the id of the range that is chosen or written for: {"team": "RED"}
    for index, result in enumerate(results if isinstance(results, list) else ()):
        match result:
            case {"type": "timelinelabels"}:
                ranges += _rows(file, f"{where}: result[{index}]", result)
            case {"type": "choices" | "textarea", "id": str(of), "value": {"choices": [*given]} | {"text": [*given]}}:
                more[of][str(result.get("from_name"))] = ", ".join(map(str, given))
    rows = [(place, more.get(str(row.pop("id")), {}) | row) for place, row in ranges]
    address, _, query = video.partition("?")  # which may have a key, or the path of a local file
    local = next((part[2:] for part in query.split("&") if part.startswith("d=")), None)
    reader = EventReader(file, rows, _COLUMNS, timed=False, left_out=("end",))
    return reader.label_set(path_names(unquote(local or address)), notes=notes)


def _rows(file: LabelFile, place: str, result: dict[str, Any]) -> list[tuple[str, Row]]:
    """A row for each range and label, whose start and end count from 0."""
    value = result.get("value") if isinstance(result.get("value"), dict) else {}
    ranges, labels = value.get("ranges"), value.get("timelinelabels")
    if not isinstance(ranges, list) or not isinstance(labels, list):
        raise UserError(f"{file.path}: {place}: value is {shown(value)}; it must have ranges and timelinelabels")
    rows = []
    for one in ranges:
        ends = [whole_number(one.get(end)) if isinstance(one, dict) else None for end in ("start", "end")]
        if None in ends:
            raise UserError(f"{file.path}: {place}: a range is {shown(one)}; it must have start and end, which are "
                            "frames from 1 on")
        rows += [(place, {"start": ends[0] - 1, "end": ends[1] - 1, "label": str(label), "id": result.get("id")})
                 for label in labels]
    return rows
