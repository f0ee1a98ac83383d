"""When each frame of a video is on display, and which frame a time shows.

A time counts as a player shows it: 0 is the start of the file, of which the first picture may come later.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np

# Seconds by which a time may be earlier than the frame that it means, as times are often cut to milliseconds; but not
# by a whole one: 1039 ms are still in the frame before that of 1040.
SLACK = 1e-3 - 1e-6
STRAY = 0.75  # frames by which stamps may stray from an even rate; without one frame of many they do more
MICROSECOND = Fraction(1, 1_000_000)  # seconds
MAX_UNITS = 2**62  # a video that lasts longer, in units of its stamps, is none
_UNIT = re.compile(r"([1-9]\d{0,9})/([1-9]\d{0,9})", re.ASCII)
_STEP = re.compile(r"(\d{1,18})(?:x(\d{1,9}))?", re.ASCII)


class Stamps:
    """The time stamps of a video's frames, in order of display.

    Attributes:
        seconds: float64 (num_frames,), when each frame comes on display; never falling.
        end: seconds; when the last one goes off.
    """

    def __init__(self, seconds: np.ndarray, end: float) -> None:
        self.seconds, self.end = np.asarray(seconds, np.float64), float(end)

    @classmethod
    def even(cls, num_frames: int, fps: float, start: float = 0.0) -> Stamps:
        """Those of frames that come at one rate, from `start` seconds on."""
        return cls(start + np.arange(num_frames) / fps, start + num_frames / fps)

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def start(self) -> float:
        """Seconds; when the first frame comes on display."""
        return float(self.seconds[0])

    @property
    def usual_fps(self) -> float:
        """Frames per second where none is missing: by the usual step from frame to frame."""
        step = float(np.median(np.diff(self.seconds, append=self.end)))
        return 1 / step if step > 0 else len(self) / max(self.end - self.start, SLACK)

    def is_even(self, fps: float) -> bool:
        """Whether the frames come at a rate, but for the rounding of stamps to milliseconds."""
        return bool(np.abs(self.seconds - self.start - np.arange(len(self)) / fps).max() < SLACK)

    def even_rate(self, announced: float) -> float | None:
        """Frames per second, the announced ones or their mean; None where they come at no even rate."""
        span = self.seconds[-1] - self.seconds[0]
        for fps in (announced, (len(self) - 1) / span if span else announced):
            if np.ptp(self.seconds * fps - np.arange(len(self))) <= STRAY:
                return fps
        return None

    def frame_at(self, seconds: float) -> int:
        """The frame that is on display at a time: the last whose stamp is not later, by up to SLACK.

        Returns:
            Its number; -1 before the first comes, and the last frame for all times after it.
        """
        return int(self.frames_at(np.array(seconds)))

    def frames_at(self, seconds: np.ndarray) -> np.ndarray:
        """`frame_at` of many times: int64 of their shape."""
        return np.searchsorted(self.seconds, seconds + SLACK, side="right") - 1

    def time_of(self, frame: float) -> float:
        """When a frame comes on display, in seconds; between and beyond frames by the steps that they are apart."""
        whole = int(min(max(frame, 0), len(self) - 1))
        step = (self.seconds[whole + 1] if whole + 1 < len(self) else self.end) - self.seconds[whole]
        return float(self.seconds[whole] + (frame - whole) * step)

    def to_json(self, unit: Fraction) -> dict[str, Any]:
        """As video.json keeps them: the first stamp in seconds, and how long each frame is on display, in `unit`s.

        Equal steps in a row are written once: "3600x3 7200" stands for 3600 3600 3600 7200.
        """
        ticks = np.rint((np.append(self.seconds, self.end) - self.start) / float(unit)).astype(np.int64)
        steps = np.diff(ticks)
        runs = np.flatnonzero(np.diff(steps, prepend=-1))
        lengths = np.diff(runs, append=len(steps))
        words = [f"{step}x{length}" if length > 1 else str(step)
                 for step, length in zip(steps[runs].tolist(), lengths.tolist(), strict=True)]
        return {"first": self.start, "unit": f"{unit.numerator}/{unit.denominator}", "steps": " ".join(words)}

    @classmethod
    def from_json(cls, value: Any, num_frames: int) -> Stamps | None:
        """What `to_json` gave, for so many frames; None where it is nothing of the kind."""
        value = value if isinstance(value, dict) else {}
        first, unit, text = value.get("first"), value.get("unit"), value.get("steps")
        if type(first) not in (int, float) or not abs(first) < MAX_UNITS or not isinstance(text, str):
            return None
        unit = _UNIT.fullmatch(unit) if isinstance(unit, str) else None
        words = [_STEP.fullmatch(word) for word in text.split()]
        if unit is None or not words or None in words:
            return None
        steps, lengths = [int(word[1]) for word in words], [int(word[2] or 1) for word in words]
        if sum(lengths) != num_frames or sum(map(int.__mul__, steps, lengths)) > MAX_UNITS:
            return None
        ticks = np.cumsum(np.repeat(np.array([0, *steps], np.int64), [1, *lengths]))
        bounds = first + ticks * (int(unit[1]) / int(unit[2]))
        return cls(bounds[:-1], bounds[-1])
