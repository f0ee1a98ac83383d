"""Checkpoints: what a model folder keeps of each epoch, and what can be taken over from other files."""

from __future__ import annotations

import contextlib
import io
import math
import re
import reprlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from model.backbone import with_inputs
from model.published import from_published
from model.state_dict import fault, read_file, read_state_dict
from model.weight_mean import WeightMean
from util.errors import UserError
from util.io import remove, whole_file

MOMENTS = {"step", "exp_avg", "exp_avg_sq"}  # of AdamW, for each parameter


def load_weights(spotter: nn.Module, path: Path) -> None:
    """Load a whole checkpoint, this project's or the original's, into a model.

    Raises:
        UserError: it cannot be read, belongs to another architecture, or holds what no training leaves.
    """
    state, ours = from_published(read_state_dict(path)), spotter.state_dict()
    if wrong := _differences(ours, state):
        raise UserError(
            f"{path}: belongs to another architecture than config.json says ({wrong}); "
            "put the config.json beside it that it was trained with"
        )
    _check_values(path, state, ours)
    spotter.load_state_dict(state)


def load_backbone(spotter: nn.Module, path: Path) -> int:
    """Load what fits of a file's backbone: a checkpoint's, or a plain one as timm and torchvision publish them.

    Returns:
        how many tensors were taken over.

    Raises:
        UserError: the file cannot be read, or is of another backbone.
    """
    state = from_published(read_state_dict(path))
    target = spotter.backbone.cnn.state_dict()
    # a plain backbone has no temporal layers, and none of the names that they bring in
    named = {plain_name(key): key for key in target}
    fitting = {}
    first, *needed = (key for key, value in target.items() if value.dim() == 4 and ".shift." not in key)
    for key, value in state.items():
        name = named.get(plain_name(key.removeprefix("backbone.cnn.")))
        if name == first and isinstance(value, Tensor) and value.shape[1:2] == (3,):
            value = with_inputs(value, max(3, target[first].shape[1]))
        if name and isinstance(value, Tensor) and value.shape == target[name].shape:
            fitting[name] = value
    # All convolutions must fit but the first, which depends on the modality. Stems alone fit many a wrong file.
    if missing := [key for key in needed if key not in fitting]:
        raise UserError(
            f"{path}: {len(missing)} of {len(needed)} convolutions do not fit, the first {missing[0]}; "
            "choose the -m that it was trained with"
        )
    _check_values(path, fitting, target)
    spotter.backbone.cnn.load_state_dict(fitting, strict=False)
    return len(fitting)


def plain_name(key: str) -> str:
    """A tensor's name without what temporal layers bring in."""
    return re.sub(r"(^|\.)net\.", r"\1", key)


def _check_values(path: Path, state: dict[str, Tensor], ours: dict[str, Tensor]) -> None:
    if wrong := _faults(state, ours):
        raise UserError(f"{path}: {wrong}; copy the file again, or take another epoch's")


def _faults(state: dict[str, Tensor], ours: dict[str, Tensor]) -> str:
    """In words, the first value that cannot take the place of ours; empty if all can."""
    wrong = ((key, fault(value, ours[key], negative=not key.endswith("running_var"))) for key, value in state.items())
    return next((f"{key} {what}" for key, what in wrong if what), "")


def _differences(ours: dict[str, Tensor], theirs: dict[str, Any]) -> str:
    """In words, how two state dicts differ; empty if they do not."""
    if theirs and not ours.keys() & theirs.keys():
        return f"none of its tensors has a name that is known here, the first is {next(iter(theirs))}"
    if missing := [key for key in ours if key not in theirs]:
        return f"{len(missing)} tensors are missing, the first {missing[0]}"
    if extra := [key for key in theirs if key not in ours]:
        return f"{len(extra)} tensors too many, the first {extra[0]}"
    for key, value in ours.items():
        if isinstance(theirs[key], Tensor) and theirs[key].shape != value.shape:
            return f"{key} is {tuple(theirs[key].shape)} and not {tuple(value.shape)}"
    return ""


def checkpoint_path(save_dir: Path, epoch: int) -> Path:
    return save_dir / f"checkpoint_{epoch:03d}.pt"


def optim_path(save_dir: Path, epoch: int) -> Path:
    return save_dir / f"optim_{epoch:03d}.pt"


def newest_epoch(save_dir: Path, kind: str) -> int | None:
    """The highest epoch of a folder's files of one kind ("checkpoint" or "optim"); None without any."""
    epochs = [re.fullmatch(rf"{kind}_(\d+)\.pt", path.name) for path in save_dir.glob(f"{kind}_*.pt")]
    return max((int(match[1]) for match in epochs if match), default=None)


def save_epoch(
    save_dir: Path,
    epoch: int,
    mean: WeightMean,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    history: list[dict],
) -> None:
    """Write an epoch's checkpoint_NNN.pt, then optim_NNN.pt, each whole or not at all: a killed run finds the
    newest optim_NNN.pt with its checkpoint beside it. Where the checkpoint is a mean, the other holds the weights in
    training."""
    optim = {"optimizer": optimizer.state_dict(), "scaler": scaler.state_dict(), "history": history}
    if mean.decay:
        optim |= {"updates": mean.updates, "weights": mean.trained.state_dict()}
    for path, state in (
        (checkpoint_path(save_dir, epoch), mean.network.state_dict()),
        (optim_path(save_dir, epoch), optim),
    ):
        written = io.BytesIO()  # by way of memory: on a full disk torch.save raises what no caller can tell apart
        torch.save(state, written)
        with whole_file(path) as scratch:
            scratch.write_bytes(written.getbuffer())


def remove_stale(save_dir: Path, keep: set[int]) -> None:
    """Remove every checkpoint but those of the epochs to keep, and every optimiser state but the newest."""
    newest = newest_epoch(save_dir, "optim")
    for kind, kept in (("checkpoint", keep), ("optim", {newest})):
        for path in save_dir.glob(f"{kind}_*.pt"):
            match = re.fullmatch(rf"{kind}_(\d+)\.pt", path.name)
            if match and int(match[1]) not in kept:
                with contextlib.suppress(PermissionError):  # some program has it open: the next epoch tries again
                    remove(path)


def load_optim(
    path: Path, optimizer: torch.optim.AdamW, scaler: torch.amp.GradScaler, mean: WeightMean | None = None
) -> list[dict]:
    """Take over what `save_epoch` put into optim_NNN.pt; gives the history, the rows of loss.json.

    Nothing of the file is taken over before all of it has been checked: PyTorch accepts whatever shapes and values it
    is given, and its fused optimizers then read and write past the memory of tensors that are too small.

    Raises:
        UserError: the file cannot be read, is damaged, or is of another model or training.
    """
    state = read_file(path)
    try:
        moments = _checked_moments(state["optimizer"]["state"], optimizer)
        groups = _checked_groups(state["optimizer"]["param_groups"], optimizer)
        scaling = _checked_scaling(state["scaler"], scaler)
        history = _checked_history(state["history"], int(re.findall(r"\d+", path.name)[-1]))
        weights = _checked_weights(state, mean) if mean and mean.decay else {}
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RuntimeError) as error:
        reason = f"{error}" if isinstance(error, ValueError) else "something is missing in it, or of another type"
        raise UserError(f"{path}: does not belong to this training ({reason}); copy the whole folder again") from error
    optimizer.load_state_dict({"state": moments, "param_groups": groups})
    if scaling:
        scaler.load_state_dict(scaling)
    if weights:
        mean.trained.load_state_dict(weights)
        mean.updates = state["updates"]
    return history


def _checked_weights(state: dict[str, Any], mean: WeightMean) -> dict[str, Tensor]:
    """Those in training."""
    weights, ours = state["weights"], mean.trained.state_dict()
    if type(state["updates"]) is not int or state["updates"] < 0:
        raise ValueError(f"updates is {reprlib.repr(state['updates'])}")
    if wrong := _differences(ours, weights) or _faults(weights, ours):
        raise ValueError(wrong)
    return weights


@torch.no_grad()
def _checked_moments(state: dict[int, dict[str, Tensor]], optimizer: torch.optim.AdamW) -> dict[int, dict[str, Tensor]]:
    """By each parameter's number, none for those that no step has changed; laid out in memory as the parameters are."""
    parameters = dict(enumerate(p for group in optimizer.param_groups for p in group["params"]))
    if any(number not in parameters for number in state):
        raise ValueError(f"it is of {len(state)} parameters and not of {len(parameters)}")
    checked: dict[int, dict[str, Tensor]] = {}
    for number, values in state.items():
        if values.keys() != MOMENTS:
            raise ValueError(f"{reprlib.repr(list(values))} are not the moments of AdamW")
        checked[number] = {}
        for name, value in values.items():
            like = torch.zeros(()) if name == "step" else parameters[number]
            wrong = fault(value, like, negative=name == "exp_avg")
            if wrong or value.dtype != like.dtype:
                raise ValueError(f"{name} of parameter {number} {wrong or f'is of {value.dtype}'}")
            checked[number][name] = torch.empty_like(like).copy_(value)
    return checked


def _checked_groups(groups: list[dict[str, Any]], optimizer: torch.optim.AdamW) -> list[dict[str, Any]]:
    """This optimizer's own options, with the learning rate that the file came to."""
    own = optimizer.state_dict()["param_groups"]
    if len(groups) != len(own):
        raise ValueError(f"it has {len(groups)} groups of parameters and not {len(own)}")
    for ours, theirs in zip(own, groups, strict=True):
        # an option that its release of PyTorch did not know has there the value that it has here by default
        for key in ours.keys() & theirs.keys() - {"lr"}:
            if type(theirs[key]) is not type(ours[key]) or theirs[key] != ours[key]:
                raise ValueError(f"{key} is {reprlib.repr(theirs[key])} and not {reprlib.repr(ours[key])}")
        ours["lr"] = _number(theirs["lr"], "lr")
    return own


def _checked_scaling(state: dict[str, Any], scaler: torch.amp.GradScaler) -> dict[str, Any]:
    """The state of float16's gradient scaling, empty where either side does without."""
    own = scaler.state_dict()
    if not isinstance(state, dict):
        raise TypeError(type(state))
    if not state or not own:
        return {}
    for key, value in own.items():
        if type(state[key]) is not type(value) or _number(state[key], key) < (0 if key == "_growth_tracker" else 1e-30):
            raise ValueError(f"{key} is {reprlib.repr(state[key])}")
    return {key: state[key] if key in ("scale", "_growth_tracker") else value for key, value in own.items()}


def _checked_history(history: list[dict[str, Any]], epoch: int) -> list[dict[str, Any]]:
    """One row of numbers for each epoch up to this one."""
    if not isinstance(history, list) or len(history) != epoch + 1:
        raise ValueError(f"its history does not have {epoch + 1} rows, one an epoch")
    for number, row in enumerate(history):
        for key in ("epoch", "train", "val", "val_mAP"):
            _number(row[key], f"{key} of epoch {number}")
        for key, value in row.items():
            if not (value is None or isinstance(value, str | bool)):
                _number(value, f"{key} of epoch {number}")
        if not all(isinstance(key, str) for key in row) or (type(row["epoch"]), row["epoch"]) != (int, number):
            raise ValueError(f"row {number} of its history is not that of epoch {number}")
    return history


def _number(value: Any, name: str) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{name} is {reprlib.repr(value)} and no finite number")
    return value
