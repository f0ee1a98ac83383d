"""Where in the picture events are, by their labels' xy, against the square in its middle that a network sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from checks.findings import Finding
from checks.label_reading import Labels
from dataset.jpeg import jpeg_size
from dataset.video_record import frame_name
from util.errors import number_of

TOLERATED = 0.05  # share of a class's events that may lie outside


def place_findings(labels: Labels, frame_dir: Path, crop: int) -> tuple[list[str], list[Finding]]:
    """How many events of each class lie outside the square, of those whose labels have a place.

    Args:
        crop: side of the square in the middle of the frames, in pixels.

    Returns:
        A line that says it; none where no event has a place. And a warning for each class of which many do.
    """
    outside: dict[str, list[bool]] = {}
    for video in labels.videos:
        placed = [event for event in video.events if event.get("xy")]
        try:
            size = jpeg_size(frame_dir / video.name / frame_name(0)) if placed else None
        except OSError:
            size = None
        if size is None:
            continue  # nothing to look at, or a missing or broken frame, which is a finding of its own
        for event in placed:
            off = abs(np.array(event["xy"]) - 0.5) * size
            outside.setdefault(event["label"], []).append(bool((off > crop / 2).any()))
    if not outside:
        return [], []
    counts = [(name, sum(outside[name]), len(outside[name])) for name in sorted(outside)]
    said = ", ".join(f"{number:,} of {total:,} {name}" for name, number, total in counts)
    return [f"outside the middle {crop}x{crop} pixels of the frames, by the places in the labels: {said}"], [Finding(
        "warning", "events-not-seen", f"{labels.folder}: {name}",
        f"{number:,} of {number_of(total, 'event')} with a place lie outside the middle {crop}x{crop} pixels",
        f"with --crop_dim {crop} no network sees them in whole videos; train on whole frames (--crop_dim 0), or on a "
        "larger square") for name, number, total in counts if number > TOLERATED * total]
