"""Checks of labels that need nothing but the labels: event by event, and split against split."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations, pairwise
from math import sqrt

import numpy as np

from checks.findings import Finding
from checks.label_reading import LabelledVideo, Labels
from dataset.labels import SPLITS
from dataset.matches import doubt_matches, match_and_part
from util.errors import number_of

CLOSE = 2  # frames: of two events of a class so near to each other, non-maximum suppression keeps one
FEW = 20  # events of a class, fewer of which are little to learn from or to judge by
SAME_GAPS, SURELY_SAME_GAPS = 6, 10  # lists of events are not equal by chance in so many different gaps
FALLS_BACK = 0.3  # of a video: by how much events fall back where a second half's list follows the first's


def event_findings(labels: Labels) -> list[Finding]:
    """What reading found, then what is wrong within the videos' events, and between videos and splits."""
    checks = (_same_frame, _too_close, _halves_in_one, _videos_in_two_splits, _matches_in_two_splits,
              _recordings_in_two_splits, _identical_events, _classes)
    return [*labels.findings, *(finding for check in checks for finding in check(labels))]


def _same_frame(labels: Labels) -> Iterator[Finding]:
    for video in labels.videos:
        seen: dict[int, dict[str, int]] = defaultdict(dict)
        for index, event in enumerate(video.events):
            there = seen[event["frame"]]
            if event["label"] in there:
                yield Finding(
                    "warning", "event-twice", video.place(index),
                    f"the same {event['label']} stands at events[{video.indices[there[event['label']]]}]",
                    "a model finds it once, so that the other counts as missed; remove one of the two",
                )
            elif there:
                yield Finding(
                    "warning", "two-classes-on-a-frame", video.place(index),
                    f"{event['label']}, but events[{video.indices[next(iter(there.values()))]}] says "
                    f"{next(iter(there))} on the same frame",
                    "a frame has one class, and the one first in the file is learned; correct a label, or move one "
                    "event to the next frame",
                )
            there.setdefault(event["label"], index)


def _too_close(labels: Labels) -> Iterator[Finding]:
    for video in labels.videos:
        last: dict[str, int] = {}
        for index in sorted(range(len(video.events)), key=lambda index: video.events[index]["frame"]):
            event = video.events[index]
            before = last.get(event["label"])
            if before is not None and 1 <= event["frame"] - video.events[before]["frame"] <= CLOSE:
                yield Finding(
                    "warning", "events-too-close", video.place(index),
                    f"another {event['label']} is at events[{video.indices[before]}], frame "
                    f"{video.events[before]['frame']}",
                    f"of two within {CLOSE} frames non-maximum suppression keeps one, so that the other counts as "
                    "missed; if they are one event, remove one",
                )
            last[event["label"]] = index


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


def _videos_in_two_splits(labels: Labels) -> Iterator[Finding]:
    splits: dict[str, list[LabelledVideo]] = defaultdict(list)
    for video in labels.videos:
        splits[video.name].append(video)
    for name, entries in splits.items():
        if len(entries) > 1:
            parts = ", ".join(f"{video.split} ({number_of(len(video.events), 'event')})" for video in entries)
            yield Finding(
                "error", "video-in-two-splits", _files(labels, [video.split for video in entries], f"video {name!r}"),
                f"stands in {parts}",
                "what is an event in one split is background in the other, so that the model is taught not to find it, "
                "and the score is of frames it has seen; put all events of a video into one entry in one split",
            )


def _matches_in_two_splits(labels: Labels) -> Iterator[Finding]:
    times = Counter(video.name for video in labels.videos)
    for match, videos in labels.matches().items():
        by_split: dict[str, list[str]] = defaultdict(list)
        for video in videos:
            if times[video.name] == 1:  # or it has a finding of its own
                by_split[video.split].append(video.name)
        if len(by_split) > 1:
            parts = "; ".join(f"{', '.join(names)} in {split}" for split, names in by_split.items())
            yield Finding(
                "warning", "match-in-two-splits", _files(labels, by_split, f"match {match!r}"), parts,
                "the score then tells how well the model remembers a match, and not how it does on a new one; put all "
                "videos of a match into one split",
            )
    if doubt := doubt_matches({video.name: video.split for video in labels.videos}):
        what, advice = doubt.split("; ", 1)
        yield Finding("warning", "match-in-doubt", str(labels.folder), what, advice)


def _recordings_in_two_splits(labels: Labels) -> Iterator[Finding]:
    by_recording: dict[str, Counter[str]] = defaultdict(Counter)
    for video in labels.videos:
        if labels.recording_of[video.name] != video.name:
            by_recording[labels.recording_of[video.name]][video.split] += 1
    for recording, counts in by_recording.items():
        if len(counts) > 1:
            yield Finding(
                "warning", "recording-in-two-splits", _files(labels, counts, f"clips of {recording!r}"),
                " and ".join(f"{count} in {split}" for split, count in counts.items()),
                "clips of one recording look alike: the score may be better than on a new one",
            )


def _identical_events(labels: Labels) -> Iterator[Finding]:
    by_events: dict[tuple, list[LabelledVideo]] = defaultdict(list)
    for video in labels.videos:
        events = tuple(sorted((event["frame"], event["label"]) for event in video.events))
        if _different_gaps(events) >= SAME_GAPS:
            by_events[events].append(video)
    for events, videos in by_events.items():
        for video, other in combinations(videos, 2):
            if video.name == other.name:  # has a finding of its own
                continue
            halves = labels.match_of[video.name] == labels.match_of[other.name]
            surely = _different_gaps(events) >= SURELY_SAME_GAPS
            yield Finding(
                "error" if halves and surely else "warning", "same-events", video.where,
                f"has the same {len(events)} events on the same frames as {other.name!r} in {other.split}",
                "events of one half are read from frames of the other; label each half by its own frames" if halves else
                "is it the same video under two names? Or were the labels of one copied to the other?",
            )


def _different_gaps(events: tuple) -> int:
    return len({later[0] - earlier[0] for earlier, later in pairwise(events)})


def _classes(labels: Labels) -> Iterator[Finding]:
    counts = {split: Counter(event["label"] for video in labels.of_split(split) for event in video.events)
              for split in labels.splits}
    path = labels.folder / "class.txt"
    for name in labels.classes:
        if not any(count[name] for count in counts.values()):
            yield Finding("warning", "class-without-events", f"{path}: {name}", "no split has an event of it",
                          "remove the class, or correct the labels that should have it")
            continue
        for split in (split for split in SPLITS if split in counts):
            if not counts[split][name]:
                others = ", ".join(f"{counts[other][name]} in {other}" for other in counts if counts[other][name])
                yield Finding("warning", "class-missing", f"{labels.folder / split}.json: {name}",
                              f"no event of it ({others})", _missing_advice(split))
            elif (number := counts[split][name]) < FEW:
                yield _rare(f"{labels.folder / split}.json: {name}", number, split)


def _missing_advice(split: str) -> str:
    if split == "train":
        return "what is not in train is not learned; move a video that has it into train"
    return f"{split} cannot tell how well the class is found, and its mAP leaves it out; move a video that has it there"


def _rare(where: str, number: int, split: str) -> Finding:
    if split == "train":
        return Finding("warning", "class-rare", where, f"only {number_of(number, 'event')} to learn from",
                       "hundreds are usual; label more, or draw clips around events by --fg_upsample 0.5")
    error = 50 / sqrt(number)  # of a share p: sqrt(p (1 - p) / n), largest at a half
    return Finding("warning", "class-rare", where,
                   f"only {number_of(number, 'event')}; half of them found says a recall of 50 % +- {error:.0f} "
                   "(standard error)",
                   f"fewer than {FEW} events of a class cannot tell one model from another; take more videos into it")


def _files(labels: Labels, splits, what: str) -> str:
    return f"{labels.folder}{os.sep}{{{','.join(f'{split}.json' for split in splits)}}}: {what}"
