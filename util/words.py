"""Numbers in sentences."""

from __future__ import annotations


def number_of(number: int, noun: str) -> str:
    """1 event, 2 events, 12,000 events."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
