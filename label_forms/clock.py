"""How the positions of labels count a video: seconds of a player, frames of the file, or extracted frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dataset.labels import SAME_FPS
from dataset.video_record import frame_stamps, source_stamps
from label_forms.sets import LabelSet
from util.errors import UserError
from util.stamps import Stamps

if TYPE_CHECKING:  # its decoder takes a while to import, and view.py needs none
    from footage.raw_videos import VideoInfo

UNKNOWN_FRAMES = 1_000_000  # of a video that announces no length: no label is taken to be past its end


@dataclass(frozen=True)
class Clock:
    """How the positions of a label set count one video: seconds, or frames of the file, or extracted frames."""

    seconds: bool  # whether positions are seconds; else frames
    counted: Stamps  # of the frames that are counted
    shown: Stamps  # of the extracted frames
    rate: float  # units of position per second

    @property
    def length(self) -> float:
        """Of the video, in units of position."""
        return self.counted.end if self.seconds else len(self.counted)

    @property
    def converts(self) -> bool:
        """Whether positions are other numbers than those of the extracted frames."""
        return self.seconds or self.counted is not self.shown

    def holds(self, position: float) -> bool:
        """Whether the video shows a position; a time may be rounded past its end by half a frame."""
        slack = (self.counted.end - self.counted.seconds[-1]) / 2 if self.seconds else 0
        return 0 <= position < self.length + slack

    def time_of(self, position: float) -> float:
        """Seconds in the video."""
        return position if self.seconds else self.counted.time_of(position)

    def frame_of(self, position: float) -> int:
        """The extracted frame that is on display."""
        return max(0, self.shown.frame_at(self.time_of(position))) if self.converts else int(position)


def announced_record(info: VideoInfo, fps: float | None) -> dict:
    """What the record of a video's extracted frames would be, by what its file says of itself.

    Args:
        fps: to extract at; None for each frame of the video.
    """
    frames = info.announced_frames or UNKNOWN_FRAMES
    num_frames = max(1, round(frames * (fps or info.fps) / info.fps))
    return {"num_frames": num_frames, "fps": fps or info.fps, "source_frames": frames, "source_fps": info.fps,
            "start": info.start, "announced": True, "width": info.width, "height": info.height, "options": {"fps": fps}}


def clock_of(labels: LabelSet, record: Mapping) -> Clock:
    """How a label set's positions count a video.

    Args:
        record: of the extracted frames, see `dataset.video_record`.

    Raises:
        UserError: the labels name a rate that is neither the file's nor that of its extracted frames.
    """
    fps, source_fps = record["fps"], record["source_fps"]
    shown, source = frame_stamps(record), source_stamps(record)
    if labels.seconds:
        return Clock(True, shown, shown, 1)
    if np.array_equal(shown.seconds, source.seconds):
        shown = source
    counted = labels.fps or source_fps
    # the mean rate of a video that lost frames is not the one that people know it by
    off_source = min(abs(counted - source_fps), abs(counted - source.usual_fps))
    off_frames = abs(counted - fps)
    if min(off_source, off_frames) < SAME_FPS:
        return Clock(False, source, shown, source_fps) if off_source <= off_frames else Clock(False, shown, shown, fps)
    if labels.fps_from == "option":
        frames = max(1, round((shown.end - shown.start) * counted))
        return Clock(False, Stamps.even(frames, counted, shown.start), shown, counted)
    rates = f"{source_fps:g}" if source_fps == fps else f"{source_fps:g} and its frames {fps:g}"
    if labels.fps_from == "form":
        raise UserError(f"{labels.path}: files of this form count {counted:g} frames a second, but the rate of the "
                        f"video is {rates}; say --label_fps {counted:g} if these count {counted:g} to a second too, "
                        f"or --label_fps {source_fps:g} if they count the video's own frames; it is then the rate of "
                        "all label files that do not tell theirs")
    raise UserError(f"{labels.path}: its fps is {counted:g}, but that of the video is {rates}; correct it, "
                    "or take it out if the events count the video's own frames")
