"""Fields of events that tell the moment too, beside `frame`: more exactly, at another rate, or another moment.

A field is taken for a time where the frame numbers grow with it along each video. It may count frames, milliseconds or
seconds, as a number, as digits in quotes, or as h:mm:ss.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from math import log
from typing import Any

import numpy as np

from checks.findings import Finding
from checks.label_reading import LabelledVideo, Labels
from checks.label_steps import FPS_UNKNOWN, ROUNDED, Step, find_steps
from util.clock import parse_time

FEWEST = 8  # events with the field to judge by
FIT = 0.99  # share of the frame numbers' variance that a time explains
SAME_RATE = 0.01  # rates that differ by a smaller share are one
RATES = (0.2, 5)  # frames to a frame by the field; beyond, it is a counter or something else
COMMON_RATES = (12, 12.5, 15, 20, 24, 25, 30, 48, 50, 60, 100, 120)  # frames per second, give or take SAME_RATE
FINER = 0.3  # share of the events that lie on the labels' step, but do not by the field
ANOTHER_RATE = "field-at-another-rate"
APART = 2  # frames: what lies closer says the same
EXACT = 4  # frames: the largest tolerance that is reported


@dataclass(frozen=True)
class TimeField:
    """A field that tells the moment, along the N events that have it."""

    name: str
    unit: str  # what it counts: frames, milliseconds or seconds
    videos: list[LabelledVideo]  # with those events alone
    by_field: np.ndarray  # float (N,), the moment in frames of its video
    grain: float  # frames: by_field is exact to so many
    rate: float  # labelled frames to one frame by the field; 1 where they agree
    rate_error: float  # standard error of `rate`

    @property
    def frames(self) -> np.ndarray:
        """int64 (N,), the labels' frame numbers."""
        return np.concatenate([video.frames for video in self.videos])

    @property
    def off(self) -> np.ndarray:
        """float (N,): how far the labels' frames are from those of the field, beside what is so in all of a video."""
        off = self.frames - self.rate * self.by_field
        ends = np.cumsum([len(video.events) for video in self.videos])[:-1]
        return np.concatenate([part - np.median(part) for part in np.split(off, ends)])


def field_findings(labels: Labels) -> list[Finding]:
    """Fields that are more exact than `frame`, that count time at another rate, or that contradict it."""
    findings = []
    by_rate: dict[float | None, list[LabelledVideo]] = defaultdict(list)
    for video in labels.videos:
        by_rate[video.fps].append(video)
    for name in dict.fromkeys(key for video in labels.videos for event in video.events for key in event):
        if name in ("frame", "label"):
            continue
        where = f"{labels.folder}: field {name!r}"
        found = _judge(where, _time_field(name, labels.videos))
        # labels of one rate may fit some of the videos only
        parts = [_judge(where, _time_field(name, videos)) for videos in by_rate.values() if len(by_rate) > 1]
        wrong_rates = [part for part in parts if part and part.check == ANOTHER_RATE]
        findings += wrong_rates or ([found] if found else [])
    return findings


def _time_field(name: str, videos: list[LabelledVideo]) -> TimeField | None:
    """The field in the unit in which it tells the frames best, if it tells them."""
    videos, values = _with_field(videos, name)
    if sum(map(len, values)) < FEWEST:
        return None
    fits = [fit for unit in _units(videos) if (fit := _fit(name, unit, videos, values))]
    # in videos of one rate any unit fits: the likeliest needs no factor
    return min(fits, key=lambda fit: (round(float(np.std(fit.off)), 1), abs(log(fit.rate))), default=None)


def _with_field(videos: list[LabelledVideo], name: str) -> tuple[list[LabelledVideo], list[np.ndarray]]:
    """Videos with three events or more that have the field as a number, with those in order of frame; the numbers."""
    kept, values = [], []
    for video in videos:
        numbers = [_number(event[name]) if name in event else None for event in video.events]
        there = [index for index, number in enumerate(numbers) if number is not None]
        if len(there) >= 3:
            there.sort(key=lambda index: video.events[index]["frame"])
            columns = {key: [getattr(video, key)[index] for index in there] for key in ("events", "indices")}
            kept.append(replace(video, **columns))
            values.append(np.array([numbers[index] for index in there], float))
    return kept, values


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = parse_time(value)
    return float(value) if type(value) in (int, float) and abs(value) < 1e12 else None


def _units(videos: list[LabelledVideo]) -> dict[str, list[float]]:
    """How many of each unit there are in a frame, for each video."""
    units = {"frames": [1.0] * len(videos)}
    if all(video.fps for video in videos):
        units["milliseconds"] = [1000 / video.fps for video in videos]
        units["seconds"] = [1 / video.fps for video in videos]
    return units


def _fit(name: str, unit: str, videos: list[LabelledVideo], values: list[np.ndarray]) -> TimeField | None:
    """The field as a time in that unit, if the frame numbers follow it so."""
    in_a_frame = _units(videos)[unit]
    told = [value / per for value, per in zip(values, in_a_frame, strict=True)]
    rise, run = (np.concatenate([_over_half(column) for column in columns])
                 for columns in ([video.frames for video in videos], told))
    rates = rise[run > 0] / run[run > 0]
    rate = float(np.median(rates)) if len(rates) else 0.0
    if not RATES[0] < rate < RATES[1]:
        return None
    error = 1.25 * 1.4826 * float(np.median(abs(rates - rate))) / len(rates) ** 0.5  # of a median, from deviations
    rate = 1.0 if abs(rate - 1) < max(SAME_RATE, 4 * error) else rate
    field = TimeField(name, unit, videos, np.concatenate(told), _grain(values) / min(in_a_frame), rate, error)
    spread = np.concatenate([video.frames - np.median(video.frames) for video in videos])
    # medians of squares, so that a few wrong events do not hide the rest
    return field if np.median(field.off**2) < (1 - FIT) * np.median(spread**2) else None


def _over_half(column: np.ndarray) -> np.ndarray:
    """By how much each value (N,) is exceeded by the one that follows half of the values later."""
    return column[len(column) // 2 :] - column[: len(column) - len(column) // 2]


def _grain(values: list[np.ndarray]) -> float:
    """The largest power of ten that nine tenths of the numbers are multiples of; 0 if they are no whole numbers."""
    numbers = np.concatenate(values)
    grain = 0.0
    while grain < 1e6 and np.mean(numbers % (max(1.0, 10 * grain)) == 0) >= 0.9:
        grain = max(1.0, 10 * grain)
    return grain


def _judge(where: str, field: TimeField | None) -> Finding | None:
    if field is None:
        return None
    step, = find_steps([field.videos], ROUNDED["part"])
    allowed = APART + field.grain
    if step and step.length > 2 * field.grain and np.mean(step.on(field.videos)) - _most_on(step, field) >= FINER:
        return _more_exact(where, field, step)
    apart = float(np.quantile(abs(field.off), 0.9))
    is_time = field.unit != "frames" and field.grain <= APART  # and no counter of whole numbers
    if field.rate != 1 and is_time and apart <= allowed + (step.length if step else 0):
        return _another_rate(where, field)
    if field.rate == 1 and apart > allowed:
        return Finding(
            "warning", "field-disagrees", where,
            f"by it, in {field.unit}, one event in ten is more than {apart:.0f} frames from its frame number: "
            f"{_example(field, int(np.argmax(abs(field.off))))}",
            "one of the two is wrong; look at some of these events in the frames",
        )
    return None


def _most_on(step: Step, field: TimeField) -> float:
    """Share of the moments by a field that lie on such a step, wherever it begins."""
    moments = np.rint(field.rate * field.by_field).astype(np.int64)
    return float(np.bincount(moments % round(step.length)).max() / len(moments))


def _more_exact(where: str, field: TimeField, step: Step) -> Finding:
    on, off = step.on(field.videos), abs(field.off)
    beside = np.flatnonzero(on & (off > 0.2 * step.length))
    counts = "" if field.unit == "frames" and field.rate == 1 else f", which counts {field.unit},"
    return Finding(
        "error" if step.length > EXACT else "warning", "field-more-exact", where,
        f"{int(on.sum()):,} of {len(on):,} frame numbers {step}, but {field.name}{counts} is not rounded: "
        f"{_example(field, int(beside[0]) if len(beside) else int(off.argmax()))}",
        f"frame was made from a rounded time and is up to {step.length - 1:.0f} frames beside the event, so that a "
        f"model learns the wrong frames; make frame from {field.name} instead",
    )


def _another_rate(where: str, field: TimeField) -> Finding | None:
    fps = field.videos[0].fps
    labelled = field.rate * fps
    if all(abs(labelled / rate - 1) > 2 * SAME_RATE for rate in COMMON_RATES):
        return None
    return Finding(
        "error", ANOTHER_RATE, where,
        f"by it, in {field.unit}, the frame numbers count {labelled:.4g} frames a second, but fps is {fps:g}: "
        f"{_example(field, int(field.frames.argmax()))}",
        "labels were made for frames of another rate, and the later an event is, the farther off it lies; convert the "
        "frame numbers, or extract frames at their rate",
    )


def _example(field: TimeField, index: int) -> str:
    """The event at `index` of all that have the field, and which frame it is by the field."""
    ends = np.cumsum([len(video.events) for video in field.videos])
    number = int(np.searchsorted(ends, index, side="right"))
    video = field.videos[number]
    at = index - int(ends[number]) + len(video.events)
    event = video.events[at]
    scale = field.rate if field.unit == "frames" else 1.0
    moments = scale * field.by_field[ends[number] - len(video.events) : ends[number]]
    shift = float(np.median(video.frames - moments)) if scale == field.rate else 0.0
    after = ""
    if abs(shift) > 3 * FPS_UNKNOWN:
        after = f" after the shift of {shift:+.0f} that the whole video has"
    else:
        shift = 0.0
    return (f"{video.name!r} events[{video.indices[at]}] has frame {event['frame']} and {field.name} "
            f"{event[field.name]}, that is frame {moments[at] + shift:.0f}{after}")
