"""Splits with predictions that are as good, or as bad, as a test plants them."""

from __future__ import annotations

import numpy as np

from util.events import EventTable, predicted_events

CLASSES = ["DRIVE", "PASS"]
FPS = 25.0


def planted_truth(seed=0, videos=2, num_frames=4000, every=60, share=(0.3, 0.7), classes=CLASSES):
    """Entries of a split with an event about every so many frames."""
    rng = np.random.default_rng(seed)
    truth = []
    for video in range(videos):
        frames = np.cumsum(rng.integers(every // 2, 3 * every // 2, num_frames // every))
        events = [{"frame": int(frame), "label": str(rng.choice(classes, p=share))}
                  for frame in frames if frame < num_frames - 30]
        truth.append({"video": f"v{video}", "num_frames": num_frames, "num_events": len(events), "fps": FPS,
                      "events": events})
    return truth


def planted_scores(truth, seed=1, classes=CLASSES, found=0.9, offset=0, spread=0.5, false=0.3, twins=0, height=None,
                   taken_for=None):
    """Scores of a network: {video: float32 (num_frames, K + 1)}; what is a number may be one for each class.

    Args:
        found: share of the events that are seen at all.
        offset, spread: frames by which a peak is late, and its standard deviation.
        false: false peaks for each event.
        twins: a second, lower peak so many frames behind each; 0: none.
        height: of the peaks, the mean; of false ones half of it.
        taken_for: {class: (other, share)} of its events that are seen as the other.
    """
    rng = np.random.default_rng(seed)
    by_class = {key: np.broadcast_to(value, len(classes)) for key, value in (
        ("found", found), ("offset", offset), ("spread", spread), ("height", 0.7 if height is None else height))}
    scores = {}
    for entry in truth:
        table = rng.uniform(0, 0.005, (entry["num_frames"], len(classes) + 1))
        last = entry["num_frames"] - 1
        for event in entry["events"]:
            label = classes.index(event["label"])
            other, share = (taken_for or {}).get(event["label"], (None, 0))
            shown = classes.index(other) if rng.random() < share else label
            at = event["frame"] + round(rng.normal(by_class["offset"][label], by_class["spread"][label]))
            height = np.clip(by_class["height"][label] * rng.normal(1, 0.15), 0, 0.99)
            if rng.random() < by_class["found"][label]:
                table[np.clip(at, 0, last), 1 + shown] = height
                if twins:
                    table[np.clip(at + twins, 0, last), 1 + shown] = height * rng.uniform(0.7, 0.95)
            for _ in range(rng.poisson(false)):
                table[rng.integers(last), 1 + label] = height * rng.uniform(0.2, 0.8)
        table[:, 0] = 1 - table[:, 1:].sum(axis=1).clip(0, 1)
        scores[entry["video"]] = table.astype(np.float32)
    return scores


def planted(truth=None, **how) -> tuple[list[dict], EventTable]:
    """A split and its predictions, before suppression."""
    truth = truth or planted_truth()
    return truth, predicted_events(truth, planted_scores(truth, **how))
