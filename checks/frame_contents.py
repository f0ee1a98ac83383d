"""Checks of what extracted frames show: of one size in all videos, the same in none of them, every one readable and
as it was extracted."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path

import cv2
from tqdm import tqdm

from checks.findings import Finding
from checks.frame_checks import FrameFolder, first_size, frame_name, size_changes, unreadable
from dataset.jpeg import read_frame
from dataset.video_record import RECORD_NAME, read_record
from util.errors import UserError
from util.words import number_of

COMPARED = (3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000)  # frames by which videos are told to show the same
CHUNK = 200  # frames that a thread reads in a row


def size_findings(frame_dir: Path, folders: Iterable[FrameFolder]) -> list[Finding]:
    """Videos of different sizes, which cannot be trained on as whole frames."""
    by_size: dict[tuple[int, int], list[str]] = defaultdict(list)
    for folder in folders:
        if size := first_size(folder):
            by_size[size].append(folder.video.name)
    if len(by_size) < 2:
        return []
    told = ", ".join(f"{width}x{height} ({number_of(len(names), 'video')}, such as {names[0]!r})"
                     for (width, height), names in sorted(by_size.items(), key=lambda pair: -len(pair[1]))[:4])
    return [Finding("warning", "sizes-differ", str(frame_dir), f"frames are of {len(by_size)} sizes: {told}",
                    "players are larger in one than in the other, and training needs a --crop_dim; extract them again "
                    "with one --height")]


def bytes_findings(folders: Iterable[FrameFolder]) -> list[Finding]:
    """Frames that are not of as many bytes as video.json tells: cut short, or replaced."""
    findings = []
    for folder in folders:
        number, told = _bytes_told(folder.path)
        if number is None or told is None:
            continue
        sizes = {name: _bytes_in(f"{folder.path}{os.sep}{name}") for name in folder.names if name.endswith(".jpg")}
        empty = sorted(name for name, size in sizes.items() if not size)
        if empty:
            findings.append(unreadable(folder.path / empty[0]))
        elif len(sizes) == number and sum(sizes.values()) != told:
            findings.append(Finding(
                "warning", "frames-changed", str(folder.path),
                f"its frames have {sum(sizes.values()):,} bytes, but were extracted with {told:,} (see "
                f"{folder.path / RECORD_NAME})",
                "frames were cut short or replaced since, in copying or on a full disk, say: --read finds those that "
                "are broken, and prepare_data.py makes all anew",
            ))
    return findings


def _bytes_in(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - Path takes long
    except OSError:  # a link to nothing
        return 0


def _bytes_told(folder: Path) -> tuple[int | None, int | None]:
    """num_frames and bytes of a video.json, if it tells them."""
    try:
        record = read_record(folder) or {}
    except UserError:
        record = {}  # which `folder_findings` tells
    return record.get("num_frames"), record.get("bytes")


def same_frames_findings(folders: Iterable[FrameFolder]) -> list[Finding]:
    """Videos that show the same, judged by the bytes of a few frames of each."""
    by_content: dict[tuple[int, bytes], list[FrameFolder]] = defaultdict(list)
    for folder in folders:
        contents = {}
        for number in (n for n in COMPARED if n < folder.video.num_frames and frame_name(n) in folder.names):
            contents.setdefault(blake2b((folder.path / frame_name(number)).read_bytes()).digest(), number)
        for content, number in contents.items():  # black ones count once
            by_content[number, content].append(folder)
    shared: dict[tuple[str, str], int] = defaultdict(int)
    videos = {folder.video.name: folder for group in by_content.values() for folder in group}
    for group in by_content.values():
        for other in group[1:]:
            shared[group[0].video.name, other.video.name] += 1
    findings = []
    for (one, other), count in shared.items():
        if count > 1:
            splits = videos[one].video.split, videos[other].video.split
            findings.append(Finding(
                "error" if splits[0] != splits[1] else "warning", "same-frames", str(videos[other].path),
                f"shows the same as {one!r}: {count} frames were compared ({one!r} is in {splits[0]}, {other!r} in "
                f"{splits[1]})",
                "one video under two names: the score is of frames that were trained on, and where labels differ each "
                "teaches the other's events as background; remove one, or extract it from the right file",
            ))
    return findings


def read_findings(folders: list[FrameFolder], workers: int) -> list[Finding]:
    """Decode every frame that is there, with a bar: those that are broken, and videos that change in size."""
    jobs = [(folder, folder.present[start : start + CHUNK])
            for folder in folders for start in range(0, len(folder.present), CHUNK)]
    findings: list[Finding] = []
    sizes: dict[Path, dict[tuple[int, int], int]] = defaultdict(dict)
    frames = sum(len(numbers) for _, numbers in jobs)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # a frame is too small to be shared between cores
    pool = ThreadPoolExecutor(workers)
    try:
        with tqdm(total=frames, desc="reading", unit="frame", unit_scale=True, disable=None) as bar:
            for (folder, numbers), (found, broken) in zip(jobs, pool.map(_read, jobs), strict=True):
                for size, at in found.items():
                    sizes[folder.path].setdefault(size, at)
                findings += [unreadable(folder.path / frame_name(number)) for number in broken]
                bar.update(len(numbers))
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(threads)
    return findings + [size_changes(path, found) for path, found in sizes.items() if len(found) > 1]


def _read(job: tuple[FrameFolder, list[int]]) -> tuple[dict[tuple[int, int], int], list[int]]:
    """The sizes of frames, each with the first that has it, and those that are broken."""
    folder, numbers = job
    sizes: dict[tuple[int, int], int] = {}
    broken = []
    for number in numbers:
        try:
            height, width = read_frame(folder.path / frame_name(number)).shape[:2]
            sizes.setdefault((width, height), number)
        except UserError:
            broken.append(number)
    return sizes, broken
