"""Several models as one: their scores, frame by frame, averaged class by class."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from util.config import trained_with
from util.errors import UserError
from util.events import Video, class_scores
from util.options import rate
from util.predictions import SCORES, find_file, find_scores, prediction_prefix, read_scores

FLIP = "+flip"  # in the names of predictions that look at the mirrored frames as well


@dataclass(frozen=True)
class Member:
    """A model of an ensemble, by where its predictions are."""

    folder: Path
    epoch: int | None  # None where nothing says it
    classes: list[str]  # in the order of its scores
    weight: float = 1.0
    variant: str = ""  # FLIP, or whatever the names of its predictions have
    scores: Path | None = None  # of the split that is looked at, where they are there already

    @property
    def tag(self) -> str:
        """What stands for it in the names of an ensemble's files."""
        if self.epoch is None and self.scores:
            return f"+{self.scores.name.removesuffix(SCORES)}"
        return f"+{self.folder.resolve().name}-{self.epoch}{self.variant}"


def add_ensemble_options(parser: argparse.ArgumentParser | argparse._ArgumentGroup, kind: str) -> None:
    """--with and --ensemble_weights: `args.others`, a list of paths, and `args.ensemble_weights`, or None."""
    parser.add_argument("--with", dest="others", type=Path, nargs="+", default=[], metavar=kind,
                        help="average the scores of the first with those of these")
    parser.add_argument("--ensemble_weights", type=rate, nargs="+", metavar="W",
                        help="weights of the first model and of those of --with, in this order (default: all alike)")


def ensemble_weights(given: Sequence[float] | None, number: int) -> list[float]:
    """The weight of each of a number of models.

    Raises:
        UserError: they are not as many, or all 0.
    """
    weights = [1.0] * number if given is None else list(given)
    if len(weights) != number or not 0 < sum(weights) < math.inf:
        raise UserError(f"--ensemble_weights {' '.join(f'{w:g}' for w in weights)}: must be {number} numbers, one for "
                        "each model, the first and those of --with, and not all 0")
    return weights


def own_classes(known: Sequence[str] | None, number: int, classes: Sequence[str], where: Path) -> list[str]:
    """The names of a model's classes; those of the dataset where it names none and has as many.

    Raises:
        UserError: it has others, and says of none of them what they are.
    """
    if known is not None and len(known) == number:
        return list(known)
    if known is None and number == len(classes):
        return list(classes)
    raise UserError(f"{where}: has scores of {number} classes ({', '.join(known or ['unnamed'])}), and the dataset has "
                    f"{', '.join(classes)}; leave it out, or copy its config.json beside it")


def check_common(members: Sequence[Sequence[str]], classes: Sequence[str]) -> None:
    """Say which of the classes will not be found, as not all members know them.

    Raises:
        UserError: none is known to all.
    """
    unknown = [name for name in classes if not all(name in own for own in members)]
    if len(unknown) == len(classes):
        raise UserError(f"no class of {', '.join(classes)} is known to all of the models; name the dataset with -d, or "
                        "leave some models out")
    if unknown:
        print(f"warning: not known to all of the models, and so not looked for: {', '.join(unknown)}", file=sys.stderr)


def average_scores(scores: Sequence[np.ndarray], members: Sequence[Any], classes: Sequence[str]) -> np.ndarray:
    """The weighted mean of several models' scores of a video.

    Args:
        scores: of each model, float32 (num_frames, K_i + 1), index 0 background; or by side, see `class_scores`.
        members: with the `classes` of each model, in the order of its scores, and its `weight`.
        classes: those to give. One that not all members know scores 0; what other classes score is background.

    Returns:
        float32 (num_frames, K + 1), by side if all scores are.
    """
    if not all(table.ndim == 3 for table in scores):
        scores = [class_scores(table) for table in scores]
    common = [name for name in classes if all(name in member.classes for member in members)]
    target = [1 + classes.index(name) for name in common]
    mean = np.zeros((len(scores[0]), len(classes) + 1, *scores[0].shape[2:]))
    for table, member in zip(scores, members, strict=True):
        source = [1 + member.classes.index(name) for name in common]
        mean[:, target] += member.weight * table[:, source].astype(float)
        mean[:, 0] += member.weight * np.delete(table, source, axis=1).sum(axis=1, dtype=float)
    return (mean / sum(member.weight for member in members)).astype(np.float32)


def average_videos(
    tables: Sequence[Mapping[str, np.ndarray]], members: Sequence[Member], classes: Sequence[str]
) -> dict[str, np.ndarray]:
    """`average_scores` of each video: of each member a table, video -> scores."""
    return {video: average_scores([table[video] for table in tables], members, classes) for video in tables[0]}


def ensemble_prefix(members: Sequence[Member], split: str) -> Path:
    """The path of the predictions of all members together: in the folder of the first, named for all."""
    first, *others = members
    tags = "".join(member.tag for member in others)
    return Path(f"{prediction_prefix(first.folder, split, first.epoch)}{first.variant}{tags}")


def find_members(
    paths: Sequence[Path], split: str, classes: Sequence[str], weights: Sequence[float] | None
) -> list[Member]:
    """The models whose predictions of a split lie in folders, or are files given themselves.

    Args:
        paths: model folders, whose best epoch is taken, or prediction files; the scores beside each are its own.
        classes: of the dataset. A file has those of the folder that it lies in, or these where the folder names none,
            or the file is of an ensemble, whose scores are of its dataset's classes.

    Raises:
        UserError: a folder has no predictions of the split, no class is known to all, or the weights are not as many.
    """
    members = []
    for given, weight in zip(paths, ensemble_weights(weights, len(paths)), strict=True):
        file = find_file(given, split)
        own = trained_with(file.path.parent, "classes") if file.variant in ("", FLIP) else None
        members.append(Member(file.path.parent, file.epoch, own or list(classes), weight, file.variant, file.scores))
    check_common([member.classes for member in members], classes)
    return members


def read_ensemble(
    members: Sequence[Member], truth: Sequence[Video], classes: Sequence[str], split: str | None = None
) -> dict[str, np.ndarray]:
    """The mean of the scores of members: video -> float32 (num_frames, K + 1).

    Args:
        split: of the truth; None where it is the one that their `scores` are of.

    Raises:
        UserError: the file of a member's scores is missing or damaged, or is not for this truth.
    """
    paths = [m.scores if split is None else find_scores(m.folder, split, m.epoch, m.variant) for m in members]
    tables = [read_scores(path, truth, len(m.classes)) for path, m in zip(paths, members, strict=True)]
    return average_videos(tables, members, classes)
