"""Score predictions against the labels: average precision, precision, recall, F1.

python eval.py -s test out/                 the predictions of the best epoch in a model folder
python eval.py -s test out/pred-test.41.json -d futsal
python eval.py -s test out/ --metric soccernet                  as SoccerNet's servers score
python eval.py --soccernet LABELS_DIR RESULTS_DIR               the same, of folders in its own forms

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
from dataset.sides import read_team_sides, with_sides
from plots.scores import confusion_picture, offset_picture, precision_recall_picture
from plots.timeline import timeline_picture
from util.config import trained_on, trained_with_sides
from util.errors import UserError, number_of
from util.events import EventTable, Video, score_curves
from util.io import write_json
from util.options import count, frames_around, seconds_around
from util.pairing import TOLERANCES, Pairing, Seconds
from util.predictions import find_file, read_predictions
from util.report import Report, print_report
from util.soccernet import TEAM_FPS, SoccerNetScores
from util.soccernet_games import read_games, settle_games
from util.soccernet_report import scores_as_json, show_scores, soccernet_scores, split_predictions, split_truth
from util.suppression import add_suppression_options
from util.threshold import threshold_tolerance

TIMELINES = 20  # videos, drawn along time by default: a second each


def get_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Score predictions against the labels of a split.")
    parser.add_argument(
        "predictions",
        type=Path,
        nargs="?",
        metavar="MODEL_DIR_or_FILE",
        help="folder of train_e2e.py, whose best epoch is taken, or a prediction file",
    )
    parser.add_argument("-s", "--split", help="split of the dataset: train, val, test, ...")
    parser.add_argument("-d", "--dataset", help="dataset with the labels; by default the one in config.json")
    parser.add_argument(
        "-t",
        "--tolerances",
        type=frames_around,
        nargs="+",
        default=list(TOLERANCES),
        metavar="FRAMES",
        help="how far off a right prediction may be (default: 0 1 2 4)",
    )
    parser.add_argument("--tolerance_seconds", type=seconds_around, nargs="+", metavar="SECONDS",
                        help="the same in seconds, at the rate of each video, instead of frames")
    add_suppression_options(parser)
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
    parser.add_argument("--team_sides", type=Path, metavar="FILE",
                        help="sides of teams that labels name (default: as in training)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, as fractions")
    add = parser.add_argument_group("SoccerNet's metrics, in seconds, as its servers compute them").add_argument
    add("--metric", choices=("frames", "soccernet"), default="frames",
        help="soccernet: average mAP tight and loose, mAP@1 and Team mAP@1 instead of tables by frames")
    add("--soccernet", type=Path, nargs=2, metavar=("LABELS_DIR", "RESULTS_DIR"),
        help="score folders of games in SoccerNet's own forms, Labels-v2.json (-ball, ...) and results_spotting.json")
    add("--soccernet_fps", type=int, choices=(25, 2),
        help="frames that the servers count in a second (default: 25, but 2 for Labels-v2.json and Labels.json)")
    add("--skip_missing", action="store_true", help="leave games without results out, instead of stopping")
    args = parser.parse_args()
    if not args.soccernet and not (args.split and args.predictions):
        parser.error("name a split, -s SPLIT, and a model folder or prediction file; or --soccernet")
    args.tolerances = sorted(set(map(Seconds, args.tolerance_seconds or ())) or set(args.tolerances))
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
    stem: str, report: Report, title: str, truth: list[Video], predicted: EventTable, classes: list[str], timelines: int
) -> None:
    """Write the pictures: of the split as a whole, and of the first videos that have events along time.

    Args:
        stem: what the paths of the pictures begin with.
        timelines: at most so many videos.
    """
    pr, confusion, offsets = (Path(f"{stem}.{kind}.png") for kind in ("pr", "confusion", "offsets"))
    title, threshold = f"{title}, after {report.suppression}", report.threshold.value
    by_tolerance = {pairing.tolerance: pairing for pairing in report.pairings}
    pairing = by_tolerance[threshold_tolerance(list(by_tolerance))]
    try:
        precision_recall_picture(pr, report.pairings, classes, threshold, title)
        confusion_picture(confusion, pairing, classes, threshold, title)
        offset_picture(offsets, report.pairings[-1], classes, threshold, title)
        print(f"\nPrecision-recall curves: {pr}\nWhat is taken for what: {confusion}\nFrames off: {offsets}")
        if timelines:
            draw_timelines(Path(f"{stem}.timelines"), pairing.above(threshold), truth, predicted, classes, timelines)
    except UserError as error:
        print(f"no more pictures: {error}", file=sys.stderr)


def draw_timelines(
    folder: Path, pairing: Pairing, truth: list[Video], predicted: EventTable, classes: list[str], most: int
) -> None:
    videos = list(zip(range(len(truth)), truth, pairing.by_video(len(truth)), strict=True))
    labelled = [row for row in videos if row[1]["events"]]
    for index, video, alone in tqdm(labelled[:most], desc="drawing", unit="video", leave=False, disable=None):
        curves = score_curves(predicted.take(predicted.video == index), video["num_frames"], len(classes))
        timeline_picture(folder / f"{video['video']}.png", video, alone, classes, curves)
    some = f" (the first {most} of {len(labelled)} videos; --timelines N draws more)" if most < len(labelled) else ""
    print(f"Along time: {folder}{some}")


def score_games(args: argparse.Namespace) -> None:
    """SoccerNet's metrics of folders in its own forms."""
    classes = read_classes(args.dataset) if args.dataset else None
    games, classes = settle_games(read_games(*args.soccernet, args.skip_missing), classes)
    print(f"{args.soccernet[0]}: {number_of(len(games.names), 'game')}, {games.label_file}, "
          f"{number_of(len(games.true.label), 'event')}, {len(games.predicted.label):,} predicted")
    fps = args.soccernet_fps or games.usual_fps
    print_soccernet(args, fps, soccernet_scores(games.true, games.predicted, games.predicted, classes, fps), classes)


def print_soccernet(
    args: argparse.Namespace, fps: int, scores: dict[str, SoccerNetScores], classes: list[str], **about: Any
) -> None:
    print(f"SoccerNet's metrics at {fps} frames a second\n\n{show_scores(scores, classes)}")
    if args.json:
        write_json(args.json, scores_as_json(scores, classes) | about)


def score_split(args: argparse.Namespace) -> None:
    path, file = find_file(args.predictions, args.split)
    epoch = file.epoch if file else None
    dataset = args.dataset or trained_on(path.parent)
    classes = read_classes(dataset)
    team_sides = read_team_sides(args.team_sides) if args.team_sides else trained_with_sides(path.parent)
    truth = with_sides(read_truth(dataset, args.split), team_sides)
    predicted = read_predictions(path, truth, classes)
    print(f"{path}: {len(predicted)} events predicted; labels of {dataset}")
    about = {"split": args.split, "epoch": epoch, "dataset": dataset}
    if args.metric == "soccernet":
        spots = split_predictions(args.suppression(predicted), truth, classes)
        fps = args.soccernet_fps or TEAM_FPS
        scores = soccernet_scores(split_truth(truth), *spots, classes, fps)
        print_soccernet(args, fps, scores, classes, **about)
        return
    report = print_report(
        path.parent, args.split, epoch, truth, predicted, classes, lambda: read_split(dataset, "val"),
        args.tolerances, args.suppression, args.threshold,
    )
    if args.json:
        write_json(args.json, report.as_json() | about)
    stem = str(path.with_name(re.sub(r"(\.recall)?\.json(\.gz)?$", "", path.name)))
    title = f"{dataset}, {args.split}" + ("" if epoch is None else f", epoch {epoch}")
    draw(stem, report, title, truth, predicted, classes, args.timelines)


def main() -> None:
    args = get_args()
    if args.soccernet:
        score_games(args)
    else:
        score_split(args)


if __name__ == "__main__":
    run_script(main)
