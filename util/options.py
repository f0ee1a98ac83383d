"""Types of command line options, for argparse: each refuses what it cannot take, in words."""

from __future__ import annotations

import argparse
import math

MAX_FRAMES_AROUND = 1000  # of a tolerance or window; pictures and the page show each of them
MAX_SECONDS_AROUND = 10


def count(text: str) -> int:
    """A whole number, 0 or more."""
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise argparse.ArgumentTypeError(f"must be a whole number, 0 or more, and not {text!r}")
    return int(text)


def positive(text: str) -> int:
    """A whole number, 1 or more."""
    if not (value := count(text)):
        raise argparse.ArgumentTypeError("must be 1 or more, and not 0")
    return value


def positive_or_auto(text: str) -> int | str:
    """A whole number, 1 or more, or "auto"."""
    return text if text == "auto" else positive(text)


def frames_around(text: str) -> int:
    """A number of frames around an event, such as a tolerance."""
    if (value := count(text)) > MAX_FRAMES_AROUND:
        raise argparse.ArgumentTypeError(f"must be {MAX_FRAMES_AROUND} frames or less, and not {value}")
    return value


def seconds_around(text: str) -> float:
    """A number of seconds around an event, such as a tolerance."""
    if not 0 <= (value := _number(text)) <= MAX_SECONDS_AROUND:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to {MAX_SECONDS_AROUND} seconds, and not {text!r}")
    return value


def odd(text: str) -> int:
    """A whole odd number, 1 or more."""
    if (value := positive(text)) % 2 == 0:
        raise argparse.ArgumentTypeError(f"must be odd, and not {value}")
    return value


def share(text: str) -> float:
    """A number from 0 to 1."""
    if not 0 <= (value := _number(text)) <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, and not {text!r}")
    return value


def rate(text: str) -> float:
    """A finite number, 0 or more."""
    if not 0 <= (value := _number(text)) < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number, 0 or more, and not {text!r}")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
