"""Pictures of a split's scores: precision-recall curves, what is taken for what, and how far right predictions miss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from evaluation.metrics import confusion_matrix, count_events, frame_offsets, precision_recall, precision_recall_f1
from evaluation.pairing import Pairing, within
from plots.style import GREY, INK, class_colour, ink_on, new_figure, new_panels, picture, plain, towards_white

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_NUMBERED = 30  # frames of tolerance up to which a bar has room for its number
LINES = ("-", "--", "-.", ":")  # of the first tolerance, the second, and so on


@picture
def precision_recall_picture(
    pairings: Sequence[Pairing], classes: Sequence[str], levels: np.ndarray, title: str
) -> Figure:
    """The precision-recall curves: a panel per class, a line per tolerance.

    Args:
        pairings: of the same events, one for each tolerance.
        levels: float (K,), the threshold of each class, whose place on its curves is marked.
    """
    num_true = pairings[0].num_true
    names = [f"{name} ({number} true events)" for name, number in zip(classes, num_true, strict=True)]
    figure, panels = _panels(names, num_true, 4.9 + 0.2 * (len(pairings) // 2 + 1), title)
    for label, axes in panels.items():
        _draw_curves(axes, pairings, label, levels[label])
    return figure


def _panels(names: Sequence[str], num_true: np.ndarray, height: float, title: str) -> tuple[Figure, dict[int, Axes]]:
    """A figure with a panel for each class that has true events."""
    labels = np.flatnonzero(num_true).tolist()
    figure, panels = new_panels([names[label] for label in labels], labels, height)
    figure.suptitle(plain(title))
    return figure, dict(zip(labels, panels, strict=True))


def _draw_curves(axes: Axes, pairings: Sequence[Pairing], label: int, threshold: float) -> None:
    for i, pairing in enumerate(pairings):
        strength = 1 - 0.55 * i / max(len(pairings) - 1, 1)  # the strictest is the darkest
        colour = towards_white(class_colour(label), strength)
        precision, recall = precision_recall(pairing, label)
        name = f"{within(pairing.tolerance)}: AP {100 * precision.sum() / pairing.num_true[label]:.1f}"
        # each step of recall has the precision at its end; past the last the curve falls to 0
        x, y = np.r_[0, recall, recall[-1:]], np.r_[precision[:1], precision, np.zeros(len(recall[-1:]))]
        axes.step(x[: len(y)], y, LINES[i % len(LINES)], where="pre", linewidth=2, label=name, color=colour)
        at_precision, at_recall, _ = precision_recall_f1(count_events(pairing.above(threshold))[label])
        look = {"markerfacecolor": "white", "markeredgecolor": colour, "markeredgewidth": 2, "markersize": 7}
        axes.plot(at_recall, at_precision, "o", **look)  # nothing where it is NaN
    axes.plot([], [], "o", markerfacecolor="white", markeredgecolor=INK, label=f"threshold {threshold:.3f}")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)


def _show_levels(levels: np.ndarray) -> str:
    """The threshold, or from which to which it is where classes have their own."""
    return " to ".join(sorted({f"{level:.3f}" for level in (levels.min(), levels.max())}))


@picture
def confusion_picture(pairing: Pairing, classes: Sequence[str], levels: np.ndarray, title: str) -> Figure:
    """What is taken for what: a row per true class, a column per predicted one.

    A cell has the number of events above the threshold, see `confusion_matrix`, and its share of the row, so of the
    true events of a class; in the last row, of what is predicted where there is nothing, its share of the column.
    """
    table = confusion_matrix(pairing.above(levels))
    none = len(classes)
    totals = np.repeat(table.sum(axis=1)[:, None], none + 1, axis=1)
    totals[none] = table.sum(axis=0)
    side = min(1.15, 14 / (none + 1))  # inches
    figure = new_figure(2.6 + side * (none + 1), 2.1 + side * (none + 1))
    figure.suptitle(plain(f"{title}\n{within(pairing.tolerance)}, scores above {_show_levels(levels)}"))
    axes = figure.subplots()
    _draw_cells(axes, table, table / np.maximum(totals, 1), side)
    _name_cells(axes, classes, table, side)
    figure.supxlabel("%: of the true events of a row; in the last row, of the predictions of a column", fontsize=9)
    return figure


def _draw_cells(axes: Axes, table: np.ndarray, share: np.ndarray, side: float) -> None:
    # right predictions have their class's colour, errors are grey: the deeper, the larger the share
    faces = [
        [towards_white(class_colour(row) if row == column else GREY, 0.9 * part) for column, part in enumerate(parts)]
        for row, parts in enumerate(share)
    ]
    axes.pcolormesh(np.array(faces), edgecolors="#CFCFCF", linewidth=0.8, clip_on=False)
    size = 9 * min(1.0, side)
    for row, column in np.argwhere(table):
        look = {"ha": "center", "va": "center", "color": ink_on(faces[row][column])}
        axes.text(column + 0.5, row + 0.42, f"{table[row, column]}", fontsize=1.5 * size, **look)
        axes.text(column + 0.5, row + 0.74, f"{share[row, column]:.0%}", fontsize=size, **look)


def _name_cells(axes: Axes, classes: Sequence[str], table: np.ndarray, side: float) -> None:
    none, size = len(classes), 10 * min(1.0, side)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    for axis, over, rest in ((axes.yaxis, 1, "nothing there"), (axes.xaxis, 0, "missed")):
        names = [plain(f"{name} ({total})") for name, total in zip(classes, table.sum(axis=over), strict=False)]
        axis.set_ticks(np.arange(none + 1) + 0.5, [*names, rest], fontsize=size)
        for label, tick in enumerate(axis.get_ticklabels()[:none]):
            tick.set(color=class_colour(label), fontweight="bold")
    if none > 4:
        for tick in axes.get_xticklabels():
            tick.set(rotation=50, ha="left", rotation_mode="anchor")
    axes.set(xlim=(0, none + 1), ylim=(none + 1, 0), aspect="equal")
    axes.set_xlabel("predicted", fontsize=11, labelpad=8)
    axes.set_ylabel("true", fontsize=11, labelpad=8)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


@picture
def offset_picture(pairing: Pairing, classes: Sequence[str], levels: np.ndarray, title: str) -> Figure:
    """By how many frames right predictions above the threshold are early or late, a panel per class."""
    counts, num_true = frame_offsets(pairing.above(levels)), pairing.num_true
    title = f"{title}\nright {within(pairing.tolerance)}, scores above {_show_levels(levels)}"
    figure, panels = _panels(classes, num_true, 3.6, title)
    for label, axes in panels.items():
        _draw_offsets(axes, counts[label], int(num_true[label]), class_colour(label))
    return figure


def _draw_offsets(axes: Axes, counts: np.ndarray, num_true: int, colour: str) -> None:
    tolerance = len(counts) // 2
    offsets = np.arange(-tolerance, tolerance + 1)
    colours = [towards_white(colour, 0.55 if offset else 1.0) for offset in offsets]
    bars = axes.bar(offsets, counts, width=0.8, color=colours)
    if tolerance <= MAX_NUMBERED:
        axes.bar_label(bars, [str(count) if count else "" for count in counts], fontsize=8, padding=2, color=INK)
    text = f"{counts.sum()} of {num_true} found"
    if counts.any():
        median = float(np.median(np.repeat(offsets, counts)))
        axes.plot(median, 0, "^", color=INK, markersize=9, clip_on=False, zorder=5)
        text += f"\nmedian {median:+g}" if median else "\nmedian 0"
        text += f"\non the frame {counts[tolerance] / counts.sum():.0%}"
    axes.text(0.02, 0.97, text, transform=axes.transAxes, va="top", fontsize=9, color=INK)
    axes.set(xlim=(-tolerance - 0.6, tolerance + 0.6), xlabel="early  <  frames from the true event  >  late")
    axes.set_ylim(0, max(1, counts.max()) * 1.32)
    axes.set_xticks(offsets if tolerance <= 8 else np.linspace(-tolerance, tolerance, 9).round())
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel("right predictions")
    axes.grid(visible=False, axis="x")
