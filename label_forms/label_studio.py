"""Label Studio's JSON: tasks with the ranges of a video's timeline, in frames counted from 1."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from label_forms.fields import EventReader
from label_forms.sets import LabelFile, LabelSet, path_names
from util.entries import shown, whole_number
from util.errors import UserError

_CHOICES = ("choices", "textarea")  # types of results that add something to a range


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
    return [_read_task(file, task, f"{file.path}: [{index}]") for index, task in enumerate(tasks)]


def _read_task(file: LabelFile, task: Any, where: str) -> LabelSet:
    if not is_label_studio(task):
        raise UserError(f"{where}: must be a task with data and annotations")
    data = task["data"] if _is_task(task) else task
    video = next((value for value in data.values() if isinstance(value, str) and "." in value), None)
    if video is None:
        raise UserError(f"{where}: its data names no video")
    made = [one for one in task.get("annotations") or [] if isinstance(one, dict) and not one.get("was_cancelled")]
    results = (made[-1].get("result") if made else []) if _is_task(task) else _short_results(task)
    results = results if isinstance(results, list) else []
    notes = [f"{len(made)} people's or versions' annotations, of which the last is taken"] if len(made) > 1 else []
    more = _choices(results)
    columns = {"start": "start", "end": "end", "label": "label", "team": "team"}
    reader = EventReader(columns, file.moment, timed=False, has_halves=False, left_out=("end",))
    events = [reader.read(place, more.get(str(result.get("id")), {}) | row) for index, result in enumerate(results)
              if isinstance(result, dict) for place in [f"{where}: result[{index}]"] for row in _rows(place, result)]
    return file.label_set(_video_names(video), events, False, notes=tuple(notes))


def _video_names(video: str) -> tuple[str, ...]:
    """What the video may be called: its address may have a key behind it, or the path of a local file."""
    address, _, query = video.partition("?")
    local = next((part[2:] for part in query.split("&") if part.startswith("d=")), None)
    return path_names(unquote(local or address))


def _choices(results: list[Any]) -> dict[Any, dict[str, str]]:
    """What was chosen or written for each range, by its id: {"team": "RED"}."""
    chosen: dict[Any, dict[str, str]] = {}
    for result in (one for one in results if isinstance(one, dict) and one.get("type") in _CHOICES):
        value = result.get("value")
        given = next((value[key] for key in ("choices", "text") if key in value), []) if isinstance(value, dict) else []
        if isinstance(given, list) and isinstance(result.get("id"), str):
            chosen.setdefault(result["id"], {})[str(result.get("from_name"))] = ", ".join(map(str, given))
    return chosen


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
