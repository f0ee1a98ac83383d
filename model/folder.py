"""A trained model out of its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model.architecture import Architecture
from model.checkpoint import checkpoint_path, load_weights, newest_epoch
from model.device import move, pick_device, pick_precision
from model.spotter import EventSpotter
from util.config import ModelConfig, read_config
from util.errors import UserError
from util.predictions import best_epoch


@dataclass(frozen=True)
class TrainedModel:
    """A network with what config.json says of its use."""

    folder: Path
    spotter: EventSpotter  # on its device
    epoch: int  # of its weights
    config: ModelConfig

    def __str__(self) -> str:
        return f"{self.folder}: {self.spotter.architecture}, epoch {self.epoch}, on {self.spotter.device}"

    def check_classes(self, classes: list[str], where: str) -> None:
        """Raise a UserError unless the model was trained for these classes, which `where` names."""
        known, number = self.config.classes, self.spotter.architecture.num_classes
        if len(classes) != number or (known and list(known) != classes):
            raise UserError(f"{self.folder / 'config.json'}: the model knows {number} classes "
                            f"({', '.join(known or ['unnamed'])}), {where} has {', '.join(classes)}; "
                            "name the dataset it was trained for with -d")


def load_model(model_dir: Path | str, device: str = "auto", precision: str = "auto") -> TrainedModel:
    """The model with the weights of its best epoch (by val mAP in loss.json, else the newest).

    Args:
        device, precision: names, see model/device.py.

    Raises:
        UserError: config.json or the checkpoint is missing or damaged, the one does not belong to the other, or this
            machine lacks the device.
    """
    model_dir = Path(model_dir)
    path, raw = model_dir / "config.json", read_config(model_dir)
    config, architecture = ModelConfig.from_config(raw, path), Architecture.from_config(raw, path)
    epoch = best_epoch(model_dir)
    if epoch is None:
        epoch = newest_epoch(model_dir, "checkpoint")
    if epoch is None or not checkpoint_path(model_dir, epoch).is_file():
        which = "checkpoint" if epoch is None else f"checkpoint of the best epoch, {epoch}"
        raise UserError(f"{model_dir}: no {which}; train with train_e2e.py -s {model_dir}, or copy the whole folder")
    place = pick_device(device)
    spotter = EventSpotter(architecture)
    load_weights(spotter, checkpoint_path(model_dir, epoch))
    return TrainedModel(model_dir, move(spotter, place, pick_precision(precision, place)), epoch, config)
