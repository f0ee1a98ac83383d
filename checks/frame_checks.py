"""Checks of extracted frames against the labels: all there and no more, of one size, at the labels' rate, readable."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from checks.findings import Finding
from checks.label_reading import LabelledVideo, as_video
from dataset.jpeg import jpeg_size
from dataset.labels import SAME_FPS
from dataset.matches import match_and_part
from dataset.video_record import RECORD_NAME, frame_name, read_record
from util.errors import UserError
from util.words import number_of

SAMPLE = 3  # frames at either end of a video whose headers are read
RATES = (24, 25, 30, 50, 60)  # frames per second at which frames are extracted
SAME_RATIO = 0.002


@dataclass(frozen=True)
class FrameFolder:
    """The extracted frames of a video as they lie there."""

    path: Path
    video: LabelledVideo
    names: frozenset[str]  # of its files; none where there is no such folder
    folders: tuple[str, ...]  # in it

    @cached_property
    def present(self) -> list[int]:
        """The frames that the labels count and that are there."""
        return [number for number in range(self.video.num_frames) if frame_name(number) in self.names]


def scan(frame_dir: Path, videos: Iterable[LabelledVideo]) -> list[FrameFolder]:
    """List the folders of videos, one for each name."""
    return [_scan(frame_dir / video.name, video) for video in {video.name: video for video in videos}.values()]


def _scan(path: Path, video: LabelledVideo) -> FrameFolder:
    names, folders = [], []
    try:
        with os.scandir(path) as found:
            for file in found:
                # a type costs nothing here, but a frame needs none
                (names if file.name.endswith(".jpg") or file.is_file() else folders).append(file.name)
    except OSError:
        pass
    return FrameFolder(path, video, frozenset(names), tuple(sorted(folders)))


def folder_findings(folders: Iterable[FrameFolder], sample: int = SAMPLE) -> list[Finding]:
    """What is wrong with the frames of each video, as far as names, video.json and a few headers tell.

    Args:
        sample: frames at either end of a video whose headers are read.
    """
    findings = []
    for folder in folders:
        there = list(_missing(folder))
        findings += [*there, *_extra(folder), *_record(folder)]
        if not any(finding.level == "error" for finding in there):
            findings += _sizes(folder, sample)
    return findings


def _missing(folder: FrameFolder) -> Iterator[Finding]:
    number, where = folder.video.num_frames, str(folder.path)
    present = folder.present
    if len(present) == number:
        return
    halves = [name for name in folder.folders if name in ("1", "2")]
    if halves and not present:
        yield Finding(
            "error", "frames-in-halves", where,
            f"has no frames of its own, but folders {' and '.join(halves)}: a match in halves, labelled as one video",
            f"give each half an entry of its own, its frame numbers counted from its start: '{folder.video.name}/1'",
        )
    elif not present and not folder.names:
        yield Finding("error", "frames-missing", where, "no frames of this video; extract them with prepare_data.py")
    else:
        first = next(n for n in range(number) if frame_name(n) not in folder.names)
        yield Finding("error", "frames-missing", where, f"{number - len(present)} of {number} frames are missing, the "
                      f"first {frame_name(first)}{_numbering(folder, present)}; run prepare_data.py again")


def _numbering(folder: FrameFolder, present: list[int]) -> str:
    """What the names of other files tell of why a frame is missing."""
    number = folder.video.num_frames
    if number - len(present) == 1 and frame_name(0) not in folder.names and frame_name(number) in folder.names:
        return " (they count from 1, as another tool writes them, so that every label would be a frame off)"
    others = sorted(name for name in folder.names if re.search(r"\d+\.(jpe?g|png|bmp)$", name.lower()))
    if not present and others:
        return f" (its files are named like {others[0]})"
    return ""


def _extra(folder: FrameFolder) -> Iterator[Finding]:
    number = folder.video.num_frames
    numbered = [int(name[:-4]) for name in folder.names if re.fullmatch(r"\d{6,}\.jpg", name)]
    extra = [n for n in numbered if n >= number]
    if not extra:
        return
    ratio = (max(extra) + 1) / number
    rates = [(a, b) for a in RATES for b in RATES if a < b and abs(ratio * a / b - 1) < SAME_RATIO]
    hint = f", {rates[0][1]}/{rates[0][0]} of it, as frames at {rates[0][1]} a second would be" if rates else ""
    more = number_of(len(extra), "frame")
    yield Finding(
        "warning", "frames-extra", str(folder.path),
        f"{more} more than num_frames, which is {number}: up to {frame_name(max(extra))}{hint}",
        "frames past num_frames are not used; but were the labels made for frames of another rate, then the later an "
        "event is, the farther off it lies",
    )


def _record(folder: FrameFolder) -> Iterator[Finding]:
    """video.json, which prepare_data.py leaves beside the frames, against frames and labels."""
    path = folder.path / RECORD_NAME
    try:
        record = read_record(folder.path) or {}
    except UserError as error:
        yield Finding("warning", "record", str(path), str(error).removeprefix(f"{path}: "))
        return
    fps, number = record.get("fps"), record.get("num_frames")
    if fps and folder.video.fps and abs(fps - folder.video.fps) >= SAME_FPS:
        yield Finding(
            "error", "fps-differs", folder.video.where,
            f"fps is {folder.video.fps:g}, but its frames were extracted at {fps:g} (see {path})",
            "if the labels count frames at their rate, the later an event is, the farther off it lies; convert the "
            "frame numbers, or extract frames at that rate",
        )
    jpegs = sum(name.endswith(".jpg") for name in folder.names)
    if number and number != jpegs:
        yield Finding("warning", "record", str(path), f"tells of {number} frames, but {jpegs} are there",
                      "were some removed or added by hand? prepare_data.py makes them anew")


def _sizes(folder: FrameFolder, sample: int) -> Iterator[Finding]:
    number = folder.video.num_frames
    sizes: dict[tuple[int, int], int] = {}
    for at in sorted({*range(min(sample, number)), *range(max(0, number - sample), number)}):
        size = _header(folder.path / frame_name(at))
        if size is None:
            yield unreadable(folder.path / frame_name(at))
        else:
            sizes.setdefault(size, at)
    if len(sizes) > 1:
        yield size_changes(folder.path, sizes)
    told = folder.video.size
    if sizes and told and told not in sizes:
        width, height = next(iter(sizes))
        same_shape = abs(told[0] * height - told[1] * width) <= max(*told, width, height)
        why = ", of the same shape: that of the video file?" if same_shape else ""
        yield Finding("warning", "size-differs", folder.video.where,
                      f"width and height are {told[0]}x{told[1]}, but its frames are {width}x{height}{why}",
                      "size is not used; but if the frames are of another cut of the video, its labels may not fit")


def _header(path: Path) -> tuple[int, int] | None:
    try:
        return jpeg_size(path)
    except OSError:
        return None


def size_changes(path: Path, sizes: dict[tuple[int, int], int]) -> Finding:
    """`sizes` maps each size to its first frame."""
    told = ", ".join(f"{width}x{height} from {frame_name(at)} on" for (width, height), at in list(sizes.items())[:3])
    return Finding("error", "size-changes", str(path), f"its frames change in size: {told}",
                   "they are of two videos, or extracted twice; delete the folder and run prepare_data.py again")


def first_size(folder: FrameFolder) -> tuple[int, int] | None:
    """Width and height of a video's first frame, if it is there and whole."""
    return _header(folder.path / frame_name(0)) if frame_name(0) in folder.names else None


def unreadable(path: Path) -> Finding:
    return Finding("error", "frame-unreadable", str(path),
                   "frame is broken or cut short; delete its folder and run prepare_data.py again")


def unlabelled_findings(frame_dir: Path, videos: Iterable[LabelledVideo]) -> list[Finding]:
    """Folders with frames that no split speaks of."""
    labelled = {video.name for video in videos}
    halves = {match for match, part in map(match_and_part, labelled) if part in (1, 2)}
    findings = []
    for name in sorted(_unlabelled(frame_dir, labelled)):
        match, part = match_and_part(name)
        if part in (1, 2) and match in halves:
            findings.append(Finding(
                "warning", "half-without-labels", str(frame_dir / name),
                f"no split has it, but the other half of {match!r}",
                "do the events of both halves stand in one? Then half of them is read from the wrong frames",
            ))
        else:
            findings.append(Finding("warning", "frames-without-labels", str(frame_dir / name), "no split has it",
                                    "it is not used; are its labels missing, or is its name another one?"))
    return findings


def _unlabelled(folder: Path, labelled: set[str], name: str = "") -> Iterator[str]:
    if name in labelled:
        return
    if name and ((folder / frame_name(0)).is_file() or (folder / RECORD_NAME).is_file()):
        yield name  # and its frames need not be listed
        return
    with os.scandir(folder) as found:
        inside = [file.name for file in found if file.is_dir() and not file.name.startswith(".")]
    for inner in inside:
        yield from _unlabelled(folder / inner, labelled, f"{name}/{inner}" if name else inner)


def check_frames(frame_dir: Path, entries: list[dict], crop: int | None) -> list[Finding]:
    """Make sure that the frames of a split's entries are there and can be put in one batch; warn of frames smaller
    than the crop, which are filled up with black.

    Returns:
        What is worth a warning besides.

    Raises:
        UserError: a folder or a frame is missing or broken, a rate is another, or whole frames (crop None) differ in
            size.
    """
    folders = scan(frame_dir, [as_video(entry) for entry in entries])
    findings = folder_findings(folders, 1)
    for finding in findings:
        if finding.level == "error":
            raise UserError(f"{finding.where}: {finding.message}")
    sizes = {folder.video.name: first_size(folder) for folder in folders}
    if crop is None:
        _check_one_size(frame_dir, sizes)
    elif small := [f"{name} ({size[0]}x{size[1]})" for name, size in sizes.items() if crop > min(size)]:
        print(f"warning: frames smaller than the crop of {crop} are filled up with black, in {len(small)} of "
              f"{len(sizes)} videos, such as {small[0]}; a smaller --crop_dim in training avoids it", file=sys.stderr)
    return findings


def _check_one_size(frame_dir: Path, sizes: dict[str, tuple[int, int]]) -> None:
    first: dict[tuple[int, int], str] = {}
    for name, size in sizes.items():
        first.setdefault(size, name)
    if len(first) > 1:
        (one, a), (other, b) = list(first.items())[:2]
        raise UserError(f"{frame_dir}: frames of {a} are {one[0]}x{one[1]}, of {b} {other[0]}x{other[1]}, and one "
                        "batch cannot hold both; give a --crop_dim")
