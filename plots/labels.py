"""Pictures of labels: when events happen, how far apart, on which frame of a second, how many; motion around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plots.style import (
    CLASS_COLOURS,
    GREY,
    INK,
    class_colour,
    clean_axes,
    new_figure,
    plain,
    save_figure,
    towards_white,
)

if TYPE_CHECKING:  # matplotlib takes a second to import
    from matplotlib.axes import Axes

MAX_LANES = 60  # videos that get a lane each; of more, the places of events in them are shown together
MAX_CLASSES = 12  # with colours of their own, the most frequent
MAX_RATES = 2
UNKNOWN_RATES = (25, 30)  # frames per second that labels of an unknown rate are tried against
BINS = 40
STYLES = ("-", "--", ":")  # of the first six classes, the next six, and so on
WIDTH = 14  # inches


@dataclass(frozen=True)
class Lane:
    """A video's events, as they are drawn."""

    name: str
    split: str
    num_frames: int
    fps: float | None  # None where it is unknown
    frames: np.ndarray  # int (N,)
    labels: np.ndarray  # int (N,), classes from 0


@dataclass(frozen=True)
class Curve:
    """Motion around the events of a class in one video."""

    name: str
    label: int  # class from 0
    events: int
    fits: bool  # whether it is in line with the others
    levels: np.ndarray  # (steps,)


def label_picture(path: Path | str, lanes: Sequence[Lane], classes: Sequence[str]) -> None:
    """Write a page of pictures of the labels of a dataset.

    Args:
        lanes: in the order in which they are drawn; the halves of a match next to each other.

    Raises:
        UserError: the picture cannot be written.
    """
    counts = np.bincount(_joined(lanes, "labels"), minlength=len(classes))
    drawn = sorted(np.argsort(-counts, kind="stable")[:MAX_CLASSES].tolist())
    splits = list(dict.fromkeys(lane.split for lane in lanes))
    rates = _rates(lanes)
    tops = 0.6 + 0.19 * len(lanes) if len(lanes) <= MAX_LANES else 3.2
    middle = max(3.4, 1.0 + 0.21 * len(drawn) * max(len(splits), 1))
    heights = [max(tops, 1.5), middle, 2.8]
    figure = new_figure(WIDTH, 0.6 + sum(heights) + 1.2)
    figure.get_layout_engine().set(h_pad=0.12, w_pad=0.1)
    parts = figure.subfigures(3, 1, height_ratios=heights)
    if len(lanes) <= MAX_LANES:
        _draw_lanes(parts[0].subplots(), lanes, drawn)
    else:
        _draw_places(parts[0].subplots(1, 2, width_ratios=[2, 1]), lanes, drawn)
    intervals, numbers, per_minute = parts[1].subplots(1, 3, width_ratios=[1.25, 1, 1])
    _draw_intervals(intervals, lanes, drawn)
    _draw_counts(numbers, per_minute, lanes, drawn, splits)
    row = parts[2].subplots(1, len(rates), squeeze=False)[0]
    for axes, rate in zip(row, rates, strict=True):
        _draw_remainders(axes, lanes, rate)
    _class_legend(figure, classes, drawn)
    save_figure(figure, path)


def _joined(lanes: Sequence[Lane], field: str) -> np.ndarray:
    return np.concatenate([getattr(lane, field) for lane in lanes] or [np.zeros(0, int)]).astype(int)


def _rates(lanes: Sequence[Lane]) -> list[int | None]:
    """The whole frames per second of most videos; where none is known, those that are usual."""
    counts = Counter(round(lane.fps) for lane in lanes if lane.fps and round(lane.fps) > 1)
    return sorted(rate for rate, _ in counts.most_common(MAX_RATES)) or list(UNKNOWN_RATES)


def _class_legend(figure, classes: Sequence[str], drawn: list[int]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=class_colour(i), linestyle=_style(i), linewidth=4, label=plain(classes[i]))
               for i in drawn]
    if handles:
        more = f"the {len(drawn)} most frequent of {len(classes)} classes" if len(classes) > len(drawn) else None
        figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 6), frameon=False,
                      title=more)


def _timed(lanes: Sequence[Lane]) -> bool:
    """Whether every rate is known, so that seconds can be shown."""
    return all(lane.fps for lane in lanes)


def _style(label: int) -> str:
    return STYLES[label // len(CLASS_COLOURS) % len(STYLES)]


def _draw_lanes(axes: Axes, lanes: Sequence[Lane], drawn: list[int]) -> None:
    timed = _timed(lanes)
    longest = max((lane.num_frames / lane.fps for lane in lanes), default=0) if timed else 0
    second, name = (1 / 60, "minutes") if longest > 180 else (1, "seconds")
    for row, lane in enumerate(lanes):
        unit = lane.fps / second if timed else 1
        axes.barh(row, lane.num_frames / unit, height=0.8, color="#F1F1F1", zorder=0)
        for label in drawn:
            at = lane.frames[lane.labels == label] / unit
            axes.vlines(at, row - 0.4, row + 0.4, color=class_colour(label), linestyle=_style(label), linewidth=1.1)
    names = [plain(f"{lane.name}  {lane.split}") for lane in lanes]
    axes.set_yticks(range(len(lanes)), names, fontsize=8)
    axes.set(ylim=(len(lanes) - 0.4, -0.6), xlabel=f"{name} from the start of the video" if timed else "frame")
    axes.margins(x=0)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_title("events over time, a lane for each video", loc="left", fontsize=10)


def _draw_places(pair: Sequence[Axes], lanes: Sequence[Lane], drawn: list[int]) -> None:
    """Of many videos: where in them events are, and how many they have."""
    places, sizes = pair
    labels = _joined(lanes, "labels")
    place = np.concatenate([(lane.frames + 0.5) / lane.num_frames for lane in lanes])
    edges = np.linspace(0, 1, BINS + 1)
    for label in drawn:
        height = np.histogram(place[labels == label], edges)[0]
        if height.sum():
            _steps(places, 100 * edges, height * BINS / height.sum(), label)
    places.axhline(1, color=GREY, linewidth=1)
    places.set(xlabel="place in the video (% of its length)", ylabel="events, against an even spread", xlim=(0, 100))
    places.set_ylim(bottom=0)
    places.set_title(f"events over time, {len(lanes):,} videos together", loc="left", fontsize=10)
    each = np.array([len(lane.frames) for lane in lanes])
    step = max(1, each.max() // BINS)
    sizes.hist(each, bins=np.arange(-0.5, each.max() + step + 0.5, step), color=GREY)
    sizes.set(xlabel="events of a video", ylabel="videos")
    for axes in pair:
        clean_axes(axes)


def _steps(axes: Axes, edges: np.ndarray, heights: np.ndarray, label: int) -> None:
    axes.stairs(heights, edges, color=class_colour(label), linestyle=_style(label), linewidth=1.8)


def _draw_intervals(axes: Axes, lanes: Sequence[Lane], drawn: list[int]) -> None:
    """From each event to the one before it in its video, of whatever class, by its own class."""
    timed = _timed(lanes)
    gaps, labels = [], []
    for lane in lanes:
        order = np.argsort(lane.frames, kind="stable")
        gap = np.maximum(np.diff(lane.frames[order]), 0.5)  # of two on one frame, so that a log axis can show it
        gaps.append(gap / lane.fps if timed else gap)
        labels.append(lane.labels[order][1:])
    gap, label = (np.concatenate(parts) if parts else np.zeros(0) for parts in (gaps, labels))
    axes.set_xscale("log")
    if len(gap):
        edges = _edges(gap.min(), gap.max(), 1 / min(lane.fps for lane in lanes) if timed else 1)
        for index in drawn:
            _steps(axes, edges, np.histogram(gap[label == index], edges)[0], index)
    axes.xaxis.get_major_locator().set_params(subs=(1, 2, 5))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.minorticks_off()
    axes.set(xlabel="seconds since the event before" if timed else "frames since the event before", ylabel="events")
    axes.set_ylim(bottom=0)
    axes.set_title("intervals between successive events", loc="left", fontsize=10)
    clean_axes(axes)


def _edges(lowest: float, highest: float, frame: float) -> list[float]:
    """Edges of bins that grow with the interval, none narrower than a frame, which would give a comb."""
    edges = [max(lowest - frame / 2, lowest / 2)]
    while edges[-1] <= highest:
        edges.append(max(edges[-1] + frame, edges[-1] * 1.15))
    return edges


def _draw_counts(numbers: Axes, per_minute: Axes, lanes: Sequence[Lane], drawn: list[int], splits: list[str]) -> None:
    """Events of each class and split, and how often they come."""
    timed = _timed(lanes)
    rows = [(label, split) for label in drawn for split in splits]
    counts, rates = [], []
    for label, split in rows:
        here = [lane for lane in lanes if lane.split == split]
        counts.append(sum(int((lane.labels == label).sum()) for lane in here))
        length = sum(lane.num_frames / (60 * lane.fps) if timed else lane.num_frames / 1000 for lane in here)
        rates.append(counts[-1] / length if length else 0.0)
    at = np.arange(len(rows)) + np.repeat(np.arange(len(drawn)), len(splits)) * 0.6
    shades = [towards_white(class_colour(label), 1 - 0.6 * splits.index(split) / max(len(splits) - 1, 1))
              for label, split in rows]
    unit = "events per minute" if timed else "events per 1,000 frames"
    for axes, values, name, form in ((numbers, counts, "events", "{:,}"), (per_minute, rates, unit, "{:.3g}")):
        bars = axes.barh(at, values, color=shades, height=0.9)
        axes.bar_label(bars, [form.format(value) for value in values], padding=3, fontsize=8, color=INK)
        axes.set_yticks(at, [split for _, split in rows], fontsize=8)
        axes.set(xlabel=name)
        axes.margins(x=0.18, y=0.02)
        axes.invert_yaxis()
        clean_axes(axes)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
    numbers.set_title("by class and split", loc="left", fontsize=10)
    per_minute.tick_params(axis="y", labelleft=False)


def _draw_remainders(axes: Axes, lanes: Sequence[Lane], rate: int) -> None:
    """Frame numbers modulo the frame rate: a spike at 0 shows whole seconds, a comb another step."""
    known = any(lane.fps for lane in lanes)
    here = [lane for lane in lanes if not known or (lane.fps and round(lane.fps) == rate)]
    frames = _joined(here, "frames")
    found = np.bincount(frames % rate, minlength=rate)
    expected = len(frames) / rate
    axes.bar(range(rate), found, color=GREY, width=0.8)
    axes.axhline(expected, color=INK, linewidth=1.2, label=f"expected: {expected:.1f}")
    spread = 3 * np.sqrt(max(expected * (1 - 1 / rate), 0))
    axes.axhspan(max(expected - spread, 0), expected + spread, color=INK, alpha=0.1, linewidth=0,
                 label="3 standard deviations")
    whose = f"{len(here):,} videos of {rate} frames per second" if known else f"rate unknown, as if {rate} per second"
    axes.set_title(f"frame number modulo {rate} ({whose})", loc="left", fontsize=10)
    axes.set(xlabel="frame of the second", ylabel="events", xlim=(-0.7, rate - 0.3))
    axes.set_ylim(0, 1.25 * max(found.max(), expected + spread, 1))
    axes.legend(fontsize=8, frameon=False, loc="upper right", ncols=2)
    clean_axes(axes)


def motion_picture(
    path: Path | str, curves: Sequence[Curve], classes: Sequence[str], times: np.ndarray, unit: str
) -> None:
    """Write a picture of the motion around events: a panel for each class, a line for each video.

    Args:
        times: (steps,) of the curves, from the label.
        unit: of the times.

    Raises:
        UserError: the picture cannot be written.
    """
    labels = sorted({curve.label for curve in curves}, key=lambda i: -sum(c.events for c in curves if c.label == i))
    labels = sorted(labels[:MAX_CLASSES])
    columns = min(len(labels), 3) or 1
    rows = -(-len(labels) // columns) or 1
    figure = new_figure(1 + 4.6 * columns, 0.7 + 3.8 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True).ravel()
    for axes in grid[len(labels):]:
        axes.set_visible(False)
    for axes, label in zip(grid, labels, strict=False):
        _draw_curves(axes, [curve for curve in curves if curve.label == label], times, class_colour(label))
        axes.set_title(plain(classes[label]), color=class_colour(label), fontsize=11, fontweight="bold", loc="left")
    figure.supxlabel(f"{unit} from the label", fontsize=10)
    figure.supylabel("motion, in deviations from the video's usual", fontsize=10)
    save_figure(figure, path)


def _draw_curves(axes: Axes, curves: Sequence[Curve], times: np.ndarray, colour: str) -> None:
    alike, others = ([curve for curve in curves if curve.fits is fits] for fits in (True, False))
    for curve in alike:
        axes.plot(times, curve.levels, color=towards_white(colour, 0.45), linewidth=0.8)
    total = sum(curve.events for curve in alike)
    if total:
        mean = sum(curve.events * curve.levels for curve in alike) / total
        axes.plot(times, mean, color=colour, linewidth=2.5, label=f"mean of {total:,} events")
    for i, curve in enumerate(others):
        name = curve.name if i < len(STYLES) else None  # all are drawn, the first are named
        axes.plot(times, curve.levels, color=INK, linestyle=STYLES[i % len(STYLES)], linewidth=1.3,
                  label=name and plain(f"out of line: {name}"))
    axes.axvline(0, color=GREY, linewidth=1)
    axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=1 + (len(others) > 1))
    clean_axes(axes)
