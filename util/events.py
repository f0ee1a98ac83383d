"""Events as columns: out of per-frame class scores or JSON entries, and back into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import Any

import numpy as np

Event = dict[str, Any]  # {"label", "frame", "score"}; a true event has no score
Video = dict[str, Any]  # {"video", "events", ...}

RECALL_SCORE = 0.01  # what scores less is left out of the precision-recall curve


@dataclass(frozen=True)
class EventTable:
    """The N events of a list of videos as columns, in file order. A further property of events is a further column."""

    video: np.ndarray  # int64 (N,), index of the video
    label: np.ndarray  # int64 (N,), index of the class, from 0
    frame: np.ndarray  # int64 (N,)
    score: np.ndarray  # float64 (N,); 1 where an event has none

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, rows: np.ndarray | slice) -> EventTable:
        """The events at `rows` (indices, a slice, or a mask), in that order."""
        return EventTable(*(getattr(self, column.name)[rows] for column in fields(self)))


def event_table(entries: Sequence[Video], videos: Sequence[str], classes: Sequence[str]) -> EventTable:
    """The events of JSON entries, of a split or of a prediction file, as columns.

    Args:
        entries: [{"video", "events": [{"label", "frame", "score"}]}], the score optional.
        videos: the names that the column `video` counts, each of the entries' among them.
        classes: those that the column `label` counts.
    """
    video_index, label_index = ({name: i for i, name in enumerate(names)} for names in (videos, classes))
    counts = [len(entry["events"]) for entry in entries]
    events = list(chain.from_iterable(entry["events"] for entry in entries))
    return EventTable(
        video=np.repeat(np.array([video_index[entry["video"]] for entry in entries], np.int64), counts),
        label=np.array([label_index[event["label"]] for event in events], np.int64),
        frame=np.array([event["frame"] for event in events], np.int64),
        score=np.array([event.get("score", 1.0) for event in events], np.float64),
    )


def true_events(truth: Sequence[Video], classes: Sequence[str]) -> EventTable:
    """The events of a split's entries as columns; the column `video` counts the entries."""
    return event_table(truth, [entry["video"] for entry in truth], classes)


def top_class_events(scores: np.ndarray) -> EventTable:
    """The top class of each frame of a video, background left out.

    Args:
        scores: float (num_frames, K+1), index 0 background.
    """
    top = scores.argmax(axis=1)
    frames = np.flatnonzero(top)
    return _scored_events(frames, top[frames], scores)


def recall_events(scores: np.ndarray) -> EventTable:
    """Every class of every frame of a video with a score of at least 0.01, by frame, then by class.

    Args:
        scores: float (num_frames, K+1), index 0 background.
    """
    frames, labels = np.nonzero(scores[:, 1:] >= RECALL_SCORE)
    return _scored_events(frames, labels + 1, scores)


def _scored_events(frames: np.ndarray, columns: np.ndarray, scores: np.ndarray) -> EventTable:
    # Through text: a float32 becomes the shortest decimal that reads back as the same float32. Files are half
    # as long, and no two scores become equal or change places, which average precision would notice.
    shortest = scores[frames, columns].astype(str).astype(np.float64)
    return EventTable(np.zeros(len(frames), np.int64), columns - 1, frames, shortest)


def predicted_events(videos: Sequence[Video], scores: Mapping[str, np.ndarray]) -> EventTable:
    """The events with a score of at least 0.01 of all videos, one video after another.

    Args:
        videos: [{"video"}], which the column `video` counts.
        scores: video name -> float (num_frames, K+1), index 0 background.
    """
    return join_videos([recall_events(scores[video["video"]]) for video in videos])


def join_videos(tables: Sequence[EventTable]) -> EventTable:
    """The events of several videos, a table each, in one table."""
    video = np.repeat(np.arange(len(tables)), [len(table) for table in tables])
    columns = [column.name for column in fields(EventTable) if column.name != "video"]
    joined = {name: np.concatenate([getattr(table, name) for table in tables]) for name in columns}
    return EventTable(video=video, **joined)


def event_dicts(events: EventTable, classes: Sequence[str]) -> list[Event]:
    """Events as the prediction format has them, [{"label", "frame", "score"}]."""
    rows = zip(events.label.tolist(), events.frame.tolist(), events.score.tolist(), strict=True)
    return [{"label": classes[label], "frame": frame, "score": score} for label, frame, score in rows]


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
