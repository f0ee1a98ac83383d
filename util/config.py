"""config.json of a model folder: what rebuilds the model with no other file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from util.errors import UserError
from util.io import read_json


@dataclass(frozen=True)
class ModelConfig:
    """The part of config.json that using a trained model needs; original E2E-Spot folders have it too."""

    dataset: str
    num_classes: int  # K, without background
    feature_arch: str
    temporal_arch: str
    modality: str
    clip_len: int
    batch_size: int
    crop_dim: int | None  # None: whole frames
    classes: tuple[str, ...] | None  # None where the folder does not tell, as original ones do not
    frame_height: int | None  # lines of the frames it was trained on; None where the folder does not tell
    frame_fps: float | None  # frames per second of most of them; None where it is not known
    resample_fps: float | None  # what prepare_data.py --fps was given


def read_config(model_dir: Path) -> ModelConfig:
    """Read a model folder's config.json.

    Raises:
        UserError: there is none, or something in it is missing or of a wrong type.
    """
    path = model_dir / "config.json"
    if not path.is_file():
        raise UserError(f"{path}: no such file; give a folder that train_e2e.py wrote")
    config = read_json(path)
    if not isinstance(config, dict):
        raise UserError(f"{path}: must be an object with the options of the training; copy it anew")
    crop_dim, classes = config.get("crop_dim"), config.get("classes")
    if crop_dim is not None:
        crop_dim = _get(path, config, "crop_dim", int)
    if classes is not None and not all(isinstance(name, str) for name in _get(path, config, "classes", list)):
        raise UserError(f"{path}: classes must be a list of names; copy the file anew")
    for key in ("num_classes", "clip_len", "batch_size"):
        if _get(path, config, key, int) < 1:
            raise UserError(f"{path}: {key} must be 1 or more, not {config[key]}; copy the file anew")
    return ModelConfig(
        dataset=_get(path, config, "dataset", str),
        num_classes=_get(path, config, "num_classes", int),
        feature_arch=_get(path, config, "feature_arch", str),
        temporal_arch=_get(path, config, "temporal_arch", str),
        modality=_get(path, config, "modality", str),
        clip_len=_get(path, config, "clip_len", int),
        batch_size=_get(path, config, "batch_size", int),
        crop_dim=None if crop_dim is None or crop_dim <= 0 else crop_dim,
        classes=None if classes is None else tuple(classes),
        **{key: _get_positive(path, config, key) for key in ("frame_height", "frame_fps", "resample_fps")},
    )


def trained_on(model_dir: Path) -> str:
    """The dataset that a model folder was trained on; nothing else of its config.json need be there.

    Raises:
        UserError: config.json is missing or names none.
    """
    path = model_dir / "config.json"
    if not path.is_file():
        raise UserError(f"{path}: no such file to tell the dataset; name it with -d")
    config = read_json(path)
    dataset = config.get("dataset") if isinstance(config, dict) else None
    if not isinstance(dataset, str) or not dataset:
        raise UserError(f"{path}: names no dataset; name it with -d")
    return dataset


def check_same(path: Path, config: dict[str, Any]) -> None:
    """Make sure that a training that is to go on has the options it was begun with.

    Raises:
        UserError: config.json at `path` is missing or has other values for the keys of `config`.
    """
    before = read_json(path)
    if not isinstance(before, dict):
        raise UserError(f"{path}: must be an object with the options of the training; copy it anew")
    if changed := [key for key, value in config.items() if before.get(key) != value]:
        was, now = ({key: values.get(key) for key in changed} for values in (before, config))
        raise UserError(f"{path}: was trained with {was}, not {now}; resume with the same, or choose another -s")


def _get(path: Path, config: dict[str, Any], key: str, kind: type) -> Any:
    value = config.get(key)
    if type(value) is not kind:
        raise UserError(f"{path}: {key} must be a {kind.__name__}, not {value!r}; copy the file anew")
    return value


def _get_positive(path: Path, config: dict[str, Any], key: str) -> Any:
    value = config.get(key)
    if value is not None and not (type(value) in (int, float) and value > 0):
        raise UserError(f"{path}: {key} must be a number above 0, not {value!r}; copy the file anew")
    return value
