"""Labels read leniently: whatever can be read of a dataset, and a finding for each thing that cannot.

What `read_split` would refuse is an error here, in whatever number; nothing is raised but for a missing dataset.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from checks.findings import Finding
from dataset.labels import SPLITS, dataset_dir, read_classes, shown
from dataset.matches import matches_of
from util.errors import UserError
from util.io import read_json

MAX_FRAMES = 10**9  # of a video that there can be


@dataclass(frozen=True)
class LabelledVideo:
    """An entry of a split, with those of its events that can be taken for events."""

    name: str
    split: str
    where: str  # file and video, for a message
    num_frames: int
    fps: float | None = None  # frames per second; None where it is unknown
    size: tuple[int, int] | None = None  # width and height in pixels; None where they are unknown
    events: list[dict] = field(default_factory=list)  # in the order of the file
    indices: list[int] = field(default_factory=list)  # of the events in the file's list

    @cached_property
    def frames(self) -> np.ndarray:
        """int64 (N,), the events' frames in the order of the file."""
        return np.array([event["frame"] for event in self.events], np.int64)

    def place(self, event: int) -> str:
        """Where the event is that stands at `event` in `events`."""
        return f"{self.where}: events[{self.indices[event]}] (frame {self.events[event]['frame']})"


@dataclass(frozen=True)
class Labels:
    """A dataset as far as it can be read."""

    folder: Path
    classes: list[str]  # none where class.txt cannot be read
    splits: list[str]  # those that there are: train, val, test, then others
    videos: list[LabelledVideo]  # of all splits, in the order of the files
    findings: list[Finding]  # what reading met with

    def of_split(self, split: str) -> list[LabelledVideo]:
        return [video for video in self.videos if video.split == split]

    @cached_property
    def match_of(self) -> dict[str, str]:
        """The match of each video, by name."""
        return matches_of({video.name for video in self.videos})

    @cached_property
    def recording_of(self) -> dict[str, str]:
        """What each video was cut from: names that end in _<first frame>_<frame past the last> tell it; by name."""
        found = {}
        for video in self.videos:
            recording, *ends = video.name.rsplit("_", 2)
            cut = len(ends) == 2 and all(end.isdecimal() for end in ends)
            is_clip = cut and int(ends[1]) - int(ends[0]) == video.num_frames
            found[video.name] = recording if is_clip else video.name
        return found

    def matches(self) -> dict[str, list[LabelledVideo]]:
        """The videos of each match."""
        found: dict[str, list[LabelledVideo]] = defaultdict(list)
        for video in self.videos:
            found[self.match_of[video.name]].append(video)
        return found


def read_labels(dataset: str, splits: Collection[str] | None = None) -> Labels:
    """Read class.txt and the splits of a dataset; all that there are by default.

    Raises:
        UserError: no such dataset.
    """
    folder = dataset_dir(dataset)
    findings: list[Finding] = []
    classes: list[str] = []
    try:
        classes = read_classes(dataset)
    except UserError as error:
        if not folder.is_dir():
            raise
        findings.append(_file_finding("error", "class-file", error, folder / "class.txt"))
    if folder.is_relative_to(Path.cwd()):  # shorter, in messages
        folder = folder.relative_to(Path.cwd())
    found = sorted((path.stem for path in folder.glob("*.json")), key=_split_order)
    found = [split for split in found if splits is None or split in splits]
    videos = [video for split in found
              for video in _read_split(folder / f"{split}.json", frozenset(classes), findings)]
    for split in SPLITS:
        if split not in found and splits is None:
            findings.append(Finding("warning", "split-missing", str(folder / f"{split}.json"), "there is no such file",
                                    "train is learned from, val chooses the epoch and the threshold, test is reported"))
    return Labels(folder, classes, found, videos, findings)


def _split_order(split: str) -> tuple[int, str]:
    return (SPLITS.index(split) if split in SPLITS else len(SPLITS)), split


def _file_finding(level: str, check: str, error: UserError, path: Path) -> Finding:
    return Finding(level, check, str(path), str(error).removeprefix(f"{path}: "))


def _read_split(path: Path, classes: Collection[str], findings: list[Finding]) -> list[LabelledVideo]:
    level = "error" if path.stem in SPLITS else "warning"  # another file may be no split at all
    try:
        entries = read_json(path)
    except UserError as error:
        findings.append(_file_finding(level, "no-json", error, path))
        return []
    if not isinstance(entries, list) or not entries:
        message = "has no video in it; add one, or remove the file" if entries == [] else \
            "must be a list with an entry for each video"
        findings.append(Finding(level, "no-list", str(path), message))
        return []
    videos: dict[str, LabelledVideo] = {}
    for index, entry in enumerate(entries):
        video = _read_entry(entry, index, path, classes, findings)
        if video is not None and video.name in videos:
            findings.append(Finding("error", "video-twice", video.where,
                                    f"stands there twice, the second time as entry {index}",
                                    "what is an event in one entry is background in the other; join the two"))
        elif video is not None:
            videos[video.name] = video
    return list(videos.values())


def _read_entry(
    entry: Any, index: int, path: Path, classes: Collection[str], findings: list[Finding]
) -> LabelledVideo | None:
    where = f"{path}: entry {index}"
    if isinstance(entry, dict) and isinstance(entry.get("video"), str) and entry["video"]:
        where = f"{path}: video {entry['video']!r}"
    problem = _entry_problem(entry)
    if problem:
        findings.append(Finding("error", "entry-malformed", where, problem))
        return None
    video = as_video(entry, path.stem, where)
    for number, event in enumerate(entry["events"]):
        problem = _event_problem(event, video.num_frames, classes)
        if problem:
            check, message, advice = problem
            at = f" (frame {event['frame']})" if isinstance(event, dict) and "frame" in event else ""
            findings.append(Finding("error", check, f"{where}: events[{number}]{at}", message, advice))
        else:
            video.events.append(event)
            video.indices.append(number)
    stated = entry.get("num_events", len(entry["events"]))
    if stated != len(entry["events"]):
        findings.append(Finding(
            "warning", "num-events", where, f"num_events is {shown(stated)}, but it has {len(entry['events'])} events",
            "num_events itself is not used; but is the list whole? Events may have been lost, or dealt over splits",
        ))
    return video


def as_video(entry: dict, split: str = "", where: str = "") -> LabelledVideo:
    """An entry that `read_split` would take, without its events."""
    fps, size = entry.get("fps", -1), (entry.get("width"), entry.get("height"))
    known = all(type(side) is int and side > 0 for side in size)
    return LabelledVideo(entry["video"], split, where or f"video {entry['video']!r}", entry["num_frames"],
                         fps if 0 < fps < MAX_FRAMES else None, size if known else None)


def _entry_problem(entry: Any) -> str | None:
    """What makes it no entry of a split."""
    if not isinstance(entry, dict):
        return "must be an object with video, num_frames and events"
    name, num_frames, fps = entry.get("video"), entry.get("num_frames"), entry.get("fps", -1)
    if not isinstance(name, str) or not name:
        return "has no video; it names the folder of the frames"
    if "\\" in name or PureWindowsPath(name).drive or not {"", ".", ".."}.isdisjoint(name.split("/")):
        return "is no path below the frame folder, with / between folders; rename it"
    if type(num_frames) is not int or not 0 < num_frames < MAX_FRAMES:  # a bool is an int to isinstance
        return f"num_frames is {shown(num_frames)}; it must be a whole number above 0"
    if type(fps) not in (int, float):
        return f"fps is {shown(fps)}; it must be a number, -1 if unknown"
    if not isinstance(entry.get("events"), list):
        return "events must be a list, [] if there are none"
    return None


def _event_problem(event: Any, num_frames: int, classes: Collection[str]) -> tuple[str, str, str] | None:
    """What makes it no event of a video: kind, message and advice."""
    if not isinstance(event, dict):
        return "event-malformed", "must be an object with frame and label", ""
    frame, label = event.get("frame"), event.get("label")
    if type(frame) is not int:
        return "event-malformed", f"frame is {shown(frame)}; it must be a whole number", ""
    if not isinstance(label, str) or not label.strip():
        return "event-malformed", f"label is {shown(label)}; it must be a class name", ""
    if not 0 <= frame < num_frames:
        return ("event-past-end", f"{label} is not in the video, whose frames are 0 to {num_frames - 1}",
                "was it labelled at another rate, or in both halves counted as one? Convert the frame numbers")
    if classes and label not in classes:
        return ("unknown-class", f"{label!r} is not in class.txt",
                f"class.txt has {', '.join(sorted(classes))}; correct the label, or add the class there")
    return None
