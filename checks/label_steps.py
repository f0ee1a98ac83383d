"""Frame numbers that are rounded, to whole seconds or to another step.

Events labelled on their own frames leave every remainder alike when their frame numbers are divided by a step. Where
one remainder comes up too often, Chernoff's inequality bounds how often chance does that; it is multiplied by the
number of steps, remainders and groups of videos that were tried. Events as regular as a clock's tick prove nothing:
of equal gaps in a video one counts, or a few where the gaps are of several kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log10

import numpy as np
import pandas as pd

from checks.findings import Finding
from checks.label_reading import Labels

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

    def on(self, events: pd.DataFrame) -> pd.Series:
        """Whether each event, with its frame and fps, lies on the step."""
        if self.seconds:
            return _on_seconds(events.frame, events.fps.fillna(FPS_UNKNOWN))
        return events.frame % int(self.length) == self.remainder

    def __str__(self) -> str:
        if self.seconds:
            return "are those of whole seconds"
        if self.remainder:
            return f"leave {self.remainder} when divided by {self.length:g}"
        return f"are multiples of {self.length:g}"


def step_findings(labels: Labels) -> list[Finding]:
    """Rounding in the whole dataset; if there is none, in its matches; else in single videos."""
    videos = labels.table[["where", "name"]].astype(object)
    match = labels.table.match[labels.table.match.duplicated(keep=False)]
    videos["match"] = match.map(lambda name: f"{labels.folder}: match {name!r}")
    events = labels.events.join(videos, on="video")
    for step in find_steps(events.assign(group=0), ROUNDED["dataset"]).values():
        return [_finding(str(labels.folder), events, step, _worst_videos(events, step))]
    findings: list[Finding] = []
    for scope in ("match", "where"):
        events = events.assign(group=events[scope])
        steps = find_steps(events, ROUNDED["part"])
        findings += [_finding(where, events[events.group == where], step) for where, step in steps.items()]
        events = events[~events.group.isin(steps)]
    return findings


def find_steps(events: pd.DataFrame, least: float) -> dict[str | int, Step]:
    """The step that chance explains worst, of each group for which there is one that it does not explain.

    Args:
        events: frame, video, fps (NaN: unknown), and the group that each counts to, NaN for none.
        least: share of a group's events that must be rounded, beside those that lie on the step by chance.
    """
    kept = _informative(events)
    groups = {group: part for group, part in kept.groupby("group", sort=False) if len(part) >= FEWEST}
    tried = len(groups) * int(LENGTHS.sum())
    steps = {group: _find_step(part.frame.to_numpy(), part.fps.fillna(FPS_UNKNOWN).to_numpy(), least, tried)
             for group, part in groups.items()}
    return {group: step for group, step in steps.items() if step}


def _informative(events: pd.DataFrame) -> pd.DataFrame:
    """The events that count: in a video one or few after each gap, and in a group few on the same frame, as where all
    clips are cut alike about an event."""
    events = events.sort_values(["video", "frame"]).drop_duplicates(["video", "frame"])
    events = events.assign(gap=events.groupby("video").frame.diff().fillna(0))
    kinds = events.groupby("video").gap.transform("nunique") - 1  # the first has none
    most = np.where(kinds < IRREGULAR, 1, EQUAL_GAPS)
    events = events[events.groupby(["video", "gap"]).cumcount() < most]
    most = events.groupby("group").frame.transform("size") // FRAMES_AT_LEAST
    return events[events.groupby(["group", "frame"]).cumcount() < most.clip(lower=1)]


def _find_step(frames: np.ndarray, fps: np.ndarray, least: float, tried: int) -> Step | None:
    counts = sum(np.bincount((part[:, None] % LENGTHS + STARTS).ravel(), minlength=LENGTHS.sum())
                 for part in np.array_split(frames, 1 + len(frames) // AT_ONCE))
    chance_of_second = np.where(abs(fps - np.rint(fps)) < 0.001, 1, 2) / fps  # rounded down or up if not whole
    share = np.append(np.maximum.reduceat(counts, STARTS), _on_seconds(frames, fps).sum()) / len(frames)
    chance = np.append(1 / LENGTHS, min(chance_of_second.mean(), 0.5))
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(share < 1, (1 - share) * np.log10((1 - share) / (1 - chance)), 0)
        odds = log10(tried) - len(frames) * (share * np.log10(share / chance) + off)  # Chernoff's bound
    odds[(share <= chance) | (share - chance < least * (1 - chance))] = 0
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


def _worst_videos(events: pd.DataFrame, step: Step) -> str:
    """Which videos, of names that differ in their last number, are rounded most; empty if it is alike in all."""
    on = step.on(events)
    if on.mean() > NEARLY_ALL:
        return ""
    family = on.groupby(events.name.str.replace(r"\d+$", "", regex=True), sort=False).agg(["sum", "size"])
    name = (family["sum"] - family["size"] / step.length).idxmax()
    return f"; most of all in {name}*: {family['sum'][name]:,} of {family['size'][name]:,}"


def _finding(where: str, events: pd.DataFrame, step: Step, note: str = "") -> Finding:
    on, number = int(step.on(events).sum()), len(events)
    seconds = step.length / events.drop_duplicates("video").fps.fillna(FPS_UNKNOWN).median()
    span = f" ({seconds:.2g} s)" if seconds >= 0.5 and not step.seconds else ""
    message = (f"{on:,} of {number:,} frame numbers {step}{span}, where chance puts "
               f"{number / step.length:,.0f} (odds below 1 in 10^{min(300, -int(step.log10_odds))}){note}")
    if seconds >= 0.5 and not step.remainder and on >= NEARLY_ALL * number:
        level, advice = "error", (
            f"an event is up to {step.length - 1:.0f} frames beside its label, and a model learns the wrong frames "
            "from it; take exact frame numbers (does another field of the events have them?) or label it again, "
            "or leave it out: delete its label files, and prepare_data.py --skip_unlabelled --overwrite")
    else:
        level, advice = "warning", ("these labels are not exact to the frame: expect low scores at tolerances below "
                                    "the step, and take exact frame numbers if there are any")
    return Finding(level, "frames-rounded", where, message, advice)
