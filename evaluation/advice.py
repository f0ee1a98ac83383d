"""What val says about a training, and what helps: a line for each thing that is wrong, none where all is well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evaluation.choosing import threshold_tolerance
from evaluation.metrics import confusion_matrix
from evaluation.pairing import TOLERANCES, Pairing, within
from evaluation.report import ALL, Report, evaluate
from evaluation.rule import Origin, Predicted, choose_rule
from util.config import read_config
from util.errors import UserError, number_of
from util.events import EventTable, true_events
from util.io import read_json
from util.predictions import best_epoch

FLAT = 0.1  # a network that has learned something scores more on some frame of val
FEW_TO_LEARN = 50  # events of a class in train
FEW_TO_CHOOSE = 20  # events in val
FEW_EPOCHS, LOW_F1 = 10, 0.5
RISE = 0.02  # of val mAP over the last quarter of the epochs
PARTED = 1.15  # the last val loss over the lowest
FALLEN = 0.8  # the last train loss over that of the epoch with the lowest val loss
GOOD = 0.9  # F1 on val; a loss that rises says then that a network is surer, and not that it finds less
LOW_RECALL, RECALL_GAP = 0.5, 0.2
EXACT = 0.5  # share of the right events on the very frame
ENOUGH = 10  # events to say something by
CONFUSED, FEWEST_CONFUSED = 0.15, 5  # share of a class's true events, and events

# what helps; options are those of train_e2e.py where no other script is named
HELP = {
    "longer": "train on with --resume and a higher --num_epochs",
    "begin": "train for more epochs (--num_epochs), draw more clips about events (--fg_upsample 0.9), and look at "
             "the labels: check_data.py --sheet --motion",
    "labels": "look whether labels sit on the right frames: check_data.py --sheet --motion",
    "events": "label more (view.py --label), or let it see them more often: --fg_upsample 0.9",
    "none": "move a match that has it to train (prepare_data.py --splits), or take it out of class.txt",
    "val": "move a match from train to val: prepare_data.py --splits",
    "heart": "more matches help most; else a smaller network (-m rny002_gsm), --mixup, or fewer --num_epochs",
    "recall": "draw more clips about events, each class as often as any other: --fg_upsample 0.9; label more of it",
    "threshold": "choose one by the curves: eval.py --threshold, spot_video.py --threshold",
    "spread": "spread labels cost exactness: --dilate_len 0, or learn the distance: --displacement 1",
    "exact": "look at the labels' frames (check_data.py --sheet), or learn the distance to the event: --displacement 1",
    "confused": "look at both beside each other (check_data.py --sheet); let it see more around them: --clip_len",
}
DRAWN = 0.9  # --fg_upsample; where as many clips are about events already, what else helps
HELP_DRAWN = HELP | {
    "begin": "train for more epochs (--num_epochs), and look at the labels: check_data.py --sheet --motion",
    "events": "label more (view.py --label)",
    "recall": "label more of it",
}


@dataclass(frozen=True)
class Evidence:
    """What is known of a training after it."""

    classes: Sequence[str]
    predicted: EventTable  # on val, before suppression
    report: Report  # on val, by the rule that val chooses
    rows: Sequence[Mapping[str, Any]]  # of loss.json
    config: Mapping[str, Any]
    to_learn: np.ndarray | None  # int64 (K,), events of each class in train; None where they are not known

    @property
    def pairing(self) -> Pairing:
        """At the tolerance at which the threshold is chosen."""
        return self.report.pairings[TOLERANCES.index(threshold_tolerance(TOLERANCES))]

    @property
    def f1(self) -> float:
        return self.report.f1.loc[(self.pairing.tolerance, ALL), "f1"]


Advice = Iterator[tuple[str, str]]  # what is wrong, and the key of what helps


def advice(of: Evidence) -> list[str]:
    """A line for each thing that val, or the course of the training, says is wrong."""
    untaught = list(_untaught(of))
    found = (*untaught, *_course(of, not untaught), *_few_events(of), *(() if untaught else _by_class(of)))
    helps = HELP_DRAWN if (of.config.get("fg_upsample") or 0) >= DRAWN else HELP
    return [f"{wrong}; {helps[key]}" for wrong, key in found]


def _untaught(of: Evidence) -> Advice:
    """That nothing is there that could be refined."""
    score = of.predicted.score
    if not len(score):
        yield "val: no frame scores 0.01 or more", "begin"
    elif score.max() < FLAT or score.max() - np.median(score) < FLAT / 2:
        yield (f"val: scores are flat, from {score.min():.2f} to {score.max():.2f}: events and "
               "background do not differ yet"), "begin"
    elif not of.report.pairings[-1].right.any():
        yield f"val: no prediction is right, not even {within(TOLERANCES[-1])}, though scores are not flat", "labels"


def _course(of: Evidence, taught: bool) -> Advice:
    """What the losses and val mAP by epoch say."""
    rows = pd.DataFrame(of.rows, columns=["epoch", "train", "val", "val_mAP"]).apply(pd.to_numeric, errors="coerce")
    rows, epochs = rows.set_index("epoch").sort_index(), len(rows)
    curve, both = rows["val_mAP"][rows["val_mAP"] > 0], rows[["train", "val"]].dropna()
    if 0 < epochs < FEW_EPOCHS and not (taught and of.f1 >= LOW_F1):
        nothing = of.config.get("weights_used") == "none"
        yield f"{number_of(epochs, 'epoch')} are few{' to learn from nothing' * nothing}", "longer"
    elif len(curve) > 1:
        last, before = curve.index[-1], curve[curve.index < 0.75 * epochs].max()
        if curve.idxmax() == last and curve[last] - before >= RISE:
            yield (f"val mAP was still rising: {100 * curve[last]:.1f} in the last epoch, {100 * before:.1f} "
                   "at best before the last quarter"), "longer"
    if taught and len(both) > 1 and of.f1 < GOOD:
        best = both["val"].idxmin()
        (train, val), (last_train, last_val) = both.loc[best], both.iloc[-1]
        if last_val > PARTED * val and last_train < FALLEN * train:
            yield (f"train and val part: since epoch {best} the train loss has fallen from {train:.2f} to "
                   f"{last_train:.2f}, that of val risen from {val:.2f} to {last_val:.2f}: it learns by heart"), "heart"


def _few_events(of: Evidence) -> Advice:
    learnt = [] if of.to_learn is None else [*zip(of.classes, of.to_learn, strict=True)]
    if none := [name for name, number in learnt if not number]:
        yield f"train: no event of {', '.join(none)} to learn from", "none"
    if few := [f"{name} {number}" for name, number in learnt if 0 < number < FEW_TO_LEARN]:
        yield f"train: few events to learn from ({', '.join(few)})", "events"
    if (number := len(of.pairing.true)) < FEW_TO_CHOOSE:
        yield f"val: {number_of(number, 'event')} are few to choose an epoch and a threshold by", "val"


def _by_class(of: Evidence) -> Advice:
    """What is wrong with the predictions of classes that occur in val."""
    pairing, levels = of.pairing, of.report.levels
    rates, confusion = of.report.f1.loc[pairing.tolerance].drop(ALL), confusion_matrix(pairing.above(levels))
    for label in np.flatnonzero(pairing.num_true):
        name, total, score = of.classes[label], pairing.num_true[label], pairing.predicted.score
        score = score[pairing.predicted.label == label]
        if len(score) and score[0] <= levels[label]:
            yield (f"{name}: no prediction on val scores above the threshold, {levels[label]:.3f}; the highest is "
                   f"{score[0]:.3f}"), "threshold"
        precision, recall = rates.loc[name, ["precision", "recall"]]
        others = rates["recall"].drop(name).dropna()
        behind = recall < others.max() - RECALL_GAP if len(others) else precision > 1 - RECALL_GAP
        if total >= ENOUGH and 0 < recall < LOW_RECALL and behind:
            yield f"{name}: only {recall:.0%} of its events are found (precision {precision:.0%})", "recall"
        right, mean, spread, exact = of.report.offsets.loc[name]
        if right >= ENOUGH and exact < EXACT:
            yield (f"{name}: {exact:.0%} of the right events lie on the very frame (mean {mean:+.1f} frames, spread "
                   f"{spread:.1f})"), "spread" if of.config.get("dilate_len") else "exact"
        for taken, number in enumerate(confusion[label, :-1]):
            if taken != label and number >= FEWEST_CONFUSED and number >= CONFUSED * total:
                yield f"{name} is taken for {of.classes[taken]}, {number} of {total} times", "confused"


def print_advice(origin: Origin, on_val: Predicted) -> None:
    """Print what the predictions of a model on val, its config.json and loss.json advise, if anything."""
    if not any(video["events"] for video in on_val.truth):
        return
    rule = choose_rule(on_val, origin.classes)
    report = evaluate(on_val.truth, on_val.events, origin.classes, rule=rule)
    try:
        best_epoch(origin.folder)  # raises for what is no loss.json
        rows, config = read_json(origin.folder / "loss.json", nan=True), read_config(origin.folder)
    except UserError:
        rows, config = [], {}  # of a folder of predictions alone, or damaged
    try:
        train = true_events(origin.read_split("train"), origin.classes)
        to_learn = np.bincount(train.label, minlength=len(origin.classes))
    except (UserError, KeyError):
        to_learn = None
    if lines := advice(Evidence(origin.classes, on_val.events, report, rows, config, to_learn)):
        print("\nWhat may help, as val says (more in docs/options.md):", *(f"- {line}" for line in lines), sep="\n")
