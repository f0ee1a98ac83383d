"""Times as people write them: 83.5, 1:23.5, 0:14:07.200."""

from __future__ import annotations

import re

_TIME = re.compile(r"(?:(?:(\d{1,9}):)?(\d{1,9}):)?(\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})", re.ASCII)


def parse_time(text: str) -> float | None:
    """Seconds of "83.5", "mm:ss.mmm" or "h:mm:ss.mmm"; None where the text is no time."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, seconds = int(found[1] or 0), int(found[2] or 0), float(found[3])
    if (found[2] and seconds >= 60) or (found[1] and minutes >= 60):
        return None
    return 3600 * hours + 60 * minutes + seconds


def show_time(seconds: float) -> str:
    """Seconds as 0.12 s, 41.5 s, 20:00.0 or 1:02:03.5."""
    if abs(seconds) < 60:
        return f"{seconds:.2f} s" if abs(seconds) < 10 else f"{seconds:.1f} s"
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    rest = f"{tenths // 10:02d}.{tenths % 10}"
    return f"{hours}:{minutes:02d}:{rest}" if hours else f"{minutes}:{rest}"


def exact_time(seconds: float) -> str:
    """Seconds as h:mm:ss.mmm."""
    minutes, millis = divmod(round(1000 * seconds), 60_000)
    return f"{minutes // 60}:{minutes % 60:02d}:{millis // 1000:02d}.{millis % 1000:03d}"


def about(seconds: float) -> str:
    """About how long, in words."""
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"about {seconds / length:.{int(seconds < 10 * length)}f} {unit}"
    return f"about {seconds:.0f} s"
