"""Checks of extracted frames against the labels: all there and no more, of one size, at the labels' rate."""

from __future__ import annotations

import os
import re
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from checks.findings import Finding
from checks.label_reading import LabelledVideo, as_video
from dataset.jpeg import MAKE_AGAIN, jpeg_size
from dataset.labels import SAME_FPS
from dataset.video_record import RECORD_NAME, frame_name, read_record
from util.entries import raise_first
from util.errors import UserError, number_of
from util.matches import parts_of

SAMPLE = 3  # frames at either end of a video whose headers are read
RATES = (24, 25, 30, 50, 60)  # frames per second at which frames are extracted
SAME_RATIO = 0.002
REGIONS_ACROSS = 4  # of the smallest regions in a row across a crop, as in AdaSpot: 112 pixels of 448

Size = tuple[int, int]  # width and height in pixels


@dataclass(frozen=True)
class FrameFolder:
    """The folder of a video's extracted frames, and what is in it."""

    path: Path
    video: LabelledVideo
    names: frozenset[str]  # of its files; none where there is no such folder
    folders: tuple[str, ...]  # in it

    @cached_property
    def present(self) -> list[int]:
        """The frames that the labels count and that are there."""
        return [number for number in range(self.video.num_frames) if frame_name(number) in self.names]

    @cached_property
    def jpegs(self) -> list[str]:
        return [name for name in self.names if name.endswith(".jpg")]

    @cached_property
    def record(self) -> dict:
        """What its video.json says; empty where there is none.

        Raises:
            UserError: it cannot be read.
        """
        return read_record(self.path) or {}

    def size(self, number: int = 0) -> Size | None:
        """Of a frame, by its header; None where it is missing or broken."""
        try:
            return jpeg_size(self.path / frame_name(number))
        except OSError:
            return None

    def finding(self, level: str, check: str, message: str, advice: str = "", file: str = "") -> Finding:
        """One about the folder, or a file in it."""
        return Finding(level, check, str(self.path / file), message, advice)

    def unreadable(self, file: str, why: str = f"frame is broken or cut short; {MAKE_AGAIN}") -> Finding:
        return self.finding("error", "frame-unreadable", why, file=file)

    def size_changes(self, sizes: dict[Size, int]) -> Iterator[Finding]:
        """What to say if there are several sizes, each with the first frame that has it."""
        first = sorted(sizes.items(), key=lambda pair: pair[1])[:3]
        stated = ", ".join(f"{width}x{height} from {frame_name(at)} on" for (width, height), at in first)
        if len(sizes) > 1:
            yield self.finding("error", "size-changes", f"its frames change in size: {stated}",
                               "they are of two videos, or extracted twice; delete the folder and run prepare_data.py "
                               "again")


def list_folders(frame_dir: Path, videos: Iterable[LabelledVideo]) -> list[FrameFolder]:
    """The folders of videos, one for each name."""
    return [_list_folder(frame_dir / video.name, video) for video in {video.name: video for video in videos}.values()]


def _list_folder(path: Path, video: LabelledVideo) -> FrameFolder:
    names: set[str] = set()
    folders: set[str] = set()
    with suppress(OSError), os.scandir(path) as found:
        for file in found:  # a type costs nothing here, but a frame needs none
            (names if file.name.endswith(".jpg") or file.is_file() else folders).add(file.name)
    return FrameFolder(path, video, frozenset(names), tuple(sorted(folders)))


def by_size(folders: Iterable[FrameFolder]) -> dict[Size, list[str]]:
    """The videos whose first frame has each size, most first; those without are left out."""
    videos: dict[Size, list[str]] = defaultdict(list)
    for folder in folders:
        if size := folder.size():
            videos[size].append(folder.video.name)
    return dict(sorted(videos.items(), key=lambda pair: -len(pair[1])))


def folder_findings(folders: Iterable[FrameFolder], sample: int = SAMPLE) -> list[Finding]:
    """What is wrong with the frames of each video, by names, video.json and a few headers.

    Args:
        sample: frames at either end of a video whose headers are read.
    """
    findings = []
    for folder in folders:
        missing = list(_missing(folder))
        findings += [*missing, *_extra(folder), *_record(folder), *([] if missing else _sizes(folder, sample))]
    return findings


def _missing(folder: FrameFolder) -> Iterator[Finding]:
    number, present = folder.video.num_frames, folder.present
    halves = [name for name in folder.folders if name in ("1", "2")]
    others = sorted(name for name in folder.names if re.search(r"\d+\.(jpe?g|png|bmp)$", name.lower()))
    if len(present) == number:
        return
    if halves and not present:
        yield folder.finding(
            "error", "frames-in-halves",
            f"has no frames of its own, but folders {' and '.join(halves)}: a match in halves, labelled as one video",
            f"give each half an entry of its own, its frame numbers counted from its start: '{folder.video.name}/1'")
    elif not folder.names:
        yield folder.finding("error", "frames-missing", "no frames of this video; extract them with prepare_data.py")
    else:
        first = next(n for n, there in enumerate([*present, number]) if n != there)
        why = ""
        if len(present) == number - 1 and not first and frame_name(number) in folder.names:
            why = " (they count from 1, as another tool writes them, so that every label would be a frame off)"
        elif others and not present:
            why = f" (its files are named like {others[0]})"
        yield folder.finding("error", "frames-missing", f"{number - len(present)} of {number} frames are missing, the "
                             f"first {frame_name(first)}{why}; run prepare_data.py again")


def _extra(folder: FrameFolder) -> Iterator[Finding]:
    number = folder.video.num_frames
    numbered = [int(name[:-4]) for name in folder.names if re.fullmatch(r"\d{6,}\.jpg", name)]
    if extra := [n for n in numbered if n >= number]:
        ratio = (max(extra) + 1) / number
        hint = next((f", {more}/{rate} of it, as frames at {more} a second would be" for rate in RATES for more in RATES
                     if rate < more and abs(ratio * rate / more - 1) < SAME_RATIO), "")
        yield folder.finding(
            "warning", "frames-extra", f"{number_of(len(extra), 'frame')} more than num_frames, which is {number}: up "
            f"to {frame_name(max(extra))}{hint}",
            "frames past num_frames are not used; but were the labels made for frames of another rate, then the later "
            "an event is, the farther off it lies")


def _record(folder: FrameFolder) -> Iterator[Finding]:
    """video.json, which prepare_data.py leaves beside the frames, against frames and labels."""
    path, labelled = folder.path / RECORD_NAME, folder.video.fps
    try:
        fps, number = folder.record.get("fps"), folder.record.get("num_frames")
    except UserError as error:
        yield folder.finding("warning", "record", str(error).removeprefix(f"{path}: "), file=RECORD_NAME)
        return
    if fps and labelled and abs(fps - labelled) >= SAME_FPS:
        yield Finding(
            "error", "fps-differs", folder.video.where,
            f"fps is {labelled:g}, but its frames were extracted at {fps:g} (see {path})",
            "if the labels count frames at their rate, the later an event is, the farther off it lies; convert the "
            "frame numbers, or extract frames at that rate")
    if number and number != len(folder.jpegs):
        yield folder.finding("warning", "record", f"says {number} frames, but {len(folder.jpegs)} are there",
                             "were some removed or added by hand? prepare_data.py extracts them again", RECORD_NAME)


def _sizes(folder: FrameFolder, sample: int) -> Iterator[Finding]:
    number, stated = folder.video.num_frames, folder.video.size
    sizes: dict[Size, int] = {}
    for at in sorted({*range(min(sample, number)), *range(max(0, number - sample), number)}):
        if size := folder.size(at):
            sizes.setdefault(size, at)
        else:
            yield folder.unreadable(frame_name(at))
    yield from folder.size_changes(sizes)
    if sizes and stated and stated not in sizes:
        width, height = next(iter(sizes))
        same_shape = abs(stated[0] * height - stated[1] * width) <= max(*stated, width, height)
        why = ", of the same shape: that of the video file?" if same_shape else ""
        yield Finding("warning", "size-differs", folder.video.where,
                      f"width and height are {stated[0]}x{stated[1]}, but its frames are {width}x{height}{why}",
                      "size is not used; but if the frames are of another cut of the video, its labels may not fit")


def unlabelled_findings(frame_dir: Path, videos: Iterable[LabelledVideo]) -> list[Finding]:
    """Folders with frames that are in no split."""
    labelled = {video.name for video in videos}
    unlabelled = sorted(videos_with_frames(frame_dir, labelled))
    parts = parts_of(labelled | {*unlabelled})
    halves = {match for match, part in map(parts.get, labelled) if part}
    findings = []
    for name in unlabelled:
        match, part = parts[name]
        found = ("frames-without-labels", str(frame_dir / name), "no split has it",
                 "it is not used; are its labels missing, or is its name another one?")
        if part and match in halves:
            found = ("half-without-labels", str(frame_dir / name), f"no split has it, but another part of {match!r}",
                     "do the events of both stand in one? Then half of them is read from the wrong frames")
        findings.append(Finding("warning", *found))
    return findings


def videos_with_frames(folder: Path, but: Collection[str] = (), name: str = "") -> Iterator[str]:
    """The videos whose frames lie at any depth of a folder, but for some; no frame is listed.

    Args:
        name: of the folder, below that of all frames.
    """
    if name in but:
        return
    if name and ((folder / frame_name(0)).is_file() or (folder / RECORD_NAME).is_file()):
        yield name
        return
    with os.scandir(folder) as found:
        inside = [file.name for file in found if file.is_dir() and not file.name.startswith(".")]
    for inner in inside:
        yield from videos_with_frames(folder / inner, but, f"{name}/{inner}" if name else inner)


def require_frames(frame_dir: Path, entries: list[dict], crop: int | None, region: int = 0) -> list[Finding]:
    """Make sure that the frames of a split's entries are there and can be put in one batch; warn of frames smaller
    than the crop, which are filled up with black, and of regions that are hardly smaller than what they are cut from.

    Args:
        crop: side of the square that is cut out, in pixels; None for whole frames.
        region: side of the smallest region that a network with `--regions` looks at, in pixels; 0 without.

    Returns:
        What is worth a warning besides.

    Raises:
        UserError: a folder or a frame is missing or broken, a rate is another, whole frames (crop None) differ in
            size, or a region is no smaller than what it is cut from.
    """
    folders = list_folders(frame_dir, [as_video(entry) for entry in entries])
    findings = folder_findings(folders, 1)
    raise_first(findings)
    videos = by_size(folders)
    if crop is None and len(videos) > 1:
        one, other = (f"{names[0]} are {width}x{height}" for (width, height), names in list(videos.items())[:2])
        raise UserError(f"{frame_dir}: frames of {one}, of {other}, and one batch cannot hold both; give a --crop_dim")
    side = min([min(size) for size in videos] + [crop or sys.maxsize])
    small = [f"{name} ({width}x{height})" for (width, height), names in videos.items() for name in names
             if crop and crop > min(width, height)]
    if small:
        print(f"warning: frames smaller than the crop of {crop} are filled up with black, in {len(small)} of "
              f"{number_of(len(folders), 'video')}, such as {small[0]}; a smaller --crop_dim in training avoids it",
              file=sys.stderr)
    advice = (f"prepare_data.py --height {REGIONS_ACROSS * region} makes frames, and --crop_dim "
              f"{REGIONS_ACROSS * region} crops, in which they show more than small frames do")
    if region >= side:
        raise UserError(f"{frame_dir}: regions of {region} pixels do not fit into {side}; {advice}")
    if region * REGIONS_ACROSS > side:
        print(f"warning: regions of {region} pixels are a large part of {side}; {advice}", file=sys.stderr)
    return findings
