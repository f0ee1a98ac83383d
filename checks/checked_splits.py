"""What a training takes: splits whose labels and frames have gone through the quick checks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from checks.findings import Finding, by_kind
from checks.frame_checks import require_frames
from checks.label_checks import label_findings
from checks.label_reading import LabelledVideo, Labels, as_video
from checks.places import place_findings
from dataset.frames import frame_size
from dataset.labels import SPLITS, dataset_dir, read_classes, read_entries
from dataset.sides import read_team_sides, require_sides, with_sides
from dataset.training_data import TrainingData
from util.entries import raise_first
from util.errors import UserError, number_of

KINDS_SHOWN = 5  # of warnings before a training


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


def read_checked_splits(
    dataset: str, frame_dir: Path, crop: int | None, region: int = 0, names: Sequence[str] = SPLITS
) -> tuple[list[str], dict[str, list[dict]]]:
    """The classes; and the entries of splits, of test where it is there with its frames. What is worth a look is
    printed on stderr.

    Raises:
        UserError: train or val or their frames are not what they must be, or would teach something false.
    """
    command = " ".join(f'"{part}"' if " " in part else part for part in (dataset, str(frame_dir)))
    command = f"python check_data.py {command}"
    classes = read_classes(dataset)
    splits: dict[str, list[dict]] = {}
    videos: list[LabelledVideo] = []
    findings: list[Finding] = []
    try:
        for name in names:
            try:
                entries, problems = read_entries(dataset, name)
                raise_first(problems)
                contents = [entry.content for entry in entries]
                findings += [*problems, *require_frames(frame_dir, contents, crop, region)]
            except UserError as error:
                if name != "test":
                    raise
                print(f"no results on test at the end: {error}", file=sys.stderr)
            else:
                splits[name] = contents
                videos += [as_video(entry.content, name, entry.where, entry.indices) for entry in entries]
        labels = Labels(dataset_dir(dataset), classes, list(splits), videos, findings)
        findings = label_findings(labels) + (place_findings(labels, frame_dir, crop)[1] if crop else [])
        raise_first(findings)
    except UserError as error:
        raise UserError(f"{error}; {command} tells more") from error
    if findings:
        _warn(findings, command)
    return classes, splits


def _warn(findings: list[Finding], command: str) -> None:
    """A line for each kind of warning, up to some."""
    kinds = by_kind(findings)
    for group in kinds[:KINDS_SHOWN]:
        more = f" (and {len(group) - 1:,} more)" if len(group) > 1 else ""
        print(f"warning: {group[0].check}: {group[0].where}: {group[0].message}{more}", file=sys.stderr)
    others = f"{number_of(len(kinds) - KINDS_SHOWN, 'other kind')} of warnings; " if len(kinds) > KINDS_SHOWN else ""
    print(f"{others}{command} tells more", file=sys.stderr)
