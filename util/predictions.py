"""The prediction files of a model folder: named, found, written, read and checked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from util.entries import check_events, composed, raise_first
from util.errors import UserError
from util.events import Video, non_maximum_suppression, predicted_events, recall_events, top_class_events
from util.io import read_json, whole_file, write_json
from util.score import DEFAULT_THRESHOLD, check_videos, choose_threshold

# pred-test.epoch41.json, and pred-test.41.json as original E2E-Spot names it
_NAME = re.compile(r"pred-(?P<split>.+)\.(?P<word>epoch)?(?P<epoch>\d+)(?P<recall>\.recall\.json\.gz|\.json)")

SCORE_DECIMALS = 6  # of the file of all scores; an error of 5e-7 at most, and a file of half the size


@dataclass(frozen=True)
class PredictionFile:
    """A file of predicted events, and what its name tells."""

    path: Path
    split: str
    epoch: int
    recall: bool  # every class with score >= 0.01, and not only the top class of each frame
    old_name: bool  # as original E2E-Spot names it


def prediction_prefix(folder: Path | str, split: str, epoch: int) -> Path:
    """The path that the predictions of a split have in common, without their suffixes."""
    return Path(folder) / f"pred-{split}.epoch{epoch:02d}"


def parse_name(path: Path | str) -> PredictionFile | None:
    """What a prediction file's name tells; None if the name is not of that kind."""
    path = Path(path)
    if not (match := _NAME.fullmatch(path.name)):
        return None
    recall = match["recall"] != ".json"
    return PredictionFile(path, match["split"], int(match["epoch"]), recall, match["word"] is None)


def list_predictions(folder: Path | str, split: str) -> list[PredictionFile]:
    """A split's prediction files in a folder, of each epoch the best to score first, newest epoch first."""
    parsed = [parse_name(path) for path in sorted(Path(folder).glob("pred-*.json*"))]
    files = [file for file in parsed if file and file.split == split]
    return sorted(files, key=lambda file: (-file.epoch, not file.recall, file.old_name))


def find_predictions(folder: Path | str, split: str) -> PredictionFile:
    """The prediction file of a split to score: of the best epoch, or if that has none, of the newest.

    Raises:
        UserError: there is none, or loss.json is damaged.
    """
    files = list_predictions(folder, split)
    if not files:
        command = f"python test_e2e.py {folder} FRAME_DIR -s {split} --save"
        raise UserError(f"{folder}: no predictions for split {split}; make them: {command}")
    best = best_epoch(folder)
    return next((file for file in files if file.epoch == best), files[0])


def find_file(path: Path, split: str) -> tuple[Path, PredictionFile | None]:
    """The prediction file to score, of a model folder or given itself, and what its name tells.

    Raises:
        UserError: there is none.
    """
    if path.is_dir():
        file = find_predictions(path, split)
        return file.path, file
    if not path.exists():
        raise UserError(f"{path}: no such model folder or prediction file")
    return path, parse_name(path)


def best_epoch(folder: Path | str) -> int | None:
    """The epoch with the highest val mAP in a model folder's loss.json, or the lowest val loss where no epoch
    has a val mAP above 0; the earlier of equals. None if there is no loss.json, or nothing in it.

    Raises:
        UserError: loss.json is not as it should be.
    """
    path = Path(folder) / "loss.json"
    if not path.is_file():
        return None
    rows = read_json(path, nan=True)
    try:
        columns = [
            {int(row["epoch"]): float(row[key]) for row in rows if row.get(key) is not None}
            for key in ("val_mAP", "val")
        ]
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f'{path}: must be a list of {{"epoch", "train", "val", "val_mAP"}}') from error
    val_map = {epoch: value for epoch, value in columns[0].items() if value > 0}
    val_loss = {epoch: value for epoch, value in columns[1].items() if math.isfinite(value)}
    if val_map:
        return max(val_map, key=lambda epoch: val_map[epoch])
    return min(val_loss, key=lambda epoch: val_loss[epoch], default=None)


def save_predictions(
    prefix: Path | str, videos: Sequence[Video], scores: Mapping[str, np.ndarray], classes: Sequence[str]
) -> list[Path]:
    """Write the three prediction files of a split: top classes, recall events, all scores.

    The events have the scores exactly. In the third file they are rounded to 6 decimals, so that scores very
    close to each other, above all near 1, may become equal there.

    Args:
        prefix: path of the files without suffix, see prediction_prefix.
        videos: [{"video", "fps"}], in the order in which they are written.
        scores: video name -> float (num_frames, K+1), index 0 background.
        classes: the K class names.

    Returns:
        The paths of the files.

    Raises:
        UserError: the folder cannot be written to.
    """
    top, recall = (predicted_events(videos, scores, classes, kind) for kind in (top_class_events, recall_events))
    rounded = {v["video"]: _round(scores[v["video"]]) for v in videos}
    contents = {".json": top, ".recall.json.gz": recall, ".score.json.gz": rounded}
    paths = [Path(f"{prefix}{suffix}") for suffix in contents]
    with ExitStack() as stack:  # all three are written before the first is put in place
        scratches = [stack.enter_context(whole_file(path)) for path in paths]
        for scratch, content in zip(scratches, contents.values(), strict=True):
            write_json(scratch, content)
    return paths


def _round(scores: np.ndarray) -> list[list[float]]:
    return scores.astype(np.float64).round(SCORE_DECIMALS).tolist()


def read_predictions(path: Path | str, truth: Sequence[Video], classes: Sequence[str]) -> list[Video]:
    """Read a prediction file, of either kind, and check it against the truth of its split.

    Args:
        truth: [{"video", "num_frames", ...}], the videos that must be there.
        classes: the class names that an event may have.

    Returns:
        [{"video", "events": [{"label", "frame", "score"}], ...}] in file order.

    Raises:
        UserError: the file is missing, damaged, or not for this truth.
    """
    predictions = read_json(path)
    if isinstance(predictions, dict):
        raise UserError(f"{path}: holds no list of events; give the .recall.json.gz beside it")
    if not isinstance(predictions, list):
        raise UserError(f'{path}: must be a list of {{"video", "events"}}; write it anew')
    known, num_frames = frozenset(classes), {composed(video["video"]): video["num_frames"] for video in truth}
    spelled = {composed(video["video"]): video["video"] for video in truth}
    for i, video in enumerate(predictions):
        if not isinstance(video, dict) or not isinstance(video.get("video"), str):
            raise UserError(f'{path}: entry {i}: must be {{"video": name, "events": [...]}}; write the file again')
        name = composed(video["video"])
        video["video"] = spelled.get(name, video["video"])
        where = f"{path}: video {video['video']}"
        if not isinstance(video.get("events"), list):
            raise UserError(f"{where}: events must be a list; write the file again")
        video["events"], _, problems = check_events(video["events"], where, num_frames.get(name), known, scored=True)
        raise_first(problems)
    check_videos(truth, predictions, str(path))
    return predictions


def threshold_tolerance(tolerances: Sequence[int]) -> int:
    """The tolerance, of those given, at which the threshold is chosen: the largest up to 2 frames."""
    return max((t for t in tolerances if t <= 2), default=min(tolerances))


def threshold_from_val(
    folder: Path | str,
    split: str,
    epoch: int | None,
    read_val_truth: Callable[[], list[Video]],
    classes: Sequence[str],
    tolerances: Sequence[int],
    nms_window: int,
) -> tuple[float, str]:
    """The score threshold for F1 on a split, chosen on the folder's val predictions of the same epoch.

    It maximises F1 after non-maximum suppression at the largest of the tolerances up to 2. Where it cannot be
    chosen (the split is val itself, or val's predictions are missing or of no use) it is DEFAULT_THRESHOLD.

    Args:
        epoch: None where it is not known.
        read_val_truth: gives the entries of the val split; called only if there are predictions for it.

    Returns:
        The threshold, and where it comes from in words that follow "threshold 0.123, ".
    """
    if split == "val":
        return DEFAULT_THRESHOLD, "fixed: it cannot be chosen on the split reported; --threshold sets another"
    if epoch is None:
        return DEFAULT_THRESHOLD, (
            "fixed: the file's name tells no epoch to find val predictions by; --threshold sets another"
        )
    file = next((file for file in list_predictions(folder, "val") if file.epoch == epoch), None)
    if file is None:
        return DEFAULT_THRESHOLD, (
            f"fixed: no val predictions of epoch {epoch} to choose it on;"
            f" to make them: python test_e2e.py {folder} FRAME_DIR -s val --save"
        )
    try:
        truth = read_val_truth()
        predictions = read_predictions(file.path, truth, classes)
    except UserError as error:
        return DEFAULT_THRESHOLD, f"fixed: val's predictions cannot be used ({error})"
    tolerance = threshold_tolerance(tolerances)
    peaks = non_maximum_suppression(predictions, nms_window)
    threshold = choose_threshold(truth, peaks, classes, tolerance)
    return threshold, f"chosen on val ({file.path.name}) for the highest F1 at tolerance {tolerance}"
