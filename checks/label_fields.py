"""Fields of events that tell the moment too, beside `frame`: more exactly, at another rate, or another moment.

A field is taken for a time where the frame numbers grow with it along each video. It may count frames, milliseconds or
seconds, as a number, as digits in quotes, or as h:mm:ss.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
import pandas as pd

from checks.findings import Finding
from checks.label_reading import Labels
from checks.label_steps import FPS_UNKNOWN, ROUNDED, Step, find_steps
from label_forms.fields import read_time

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
    """A field that tells the moment, along the events that have it."""

    name: str
    unit: str  # what it counts: frames, milliseconds or seconds
    events: pd.DataFrame  # as in `Labels.events`, by video and frame, with moment: the frame by the field, a float;
    # and off: frames from there to the label, beside what is so in all of a video
    grain: float  # frames: moments are exact to so many
    rate: float  # labelled frames to one frame by the field; 1 where they agree


def field_findings(labels: Labels) -> list[Finding]:
    """Fields that are more exact than `frame`, that count time at another rate, or that contradict it."""
    findings: list[Finding] = []
    for name in dict.fromkeys(key for video in labels.videos for event in video.events for key in event):
        if name in ("frame", "label"):
            continue
        times = [read_time(event.get(name)) for video in labels.videos for event in video.events]
        values = [time if isinstance(time, float) and abs(time) < 1e12 else np.nan for time in times]
        events = labels.events.assign(value=values).dropna(subset="value")
        events = events[events.groupby("video").value.transform("size") >= 3].sort_values(["video", "frame"])
        # labels of one rate may fit some of the videos only
        parts = [part for _, part in events.groupby("fps", sort=False, dropna=False)]
        judged = [_judge(labels, _time_field(name, part)) for part in (events, *parts)]
        wrong_rates = [part for part in judged[1:] if part and part.check == ANOTHER_RATE]
        findings += wrong_rates or filter(None, judged[:1])
    return findings


def _time_field(name: str, events: pd.DataFrame) -> TimeField | None:
    """The field in the unit in which it tells the frames best, if it tells them."""
    if len(events) < FEWEST:
        return None
    units = {"frames": 1 + 0 * events.frame}
    if events.fps.notna().all():
        units |= {"milliseconds": 1000 / events.fps, "seconds": 1 / events.fps}
    fits = [fit for unit, in_a_frame in units.items() if (fit := _fit(name, unit, events, in_a_frame))]
    # in videos of one rate any unit fits: the likeliest needs no factor
    return min(fits, key=lambda fit: (round(fit.events.off.std(ddof=0), 1), abs(log(fit.rate))), default=None)


def _fit(name: str, unit: str, events: pd.DataFrame, in_a_frame: pd.Series) -> TimeField | None:
    """The field as a time in a unit, of which there are so many in a frame, if the frame numbers follow it so."""
    moment = events.value / in_a_frame
    by_video = events.groupby("video")
    half = (by_video.frame.transform("size") // 2).to_numpy()
    later = np.flatnonzero(by_video.cumcount() >= half)  # each beside the one half of the video's events before it
    rise, run = (column.to_numpy()[later] - column.to_numpy()[later - half[later]] for column in (events.frame, moment))
    rates = rise[run > 0] / run[run > 0]
    rate = float(np.median(rates)) if len(rates) else 0.0
    if not RATES[0] < rate < RATES[1]:
        return None
    error = 1.25 * 1.4826 * float(np.median(abs(rates - rate))) / len(rates) ** 0.5  # of a median, from deviations
    rate = 1.0 if abs(rate - 1) < max(SAME_RATE, 4 * error) else rate
    off, spread = (column - column.groupby(events.video).transform("median")
                   for column in (events.frame - rate * moment, events.frame))
    if np.median(off**2) >= (1 - FIT) * np.median(spread**2):  # a few wrong events do not hide the rest
        return None
    return TimeField(name, unit, events.assign(moment=moment, off=off), _grain(events.value) / in_a_frame.min(), rate)


def _grain(values: pd.Series) -> float:
    """The largest power of ten that nine tenths of the numbers are multiples of; 0 if they are no whole numbers."""
    grain = 0.0
    while grain < 1e6 and np.mean(values % (max(1.0, 10 * grain)) == 0) >= 0.9:
        grain = max(1.0, 10 * grain)
    return grain


def _judge(labels: Labels, field: TimeField | None) -> Finding | None:
    if field is None:
        return None
    step = find_steps(field.events.assign(group=0), ROUNDED["part"]).get(0)
    off, allowed = abs(field.events.off), APART + field.grain
    if step and step.length > 2 * field.grain:
        on, moments = step.on(field.events), (field.rate * field.events.moment).round() % round(step.length)
        if on.mean() - moments.value_counts(normalize=True).max() >= FINER:  # on such a step, wherever it begins
            return _more_exact(labels, field, step)
    apart = float(off.quantile(0.9))
    is_time = field.unit != "frames" and field.grain <= APART  # and no counter of whole numbers
    fps = field.events.fps.iat[0]
    labelled = field.rate * fps
    usual = any(abs(labelled / rate - 1) <= 2 * SAME_RATE for rate in COMMON_RATES)
    if field.rate != 1 and is_time and apart <= allowed + (step.length if step else 0) and usual:
        return Finding(
            "error", ANOTHER_RATE, f"{labels.folder}: field {field.name!r}",
            f"by it, in {field.unit}, the frame numbers count {labelled:.4g} frames a second, but fps is {fps:g}: "
            f"{_example(labels, field, field.events.frame.argmax())}",
            "labels were made for frames of another rate, and the later an event is, the farther off it lies; convert "
            "the frame numbers, or extract frames at their rate")
    if field.rate == 1 and apart > allowed:
        return Finding(
            "warning", "field-disagrees", f"{labels.folder}: field {field.name!r}",
            f"by it, in {field.unit}, one event in ten is more than {apart:.0f} frames from its frame number: "
            f"{_example(labels, field, off.argmax())}",
            "one of the two is wrong; look at some of these events in the frames")
    return None


def _more_exact(labels: Labels, field: TimeField, step: Step) -> Finding:
    on, off = step.on(field.events), abs(field.events.off)
    beside = np.flatnonzero(on & (off > 0.2 * step.length))
    counts = "" if field.unit == "frames" and field.rate == 1 else f", which counts {field.unit},"
    return Finding(
        "error" if step.length > EXACT else "warning", "field-more-exact", f"{labels.folder}: field {field.name!r}",
        f"{on.sum():,} of {len(on):,} frame numbers {step}, but {field.name}{counts} is not rounded: "
        f"{_example(labels, field, beside[0] if len(beside) else off.argmax())}",
        f"frame was made from a rounded time and is up to {step.length - 1:.0f} frames beside the event, so that a "
        f"model learns the wrong frames; make frame from {field.name} instead")


def _example(labels: Labels, field: TimeField, row: int) -> str:
    """One of the events that have the field, and which frame it is by the field."""
    event = field.events.iloc[row]
    video, scale = labels.videos[event.video], field.rate if field.unit == "frames" else 1.0
    of_video = field.events[field.events.video == event.video]
    shift = (of_video.frame - scale * of_video.moment).median() if scale == field.rate else 0.0
    is_shifted = abs(shift) > 3 * FPS_UNKNOWN
    by_field = scale * event.moment + (shift if is_shifted else 0)
    after = f" after the shift of {shift:+.0f} that the whole video has" if is_shifted else ""
    return (f"{video.name!r} events[{video.indices[event.event]}] has frame {event.frame} and {field.name} "
            f"{video.events[event.event][field.name]}, that is frame {by_field:.0f}{after}")
