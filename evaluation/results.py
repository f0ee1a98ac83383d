"""What scripts do with a split's predictions: they are saved, scored and printed, with what val advises."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from evaluation.advice import print_advice
from evaluation.choosing import mean_map
from evaluation.pairing import TOLERANCES, pair_events
from evaluation.report import Report, evaluate
from evaluation.report_text import show_report
from evaluation.rule import UNGIVEN, Given, Origin, Predicted, read_val, rule_for, write_rule
from evaluation.suppression import NMS
from util.entries import labelled_frames
from util.errors import UserError, number_of
from util.events import EventTable, Video, of_labelled, predicted_events, true_events
from util.predictions import prediction_prefix, save_predictions
from util.spans import Span


def save_results(
    model_dir: Path,
    split: str,
    epoch: int,
    truth: Sequence[Video],
    scores: Mapping[str, np.ndarray],
    classes: Sequence[str],
) -> EventTable:
    """Write a split's predictions into the model folder, and for val the rule that they choose.

    Args:
        scores: float32 (num_frames, K + 1) of each video.

    Returns:
        The events, before suppression.
    """
    save_predictions(prediction_prefix(model_dir, split, epoch), truth, scores, classes)
    predicted = predicted_events(truth, scores)
    if split == "val":
        write_rule(model_dir, epoch, Predicted(truth, predicted, "val"), classes)
    return predicted


def val_mean_map(truth: Sequence[Video], scores: Mapping[str, np.ndarray], classes: Sequence[str]) -> float | None:
    """What the best epoch is chosen by, the table's headline: mAP after NMS, the mean over TOLERANCES.

    NMS has its usual window, as choosing one in each epoch would favour the epochs whose choice is lucky.

    Args:
        truth: the entries of the val split.
        scores: float32 (num_frames, K + 1) of each video.

    Returns:
        A fraction; None where the truth has no events.
    """
    true, predicted = (of_labelled(events, truth)
                       for events in (true_events(truth, classes), predicted_events(truth, scores)))
    mean = mean_map(pair_events(true, NMS(predicted), len(classes)))
    return None if math.isnan(mean) else mean


def print_report(
    origin: Origin,
    truth: Sequence[Video],
    predicted: EventTable,
    tolerances: Sequence[Span] = TOLERANCES,
    given: Given = UNGIVEN,
) -> Report | None:
    """Score a split's predictions and print the tables, and what val advises; one line where the split has no events.

    Args:
        origin: whose predictions these are; its val predictions choose what is not given.
        predicted: as `evaluate` takes them.
    """
    num_events = sum(len(video["events"]) for video in truth)
    if not num_events:
        print(f"split {origin.split}: its labels have no events, so there is nothing to score against")
        return None
    try:
        on_val = Predicted(truth, predicted, "val") if origin.split == "val" else read_val(origin)
    except UserError:
        on_val = None  # which rule_for says
    rule = rule_for(origin, tolerances, given, on_val, truth)
    report = evaluate(truth, predicted, origin.classes, tolerances, rule, intervals=True)
    print(f"split {origin.split}: {number_of(num_events, 'event')} in {number_of(len(truth), 'video')}; "
          f"{rule}{_say_unlabelled(truth, predicted, origin.classes)}\n\n{show_report(report)}")
    if on_val:
        print_advice(origin, on_val)
    return report


def _say_unlabelled(truth: Sequence[Video], predicted: EventTable, classes: Sequence[str]) -> str:
    """What does not count, as nobody has labelled it; "" where all is labelled."""
    parts = [entry for entry in truth if "labelled" in entry]
    if not parts:
        return ""
    missing = sum(entry["num_frames"] - labelled_frames(entry) for entry in parts)
    true = true_events(truth, classes)
    left_out = [len(events) - len(of_labelled(events, truth)) for events in (predicted, true)]
    return (f"\n{number_of(missing, 'frame')} of {number_of(len(parts), 'video')} are not labelled, and what lies "
            f"there does not count: {number_of(left_out[0], 'prediction')}, {number_of(left_out[1], 'event')}")
