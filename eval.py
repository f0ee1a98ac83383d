"""Score predictions against the labels: average precision, precision, recall, F1.

python eval.py -s test out/                 the predictions of the best epoch in a model folder
python eval.py -s test out/pred-test.41.json -d futsal

Prints tables, and writes pictures beside the predictions: the precision-recall curves, what is taken for what, by how
many frames right predictions are off, and videos with their true events, the predicted ones and the scores along time.
"""

from __future__ import annotations

from util.script import run_script

import argparse
import math
import re
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dataset.labels import read_classes, read_split
from plots.scores import confusion_matrix, offset_histogram, precision_recall_curves
from plots.timeline import timeline
from util.config import trained_on
from util.errors import UserError
from util.events import Video, non_maximum_suppression, score_curves
from util.io import write_json
from util.options import count
from util.predictions import find_file, read_predictions, threshold_tolerance
from util.report import print_report
from util.score import NMS_WINDOW, TOLERANCES

TIMELINES = 20  # videos, drawn along time by default: a second each


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
    parser.add_argument(
        "--timelines",
        type=count,
        default=TIMELINES,
        metavar="N",
        help=f"draw up to N videos along time (default: {TIMELINES})",
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


def read_truth(dataset: str, split: str) -> list[Video]:
    truth = read_split(dataset, split)
    if not any(video["events"] for video in truth):
        raise UserError(f"split {split} of {dataset}: has no events to score against; label it first")
    return truth


def draw(
    path: Path, report: dict[str, Any], classes: list[str], truth: list[Video], predictions: list[Video], timelines: int
) -> None:
    """Write the pictures beside the predictions at `path`: of the split as a whole, and of the first videos that have
    events along time, up to `timelines` of them. If that cannot be done, tell so."""
    stem = re.sub(r"(\.recall)?\.json(\.gz)?$", "", path.name)
    epoch = "" if report["epoch"] is None else f", epoch {report['epoch']}"
    window, threshold = report["nms_window"], report["threshold"]
    title = f"{report['dataset']}, {report['split']}{epoch}, after NMS with window {window}"
    peaks = non_maximum_suppression(predictions, window)
    tolerances = [int(tolerance) for tolerance in report["f1"]]
    tolerance = threshold_tolerance(tolerances)
    pr, matrix, offsets = (path.with_name(f"{stem}.{kind}.png") for kind in ("pr", "confusion", "offsets"))
    try:
        precision_recall_curves(pr, truth, peaks, classes, tolerances, threshold, title)
        confusion_matrix(matrix, truth, peaks, classes, tolerance, threshold, title)
        offset_histogram(offsets, truth, peaks, classes, tolerances[-1], threshold, title)
        print(f"\nPrecision-recall curves: {pr}\nWhat is taken for what: {matrix}\nFrames off: {offsets}")
        folder = path.with_name(f"{stem}.timelines")
        draw_timelines(folder, classes, truth, predictions, peaks, threshold, tolerance, timelines)
    except UserError as error:
        print(f"no more pictures: {error}", file=sys.stderr)


def draw_timelines(
    folder: Path,
    classes: list[str],
    truth: list[Video],
    predictions: list[Video],
    peaks: list[Video],
    threshold: float,
    tolerance: int,
    most: int,
) -> None:
    labelled = [video for video in truth if video["events"]]
    raw, kept = ({video["video"]: video["events"] for video in videos} for videos in (predictions, peaks))
    for video in tqdm(labelled[:most], desc="drawing", unit="video", leave=False, disable=None):
        name = video["video"]
        found = [event for event in kept[name] if event["score"] > threshold]
        curves = score_curves(raw[name], video["num_frames"], classes)
        timeline(folder / f"{name}.png", video, found, classes, scores=curves, tolerance=tolerance)
    if most:
        some = f"the first {most} of {len(labelled)} videos; --timelines N draws more" if most < len(labelled) else ""
        print(f"Along time: {folder}{some and f' ({some})'}")


def main() -> None:
    args = get_args()
    path, file = find_file(args.predictions, args.split)
    dataset = args.dataset or trained_on(path.parent)
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
    draw(path, report, classes, truth, predictions, args.timelines)


if __name__ == "__main__":
    run_script(main)
