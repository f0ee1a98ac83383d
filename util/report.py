"""The table of results that scripts print, and where its threshold comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from util.events import Video
from util.predictions import threshold_from_val
from util.score import NMS_WINDOW, TOLERANCES, evaluate, format_tables


def print_report(
    folder: Path,
    split: str,
    epoch: int | None,
    truth: Sequence[Video],
    predictions: Sequence[Video],
    classes: Sequence[str],
    read_val_truth: Callable[[], list[Video]],
    tolerances: Sequence[int] = TOLERANCES,
    nms_window: int = NMS_WINDOW,
    threshold: float | None = None,
) -> dict[str, Any]:
    """Score a split's predictions and print the tables.

    Args:
        folder: the model's, whose val predictions of the same epoch choose the threshold where none is given.
        predictions: every class of every frame with score >= 0.01, before non-maximum suppression.
        read_val_truth: gives the entries of the val split; called only if it is needed.

    Returns:
        what `evaluate` gives, with "split", "epoch" and "threshold_from".
    """
    source = "given by --threshold"
    if threshold is None:
        threshold, source = threshold_from_val(folder, split, epoch, read_val_truth, classes, tolerances, nms_window)
    report = evaluate(truth, predictions, classes, tolerances, nms_window, threshold)
    print(f"split {split}: {sum(len(v['events']) for v in truth)} events in {len(truth)} videos; "
          f"threshold {threshold:.3f}, {source}\n")
    print(format_tables(report))
    return {**report, "split": split, "epoch": epoch, "threshold_from": source}
