"""Checks of what extracted frames show: of one size in all videos, the same in none of them, every one readable and
as it was extracted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import av
import cv2
from tqdm import tqdm

from checks.findings import Finding
from checks.frame_checks import FrameFolder, Size, by_size
from dataset.jpeg import MAKE_AGAIN, has_checksum, read_frame
from dataset.video_record import RECORD_NAME, frame_name
from util.errors import UserError, number_of

COMPARED = (3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000)  # frames by which videos that show the same are found
CHUNK = 200  # frames that a thread reads in a row


def size_findings(frame_dir: Path, folders: Iterable[FrameFolder]) -> list[Finding]:
    """Videos of different sizes, which cannot be trained on as whole frames."""
    videos = by_size(folders)
    sizes = ", ".join(f"{width}x{height} ({number_of(len(names), 'video')}, such as {names[0]!r})"
                      for (width, height), names in list(videos.items())[:4])
    found = Finding("warning", "sizes-differ", str(frame_dir), f"frames are of {len(videos)} sizes: {sizes}",
                    "players are larger in one than in the other, and training needs a --crop_dim; extract them again "
                    "with one --height")
    return [found] if len(videos) > 1 else []


def bytes_findings(folders: Iterable[FrameFolder]) -> list[Finding]:
    """Frames that are not of as many bytes as video.json says: cut short, or replaced."""
    findings = []
    for folder in folders:
        number = stated = None
        with suppress(UserError):  # which `folder_findings` reports
            number, stated = folder.record.get("num_frames"), folder.record.get("bytes")
        if not number or not stated:
            continue
        sizes = dict.fromkeys(sorted(folder.jpegs), 0)
        for name in sizes:
            with suppress(OSError):  # a link to nothing
                sizes[name] = (folder.path / name).stat().st_size
        if 0 in sizes.values():
            findings.append(folder.unreadable(next(name for name, size in sizes.items() if not size)))
        elif len(sizes) == number and sum(sizes.values()) != stated:
            findings.append(folder.finding(
                "warning", "frames-changed", f"its frames have {sum(sizes.values()):,} bytes, but were extracted with "
                f"{stated:,} (see {folder.path / RECORD_NAME})",
                "frames were cut short or replaced since, in copying or on a full disk, say: --read finds those that "
                "are broken, and prepare_data.py extracts all again"))
    return findings


def same_frames_findings(folders: Iterable[FrameFolder]) -> list[Finding]:
    """Videos that show the same, judged by the bytes of a few frames of each."""
    by_content: dict[tuple[int, bytes], list[FrameFolder]] = defaultdict(list)
    for folder in folders:
        contents: dict[bytes, int] = {}
        for number in (n for n in COMPARED if n < folder.video.num_frames and frame_name(n) in folder.names):
            with suppress(OSError):  # a folder in a frame's place, which is like no other
                content = blake2b((folder.path / frame_name(number)).read_bytes()).digest()
                contents.setdefault(content, number)
        for content, number in contents.items():  # black ones count once
            by_content[number, content].append(folder)
    shared = Counter((group[0].path, other.path) for group in by_content.values() for other in group[1:])
    of = {folder.path: folder for group in by_content.values() for folder in group}
    findings = []
    for one, copy in (pair for pair, count in shared.items() if count > 1):
        first, second = of[one].video, of[copy].video
        findings.append(of[copy].finding(
            "error" if first.split != second.split else "warning", "same-frames",
            f"shows the same as {first.name!r}: {shared[one, copy]} frames were compared ({first.name!r} is in "
            f"{first.split}, {second.name!r} in {second.split})",
            "one video under two names: the score is of frames that were trained on, and where labels differ each "
            "teaches the other's events as background; remove one, or extract it from the right file"))
    return findings


def read_findings(folders: list[FrameFolder], workers: int) -> list[Finding]:
    """Decode every frame that is there, with a bar: those that are broken, and videos that change in size."""
    jobs = [(folder, folder.present[start : start + CHUNK])
            for folder in folders for start in range(0, len(folder.present), CHUNK)]
    findings: list[Finding] = []
    sizes: dict[Path, dict[Size, int]] = defaultdict(dict)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # a frame is too small to be shared between cores
    pool = ThreadPoolExecutor(workers)
    try:
        with tqdm(total=sum(len(numbers) for _, numbers in jobs), desc="reading", unit="frame", unit_scale=True,
                  disable=None) as bar:
            for (folder, numbers), (found, broken) in zip(jobs, pool.map(_read, jobs), strict=True):
                sizes[folder.path] = found | sizes[folder.path]  # the first frame of each size
                findings += broken
                bar.update(len(numbers))
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(threads)
    return findings + [one for folder in folders for one in folder.size_changes(sizes[folder.path])]


def _read(job: tuple[FrameFolder, list[int]]) -> tuple[dict[Size, int], list[Finding]]:
    """The sizes of frames, each with the first that has it, and those that are broken."""
    folder, numbers = job
    sizes: dict[Size, int] = {}
    broken = []
    for number in numbers:
        path = folder.path / frame_name(number)
        try:
            height, width = read_frame(path).shape[:2]
            if not _is_clean(path.read_bytes()):
                raise UserError(f"{path}: frame is damaged; {MAKE_AGAIN}")
            sizes.setdefault((width, height), number)
        except UserError as error:
            broken.append(folder.unreadable(path.name, str(error).removeprefix(f"{path}: ")))
    return sizes, broken


def _is_clean(jpeg: bytes) -> bool:
    """Whether a frame without a checksum, made by another tool, decodes without a fault: FFmpeg says so of ten times
    as many damaged ones as OpenCV, and of none of a thousand whole ones of all kinds."""
    if has_checksum(jpeg):
        return True  # which `read_frame` has compared
    decoder = av.CodecContext.create("mjpeg", "r")
    decoder.options, decoder.thread_count = {"err_detect": "explode"}, 1
    try:
        return len([*decoder.decode(av.Packet(jpeg)), *decoder.decode(None)]) == 1
    except av.FFmpegError:
        return False
