"""Numbers and marks for the page: those of eval.py, at the sliders' threshold, NMS and tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from dataset.sides import with_sides
from evaluation.metrics import (
    average_precision,
    confused_partners,
    confusion_matrix,
    count_events,
    frame_offsets,
    mean_of_known,
    precision_recall,
    precision_recall_f1,
    side_accuracy,
)
from evaluation.pairing import TOLERANCES, Pairing, pair_events, pair_sides
from evaluation.suppression import Suppression
from util.events import Event, EventTable, of_labelled, true_events
from util.spans import rates_of
from viewer.models import Model
from viewer.store import LabelState, LabelStore, plain_event
from viewer.viewed_videos import ViewedVideo

CURVE_POINTS = 400  # of a precision-recall curve: more than there are pixels to it
MOST_CASES = 500  # that are listed of one kind
# [(first, last), ...] frames of each video that count, None: all; or None where it is all of every video
Ranges = tuple[tuple[tuple[int, int], ...] | None, ...] | None
States = tuple[LabelState, ...] | None  # the labels of all videos; None: those of the split
RATES = ("precision", "recall", "f1", "tp", "fp", "fn")


@dataclass(frozen=True)
class Settings:
    """Where the sliders stand."""

    thresholds: tuple[float, ...]  # of each model
    suppression: Suppression
    tolerance: int  # frames


@dataclass(frozen=True)
class Case:
    """What is asked of the predictions of one model: the cell of the confusion matrix, or the frame offset."""

    true: int | None  # index of the class; None: none was there
    predicted: int | None  # None: none was predicted
    offset: int | None = None  # frames; None: any


class Results:
    """Pairs predictions with the truth of the split or with the labels as they are now, and keeps what is
    costly until predictions or labels are others.

    Args:
        all_counts: predictions count where nobody has labelled too, as proposals do.
    """

    def __init__(
        self, videos: Sequence[ViewedVideo], classes: Sequence[str], models: Sequence[Model], store: LabelStore,
        all_counts: bool,
    ) -> None:
        self.all_counts = all_counts
        self.videos, self.classes, self.models, self.store = videos, classes, models, store
        self._events = lru_cache(8 * len(models) + 1)(self._suppress)
        self._truth = lru_cache(4)(self._make_truth)
        self._pairing = lru_cache(16 * len(models) + 1)(self._pair)
        self._precision = lru_cache(16 * len(models) + 1)(self._measure_precision)

    # costly parts, each made once for what it depends on

    def _suppress(self, model: int, suppression: Suppression, ranges: Ranges) -> EventTable:
        """The events that are left after suppression where the videos are labelled, in file order."""
        return suppression(_within(self.models[model].predicted, ranges), self._rates(suppression))

    def _rates(self, suppression: Suppression) -> np.ndarray | None:
        """As `Suppression` takes them; a UserError where it needs one that is not known."""
        return rates_of([{"video": video.name, "fps": video.fps or -1} for video in self.videos], [suppression.window])

    def _ranges(self, states: States) -> Ranges:
        """What counts of each video: what is labelled in the split, or in these labels."""
        listed = [None if self.all_counts or one.labelled is None else tuple(map(tuple, one.labelled))
                  for one in states or self.videos]
        return tuple(listed) if any(ranges is not None for ranges in listed) else None

    def _levels(self, model: int, settings: Settings) -> np.ndarray:
        """float (K,): the threshold of each class where the slider stands."""
        return self.models[model].rule.levels(self.classes, settings.thresholds[model])

    def _make_truth(self, states: States) -> EventTable:
        """The true events: of the split, or of these labels."""
        events = [list(map(plain_event, state.events)) for state in states] if states else [
            video.truth for video in self.videos]
        entries = [{"video": v.name, "events": e} for v, e in zip(self.videos, events, strict=True)]
        team_sides = next((model.team_sides for model in self.models if model.team_sides), None)
        return true_events(with_sides(entries, team_sides), self.classes)

    def _pair(self, model: int, suppression: Suppression, tolerance: int, states: States) -> Pairing:
        ranges = self._ranges(states)
        truth, events = _within(self._truth(states), ranges), self._events(model, suppression, ranges)
        return pair_events(truth, events, len(self.classes), [tolerance])[0]

    def _measure_precision(
        self, model: int, suppression: Suppression, tolerance: int, states: States
    ) -> tuple[dict[str, Any], list[float | None], list[Pairing]]:
        """What no threshold changes: average precision, the mAP of each video, and the pairing of each video."""
        by_tolerance = [average_precision(self._pairing(model, suppression, t, states)) for t in TOLERANCES]
        means = [mean_of_known(precision) for precision in by_tolerance]
        pairing = self._pairing(model, suppression, tolerance, states)
        here = average_precision(pairing)
        alone = pairing.by_video(len(self.videos))
        ranges = self._ranges(states)
        by_side = pair_sides(_within(self._truth(states), ranges), _within(self.models[model].predicted, ranges),
                             len(self.classes), suppression, fps=self._rates(suppression))
        team = None if by_side is None else _known(mean_of_known(
            np.array([mean_of_known(average_precision(one)) for one in by_side])))
        precision = {
            "team_mAP": team,
            "nms": _listed(np.transpose(by_tolerance)),
            "mAP": _listed(np.array(means)),
            "mean_mAP": _known(mean_of_known(np.array(means))),
            "at": {"classes": _listed(here), "mAP": _known(mean_of_known(here))},
        }
        return precision, [_known(mean_of_known(average_precision(one))) for one in alone], alone

    # what pages ask for

    def differing(self) -> list[int]:
        """The videos whose labels are not those of the split."""
        pairs = zip(self.videos, self.store.states(), strict=True)
        return [index for index, (video, state) in enumerate(pairs) if _moments(video.truth) != _moments(state.events)]

    def overview(self, settings: Settings, of_labels: bool) -> dict[str, Any]:
        """The numbers of the split and of each video, by model; those of classes are lists in their order."""
        states = self.store.states() if of_labels else None
        truth = self._truth(states)
        truths = np.zeros((len(self.videos), len(self.classes)), int)
        np.add.at(truths, (truth.video, truth.label), 1)
        return {
            "truths": truths.tolist(),
            "models": [self._of_model(model, settings, states) for model in range(len(self.models))],
        }

    def _of_model(self, model: int, settings: Settings, states: States) -> dict[str, Any]:
        at = model, settings.suppression, settings.tolerance, states
        levels = self._levels(model, settings)
        pairing = self._pairing(*at)
        above = pairing.above(levels)
        precision, video_map, alone = self._precision(*at)
        return {
            **precision,
            "side_accuracy": _known(side_accuracy(above)),
            "f1": _f1(above),
            "videos": [
                {**_f1(one.above(levels))["all"], "mAP": mean, "truths": len(one.true)}
                for one, mean in zip(alone, video_map, strict=True)
            ],
            "curves": [_curve(pairing, label, levels) for label in range(len(self.classes))],
            "confusion": confusion_matrix(above).tolist(),
            "offsets": frame_offsets(above).tolist(),
        }

    def cases(self, model: int, settings: Settings, of_labels: bool, case: Case) -> dict[str, Any]:
        """Where the events of a cell of the confusion matrix, or of a bar of the offsets, are: by score, best first;
        missed ones by place."""
        states = self.store.states() if of_labels else None
        whole = self._pairing(model, settings.suppression, settings.tolerance, states)
        pairing = whole.above(self._levels(model, settings))
        true, predicted = pairing.true, pairing.predicted
        partner = np.where(pairing.right, pairing.partner, confused_partners(pairing))
        if case.predicted is None:
            missed = np.setdiff1d(np.flatnonzero(true.label == case.true), partner)
            return _places(true, missed, with_score=False)
        none = len(self.classes)
        true_label = np.append(true.label, none)[partner]  # row -1 is the class that is none
        chosen = (predicted.label == case.predicted) & (true_label == (none if case.true is None else case.true))
        if case.offset is not None:
            chosen &= (partner >= 0) & (predicted.frame - np.append(true.frame, 0)[partner] == case.offset)
        return _places(predicted, np.flatnonzero(chosen), with_score=True)

    def marks(self, index: int, frames: Sequence[int], labels: Sequence[int], settings: Settings) -> list[dict]:
        """How each model's predictions for a video stand to true events as a page has them at this moment.

        Args:
            frames, labels: of the true events, in the page's order.

        Returns:
            By model the events above the threshold, by frame, as columns: "frame", "label", "score", "partner" (the
            place of the true event that it found), "confused" (of the one that it took for another class), -1 for
            none, and "right" (the probability of the right side, None where it is not known); and "f1", {"all",
            "classes"}.
        """
        size = len(frames)
        truth = EventTable(np.full(size, index), np.array(labels, int), np.array(frames, int), np.ones(size))
        return [self._marks_of(model, index, truth, settings) for model in range(len(self.models))]

    def _marks_of(self, model: int, index: int, truth: EventTable, settings: Settings) -> dict[str, Any]:
        ranges = self._ranges(self.store.states())
        events = self._events(model, settings.suppression, ranges)
        of_video = events.take((events.video == index) & (events.score > self._levels(model, settings)[events.label]))
        (pairing,) = pair_events(truth, of_video, len(self.classes), [settings.tolerance])
        predicted = pairing.predicted
        order = np.lexsort((predicted.label, predicted.frame))
        columns = {"frame": predicted.frame, "label": predicted.label, "score": predicted.score,
                   "partner": pairing.partner, "confused": confused_partners(pairing)}
        listed = {key: column[order].tolist() for key, column in columns.items()}
        (counted,) = pair_events(_within(truth, ranges), of_video, len(self.classes), [settings.tolerance])
        return {**listed, "right": _listed(predicted.right[order]), "f1": _f1(counted)}


def _within(events: EventTable, ranges: Ranges) -> EventTable:
    return events if ranges is None else of_labelled(
        events, [{} if of_video is None else {"labelled": of_video} for of_video in ranges])


def _moments(events: Sequence[Event]) -> list[tuple[int, str]]:
    return sorted((event["frame"], event["label"]) for event in events)


def _known(value: float) -> float | None:
    """A number for JSON, which has no NaN."""
    return None if np.isnan(value) else value


def _listed(values: np.ndarray) -> list:
    """As nested lists, None for NaN."""
    return np.where(np.isnan(values), None, values).tolist()


def _f1(pairing: Pairing) -> dict[str, Any]:
    """Precision, recall, F1 and counts of the events of a pairing: {"all": of all classes, "classes": of each}."""
    counts = count_events(pairing)
    counts = np.concatenate([counts, counts.sum(axis=0, keepdims=True)])
    rates = _listed(precision_recall_f1(counts))
    *classes, of_all = [
        dict(zip(RATES, [*rate, *count], strict=True)) for rate, count in zip(rates, counts.tolist(), strict=True)
    ]
    return {"all": of_all, "classes": classes}


def _curve(pairing: Pairing, label: int, levels: np.ndarray) -> dict[str, Any] | None:
    """A class's precision-recall curve as {"recall", "precision", "at": the threshold's place on it or None}; None
    where the class does not occur."""
    if not pairing.num_true[label]:
        return None
    precision, recall = precision_recall(pairing, label)
    # of points with the same precision only the last is a corner; of too many, every nth is taken, and the last
    corners = np.flatnonzero(np.append(precision[1:] != precision[:-1], True)[: len(precision)])
    kept = corners[np.unique(np.linspace(0, len(corners) - 1, CURVE_POINTS).astype(int))] if len(corners) else corners
    at_precision, at_recall, _ = precision_recall_f1(count_events(pairing.above(levels))[label])
    at = None if np.isnan(at_precision) else [float(at_recall), float(at_precision)]
    return {"recall": recall[kept].tolist(), "precision": precision[kept].tolist(), "at": at}


def _places(events: EventTable, rows: np.ndarray, with_score: bool) -> dict[str, Any]:
    shown = rows[:MOST_CASES]
    score = events.score[shown].tolist() if with_score else None
    return {"total": len(rows), "video": events.video[shown].tolist(), "frame": events.frame[shown].tolist(),
            "score": score}
