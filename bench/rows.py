"""What is measured: a rate, and the floor that the same machine sets for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What to measure on, and how large."""

    device: str = "auto"  # and precision: names, see model/device.py
    precision: str = "auto"
    seconds: float = 10  # that a row takes, at least three rounds
    clip_len: int = 100  # frames
    crop: int = 224  # side of the square, in pixels

    @property
    def quick(self) -> bool:
        """Whether to leave out what takes long to prepare."""
        return self.seconds < 5


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    stage: str  # what was measured, and of what size
    rate: float  # in `unit`; or an amount, such as of memory
    floor: float | None  # the rate of the part that cannot be done without, measured beside it; None: none known
    unit: str  # such as "frames/s"
    note: str = ""  # such as the memory that it took
