"""Raw video files: find them, decode them, and write their frames as folders of JPEG files.

A frame folder appears whole or not at all, and holds video.json, which tells what it was made from.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import re
import shutil
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from tqdm import tqdm

from util.errors import UserError
from util.io import read_json, rename, write_json

VIDEO_SUFFIXES = (
    ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv",
    ".ts", ".vob", ".webm", ".wmv",
)
RECORD_NAME = "video.json"

# Full colour (4:4:4) at quality 90 takes about the bytes of the usual halved colour at 95, and comes 1 dB
# nearer to a plain frame, 14 dB to a colourful one: what tells a ball of a few pixels from the court is often
# its colour.
JPEG_QUALITY = 90
JPEG_OPTIONS = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says of itself, before anything is decoded."""

    fps: float  # frames per second
    width: int  # pixels, as displayed: after the rotation that the file asks for
    height: int
    announced_frames: int  # as counted in the file or reckoned from its duration; 0 where it tells neither


@dataclass(frozen=True)
class FrameOptions:
    """How frames are made from a video. Frames made with other options are made anew."""

    height: int = 224  # lines of a frame; a video with fewer keeps its own
    fps: float | None = None  # frames per second to resample to by time stamp; None keeps each frame
    jpeg_quality: int = JPEG_QUALITY


@dataclass(frozen=True)
class FramesJob:
    """One video file to be made into a frame folder."""

    video: str
    path: Path
    folder: Path
    announced_frames: int


class _StopWork(Exception):
    """The main process was interrupted: a worker leaves its video."""


def find_videos(videos_dir: Path | str) -> dict[str, Path]:
    """The video files at any depth below a folder, by name: the path below it, without suffix.

    Raises:
        UserError: no such folder, no video in it, or two videos whose frames would go to the same folder.
    """
    videos_dir = Path(videos_dir)
    if not videos_dir.is_dir():
        raise UserError(f"{videos_dir}: no such folder; --videos names the folder with the video files")
    videos: dict[str, Path] = {}
    folders: dict[str, Path] = {}  # names without case: on Windows and macOS it makes no other folder
    for path in sorted(videos_dir.rglob("*"), key=lambda path: path.relative_to(videos_dir).as_posix()):
        inside = path.relative_to(videos_dir)
        if path.suffix.lower() not in VIDEO_SUFFIXES or any(part.startswith(".") for part in inside.parts):
            continue
        if path.is_file():
            video = inside.with_suffix("").as_posix()
            other = folders.setdefault(video.casefold(), path)
            if other != path:
                raise UserError(f"{path}: its frames would go to the same folder as {other}'s; rename one")
            videos[video] = path
    for video, path in videos.items():
        for parent in PurePosixPath(video.casefold()).parents:
            if str(parent) in folders:
                other = folders[str(parent)]
                raise UserError(f"{path}: its frames would go into the frame folder of {other}; rename one")
    if not videos:
        raise UserError(f"{videos_dir}: no video files found (known are {' '.join(VIDEO_SUFFIXES)})")
    return videos


def probe(path: Path) -> VideoInfo:
    """Read what a video file says of itself.

    Raises:
        UserError: it is no video.
    """
    with _opened(path) as capture:
        fps = capture.get(cv2.CAP_PROP_FPS)
        width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        announced = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    if not math.isfinite(fps) or fps <= 0:
        raise UserError(f"{path}: tells no frame rate; write it anew with one, such as by ffmpeg -r 30")
    # where a duration is missing too, OpenCV reckons with the least 64-bit number
    return VideoInfo(fps, width, height, max(0, round(announced)) if math.isfinite(announced) else 0)


def decode(path: Path, threads: int = 0) -> Iterator[tuple[float, np.ndarray]]:
    """Decode a video from first to last frame, turned as it is displayed.

    Args:
        threads: of the decoder; 0 for one per core.

    Yields:
        The time since the first frame in seconds, strictly rising, and the picture, BGR uint8 (H, W, 3).

    Raises:
        UserError: it is no video.
    """
    with _opened(path, threads) as capture:
        interval = 1 / (capture.get(cv2.CAP_PROP_FPS) or 25)
        first = last = None
        while True:
            there, picture = capture.read()
            if not there:
                return
            stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            first = stamp if first is None else first
            # some files leave time stamps out, or have them turn back
            last = stamp - first if last is None or stamp - first > last else last + interval
            yield last, picture


def resample(
    pictures: Iterable[tuple[float, np.ndarray]], fps: float, source_fps: float
) -> Iterator[np.ndarray]:
    """Give the pictures of a video at another rate, by their time stamps.

    Frame k is the picture whose time is nearest to k / fps, the earlier of two that are as near, so that a
    picture is left out or shown again as need be. The last one is shown for half of a source frame.

    Args:
        pictures: time in seconds, rising from 0, and picture.
        fps: frames per second to give.
        source_fps: frames per second of `pictures`, on average.
    """
    given, shown, shown_at = 0, None, 0.0
    hair = 1e-6  # seconds: a tie is one whatever the last digit of a float
    for at, picture in pictures:
        while shown is not None and given / fps <= (shown_at + at) / 2 + hair:
            yield shown
            given += 1
        shown, shown_at = picture, at
    while shown is not None and given / fps <= shown_at + 0.5 / source_fps + hair:
        yield shown
        given += 1


def fit_height(picture: np.ndarray, height: int) -> np.ndarray:
    """Shrink a picture (H, W, 3) to `height` lines, keeping its aspect ratio; a lower one stays as it is."""
    lines, columns = picture.shape[:2]
    if lines <= height:
        return picture
    width = max(1, round(columns * height / lines))
    # Halving first gives the same picture (50 dB on pictures, 41 on noise) in a third of the time: OpenCV
    # averages 2x2 pixels quickly, other areas slowly (1080 lines to 224: 1.5 ms for 5.0 ms).
    while lines >= 2 * height and lines % 2 == 0 and columns % 2 == 0:
        lines, columns = lines // 2, columns // 2
        picture = cv2.resize(picture, (columns, lines), interpolation=cv2.INTER_AREA)
    if lines == height and columns == width:
        return picture
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)


def existing_frames(path: Path, folder: Path, options: FrameOptions) -> dict | None:
    """The record of frames made before from the same source with the same options; None if there are none.

    Raises:
        UserError: the folder holds something that `extract_frames` did not write, which it would remove.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    record = read_json(folder / RECORD_NAME) if (folder / RECORD_NAME).is_file() else None
    if not isinstance(record, dict) or "num_frames" not in record:
        raise UserError(f"{folder}: is there already, and not from prepare_data.py (no {RECORD_NAME} in it); "
                        "move it away, or choose another --output")
    if any(record.get(key) != value for key, value in _identity(path, options).items()):
        return None
    frames = sum(file.suffix == ".jpg" for file in folder.iterdir())
    return record if frames == record["num_frames"] else None


def extract_frames(
    path: Path,
    folder: Path,
    options: FrameOptions,
    threads: int = 0,
    on_frame: Callable[[], None] = lambda: None,
) -> dict:
    """Decode a video into `folder` as 000000.jpg, 000001.jpg, ..., replacing frames made before.

    Args:
        threads: of the decoder; 0 for one per core.
        on_frame: called for each decoded frame; what it raises ends the work and leaves no trace.

    Returns:
        The record that stands in video.json: source, source_size (bytes), source_fps, source_frames
        (decoded), announced_frames, options; and of the frames fps, width, height, num_frames.

    Raises:
        UserError: it is no video, not one frame can be decoded, or its frames change in size.
    """
    info = probe(path)
    source_frames = 0

    def counted() -> Iterator[tuple[float, np.ndarray]]:
        nonlocal source_frames
        for at, picture in decode(path, threads):
            source_frames += 1
            on_frame()
            yield at, fit_height(picture, options.height)

    if options.fps:
        kept = resample(counted(), options.fps, info.fps)
    else:
        kept = (picture for _, picture in counted())
    with _whole_folder(folder) as scratch:
        written = _write_frames(kept, scratch, path)
        record = _identity(path, options) | {
            "source_fps": info.fps,
            "source_frames": source_frames,
            "announced_frames": info.announced_frames,
            "fps": options.fps or info.fps,
            **written,
        }
        write_json(scratch / RECORD_NAME, record)
    return record


def _write_frames(pictures: Iterable[np.ndarray], folder: Path, path: Path) -> dict:
    """Write numbered JPEG files; returns their width, height and num_frames."""
    num_frames = 0
    shape: tuple[int, ...] = ()
    for picture in pictures:
        shape = shape or picture.shape
        if picture.shape != shape:
            raise UserError(f"{path}: its frames change in size, from frame {num_frames} on; cut it there")
        jpeg = cv2.imencode(".jpg", picture, JPEG_OPTIONS)[1]
        (folder / f"{num_frames:06d}.jpg").write_bytes(jpeg)
        num_frames += 1
    if not num_frames:
        raise UserError(f"{path}: not one frame can be decoded; is it damaged?")
    return {"width": shape[1], "height": shape[0], "num_frames": num_frames}


def extract_all(
    jobs: list[FramesJob], options: FrameOptions, workers: int
) -> tuple[dict[str, dict], dict[str, str]]:
    """Make the frames of many videos in `workers` processes, with one bar over all their frames.

    Returns:
        The records of the videos that went well, and what was wrong with the others, each by video.
    """
    records: dict[str, dict] = {}
    failures: dict[str, str] = {}
    if not jobs:
        return records, failures
    workers = min(workers, len(jobs), 61)  # Windows can wait for no more
    context = multiprocessing.get_context("spawn")
    decoded, stop = context.Value("q", 0), context.Event()
    threads = max(1, (os.cpu_count() or 1) // workers)
    pool = ProcessPoolExecutor(workers, context, _start_worker, (decoded, stop))
    bar = tqdm(total=sum(job.announced_frames for job in jobs), unit="frame", ascii=True, disable=None)
    with pool, bar:
        # the longest first, so that none is left to run alone at the end
        jobs = sorted(jobs, key=lambda job: -job.announced_frames)
        running = {pool.submit(_run_job, job, options, threads): job for job in jobs}
        try:
            while running:
                done = wait(running, timeout=0.2, return_when=FIRST_COMPLETED).done
                bar.update(decoded.value - bar.n)
                for future in done:
                    job = running.pop(future)
                    try:
                        records[job.video] = future.result()
                    except UserError as error:
                        failures[job.video] = str(error)
                    except BrokenProcessPool:
                        failures[job.video] = f"{job.path}: its worker process died; free memory, or try -j 1"
        finally:  # where all is done this stops nothing
            stop.set()
            pool.shutdown(cancel_futures=True)
    for job in jobs:  # of workers that died
        _remove_scratch(job.folder)
    return records, failures


_decoded = _stop = None  # of a worker process: the frames decoded by all, and the order to stop


def _start_worker(decoded, stop) -> None:
    global _decoded, _stop
    _decoded, _stop = decoded, stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the main process, which says stop
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose main process was killed would wait for work for ever."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _run_job(job: FramesJob, options: FrameOptions, threads: int) -> dict:
    try:
        return extract_frames(job.path, job.folder, options, threads, _count_frame)
    except OSError as error:
        raise UserError(f"{job.path}: {error.strerror or error} ({error.filename or job.folder})") from error
    except cv2.error as error:
        raise UserError(f"{job.path}: OpenCV cannot decode it ({error.err})") from error


def _count_frame() -> None:
    if _stop.is_set():
        raise _StopWork
    with _decoded.get_lock():
        _decoded.value += 1


def _identity(path: Path, options: FrameOptions) -> dict:
    """What must be the same for frames not to be made anew."""
    return {"source": path.name, "source_size": path.stat().st_size, "options": asdict(options)}


@contextmanager
def _opened(path: Path, threads: int = 0) -> Iterator[cv2.VideoCapture]:
    # a decoder's complaints have no file name and would tear the bar; what matters is said by its caller
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
    try:
        if not capture.isOpened():
            raise UserError(f"{path}: cannot be opened as a video; it is damaged, cut off, or something else")
        yield capture
    finally:
        capture.release()


@contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """Give a scratch folder beside `folder`, put in its place when the block ends, removed when it raises."""
    _remove_scratch(folder)
    scratch = folder.with_name(f".part-{os.getpid()}-{folder.name}")
    try:
        scratch.mkdir(parents=True)
        yield scratch
        if folder.exists():
            rename(folder, folder.with_name(f".part-{os.getpid()}.old-{folder.name}"))
        rename(scratch, folder)
    finally:
        _remove_scratch(folder)


def _remove_scratch(folder: Path) -> None:
    """Remove what this process or a killed one left beside `folder`."""
    scratch_name = re.compile(rf"\.part-\d+(\.old)?-{re.escape(folder.name)}")
    for path in folder.parent.iterdir() if folder.parent.is_dir() else ():
        if scratch_name.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)
