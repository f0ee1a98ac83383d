"""What the files in a folder of extracted frames are called."""

from __future__ import annotations

RECORD_NAME = "video.json"  # what the frames were made from, and how


def frame_name(number: int) -> str:
    """The file of a frame, counted from 0."""
    return f"{number:06d}.jpg"
