"""Clean labels of random futsal matches, for tests that plant a defect in them or see that nothing is found."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from checks.findings import Finding
from checks.label_reading import Labels, read_dataset

CLASSES = ["DRIVE", "PASS"]


def clean_entries(
    seed: int = 0, matches: int = 7, num_frames: int = 4000, events: int = 60, uneven: float = 0.2, fps: float = 25.0
) -> dict[str, list[dict]]:
    """{split: entries} of two halves a match: the last match is test, the one before it val, the others are train.

    Args:
        events: of a half, on average; they come in bursts of three or so, 5 to 60 frames apart.
        uneven: standard deviation of the matches' numbers of events, relatively.
    """
    rng = np.random.default_rng(seed)
    splits: dict[str, list[dict]] = {"train": [], "val": [], "test": []}
    for match in range(matches):
        split = {matches - 1: "test", matches - 2: "val"}.get(match, "train")
        mean = events * rng.gamma(uneven**-2, uneven**2)
        for half in (1, 2):
            frames = _bursts(rng, max(10, rng.poisson(mean)), num_frames)
            found = [{"frame": frame, "label": CLASSES[int(rng.random() < 0.6)]} for frame in frames]
            splits[split].append({"video": f"m{match}_{half}", "num_frames": num_frames, "num_events": len(found),
                                  "fps": fps, "width": 398, "height": 224, "events": found})
    return splits


def _bursts(rng: np.random.Generator, number: int, num_frames: int) -> list[int]:
    frames: list[int] = []
    while len(frames) < number:
        burst = rng.integers(num_frames) + np.cumsum(rng.integers(5, 60, 1 + rng.poisson(2)))
        frames += [int(frame) for frame in burst if frame < num_frames and all(abs(frame - f) > 3 for f in frames)]
    return sorted(frames)


def write_splits(folder: Path, splits: dict[str, object], classes: list[str] = CLASSES) -> str:
    """Write a dataset as it stands, defects and all; gives the argument for the scripts."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "class.txt").write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")
    for split, entries in splits.items():
        (folder / f"{split}.json").write_text(json.dumps(entries), encoding="utf-8")
    return str(folder)


def labels_of(folder: Path, splits: dict[str, object], classes: list[str] = CLASSES) -> Labels:
    return read_dataset(write_splits(folder, splits, classes))


def only(findings: list[Finding], level: str, check: str, number: int = 1) -> Finding:
    """The first of the findings, which must all be of that level and check, as many as `number`."""
    assert [(f.level, f.check) for f in findings] == [(level, check)] * number, findings
    assert all("\n" not in f.where + f.message + f.advice for f in findings)
    return findings[0]
