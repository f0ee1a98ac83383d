"""Score predictions against the labels: average precision, precision, recall, F1.

python eval.py -s test out/                 the predictions of the best epoch in a model folder
python eval.py -s test out/pred-test.41.json -d futsal
python eval.py -s test out_1/ out_2/ out_3/ --csv table.csv     three seeds in one table, with mean and deviation
python eval.py -s test out/ --with out_b/ out_c/                the mean of three models' scores
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
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from dataset.labels import read_classes, read_split
from dataset.sides import read_team_sides, with_sides
from dataset.video_record import frame_stamps, read_record, timecode_rate
from evaluation.comparison import (
    comparison,
    differences,
    plain_rows,
    report_row,
    show_comparison,
    soccernet_row,
    write_csv,
    write_latex,
)
from evaluation.pairing import add_tolerance_options, tolerances_of
from evaluation.report import Report, evaluate
from evaluation.report_text import show_levels
from evaluation.results import print_report
from evaluation.rule import Predicted, add_rule_options, given, read_predicted, rule_for
from evaluation.soccernet import TEAM_FPS, scores_as_json, show_scores, soccernet_scores
from evaluation.soccernet_events import read_games, settle_games, split_events
from label_forms.exports import ExportedVideo, add_export_options, check_exports, export_video
from plots.split_pictures import draw_results
from util.config import trained_on, trained_with
from util.ensemble import add_ensemble_options
from util.errors import UserError, number_of
from util.events import event_dicts
from util.io import write_json
from util.options import count, finite
from util.predictions import find_file

TIMELINES = 20  # videos, drawn along time by default: a second each


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("predictions", type=Path, nargs="*", metavar="MODEL_DIR_or_FILE",
        help="folder of train_e2e.py, whose best epoch is taken, or a prediction file; several stand in one table of "
             "the main numbers, without pictures, each called as it is given here, with mean and deviation of those "
             "that differ by their --seed alone, called by what their names begin with: out/a of out/a_s1 and out/a_s2")
    add("-s", "--split", help="split of the dataset: train, val, test, ...")
    add_ensemble_options(parser, "MODEL_DIR_or_SCORE_FILE")
    add("-d", "--dataset", help="dataset with the labels; by default the one in config.json")
    add_tolerance_options(parser)
    add_rule_options(parser, finite(-math.inf))
    add("--timelines", type=count, default=TIMELINES, metavar="N",
        help=f"draw up to N videos along time (default: {TIMELINES})")
    add("--team_sides", type=Path, metavar="FILE",
        help="sides of teams that labels name (default: as in training)")
    add("--json", type=Path, metavar="FILE", help="write the results there, as fractions")
    add("--csv", type=Path, metavar="FILE", help="write the table of the main numbers there, as fractions")
    add("--latex", type=Path, metavar="FILE", help="write it there in per cent, the best of each column in bold")
    group = parser.add_argument_group("events for other tools, those that score above the threshold")
    add_export_options(group)
    group.add_argument("--frames", type=Path, metavar="FRAME_DIR",
                       help="extracted frames, which tell when each is on display (default: at the split's rate)")
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
    if args.others and args.soccernet:
        parser.error("--with takes the scores of a split, and not --soccernet's results")
    if args.ensemble_weights and not args.others:
        parser.error("--ensemble_weights goes with --with")
    args.table = len(args.predictions) > 1 or args.csv or args.latex
    if args.export and (args.soccernet or args.table or args.metric == "soccernet"):
        parser.error("--export goes with the tables by frames of one model")
    args.tolerances = tolerances_of(args)
    return args


def read_scored(args: argparse.Namespace, given: Path, others: Sequence[Path] = ()) -> tuple[Predicted, str]:
    """The predictions of a model folder or file, or by the mean of its scores and those of others, with the labels that
    they are scored against; and the dataset that has these."""
    folder = find_file(given, args.split).path.parent
    dataset = args.dataset or trained_on(folder)
    classes = read_classes(dataset)
    team_sides = read_team_sides(args.team_sides) if args.team_sides else trained_with(folder, "team_sides")
    truth = with_sides(read_split(dataset, args.split), team_sides)
    if not any(video["events"] for video in truth):
        raise UserError(f"split {args.split} of {dataset}: has no events to score against; label it first")
    scored = read_predicted(given, others, args.ensemble_weights, args.split, truth, classes,
                            partial(read_split, dataset))
    print(f"{scored.name}: {len(scored.events)} events predicted; labels of {dataset}")
    return scored, dataset


def score_games(args: argparse.Namespace) -> None:
    """SoccerNet's metrics of folders in its own forms."""
    classes = read_classes(args.dataset) if args.dataset else None
    games, classes = settle_games(read_games(*args.soccernet, args.skip_missing), classes)
    true, predicted = games.true.label, games.predicted.label
    others = sum(label not in classes for label in predicted.tolist())
    left_out = f", {others:,} of them of other classes" if others else ""
    print(f"{args.soccernet[0]}: {number_of(len(games.names), 'game')}, {games.label_file}, "
          f"{number_of(len(true), 'event')}, {len(predicted):,} predicted{left_out}")
    fps = args.soccernet_fps or games.usual_fps
    print_soccernet(args, fps, soccernet_scores(games.true, games.predicted, games.predicted, classes, fps))


def print_soccernet(args: argparse.Namespace, fps: int, scores: dict[str, pd.DataFrame], **about: Any) -> None:
    print(f"SoccerNet's metrics at {fps} frames a second\n\n{show_scores(scores)}")
    if args.json:
        write_json(args.json, scores_as_json(scores) | about)


def split_soccernet(args: argparse.Namespace, scored: Predicted) -> tuple[int, dict[str, pd.DataFrame]]:
    """SoccerNet's metrics of a split, and the frames that they count in a second."""
    fps, classes = args.soccernet_fps or TEAM_FPS, scored.origin.classes
    found = scored.by(rule_for(scored.origin, given=given(args), truth=scored.truth))
    return fps, soccernet_scores(*split_events(scored.truth, found, classes), classes, fps)


def score_split(args: argparse.Namespace) -> None:
    """Everything about one model's predictions."""
    scored, dataset = read_scored(args, args.predictions[0], args.others)
    origin, members = scored.origin, scored.origin.members
    about = {"split": origin.split, "epoch": origin.epoch, "dataset": dataset}
    if members:
        about["mean_of"] = [{"folder": str(m.folder), "epoch": m.epoch, "weight": m.weight} for m in members]
    if args.metric == "soccernet":
        print_soccernet(args, *split_soccernet(args, scored), **about)
        return
    report = print_report(origin, scored.truth, scored.events, args.tolerances, given(args))
    if args.json:
        write_json(args.json, report.as_json() | about)
    own = re.sub(r"(\.recall|\.score)?\.json(\.gz)?$", "", scored.path.name)
    stem = str(scored.path.with_name(own + "".join(member.tag for member in members[1:])))  # of files about it
    if args.export:
        export(args, Path(f"{stem}.export"), scored, report)
    which = f", epoch {origin.epoch}" * (origin.epoch is not None)
    which = f", mean of {len(members)} models" if members else which
    title = f"{dataset}, {args.split}{which}"
    draw_results(stem, report, title, scored.truth, scored.events, origin.classes, args.timelines)


def export(args: argparse.Namespace, folder: Path, scored: Predicted, report: Report) -> None:
    """Write the events of each video that score above the threshold, in the forms asked for."""
    found = scored.by(report.rule)
    found = found.take(found.score > report.levels[found.label])
    for index, entry in enumerate(scored.truth):
        name, record = entry["video"], read_record(args.frames / entry["video"]) if args.frames else None
        record = {"num_frames": entry["num_frames"], "fps": entry.get("fps", -1)} | (record or {})
        if record["fps"] <= 0:
            raise UserError(f"video {name}: its fps is not known, so that nothing tells when its events are; write it "
                            "into the split, or name the extracted frames with --frames")
        times = frame_stamps(record)
        events = event_dicts(found.take(found.video == index), scored.origin.classes)
        events = [event | {"seconds": times.time_of(event["frame"])} for event in events]
        video = ExportedVideo(name, name, timecode_rate(record), events, scored.origin.classes, end=times.end)
        export_video(folder / name, video, args)
    print(f"\nEvents that score above {show_levels(report)}, as {', '.join(args.export)}: {folder}")


def compare(args: argparse.Namespace) -> None:
    """The main numbers of several models' predictions of one split, in one table."""
    rows: dict[str, dict[str, float]] = {}
    folders, datasets = {}, set()
    for path, others in zip(args.predictions, [args.others, *[()] * len(args.predictions)], strict=False):
        scored, dataset = read_scored(args, path, others)
        name = " + ".join(each.as_posix() for each in (path, *others))
        datasets.add(dataset)
        folders[name] = path if path.is_dir() and not others else None
        if args.metric == "soccernet":
            rows[name] = soccernet_row(split_soccernet(args, scored)[1])
            continue
        rule = rule_for(scored.origin, args.tolerances, given(args), truth=scored.truth)
        print("  " + str(rule).replace("\n", "\n  "))
        rows[name] = report_row(evaluate(scored.truth, scored.events, scored.origin.classes, args.tolerances, rule))
    if len(datasets) > 1:
        raise UserError(f"the models were trained on {' and '.join(sorted(datasets))}; say with -d on which all of "
                        "them are to be compared")
    table = comparison(rows, folders)
    print(f"\nsplit {args.split}, %\n{show_comparison(table)}")
    if differing := differences(folders):
        print(f"\n{differing}")
    if args.csv:
        write_csv(args.csv, table)
    if args.latex:
        write_latex(args.latex, table)
    if args.json:
        write_json(args.json, {"split": args.split, "models": plain_rows(table)})


def main() -> None:
    args = parse_args()
    check_exports(args.export)
    if args.soccernet:
        score_games(args)
    elif args.table:
        compare(args)
    else:
        score_split(args)


if __name__ == "__main__":
    run_script(main)
