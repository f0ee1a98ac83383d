"""The rule by which scored predictions become events: chosen on val, and kept in the model folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import index
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from evaluation.choosing import (
    DEFAULT_THRESHOLD,
    Val,
    best_threshold,
    choose_moves,
    choose_own_thresholds,
    choose_suppression,
    moved_by,
    threshold_tolerance,
)
from evaluation.pairing import TOLERANCES, within
from evaluation.resampling import USUAL_FPS, units_of
from evaluation.suppression import NMS, Suppression, add_suppression_options
from util.ensemble import FLIP, Member, find_members, read_ensemble
from util.errors import UserError, number_of
from util.events import EventTable, Video, of_labelled, predicted_events, true_events
from util.io import read_json, write_json
from util.predictions import find_file, list_predictions, read_predictions
from util.spans import MOST_FRAMES, Seconds, Span, have_rates, parse_span, rates_of

FILE = "threshold.json"  # in the model folder


@dataclass(frozen=True)
class Rule:
    """Predictions are moved, thinned out by suppression, and count above a threshold."""

    suppression: Suppression = NMS
    threshold: float = DEFAULT_THRESHOLD
    own_threshold: Mapping[str, float] = field(default_factory=dict)  # of classes that have another
    moves: Mapping[str, int] = field(default_factory=dict)  # frames, of classes whose predictions are moved; + is later
    source: str = "the default"  # in words that follow "threshold 0.123, "
    notes: tuple[str, ...] = ()  # what else was chosen on val, a line each

    def levels(self, classes: Sequence[str], threshold: float | None = None) -> np.ndarray:
        """float64 (K,): the score above which predictions of each class count.

        Args:
            threshold: another than the rule's; the own ones of classes go with it, by the same factor of the odds.
        """
        at = self.threshold if threshold is None else threshold
        along = 1.0 if at == self.threshold else _odds(at) / _odds(self.threshold)
        own = {name: value if along == 1 else along * _odds(value) / (1 + along * _odds(value))
               for name, value in self.own_threshold.items()}
        return np.array([own.get(name, at) for name in classes], float)

    def moved(self, events: EventTable, classes: Sequence[str], num_frames: np.ndarray | None = None) -> EventTable:
        """Predictions on the frames where they are to be; arguments are those of `moved_by`."""
        return moved_by(events, np.array([self.moves.get(name, 0) for name in classes], int), num_frames)

    def scored(
        self, events: EventTable, classes: Sequence[str], num_frames: np.ndarray | None = None,
        fps: np.ndarray | None = None,
    ) -> EventTable:
        """The events, moved and after suppression, whatever they score.

        Args:
            fps: float (V,), of the videos, where the window is in seconds.
        """
        return self.suppression(self.moved(events, classes, num_frames), fps)

    def at(self, fps: float) -> Rule:
        """The same for videos of one rate, with the window in frames."""
        return replace(self, suppression=self.suppression.at(fps))

    @property
    def reach(self) -> int:
        """Frames to either side of an event that decide whether it counts, where the window is in frames."""
        return self.suppression.reach + max(map(abs, self.moves.values()), default=0)

    def __str__(self) -> str:
        return "\n".join([f"threshold {self.threshold:.3f}, {self.source}", *self.notes])

    def as_json(self) -> dict[str, Any]:
        return {"threshold": self.threshold, "own_threshold": dict(self.own_threshold), "moves": dict(self.moves),
                **self.suppression.as_json()}


def _odds(score: float) -> float:
    score = min(max(score, 1e-9), 1 - 1e-9)
    return score / (1 - score)


UNCHOSEN = Rule()


class Given(NamedTuple):
    """What of a rule the user fixes; the rest is chosen on val."""

    suppression: Suppression | None = None
    threshold: float | None = None
    moves: bool = True  # False: predictions stay where they are

    def rule(self, source: str) -> Rule:
        """Of what is given, and otherwise as usual."""
        value, source = (DEFAULT_THRESHOLD, source) if self.threshold is None else (self.threshold, _GIVEN)
        return Rule(self.suppression or NMS, value, source=source)


_GIVEN = "given by --threshold"
UNGIVEN = Given()


def add_rule_options(
    parser: argparse.ArgumentParser | argparse._ArgumentGroup, threshold: Callable[[str], float] | None = None
) -> None:
    """--nms_window, --soft_nms, --no_moves and, where its type is given, --threshold; see `given`."""
    add_suppression_options(parser)
    parser.add_argument("--no_moves", action="store_true",
                        help="do not move the predictions of classes that val shows to be early or late")
    parser.set_defaults(threshold=None)
    if threshold:
        parser.add_argument("--threshold", type=threshold,
                            help="score above which events count (default: chosen on val)")


def given(args: argparse.Namespace) -> Given:
    """What the options of `add_rule_options` say."""
    return Given(args.suppression, args.threshold, not args.no_moves)


class Origin(NamedTuple):
    """Whose predictions they are: by this their rule is found."""

    folder: Path  # the model's
    split: str  # "" of a new video
    epoch: int | None  # None where it is not known
    classes: Sequence[str]
    read_split: Callable[[str], list[Video]]  # gives the entries of a split of the dataset
    variant: str = ""  # of the predictions, see `PredictionFile`
    members: Sequence[Member] = ()  # of an ensemble, whose mean scores on val are taken


class Predicted(NamedTuple):
    """A split's predictions, of one model or of several as one, and the entries that they are for."""

    truth: Sequence[Video]
    events: EventTable  # before suppression, in file order
    name: str  # of what they were read from
    path: Path | None = None  # of the prediction file; of several models, the first's
    origin: Origin | None = None  # None where no rule is to be found by it
    scores: Mapping[str, np.ndarray] | None = None  # the mean of several models': video -> float32 (num_frames, K + 1)

    def by(self, rule: Rule) -> EventTable:
        """The events by a rule, whatever they score."""
        fps = rates_of(self.truth, [rule.suppression.window])
        return rule.scored(self.events, self.origin.classes, lengths_of(self.truth), fps)


def read_predicted(
    given: Path, others: Sequence[Path], weights: Sequence[float] | None, split: str, truth: Sequence[Video],
    classes: Sequence[str], read_split: Callable[[str], list[Video]],
) -> Predicted:
    """Read the predictions of a model folder, or a prediction file, or the mean of its scores and those of others.

    Args:
        weights: of the first model and the others; None: all alike.
        read_split: gives the entries of a split of the dataset.

    Raises:
        UserError: a folder has no predictions of the split, or they are not for this truth.
    """
    file = find_file(given, split)
    members = find_members([given, *others], split, classes, weights) if others else ()
    origin = Origin(file.path.parent, split, file.epoch, classes, read_split, file.variant, members)
    scores = read_ensemble(members, truth, classes) if others else None
    events = predicted_events(truth, scores) if others else read_predictions(file.path, truth, classes)
    name = f"mean of {', '.join(str(member.scores) for member in members)}" if others else str(file.path)
    return Predicted(truth, events, name, file.path, origin, scores)


def read_val(origin: Origin) -> Predicted:
    """The predictions of the same epoch on val.

    Raises:
        UserError: there are none, or they are of no use.
    """
    folder, epoch, variant, members = origin.folder, origin.epoch, origin.variant, origin.members
    if None in (epoch, *(member.epoch for member in members)):
        raise UserError("the file's name has no epoch to find val predictions by")
    file = next((file for file in list_predictions(folder, "val", variant) if file.epoch == epoch), None)
    if file is None and not members:
        how = "" if not variant else " --flip" if variant == FLIP else ", the same models --with it"
        raise UserError(f"no val predictions of epoch {epoch}{variant} to choose it on;"
                        f" to make them: python test_e2e.py {folder} FRAME_DIR -s val --save{how}")
    try:
        truth = origin.read_split("val")
        if members:
            scores = read_ensemble(members, truth, origin.classes, "val")
            return Predicted(truth, predicted_events(truth, scores), f"the mean scores of {len(members)} models")
        return Predicted(truth, read_predictions(file.path, truth, origin.classes), file.path.name)
    except UserError as error:
        raise UserError(f"val's predictions cannot be used ({error})") from error


def choose_rule(
    on_val: Predicted, classes: Sequence[str], tolerances: Sequence[Span] = TOLERANCES, given: Given = UNGIVEN,
    in_frames: bool = False,
) -> Rule:
    """The best rule on val: the threshold for the highest F1 at the tolerance of `threshold_tolerance`; the rest as
    evaluation/choosing.py does it, `in_frames` with a window in frames even if val's rates are known."""
    truth, tolerance = on_val.truth, threshold_tolerance(tolerances)
    true, predicted = (of_labelled(events, truth) for events in (true_events(truth, classes), on_val.events))
    suppression, moves, notes = given.suppression or NMS, np.zeros(len(classes), int), []
    fps = rates_of(truth, [tolerance, suppression.window, *[Seconds()] * (have_rates(truth) and not in_frames)])
    val = Val(true, len(classes), units_of(truth), fps)
    if given.suppression is None and (better := choose_suppression(val, predicted, usual_fps(truth))):
        suppression, mean, usual = better
        notes.append(f"{suppression.in_words(truth)}, chosen on val: mean mAP {100 * mean:.1f} there, and "
                     f"{100 * usual:.1f} after {NMS.in_words(truth)}")
    predicted = suppression(predicted, fps)
    (pairing,) = val.pair(predicted, [tolerance])
    if given.moves and (moves := choose_moves(val, predicted, best_threshold(pairing))).any():
        (pairing,) = val.pair(moved_by(predicted, moves, lengths_of(truth)), [tolerance])
    moved = {classes[label]: int(moves[label]) for label in np.flatnonzero(moves)}
    notes += [f"{name}: moved {number_of(abs(move), 'frame')} {'later' if move > 0 else 'earlier'}, as val's are "
              "off by so many" for name, move in moved.items()]
    if given.threshold is not None:
        return Rule(suppression, given.threshold, {}, moved, _GIVEN, tuple(notes))
    own = {classes[label]: value for label, value in choose_own_thresholds(pairing, val.units).items()}
    notes += [f"{name}: threshold {value:.3f}, as its F1 on val is higher so" for name, value in own.items()]
    source = f"chosen on val ({on_val.name}) for the highest F1 {within(tolerance)}"
    return Rule(suppression, best_threshold(pairing), own, moved, source, tuple(notes))


def rule_for(
    origin: Origin, tolerances: Sequence[Span] = TOLERANCES, given: Given = UNGIVEN, on_val: Predicted | None = None,
    truth: Sequence[Video] = (),
) -> Rule:
    """The rule for a split's predictions, chosen on the folder's val predictions of the same epoch.

    Where it cannot be (the split is val itself, or val's predictions are missing or of no use) it is the usual one, and
    says so.

    Args:
        on_val: those predictions, where they are there already.
        truth: the entries of the split; where one has no rate, val chooses the window in frames.
    """
    if origin.split == "val":
        return given.rule("fixed, as none is chosen on the split that is reported: precision, recall and F1 do not "
                          "compare with those of a split whose threshold val chose; --threshold sets another")
    try:
        return choose_rule(on_val or read_val(origin), origin.classes, tolerances, given, not have_rates(truth))
    except UserError as error:
        return given.rule(f"fixed: {error}")


def find_rule(origin: Origin, given: Given = UNGIVEN) -> Rule:
    """The rule for the events of a new video: the one that training kept, if it is of this epoch and of the suppression
    that is given, if one is; or else `rule_for`'s.

    Raises:
        UserError: the file that training wrote is damaged.
    """
    path = origin.folder / FILE
    if path.is_file() and not origin.members:
        epoch, kept = read_rule(path)
        if epoch == origin.epoch and given.suppression in (None, kept.suppression):
            kept = kept if given.moves else replace(kept, moves={})
            return kept if given.threshold is None else replace(
                kept, threshold=given.threshold, own_threshold={}, source=_GIVEN)
    return rule_for(origin, given=given)


def write_rule(model_dir: Path, epoch: int, on_val: Predicted, classes: Sequence[str]) -> None:
    """Choose the rule on the val predictions of an epoch, and keep it in the model folder."""
    rule = choose_rule(on_val, classes)
    row = {"epoch": epoch, **rule.as_json(), "tolerance": threshold_tolerance(TOLERANCES), "notes": rule.notes}
    write_json(model_dir / FILE, row)


def read_rule(path: Path) -> tuple[Any, Rule]:
    """The epoch and the rule that a file of `write_rule` holds.

    Raises:
        UserError: it holds something else.
    """
    kept = read_json(path)
    rule = rule_from(kept, f"chosen on val in training ({FILE})")
    if rule is None:
        raise UserError(f'{path}: must be {{"epoch", "threshold", "own_threshold", "moves", "nms_window", "soft_nms"}},'
                        ' thresholds finite numbers, moves whole ones, the window frames or seconds such as "0.08s"; '
                        "delete it, or set --threshold")
    return kept.get("epoch"), rule


def rule_from(kept: Any, source: str) -> Rule | None:
    """A rule out of `Rule.as_json`, with `notes` where they are there; None where it is none."""
    kept = kept if isinstance(kept, dict) else {}
    window, soft, notes = kept.get("nms_window"), kept.get("soft_nms", False), kept.get("notes", [])
    try:
        own = {name: _score(value) for name, value in kept.get("own_threshold", {}).items()}
        moves = {name: index(move) for name, move in kept.get("moves", {}).items()}
        suppression = Suppression(parse_span(str(window)), soft)
        rule = Rule(suppression, _score(kept.get("threshold")), own, moves, source, tuple(notes))
    except (AttributeError, TypeError, ValueError, argparse.ArgumentTypeError):
        return None
    sound = {type(window), type(soft)} in ({int, bool}, {str, bool}) and all(isinstance(note, str) for note in notes)
    return rule if sound and all(abs(move) <= MOST_FRAMES for move in moves.values()) else None


def _score(value: Any) -> float:
    if type(value) not in (int, float) or not abs(value) <= sys.float_info.max:
        raise ValueError
    return float(value)


def usual_fps(truth: Sequence[Video]) -> float:
    """The frames per second of most videos of a split."""
    known = [video["fps"] for video in truth if video.get("fps", -1) > 0]
    return float(np.median(known)) if known else USUAL_FPS


def lengths_of(truth: Sequence[Video]) -> np.ndarray | None:
    """int64 (V,): the frames of each video; None where they are not all known."""
    known = [video.get("num_frames") for video in truth]
    return None if None in known else np.array(known, int)
