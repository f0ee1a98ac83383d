"""What view.py's tests look at: two videos whose frames tell their numbers, their labels, and a model's predictions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
from conftest import pattern_frame, write_image
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import view
from util.io import write_json
from util.predictions import prediction_prefix, save_predictions
from viewer.server import Session, create_app

CLASSES = ["DRIVE", "PASS"]
NUM_FRAMES = 60
FPS = 25.0
EVENTS = {8: "PASS", 20: "DRIVE", 31: "PASS", 40: "PASS", 52: "DRIVE"}
WRITE = {"X-Viewer": "1"}  # what the page sends along when it writes
# what the model finds above 0.5 in each video: one a frame late, one right, one of another class, one false
GUESSES = {9: ("PASS", 0.9), 20: ("DRIVE", 0.8), 40: ("DRIVE", 0.7), 46: ("PASS", 0.6), 31: ("PASS", 0.3)}


@dataclass(frozen=True)
class Viewed:
    """The folders of a small dataset."""

    dataset: Path
    frames: Path
    model: Path
    labels: Path

    def arguments(self, *more: object) -> list[object]:
        return [self.model, self.frames, "-s", "test", "--labels", self.labels, *more]


def make_viewed(
    root: Path, videos: Sequence[str] = ("cup/a_1", "cup/a_2"), frames: bool = True, classes: Sequence[str] = CLASSES
) -> Viewed:
    """Two test videos and one for val; the predictions of epochs 1 and 2, of which the first is the best.

    The first two classes take the place of CLASSES.
    """
    viewed = Viewed(root / "data" / "small", root / "Frames", root / "out", root / "Labels")
    viewed.dataset.mkdir(parents=True)
    (viewed.dataset / "class.txt").write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")
    rng = np.random.default_rng(0)
    for split, names in {"val": ["cup/v_1"], "test": list(videos)}.items():
        entries = [make_entry(name, classes) for name in names]
        write_json(viewed.dataset / f"{split}.json", entries)
        for name in names if frames else []:
            write_frames(viewed.frames / name)
        write_predictions(viewed.model, split, entries, rng, classes)
    write_json(viewed.model / "config.json", {"dataset": viewed.dataset.as_posix(), "num_classes": len(classes)})
    write_json(viewed.model / "loss.json", [{"epoch": e, "val_mAP": m} for e, m in enumerate((0.0, 0.7, 0.6))])
    return viewed


def make_entry(video: str, classes: Sequence[str] = CLASSES) -> dict:
    events = [{"frame": f, "label": classes[CLASSES.index(label)], "team": "BRA"} for f, label in EVENTS.items()]
    return {"video": video, "num_frames": NUM_FRAMES, "num_events": len(events), "fps": FPS, "events": events}


def write_frames(folder: Path, num_frames: int = NUM_FRAMES) -> None:
    for index in range(num_frames):
        write_image(folder / f"{index:06d}.jpg", pattern_frame(index))


def write_predictions(
    folder: Path, split: str, entries: Sequence[dict], rng: np.random.Generator, classes: Sequence[str] = CLASSES
) -> None:
    """Scores of GUESSES, with some noise below them, for both epochs."""
    for epoch in (1, 2):
        scores = {entry["video"]: make_scores(rng, len(classes)) for entry in entries}
        save_predictions(prediction_prefix(folder, split, epoch), entries, scores, classes)


def make_scores(rng: np.random.Generator, num_classes: int) -> np.ndarray:
    """float32 (NUM_FRAMES, K + 1)."""
    scores = rng.uniform(0, 0.02, (NUM_FRAMES, num_classes + 1)).astype(np.float32)
    for frame, (label, score) in GUESSES.items():
        scores[frame, 1 + CLASSES.index(label)] = score
    scores[:, 0] = 1 - scores[:, 1:].sum(axis=1)
    return scores


def open_session(*arguments: object) -> Session:
    """What view.py would show for a command line."""
    with mock.patch.object(sys, "argv", ["view.py", *map(str, arguments)]):
        return view.open_session(view.parse_args())


def client(*arguments: object, host: str = "127.0.0.1") -> FlaskClient:
    """The page's server for a command line, without a network."""
    return create_app(open_session(*arguments), host).test_client()


def labels_of(page: FlaskClient, video: int = 0) -> dict:
    return page.get(f"/api/videos/{video}/labels").get_json()


def put(
    page: FlaskClient, state: dict, events: list, video: int = 0, more: dict | None = None, **headers: str
) -> TestResponse:
    """Write events as a page does that read `state`, and maybe what is rejected and labelled."""
    body = {"revision": state["revision"], "events": events} | (more or {})
    return page.put(f"/api/videos/{video}/labels", json=body, headers=WRITE | headers)


def event(frame: object, label: str = "PASS", keys: object = None, at: int | None = None) -> dict:
    return {"frame": frame, "label": label, "keys": {} if keys is None else keys, "at": at}
