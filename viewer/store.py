"""The labels that are edited: Labels/<video>.json, read and written for the page, each state with its revision."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from label_forms.clock import Clock, clock_of
from label_forms.forms import parse_label_file
from label_forms.sets import LabelSet
from label_forms.timeline import extracted_keys
from util.entries import MAX_FRAMES, as_place, check_entry, check_events, place_fault, shown, unknown_class
from util.errors import UserError
from util.events import SIDES, Event
from util.io import parse_json, whole_file, write_json
from util.lock import exclusive
from viewer.viewed_videos import ViewedVideo

MOST_VALUES = 100  # of a field, that are offered
SAVING = 10  # seconds to wait for another view.py that saves
NO_FILE = "none"  # the revision of a video that has no label file yet

# As the page has it: {"frame": extracted, "label", "keys": {name: JSON of its value} of the further keys, "at": frame
# in the file or None}. Values stay text, as a number of many digits would not survive the page.
PageEvent = dict[str, Any]


class Stale(Exception):
    """Somebody else wrote the labels in between."""


@dataclass(frozen=True, eq=False)
class PageLabels:
    """The labels of a video as the page has them, on extracted frames."""

    events: list[PageEvent]  # by frame
    rejected: list[PageEvent]  # what a model proposed and a person refused
    labelled: list[list[int]] | None  # [first, last] of what is labelled; None: all


@dataclass(frozen=True, eq=False)
class LabelState(PageLabels):
    """The labels of a video at one time; the same object until they change, by which what follows is kept."""

    revision: str
    source: str  # where they come from: "file", "split", or "none"


class LabelStore:
    """Reads and writes the label files of some videos, for pages that may be several."""

    def __init__(self, folder: Path, videos: Sequence[ViewedVideo], classes: Sequence[str]) -> None:
        self.folder, self.videos, self.classes = folder, videos, classes
        self._lock = threading.Lock()
        self._states: dict[int, tuple[tuple, LabelState]] = {}  # by video, with what tells the file from an earlier one

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
            self._states[index] = known = identity, self._read_now(index)[0]
        return known[1]

    def states(self) -> tuple[LabelState, ...]:
        """The labels of all videos as they are now; errors as of `read`."""
        return tuple(map(self.read, range(len(self.videos))))

    def write(self, index: int, revision: str, now: PageLabels) -> LabelState:
        """Put the labels of a video in place of those of `revision`, whole or not at all.

        What stood there before the first change is kept beside it, as <video>.json.orig.

        Raises:
            Stale: they have another revision by now.
            UserError: the file cannot be written, or what stands there is not what it must be.
        """
        path = self.path(index)
        with self.locked():
            state, labels = self._read_now(index)
            if state.revision != revision:
                raise Stale
            self._keep_first(index)
            write_json(path, _entry(self.videos[index], labels, now, self.classes))
            return self.read(index)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other writer of label files out while the block runs.

        Raises:
            UserError: another view.py goes on writing, or the folder cannot be written to.
        """
        with self._lock, exclusive(self.folder, "view.py saving labels", wait=SAVING):
            yield

    def _identity(self, index: int) -> tuple:
        """What another content of the file would change; empty where there is none."""
        try:
            stat = self.path(index).stat()
        except (FileNotFoundError, NotADirectoryError):
            return ()
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def _read_now(self, index: int) -> tuple[LabelState, LabelSet | None]:
        """The labels of a video, and its label file if there is one: revision and events of one reading."""
        path, video = self.path(index), self.videos[index]
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return self._of_split(index), None
        labels = parse_label_file(path, content)
        record = _record(video, labels)
        clock = clock_of(labels, record)
        _check(labels, clock, self.classes)
        events = [_page_event(e.fields, clock.frame_of(e.position), None if labels.seconds else e.position)
                  for e in labels.events]
        keys = extracted_keys(labels, record)
        rejected = [_page_event(event, frame, event["frame"])
                    for event, frame in keys.get("rejected", ()) if event["label"] in self.classes]
        revision = hashlib.sha1(content).hexdigest()[:16]
        return LabelState(_by_frame(events), _by_frame(rejected), keys.get("labelled"), revision, "file"), labels

    def _of_split(self, index: int) -> LabelState:
        video = self.videos[index]
        events, rejected = ([_page_event(event, event["frame"], None) for event in listed]
                            for listed in (video.truth, video.rejected))
        return LabelState(_by_frame(events), _by_frame(rejected), video.labelled, NO_FILE,
                          "split" if video.split else "none")

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
            write_json(first, _entry(self.videos[index], None, self._of_split(index), self.classes))


def check_page_labels(asked: Mapping[str, Any], video: ViewedVideo, classes: Sequence[str]) -> PageLabels:
    """Labels as a page may send them.

    Raises:
        ValueError: they are something else.
    """
    events, rejected = (_check_events(asked.get(key, []), video, classes) for key in ("events", "rejected"))
    entry = {"num_frames": video.num_frames, "events": [], "labelled": asked.get("labelled")}
    checked, problems = check_entry(entry, "the labels", label_file=True)
    for problem in problems:
        raise ValueError(problem.message)
    return PageLabels(events, rejected, checked.content.get("labelled"))


def _check_events(events: Any, video: ViewedVideo, classes: Sequence[str]) -> list[PageEvent]:
    if not isinstance(events, list):
        raise ValueError("events must be a list")
    checked, _, problems = check_events(events, "the labels", video.num_frames, classes)
    for problem in problems:
        raise ValueError(f"{problem.where}: {problem.message}")
    for event in checked:
        at, keys = event.get("at"), event.get("keys")
        if at is not None and (type(at) is not int or not 0 <= at < MAX_FRAMES):
            raise ValueError(f"{shown(at)} is no frame of the file")
        if not isinstance(keys, dict) or not keys.keys().isdisjoint(("frame", "label")) or not all(
                isinstance(value, str) for value in keys.values()):
            raise ValueError("keys must be an object of texts without frame and label")
        for name, value in keys.items():
            parse_json(json.dumps(name))
            parsed = parse_json(value)
            if name == "xy" and (fault := place_fault(as_place(parsed))):
                raise ValueError(fault)
    return checked


def known_fields(events: Sequence[Sequence[PageEvent]], same_match: Sequence[bool]) -> dict[str, Any]:
    """What further fields labels have, {"values": {name: [text, ...]}, the most frequent first, "named": whether some
    team is a name and not a side}.

    Args:
        events: of each video.
        same_match: whether a video is of the match that is looked at: teams are listed of that one alone.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    teams = set()
    for listed, same in zip(events, same_match, strict=True):
        for event in listed:
            for name, value in event["keys"].items():
                text = json.loads(value)
                if isinstance(text, str):
                    teams |= {text} if name == "team" else set()
                    counts[name][text] += 1 if same or name != "team" else 0
    values = {name: [text for text, number in counter.most_common(MOST_VALUES) if number]
              for name, counter in sorted(counts.items(), key=lambda item: -item[1].total())}
    return {"values": values, "named": not teams <= set(SIDES)}


def _check(labels: LabelSet, clock: Clock, classes: Collection[str]) -> None:
    """Raise a UserError that names the first event that is not in the video, or is of none of the classes."""
    for event in labels.events:
        if not clock.holds(event.position):
            raise UserError(f"{labels.path}: {event.place}: {event.fields['label']} is not in the video, whose frames "
                            f"are 0 to {len(clock.counted) - 1}; correct it")
        if event.fields["label"] not in classes:
            fault = "; ".join(unknown_class(event.fields["label"], classes))
            raise UserError(f"{labels.path}: {event.place}: {fault}")


def _record(video: ViewedVideo, labels: LabelSet) -> dict[str, Any]:
    """video.json, or where there is none one that says that the frames are all there is."""
    if video.record:
        return video.record
    fps = video.fps or labels.fps or 1.0
    return {"num_frames": video.num_frames, "fps": fps, "source_frames": video.num_frames, "source_fps": fps}


def _page_event(fields: Event, frame: int, at: int | None) -> PageEvent:
    keys = {key: json.dumps(value) for key, value in fields.items() if key not in ("frame", "label")}
    return {"frame": frame, "label": fields["label"], "keys": keys, "at": at}


def plain_event(event: PageEvent) -> Event:
    """An event of the page as others have it: frame, label, and its further keys."""
    return {"frame": event["frame"], "label": event["label"],
            **{name: json.loads(value) for name, value in event["keys"].items()}}


def _by_frame(events: Sequence[PageEvent]) -> list[PageEvent]:
    return sorted(events, key=lambda event: event["frame"])


def _entry(
    video: ViewedVideo, labels: LabelSet | None, now: PageLabels, classes: Collection[str]
) -> dict[str, Any]:
    """What is to stand in the label file: the labels as they are now, with all else that stood there.

    A file goes on counting the frames that it counted, so that what is not edited stays as exact as it was. A new
    one counts the extracted frames and says so by their rate.
    """
    events, rejected, ranges = _by_frame(now.events), _by_frame(now.rejected), now.labelled or []
    keys = dict(labels.keys) if labels else {"video": video.name, **video.about}
    clock = clock_of(labels, _record(video, labels)) if labels else None
    positions = [_position(event, clock) for event in (*events, *rejected)]
    spans = [_span(first, last, clock) for first, last in ranges]
    if None in positions or None in spans:  # the file counts times, or not every extracted frame has a number in it
        positions, spans, labels = [event["frame"] for event in (*events, *rejected)], ranges, None
        keys.pop("num_frames", None)
    if labels is None:
        keys.pop("fps", None)
        if video.fps:
            keys["fps"] = video.record["fps"] if video.record else video.fps
    if "num_events" in keys:
        keys["num_events"] = len(events)
    written = [plain_event(event) | {"frame": position}
               for event, position in zip((*events, *rejected), positions, strict=True)]
    nothing = [] if keys.get("labelled") == [] else None  # which stays, until something is
    unseen = labels.keys.get("rejected", ()) if labels else ()  # of classes that the page does not know
    rejected = written[len(events) :] + [event for event in unseen if event["label"] not in classes]
    further = {"labelled": spans or nothing, "rejected": rejected or None}
    keys = {key: value for key, value in (keys | further).items() if value is not None}
    return keys | {"events": written[: len(events)]}


def _position(event: PageEvent, clock: Clock | None) -> int | None:
    """The frame in a file that is shown as the event's: the one that stood there, if it still is."""
    frame, at = event["frame"], event.get("at")
    if clock is None or not clock.converts:
        return frame
    if clock.seconds:
        return None
    near = clock.counted.frame_at(clock.shown.time_of(frame))
    candidates = [position for position in (at, near, near + 1) if position is not None and clock.holds(position)]
    return next((position for position in candidates if clock.frame_of(position) == frame), None)


def _span(first: int, last: int, clock: Clock | None) -> list[int] | None:
    """All frames in a file that are shown as the frames from first to last."""
    ends = [_position({"frame": frame}, clock) for frame in (first, last)]
    if None in ends or clock is None or not clock.converts:
        return None if None in ends else ends
    while ends[0] > 0 and clock.frame_of(ends[0] - 1) == first:
        ends[0] -= 1
    while clock.holds(ends[1] + 1) and clock.frame_of(ends[1] + 1) == last:
        ends[1] += 1
    return ends
