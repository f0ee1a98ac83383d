"""What is shown of a training, in training.png, TensorBoard and Weights & Biases: losses, val mAP and learning rate."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pandas as pd

from plots.style import CLASS_COLOURS, GREY, INK, new_figure, picture
from util.errors import UserError
from util.io import read_json

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRACKERS = {"tensorboard": "torch.utils.tensorboard", "wandb": "wandb"}  # by option
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
    writer = tensorboard and tracker("tensorboard").SummaryWriter(str(model_dir / TENSORBOARD), purge_step=len(done))
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


def tracker(option: str) -> ModuleType:
    """The module that shows a training where an option wants it.

    Raises:
        UserError: its package is not installed.
    """
    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it tells at length that TensorFlow is not installed
    try:
        return import_module(TRACKERS[option])
    except ImportError as error:
        raise UserError(f"--{option}: needs a package; pip install {option}, or leave the option out") from error


def _wandb_run(model_dir: Path) -> Any:
    """The run of a model folder, begun or gone on with, by an id that the folder's path makes; its files lie there."""
    identity = hashlib.sha256(str(model_dir.resolve()).encode()).hexdigest()[:16]
    config = read_json(model_dir / "config.json") if (model_dir / "config.json").is_file() else {}
    return tracker("wandb").init(project="event-spotting", name=model_dir.name, id=identity, resume="allow",
                                 dir=str(model_dir), config=config)


@picture
def training_picture(rows: Sequence[dict[str, Any]]) -> Figure:
    """The losses, val mAP and the learning rate, by epoch.

    Args:
        rows: loss.json, [{"epoch", "train", "val", "val_mAP", "lr"}]; all but the first may be missing or None.
            A val_mAP of 0 before the first other one means that it was not measured.
    """
    table = pd.DataFrame(rows, columns=["epoch", "train", "val", "val_mAP", "lr"]).astype(float).set_index("epoch")
    figure = new_figure(7.5, 7.5)
    loss, val_map, rate = figure.subplots(3, 1, sharex=True, height_ratios=[3, 3, 1.6])
    loss.plot(table.train.dropna(), color=GREY, marker="o", markersize=4, linewidth=2, label="train loss")
    loss.plot(table.val.dropna(), color=INK, marker="s", markersize=4, linewidth=2, label="val loss")
    loss.set(ylabel="loss")
    loss.legend(frameon=True)
    _draw_val_map(val_map, table.val_mAP.dropna())
    rate.plot(table.lr.dropna(), color=INK, marker="o", markersize=3, linewidth=2)
    rate.set(ylabel="learning rate", xlabel="epoch")
    rate.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    if rows:
        rate.set_xlim(rows[0]["epoch"] - 0.5, rows[-1]["epoch"] + 0.5)
    rate.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    for axes in (loss, rate):
        axes.set_ylim(bottom=0)
    figure.align_ylabels()
    return figure


def _draw_val_map(axes: Axes, found: pd.Series) -> None:
    axes.set(ylabel="val mAP after NMS (%)")
    if not found.any():
        axes.text(0.5, 0.5, "no val mAP yet", transform=axes.transAxes, ha="center", va="center", color=GREY)
        axes.set_yticks([])
        return
    best, highest = found.idxmax(), 100 * found.max()
    axes.plot(100 * found[found.ne(0).idxmax() :], color=CLASS_COLOURS[0], marker="o", markersize=4, linewidth=2)
    axes.plot(best, highest, "*", color=CLASS_COLOURS[1], markersize=15)
    axes.set_ylim(0, 1.15 * highest)
    axes.set_title(f"best: {highest:.1f} at epoch {best:.0f}", loc="right", color=CLASS_COLOURS[1])
