"""A project of BORIS with the video as an observation, which it opens with the video and the events."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from label_forms.exported import ExportedVideo, in_words
from plots.style import class_colour
from util.io import write_json

_VERSION = "7.0"  # of the format
_KEYS = "1234567890abcdefghijklmnopqrstuvwxyz"  # of the keyboard, one for each class


def write_boris(path: Path, video: ExportedVideo) -> None:
    """Point events; the subject is the team, the comment the score and further fields."""
    teams = sorted({event["team"] for event in video.events if event.get("team")})
    write_json(path, {
        "time_format": "hh:mm:ss", "project_date": "", "project_name": video.name, "project_description": "",
        "project_format_version": _VERSION,
        "subjects_conf": {str(index): {"key": "", "name": team, "description": ""} for index, team in enumerate(teams)},
        "behaviors_conf": {str(index): _behaviour(index, name) for index, name in enumerate(video.classes)},
        "observations": {video.name: _observation(video)},
        "behavioral_categories": [], "independent_variables": {}, "coding_map": {}, "behaviors_coding_map": [],
        "converters": {},
    })


def _behaviour(index: int, name: str) -> dict[str, Any]:
    return {"type": "Point event", "key": _KEYS[index : index + 1], "code": name, "description": "", "category": "",
            "color": class_colour(index), "modifiers": {}, "excluded": "", "coding map": ""}


def _observation(video: ExportedVideo) -> dict[str, Any]:
    last = max((event["seconds"] for event in video.events), default=0.0)
    length = video.end if math.isfinite(video.end) else last + 1 / video.fps
    events = [[round(event["seconds"], 3), event.get("team") or "", event["label"], "", in_words(event), event["frame"]]
              for event in video.events]
    return {
        "file": {"1": [video.file], **{str(player): [] for player in range(2, 9)}}, "type": "MEDIA", "date": "",
        "description": "", "time offset": 0.0, "events": events, "observation time interval": [0, 0],
        "independent_variables": {}, "visualize_spectrogram": False, "visualize_waveform": False,
        "close_behaviors_between_videos": False, "scan_sampling_time": 0,
        "media_info": {"length": {video.file: length}, "fps": {video.file: video.fps}, "hasVideo": {video.file: True},
                       "hasAudio": {video.file: False}, "offset": {"1": 0.0}},
    }
