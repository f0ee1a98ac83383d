"""What TensorBoard shows of a training, where it is installed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from util.errors import UserError

FOLDER = "tensorboard"  # in the model folder
NAMES = {"train": "loss/train", "val": "loss/val", "val_mAP": "val_mAP", "lr": "learning_rate"}


def summary_writer() -> type:
    """torch's class that writes for TensorBoard.

    Raises:
        UserError: TensorBoard is not installed.
    """
    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it tells at length that TensorFlow is not installed
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UserError("--tensorboard: needs a package; pip install tensorboard, or leave the option out") from error
    return SummaryWriter


def epoch_writer(model_dir: Path, done: list[dict[str, Any]]) -> Callable[[dict[str, Any]], None]:
    """A function that writes an epoch's row of loss.json for TensorBoard, at once.

    Args:
        done: the rows of the epochs before; what an earlier run wrote past them is hidden.

    Raises:
        UserError: TensorBoard is not installed.
    """
    writer = summary_writer()(str(model_dir / FOLDER), purge_step=len(done))

    def write(row: dict[str, Any]) -> None:
        for key, name in NAMES.items():
            if row.get(key) is not None:
                writer.add_scalar(name, row[key], row["epoch"])
        writer.flush()

    return write
