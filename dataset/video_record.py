"""The folder of a video's extracted frames: what its files are called, and video.json, its record: what the frames
were made from, and when each is on display.

    record = read_record(folder)
    frame_stamps(record).frame_at(83.5)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from util.entries import MAX_FRAMES
from util.errors import UserError
from util.io import read_json, write_json
from util.stamps import Stamps

RECORD_NAME = "video.json"
MAX_FPS = 1e6


def frame_name(number: int) -> str:
    """The file of a frame, counted from 0."""
    return f"{number:06d}.jpg"


def read_record(folder: Path) -> dict[str, Any] | None:
    """What video.json in a folder of frames tells, see `footage.frame_folders.extract_frames`.

    Returns:
        Any of its keys may be missing or None, as other tools and older versions leave some out; those that are
        there are of the right type and in bounds. None where there is no such file.

    Raises:
        UserError: it cannot be read, or a value is impossible.
    """
    path = folder / RECORD_NAME
    if not path.is_file():
        return None
    record = read_json(path)
    wrong = "be an object" if not isinstance(record, dict) else _wrong(record)
    if wrong:
        raise UserError(f"{path}: must {wrong}; delete its folder and run prepare_data.py again")
    return record


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    write_json(folder / RECORD_NAME, record)


def _wrong(record: Mapping[str, Any]) -> str:
    """What a record must do and does not."""
    known = {key: value for key, value in record.items() if value is not None}
    for key in {"num_frames", "source_frames", "width", "height", "bytes"} & known.keys():
        most = MAX_FRAMES if key.endswith("frames") else 2**60
        if type(known[key]) is not int or not 0 < known[key] <= most:
            return f"have a whole number from 1 to {most:,} as {key}"
    options = known.get("options", {})
    rates = {key: known.get(key) for key in ("fps", "source_fps")}
    rates["fps of its options"] = options.get("fps") if isinstance(options, dict) else -1
    for key, value in rates.items():
        if value is not None and not (type(value) in (int, float) and 0 < value <= MAX_FPS):
            return f"have frames per second as {key}"
    if "stamps" in known and Stamps.from_json(known["stamps"], known.get("source_frames", 0)) is None:
        return "have a time stamp for each of its source_frames as stamps"
    return ""


def source_stamps(record: Mapping[str, Any]) -> Stamps:
    """When the frames of the video file are on display.

    Args:
        record: num_frames and fps; source_frames and source_fps, where they are others; and stamps, where a version
            of prepare_data.py that keeps them made the frames: without, they are taken to come at one rate, from
            `start` seconds on or from 0.
    """
    frames = record.get("source_frames") or record["num_frames"]
    return Stamps.from_json(record.get("stamps"), frames) or Stamps.even(
        frames, record.get("source_fps") or record["fps"], record.get("start", 0.0))


def timecode_rate(record: Mapping[str, Any]) -> float:
    """The frames per second at which time codes count the video file: of one with uneven stamps, by the usual step."""
    if record.get("variable_rate"):
        return source_stamps(record).usual_fps
    return record.get("source_fps") or record["fps"]


def frame_stamps(record: Mapping[str, Any]) -> Stamps:
    """When the extracted frames are on display.

    Args:
        record: as in `source_stamps`; and options of the extraction.
    """
    source = source_stamps(record)
    resampled = (record.get("options") or {}).get("fps") or record["num_frames"] != len(source)
    return Stamps.even(record["num_frames"], record["fps"], source.start) if resampled else source
