"""OSL JSON, version 2, SoccerNet's present form of labels and results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from label_forms.exported import ExportedVideo, further_fields
from util.events import Event
from util.io import write_json

_HEAD = "action"  # the name of the only set of classes


def write_osl(path: Path, video: ExportedVideo) -> None:
    """A data set of one video."""
    write_json(path, {
        "version": "2.0",
        "task": "action_spotting",
        "dataset_name": video.name,
        "modalities": ["video"],
        "labels": {_HEAD: {"type": "single_label", "labels": list(video.classes)}},
        "data": [{"id": video.name, "inputs": [{"type": "video", "path": video.file, "fps": video.fps}],
                  "events": [_event(event) for event in video.events]}],
    })


def _event(event: Event) -> dict[str, Any]:
    millis = round(1000 * event["seconds"])
    more = further_fields(event) | {"team": event.get("team"), "confidence": event.get("score")}
    return {"head": _HEAD, "label": event["label"], "position_ms": millis,
            "gameTime": f"1 - {millis // 60_000:02d}:{millis // 1000 % 60:02d}",
            **{key: value for key, value in more.items() if value is not None}}
