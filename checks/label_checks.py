"""Checks of labels that need nothing but the labels: event by event, and split against split."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations, pairwise
from math import sqrt

import numpy as np
import pandas as pd

from checks.findings import Finding
from checks.label_density import density_findings
from checks.label_fields import field_findings
from checks.label_reading import LabelledVideo, Labels
from checks.label_steps import step_findings
from dataset.labels import SPLITS
from util.doubts import doubt_classes, doubt_rates
from util.errors import number_of
from util.matches import doubt_matches, match_and_part

CLOSE = 2  # frames: of two events of a class so near to each other, non-maximum suppression keeps one
FEW = 20  # events of a class, fewer of which are little to learn from or to judge by
SAME_GAPS, SURELY_SAME_GAPS = 6, 10  # lists of events are not equal by chance in so many different gaps
FALLS_BACK = 0.3  # of a video: by how much events fall back where a second half's list follows the first's


def label_findings(labels: Labels) -> list[Finding]:
    """All that the labels tell by themselves, without frames."""
    return [*event_findings(labels), *field_findings(labels), *step_findings(labels), *density_findings(labels)]


def event_findings(labels: Labels) -> list[Finding]:
    """What reading found, then what is wrong within the videos' events, and between videos and splits."""
    checks = (_doubts, _nothing_labelled, _on_one_frame, _too_close, _halves_in_one, _in_two_splits, _identical_events,
              _classes)
    return [*labels.findings, *(finding for check in checks for finding in check(labels))]


def _doubts(labels: Labels) -> Iterator[Finding]:
    """What is seen here alone, and nowhere in a training."""
    for name, doubt in doubt_classes(labels.events.label.value_counts().to_dict()):
        yield Finding("warning", "class-like-another", f"{labels.folder}: {name}", *doubt.split("; ", 1))
    if doubt := doubt_rates({video.name: video.fps for video in labels.videos}):
        yield Finding("warning", "rates-differ", str(labels.folder), *doubt.split("; ", 1))


def _nothing_labelled(labels: Labels) -> Iterator[Finding]:
    for split in labels.splits:
        videos = labels.of_split(split)
        if videos and all(video.labelled == [] for video in videos):
            yield Finding("error", "nothing-labelled", f"{labels.folder / split}.json",
                          "by its labelled ranges no frame is labelled", "label some, or take the key labelled out")


def _on_one_frame(labels: Labels) -> Iterator[Finding]:
    on_frame, of_class = (labels.events.groupby(["video", "frame", *more]).event for more in ([], ["label"]))
    events = labels.events.assign(first=on_frame.transform("first"), same=of_class.transform("first"))
    for event in events[events.event > events["first"]].itertuples():
        video = labels.videos[event.video]
        if event.same < event.event:
            yield Finding("warning", "event-twice", video.place(event.event),
                          f"the same {event.label} stands at events[{video.indices[event.same]}]",
                          "a model finds it once, so that the other counts as missed; remove one of the two")
        else:
            yield Finding("warning", "two-classes-on-a-frame", video.place(event.event),
                          f"{event.label}, but events[{video.indices[event.first]}] says "
                          f"{video.events[event.first]['label']} on the same frame",
                          "a frame has one class, and the one first in the file is learned; correct a label, or move "
                          "one event to the next frame")


def _too_close(labels: Labels) -> Iterator[Finding]:
    events = labels.events.sort_values(["video", "frame"])
    before = events.groupby(["video", "label"])[["event", "frame"]].shift(fill_value=-CLOSE - 1)
    for at in np.flatnonzero((events.frame - before.frame).between(1, CLOSE)):
        video, other = labels.videos[events.video.iat[at]], before.iloc[at]
        yield Finding("warning", "events-too-close", video.place(events.event.iat[at]),
                      f"another {events.label.iat[at]} is at events[{video.indices[other.event]}], frame {other.frame}",
                      f"of two within {CLOSE} frames non-maximum suppression keeps one, so that the other counts as "
                      "missed; if they are one event, remove one")


def _halves_in_one(labels: Labels) -> Iterator[Finding]:
    """Events of both halves in one video: by their gameTime, or as their frames rise, fall back once and rise again."""
    advice = ("events of one half would be read from frames of the other; give each half an entry of its own, with "
              "frames counted from its start")
    for video in labels.videos:
        strangers, fall = _of_another_half(video), _fall(video)
        if strangers:
            time = video.events[strangers[0]]["gameTime"]
            yield Finding("error", "halves-mixed", video.place(strangers[0]),
                          f"gameTime {time!r} is not in the half that the video is, or its frame is in the other "
                          f"({len(strangers)} of its {len(video.events)} events)", advice)
        elif fall:
            yield Finding("warning", "halves-mixed", video.place(fall),
                          f"frame numbers rise to {video.frames[fall - 1]} and start again at {video.frames[fall]}, as "
                          "where two halves are labelled as one video", advice)


def _of_another_half(video: LabelledVideo) -> list[int]:
    """Events whose gameTime names another half than the video's name does, or contradicts the order of their frames."""
    halves = [_half(event) for event in video.events]
    if part := match_and_part(video.name)[1]:
        return [index for index, half in enumerate(halves) if half not in (None, part)]
    last = max((frame for frame, half in zip(video.frames, halves, strict=True) if half == 1), default=-1)
    return [index for index, half in enumerate(halves) if half == 2 and video.frames[index] < last]


def _half(event: dict) -> int | None:
    """The half that a gameTime such as "2 - 12:30" names."""
    time = event.get("gameTime")
    found = re.match(r"\s*(\d)\s*-", time) if isinstance(time, str) else None
    return int(found[1]) if found else None


def _fall(video: LabelledVideo) -> int | None:
    """The event where the frames fall back by much, if they do so once; not where a list is sorted by label or team."""
    falls = np.flatnonzero(np.diff(video.frames) < 0) + 1
    if len(falls) != 1 or min(falls[0], len(video.frames) - falls[0]) < 5:
        return None
    at = int(falls[0])
    by_kind = any(not {str(event.get(key)) for event in video.events[:at]}
                  & {str(event.get(key)) for event in video.events[at:]} for key in ("label", "team"))
    back = video.frames[at - 1] - video.frames[at]
    return None if by_kind or back < FALLS_BACK * video.num_frames else at


def _in_two_splits(labels: Labels) -> Iterator[Finding]:
    """Videos, matches and recordings of which a part is in another split."""
    table = labels.table.assign(events=[number_of(len(video.events), "event") for video in labels.videos])
    twice = _divided(table, "name")
    for name, splits in twice.items():
        yield Finding("error", "video-in-two-splits", _files(labels, splits, f"video {name!r}"),
                      "stands in " + ", ".join(f"{split} ({part.events.iat[0]})" for split, part in splits.items()),
                      "what is an event in one split is background in the other, so that the model is taught not to "
                      "find it, and the score is of frames it has seen; put all events of a video into one entry in "
                      "one split")
    for match, splits in _divided(table[~table.name.isin(twice)], "match").items():
        yield Finding("warning", "match-in-two-splits", _files(labels, splits, f"match {match!r}"),
                      "; ".join(f"{', '.join(part.name)} in {split}" for split, part in splits.items()),
                      "the score then tells how well the model remembers a match, and not how it does on a new one; "
                      "put all videos of a match into one split")
    if doubt := doubt_matches(dict(zip(table.name, table.split, strict=True))):
        yield Finding("warning", "match-in-doubt", str(labels.folder), *doubt.split("; ", 1))
    for recording, splits in _divided(table[table.recording != table.name], "recording").items():
        yield Finding("warning", "recording-in-two-splits", _files(labels, splits, f"clips of {recording!r}"),
                      " and ".join(f"{len(part)} in {split}" for split, part in splits.items()),
                      "clips of one recording look alike: the score may be better than on a new one")


def _divided(table: pd.DataFrame, whole: str) -> dict[str, dict[str, pd.DataFrame]]:
    """The rows in each split, of whatever stands in more than one, by the column `whole`."""
    table = table[table.groupby(whole).split.transform("nunique") > 1]
    return {name: dict(list(rows.groupby("split", sort=False))) for name, rows in table.groupby(whole, sort=False)}


def _identical_events(labels: Labels) -> Iterator[Finding]:
    by_events: dict[tuple, list[LabelledVideo]] = defaultdict(list)
    for video in labels.videos:
        by_events[tuple(sorted((event["frame"], event["label"]) for event in video.events))].append(video)
    for events, videos in by_events.items():
        gaps = len({later[0] - earlier[0] for earlier, later in pairwise(events)})
        for video, other in combinations(videos, 2) if gaps >= SAME_GAPS else ():
            if video.name == other.name:  # has a finding of its own
                continue
            halves = labels.match_of[video.name] == labels.match_of[other.name]
            yield Finding(
                "error" if halves and gaps >= SURELY_SAME_GAPS else "warning", "same-events", video.where,
                f"has the same {len(events)} events on the same frames as {other.name!r} in {other.split}",
                "events of one half are read from frames of the other; label each half by its own frames" if halves else
                "is it the same video under two names? Or were the labels of one copied to the other?",
            )


def _classes(labels: Labels) -> Iterator[Finding]:
    """Classes of which a split, or the whole dataset, has no events or few."""
    table = pd.crosstab(labels.events.label, labels.events.split)
    table = table.reindex(index=labels.classes, columns=labels.splits, fill_value=0)
    for name, counts in table.iterrows():
        if not counts.any():
            yield Finding("warning", "class-without-events", f"{labels.folder / 'class.txt'}: {name}",
                          "no split has an event of it", "remove the class, or correct the labels that should have it")
            continue
        for split in [split for split in SPLITS if split in counts]:
            where, number, learned = f"{labels.folder / split}.json: {name}", counts[split], split == "train"
            if not number:
                others = ", ".join(f"{count} in {other}" for other, count in counts.items() if count)
                yield Finding("warning", "class-missing", where, f"no event of it ({others})",
                              "what is not in train is not learned; move a video that has it into train"
                              if learned else f"{split} cannot tell how well the class is found, and its mAP leaves it "
                              "out; move a video that has it there")
            elif number < FEW and learned:
                yield Finding("warning", "class-rare", where, f"only {number_of(number, 'event')} to learn from",
                              "hundreds are usual; label more, or start from a trained model, --init")
            elif number < FEW:
                error = 50 / sqrt(number)  # the standard error of a share p, sqrt(p (1 - p) / n), is largest at a half
                yield Finding("warning", "class-rare", where,
                              f"only {number_of(number, 'event')}: a recall of 50 % is uncertain by {error:.0f} points "
                              "either way", f"fewer than {FEW} events of a class cannot tell one model from another; "
                              "put more videos into that split")


def _files(labels: Labels, splits: Iterable[str], what: str) -> str:
    return f"{labels.folder}{os.sep}{{{','.join(f'{split}.json' for split in splits)}}}: {what}"
