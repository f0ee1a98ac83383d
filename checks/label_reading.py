"""Labels read leniently: whatever can be read of a dataset, and a finding for each thing that cannot.

What `read_split` would refuse is an error here, in whatever number; nothing is raised but for a missing dataset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from checks.findings import Finding
from dataset.labels import SPLITS, dataset_dir, read_classes
from util.entries import check_split, whole_number
from util.errors import UserError
from util.io import read_json
from util.matches import matches_of


@dataclass(frozen=True)
class LabelledVideo:
    """An entry of a split, with those of its events that can be taken for events."""

    name: str
    split: str
    where: str  # file and video, for a message
    num_frames: int
    fps: float | None = None  # frames per second; None where it is unknown
    size: tuple[int, int] | None = None  # width and height in pixels; None where they are unknown
    events: list[dict] = field(default_factory=list)  # those that are valid, in the order of the file
    indices: list[int] = field(default_factory=list)  # of these events in the file's list
    labelled: list[list[int]] | None = None  # first and last frame of what is labelled; None: all of it

    @cached_property
    def frames(self) -> np.ndarray:
        """int64 (N,), the events' frames in the order of the file."""
        return np.array([event["frame"] for event in self.events], np.int64)

    @property
    def labelled_part(self) -> LabelledVideo:
        """As if the video had no other frames than those that are labelled, and the events on them."""
        if self.labelled is None:
            return self
        at = np.concatenate([np.zeros(0, int), *(np.arange(first, last + 1) for first, last in self.labelled)])
        place = dict(zip(at.tolist(), range(len(at)), strict=True))
        events = [event | {"frame": place[event["frame"]]} for event in self.events if event["frame"] in place]
        return replace(self, num_frames=len(at), events=events, indices=[], labelled=None)

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
    def events(self) -> pd.DataFrame:
        """All events in the order of the files: video (its place in `videos`), event (its place in the video's events),
        split, fps (NaN: unknown), frame and label."""
        rows = [(at, index, video.split, video.fps, event["frame"], event["label"])
                for at, video in enumerate(self.videos) for index, event in enumerate(video.events)]
        table = pd.DataFrame(rows, columns=["video", "event", "split", "fps", "frame", "label"])
        return table.astype({"video": int, "event": int, "fps": float, "frame": int})

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

    @cached_property
    def table(self) -> pd.DataFrame:
        """All videos in the order of the files: name, split, where, num_frames, and what each is a part of: its match
        and recording."""
        rows = [(video.name, video.split, video.where, video.num_frames, self.match_of[video.name],
                 self.recording_of[video.name]) for video in self.videos]
        return pd.DataFrame(rows, columns=["name", "split", "where", "num_frames", "match", "recording"])


def read_dataset(dataset: str) -> Labels:
    """Read class.txt and all splits of a dataset.

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
        findings.append(_of_file("error", "class-file", error, folder / "class.txt"))
    if folder.is_relative_to(Path.cwd()):  # shorter, in messages
        folder = folder.relative_to(Path.cwd())
    found = [path.stem for path in folder.glob("*.json")]
    found = [split for split in SPLITS if split in found] + sorted({*found} - {*SPLITS})
    videos = []
    for path in (folder / f"{split}.json" for split in found):
        level = "error" if path.stem in SPLITS else "warning"  # another file may be no split at all
        try:
            entries, problems = check_split(read_json(path), path, frozenset(classes) or None)
        except UserError as error:
            entries, problems = [], [_of_file(level, "no-json", error, path)]
        findings += [problem._replace(level=level) if problem.check == "no-list" else problem for problem in problems]
        videos += [as_video(entry.content, path.stem, entry.where, entry.indices) for entry in entries]
    findings += [Finding("warning", "split-missing", str(folder / f"{split}.json"), "there is no such file",
                         "train is learned from, val chooses the epoch and the threshold, test is reported")
                 for split in SPLITS if split not in found]
    return Labels(folder, classes, found, videos, findings)


def _of_file(level: str, check: str, error: UserError, path: Path) -> Finding:
    return Finding(level, check, str(path), str(error).removeprefix(f"{path}: "))


def as_video(entry: dict, split: str = "", where: str = "", indices: Sequence[int] = ()) -> LabelledVideo:
    """A valid entry; `indices` are those of its events in the file's list."""
    fps, size = entry.get("fps", -1), tuple(whole_number(entry.get(key)) or -1 for key in ("width", "height"))
    return LabelledVideo(entry["video"], split, where or f"video {entry['video']!r}", entry["num_frames"],
                         fps if fps > 0 else None, size if min(size) > 0 else None, entry.get("events", []),
                         list(indices), entry.get("labelled"))
