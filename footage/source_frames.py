"""Which frames of a video file the extracted frames show, so that the file's own pictures can stand for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dataset.video_record import frame_stamps
from footage.frame_index import FrameIndex, kept_index
from footage.raw_videos import resample
from util.errors import UserError


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
        """The frame of the file that each extracted frame shows: int64 (num_frames,).

        Raises:
            UserError: it is no video, or nothing tells which frames they are.
        """
        if self.num_frames is None:
            return np.arange(len(self.index.stamps))
        return shown_frames(self.path, self.index, self.num_frames, self.fps, self.record)


def shown_frames(
    path: Path, index: FrameIndex, num_frames: int, fps: float | None, record: Mapping[str, Any] | None
) -> np.ndarray:
    """The frame of a file that each extracted frame shows: by its number where the file has as many frames as the one
    that they were made from, else by time.

    Args:
        fps: of the extracted frames; None where it is unknown.
        record: video.json of the extracted frames; None where there is none.

    Returns:
        int64 (num_frames,).

    Raises:
        UserError: the file has another number of frames, and the rate of the extracted frames is not known.
    """
    stamps, total = index.stamps, len(index.stamps)
    resampled = (record.get("options") or {}).get("fps") if record else None
    if record and resampled and record.get("source_frames") == total:
        return _resampled(index, num_frames, resampled)
    if num_frames == total:
        return np.arange(total)
    if record:
        times = frame_stamps(record).seconds
    elif fps:
        times = stamps.start + np.arange(num_frames) / fps
    else:
        raise UserError(f"{path}: has {total} frames, but {num_frames} were extracted, at a rate that is not known; "
                        "extract them with prepare_data.py")
    return np.clip(stamps.frames_at(times), 0, total - 1)


def _resampled(index: FrameIndex, num_frames: int, fps: float) -> np.ndarray:
    """As `resample` chooses them; the last one for all that come after."""
    numbers = np.full(num_frames, len(index.stamps) - 1)
    since = ((at - index.stamps.start, number) for number, at in enumerate(index.stamps.seconds.tolist()))
    for number, shown_by in resample(since, fps, index.fps):
        numbers[shown_by.start : shown_by.stop] = number
    return numbers
