"""The labels that are edited: Labels/<video>.json, read and written for the page, each state with its revision."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset.labels import check_classes
from label_forms.forms import read_labels
from label_forms.sets import LabelSet
from label_forms.timeline import clock_of
from util.errors import UserError
from util.events import Event
from util.io import whole_file, write_json
from viewer.videos import ViewedVideo

NO_FILE = "none"  # the revision of a video that has no label file yet

# As the page has it: {"frame": extracted, "label", "keys": JSON of its further keys, "at": frame in the file or None}.
# The keys stay text, as a number of many digits would not survive the page.
PageEvent = dict[str, Any]


class Stale(Exception):
    """Somebody else wrote the labels in between."""


@dataclass(frozen=True)
class LabelState:
    """The labels of a video at one time."""

    revision: str
    source: str  # where they come from: "file", "split", or "none"
    events: list[PageEvent]  # by frame


class LabelStore:
    """Reads and writes the label files of some videos, for pages that may be several."""

    def __init__(self, folder: Path, videos: Sequence[ViewedVideo], classes: Sequence[str]) -> None:
        self.folder, self.videos, self.classes = folder, videos, classes
        self._lock = threading.Lock()
        self._states: dict[int, tuple[tuple, LabelState]] = {}  # by video, with what told the file apart

    def path(self, index: int) -> Path:
        return self.folder / f"{self.videos[index].name}.json"

    def read(self, index: int) -> LabelState:
        """The labels of a video: of its file, or where there is none those of its split.

        Raises:
            UserError: the file is not what it must be, or an event is not in the video or of no known class.
        """
        identity = self._identity(index)
        known = self._states.get(index)
        if known is None or known[0] != identity:
            state = self._read_file(index) if identity else self._of_split(index)
            self._states[index] = known = identity, state
        return known[1]

    def write(self, index: int, revision: str, events: Sequence[PageEvent]) -> LabelState:
        """Put the labels of a video in place of those of `revision`, whole or not at all.

        What stood there before the first change is kept beside it, as <video>.json.orig.

        Raises:
            Stale: they have another revision by now.
            UserError: the file cannot be written, or what stands there is not what it must be.
        """
        with self._lock:
            if self.read(index).revision != revision:
                raise Stale
            path = self.path(index)
            labels = self._parse(index) if path.is_file() else None
            self._keep_first(index)
            write_json(path, _entry(self.videos[index], labels, events))
            return self.read(index)

    def _identity(self, index: int) -> tuple:
        """What another content of the file would change; empty where there is none."""
        try:
            stat = self.path(index).stat()
        except (FileNotFoundError, NotADirectoryError):
            return ()
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def _parse(self, index: int) -> LabelSet:
        path, video = self.path(index), self.videos[index]
        (labels,) = read_labels(path, form="video")
        check_classes({"events": [event.fields for event in labels.events]}, self.classes, path)
        counted = clock_of(labels, _record(video, labels)).length
        for event in labels.events:
            if event.position >= counted:
                raise UserError(f"{path}: {event.place}: past the end of the video, whose last frame is {counted - 1}; "
                                "correct it")
        return labels

    def _read_file(self, index: int) -> LabelState:
        labels, video = self._parse(index), self.videos[index]
        revision = hashlib.sha1(self.path(index).read_bytes()).hexdigest()[:16]
        scale = _scale(labels, video)
        events = [_page_event(e.fields, _shown(e.position, scale, video), e.position) for e in labels.events]
        return LabelState(revision, "file", sorted(events, key=lambda event: event["frame"]))

    def _of_split(self, index: int) -> LabelState:
        truth = self.videos[index].truth
        events = [_page_event(event, event["frame"], None) for event in truth]
        source = "split" if self.videos[index].split else "none"
        return LabelState(NO_FILE, source, sorted(events, key=lambda event: event["frame"]))

    def _keep_first(self, index: int) -> None:
        path = self.path(index)
        first = path.with_name(f"{path.name}.orig")  # no name that prepare_data.py takes for labels
        if first.exists():
            return
        if path.is_file():
            content = path.read_bytes()
            with whole_file(first) as scratch:
                scratch.write_bytes(content)
        else:
            write_json(first, _entry(self.videos[index], None, self._of_split(index).events))


def check_page_events(events: Any, video: ViewedVideo, classes: Sequence[str]) -> list[PageEvent]:
    """Events as a page may send them.

    Raises:
        ValueError: they are something else.
    """
    if not isinstance(events, list):
        raise ValueError("events must be a list")
    for event in events:
        if not isinstance(event, dict):
            raise ValueError("an event must be an object")
        frame, label, at = event.get("frame"), event.get("label"), event.get("at")
        if type(frame) is not int or not 0 <= frame < video.num_frames:
            raise ValueError(f"frame {frame!r} is not in the video")
        if label not in classes:
            raise ValueError(f"{label!r} is no class")
        if at is not None and (type(at) is not int or at < 0):
            raise ValueError(f"{at!r} is no frame of the file")
        keys = json.loads(event["keys"]) if isinstance(event.get("keys"), str) else None
        if not isinstance(keys, dict) or not keys.keys().isdisjoint(("frame", "label")):
            raise ValueError("keys must be an object without frame and label, as text")
    return events


def _scale(labels: LabelSet, video: ViewedVideo) -> float:
    """Extracted frames per frame as the file counts them."""
    return clock_of(labels, _record(video, labels)).scale


def _record(video: ViewedVideo, labels: LabelSet) -> dict[str, Any]:
    """video.json, or where there is none one that says that the frames are all there is."""
    if video.record:
        return video.record
    fps = video.fps or labels.fps or 1.0
    return {"num_frames": video.num_frames, "fps": fps, "source_frames": video.num_frames, "source_fps": fps}


def _shown(position: int, scale: float, video: ViewedVideo) -> int:
    """The extracted frame of a file's frame, as prepare_data.py finds it."""
    return min(round(position * scale), video.num_frames - 1)


def _page_event(fields: Event, frame: int, at: int | None) -> PageEvent:
    keys = {key: value for key, value in fields.items() if key not in ("frame", "label")}
    return {"frame": frame, "label": fields["label"], "keys": json.dumps(keys), "at": at}


def _entry(video: ViewedVideo, labels: LabelSet | None, events: Sequence[PageEvent]) -> dict[str, Any]:
    """What is to stand in the label file: `events`, with all else that stood there.

    A file goes on counting the frames that it counted, so that what is not edited stays as exact as it was. A new
    one counts the extracted frames and says so by their rate.
    """
    events = sorted(events, key=lambda event: event["frame"])
    keys = dict(labels.keys) if labels else {"video": video.name}
    scale, length = (_scale(labels, video), _record(video, labels)["source_frames"]) if labels else (1.0, 0)
    positions = [_position(event, scale, length, video) for event in events]
    if None in positions:  # the file counts at a rate at which not every extracted frame has a number
        positions, labels = [event["frame"] for event in events], None
        keys.pop("num_frames", None)
    if labels is None:
        keys.pop("fps", None)
        if video.fps:
            keys["fps"] = video.record["fps"] if video.record else video.fps
    if "num_events" in keys:
        keys["num_events"] = len(events)
    return keys | {
        "events": [
            {"frame": position, "label": event["label"], **json.loads(event["keys"])}
            for event, position in zip(events, positions, strict=True)
        ]
    }


def _position(event: PageEvent, scale: float, length: int, video: ViewedVideo) -> int | None:
    """The frame in a file of `length` frames that is shown as the event's: the one that stood there, if it still is."""
    frame, at = event["frame"], event["at"]
    if scale == 1:
        return frame
    near = [round(frame / scale), length - 1] if at is None else [at, round(frame / scale), length - 1]
    return next((position for position in near if position < length and _shown(position, scale, video) == frame), None)
