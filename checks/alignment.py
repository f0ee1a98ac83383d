"""Do labels sit where the pictures change? The motion around the events of each video, compared with the others'.

The mean course of motion around the events of a class in all other videos is correlated with that around each event of
one video, at every lag. The lag with the highest mean says how late the labels are; the events, drawn again with
replacement, say how sure that is (bootstrap). It finds how videos differ: a shift that all of them share looks right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from checks.findings import Finding
from checks.label_reading import Labels
from checks.motion import STEPS_PER_SECOND, WINDOW, EventMotion, read_event_motion
from plots.labels import Curve
from util.clock import show_time
from util.errors import number_of

MAX_LAG = 50  # steps by which labels are moved
REACH = WINDOW - MAX_LAG  # steps to either side of the event that are compared
SHOWN = 30  # steps to either side of the event that the plots show
LEAST_EVENTS = 8  # that a video is judged by, or a half of it
LEAST_OTHERS = 3  # videos that one is compared with
LEAST_LAG = 3  # steps; people who label differ by less
RESAMPLES = 400
CLEAR = 5.0  # standard errors of the mean correlation, from which labels fit; of 101 lags of random ones the best has 3
NONE = 3.0  # standard errors below which they do not fit, where those of the other videos would reach EXPECTED
EXPECTED = 6.0
GAIN = 4.0  # standard errors by which the best lag must be better than none
ADVICE = (
    "judged by motion alone, which another camera or habit of labelling changes too: look at the events with --sheet; "
    "if they are off, extract the frames again from the very file that was labelled, or correct the labels"
)


@dataclass(frozen=True)
class Alignment:
    """What motion says of the labels of a dataset."""

    findings: list[Finding]
    notes: list[str]  # lines for the reader: what was compared, and what cannot be judged
    curves: list[Curve]  # mean motion around the events of each class and video, -SHOWN to SHOWN steps
    timed: bool  # whether a step is 1/25 s, not a frame
    judged: bool  # whether any video could be


@dataclass(frozen=True)
class Fit:
    """How labels fit the motion at the best lag."""

    events: int
    late: int = 0  # steps
    interval: tuple[int, int] = (0, 0)  # of `late`, 95 %
    strength: float = 0.0  # standard errors of the mean correlation at the best lag
    expected: float = 0.0  # the same, were the correlation that of the other videos
    shifted: bool = False

    @property
    def placed(self) -> bool:
        return self.strength >= CLEAR

    @property
    def nowhere(self) -> bool:
        """Whether labels fit at no lag, though those of the other videos do."""
        return self.strength < NONE and self.expected >= EXPECTED

    def text(self, step: float) -> str:
        """As in "about 5 frames late (4 to 6, 95 %)"."""
        late, *ends = (round(step * steps) for steps in (self.late, *self.interval))
        low, high = sorted(abs(end) for end in ends)
        return f"about {abs(late)} frames {'late' if late > 0 else 'early'} ({low} to {high}, 95 %)"


def align(labels: Labels, frame_dir: Path, workers: int) -> Alignment:
    """Read the frames around the events of all videos and judge whether the labels go with what moves.

    Frames that are missing or broken are left out, and so are videos without frames.

    Args:
        workers: threads that read.
    """
    classes = labels.classes or sorted(set(labels.events.label))
    motions = read_event_motion(labels, classes, frame_dir, workers)
    fits, in_line, drifts = judge(motions, np.random.default_rng(0))
    findings = [finding for found in zip(motions, fits, drifts, strict=True) for finding in _findings(*found)]
    curves = [curve for found in zip(motions, in_line, strict=True) for curve in _curves(*found)]
    timed = all(video.fps for video in labels.videos)
    notes = list(_notes(motions, fits, curves, classes, timed))
    return Alignment(findings, notes, curves, timed, any(fit.placed or fit.nowhere for fit in fits))


def judge(
    motions: list[EventMotion], rng: np.random.Generator
) -> tuple[list[Fit], list[bool], list[tuple[Fit, Fit] | None]]:
    """Of each video: the fit of its labels, whether they are in line with the others, and the fits of the first and the
    second half of its events where they differ.

    What is out of line is not compared with in a second round; a third of the videos may be.
    """
    in_line = [True] * len(motions)
    for _ in range(2):
        found = [correlate(motion, [other for other, good in zip(motions, in_line, strict=True)
                                    if good and other is not motion]) for motion in motions]
        fits = [fit_lag(*one, rng) for one in found]
        in_line = [not (fit.shifted or fit.nowhere) for fit in fits]
    drifts = [_drift(*one, rng) for one in found]
    return fits, [good and not drift for good, drift in zip(in_line, drifts, strict=True)], drifts


def correlate(motion: EventMotion, others: list[EventMotion]) -> tuple[np.ndarray, float]:
    """(n, 2 * MAX_LAG + 1): the correlation of the motion around each event of a video, at each lag, with the mean of
    its class in the other videos, NaN where unknown; and the mean correlation of the events of those at lag 0."""
    found = np.full((len(motion.labels), 2 * MAX_LAG + 1), np.nan)
    usual = []
    for label in np.unique(motion.labels).tolist() if len(others) >= LEAST_OTHERS else ():
        around = np.concatenate([other.windows[other.labels == label, MAX_LAG:-MAX_LAG] for other in others])
        around = around[~np.isnan(around).any(1)]
        if len(around) >= 2 * LEAST_EVENTS:
            course, here = _normalised(around.mean(0)), motion.labels == label
            windows = np.lib.stride_tricks.sliding_window_view(motion.windows[here], len(course), axis=1)
            found[here] = _normalised(windows) @ course
            usual += [float((_normalised(around) @ course).mean())] * int(here.sum())
    return found, float(np.mean(usual)) if usual else 0.0


def _normalised(windows: np.ndarray) -> np.ndarray:
    """(..., steps) with mean 0 and length 1."""
    windows = windows - windows.mean(-1, keepdims=True)
    return windows / np.maximum(np.linalg.norm(windows, axis=-1, keepdims=True), 1e-9)


def fit_lag(found: np.ndarray, usual: float, rng: np.random.Generator) -> Fit:
    """The lag at which labels fit best, of what `correlate` gives."""
    found = found[~np.isnan(found).any(1)]
    number = len(found)
    if number < LEAST_EVENTS:
        return Fit(number)
    best = int(found.mean(0).argmax())
    at_best = np.stack([found[:, best], found[:, best] - found[:, MAX_LAG]])  # as it is, and against lag 0
    strength, gain = at_best.mean(1) / (error := at_best.std(1, ddof=1) / np.sqrt(number) + 1e-9)
    times = rng.multinomial(number, np.full(number, 1 / number), RESAMPLES)
    lates = MAX_LAG - (times @ found).argmax(1)
    low, first, last, high = np.percentile(lates, (0.5, 2.5, 97.5, 99.5))
    late, sure = MAX_LAG - best, not low <= 0 <= high and gain >= GAIN
    shifted = bool(strength >= CLEAR and abs(late) >= LEAST_LAG and sure)
    return Fit(number, late, (round(first) - 1, round(last) + 1), float(strength), float(usual / error[0]), shifted)


def _drift(found: np.ndarray, usual: float, rng: np.random.Generator) -> tuple[Fit, Fit] | None:
    first, second = (fit_lag(part, usual, rng) for part in np.array_split(found, [len(found) // 2]))
    apart = first.interval[1] < second.interval[0] or second.interval[1] < first.interval[0]
    placed = first.placed and second.placed and (first.shifted or second.shifted)
    return (first, second) if placed and apart and abs(first.late - second.late) >= LEAST_LAG else None


def _findings(motion: EventMotion, fit: Fit, drift: tuple[Fit, Fit] | None) -> Iterator[Finding]:
    if drift:
        first, second = (half.text(motion.step) if half.shifted else "right" for half in drift)
        check, seem = "labels-drift", f"seem {first} in the first half of the events and {second} in the second"
    elif fit.shifted:
        check, seem = "labels-shifted", f"seem {fit.text(motion.step)}"
    elif fit.nowhere:
        check, seem = "labels-elsewhere", (
            "go with the motion of its frames no better than random places do; are they another video's, or more than "
            "two seconds off?")
    else:
        return
    yield Finding("warning", check, motion.where, f"labels {seem}, judged by the motion around {fit.events} events",
                  ADVICE)


def _curves(motion: EventMotion, in_line: bool) -> Iterator[Curve]:
    around = motion.windows[:, WINDOW - SHOWN : WINDOW + SHOWN + 1]
    known = ~np.isnan(around).any(1)
    for label in np.unique(motion.labels[known]).tolist():
        found = around[known & (motion.labels == label)]
        yield Curve(motion.name, label, len(found), in_line, found.mean(0))


def _notes(
    motions: list[EventMotion], fits: list[Fit], curves: list[Curve], classes: list[str], timed: bool
) -> Iterator[str]:
    def span(steps: int) -> str:
        return show_time(steps / STEPS_PER_SECOND) if timed else number_of(steps, "frame")

    if not motions:
        yield "motion: no frames could be read"
    if alike := sum(fit.placed and not fit.shifted for fit in fits):
        yield (f"motion: the labels of {alike} of {number_of(len(fits), 'video')} sit alike against the motion around "
               f"them; a shift of less than {span(LEAST_LAG)} is not found, nor one that all of them share, which "
               "--sheet shows")
    unknown = [motion.name for motion, fit in zip(motions, fits, strict=True) if not (fit.placed or fit.nowhere)]
    if unknown:
        more = f" and {len(unknown) - 3:,} more" if len(unknown) > 3 else ""
        why = "too few events, or the motion around them is not alike enough"
        if len(motions) <= LEAST_OTHERS:
            why = f"it takes {LEAST_OTHERS + 1} videos to compare"
        elif len(unknown) == len(motions):
            why += ", as where the labels of all videos are off: look at them with --sheet"
        yield f"motion: cannot be judged for {', '.join(unknown[:3])}{more}: {why}"
    for label, name in enumerate(classes):
        of_class = [curve for curve in curves if curve.label == label and curve.fits]
        events = [curve.events for curve in of_class]
        if sum(events) >= 4 * LEAST_EVENTS:
            mean = np.average([curve.levels for curve in of_class], 0, events)
            late = int(mean[SHOWN - REACH : SHOWN + REACH + 1].argmax()) - REACH
            place = f"{span(abs(late))} {'after' if late > 0 else 'before'}" if late else "on"
            if abs(late) < REACH:
                yield f"motion: around {name} it is highest {place} the label"
