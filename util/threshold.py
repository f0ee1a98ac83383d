"""The score above which predicted events count: chosen on val, and kept in the model folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from util.ensemble import FLIP, Member, read_ensemble
from util.errors import UserError
from util.events import EventTable, Video, of_labelled, predicted_events, true_events
from util.io import read_json, write_json
from util.pairing import TOLERANCES, Pairing, Seconds, Tolerance, pair_events, rates_of, within
from util.predictions import list_predictions, read_predictions
from util.suppression import NMS, Suppression

FILE = "threshold.json"  # in the model folder
DEFAULT_THRESHOLD = 0.5  # where no other split is there to choose it on


class Threshold(NamedTuple):
    """A threshold, and where it comes from in words that follow "threshold 0.123, "."""

    value: float
    source: str


UNCHOSEN = Threshold(DEFAULT_THRESHOLD, "the default")


def threshold_tolerance(tolerances: Sequence[Tolerance]) -> Tolerance:
    """The tolerance, of those given, at which the threshold is chosen: the largest up to 2 frames or 0.1 seconds."""
    return max((t for t in tolerances if t <= (0.1 if isinstance(t, Seconds) else 2)), default=min(tolerances))


def best_threshold(pairing: Pairing) -> float:
    """The score above which the events of all classes together have the highest F1.

    Best first, a prediction's partner does not depend on those after it: so one pairing serves for every
    threshold. The answer lies halfway between two scores that occur; of equally good ones it is the highest.
    It is DEFAULT_THRESHOLD where no event is right.

    Args:
        pairing: of events after suppression, as they will be used.
    """
    if not pairing.right.any():
        return DEFAULT_THRESHOLD
    lowest = pairing.predicted.score[-1]
    score = np.append(pairing.predicted.score, 0.0 if lowest > 0 else lowest - 1)
    cuts = np.flatnonzero(score[:-1] > score[1:])  # a threshold cannot part equal scores
    f1 = 2 * np.cumsum(pairing.right)[cuts] / (cuts + 1 + len(pairing.true))
    cut = cuts[f1.argmax()]
    above, below = float(score[cut]), float(score[cut + 1])
    middle = (above + below) / 2
    return middle if middle < above else below  # floats side by side have no middle


def choose_threshold(
    truth: Sequence[Video], predicted: EventTable, classes: Sequence[str], tolerance: Tolerance,
    suppression: Suppression,
) -> float:
    """The best threshold for a split's predictions, given before suppression."""
    true, predicted = of_labelled(true_events(truth, classes), truth), of_labelled(predicted, truth)
    (pairing,) = pair_events(true, suppression(predicted), len(classes), [tolerance], rates_of(truth, [tolerance]))
    return best_threshold(pairing)


def threshold_from_val(
    folder: Path | str,
    split: str,
    epoch: int | None,
    read_val_truth: Callable[[], list[Video]],
    classes: Sequence[str],
    tolerances: Sequence[Tolerance] = TOLERANCES,
    suppression: Suppression = NMS,
    variant: str = "",
    members: Sequence[Member] = (),
) -> Threshold:
    """The threshold for a split's events, chosen on the folder's val predictions of the same epoch.

    It maximises F1 after suppression at the tolerance of `threshold_tolerance`. Where it cannot be chosen (the split is
    val itself, or val's predictions are missing or of no use) it is DEFAULT_THRESHOLD.

    Args:
        epoch: None where it is not known.
        variant: of the predictions, see `PredictionFile`.
        members: of an ensemble, whose mean scores on val are taken instead.
        read_val_truth: gives the entries of the val split; called only if there are predictions for it.
    """
    if split == "val":
        return _fixed("it cannot be chosen on the split reported; --threshold sets another")
    if None in (epoch, *(member.epoch for member in members)):
        return _fixed("the file's name has no epoch to find val predictions by; --threshold sets another")
    file = next((file for file in list_predictions(folder, "val", variant) if file.epoch == epoch), None)
    if file is None and not members:
        how = "" if not variant else " --flip" if variant == FLIP else ", the same models --with it"
        return _fixed(f"no val predictions of epoch {epoch}{variant} to choose it on;"
                      f" to make them: python test_e2e.py {folder} FRAME_DIR -s val --save{how}")
    try:
        truth = read_val_truth()
        if members:
            predicted = predicted_events(truth, read_ensemble(members, truth, classes, "val"))
        else:
            predicted = read_predictions(file.path, truth, classes)
    except UserError as error:
        return _fixed(f"val's predictions cannot be used ({error})")
    tolerance = threshold_tolerance(tolerances)
    value = choose_threshold(truth, predicted, classes, tolerance, suppression)
    where = f"the mean scores of {len(members)} models" if members else file.path.name
    return Threshold(value, f"chosen on val ({where}) for the highest F1 {within(tolerance)}")


def _fixed(reason: str) -> Threshold:
    return Threshold(DEFAULT_THRESHOLD, f"fixed: {reason}")


def write_threshold(
    model_dir: Path, epoch: int, truth: Sequence[Video], predicted: EventTable, classes: Sequence[str]
) -> None:
    """Choose the threshold on val, as `threshold_from_val` does, and keep it in the model folder.

    Args:
        truth: the entries of the val split.
        predicted: the events of `epoch` on val, before suppression.
    """
    tolerance = threshold_tolerance(TOLERANCES)
    value = choose_threshold(truth, predicted, classes, tolerance, NMS)
    row = {"epoch": epoch, "threshold": value, **NMS.as_json(), "tolerance": tolerance}
    write_json(model_dir / FILE, row)


def find_threshold(
    model_dir: Path,
    epoch: int,
    suppression: Suppression,
    read_val_truth: Callable[[], list[Video]],
    classes: Sequence[str],
    members: Sequence[Member] = (),
) -> Threshold:
    """The threshold for the events of a model's epoch on a new video.

    It is the one that training kept, if it is of this epoch and suppression, or else is chosen on val as eval.py does.

    Args:
        members: of an ensemble, for which none is kept.
        read_val_truth: gives the entries of the val split; called only if it is needed.

    Raises:
        UserError: the file that training wrote is damaged.
    """
    path = model_dir / FILE
    if path.is_file() and not members:
        kept = read_json(path)
        value = kept.get("threshold") if isinstance(kept, dict) else None
        if type(value) not in (int, float) or not abs(value) <= sys.float_info.max:
            raise UserError(f'{path}: must be {{"epoch", "threshold", "nms_window", "soft_nms"}}, the threshold a '
                            "finite number; delete it, or set --threshold")
        of = Suppression(kept.get("nms_window"), kept.get("soft_nms", False))
        if (kept.get("epoch"), of) == (epoch, suppression):
            return Threshold(float(value), f"chosen on val in training ({FILE})")
    return threshold_from_val(model_dir, "", epoch, read_val_truth, classes, TOLERANCES, suppression, members=members)
