"""The videos that are looked at: folders of extracted frames, and what is known of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from dataset.video_record import frame_name, frame_stamps, read_record
from util.errors import UserError
from util.events import Event, Video
from util.stamps import Stamps


@dataclass(frozen=True)
class ViewedVideo:
    """A video as far as the viewer needs to know it."""

    name: str
    folder: Path  # of its frames
    num_frames: int
    fps: float | None  # frames per second of the extracted frames; None where it is unknown
    has_frames: bool
    record: dict[str, Any] | None  # video.json: what the frames were made from; None where it is not there
    split: str | None = None  # in which it stands
    truth: list[Event] = field(default_factory=list)  # its events there, on the extracted frames

    def frame_path(self, frame: int) -> Path | None:
        """Where a frame lies; None for a number that the video does not have."""
        return self.folder / frame_name(frame) if 0 <= frame < self.num_frames else None

    @cached_property
    def stamps(self) -> Stamps | None:
        """When its frames are on display; None where that is not known."""
        if self.record:
            return frame_stamps(self.record)
        return Stamps.even(self.num_frames, self.fps) if self.fps else None

    @property
    def stamp(self) -> str:
        """Changes when the frames are made again, and with it the address under which a browser keeps them."""
        try:
            stat = (self.folder / frame_name(0)).stat()
        except OSError:
            return "0"
        return hashlib.sha1(f"{stat.st_mtime_ns} {stat.st_ino}".encode()).hexdigest()[:10]


def split_videos(frame_dir: Path, entries: Sequence[Video], split: str) -> list[ViewedVideo]:
    """The videos of a split, in its order.

    Raises:
        UserError: no such frame folder, none of the videos has frames in it, or they are of another length.
    """
    _check_folder(frame_dir)
    videos = [_of_entry(frame_dir, entry, split) for entry in entries]
    if not any(video.has_frames for video in videos):
        raise UserError(f"{frame_dir}: has no frames of any video of split {split}, such as "
                        f"{entries[0]['video']}/{frame_name(0)}; extract them: "
                        f"python prepare_data.py --videos DIR --output {frame_dir}")
    return videos


def found_videos(frame_dir: Path, entries: Mapping[str, tuple[str, Video]]) -> list[ViewedVideo]:
    """Every folder of frames at any depth below `frame_dir`, sorted by name.

    Args:
        entries: what splits say of videos: name -> (split, entry).

    Raises:
        UserError: no such frame folder, no frames in it, or they are of another length than a split says.
    """
    _check_folder(frame_dir)
    if (frame_dir / frame_name(0)).is_file():
        raise UserError(f"{frame_dir}: holds the frames of one video; give the folder above it")
    videos = []
    for folder in _frame_folders(frame_dir):
        name = folder.relative_to(frame_dir).as_posix()
        if name in entries:
            split, entry = entries[name]
            videos.append(_of_entry(frame_dir, entry, split))
        else:
            record = _full_record(folder)
            num_frames = record["num_frames"] if record else _count_frames(folder)
            videos.append(ViewedVideo(name, folder, num_frames, record and record["fps"], True, record))
    if not videos:
        raise UserError(f"{frame_dir}: holds no folder of frames ({frame_name(0)} and on); extract them: "
                        f"python prepare_data.py --videos DIR --output {frame_dir}")
    return sorted(videos, key=lambda video: video.name)


def _frame_folders(folder: Path) -> Iterator[Path]:
    """Folders below that hold frames; these are not listed, as a half is many files."""
    for below in folder.iterdir():
        if below.name.startswith(".") or not below.is_dir():
            continue
        if (below / frame_name(0)).is_file():
            yield below
        elif not below.is_symlink():  # which could lead back
            yield from _frame_folders(below)


def _check_folder(frame_dir: Path) -> None:
    if not frame_dir.is_dir():
        raise UserError(f"{frame_dir}: no such folder of frames; extract them: "
                        f"python prepare_data.py --videos DIR --output {frame_dir}")


def _of_entry(frame_dir: Path, entry: Video, split: str) -> ViewedVideo:
    folder = frame_dir / entry["video"]
    record = _full_record(folder)
    if record and record["num_frames"] != entry["num_frames"]:
        raise UserError(f"{folder}: holds {record['num_frames']} frames, but split {split} says {entry['num_frames']}; "
                        "make both by one prepare_data.py --labels")
    fps = entry.get("fps", -1)
    if fps <= 0:
        fps = record["fps"] if record else None
    there = (folder / frame_name(0)).is_file()
    return ViewedVideo(entry["video"], folder, entry["num_frames"], fps, there, record, split, entry["events"])


def _full_record(folder: Path) -> dict[str, Any] | None:
    """A record that says how many frames there are and at which rate; others are as good as none."""
    record = read_record(folder) or {}
    if not (record.get("num_frames") and record.get("fps")):
        return None
    return {"source_frames": record["num_frames"], "source_fps": record["fps"]} | record


def _count_frames(folder: Path) -> int:
    """Frames from 0 on with none missing between."""
    with os.scandir(folder) as found:
        names = {file.name for file in found}
    count = 0
    while frame_name(count) in names:
        count += 1
    return count
