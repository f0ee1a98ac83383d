"""Numbers and marks for the page: those of eval.py, at the sliders' threshold, NMS window and tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from util.confusion import confusion, describe_offsets, frame_offsets, mix_ups
from util.events import Event, EventTable, event_table, non_maximum_suppression
from util.score import (
    TOLERANCES,
    Matches,
    ap_row,
    by_video,
    f1_row,
    match_tables,
    mean_map,
    precision_recall,
)
from viewer.models import Model
from viewer.store import LabelStore
from viewer.videos import ViewedVideo

CURVE_POINTS = 400  # of a precision-recall curve: more than there are pixels to it
MOST_CASES = 500  # that are listed of one kind


@dataclass(frozen=True)
class Settings:
    """Where the sliders stand."""

    thresholds: tuple[float, ...]  # of each model
    window: int  # frames
    tolerance: int  # frames


@dataclass(frozen=True)
class Case:
    """What is asked of the predictions of one model: the cell of the confusion matrix, or the frame offset."""

    true: int | None  # index of the class; None: none was there
    predicted: int | None  # None: none was predicted
    offset: int | None = None  # frames; None: any


class Results:
    """Holds predictions against the truth of the split or against the labels as they are now, and keeps what is
    costly until predictions or labels are others."""

    def __init__(
        self, videos: Sequence[ViewedVideo], classes: Sequence[str], models: Sequence[Model], store: LabelStore
    ) -> None:
        self.videos, self.classes, self.models, self.store = videos, classes, models, store
        self._video_index = {video.name: i for i, video in enumerate(videos)}
        self._label_index = {name: i for i, name in enumerate(classes)}
        self._peaks = lru_cache(8 * len(models) + 1)(self._make_peaks)
        self._truth = lru_cache(4)(self._make_truth)
        self._matches = lru_cache(16 * len(models) + 1)(self._make_matches)
        self._precision = lru_cache(16 * len(models) + 1)(self._make_precision)

    # costly parts, each made once for what it depends on

    def _make_peaks(self, model: int, window: int) -> EventTable:
        """The events that are left after non-maximum suppression, in file order."""
        peaks = non_maximum_suppression(self.models[model].predictions, window)
        return event_table(peaks, self._video_index, self._label_index)

    def _make_truth(self, revisions: tuple[str, ...] | None) -> EventTable:
        """The true events: of the split, or of the labels with these revisions."""
        if revisions is None:
            events = [video.truth for video in self.videos]
        else:
            events = [self.store.read(index).events for index in range(len(self.videos))]
        entries = [{"video": v.name, "events": e} for v, e in zip(self.videos, events, strict=True)]
        return event_table(entries, self._video_index, self._label_index)

    def _make_matches(self, model: int, window: int, tolerance: int, revisions: tuple[str, ...] | None) -> Matches:
        truth, peaks = self._truth(revisions), self._peaks(model, window)
        return match_tables(truth, peaks, len(self.classes), [tolerance])[0]

    def _make_precision(
        self, model: int, window: int, tolerance: int, revisions: tuple[str, ...] | None
    ) -> tuple[dict[str, Any], list[float], list[Matches]]:
        """What no threshold changes: average precision, that of each video, and the matches of each video."""
        tables = {str(t): ap_row(self._matches(model, window, t, revisions), self.classes) for t in TOLERANCES}
        matches = self._matches(model, window, tolerance, revisions)
        alone = by_video(matches, len(self.videos))
        precision = {
            "nms": tables,
            "mean_mAP": mean_map(tables),
            "at": ap_row(matches, self.classes),
        }
        return precision, [ap_row(m, self.classes)["mAP"] for m in alone], alone

    # what pages ask for

    def revisions(self) -> tuple[str, ...]:
        """Of the labels of all videos."""
        return tuple(self.store.read(index).revision for index in range(len(self.videos)))

    def differing(self) -> list[int]:
        """The videos whose labels are not those of the split."""
        return [
            index
            for index, video in enumerate(self.videos)
            if _moments(video.truth) != _moments(self.store.read(index).events)
        ]

    def overview(self, settings: Settings, of_labels: bool) -> dict[str, Any]:
        """The numbers of the split and of each video, by model."""
        revisions = self.revisions() if of_labels else None
        truth = self._truth(revisions)
        truths = np.zeros((len(self.videos), len(self.classes)), int)
        np.add.at(truths, (truth.video, truth.label), 1)
        return {
            "truths": truths.tolist(),
            "models": [self._of_model(model, settings, revisions) for model in range(len(self.models))],
        }

    def _of_model(self, model: int, settings: Settings, revisions: tuple[str, ...] | None) -> dict[str, Any]:
        at = model, settings.window, settings.tolerance, revisions
        threshold = settings.thresholds[model]
        matches = self._matches(*at)
        precision, video_map, alone = self._precision(*at)
        offsets = frame_offsets(matches, settings.tolerance, threshold)
        return {
            **precision,
            "f1": f1_row(matches, self.classes, threshold),
            "videos": [
                {**f1_row(m, self.classes, threshold)["all"], "mAP": mean, "truths": len(m.true)}
                for m, mean in zip(alone, video_map, strict=True)
            ],
            "curves": [_curve(matches, label, threshold) for label in range(len(self.classes))],
            "confusion": confusion(matches, settings.tolerance, threshold).tolist(),
            "offsets": offsets.tolist(),
            "offset_words": describe_offsets(offsets.sum(axis=0)),
        }

    def cases(self, model: int, settings: Settings, of_labels: bool, case: Case) -> dict[str, Any]:
        """Where the events of a cell of the confusion matrix, or of a bar of the offsets, are: by score, best first;
        missed ones by place."""
        revisions = self.revisions() if of_labels else None
        matches = self._matches(model, settings.window, settings.tolerance, revisions)
        threshold = settings.thresholds[model]
        above = matches.score > threshold
        mixed = mix_ups(matches, settings.tolerance, threshold)
        partner = np.where(matches.right, matches.partner, mixed)
        if case.predicted is None:
            taken = np.zeros(len(matches.true), bool)
            taken[partner[above & (partner >= 0)]] = True
            rows = np.flatnonzero(~taken & (matches.true.label == case.true))
            return _places(matches.true, rows, with_score=False)
        chosen = above & (matches.label == case.predicted)
        if case.true is None:
            chosen &= partner < 0
        else:
            chosen[chosen] &= (partner[chosen] >= 0) & (matches.true.label[partner[chosen]] == case.true)
        if case.offset is not None:
            rows = np.flatnonzero(chosen)
            offset = matches.predicted.frame[rows] - matches.true.frame[partner[rows]]
            chosen[rows[offset != case.offset]] = False
        return _places(matches.predicted, np.flatnonzero(chosen), with_score=True)

    def marks(self, index: int, frames: Sequence[int], labels: Sequence[int], settings: Settings) -> list[dict]:
        """How each model's predictions for a video stand to true events as a page has them at this moment.

        Args:
            frames, labels: of the true events, in the page's order.

        Returns:
            By model the events above the threshold, by frame, as columns: "frame", "label", "score", "partner" (the
            place of the true event that it found) and "mixed" (of the one that it took for another class), -1 for
            none; and "f1", see f1_row.
        """
        size = len(frames)
        truth = EventTable(np.full(size, index), np.array(labels, int), np.array(frames, int), np.ones(size))
        return [self._marks_of(model, index, truth, settings) for model in range(len(self.models))]

    def _marks_of(self, model: int, index: int, truth: EventTable, settings: Settings) -> dict[str, Any]:
        peaks, threshold = self._peaks(model, settings.window), settings.thresholds[model]
        of_video = peaks.take(np.flatnonzero((peaks.video == index) & (peaks.score > threshold)))
        (matches,) = match_tables(truth, of_video, len(self.classes), [settings.tolerance])
        mixed = mix_ups(matches, settings.tolerance, threshold)
        order = np.lexsort((matches.label, matches.predicted.frame))
        return {
            "frame": matches.predicted.frame[order].tolist(),
            "label": matches.label[order].tolist(),
            "score": matches.score[order].tolist(),
            "partner": matches.partner[order].tolist(),
            "mixed": mixed[order].tolist(),
            "f1": f1_row(matches, self.classes, threshold),
        }


def _moments(events: Sequence[Event]) -> list[tuple[int, str]]:
    return sorted((event["frame"], event["label"]) for event in events)


def _curve(matches: Matches, label: int, threshold: float) -> dict[str, Any] | None:
    """A class's precision-recall curve as {"recall", "precision", "at": the threshold's place on it or None}; None
    where the class does not occur."""
    num_truth = int(matches.num_truth[label])
    if not num_truth:
        return None
    precision, recall = precision_recall(matches, label)
    # of points with the same precision only the last is a corner; of too many, every nth is taken, and the last
    corners = np.flatnonzero(np.append(precision[1:] != precision[:-1], True)[: len(precision)])
    kept = corners[np.unique(np.linspace(0, len(corners) - 1, CURVE_POINTS).astype(int))] if len(corners) else corners
    above = (matches.label == label) & (matches.score > threshold)
    tp = int(matches.right[above].sum())
    at = [tp / num_truth, tp / int(above.sum())] if above.any() else None
    return {"recall": recall[kept].tolist(), "precision": precision[kept].tolist(), "at": at}


def _places(events: EventTable, rows: np.ndarray, with_score: bool) -> dict[str, Any]:
    shown = rows[:MOST_CASES]
    score = events.score[shown].tolist() if with_score else None
    return {"total": len(rows), "video": events.video[shown].tolist(), "frame": events.frame[shown].tolist(),
            "score": score}
