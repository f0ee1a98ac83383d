"""The prediction files of a model folder: named, found, written, read and checked."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from util.entries import check_events, composed, raise_first
from util.errors import UserError
from util.events import EventTable, Video, class_scores, event_dicts, event_table, recall_events, top_class_events
from util.io import read_json, whole_file, write_json

# pred-test.epoch41.json, and pred-test.41.json as original E2E-Spot names it
# and pred-test.epoch41+other-12.json of several models, or +flip, see util/ensemble.py
_NAME = re.compile(r"pred-(?P<split>[^+]+)\.(?P<word>epoch)?(?P<epoch>\d+)(?P<variant>\+.+?)?"
                   r"(?P<kind>\.recall\.json\.gz|\.score\.json\.gz|\.json)")
SCORES = ".score.json.gz"

SCORE_DECIMALS = 6  # of the file of all scores; an error of 5e-7 at most, and a file of half the size


@dataclass(frozen=True)
class PredictionFile:
    """A file of predicted events, and what its name says."""

    path: Path
    split: str = ""
    epoch: int | None = None  # None where the name does not say
    recall: bool = False  # every class with score >= 0.01, and not only the top class of each frame
    old_name: bool = False  # as original E2E-Spot names it
    variant: str = ""  # "" of the model as it is

    @property
    def scores(self) -> Path:
        """The file of all scores that belongs to it, which may be itself."""
        return self.path.with_name(re.sub(r"(\.recall|\.score)?\.json(\.gz)?$", SCORES, self.path.name))


def prediction_prefix(folder: Path | str, split: str, epoch: int) -> Path:
    """The path that the predictions of a split have in common, without their suffixes."""
    return Path(folder) / f"pred-{split}.epoch{epoch:02d}"


def parse_name(path: Path | str) -> PredictionFile | None:
    """What a prediction file's name says; None if the name is not of that kind."""
    path = Path(path)
    if not (match := _NAME.fullmatch(path.name)):
        return None
    recall = match["kind"] == ".recall.json.gz"
    return PredictionFile(path, match["split"], int(match["epoch"]), recall, match["word"] is None,
                          match["variant"] or "")


def list_predictions(folder: Path | str, split: str, variant: str = "") -> list[PredictionFile]:
    """A split's prediction files in a folder, of each epoch the best to score first, newest epoch first."""
    parsed = [parse_name(path) for path in sorted(Path(folder).glob("pred-*.json*"))
              if not path.name.endswith(SCORES)]
    files = [file for file in parsed if file and (file.split, file.variant) == (split, variant)]
    return sorted(files, key=lambda file: (-file.epoch, not file.recall, file.old_name))


def find_file(path: Path, split: str) -> PredictionFile:
    """The prediction file to score: given itself, or of a model folder that of the best epoch, or if that has none, of
    the newest.

    Raises:
        UserError: there is none, or loss.json is damaged.
    """
    if not path.is_dir():
        if not path.exists():
            raise UserError(f"{path}: no such model folder or prediction file")
        return parse_name(path) or PredictionFile(path)
    files = list_predictions(path, split)
    if not files:
        raise UserError(f"{path}: no predictions for split {split}; make them: python test_e2e.py {path} FRAME_DIR "
                        f"-s {split} --save")
    best = best_epoch(path)
    return next((file for file in files if file.epoch == best), files[0])


def find_scores(folder: Path, split: str, epoch: int | None, variant: str = "") -> Path:
    """The file of all scores of a model folder's epoch.

    Raises:
        UserError: there is none.
    """
    beside = (file.scores for file in list_predictions(folder, split, variant) if file.epoch == epoch)
    path = next(filter(Path.is_file, beside), None)
    if path is None:
        raise UserError(f"{folder}: no *{SCORES} of epoch {epoch}{variant} for {split}; to make it: python test_e2e.py "
                        f"{folder} FRAME_DIR -s {split} --save")
    return path


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
        columns = [{int(row["epoch"]): float(row[key]) for row in rows if row.get(key) is not None}
                   for key in ("val_mAP", "val")]
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(f'{path}: must be a list of {{"epoch", "train", "val", "val_mAP"}}') from error
    val_map, val_loss = ({epoch: value for epoch, value in c.items() if math.isfinite(value)} for c in columns)
    if any(value > 0 for value in val_map.values()):  # the original writes 0 where it has not measured
        return max(val_map, key=val_map.get)
    return min(val_loss, key=val_loss.get, default=None)


def save_predictions(
    prefix: Path | str, videos: Sequence[Video], scores: Mapping[str, np.ndarray], classes: Sequence[str]
) -> list[Path]:
    """Write the three prediction files of a split: top classes, recall events, all scores.

    The events have the scores exactly. In the third file they are rounded to 6 decimals, so that scores very
    close to each other, above all near 1, may become equal there.

    Args:
        prefix: path of the files without suffix, see prediction_prefix.
        videos: [{"video", "fps"}], in the order in which they are written.
        scores: video name -> float (num_frames, K+1), index 0 background; or by side, see `class_scores`.
        classes: the K class names.

    Returns:
        The paths of the files.

    Raises:
        UserError: the folder cannot be written to.
    """
    top, recall = ([{"video": v["video"], "fps": v.get("fps", -1),
                     "events": event_dicts(events(scores[v["video"]]), classes)} for v in videos]
                   for events in (top_class_events, recall_events))
    rounded = {v["video"]: class_scores(scores[v["video"]]).astype(np.float64).round(SCORE_DECIMALS).tolist()
               for v in videos}
    contents = {".json": top, ".recall.json.gz": recall, SCORES: rounded}
    paths = [Path(f"{prefix}{suffix}") for suffix in contents]
    with ExitStack() as stack:  # all three are written before the first is put in place
        scratches = [stack.enter_context(whole_file(path)) for path in paths]
        for scratch, content in zip(scratches, contents.values(), strict=True):
            write_json(scratch, content)
    return paths


def read_predictions(path: Path | str, truth: Sequence[Video], classes: Sequence[str]) -> EventTable:
    """Read the events of a prediction file, of either kind, in file order; their videos are counted as in the truth.

    Args:
        truth: [{"video", "num_frames", ...}], the videos that must be there.
        classes: the class names that an event may have.

    Raises:
        UserError: the file is missing, damaged, or not for this truth.
    """
    entries = check_entries(read_json(path), path, truth, classes)
    return event_table(entries, [video["video"] for video in truth], classes)


def read_scores(path: Path, truth: Sequence[Video], num_classes: int) -> dict[str, np.ndarray]:
    """Read a file of all scores: video -> float32 (num_frames, K + 1), for the videos of the truth.

    Raises:
        UserError: it is missing, damaged, or not for this truth.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(f"{path}: must map each video to its scores; give a *{SCORES}")
    by_name, scores = {composed(name): rows for name, rows in content.items()}, {}
    for video in truth:
        name, shape = video["video"], (video["num_frames"], num_classes + 1)
        if composed(name) not in by_name:
            raise UserError(f"{path}: no scores of video {name}; predict the whole split again")
        try:
            scores[name] = np.array(by_name[composed(name)], np.float32)
        except (TypeError, ValueError, OverflowError):
            scores[name] = np.empty(0)
        if scores[name].shape != shape or not np.isfinite(scores[name]).all():
            raise UserError(f"{path}: the scores of video {name} must be {shape[0]} rows of {shape[1]} numbers, for "
                            f"background and {num_classes} classes; copy its config.json beside it, or predict the "
                            "split again")
    return scores


def check_entries(predictions: Any, path: Path | str, truth: Sequence[Video], classes: Sequence[str]) -> list[Video]:
    """The content of a prediction file at `path`, [{"video", "events": [{"label", "frame", "score"}], ...}], with names
    and labels put right. Arguments and errors are those of `read_predictions`."""
    if isinstance(predictions, dict):
        raise UserError(f"{path}: holds no list of events; give the .recall.json.gz beside it")
    if not isinstance(predictions, list):
        raise UserError(f'{path}: must be a list of {{"video", "events"}}; write it again')
    known, by_name = frozenset(classes), {composed(video["video"]): video for video in truth}
    for i, video in enumerate(predictions):
        if not isinstance(video, dict) or not isinstance(video.get("video"), str):
            raise UserError(f'{path}: entry {i}: must be {{"video": name, "events": [...]}}; write the file again')
        true = by_name.get(composed(video["video"]), {})
        video["video"] = true.get("video", video["video"])
        where = f"{path}: video {video['video']}"
        if not isinstance(video.get("events"), list):
            raise UserError(f"{where}: events must be a list; write the file again")
        video["events"], _, problems = check_events(video["events"], where, true.get("num_frames"), known, scored=True)
        raise_first(problems)
    counts, wanted = Counter(video["video"] for video in predictions), {video["video"] for video in truth}
    for names, wrong in ((counts.keys() - wanted, "{} not in the truth; check the split and the dataset"),
                         (wanted - counts.keys(), "no predictions for {}; predict the whole split again"),
                         ({name for name, count in counts.items() if count > 1},
                          "{} there more than once; predict the split again")):
        if names:
            some = ", ".join(sorted(names)[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            raise UserError(f"{path}: {wrong.format(('video ' if len(names) == 1 else 'videos ') + some)}")
    return predictions
