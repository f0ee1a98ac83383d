"""Metrics of many predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.rows import Row, Settings
from bench.timing import fastest
from evaluation.metrics import average_precision
from evaluation.pairing import TOLERANCES, pair_events
from evaluation.suppression import Suppression
from util.events import event_table, true_events
from util.io import read_json, write_json

CLASSES = ["DRIVE", "PASS", "SHOT"]
VIDEOS = 100


def measure(folder: Path, settings: Settings) -> list[Row]:
    """Predictions a second: mAP at four tolerances, and NMS before it."""
    return rates(folder, 100_000 if settings.quick else 1_000_000, VIDEOS, settings.seconds)


def rates(folder: Path, num_predictions: int, num_videos: int, seconds: float) -> list[Row]:
    """Their floor is to read the predictions from their file, as eval.py must."""
    truth, predictions = make_predictions(num_predictions, num_videos)
    path = folder / "pred-bench.recall.json.gz"
    write_json(path, predictions)
    names = [video["video"] for video in truth]
    true, predicted = true_events(truth, CLASSES), event_table(predictions, names, CLASSES)
    reading, nms, precision = fastest(
        lambda: event_table(read_json(path), names, CLASSES),
        lambda: Suppression()(predicted),
        lambda: [average_precision(pairing) for pairing in pair_events(true, predicted, len(CLASSES))],
        seconds=seconds,
    )
    counts = f"{num_predictions:,} predictions in {num_videos} videos"
    return [
        Row(f"NMS, {counts}", num_predictions / nms, num_predictions / reading, "predictions/s"),
        Row(f"mAP at {len(TOLERANCES)} tolerances, {counts}", num_predictions / precision, num_predictions / reading,
            "predictions/s"),
    ]


def make_predictions(num_predictions: int, num_videos: int) -> tuple[list[dict], list[dict]]:
    """Truth, with an event every 50 frames, and predictions on every second frame or so, as a bad model's are."""
    rng = np.random.default_rng(0)
    num_frames = 2 * num_predictions // num_videos // len(CLASSES)
    truth, predictions = [], []
    for number in range(num_videos):
        frames = np.sort(rng.integers(0, num_frames, num_predictions // num_videos)).tolist()
        labels = rng.choice(CLASSES, len(frames)).tolist()
        scores = (rng.random(len(frames)) ** 3).round(4).tolist()
        events = [{"label": label, "frame": frame, "score": score}
                  for label, frame, score in zip(labels, frames, scores, strict=True)]
        predictions.append({"video": f"half_{number}", "fps": 25.0, "events": events})
        truth.append({"video": f"half_{number}", "num_frames": num_frames,
                      "events": [{"label": str(rng.choice(CLASSES)), "frame": frame}
                                 for frame in range(0, num_frames, 50)]})
    return truth, predictions
