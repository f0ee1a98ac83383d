"""config.json of a model folder: what rebuilds the model with no other file. What it says of the network itself is read
by model/architecture.py."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from util.errors import UserError
from util.events import SIDES
from util.io import read_json
from util.published_config import flat_config, own_config

TeamSides = Mapping[str, Mapping[str, str]]  # of a video, or of a match in its first half: name of a team -> side

PUBLISHED_CHECKPOINT = "checkpoint_best.pt"  # of T-DEED and AdaSpot


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
        classes = kept_classes(config, path)
        if _get(path, config, "batch_size", int) < 1:
            raise UserError(f"{path}: batch_size must be 1 or more, not {config['batch_size']}; copy the file again")
        return cls(
            dataset=_get(path, config, "dataset", str),
            batch_size=config["batch_size"],
            crop_dim=kept_crop(config, path),
            classes=None if classes is None else tuple(classes),
            team_sides=kept_team_sides(config, path),
            **{key: _get_positive(path, config, key)
               for key in ("frame_width", "frame_height", "frame_fps", "resample_fps")},
        )


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


def kept_team_sides(config: Mapping[str, Any], path: Path) -> TeamSides | None:
    """Those that the training was given, if any; arguments and errors are those of `ModelConfig.from_config`."""
    return None if config.get("team_sides") is None else check_team_sides(config["team_sides"], path)


def trained_on(model_dir: Path) -> str:
    """The dataset that a model folder was trained on; nothing else of its config.json need be there.

    Raises:
        UserError: config.json is missing or names none.
    """
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
        key: "classes", a list of names; "team_sides", of which see TeamSides; "crop_dim", side of the square that it
            sees of each frame, in pixels; or "frame_height", lines of these frames.

    Raises:
        UserError: it is damaged there.
    """
    try:
        path, config = config_path(model_dir), read_config(model_dir)
    except UserError:
        return None
    read = {"classes": kept_classes, "team_sides": kept_team_sides, "crop_dim": kept_crop}
    return read[key](config, path) if key in read else _get_positive(path, config, key)


def kept_crop(config: Mapping[str, Any], path: Path) -> int | None:
    """Side of the square that is cut out, None for whole frames; see `ModelConfig.from_config`."""
    crop = None if config.get("crop_dim") is None else _get(path, config, "crop_dim", int)
    return crop if crop and crop > 0 else None


def kept_classes(config: Mapping[str, Any], path: Path) -> list[str] | None:
    """Those that are named, if any; arguments and errors are those of `ModelConfig.from_config`."""
    if config.get("classes") is None:
        return None
    classes = _get(path, config, "classes", list)
    if not all(isinstance(name, str) for name in classes):
        raise UserError(f"{path}: classes must be a list of names; copy the file again")
    return classes


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


def _get(path: Path, config: Mapping[str, Any], key: str, kind: type) -> Any:
    value = config.get(key)
    if type(value) is not kind:
        raise UserError(f"{path}: {key} must be a {kind.__name__}, not {value!r}; copy the file again")
    return value


def _get_positive(path: Path, config: Mapping[str, Any], key: str) -> Any:
    value = config.get(key)
    if value is not None and not (type(value) in (int, float) and value > 0):
        raise UserError(f"{path}: {key} must be a number above 0, not {value!r}; copy the file again")
    return value
