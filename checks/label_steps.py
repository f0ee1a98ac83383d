"""Frame numbers that are rounded, to whole seconds or to another step.

Events labelled on their own frames leave every remainder alike when their frame numbers are divided by a step. Where
one remainder comes up too often, Chernoff's inequality bounds how often chance does that; it is multiplied by the
number of steps, remainders and groups of videos that were tried. Events as regular as a clock's tick prove nothing:
of equal gaps in a video one counts, or a few where the gaps are of several kinds.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from statistics import median

import numpy as np

from checks.findings import Finding
from checks.label_reading import LabelledVideo, Labels

LENGTHS = np.arange(2, 151)  # frames, of the steps that are tried
STARTS = np.cumsum(LENGTHS) - LENGTHS  # where the remainders of each begin, of all in a row
AT_ONCE = 10_000  # events whose remainders are taken together
FEWEST = 8  # events to judge by
IRREGULAR = 4  # kinds of gap from which on a video is no clockwork
EQUAL_GAPS = 3  # of a kind that count in such a video
FRAMES_AT_LEAST = 50  # a frame number is at most one in so many of those that count
LOG10_ODDS = -6  # what chance does more often than this is passed over
ROUNDED = {"dataset": 0.1, "part": 0.25}  # least share of the events that are rounded, beside those there by chance
NEARLY_ALL = 0.9
TIE = 1e-6  # in odds: the same events, summed in another order
FPS_UNKNOWN = 25  # frames per second


@dataclass(frozen=True)
class Step:
    """A step on which too many frame numbers of a group of videos lie."""

    length: float  # frames; the mean where it is a second, at the rate of each video
    remainder: int
    seconds: bool
    log10_odds: float  # of chance, at most

    def on(self, videos: Sequence[LabelledVideo]) -> np.ndarray:
        """bool (N,): which of the N events of videos lie on the step."""
        return np.concatenate([_on_seconds(video.frames, video.fps or FPS_UNKNOWN) if self.seconds
                               else video.frames % int(self.length) == self.remainder for video in videos])

    def __str__(self) -> str:
        if self.seconds:
            return "are those of whole seconds"
        if self.remainder:
            return f"leave {self.remainder} when divided by {self.length:g}"
        return f"are multiples of {self.length:g}"


def step_findings(labels: Labels) -> list[Finding]:
    """Rounding in the whole dataset; if there is none, in its matches; else in single videos."""
    videos = [video for video in labels.videos if video.events]
    step, = find_steps([videos], ROUNDED["dataset"])
    if step:
        return [_finding(str(labels.folder), videos, step, _worst_group(videos, step))]
    findings: list[Finding] = []
    rounded: set[str] = set()
    scopes = [{f"{labels.folder}: match {m!r}": group for m, group in labels.matches().items() if len(group) > 1},
              {video.where: [video] for video in videos}]
    for scope in scopes:
        groups = {where: group for where, group in scope.items() if not rounded.issuperset(v.name for v in group)}
        for (where, group), step in zip(groups.items(), find_steps([*groups.values()], ROUNDED["part"]), strict=True):
            if step:
                findings.append(_finding(where, group, step))
                rounded.update(video.name for video in group)
    return findings


def find_steps(groups: Sequence[Sequence[LabelledVideo]], least: float) -> list[Step | None]:
    """For each group of videos the step that chance explains worst, if there is one that it does not explain.

    Args:
        least: share of a group's events that must be rounded, beside those that lie on the step by chance.
    """
    events = [_informative(videos) for videos in groups]
    tried = sum(len(frames) >= FEWEST for frames, _ in events) * int(LENGTHS.sum())
    return [_find_step(frames, fps, least, tried) if len(frames) >= FEWEST else None for frames, fps in events]


def _informative(videos: Sequence[LabelledVideo]) -> tuple[np.ndarray, np.ndarray]:
    """Frame and frame rate (N,) each of the events that count: in a video one or few after each gap, and of all
    videos few on the same frame, as where all clips are cut alike about an event."""
    found: list[tuple[int, float]] = []
    for video in videos:
        frames = np.unique(video.frames)
        gaps = np.diff(frames)
        most, seen = 1 if len(np.unique(gaps)) < IRREGULAR else EQUAL_GAPS, Counter()
        for frame, gap in zip(frames.tolist(), [0, *gaps.tolist()], strict=False):
            seen[gap] += 1
            if seen[gap] <= most:
                found.append((frame, video.fps or FPS_UNKNOWN))
    most, seen = max(1, len(found) // FRAMES_AT_LEAST), Counter()
    kept = []
    for frame, fps in found:
        seen[frame] += 1
        if seen[frame] <= most:
            kept.append((frame, fps))
    frames, fps = zip(*kept, strict=True) if kept else ((), ())
    return np.array(frames, np.int64), np.array(fps, float)


def _find_step(frames: np.ndarray, fps: np.ndarray, least: float, tried: int) -> Step | None:
    counts = sum(np.bincount((part[:, None] % LENGTHS + STARTS).ravel(), minlength=LENGTHS.sum())
                 for part in np.array_split(frames, 1 + len(frames) // AT_ONCE))
    chance_of_second = np.where(abs(fps - np.rint(fps)) < 0.001, 1, 2) / fps  # rounded down or up if not whole
    share = np.append(np.maximum.reduceat(counts, STARTS), _on_seconds(frames, fps).sum()) / len(frames)
    chance = np.append(1 / LENGTHS, min(chance_of_second.mean(), 0.5))
    odds = _log10_tail(len(frames), share, chance) + log10(tried)
    odds[share - chance < least * (1 - chance)] = 0
    best = int(np.flatnonzero(odds <= odds.min() + TIE)[0])
    if odds[best] >= LOG10_ODDS:
        return None
    if best == len(LENGTHS):
        return Step(float(fps.mean()), 0, True, float(odds[best]))
    length, start = int(LENGTHS[best]), STARTS[best]
    return Step(length, int(counts[start : start + length].argmax()), False, float(odds[best]))


def _on_seconds(frames: np.ndarray, fps: np.ndarray | float) -> np.ndarray:
    """Whether frame numbers are those of whole seconds, rounded up or down."""
    return abs(frames - np.rint(frames / fps) * fps) < 1


def _log10_tail(number: int, share: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Chernoff's bound of how likely `share` or more of a `number` of events are where each one is by `chance`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(share < 1, (1 - share) * np.log((1 - share) / (1 - chance)), 0)
        divergence = np.where(share > chance, share * np.log(share / chance) + off, 0)
    return -number * divergence / np.log(10)


def _worst_group(videos: list[LabelledVideo], step: Step) -> str:
    """Which videos, of names that differ in their last number, are rounded most; empty if it is alike in all."""
    on, number = Counter(), Counter()
    for video in videos:
        name = re.sub(r"\d+$", "", video.name)
        on[name] += int(step.on([video]).sum())
        number[name] += len(video.events)
    if on.total() > NEARLY_ALL * number.total():
        return ""
    name = max(number, key=lambda name: on[name] - number[name] / step.length)
    return f"; most of all in {name}*: {on[name]:,} of {number[name]:,}"


def _finding(where: str, videos: Sequence[LabelledVideo], step: Step, note: str = "") -> Finding:
    on, number = int(step.on(videos).sum()), sum(len(video.events) for video in videos)
    seconds = step.length / median(video.fps or FPS_UNKNOWN for video in videos)
    span = f" ({seconds:.2g} s)" if seconds >= 0.5 and not step.seconds else ""
    message = (f"{on:,} of {number:,} frame numbers {step}{span}, where chance puts "
               f"{number / step.length:,.0f} (odds below 1 in 10^{min(300, -int(step.log10_odds))}){note}")
    if seconds >= 0.5 and not step.remainder and on >= NEARLY_ALL * number:
        return Finding("error", "frames-rounded", where, message,
                       f"an event is up to {step.length - 1:.0f} frames beside its label, and a model learns the wrong "
                       "frames from it; take exact frame numbers (does another field of the events have them?) or "
                       "label it again")
    return Finding("warning", "frames-rounded", where, message,
                   "these labels are not exact to the frame: expect low scores at tolerances below the step, and take "
                   "exact frame numbers if there are any")
