"""Configurations of published spotters, T-DEED (Xarles et al., CVPRW 2024) and AdaSpot (Xarles et al., CVPR 2026), with
this project's keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from util.errors import UserError

PARTS = ("paths", "data", "training", "model")  # of AdaSpot's files
ADASPOT_KEYS = ("roi_size", "threshold", "hr_dim", "hr_crop", "lr_dim", "lr_crop", "lowres_loss", "highres_loss")


def flat_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without parts, as AdaSpot's has them."""
    flat = dict(config)
    for part in PARTS:
        if isinstance(config.get(part), Mapping):
            flat |= config[part]
    return flat


def own_config(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """A published spotter's configuration, read from `path`, with this project's keys; any other as it is.

    Raises:
        UserError: a key is missing, or wants what this project does not have.
    """
    flat = flat_config(config)
    if any(key in flat for key in ("roi_size", "hr_dim", "lr_dim")):
        return _from_adaspot(flat, path)
    if flat.get("temporal_arch") == "ed_sgp_mixer" and "shift_stages" not in flat:
        return _from_t_deed(flat, path)
    return flat


def _from_t_deed(config: dict[str, Any], path: Path) -> dict[str, Any]:
    """It names a second dataset in "joint_train" or "pretrain", and has temporal layers in the last two stages."""
    _need(config, ("num_classes", "clip_len", "feature_arch", "radi_displacement", "n_layers", "sgp_ks", "sgp_r"), path)
    joint = config.get("joint_train") or config.get("pretrain") or {}
    if not isinstance(joint, Mapping) or type(joint.get("num_classes", 0)) is not int:
        raise UserError(f"{path}: the second dataset must be an object with num_classes; copy the file again")
    return {"batch_size": 4, "modality": "rgb", **config, "shift_stages": "34",
            "joint_classes": joint.get("num_classes", 0), "event_team": bool(config.get("event_team", False))}


def _from_adaspot(config: dict[str, Any], path: Path) -> dict[str, Any]:
    """It resizes and crops the frames itself."""
    _need(config, ("num_classes", "clip_len", "feature_arch", "temporal_arch", *ADASPOT_KEYS), path)
    if config.get("aggregation", "max") != "max":
        raise UserError(f"{path}: aggregation {config['aggregation']!r} is not known; known is 'max'")
    size = config["roi_size"]
    if not isinstance(size, list) or len(size) != 2 or size[0] != size[1]:
        raise UserError(f"{path}: roi_size must be a square, such as [112, 112], not {size!r}; copy the file again")
    threshold = config["threshold"]
    stages = zip("1234", config.get("blocks_temporal") or (False, False, True, True), strict=False)
    regions = {"size": size[0], "threshold": float(threshold) if type(threshold) is int else threshold,
               "high": config["hr_dim"], "high_crop": config["hr_crop"], "low": config["lr_dim"],
               "low_crop": config["lr_crop"], "low_loss": config["lowres_loss"], "high_loss": config["highres_loss"]}
    padding = config.get("padding")
    return {"batch_size": 4, "modality": "rgb", **config, "crop_dim": None, "regions": regions,
            "shift_stages": "".join(stage for stage, has in stages if has),
            "padding": padding if padding in ("replicate", "reflect") else "zeros"}


def _need(config: Mapping[str, Any], keys: tuple[str, ...], path: Path) -> None:
    if missing := [key for key in keys if key not in config]:
        raise UserError(f"{path}: lacks {', '.join(missing)}; put the configuration beside the checkpoint that it was "
                        "trained with")
