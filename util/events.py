"""Per-frame class scores -> events -> those that are left after non-maximum suppression."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress
from typing import Any

import numpy as np

Event = dict[str, Any]  # {"label", "frame", "score"}; a true event has no score
Video = dict[str, Any]  # {"video", "events", ...}

RECALL_SCORE = 0.01  # what scores less is left out of the precision-recall curve


@dataclass(frozen=True)
class EventTable:
    """The N events of a list of videos as columns, in file order."""

    video: np.ndarray  # int64 (N,), index of the video
    label: np.ndarray  # int64 (N,), index of the class, from 0
    frame: np.ndarray  # int64 (N,)
    score: np.ndarray  # float64 (N,); 1 where an event has none

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, rows: np.ndarray) -> EventTable:
        """The events at `rows`, in that order."""
        return EventTable(self.video[rows], self.label[rows], self.frame[rows], self.score[rows])

    def with_label(self, label: int) -> EventTable:
        """The same events, all of one class."""
        return replace(self, label=np.full(len(self), label))


def event_table(
    videos: Sequence[Video], video_index: Mapping[str, int], label_index: Mapping[str, int]
) -> EventTable:
    """Lay out the events of `videos` as columns; the two mappings number the names."""
    counts = [len(video["events"]) for video in videos]
    events = list(chain.from_iterable(video["events"] for video in videos))
    return EventTable(
        video=np.repeat(np.array([video_index[video["video"]] for video in videos], np.int64), counts),
        label=np.array([label_index[event["label"]] for event in events], np.int64),
        frame=np.array([event["frame"] for event in events], np.int64),
        score=np.array([event.get("score", 1.0) for event in events], np.float64),
    )


def top_class_events(scores: np.ndarray, classes: Sequence[str]) -> list[Event]:
    """The top class of each frame, background left out.

    Args:
        scores: float (num_frames, K+1), index 0 background.
        classes: the K class names.
    """
    top = scores.argmax(axis=1)
    frames = np.flatnonzero(top)
    return _as_events(frames, top[frames], scores, classes)


def recall_events(scores: np.ndarray, classes: Sequence[str]) -> list[Event]:
    """Every class of every frame with a score of at least 0.01, by frame, then by class.

    Args:
        scores: float (num_frames, K+1), index 0 background.
        classes: the K class names.
    """
    frames, labels = np.nonzero(scores[:, 1:] >= RECALL_SCORE)
    return _as_events(frames, labels + 1, scores, classes)


def predicted_events(
    videos: Sequence[Video],
    scores: Mapping[str, np.ndarray],
    classes: Sequence[str],
    events: Callable[[np.ndarray, Sequence[str]], list[Event]] = recall_events,
) -> list[Video]:
    """The prediction format: for each video its events, of the kind that `events` makes of its scores.

    Args:
        videos: [{"video", "fps"}], in the order of the result.
        scores: video name -> float (num_frames, K+1), index 0 background.
    """
    return [
        {"video": v["video"], "fps": v.get("fps", -1), "events": events(scores[v["video"]], classes)} for v in videos
    ]


def _as_events(
    frames: np.ndarray, labels: np.ndarray, scores: np.ndarray, classes: Sequence[str]
) -> list[Event]:
    # Through text: a float32 becomes the shortest decimal that reads back as the same float32. Files are half
    # as long, and no two scores become equal or change places, which average precision would notice.
    shortest = scores[frames, labels].astype(str).astype(np.float64)
    return [
        {"label": classes[label - 1], "frame": frame, "score": score}
        for frame, label, score in zip(frames.tolist(), labels.tolist(), shortest.tolist(), strict=True)
    ]


def score_curves(events: Sequence[Event], num_frames: int, classes: Sequence[str]) -> np.ndarray:
    """float (num_frames, K+1): each event's score on its frame, 0 elsewhere; index 0 is background."""
    label_index = {name: i for i, name in enumerate(classes, 1)}
    scores = np.zeros((num_frames, len(classes) + 1))
    frames = np.array([event["frame"] for event in events], np.int64)
    labels = np.array([label_index[event["label"]] for event in events], np.int64)
    scores[frames, labels] = [event["score"] for event in events]
    return scores


def non_maximum_suppression(predictions: Sequence[Video], window: int) -> list[Video]:
    """Leave out each event near which another of its video and class scores strictly more.

    Near is at most `window` frames away, on another frame; the other counts whether or not it falls itself.
    The order of what is left stays. Takes n log n time for n events.

    Args:
        predictions: [{"video", "events": [{"label", "frame", "score"}], ...}].
        window: frames, 0 or more; 0 leaves everything.
    """
    names = {event["label"] for video in predictions for event in video["events"]}
    label_index = {name: i for i, name in enumerate(sorted(names))}
    video_index = {video["video"]: i for i, video in enumerate(predictions)}
    table = event_table(predictions, video_index, label_index)
    kept = ~_outscored(table, len(label_index), window)

    ends = np.cumsum([len(video["events"]) for video in predictions], dtype=np.int64)
    per_video = np.split(kept, ends[:-1]) if predictions else []
    return [
        {**video, "events": list(compress(video["events"], mask.tolist()))}
        for video, mask in zip(predictions, per_video, strict=True)
    ]


def _outscored(table: EventTable, num_labels: int, window: int) -> np.ndarray:
    """bool (N,): whether another frame within the window holds a higher score of the same video and class."""
    if not len(table) or window <= 0:
        return np.zeros(len(table), bool)
    place = lay_on_line(table, num_labels, int(table.frame.min()), int(table.frame.max()), window)
    frames, frame_of = np.unique(place, return_inverse=True)
    best = np.full(len(frames), -np.inf)
    np.maximum.at(best, frame_of, table.score)
    here = np.arange(len(frames))
    before = _range_max(best, np.searchsorted(frames, frames - window, side="left"), here)
    after = _range_max(best, here + 1, np.searchsorted(frames, frames + window, side="right"))
    return table.score < np.maximum(before, after)[frame_of]


def lay_on_line(table: EventTable, num_labels: int, first: int, last: int, reach: int) -> np.ndarray:
    """int64 (N,): all videos and classes one after another on one line of frames.

    Each takes the frames from `first` to `last`, and gaps so wide that what is at most `reach` frames apart
    is of the same video and class. So one sorted array serves for all of them at once.
    """
    span = last - first + 1 + reach
    return (table.video * num_labels + table.label) * span + table.frame - first


def _range_max(values: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """The maximum of values[start:stop] for each pair (a sparse table); -inf where that is empty."""
    result = np.full(len(start), -np.inf)
    power = np.frexp(stop - start)[1] - 1  # floor(log2(length)), -1 for an empty range
    running = values  # running[i] is the maximum of values[i:i + 2**k]
    for k in range(int(power.max(initial=-1)) + 1):
        rows = np.flatnonzero(power == k)
        result[rows] = np.maximum(running[start[rows]], running[stop[rows] - 2**k])
        running = np.maximum(running[: -(2**k)], running[2**k :])
    return result
