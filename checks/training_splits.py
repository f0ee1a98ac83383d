"""What a training takes: the checked splits of a dataset, and of a second one, with the sides of their events."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from checks.checked_splits import read_checked_splits
from dataset.frames import frame_size
from dataset.sides import read_team_sides, require_sides, with_sides
from dataset.training_data import TrainingData
from util.errors import UserError


def read_training_data(
    dataset: str,
    frame_dir: Path,
    crop: int | None,
    region: int = 0,
    joint: tuple[str, str] | None = None,
    team: bool = False,
    sides_file: Path | None = None,
) -> TrainingData:
    """The splits of a dataset, read by `read_checked_splits`, and the train split of a second one.

    Args:
        joint: the second dataset and its frame folder.
        team, sides_file: whether the sides of events are learned, and how labels name them.

    Raises:
        UserError: as by `read_checked_splits`; or whole frames (crop None) of the two are of other sizes, or no event
            has a side.
    """
    classes, splits = read_checked_splits(dataset, frame_dir, crop, region)
    second = _read_second(*joint, crop, region, frame_dir / splits["train"][0]["video"]) if joint else ()
    data = TrainingData(frame_dir, classes, splits, *second)
    if not team:
        return data
    team_sides = read_team_sides(sides_file) if sides_file else None
    sided = {name: with_sides(videos, team_sides) for name, videos in splits.items()}
    data = replace(data, splits=sided, joint=with_sides(data.joint, team_sides), team_sides=team_sides)
    require_sides(data.splits["train"] + data.joint)
    return data


def _read_second(
    dataset: str, frame_dir: str, crop: int | None, region: int, first: Path
) -> tuple[Path, list[str], list[dict]]:
    """Frame folder, classes and train split of a second dataset.

    Args:
        first: a folder of the first one's frames, with which the same batch must hold these.
    """
    folder = Path(frame_dir)
    classes, splits = read_checked_splits(dataset, folder, crop, region, ("train",))
    (height, width), (other_height, other_width) = (
        frame_size(path, crop) for path in (folder / splits["train"][0]["video"], first))
    if (height, width) != (other_height, other_width):
        raise UserError(f"{folder}: its frames are {width}x{height}, those of the first dataset "
                        f"{other_width}x{other_height}, and one batch cannot hold both; give a --crop_dim")
    return folder, classes, splits["train"]
