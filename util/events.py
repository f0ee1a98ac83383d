"""Events as columns: out of per-frame class scores or JSON entries, and back into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any

import numpy as np

from util.entries import MAX_FRAMES

Event = dict[str, Any]  # {"label", "frame", "score"}, and maybe "team"; a true event has no score
Video = dict[str, Any]  # {"video", "events", ...}

RECALL_SCORE = 0.01  # what scores less is left out of the precision-recall curve
SIDES = ("left", "right")  # what an event's "team" says; any other is a name, and says no side
SIDE_DECIMALS = 6  # of "team_score", the probability of the side in "team"


@dataclass(frozen=True)
class EventTable:
    """The N events of a list of videos as columns, in file order. A further property of events is a further column."""

    video: np.ndarray  # int64 (N,), index of the video
    label: np.ndarray  # int64 (N,), index of the class, from 0
    frame: np.ndarray  # int64 (N,)
    score: np.ndarray  # float64 (N,); 1 where an event has none
    right: np.ndarray = None  # float64 (N,), probability that it is the right side's; NaN (default) where unknown

    def __post_init__(self) -> None:
        if self.right is None:
            object.__setattr__(self, "right", np.full(len(self.frame), np.nan))

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, rows: np.ndarray | slice) -> EventTable:
        """The events at `rows` (indices, a slice, or a mask), in that order."""
        return EventTable(*(getattr(self, column.name)[rows] for column in fields(self)))


def event_table(
    entries: Sequence[Video], videos: Sequence[str], classes: Sequence[str], scored: bool = True
) -> EventTable:
    """The events of JSON entries, of a split or of a prediction file, as columns.

    Args:
        entries: [{"video", "events": [{"label", "frame", "score", "team", "team_score"}]}], the last three optional.
        videos: the names that the column `video` counts, each of the entries' among them.
        classes: those that the column `label` counts.
        scored: False for true events, which are sure, even those that were predicted once and still say how surely.
    """
    video_index, label_index = ({name: i for i, name in enumerate(names)} for names in (videos, classes))
    counts = [len(entry["events"]) for entry in entries]
    events = list(chain.from_iterable(entry["events"] for entry in entries))
    score, share = (np.array([event.get(key, 1.0) if scored else 1.0 for event in events], np.float64)
                    for key in ("score", "team_score"))
    left, right = (np.array([event.get("team") == side for event in events], bool) for side in SIDES)
    return EventTable(
        video=np.repeat(np.array([video_index[entry["video"]] for entry in entries], np.int64), counts),
        label=np.array([label_index[event["label"]] for event in events], np.int64),
        frame=np.array([event["frame"] for event in events], np.int64),
        score=score,
        right=np.select([left, right], [1 - share, share], np.nan).round(SIDE_DECIMALS),
    )


def true_events(truth: Sequence[Video], classes: Sequence[str]) -> EventTable:
    """The events of a split's entries as columns; the column `video` counts the entries."""
    return event_table(truth, [entry["video"] for entry in truth], classes, scored=False)


def of_labelled(events: EventTable, videos: Sequence[Video]) -> EventTable:
    """The events where the videos are labelled: outside of that nobody knows what is right.

    Args:
        videos: entries, which the column `video` counts.
    """
    if not any("labelled" in entry for entry in videos):
        return events
    spans = np.array([(index * MAX_FRAMES + first, index * MAX_FRAMES + last) for index, entry in enumerate(videos)
                      for first, last in [(-1, -1), *entry.get("labelled", [(0, MAX_FRAMES - 2)])]])
    place = events.video * MAX_FRAMES + events.frame
    return events.take(place <= spans[np.searchsorted(spans[:, 0], place, side="right") - 1, 1])


def class_scores(scores: np.ndarray) -> np.ndarray:
    """Scores (num_frames, K+1), or (num_frames, K+1, 2) in parts of the left and the right side -> the former."""
    return scores if scores.ndim == 2 else scores.sum(axis=-1)


def top_class_events(scores: np.ndarray) -> EventTable:
    """The top class of each frame of a video, background left out.

    Args:
        scores: float (num_frames, K+1), index 0 background; or by side, see `class_scores`.
    """
    top = class_scores(scores).argmax(axis=1)
    frames = np.flatnonzero(top)
    return _scored_events(frames, top[frames], scores)


def recall_events(scores: np.ndarray) -> EventTable:
    """Every class of every frame of a video with a score of at least 0.01, by frame, then by class.

    Args:
        scores: as `top_class_events` takes them.
    """
    frames, labels = np.nonzero(class_scores(scores)[:, 1:] >= RECALL_SCORE)
    return _scored_events(frames, labels + 1, scores)


def _scored_events(frames: np.ndarray, columns: np.ndarray, scores: np.ndarray) -> EventTable:
    # Through text: a float32 becomes the shortest decimal that reads back as the same float32. Files are half
    # as long, and no two scores become equal or change places, which average precision would notice.
    of_class = class_scores(scores)[frames, columns]
    shortest = of_class.astype(str).astype(np.float64)
    right = None if scores.ndim == 2 else (scores[frames, columns, 1] / of_class).astype(float).round(SIDE_DECIMALS)
    return EventTable(np.zeros(len(frames), np.int64), columns - 1, frames, shortest, right)


def predicted_events(videos: Sequence[Video], scores: Mapping[str, np.ndarray]) -> EventTable:
    """The events with a score of at least 0.01 of all videos, one video after another.

    Args:
        videos: [{"video"}], which the column `video` counts.
        scores: video name -> scores as `top_class_events` takes them.
    """
    tables = [recall_events(scores[video["video"]]) for video in videos]
    columns = {column.name: np.concatenate([getattr(table, column.name) for table in tables])
               for column in fields(EventTable)}
    return EventTable(**columns | {"video": np.repeat(np.arange(len(tables)), list(map(len, tables)))})


def event_dicts(events: EventTable, classes: Sequence[str]) -> list[Event]:
    """Events as the prediction format has them, [{"label", "frame", "score"}], and where a side is known "team", the
    likelier, and "team_score", its probability."""
    rows = zip(events.label.tolist(), events.frame.tolist(), events.score.tolist(), strict=True)
    dicts = [{"label": classes[label], "frame": frame, "score": score} for label, frame, score in rows]
    for row in np.flatnonzero(~np.isnan(events.right)).tolist():
        right = float(events.right[row])
        dicts[row] |= {"team": SIDES[right > 0.5], "team_score": round(max(right, 1 - right), SIDE_DECIMALS)}
    return dicts


def events_by_side(events: EventTable) -> EventTable:
    """The events whose side is known, each as two: label 2k is class k of the left side, 2k + 1 of the right, with its
    part of the score; what is left of less than RECALL_SCORE is left out, and of true events the other side."""
    known = events.take(~np.isnan(events.right))
    share = np.stack((1 - known.right, known.right), axis=1).ravel()
    twice = known.take(np.repeat(np.arange(len(known)), 2))
    side = np.tile(np.arange(2), len(known))
    by_side = replace(twice, label=2 * twice.label + side, score=twice.score * share, right=side.astype(float))
    return by_side.take(by_side.score >= RECALL_SCORE)


def score_curves(events: EventTable, num_frames: int, num_classes: int) -> np.ndarray:
    """float (K, num_frames): the score of each event of a video on its frame, 0 elsewhere."""
    curves = np.zeros((num_classes, num_frames))
    curves[events.label, events.frame] = events.score
    return curves


def lay_on_line(events: EventTable, num_labels: int, first: int, last: int, reach: int) -> np.ndarray:
    """int64 (N,): all videos and classes one after another on one line of frames.

    Each takes the frames from `first` to `last`, and gaps so wide that what is at most `reach` frames apart
    is of the same video and class. So one sorted array serves for all of them at once.
    """
    span = last - first + 1 + reach
    return (events.video * num_labels + events.label) * span + events.frame - first
