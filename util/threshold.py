"""The score above which a trained model's events count: chosen on val, kept in the model folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from util.errors import UserError
from util.events import Video, non_maximum_suppression
from util.io import read_json, write_json
from util.predictions import threshold_from_val, threshold_tolerance
from util.score import NMS_WINDOW, TOLERANCES, choose_threshold

FILE = "threshold.json"  # in the model folder


def write_threshold(
    model_dir: Path, epoch: int, truth: Sequence[Video], predictions: Sequence[Video], classes: Sequence[str]
) -> None:
    """Choose the threshold on val, as `threshold_from_val` does, and keep it in the model folder.

    Args:
        truth: the entries of the val split.
        predictions: of `epoch` on val, before non-maximum suppression.
    """
    tolerance = threshold_tolerance(TOLERANCES)
    threshold = choose_threshold(truth, non_maximum_suppression(predictions, NMS_WINDOW), classes, tolerance)
    row = {"epoch": epoch, "threshold": threshold, "nms_window": NMS_WINDOW, "tolerance": tolerance}
    write_json(model_dir / FILE, row)


def find_threshold(
    model_dir: Path, epoch: int, nms_window: int, read_val_truth: Callable[[], list[Video]], classes: Sequence[str]
) -> tuple[float, str]:
    """The threshold for the events of a model's epoch on a new video.

    It is that which training kept, if it is of this epoch and window, or else is chosen on val as eval.py does.

    Args:
        read_val_truth: gives the entries of the val split; called only if it is needed.

    Returns:
        The threshold, and where it comes from in words that follow "threshold 0.123, ".

    Raises:
        UserError: the file that training wrote is damaged.
    """
    path = model_dir / FILE
    if path.is_file():
        kept = read_json(path)
        if not isinstance(kept, dict) or not isinstance(kept.get("threshold"), float | int):
            raise UserError(f'{path}: must be {{"epoch", "threshold", "nms_window"}}; delete it, or set --threshold')
        if (kept.get("epoch"), kept.get("nms_window")) == (epoch, nms_window):
            return float(kept["threshold"]), f"chosen on val in training ({FILE})"
    return threshold_from_val(model_dir, "", epoch, read_val_truth, classes, TOLERANCES, nms_window)
