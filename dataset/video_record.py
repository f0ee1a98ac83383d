"""The folder of a video's extracted frames: what its files are called, and video.json, which tells what the frames
were made from and when each is on display.

    record = read_record(folder)
    frame_stamps(record).frame_at(83.5)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from util.stamps import Stamps

RECORD_NAME = "video.json"


def frame_name(number: int) -> str:
    """The file of a frame, counted from 0."""
    return f"{number:06d}.jpg"


def source_stamps(record: Mapping[str, Any]) -> Stamps:
    """When the frames of the video file are on display.

    Args:
        record: source_frames, source_fps, and stamps, if the frames were made by a version that keeps them: without,
            the frames are taken to come at one rate from 0 on.
    """
    frames = record["source_frames"]
    return Stamps.from_json(record.get("stamps"), frames) or Stamps.even(frames, record["source_fps"])


def frame_stamps(record: Mapping[str, Any]) -> Stamps:
    """When the extracted frames are on display.

    Args:
        record: as in `source_stamps`; and num_frames, fps, and options of the extraction.
    """
    source = source_stamps(record)
    resampled = (record.get("options") or {}).get("fps") or record["num_frames"] != record["source_frames"]
    return Stamps.even(record["num_frames"], record["fps"], source.start) if resampled else source
