"""Raw video files: found, asked what they hold, and read as the frames that are made of them, or that extracted frames
show, so that the file's own pictures can stand for them."""

from __future__ import annotations

import contextlib
import math
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import av
import numpy as np

from dataset.video_record import frame_stamps
from footage.decoding import Decoder, Faults, nothing_decoded
from footage.frame_index import CannotSeek, FrameIndex, KeyFrame, find_entry, frames_from, kept_index
from footage.pictures import Fitter, fitted_size
from util.entries import name_fault
from util.errors import UserError
from util.stamps import SLACK

VIDEO_SUFFIXES = (
    ".264", ".265", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".h264", ".hevc", ".ivf", ".m2ts", ".m2v",
    ".m4v", ".mjpeg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogm", ".ogv", ".rm", ".rmvb",
    ".ts", ".vob", ".webm", ".wmv", ".y4m",
)
ANNOTATED = ".events.mp4"  # ends the name of a copy that spot_video.py made: none of the videos
ROUNDING = 1e-6  # seconds: a tie is one whatever the last digit of a float

Frame = TypeVar("Frame")


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says of itself, before all of it is decoded."""

    fps: float  # frames per second
    width: int  # pixels, as displayed
    height: int
    announced_frames: int  # as counted in the file or computed from its duration; 0 where it tells neither
    start: float = 0.0  # seconds from the container's start, which players count from, to the first frame


@dataclass(frozen=True)
class FrameOptions:
    """How frames are made of a video."""

    height: int = 224  # lines of a frame; a video with fewer keeps its own
    fps: float | None = None  # frames per second to resample to by time stamp; None keeps each frame


def find_videos(videos_dir: Path | str) -> dict[str, Path]:
    """The video files at any depth below a folder, by name: the path below it, without suffix.

    Raises:
        UserError: no such folder, no video in it, two videos whose frames would go to the same folder, or a name that a
            folder of frames cannot have.
    """
    videos_dir = Path(videos_dir)
    if not videos_dir.is_dir():
        raise UserError(f"{videos_dir}: no such folder; --videos names the folder with the video files")
    videos: dict[str, Path] = {}
    folders: dict[str, Path] = {}  # names without case: on Windows and macOS it makes no other folder
    for path in sorted(videos_dir.rglob("*"), key=lambda path: path.relative_to(videos_dir).as_posix()):
        inside = path.relative_to(videos_dir)
        hidden = path.name.endswith(ANNOTATED) or any(part.startswith(".") for part in inside.parts)
        if path.suffix.lower() in VIDEO_SUFFIXES and not hidden and path.is_file():
            video = inside.with_suffix("").as_posix()
            if fault := name_fault(video):
                raise UserError(f"{path}: {fault}")
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
    """Read what a video file says of itself, and decode its first frame.

    Raises:
        UserError: it is no video, or nothing in it can be decoded.
    """
    with Decoder(path, threads=1) as decoder:
        start, frame = next(iter(decoder), (0.0, None))
        if frame is None:
            raise nothing_decoded(path)
        return VideoInfo(decoder.fps, *fitted_size(frame, decoder.aspect), decoder.announced_frames, start)


def resample(frames: Iterable[tuple[float, Frame]], fps: float, source_fps: float) -> Iterator[tuple[Frame, range]]:
    """Give the frames of a video at another rate, by their time stamps.

    The new frame k shows the frame whose time is nearest to k / fps, the earlier of two that are as near. The last
    one is shown for half of a source frame.

    Args:
        frames: time since the video's first frame in seconds, rising, and frame. If it begins later than that, its
            first one is only a neighbour and not given.
        fps: frames per second to give.
        source_fps: frames per second of `frames`, on average.

    Yields:
        A frame that is shown, and the numbers of the new frames that show it.
    """
    first: int | None = None  # number of the first new frame that shows the frame
    for (at, frame), (after, _) in pairwise(chain(frames, [(None, None)])):
        if not at:
            first = 0
        until = at + 0.5 / source_fps if after is None else (at + after) / 2
        end = math.floor((until + ROUNDING) * fps) + 1  # of the times 0, 1 / fps, ... so many are not later
        if first is not None and end > first:
            yield frame, range(first, end)
        first = end


class Frames:
    """The frames of a raw video as extraction makes them, with the same numbers, but without JPEG.

        frames = Frames(path, FrameOptions(), start=60, end=120)
        for number, picture in frames: ...  # uint8 (H, W, 3), RGB
        if frames.faults: ...

    Those from `start` seconds on come by seeking, if the time stamps of the file allow it.

    Attributes:
        decoder: what decodes the video; there once the first frame is.
        faults: what was wrong with the part that was read; there after the last frame.
        times: of each frame given so far, seconds since the container's start.
    """

    decoder: Decoder
    faults: Faults

    def __init__(
        self, path: Path, options: FrameOptions, start: float = 0, end: float = math.inf, threads: int = 0
    ) -> None:
        """
        Args:
            start, end: seconds since the container's start: the first frame is the one on display at `start`, and
                those that come at `end` or later are not given.
            threads: cores to decode on; 0 for all.
        """
        self.path, self.options, self.start, self.end, self.threads = path, options, start, end, threads
        self.times = array("d")

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        """
        Raises:
            UserError: it is no video, or its frames change in size.
        """
        fit = None
        for frame, numbers in self.decoded():
            fit = fit or self.fitter("rgb")
            picture = np.ascontiguousarray(fit(frame))
            for number in numbers:
                yield number, picture

    def fitter(self, order: str) -> Fitter:
        """What makes pictures of the frames that `decoded` yields."""
        return Fitter(self.options.height, self.decoder.aspect, order)

    def decoded(self) -> Iterator[tuple[av.VideoFrame, range]]:
        """The frames before they are made pictures, and the numbers of those that show each."""
        if self.start > 0:
            with contextlib.suppress(CannotSeek):  # before any frame is given
                yield from self._read(*find_entry(self.path, self.start))
                return
        yield from self._read()

    def _read(self, *entry: FrameIndex | KeyFrame) -> Iterator[tuple[av.VideoFrame, range]]:
        with Decoder(self.path, self.threads) as self.decoder:
            numbered = frames_from(self.decoder, *entry)
            yield from self._resampled(numbered) if self.options.fps else self._each(numbered)
            self.faults = self.decoder.faults()

    def _each(self, numbered: Iterator[tuple[int, float, av.VideoFrame]]) -> Iterator[tuple[av.VideoFrame, range]]:
        for (number, at, frame), (_, after, _) in pairwise(chain(numbered, [(None, None, None)])):
            if at >= self.end - SLACK:
                break
            gone = at + 1 / self.decoder.fps + SLACK if after is None else after
            if self.start <= 0 or gone > self.start + SLACK:  # it is on display at the start, or comes later
                self.times.append(at)
                yield frame, range(number, number + 1)

    def _resampled(self, numbered: Iterator[tuple[int, float, av.VideoFrame]]) -> Iterator[tuple[av.VideoFrame, range]]:
        fps, begun = self.options.fps, next(numbered, None)
        if begun is None:
            return
        begins = self.decoder.start  # where the new frames begin to count as well
        first = math.floor((self.start - begins + SLACK) * fps)
        end = math.ceil((self.end - begins - SLACK) * fps) if self.end < math.inf else math.inf
        since = ((at - begins, frame) for _, at, frame in chain([begun], numbered))
        for frame, numbers in resample(since, fps, self.decoder.fps):
            if numbers.start >= end:
                break
            if inside := range(max(first, numbers.start), min(end, numbers.stop)):
                self.times.extend(begins + number / fps for number in inside)
                yield frame, inside


@dataclass(frozen=True)
class SourceVideo:
    """A video file whose frames are asked for by the numbers of extracted frames."""

    path: Path
    kept: Path  # file in which its index is kept
    num_frames: int | None  # extracted ones; None: each frame of the file has its own number
    fps: float | None = None  # of the extracted frames; None where it is unknown
    record: Mapping[str, Any] | None = None  # video.json of the extracted frames

    @cached_property
    def index(self) -> FrameIndex:
        """Of all its frames; made or read when it is first asked for."""
        return kept_index(self.path, self.kept)

    @cached_property
    def numbers(self) -> np.ndarray:
        """The frame of the file that each extracted frame shows, int64 (num_frames,): by its number where the file has
        as many frames as the one that they were made from, else by time.

        Raises:
            UserError: it is no video, or has another number of frames, and the rate of the extracted ones is not known.
        """
        stamps, total, record = self.index.stamps, len(self.index.stamps), self.record or {}
        resampled = (record.get("options") or {}).get("fps")
        if resampled and record.get("source_frames") == total and self.num_frames is not None:
            numbers = np.full(self.num_frames, total - 1)  # as `resample` chooses them; the last one for all after it
            since = ((at - stamps.start, number) for number, at in enumerate(stamps.seconds.tolist()))
            for number, shown_by in resample(since, resampled, self.index.fps):
                numbers[shown_by.start : shown_by.stop] = number
            return numbers
        if self.num_frames in (None, total):
            return np.arange(total)
        if not record and not self.fps:
            raise UserError(f"{self.path}: has {total} frames, but {self.num_frames} were extracted, at a rate that is "
                            "not known; extract them with prepare_data.py")
        times = frame_stamps(record).seconds if record else stamps.start + np.arange(self.num_frames) / self.fps
        return np.clip(stamps.frames_at(times), 0, total - 1)
