"""config.json of a model folder: what rebuilds the model with no other file; and those of published spotters, T-DEED
(Xarles et al., CVPRW 2024) and AdaSpot (Xarles et al., CVPR 2026), with this project's keys. What they say of the
network itself is read by model/architecture.py."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from util.errors import UserError
from util.events import SIDES
from util.io import read_json

TeamSides = Mapping[str, Mapping[str, str]]  # of a video, or of a match in its first half: name of a team -> side

PUBLISHED_CHECKPOINT = "checkpoint_best.pt"  # of T-DEED and AdaSpot
PARTS = ("paths", "data", "training", "model")  # of AdaSpot's files
ADASPOT_KEYS = ("roi_size", "threshold", "hr_dim", "hr_crop", "lr_dim", "lr_crop", "lowres_loss", "highres_loss")

# What values of config.json must be, and whether they are; of these none may be null or missing, of others any
NEEDED = {"dataset": ("a text", lambda value: type(value) is str),
          "batch_size": ("a whole number, 1 or more", lambda value: type(value) is int and value > 0)}
NUMBER = "a number above 0", lambda value: type(value) in (int, float) and value > 0
VALUES = NEEDED | {
    "crop_dim": ("a whole number", lambda value: type(value) is int),
    "classes": ("a list of names", lambda value: type(value) is list and all(isinstance(name, str) for name in value)),
    **dict.fromkeys(("frame_width", "frame_height", "frame_fps", "resample_fps"), NUMBER),
}


@dataclass(frozen=True)
class ModelConfig:
    """What using a trained model needs beside its network; original E2E-Spot folders have it too."""

    dataset: str
    batch_size: int  # clips
    crop_dim: int | None  # pixels; None: whole frames
    classes: tuple[str, ...] | None  # None where the folder does not say, as original ones do not
    frame_width: int | None  # pixels, of the frames it was trained on; None where the folder does not say
    frame_height: int | None  # the same
    frame_fps: float | None  # frames per second of most of them; None where it is not known
    resample_fps: float | None  # what prepare_data.py --fps was given
    team_sides: TeamSides | None = None  # where its labels name teams

    @classmethod
    def from_config(cls, config: Mapping[str, Any], path: Path) -> ModelConfig:
        """From the object that config.json at `path` holds.

        Raises:
            UserError: something in it is missing or of a wrong type.
        """
        values = {field.name: _value(config, field.name, path) for field in fields(cls)}
        classes = values.pop("classes")
        return cls(**values, classes=None if classes is None else tuple(classes))


def _value(config: Mapping[str, Any], key: str, path: Path) -> Any:
    """What a configuration has as a field of `ModelConfig`, lists as they are; errors are those of `from_config`."""
    value = config.get(key)
    if value is None and key not in NEEDED:
        return None
    if key == "team_sides":
        return check_team_sides(value, path)
    what, is_such = VALUES[key]
    if not is_such(value):
        raise UserError(f"{path}: {key} must be {what}, not {value!r}; copy the file again")
    return None if key == "crop_dim" and value <= 0 else value


def read_config(model_dir: Path) -> dict[str, Any]:
    """The object in a model folder's configuration, with whatever keys it has; a published spotter's with ours.

    Raises:
        UserError: there is none, or it holds something else.
    """
    path = config_path(model_dir)
    config = read_json(path)
    if not isinstance(config, dict):
        raise UserError(f"{path}: must be an object with the options of the training; copy it again")
    return own_config(config, path)


def config_path(model_dir: Path) -> Path:
    """config.json; beside a published checkpoint_best.pt the one JSON file with the keys of a configuration.

    Raises:
        UserError: there is none, or more than one.
    """
    path = model_dir / "config.json"
    if path.is_file():
        return path
    if not (model_dir / PUBLISHED_CHECKPOINT).is_file():
        raise UserError(f"{path}: no such file; give a folder that train_e2e.py wrote, or one with "
                        f"{PUBLISHED_CHECKPOINT} and its configuration")
    found = [path for path in sorted(model_dir.glob("*.json"))
             if not path.name.startswith("pred-") and _is_configuration(path)]
    if len(found) != 1:
        there = ", ".join(path.name for path in found) or "none"
        raise UserError(f"{model_dir}: needs one JSON file with the configuration of {PUBLISHED_CHECKPOINT} "
                        f"(feature_arch, temporal_arch, ...); there is: {there}")
    return found[0]


def _is_configuration(path: Path) -> bool:
    try:
        config = read_json(path)
    except UserError:
        return False
    return isinstance(config, dict) and "feature_arch" in flat_config(config)


def check_team_sides(content: Any, path: Path) -> TeamSides:
    """What the file at `path` says of the sides of teams.

    Raises:
        UserError: it is no such object.
    """
    if not isinstance(content, dict):
        raise UserError(f'{path}: the sides of teams must be an object {{"match": {{"ARG": "left", "BRA": "right"}}}}')
    for name, sides in content.items():
        if not isinstance(sides, dict) or not all(side in SIDES for side in sides.values()):
            raise UserError(f'{path}: {name}: must give sides of teams, such as {{"ARG": "left", "BRA": "right"}}')
    return content


def trained_on(model: Path) -> str:
    """The dataset that a model folder, or that of a prediction file, was trained on; nothing else of its config.json
    need be there.

    Raises:
        UserError: there is no such model or file, or config.json is missing or names none.
    """
    if not model.exists():
        raise UserError(f"{model}: no such model folder or prediction file")
    model_dir = model if model.is_dir() else model.parent
    try:
        path = config_path(model_dir)
    except UserError as error:
        raise UserError(f"{model_dir / 'config.json'}: no such file to name the dataset; name it with -d") from error
    dataset = read_config(model_dir).get("dataset")
    if not isinstance(dataset, str) or not dataset:
        raise UserError(f"{path}: names no dataset; name it with -d")
    return dataset


def trained_with(model_dir: Path, key: str) -> Any:
    """What a model folder's configuration says of its training; None where it says nothing, or cannot be read.

    Args:
        key: "classes", a list of names; or another field of `ModelConfig`.

    Raises:
        UserError: it is damaged there.
    """
    try:
        path, config = config_path(model_dir), read_config(model_dir)
    except UserError:
        return None
    return _value(config, key, path)


def check_same(save_dir: Path, config: dict[str, Any], free: Iterable[str] = ()) -> dict[str, Any]:
    """Make sure that a training that is to go on has the options it was begun with, but for the keys in `free`, and
    num_epochs, which may be higher; gives those it was begun with.

    Raises:
        UserError: its config.json is missing or has other values for the keys of `config`.
    """
    path, before = save_dir / "config.json", read_config(save_dir)
    config = json.loads(json.dumps(config))  # lists for tuples, as they are read
    changed = [key for key, value in config.items() if before.get(key) != value and key not in free]
    if "num_epochs" in changed and type(before.get("num_epochs")) is int:
        changed = [key for key in changed if key != "num_epochs" or config[key] < before[key]]
    if changed:
        was, now = ({key: values.get(key) for key in changed} for values in (before, config))
        raise UserError(f"{path}: was trained with {was}, not {now}; resume with the same, or choose another -s")
    return before


def changed_splits(before: Any, now: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What has changed, in words, in the splits since `before`, both as `TrainingData.fingerprints` gives them; nothing
    where an older folder does not say."""
    for split, found in now.items():
        was = before.get(split) if isinstance(before, Mapping) else None
        if isinstance(was, Mapping) and was != found:
            counts = [f"{held.get('events')} events in {held.get('videos')} videos" for held in (was, found)]
            how = f"it had {counts[0]}, and has {counts[1]}" if counts[0] != counts[1] else (
                f"it has {counts[0]} as before, but other frames or labels")
            yield f"the split {split} has changed since this training began: {how}"


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
