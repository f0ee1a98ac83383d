"""Types of command line options, for argparse: each refuses what it cannot take, in words."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable

_MAX_COUNT = 10**12 - 1


def whole(least: int, most: int = _MAX_COUNT) -> Callable[[str], int]:
    """The type of whole numbers from `least` to `most`."""
    def parsed(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 12 and least <= int(text) <= most):
            ends = f"{least} or more" if most == _MAX_COUNT else f"from {least} to {most}"
            raise argparse.ArgumentTypeError(f"must be a whole number, {ends}, and not {text!r}")
        return int(text)

    return parsed


def finite(least: float, most: float = math.inf) -> Callable[[str], float]:
    """The type of finite numbers from `least` to `most`."""
    ends = f", {least:g} or more" if most == math.inf else f" from {least:g} to {most:g}"

    def parsed(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and least <= value <= most):
            raise argparse.ArgumentTypeError(f"must be a number{ends * (least > -math.inf)}, and not {text!r}")
        return value

    return parsed


count, positive = whole(0), whole(1)
share, rate = finite(0, 1), finite(0)


def positive_or_auto(text: str) -> int | str:
    """A whole number, 1 or more, or "auto"."""
    return text if text == "auto" else positive(text)


def odd(text: str) -> int:
    """A whole odd number, 1 or more."""
    if (value := positive(text)) % 2 == 0:
        raise argparse.ArgumentTypeError(f"must be odd, and not {value}")
    return value


def frame_rate(text: str) -> float:
    """Frames per second, above 0."""
    if not re.fullmatch(r"\d+(\.\d+)?", text) or not 0 < float(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is no number of frames per second, such as 25 or 29.97")
    return float(text)
