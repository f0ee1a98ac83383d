"""Checkpoints: save, load, resume; reading checkpoints of the original E2E-Spot."""

from __future__ import annotations

import io
import pickle
import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from util.errors import UserError
from util.io import remove, whole_file

# How the original E2E-Spot names what is named otherwise here; applied in this order to every key.
ORIGINAL_KEYS = [
    (r"^_features\.", "backbone.cnn."),
    (r"\.gsm\.conv3D\.weight$", ".shift.gate.weight"),
    (r"\.gsm\.conv3D\.bias$", ".shift.gate_bias"),
    (r"\.gsm\.bn\.", ".shift.norm."),
    (r"^_pred_fine\._gru\.", "head.gru."),
    (r"^_pred_fine\._fc_out\.(_fc_out\.)?", "head.classify."),
    (r"^_pred_fine\._tcn\.", "head.stages.0."),
    (r"^_pred_fine\._stages\.0\.", "head.stages.1."),
    (r"^_pred_fine\._stages\.1\.", "head.stages.2."),
    (r"^(head\.stages\.\d)\.conv_1x1\.", r"\1.0."),
    (r"^(head\.stages\.\d)\.layers\.0\.", r"\1.1."),
    (r"^(head\.stages\.\d)\.layers\.1\.", r"\1.2."),
    (r"^(head\.stages\.\d)\.layers\.2\.", r"\1.3."),
    (r"^(head\.stages\.\d)\.layers\.3\.", r"\1.4."),
    (r"^(head\.stages\.\d)\.layers\.4\.", r"\1.5."),
    (r"^(head\.stages\.\d)\.conv_out\.", r"\1.6."),
    (r"^(head\.stages\.\d\.\d)\.conv_dilated\.", r"\1.dilated."),
    (r"^(head\.stages\.\d\.\d)\.conv_1x1\.", r"\1.mix."),
    (r"^_pred_fine\._net\.", "head."),
    (r"\.att_layer\.(query|key|value)_conv\.", r".attention.\1."),
    (r"\.att_layer\.conv_out\.", ".attention.out."),
    (r"\.feed_forward\.layer\.0\.", ".dilated."),
    (r"(\.layers\.\d)\.conv_1x1\.", r"\1.mix."),
    (r"^(head\.(?:encoder|decoders\.\d))\.conv_1x1\.", r"\1.enter."),
    (r"^(head\.(?:encoder|decoders\.\d))\.conv_out\.", r"\1.classify."),
]
# a residual block's place in ResNet, RegNet and ConvNeXt
BLOCK_OF_ORIGINAL = r"^(_features\.(?:layer\d\.\d+|s\d\.b\d+|stages\.\d\.blocks\.\d+))\."


def read_state_dict(path: Path) -> dict[str, Any]:
    """Read a file of tensors and plain values; nothing in it is run.

    Raises:
        UserError: no such file, not a checkpoint, or one that would run code when loaded.
    """
    try:
        if path.suffix == ".safetensors":  # as timm's models are published
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except pickle.UnpicklingError as error:
        reason = "is no checkpoint, or holds more than tensors and would run code when loaded"
        raise UserError(f"{path}: {reason}; refused, get a checkpoint of tensors alone") from error
    except Exception as error:  # of a damaged file the unpickler makes anything: struct.error, IndexError, ...
        raise UserError(f"{path}: cannot be read as a checkpoint, it may be cut short; copy it again") from error
    if not (isinstance(state, dict) and all(isinstance(key, str) for key in state)):
        raise UserError(f"{path}: is no checkpoint (it holds no tensors by name); choose another file")
    return state


def from_original(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of an original E2E-Spot checkpoint under this project's keys; any other as it is."""
    if not any(key.startswith("_features.") for key in state):
        return state
    tsm = any(".net." in key for key in state) and not any(".gsm." in key for key in state)
    renamed = {}
    for key, value in state.items():
        if tsm:  # it wraps a block's first convolution there, the whole block here
            key = re.sub(r"\.(conv1|conv_dw)\.net\.", r".\1.", re.sub(BLOCK_OF_ORIGINAL, r"\1.net.", key))
        for pattern, name in ORIGINAL_KEYS:
            key = re.sub(pattern, name, key)
        if key.endswith(".shift.gate.weight") and isinstance(value, Tensor) and value.dim() == 5:
            # (2, F/2, 3, 3, 3) -> (2 * 3, F/2, 3, 3)
            value = value.transpose(1, 2).flatten(0, 1)
        renamed[key] = value
    return renamed


def load_weights(spotter: nn.Module, path: Path) -> None:
    """Load a whole checkpoint, this project's or the original's, into a model.

    Raises:
        UserError: it cannot be read, or belongs to another architecture.
    """
    state = from_original(read_state_dict(path))
    if wrong := _differences(spotter.state_dict(), state):
        raise UserError(
            f"{path}: belongs to another architecture than config.json says ({wrong}); "
            "put the config.json beside it that it was trained with"
        )
    spotter.load_state_dict(state)


def load_backbone(spotter: nn.Module, path: Path) -> int:
    """Load what fits of a file's backbone: a checkpoint's, or a plain one as timm and torchvision publish them.

    Returns:
        how many tensors were taken over.

    Raises:
        UserError: the file cannot be read, or is of another backbone.
    """
    state = from_original(read_state_dict(path))
    target = spotter.backbone.cnn.state_dict()
    # a plain backbone has no temporal layers, and none of the names that they bring in
    named = {_plain(key): key for key in target}
    fitting = {}
    for key, value in state.items():
        name = named.get(_plain(key.removeprefix("backbone.cnn.")))
        if name and isinstance(value, Tensor) and value.shape == target[name].shape:
            fitting[name] = value
    # All convolutions must fit but the first, which depends on the modality. Stems alone fit many a wrong file.
    _, *needed = (key for key, value in target.items() if value.dim() == 4 and ".shift." not in key)
    if missing := [key for key in needed if key not in fitting]:
        raise UserError(
            f"{path}: {len(missing)} of {len(needed)} convolutions do not fit, the first {missing[0]}; "
            "choose the -m that it was trained with"
        )
    spotter.backbone.cnn.load_state_dict(fitting, strict=False)
    return len(fitting)


def _plain(key: str) -> str:
    return re.sub(r"(^|\.)net\.", r"\1", key)


def _differences(ours: dict[str, Tensor], theirs: dict[str, Any]) -> str:
    """In words, how two state dicts differ; empty if they do not."""
    if missing := [key for key in ours if key not in theirs]:
        return f"{len(missing)} tensors are missing, the first {missing[0]}"
    if extra := [key for key in theirs if key not in ours]:
        return f"{len(extra)} tensors too many, the first {extra[0]}"
    for key, value in ours.items():
        shape = getattr(theirs[key], "shape", None)
        if shape != value.shape:
            return f"{key} is {tuple(shape or ())} and not {tuple(value.shape)}"
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
    spotter: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    history: list[dict],
) -> None:
    """Write an epoch's checkpoint_NNN.pt, then optim_NNN.pt, each whole or not at all: a killed run finds the
    newest optim_NNN.pt with its checkpoint beside it."""
    optim = {"optimizer": optimizer.state_dict(), "scaler": scaler.state_dict(), "history": history}
    for path, state in (
        (checkpoint_path(save_dir, epoch), spotter.state_dict()),
        (optim_path(save_dir, epoch), optim),
    ):
        written = io.BytesIO()  # by way of memory: on a full disk torch.save raises what no caller can tell apart
        torch.save(state, written)
        with whole_file(path) as scratch:
            scratch.write_bytes(written.getbuffer())


def load_optim(path: Path, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler) -> list[dict]:
    """Take over what `save_epoch` put into optim_NNN.pt; gives the history, the rows of loss.json.

    Raises:
        UserError: the file cannot be read, or is of another model.
    """
    state = read_state_dict(path)
    try:
        optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # none where it was begun on a device that needs no scaling
            scaler.load_state_dict(state["scaler"])
        return state["history"]
    except (KeyError, ValueError, RuntimeError) as error:
        raise UserError(f"{path}: does not belong to this training ({error}); copy the whole folder anew") from error


def remove_stale(save_dir: Path, keep: set[int]) -> None:
    """Remove every checkpoint but those of the epochs to keep, and every optimiser state but the newest."""
    newest = newest_epoch(save_dir, "optim")
    for kind, kept in (("checkpoint", keep), ("optim", {newest})):
        for path in save_dir.glob(f"{kind}_*.pt"):
            match = re.fullmatch(rf"{kind}_(\d+)\.pt", path.name)
            if match and int(match[1]) not in kept:
                remove(path)
