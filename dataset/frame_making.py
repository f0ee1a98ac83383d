"""What the frames of a split have in common: how frames of a new video must be made to be like them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from dataset.jpeg import jpeg_size
from dataset.video_record import frame_name, read_record


def how_frames_were_made(frame_dir: Path, videos: list[dict]) -> dict[str, Any]:
    """The height, rate and resampling of most of a split's frames.

    Args:
        videos: [{"video", "num_frames", "fps"}]; fps may be missing or -1. Their frames are there.

    Returns:
        {"frame_height": lines, "frame_fps": frames per second or None where it is not known, "resample_fps": what
        prepare_data.py --fps was given, or None}.
    """
    counts: dict[str, Counter] = {"frame_height": Counter(), "frame_fps": Counter(), "resample_fps": Counter()}
    for entry in videos:
        folder = frame_dir / entry["video"]
        options = (read_record(folder) or {}).get("options") or {}
        size = jpeg_size(folder / frame_name(0))
        found = {
            "frame_height": size and size[1],
            "frame_fps": entry.get("fps"),
            "resample_fps": options.get("fps"),
        }
        for key, value in found.items():
            counts[key][value] += entry["num_frames"]
    made = {key: counter.most_common(1)[0][0] for key, counter in counts.items()}
    if not made["frame_fps"] or made["frame_fps"] <= 0:
        made["frame_fps"] = None
    return made
