"""Pictures of labels: when events happen, how far apart, on which frame of a second, how many; motion around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from plots.style import CLASS_COLOURS, GREY, INK, class_colour, new_figure, new_panels, picture, plain, towards_white

if TYPE_CHECKING:  # matplotlib takes a second to import
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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


@picture
def label_picture(lanes: Sequence[Lane], classes: Sequence[str]) -> Figure:
    """A page of pictures of the labels of a dataset.

    Args:
        lanes: in the order in which they are drawn; the halves of a match next to each other.
    """
    videos = pd.DataFrame(lanes, columns=list(Lane.__dataclass_fields__)).astype({"fps": float, "num_frames": int})
    events = videos.explode(["frames", "labels"]).dropna(subset="frames").astype({"frames": int, "labels": int})
    counts = np.bincount(events.labels, minlength=len(classes))
    drawn = sorted(np.argsort(-counts, kind="stable")[:MAX_CLASSES].tolist())
    splits = list(videos.split.unique())
    rates = videos.fps.round()[lambda fps: fps > 1].value_counts().index[:MAX_RATES]
    top = max(0.6 + 0.19 * len(lanes), 1.5) if len(lanes) <= MAX_LANES else 3.2
    heights = [top, max(3.4, 1.0 + 0.21 * len(drawn) * max(len(splits), 1)), 2.8]
    figure = new_figure(WIDTH, 0.6 + sum(heights) + 1.2)
    figure.get_layout_engine().set(h_pad=0.12, w_pad=0.1)
    over_time, numbers, remainders = figure.subfigures(3, 1, height_ratios=heights)
    if len(lanes) <= MAX_LANES:
        _draw_lanes(over_time.subplots(), videos, events, drawn)
    else:
        _draw_places(*over_time.subplots(1, 2, width_ratios=[2, 1]), events, videos.frames.map(len), drawn)
    intervals, *counts = numbers.subplots(1, 3, width_ratios=[1.25, 1, 1])
    _draw_intervals(intervals, videos, events, drawn)
    _draw_counts(*counts, videos, events, drawn, splits)
    rates = sorted(rates.astype(int)) or UNKNOWN_RATES
    for axes, rate in zip(remainders.subplots(1, len(rates), squeeze=False)[0], rates, strict=True):
        _draw_remainders(axes, videos, events, rate)
    _class_legend(figure, classes, drawn)
    return figure


def _class_legend(figure: Figure, classes: Sequence[str], drawn: list[int]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], **_look(label), linewidth=4, label=plain(classes[label])) for label in drawn]
    title = f"the {len(drawn)} most frequent of {len(classes)} classes" if len(classes) > len(drawn) else None
    if handles:
        figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 6), title=title)


def _look(label: int) -> dict[str, str]:
    return {"color": class_colour(label), "linestyle": STYLES[label // len(CLASS_COLOURS) % len(STYLES)]}


def _draw_lanes(axes: Axes, videos: pd.DataFrame, events: pd.DataFrame, drawn: list[int]) -> None:
    timed = videos.fps.notna().all()  # or else seconds cannot be shown
    long = timed and (videos.num_frames / videos.fps).max() > 180
    unit = videos.fps * (60 if long else 1) if timed else videos.num_frames**0
    name = f"{'minutes' if long else 'seconds'} from the start of the video" if timed else "frame"
    axes.barh(videos.index, videos.num_frames / unit, height=0.8, color="#F1F1F1", zorder=0)
    for label in drawn:
        at = (events.frames / unit.reindex(events.index))[events.labels == label]
        axes.vlines(at, at.index - 0.4, at.index + 0.4, **_look(label), linewidth=1.1)
    axes.set_yticks(videos.index, map(plain, videos.name + "  " + videos.split), fontsize=8)
    axes.set(ylim=(len(videos) - 0.4, -0.6), xlabel=name, title="events over time, a lane for each video")
    axes.margins(x=0)
    axes.grid(visible=False)
    axes.tick_params(axis="y", length=0)
    axes.spines.left.set_visible(False)


def _draw_places(places: Axes, sizes: Axes, events: pd.DataFrame, each: pd.Series, drawn: list[int]) -> None:
    """Of many videos: where in them events are, and how many they have, `each`."""
    place, edges = (events.frames + 0.5) / events.num_frames, np.linspace(0, 1, BINS + 1)
    for label in drawn:
        height = np.histogram(place[events.labels == label], edges)[0]
        places.stairs(height * BINS / max(height.sum(), 1), 100 * edges, **_look(label), linewidth=1.8)
    places.axhline(1, color=GREY, linewidth=1)
    places.set(xlabel="place in the video (% of its length)", ylabel="events, against an even spread", xlim=(0, 100),
               title=f"events over time, {len(each):,} videos together")
    places.set_ylim(bottom=0)
    step = max(1, each.max() // BINS)
    sizes.hist(each, bins=np.arange(-0.5, each.max() + step + 0.5, step), color=GREY)
    sizes.set(xlabel="events of a video", ylabel="videos")


def _draw_intervals(axes: Axes, videos: pd.DataFrame, events: pd.DataFrame, drawn: list[int]) -> None:
    """From each event to the one before it in its video, of whatever class, by its own class."""
    timed = videos.fps.notna().all()
    events = events.sort_values("frames", kind="stable")
    gap = events.groupby(level=0).frames.diff().clip(lower=0.5)  # of two on one frame, so that a log axis can show it
    gap, labels = (gap / events.fps if timed else gap).dropna(), events.labels[gap.notna()]
    axes.set_xscale("log")
    if len(gap):
        edges = _edges(gap.min(), gap.max(), 1 / videos.fps.min() if timed else 1)
        for label in drawn:
            axes.stairs(np.histogram(gap[labels == label], edges)[0], edges, **_look(label), linewidth=1.8)
    axes.xaxis.get_major_locator().set_params(subs=(1, 2, 5))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.minorticks_off()
    axes.set(xlabel=f"{'seconds' if timed else 'frames'} since the event before", ylabel="events",
             title="intervals between successive events")
    axes.set_ylim(bottom=0)


def _edges(lowest: float, highest: float, frame: float) -> list[float]:
    """Edges of bins that grow with the interval, none narrower than a frame, which would give a comb."""
    edges = [max(lowest - frame / 2, lowest / 2)]
    while edges[-1] <= highest:
        edges.append(max(edges[-1] + frame, edges[-1] * 1.15))
    return edges


def _draw_counts(
    numbers: Axes, rates: Axes, videos: pd.DataFrame, events: pd.DataFrame, drawn: list[int], splits: list[str]
) -> None:
    """Events of each class and split, and how often they come."""
    unit, length = "minute", videos.num_frames / (60 * videos.fps)
    if length.isna().any():
        unit, length = "1,000 frames", videos.num_frames / 1000
    counts = pd.crosstab(events.labels, events.split).reindex(index=drawn, columns=splits, fill_value=0)
    shown = counts.to_numpy().ravel(), (counts / length.groupby(videos.split).sum()[splits]).to_numpy().ravel()
    at = np.arange(counts.size) + np.repeat(np.arange(len(drawn)), len(splits)) * 0.6
    shades = [towards_white(class_colour(label), 1 - 0.6 * place / max(len(splits) - 1, 1))
              for label in drawn for place in range(len(splits))]
    for axes, values, name, form in zip((numbers, rates), shown, ("events", f"events per {unit}"),
                                        ("{:,}", "{:.3g}"), strict=True):
        bars = axes.barh(at, values, color=shades, height=0.9)
        axes.bar_label(bars, map(form.format, values), padding=3, fontsize=8, color=INK)
        axes.set_yticks(at, splits * len(drawn), fontsize=8)
        axes.set(xlabel=name)
        axes.margins(x=0.18, y=0.02)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
    numbers.set_title("by class and split")
    rates.tick_params(axis="y", labelleft=False)


def _draw_remainders(axes: Axes, videos: pd.DataFrame, events: pd.DataFrame, rate: int) -> None:
    """Frame numbers modulo the frame rate: a spike at 0 shows whole seconds, a comb another step."""
    known = videos.fps.notna().any()
    frames = events.frames[events.fps.round() == rate] if known else events.frames
    found, expected = np.bincount(frames % rate, minlength=rate), len(frames) / rate
    spread = 3 * np.sqrt(expected * (1 - 1 / rate))
    axes.bar(range(rate), found, color=GREY, width=0.8)
    axes.axhline(expected, color=INK, linewidth=1.2, label=f"expected: {expected:.1f}")
    axes.axhspan(max(expected - spread, 0), expected + spread, color=INK, alpha=0.1, linewidth=0,
                 label="3 standard deviations")
    number = (videos.fps.round() == rate).sum()
    whose = f"{number:,} videos of {rate} frames per second" if known else f"rate unknown, as if {rate} per second"
    axes.set(xlabel="frame of the second", ylabel="events", xlim=(-0.7, rate - 0.3),
             ylim=(0, 1.25 * max(found.max(), expected + spread, 1)),
             title=f"frame number modulo {rate} ({whose})")
    axes.legend(fontsize=8, loc="upper right", ncols=2)


@picture
def motion_picture(curves: Sequence[Curve], classes: Sequence[str], times: np.ndarray, unit: str) -> Figure:
    """The motion around events: a panel for each class, a line for each video.

    Args:
        times: (steps,) of the curves, from the label.
        unit: of the times.
    """
    events = pd.DataFrame(curves, columns=["label", "events"]).groupby("label").events.sum()
    labels = sorted(events.sort_values(ascending=False, kind="stable").index[:MAX_CLASSES])
    figure, panels = new_panels([classes[label] for label in labels], labels, 3.8, sharex=True)
    for axes, label in zip(panels, labels, strict=True):
        _draw_curves(axes, [curve for curve in curves if curve.label == label], times, class_colour(label))
    figure.supxlabel(f"{unit} from the label", fontsize=10)
    figure.supylabel("motion, in deviations from the video's usual", fontsize=10)
    return figure


def _draw_curves(axes: Axes, curves: Sequence[Curve], times: np.ndarray, colour: str) -> None:
    alike, others = ([curve for curve in curves if curve.fits is fits] for fits in (True, False))
    for curve in alike:
        axes.plot(times, curve.levels, color=towards_white(colour, 0.45), linewidth=0.8)
    if total := sum(curve.events for curve in alike):
        mean = sum(curve.events * curve.levels for curve in alike) / total
        axes.plot(times, mean, color=colour, linewidth=2.5, label=f"mean of {total:,} events")
    for i, curve in enumerate(others):  # all are drawn, the first are named
        name = plain(f"out of line: {curve.name}") if i < len(STYLES) else None
        axes.plot(times, curve.levels, color=INK, linestyle=STYLES[i % len(STYLES)], linewidth=1.3, label=name)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=1 + (len(others) > 1))
