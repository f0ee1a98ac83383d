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

MAX_STEP = 150  # frames
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
        frame, fps = _columns(videos)
        return _on_seconds(frame, fps) if self.seconds else frame % int(self.length) == self.remainder

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
    told: set[str] = set()
    scopes = [{f"{labels.folder}: match {m!r}": group for m, group in labels.matches().items() if len(group) > 1},
              {video.where: [video] for video in videos}]
    for scope in scopes:
        groups = {where: group for where, group in scope.items() if not told.issuperset(v.name for v in group)}
        for (where, group), step in zip(groups.items(), find_steps([*groups.values()], ROUNDED["part"]), strict=True):
            if step:
                findings.append(_finding(where, group, step))
                told.update(video.name for video in group)
    return findings


def find_steps(groups: Sequence[Sequence[LabelledVideo]], least: float) -> list[Step | None]:
    """For each group of videos the step that chance explains worst, if there is one that it does not explain.

    Args:
        least: share of a group's events that must be rounded, beside those that lie on the step by chance.
    """
    group, frame, fps = _informative(groups)
    counts = np.bincount(group, minlength=len(groups))
    enough = np.flatnonzero(counts >= FEWEST)
    row = np.full(len(groups), -1)
    row[enough] = np.arange(len(enough))
    kept = row[group] >= 0
    row, frame, fps, counts = row[group[kept]], frame[kept], fps[kept], counts[enough]
    best = np.full(len(enough), LOG10_ODDS, float)
    steps: list[Step | None] = [None] * len(enough)
    tried = log10(max(1, len(enough)) * sum(range(2, MAX_STEP + 1)))

    def keep(share: np.ndarray, chance: np.ndarray, length: np.ndarray, remainder: np.ndarray, seconds: bool) -> None:
        odds = _log10_tail(counts, share, chance) + tried
        better = (odds < best - TIE) & (share - chance >= least * (1 - chance))
        for at in np.flatnonzero(better):
            best[at] = odds[at]
            steps[at] = Step(float(length[at]), int(remainder[at]), seconds, float(odds[at]))

    ones = np.ones(len(enough))
    for length in range(2, MAX_STEP + 1):
        table = np.bincount(row * length + frame % length, minlength=len(enough) * length).reshape(-1, length)
        keep(table.max(1) / counts, ones / length, length * ones, table.argmax(1), False)
    chances = np.where(abs(fps - np.rint(fps)) < 0.001, 1, 2) / fps  # rounded down or up where it is no whole number
    share, chance, second = (np.bincount(row, x, len(enough)) / counts for x in (_on_seconds(frame, fps), chances, fps))
    keep(share, np.minimum(chance, 0.5), second, 0 * ones, True)
    found: list[Step | None] = [None] * len(groups)
    for at, step in zip(enough, steps, strict=True):
        found[at] = step
    return found


def _columns(videos: Sequence[LabelledVideo]) -> tuple[np.ndarray, np.ndarray]:
    """Frame int64 (N,) and frame rate float (N,) of the N events of videos."""
    frame = np.concatenate([np.zeros(0, np.int64), *(video.frames for video in videos)])
    return frame, np.repeat(np.array([video.fps or FPS_UNKNOWN for video in videos], float),
                            [len(video.events) for video in videos])


def _informative(groups: Sequence[Sequence[LabelledVideo]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Group, frame and frame rate (N,) each of the events that count: in a video one or few after each gap, and in a
    group few on the same frame, as where all clips are cut alike about an event."""
    videos = [video for group in groups for video in group]
    sizes = [len(video.events) for video in videos]
    group = np.repeat(np.arange(len(groups)), [sum(len(video.events) for video in group) for group in groups])
    which = np.repeat(np.arange(len(videos)), sizes)
    frame, fps = _columns(videos)
    order = np.lexsort((frame, which))
    frame = frame[order]
    gap = np.diff(frame, prepend=0)
    gap[np.diff(which, prepend=-1) > 0] = -1  # before a video's first event
    order = np.lexsort((gap, which))
    group, frame, fps, which, gap = (column[order] for column in (group, frame, fps, which, gap))
    place = _rank((which, gap))
    kinds = np.bincount(which[(place == 0) & (gap > 0)], minlength=len(videos))
    kept = np.flatnonzero((gap != 0) & (place < np.where(kinds < IRREGULAR, 1, EQUAL_GAPS)[which]))
    group, frame, fps = group[kept], frame[kept], fps[kept]
    order = np.lexsort((frame, group))
    group, frame, fps = group[order], frame[order], fps[order]
    most = np.maximum(1, np.bincount(group) // FRAMES_AT_LEAST)
    kept = _rank((group, frame)) < most[group]
    return group[kept], frame[kept], fps[kept]


def _rank(columns: tuple[np.ndarray, ...]) -> np.ndarray:
    """Place of each row (N,) in its run of equal rows."""
    starts = np.any([np.diff(column, prepend=column[:1] - 1) != 0 for column in columns], axis=0)
    places = np.arange(len(starts))
    return places - np.maximum.accumulate(np.where(starts, places, 0))


def _on_seconds(frame: np.ndarray, fps: np.ndarray | float) -> np.ndarray:
    """Whether frame numbers are those of whole seconds, rounded up or down."""
    return abs(frame - np.rint(frame / fps) * fps) < 1


def _log10_tail(number: np.ndarray, share: np.ndarray, chance: np.ndarray | float) -> np.ndarray:
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
    if sum(on.values()) > NEARLY_ALL * sum(number.values()):
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
                       "frames from it; take exact frame numbers (has another field of the events them?) or label anew")
    return Finding("warning", "frames-rounded", where, message,
                   "these labels are not exact to the frame: expect low scores at tolerances below the step, and take "
                   "exact frame numbers if there are any")
