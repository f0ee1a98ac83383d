"""Labels of single videos as JSON: our own, and what is written like them.

    {"fps": 30, "events": [{"frame": 120, "label": "PASS"}]}            <video>.json, an annotator's
    [{"video": "a_b_1", "num_frames": 4532, "events": [...]}, ...]      a split (of E2E-Spot too), or predictions
    {"frame": 120, "label": "PASS"}                                     events by themselves: a list, or a line each

An event has a frame, a time, or a start and an end, see fields.py.
"""

from __future__ import annotations

from typing import Any

from label_forms.fields import EventReader, columns_of
from label_forms.sets import LabelFile, LabelSet, path_names
from util.entries import check_entry, composed, raise_first, shown
from util.errors import UserError, number_of


def is_event(value: Any) -> bool:
    return isinstance(value, dict) and "events" not in value and "annotations" not in value and (
        "label" in (columns := columns_of(value))) and not columns.keys().isdisjoint(("frame", "time", "start"))


def fits(content: Any) -> bool:
    """Whether it is an entry, a list of entries, an event or a list of events."""
    listed = content if isinstance(content, list) else [content]
    return all(isinstance(one, dict) and ("events" in one or is_event(one)) for one in listed)


def read_video(file: LabelFile) -> list[LabelSet]:
    """
    Raises:
        UserError: it is no such file.
    """
    content = file.content
    if is_event(content):
        content = [content]
    if isinstance(content, list) and (not content or all(map(is_event, content))):
        content = _by_video(content)
    if not isinstance(content, list):
        return [_read_entry(file, content, str(file.path), alone=True)]
    return [_read_entry(file, entry, f"{file.path}: entry {index}", alone=len(content) == 1)
            for index, entry in enumerate(content)]


def _by_video(events: list[dict]) -> Any:
    """An entry of events by themselves, or one for each video that they name."""
    videos = {event.get("video"): None for event in events}
    if not any(videos):
        return {"events": events}
    return [{"video": video, "events": [event for event in events if event.get("video") == video]} for video in videos]


def _with_ends(event: dict) -> dict:
    """An event with its "segment": [start, end] as start and end."""
    segment = event.get("segment")
    if not isinstance(segment, list) or len(segment) != 2:
        return event
    return {key: value for key, value in event.items() if key != "segment"} | dict(zip(("start", "end"), segment,
                                                                                       strict=True))


def _read_entry(file: LabelFile, entry: Any, where: str, alone: bool) -> LabelSet:
    """`alone`: the file holds no other entry, so that it may be named as its video is."""
    if not isinstance(entry, dict):
        raise UserError(f'{where}: must be such as {{"events": [{{"frame": 120, "label": "PASS"}}]}}')
    video = entry.get("video")
    if video is not None and not (isinstance(video, str) and video.strip()) or (video is None and not alone):
        raise UserError(f"{where}: video is {shown(video)}; it must name the video")
    listed = entry.get("events")
    about = {key: value for key, value in entry.items() if key not in ("video", "events")}
    checked, problems = check_entry(about | {"events": [] if isinstance(listed, list) else listed}, where,
                                    label_file=True)
    raise_first(problems)
    for index, event in enumerate(listed):
        if not isinstance(event, dict):
            raise UserError(f"{where}: events[{index}]: must be an object with frame and label")
    listed = list(map(_with_ends, listed))
    columns = columns_of(name for event in listed for name in event)
    columns = {meaning: column for meaning, column in columns.items() if meaning != "video" or column == "video"}
    columns.setdefault("label", "label")
    if columns.keys().isdisjoint(("frame", "time", "start")):
        columns["frame"] = "frame"
    reader = EventReader.of(listed, columns, file.moment)
    events = [reader.read(f"{where}: events[{index}]", event) for index, event in enumerate(listed)]
    stated = entry.get("num_events", len(events))
    doubts = () if stated in (None, len(events)) else (
        f"{where}: num_events is {shown(stated)}, but it has {number_of(len(events), 'event')}; is the list whole? "
        "Events may have been lost",)
    by_path, by_entry = file.own_names() if alone else (), path_names(video) if video else ()
    if video and alone and not file.alone and not {*map(composed, by_path)} & {*by_entry}:
        doubts += (f"{where}: its video is {video!r}, but it lies where the labels of {file.name!r} do; if there is a "
                   f"video {file.name!r}, it is taken for that",)
    keys = {key: value for key, value in checked.content.items() if key != "events"}
    names = by_entry + by_path if file.alone else by_path + by_entry
    return file.label_set(names, events, reader.timed, keys.get("fps"), keys=keys | ({"video": video} if video else {}),
                          notes=reader.notes(), warnings=doubts)
