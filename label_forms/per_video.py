"""Labels of single videos as JSON: our own, and what is written like them.

    {"fps": 30, "events": [{"frame": 120, "label": "PASS"}]}            <video>.json, an annotator's
    [{"video": "a_b_1", "num_frames": 4532, "events": [...]}, ...]      a split (of E2E-Spot too), or predictions
    {"frame": 120, "label": "PASS"}                                     events by themselves: a list, or a line each

An event has a frame, a time, or a start and an end, see fields.py.
"""

from __future__ import annotations

from typing import Any

from label_forms.fields import WHEN, EventReader, columns_of, tells_events
from label_forms.sets import LabelFile, LabelSet, path_names
from util.entries import check_entry, composed, raise_first, shown
from util.errors import UserError, number_of


def is_event(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("video"), str | None) and (
        value.keys().isdisjoint(("events", "annotations")) and tells_events(columns_of(value)))


def fits(content: Any) -> bool:
    """Whether it is an entry, a list of entries, an event or a list of events."""
    listed = content if isinstance(content, list) else [content]
    return all(isinstance(one, dict) and ("events" in one or is_event(one)) for one in listed)


def read_video(file: LabelFile) -> list[LabelSet]:
    """
    Raises:
        UserError: it is no such file.
    """
    entries = file.content if isinstance(file.content, list) else [file.content]
    if all(map(is_event, entries)):  # by themselves: of one video, or of those that they name
        videos = {event.get("video"): None for event in entries}
        entries = [{"video": video, "events": [event for event in entries if event.get("video") == video]}
                   for video in videos] if any(videos) else [{"events": entries}]
    alone = len(entries) == 1
    return [_read_entry(file, entry, "" if alone and entries is not file.content else f"entry {index}: ", alone)
            for index, entry in enumerate(entries)]


def _read_entry(file: LabelFile, entry: Any, where: str, alone: bool) -> LabelSet:
    """`alone`: the file holds no other entry, so that it may be named as its video is."""
    path = f"{file.path}: {where}".removesuffix(": ")
    if not isinstance(entry, dict):
        raise UserError(f'{path}: must be such as {{"events": [{{"frame": 120, "label": "PASS"}}]}}')
    video, listed = entry.get("video"), entry.get("events")
    if not (isinstance(video, str) and video.strip()) and (video is not None or not alone):
        raise UserError(f"{path}: video is {shown(video)}; it must name the video")
    about = {key: value for key, value in entry.items() if key != "video"}
    checked, problems = check_entry(about | {"events": [] if isinstance(listed, list) else listed}, path,
                                    label_file=True)
    raise_first(problems)
    rows = []
    for index, event in enumerate(listed):
        if not isinstance(event, dict):
            raise UserError(f"{path}: events[{index}]: must be an object with frame and label")
        match event:
            case {"segment": [start, end], **others}:
                event = others | {"start": start, "end": end}
        rows.append((f"{where}events[{index}]", event))
    columns = {"label": "label"} | columns_of(name for _, row in rows for name in row)
    if columns.get("video") != "video":
        columns.pop("video", None)
    if columns.keys().isdisjoint(WHEN):
        columns["frame"] = "frame"
    keys = {key: value for key, value in checked.content.items() if key != "events"}
    stated, doubts = keys.get("num_events"), []
    if stated not in (None, len(rows)):
        doubts.append(f"{path}: num_events is {shown(stated)}, but it has {number_of(len(rows), 'event')}; is the list "
                      "whole? Events may have been lost")
    by_path, by_entry = file.own_names() if alone else (), path_names(video) if video else ()
    if video and alone and not file.alone and not {*map(composed, by_path)} & {*by_entry}:
        doubts.append(f"{path}: its video is {video!r}, but it lies where the labels of {file.name!r} do; if there is "
                      f"a video {file.name!r}, it is taken for that")
    return EventReader(file, rows, columns).label_set(
        by_entry + by_path if file.alone else by_path + by_entry, fps=keys.get("fps"),
        keys=keys | ({"video": video} if video else {}), warnings=tuple(doubts))
