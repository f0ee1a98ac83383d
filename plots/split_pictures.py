"""The pictures of a split's results: of the split as a whole, and of its videos along time."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from evaluation.choosing import threshold_tolerance
from evaluation.pairing import Pairing
from evaluation.report import Report
from evaluation.report_text import nothing_counts
from plots.scores import confusion_picture, offset_picture, precision_recall_picture
from plots.timeline import timeline_picture
from util.errors import UserError
from util.events import EventTable, Video, score_curves


def draw_results(
    stem: str, report: Report, title: str, truth: Sequence[Video], predicted: EventTable, classes: Sequence[str],
    timelines: int,
) -> None:
    """Write the pictures that have something to show, and say where they are; words for those that have not.

    Args:
        stem: what the paths of the pictures begin with.
        predicted: before suppression.
        timelines: of at most so many videos that have events.
    """
    pr, confusion, offsets = (Path(f"{stem}.{kind}.png") for kind in ("pr", "confusion", "offsets"))
    title, levels = f"{title}, after {report.suppression}", report.levels
    by_tolerance = {pairing.tolerance: pairing for pairing in report.pairings}
    pairing, widest = by_tolerance[threshold_tolerance(list(by_tolerance))], report.pairings[-1]
    print()
    try:
        if widest.right.any():
            precision_recall_picture(pr, report.pairings, classes, levels, title)
            print(f"Precision-recall curves: {pr}")
        else:
            print("Precision-recall curves: not drawn, as no prediction is right")
        if empty := nothing_counts(widest, levels, classes):
            print(f"What is taken for what, frames off: not drawn. {empty}")
        else:
            confusion_picture(confusion, pairing, classes, levels, title)
            offset_picture(offsets, widest, classes, levels, title)
            print(f"What is taken for what: {confusion}\nFrames off: {offsets}")
        if timelines:
            moved = report.rule.moved(predicted, classes)
            _draw_timelines(Path(f"{stem}.timelines"), pairing.above(levels), truth, moved, classes, timelines)
    except UserError as error:
        print(f"no more pictures: {error}", file=sys.stderr)


def _draw_timelines(
    folder: Path, pairing: Pairing, truth: Sequence[Video], predicted: EventTable, classes: Sequence[str], most: int
) -> None:
    videos = list(zip(range(len(truth)), truth, pairing.by_video(len(truth)), strict=True))
    labelled = [row for row in videos if row[1]["events"]]
    for index, video, alone in tqdm(labelled[:most], desc="drawing", unit="video", leave=False, disable=None):
        shown = predicted.take((predicted.video == index) & (predicted.frame < video["num_frames"]))
        curves = score_curves(shown, video["num_frames"], len(classes))
        timeline_picture(folder / f"{video['video']}.png", video, alone, classes, curves)
    some = f" (the first {most} of {len(labelled)} videos; --timelines N draws more)" if most < len(labelled) else ""
    print(f"Along time: {folder}{some}")
