"""Label Studio's JSON: tasks with the ranges of a video's timeline, in frames counted from 1."""

from __future__ import annotations

from typing import Any

from label_forms.fields import choose_instant
from label_forms.sets import LabelFile, LabelledEvent, LabelSet, path_names
from util.entries import clean_label, label_fault, shown, whole_number
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
    events = [event for index, result in enumerate(results if isinstance(results, list) else [])
              for event in _events(f"{where}: result[{index}]", result, file.instant_of("labelstudio"))]
    return LabelSet(file.path, "labelstudio", path_names(video.partition("?")[0]), tuple(events), fps=file.label_fps,
                    fps_from="option" if file.label_fps else "", read=len(events), notes=tuple(notes))


def _events(where: str, result: Any, instant: str) -> list[LabelledEvent]:
    if not isinstance(result, dict) or result.get("type") != "timelinelabels":
        return []
    value = result.get("value") if isinstance(result.get("value"), dict) else {}
    ranges, labels = value.get("ranges"), value.get("timelinelabels")
    if not isinstance(ranges, list) or not isinstance(labels, list):
        raise UserError(f"{where}: value is {shown(value)}; it must have ranges and timelinelabels")
    events = []
    for one in ranges:
        ends = [whole_number(one.get(end)) for end in ("start", "end")] if isinstance(one, dict) else [None]
        if None in ends:
            raise UserError(f"{where}: a range is {shown(one)}; it must have start and end, which are frames from 1 on")
        frame = choose_instant(ends, instant, timed=False) - 1
        for label in map(clean_label, map(str, labels)):
            if fault := label_fault(label):
                raise UserError(f"{where}: {fault}")
            events.append(LabelledEvent(f"{where.rsplit(': ', 1)[1]} (frame {frame})", frame,
                                        {"frame": None, "label": label}))
    return events
