"""Score predictions against the labels: average precision, precision, recall, F1.

python eval.py -s test out/                 the predictions of the best epoch in a model folder
python eval.py -s test out/pred-test.41.json -d futsal

Prints tables, and writes two pictures beside the predictions: the precision-recall curves, and the first video with
its true events, the predicted ones and the scores along time.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from dataset.labels import read_classes, read_split
from util.errors import UserError, run_script
from util.events import Video, non_maximum_suppression
from util.io import read_json, write_json
from util.options import count
from util.plots import precision_recall_curves, timeline
from util.predictions import (
    PredictionFile,
    find_predictions,
    parse_name,
    read_predictions,
)
from util.report import print_report
from util.score import NMS_WINDOW, TOLERANCES


def get_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Score predictions against the labels of a split.")
    parser.add_argument(
        "predictions",
        type=Path,
        metavar="MODEL_DIR_or_FILE",
        help="folder of train_e2e.py, whose best epoch is taken, or a prediction file",
    )
    parser.add_argument("-s", "--split", required=True, help="split of the dataset: train, val, test, ...")
    parser.add_argument("-d", "--dataset", help="dataset with the labels; by default the one in config.json")
    parser.add_argument(
        "-t",
        "--tolerances",
        type=count,
        nargs="+",
        default=list(TOLERANCES),
        metavar="FRAMES",
        help="how far off a right prediction may be (default: 0 1 2 4)",
    )
    parser.add_argument(
        "--nms_window",
        type=count,
        default=NMS_WINDOW,
        metavar="FRAMES",
        help="of predictions so close to each other only the best is kept (default: 1)",
    )
    parser.add_argument(
        "--threshold", type=_score, help="score above which events count for F1; by default chosen on val"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, as fractions")
    args = parser.parse_args()
    args.tolerances = sorted(set(args.tolerances))
    return args


def _score(text: str) -> float:
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise argparse.ArgumentTypeError(f"must be a number such as 0.5, and not {text!r}")
    return score


def find_file(path: Path, split: str) -> tuple[Path, PredictionFile | None]:
    """The prediction file to score, and what its name tells."""
    if path.is_dir():
        file = find_predictions(path, split)
        return file.path, file
    if not path.exists():
        raise UserError(f"{path}: no such model folder or prediction file")
    return path, parse_name(path)


def dataset_of(folder: Path) -> str:
    """The dataset on which the model of a folder was trained."""
    path = folder / "config.json"
    if not path.is_file():
        raise UserError(f"{path}: no such file to tell the dataset; name it with -d")
    config = read_json(path)
    dataset = config.get("dataset") if isinstance(config, dict) else None
    if not isinstance(dataset, str) or not dataset:
        raise UserError(f"{path}: names no dataset; name it with -d")
    return dataset


def read_truth(dataset: str, split: str) -> list[Video]:
    truth = read_split(dataset, split)
    if not any(video["events"] for video in truth):
        raise UserError(f"split {split} of {dataset}: has no events to score against; label it first")
    return truth


def score_curves(predicted: Video, num_frames: int, classes: list[str]) -> np.ndarray:
    """float (num_frames, K + 1): each event's score on its frame, 0 elsewhere."""
    scores = np.zeros((num_frames, len(classes) + 1))
    for event in predicted["events"]:
        scores[event["frame"], classes.index(event["label"]) + 1] = event["score"]
    return scores


def draw(path: Path, report: dict[str, Any], classes: list[str], truth: list[Video], predictions: list[Video]) -> None:
    """Write two pictures beside the predictions at `path`: the precision-recall curves, and the first video with
    events along time. If that cannot be done, tell so."""
    stem = re.sub(r"(\.recall)?\.json(\.gz)?$", "", path.name)
    epoch = "" if report["epoch"] is None else f", epoch {report['epoch']}"
    window, threshold = report["nms_window"], report["threshold"]
    title = f"{report['dataset']}, {report['split']}{epoch}, after NMS with window {window}"
    peaks = non_maximum_suppression(predictions, window)
    tolerances = [int(tolerance) for tolerance in report["f1"]]
    shown = next(video for video in truth if video["events"])
    raw, kept = (next(v for v in videos if v["video"] == shown["video"]) for videos in (predictions, peaks))
    found = [event for event in kept["events"] if event["score"] > threshold]
    curves = score_curves(raw, shown["num_frames"], classes)
    try:
        pictures = [path.with_name(f"{stem}.{kind}.png") for kind in ("pr", "timeline")]
        precision_recall_curves(pictures[0], truth, peaks, classes, tolerances, threshold, title)
        timeline(pictures[1], shown, found, classes, scores=curves)
    except UserError as error:
        print(f"no pictures: {error}", file=sys.stderr)
    else:
        print(f"\nPrecision-recall curves: {pictures[0]}\nAlong time, {shown['video']}: {pictures[1]}")


def main() -> None:
    args = get_args()
    path, file = find_file(args.predictions, args.split)
    dataset = args.dataset or dataset_of(path.parent)
    classes = read_classes(dataset)
    truth = read_truth(dataset, args.split)
    predictions = read_predictions(path, truth, classes)
    print(f"{path}: {sum(len(v['events']) for v in predictions)} events predicted; labels of {dataset}")
    report = print_report(
        path.parent,
        args.split,
        file.epoch if file else None,
        truth,
        predictions,
        classes,
        lambda: read_split(dataset, "val"),
        args.tolerances,
        args.nms_window,
        args.threshold,
    )
    report["dataset"] = dataset
    if args.json:
        write_json(args.json, report)
    draw(path, report, classes, truth, predictions)


if __name__ == "__main__":
    run_script(main)
