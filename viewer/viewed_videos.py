"""The videos that are looked at: folders of extracted frames, and what is known of them."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataset.video_record import frame_name, frame_stamps, read_record
from spotting.event_files import SPOTTED
from util.errors import UserError, number_of
from util.events import Event, Video
from util.stamps import Stamps

if TYPE_CHECKING:  # its decoder takes a while to import, and without --videos none is needed
    from footage.raw_videos import SourceVideo

KEPT = ".videos"  # folder beside the labels, of what was read of videos without extracted frames
OF_FRAMES = ("num_frames", "num_events", "width", "height")  # keys of an entry that prepare_data.py writes
READERS = 4  # videos that are read through at a time

EXTRACT = "extract them: python prepare_data.py --videos DIR --output"


@dataclass(frozen=True)
class ViewedVideo:
    """A video as far as the viewer needs to know it."""

    name: str
    folder: Path  # of its extracted frames, where there are any
    num_frames: int
    fps: float | None  # frames per second; None where it is unknown
    extracted: bool  # whether the folder holds them
    record: dict[str, Any] | None  # video.json: what the frames were made from; None where it is not there
    split: str | None = None  # in which it stands
    truth: list[Event] = field(default_factory=list)  # its events there, on the extracted frames
    source: SourceVideo | None = None  # the video file, whose pictures are shown; None: the extracted frames are
    size: tuple[int, int] | None = None  # width and height of extracted frames; None where it is unknown
    rejected: list[Event] = field(default_factory=list)  # what models proposed there, and a person refused
    labelled: list[list[int]] | None = None  # [first, last] of what is labelled there; None: all
    about: dict[str, Any] = field(default_factory=dict)  # what else its entry says of it

    @property
    def has_frames(self) -> bool:
        """Whether there are pictures of it."""
        return self.extracted or self.source is not None

    def frame_path(self, frame: int) -> Path | None:
        """Where an extracted frame lies; None for a number that the video does not have."""
        return self.folder / frame_name(frame) if 0 <= frame < self.num_frames else None

    @cached_property
    def stamps(self) -> Stamps | None:
        """When its frames are on display; None where that is not known."""
        if self.record:
            return frame_stamps(self.record)
        return Stamps.even(self.num_frames, self.fps) if self.fps else None

    @property
    def stamp(self) -> str:
        """Changes when the pictures do, and with it the address under which a browser keeps them."""
        try:
            stat = (self.source.path if self.source else self.folder / frame_name(0)).stat()
        except OSError:
            return "0"
        return hashlib.sha1(f"{stat.st_mtime_ns} {stat.st_ino} {self.num_frames}".encode()).hexdigest()[:10]


@dataclass(frozen=True)
class Places:
    """Where the pictures of videos are looked for."""

    frame_dir: Path | None  # folder of extracted frames
    videos_dir: Path | None = None  # folder of video files
    labels_dir: Path = Path("Labels")  # beside which is kept what was read of them

    @cached_property
    def files(self) -> dict[str, Path]:
        """The video files, by name."""
        if self.videos_dir is None:
            return {}
        from footage.raw_videos import find_videos

        return find_videos(self.videos_dir)

    def kept(self, name: str) -> Path:
        """Where what was read of a video file is kept."""
        return self.labels_dir / KEPT / f"{name}.json.gz"

    def source(self, name: str, num_frames: int | None, fps: float | None, record: Any) -> SourceVideo | None:
        """The file of a video, if there is one; see `SourceVideo`."""
        if name not in self.files:
            return None
        from footage.raw_videos import SourceVideo

        return SourceVideo(self.files[name], self.kept(name), num_frames, fps, record)

    def records(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What video.json would say of video files of which nothing is extracted; those that cannot be read are
        left out, with a warning."""
        if new := [name for name in names if name in self.files and not self.kept(name).exists()]:
            print(f"reading {number_of(len(new), 'video')} through to number the frames, once ...", flush=True)
        records = {}
        with ThreadPoolExecutor(READERS) as pool:
            asked: dict[str, Future] = {
                name: pool.submit(lambda source: source.index.record(source.path), source)
                for name in names if (source := self.source(name, None, None, None))}
        for name, record in asked.items():
            try:
                records[name] = record.result()
            except (UserError, OSError) as error:
                print(f"warning: left out: {error}", file=sys.stderr)
        return records


def holds_frames(folder: Path) -> bool:
    """Whether there is a folder of frames at any depth below one."""
    return folder.is_dir() and next(_frame_folders(folder), None) is not None


def holds_videos(folder: Path) -> bool:
    """Whether there is a video file at any depth below a folder."""
    from footage.raw_videos import ANNOTATED, VIDEO_SUFFIXES

    return any(path.suffix.lower() in VIDEO_SUFFIXES and not path.name.endswith(ANNOTATED)
               for path in folder.rglob("*"))


def split_videos(places: Places, entries: Sequence[Video], split: str) -> list[ViewedVideo]:
    """The videos of a split, in its order.

    Raises:
        UserError: no such folder, none of the videos has pictures, or the frames are of another length.
    """
    _check_folder(places.frame_dir)
    bare = [entry["video"] for entry in entries if not _extracted(places, entry["video"])]
    records = places.records(bare)
    videos = [_of_entry(places, entry, split, records.get(entry["video"])) for entry in entries]
    if not any(video.has_frames for video in videos):
        where = places.frame_dir or places.videos_dir
        raise UserError(f"{where}: has no frames of any video of split {split}, such as "
                        f"{entries[0]['video']}/{frame_name(0)}; {EXTRACT} {_output(where)}")
    return videos


def found_videos(places: Places, entries: Mapping[str, tuple[str, Video]]) -> list[ViewedVideo]:
    """Every folder of frames and every video file at any depth below the folders that are given, sorted by name.

    Args:
        entries: what splits say of videos: name -> (split, entry).

    Raises:
        UserError: no such folder, nothing in it, or frames are of another length than a split says.
    """
    frame_dir = places.frame_dir
    _check_folder(frame_dir)
    if frame_dir and (frame_dir / frame_name(0)).is_file():
        raise UserError(f"{frame_dir}: holds the frames of one video; give the folder above it")
    folders = {folder.relative_to(frame_dir).as_posix(): folder for folder in _frame_folders(frame_dir)} \
        if frame_dir else {}
    records = places.records(sorted(places.files.keys() - folders.keys()))
    videos = []
    for name in sorted(folders.keys() | records.keys()):
        split, entry = entries.get(name) or (None, _bare_entry(name, folders.get(name), records.get(name)))
        videos.append(_of_entry(places, entry, split, records.get(name)))
    if not videos and places.videos_dir:
        raise UserError(f"{places.videos_dir}: none of its videos can be read")
    if not videos:
        found = f"{frame_dir} " if next(frame_dir.rglob(f"*{SPOTTED}"), None) else ""
        raise UserError(f"{frame_dir}: holds no folder of frames ({frame_name(0)} and on) and no video; label from the "
                        f"videos themselves: view.py {found}DIR_OF_VIDEOS --label DATASET; or {EXTRACT} "
                        f"{_output(frame_dir)}")
    return videos


def _frame_folders(folder: Path) -> Iterator[Path]:
    """Folders below that hold frames; these are not listed, as a half is many files."""
    for below in folder.iterdir():
        if below.name.startswith(".") or not below.is_dir():
            continue
        if (below / frame_name(0)).is_file():
            yield below
        elif not below.is_symlink():  # which could lead back
            yield from _frame_folders(below)


def _check_folder(frame_dir: Path | None) -> None:
    if frame_dir and frame_dir.is_file():
        raise UserError(f"{frame_dir}: is a file, and no folder of frames or videos; name the folder of the videos "
                        "last, or with --videos")
    if frame_dir and not frame_dir.is_dir():
        raise UserError(f"{frame_dir}: no such folder of frames or videos; correct its name, or {EXTRACT} {frame_dir}")


def _output(folder: Path | None) -> Path:
    """A folder for frames to propose: the one that was given, if nothing else is in it."""
    return Path("Frames") if folder is None or any(folder.iterdir()) else folder


def _extracted(places: Places, name: str) -> bool:
    return places.frame_dir is not None and (places.frame_dir / name / frame_name(0)).is_file()


def _bare_entry(name: str, folder: Path | None, of_file: dict[str, Any] | None) -> Video:
    """Of a video that is in no split: as long as its frames are, or its file."""
    record = of_file if folder is None else _full_record(folder)
    return {"video": name, "num_frames": record["num_frames"] if record else _count_frames(folder), "events": []}


def _of_entry(places: Places, entry: Video, split: str | None, of_file: dict[str, Any] | None) -> ViewedVideo:
    """
    Args:
        of_file: what the video file says of itself, where nothing is extracted of it.
    """
    name = entry["video"]
    folder = (places.frame_dir or Path()) / name
    record = _full_record(folder)
    if record and record["num_frames"] != entry["num_frames"]:
        raise UserError(f"{folder}: holds {record['num_frames']} frames, but split {split} says {entry['num_frames']}; "
                        "make both by one prepare_data.py --labels")
    if not record and of_file and of_file["num_frames"] == entry["num_frames"]:
        record = of_file
    fps = entry.get("fps", -1)
    if fps <= 0:
        fps = record["fps"] if record else None
    num_frames, extracted = entry["num_frames"], _extracted(places, name)
    source = places.source(name, num_frames, fps, record) if extracted or of_file else None
    size = _size(entry) or (_size(record) if record is not of_file else None)
    about = {key: value for key, value in entry.items()
             if key not in (*OF_FRAMES, "video", "fps", "events", "rejected", "labelled")}
    return ViewedVideo(name, folder, num_frames, fps, extracted, record, split, entry["events"], source, size,
                       entry.get("rejected", []), entry.get("labelled"), about)


def _size(known: Mapping[str, Any] | None) -> tuple[int, int] | None:
    """Width and height in pixels, if a record or an entry states them."""
    return (known["width"], known["height"]) if known and known.get("width") and known.get("height") else None


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
