"""What is shown of a training, in training.png, TensorBoard and Weights & Biases: losses, val mAP and learning rate."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from plots.style import CLASS_COLOURS, GREY, INK, clean_axes, new_figure, save_figure
from util.errors import UserError
from util.io import read_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes


TENSORBOARD = "tensorboard"  # folder in the model folder
SHOWN_AS = {"train": "loss/train", "val": "loss/val", "val_mAP": "val mAP after NMS", "lr": "learning_rate"}


def epoch_writer(
    model_dir: Path, done: Sequence[dict[str, Any]], tensorboard: bool = False, wandb: bool = False
) -> Callable[[Sequence[dict[str, Any]]], None]:
    """A function that shows a training's rows of loss.json after each epoch.

    Args:
        done: the rows of the epochs before; what TensorBoard has of an earlier run past them is hidden.
        tensorboard, wandb: show them there too.

    Raises:
        UserError: one of them is not installed.
    """
    writer = summary_writer()(str(model_dir / TENSORBOARD), purge_step=len(done)) if tensorboard else None
    run = _wandb_run(model_dir) if wandb else None

    def write(rows: Sequence[dict[str, Any]]) -> None:
        with contextlib.suppress(UserError):  # somebody may have the picture open: the next epoch's will do
            training_picture(model_dir / "training.png", rows)
        shown = {name: rows[-1][key] for key, name in SHOWN_AS.items()
                 if rows[-1].get(key) is not None and (rows[-1][key] or key != "val_mAP")}  # 0: it was not measured
        if writer:
            for name, value in shown.items():
                writer.add_scalar(name, value, rows[-1]["epoch"])
            writer.flush()
        if run:
            run.log(shown, step=rows[-1]["epoch"])

    return write


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


def wandb_package() -> ModuleType:
    """The package of Weights & Biases.

    Raises:
        UserError: it is not installed.
    """
    try:
        import wandb
    except ImportError as error:
        raise UserError("--wandb: needs a package; pip install wandb, or leave the option out") from error
    return wandb


def _wandb_run(model_dir: Path) -> Any:
    """The run of a model folder, begun or gone on with, by an id that the folder's path makes; its files lie there."""
    identity = hashlib.sha256(str(model_dir.resolve()).encode()).hexdigest()[:16]
    config = read_json(model_dir / "config.json") if (model_dir / "config.json").is_file() else {}
    return wandb_package().init(project="event-spotting", name=model_dir.name, id=identity, resume="allow",
                                dir=str(model_dir), config=config)


def training_picture(path: Path | str, rows: Sequence[dict[str, Any]]) -> None:
    """Write a picture of training: the losses, val mAP and the learning rate, by epoch.

    Args:
        rows: loss.json, [{"epoch", "train", "val", "val_mAP", "lr"}]; all but the first may be missing or None.
            A val_mAP of 0 before the first other one means that it was not measured.

    Raises:
        UserError: the picture cannot be written.
    """
    figure = new_figure(7.5, 7.5)
    loss, val_map, rate = figure.subplots(3, 1, sharex=True, height_ratios=[3, 3, 1.6])
    for key, look in (("train", {"color": GREY, "marker": "o"}), ("val", {"color": INK, "marker": "s"})):
        epochs, values = _series(rows, key)
        loss.plot(epochs, values, markersize=4, linewidth=2, label=f"{key} loss", **look)
    loss.set(ylabel="loss")
    loss.legend(fontsize=9)
    _draw_val_map(val_map, rows)
    epochs, values = _series(rows, "lr")
    rate.plot(epochs, values, color=INK, marker="o", markersize=3, linewidth=2)
    rate.set(ylabel="learning rate", xlabel="epoch")
    rate.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    if rows:
        rate.set_xlim(rows[0]["epoch"] - 0.5, rows[-1]["epoch"] + 0.5)
    rate.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    for axes in (loss, val_map, rate):
        clean_axes(axes)
    for axes in (loss, rate):
        axes.set_ylim(bottom=0)
    figure.align_ylabels()
    save_figure(figure, path)


def _draw_val_map(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    epochs, values = _series(rows, "val_mAP")
    axes.set(ylabel="val mAP after NMS (%)")
    if not values.any():
        axes.text(0.5, 0.5, "no val mAP yet", transform=axes.transAxes, ha="center", va="center", color=GREY)
        axes.set_yticks([])
        return
    first, best = int(np.flatnonzero(values)[0]), int(values.argmax())
    axes.plot(epochs[first:], 100 * values[first:], color=CLASS_COLOURS[0], marker="o", markersize=4, linewidth=2)
    axes.plot(epochs[best], 100 * values[best], "*", color=CLASS_COLOURS[1], markersize=15)
    axes.set_ylim(0, 115 * values[best])
    text = f"best: {100 * values[best]:.1f} at epoch {epochs[best]}"
    axes.set_title(text, loc="right", fontsize=10, color=CLASS_COLOURS[1])


def _series(rows: Sequence[dict[str, Any]], key: str) -> tuple[np.ndarray, np.ndarray]:
    kept = [(row["epoch"], row[key]) for row in rows if row.get(key) is not None]
    return np.array([epoch for epoch, _ in kept], int), np.array([value for _, value in kept], float)
