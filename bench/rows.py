"""What is measured: a rate, and the floor that the same machine sets for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    stage: str  # what was measured, and of what size
    rate: float  # in `unit`; or an amount, such as of memory
    floor: float | None  # the rate of the part that cannot be done without, measured beside it; None: none known
    unit: str  # such as "frames/s"
    note: str = ""  # such as the memory that it took
