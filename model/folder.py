"""A model folder: begun, saved into, gone on with, and used."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from model import checkpoint
from model.architecture import Architecture
from model.device import move, pick_device, pick_precision
from model.initial import start_from
from model.pretrained import begins_from_nothing, build_spotter
from model.processes import as_first
from model.spotter import EventSpotter
from model.weight_mean import WeightMean
from util.config import PUBLISHED_CHECKPOINT, ModelConfig, changed_splits, check_same, config_path, read_config
from util.ensemble import Member, check_common, ensemble_weights, own_classes
from util.errors import UserError
from util.io import keep_apart, write_json
from util.lock import exclusive
from util.predictions import best_epoch
from util.processes import rank

CHECKPOINT = re.compile(r"checkpoint_(\d+)\.pt")


@contextmanager
def begun(save_dir: Path, resume: bool, frame_dir: Path) -> Iterator[None]:
    """The folder for this training alone, of whose processes the first works in it.

    Raises:
        UserError: another one is at work there, the folder is that of the frames, or holds a training that must not go
            on.
    """
    if rank():
        yield
        return
    keep_apart("-s", save_dir, frame_dir)
    with exclusive(save_dir, "a training"):
        if _stopped_at(save_dir, resume) is None and resume:
            print(f"{save_dir}: holds nothing to resume; a new training begins")
        yield


def _stopped_at(save_dir: Path, resume: bool) -> int | None:
    """The epoch that the training in a folder came to; None where there is none. Errors are those of `begun`."""
    epoch = checkpoint.newest_epoch(save_dir, "optim")
    if (epoch is not None or (save_dir / "loss.json").exists()) and (epoch is None or not resume):
        raise UserError(f"{save_dir}: holds a training; --resume it (needs optim_NNN.pt) or choose another -s")
    return epoch


def start_or_resume(
    save_dir: Path, architecture: Architecture, config: dict[str, Any], resume: bool
) -> tuple[EventSpotter, int | None]:
    """A new model, its config.json written; or that of a training that goes on, and the epoch it came to. In processes
    other than the first it is empty until `restore`.

    Args:
        config: of the training; "weights" says what a new model starts from, see `build_spotter`, or the folder "init"
            does, and "init_classes" the classes of that model where its own does not. "weights_used" is added.

    Raises:
        UserError: the folder holds a training that must not go on, or was begun with other options.
    """
    if rank():
        return EventSpotter(architecture), None
    epoch = _stopped_at(save_dir, resume)
    if epoch is None:
        spotter, used = _build_from(architecture, config) if config["init"] else (
            build_spotter(architecture, config["weights"]))
        write_json(save_dir / "config.json", {**config, "weights_used": used})
        return spotter, None
    before = check_same(save_dir, config, free=("splits", "grad_checkpoint"))
    for line in changed_splits(before.get("splits"), config["splits"]):
        print(f"WARNING: {save_dir}: {line}; goes on with those of today", file=sys.stderr)
    write_json(save_dir / "config.json", {**before, **config})
    spotter = EventSpotter(architecture)
    checkpoint.load_weights(spotter, checkpoint.checkpoint_path(save_dir, epoch))
    return spotter, epoch


def untrained(config: dict[str, Any]) -> bool:
    """Whether the CNN of a new training begins from nothing, by the training's options."""
    return not config["init"] and begins_from_nothing(config["modality"], config["weights"])


def begun_with(save_dir: Path) -> dict[str, Any]:
    """The options that a training was begun with, numbers as text: they are judged as if they had been given.

    Raises:
        UserError: config.json is damaged.
    """
    config = read_config(save_dir)
    as_they_are = {key for key, value in config.items() if value is None or isinstance(value, bool)} | {"init_classes"}
    options = {key: value if key in as_they_are else str(value) for key, value in config.items()}
    return options | network_options(save_dir)


def network_options(model: Path) -> dict[str, Any]:
    """The options that make the network of a model as `load_model` takes it, and that of the frames it sees.

    Raises:
        UserError: its configuration is missing or damaged.
    """
    path, config = config_path(_folder_of(model)), read_config(_folder_of(model))
    crop = ModelConfig.from_config(config, path).crop_dim
    return Architecture.from_config(config, path).as_options() | {"crop_dim": crop or 0}


def _build_from(architecture: Architecture, config: dict[str, Any]) -> tuple[EventSpotter, str]:
    """A new model that starts from the trained one "init" of a training's options, and which that is."""
    spotter, trained = EventSpotter(architecture), load_model(config["init"], "cpu", "float32")
    known, number = config["init_classes"] or trained.config.classes, trained.spotter.architecture.num_classes
    if known is not None and len(known) != number:
        raise UserError(f"{trained.folder}: the model knows {number} classes, and {', '.join(known)} are {len(known)}; "
                        "name them in its order with --init_classes")
    same_joint = config["joint_class_names"] == read_config(trained.folder).get("joint_class_names")
    print(f"starts from {trained}")
    for line in start_from(spotter, trained.spotter, config["classes"], known, same_joint):
        print(f"  {line}")
    return spotter, f"{config['init']}, epoch {trained.epoch}"


def restore(
    save_dir: Path,
    epoch: int | None,
    spotter: EventSpotter,
    decay: float,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
) -> tuple[list[dict[str, Any]], WeightMean]:
    """Put optimiser, scaler and the running mean of the weights back to the end of an epoch, None for a new training;
    and let all processes begin with what the first one has.

    Args:
        spotter: with the weights of the epoch's checkpoint; gets those that were in training.
        decay: see `WeightMean`.

    Returns:
        the rows of loss.json, and the mean.
    """
    mean, history = WeightMean(spotter, decay), []
    if epoch is not None:
        history = checkpoint.load_optim(checkpoint.optim_path(save_dir, epoch), optimizer, scaler, mean)
        write_json(save_dir / "loss.json", history)  # the run may have been killed just before it did so
        checkpoint.remove_stale(save_dir, {epoch, best_epoch(save_dir)})
    history, mean.updates = as_first((history, mean.updates), spotter, mean.network, optimizer, scaler)
    return history, mean


def save_epoch(
    save_dir: Path,
    mean: WeightMean,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    history: list[dict[str, Any]],
) -> None:
    """Write an epoch's checkpoint_NNN.pt, optim_NNN.pt and loss.json, in this order, so that a killed run finds what
    its newest optim_NNN.pt needs; then remove what is needed no more.

    Args:
        history: the rows of loss.json, the epoch's own last.
    """
    epoch = history[-1]["epoch"]
    checkpoint.save_epoch(save_dir, epoch, mean, optimizer, scaler, history)
    write_json(save_dir / "loss.json", history)
    checkpoint.remove_stale(save_dir, {epoch, best_epoch(save_dir)})


def load_best(spotter: EventSpotter, model_dir: Path) -> int:
    """Load the weights of a folder's best epoch (by val mAP in loss.json, else the newest), or a published spotter's;
    gives its number.

    Raises:
        UserError: the checkpoint is missing, damaged, or of another architecture.
    """
    epoch, published = best_epoch(model_dir), model_dir / PUBLISHED_CHECKPOINT
    if epoch is None:
        epoch = checkpoint.newest_epoch(model_dir, "checkpoint")
    if published.is_file() and (epoch is None or not checkpoint.checkpoint_path(model_dir, epoch).is_file()):
        checkpoint.load_weights(spotter, published)
        return epoch or 0  # nothing says of which epoch it is
    if epoch is None or not checkpoint.checkpoint_path(model_dir, epoch).is_file():
        which = "checkpoint" if epoch is None else f"checkpoint of the best epoch, {epoch}"
        raise UserError(f"{model_dir}: no {which}; train with train_e2e.py -s {model_dir}, or copy the whole folder")
    checkpoint.load_weights(spotter, checkpoint.checkpoint_path(model_dir, epoch))
    return epoch


@dataclass(frozen=True)
class TrainedModel:
    """A network with what config.json says of its use."""

    folder: Path
    spotter: EventSpotter  # on its device
    epoch: int  # of its weights
    config: ModelConfig

    def __str__(self) -> str:
        return f"{self.folder}: {self.spotter.architecture}, epoch {self.epoch}, on {self.spotter.device}"

    def fingerprint(self) -> str:
        """Of the weights and of config.json: the same for the same network, wherever it is."""
        digest = hashlib.sha256(repr(self.config).encode())
        for name, tensor in self.spotter.state_dict().items():
            digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def check_classes(self, classes: list[str], where: str) -> None:
        """Raise a UserError unless the model was trained for these classes, which `where` names."""
        known, number = self.config.classes, self.spotter.architecture.num_classes
        if len(classes) != number or (known and list(known) != classes):
            raise UserError(f"{self.folder / 'config.json'}: the model knows {number} classes "
                            f"({', '.join(known or ['unnamed'])}), {where} has {', '.join(classes)}; "
                            "name the dataset it was trained for with -d")

    def classes_or(self, classes: Sequence[str]) -> list[str]:
        """The names of its own classes, or these; see `own_classes`."""
        return own_classes(self.config.classes, self.spotter.architecture.num_classes, classes, self.folder)


def members_of(
    models: Sequence[TrainedModel], classes: list[str], dataset: str, weights: Sequence[float] | None, variant: str = ""
) -> list[Member]:
    """Models as one, with their classes and weights.

    Raises:
        UserError: one alone has not the dataset's classes, of several no class is known to all, or the weights are not
            as many.
    """
    if len(models) == 1:
        models[0].check_classes(classes, dataset)
    members = [Member(model.folder, model.epoch, model.classes_or(classes), weight, variant)
               for model, weight in zip(models, ensemble_weights(weights, len(models)), strict=True)]
    check_common([member.classes for member in members], classes)
    return members


def load_model(model: Path | str, device: str = "auto", precision: str = "auto") -> TrainedModel:
    """The model of a folder, with the weights of its best epoch, see `load_best`, or of the epoch that is named.

    Args:
        model: a model folder, or a checkpoint_NNN.pt in one.
        device, precision: names, see model/device.py.

    Raises:
        UserError: config.json or the checkpoint is missing or damaged, the one does not belong to the other, or this
            machine lacks the device.
    """
    named, model_dir = CHECKPOINT.fullmatch(Path(model).name), _folder_of(Path(model))
    path, raw = config_path(model_dir), read_config(model_dir)
    config, architecture = ModelConfig.from_config(raw, path), Architecture.from_config(raw, path)
    place = pick_device(device)
    spotter = EventSpotter(architecture)
    if named:
        checkpoint.load_weights(spotter, Path(model))
    epoch = int(named[1]) if named else load_best(spotter, model_dir)
    return TrainedModel(model_dir, move(spotter, place, pick_precision(precision, place)), epoch, config)


def _folder_of(model: Path) -> Path:
    """That of a model folder, or of a checkpoint_NNN.pt in one."""
    return model.parent if CHECKPOINT.fullmatch(model.name) else model
