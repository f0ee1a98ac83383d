"""Pictures of a split's scores: precision-recall curves, what is taken for what, and how far right predictions miss."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plots.style import GREY, INK, class_colour, clean_axes, ink_on, new_figure, plain, save_figure, towards_white
from util.confusion import confusion, frame_offsets
from util.events import Video
from util.score import Matches, match_events, precision_recall

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS_IN_A_ROW = 3


def precision_recall_curves(
    path: Path | str,
    truth: Sequence[Video],
    predictions: Sequence[Video],
    classes: Sequence[str],
    tolerances: Sequence[int],
    threshold: float,
    title: str,
) -> None:
    """Write a picture of the precision-recall curves: a panel per class, a line per tolerance.

    Args:
        predictions: as they are to be drawn, with or without non-maximum suppression.
        tolerances: frames.
        threshold: where it lies on a curve is marked.

    Raises:
        UserError: the picture cannot be written, or the predictions are not for the videos of the truth.
    """
    matched = match_events(truth, predictions, classes, tolerances)
    labels = [i for i in range(len(classes)) if matched[0].num_truth[i]]
    figure, panels = _panels(len(labels), 4.9 + 0.2 * (len(tolerances) // 2 + 1), title)
    for axes, label in zip(panels, labels, strict=True):
        name = f"{classes[label]} ({matched[0].num_truth[label]} true events)"
        axes.set_title(plain(name), color=class_colour(label), fontsize=11, fontweight="bold")
        _draw_curves(axes, matched, label, tolerances, threshold)
    save_figure(figure, path)


def _draw_curves(
    axes: Axes, matched: Sequence[Matches], label: int, tolerances: Sequence[int], threshold: float
) -> None:
    styles = ["-", "--", "-.", ":"]
    for i, (matches, tolerance) in enumerate(zip(matched, tolerances, strict=True)):
        strength = 1 - 0.55 * i / max(len(tolerances) - 1, 1)  # the strictest is the darkest
        look = {"color": towards_white(class_colour(label), strength), "linestyle": styles[i % 4]}
        precision, recall = precision_recall(matches, label)
        ap = precision.sum() / matches.num_truth[label]
        # each step of recall has the precision at its end; past the last the curve falls to 0
        end = recall[-1:]
        x = np.concatenate([[0.0], recall, end])
        y = np.concatenate([precision[:1], precision, np.zeros(len(end))])
        axes.step(x[: len(y)], y, where="pre", linewidth=2, label=f"{_within(tolerance)}: AP {100 * ap:.1f}", **look)
        _mark_threshold(axes, matches, label, threshold, look["color"])
    axes.plot([], [], "o", markerfacecolor="white", markeredgecolor=INK, label=f"threshold {threshold:.3f}")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2, frameon=False)
    clean_axes(axes)


def _mark_threshold(axes: Axes, matches: Matches, label: int, threshold: float, colour: str) -> None:
    above = (matches.label == label) & (matches.score > threshold)
    if above.any():
        tp = matches.right[above].sum()
        point = (tp / matches.num_truth[label], tp / above.sum())
        look = {"markerfacecolor": "white", "markeredgecolor": colour, "markeredgewidth": 2, "markersize": 7}
        axes.plot(*point, "o", **look)


def _panels(number: int, height: float, title: str) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels, each of that height in inches."""
    columns = min(number, PANELS_IN_A_ROW) or 1
    rows = -(-number // columns) or 1
    figure = new_figure(0.6 + 4.6 * columns, 0.5 + height * rows)
    figure.get_layout_engine().set(h_pad=0.1)
    figure.suptitle(plain(title), fontsize=11, color=INK)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[number:]:
        axes.set_visible(False)
    return figure, list(grid[:number])


def _within(tolerance: int) -> str:
    return "on the frame" if tolerance == 0 else f"within {tolerance} frame{'s' * (tolerance > 1)}"


def confusion_matrix(
    path: Path | str,
    truth: Sequence[Video],
    predictions: Sequence[Video],
    classes: Sequence[str],
    tolerance: int,
    threshold: float,
    title: str,
) -> None:
    """Write a picture of what is taken for what: a row per true class, a column per predicted one, see `confusion`.

    A cell has the number of events and its share of the row, so of the true events of a class; in the last row,
    of what is predicted where there is nothing, its share of the column.

    Args:
        predictions: after non-maximum suppression.

    Raises:
        UserError: the picture cannot be written, or the predictions are not for the videos of the truth.
    """
    (matches,) = match_events(truth, predictions, classes, [tolerance])
    table = confusion(matches, tolerance, threshold)
    none = len(classes)
    totals = np.concatenate([table[:none].sum(axis=1), [0]])[:, None] + np.zeros_like(table)
    totals[none] = table.sum(axis=0)
    share = table / np.maximum(totals, 1)
    side = min(1.15, 14 / (none + 1))  # inches
    figure = new_figure(2.6 + side * (none + 1), 2.1 + side * (none + 1))
    figure.suptitle(plain(f"{title}\n{_within(tolerance)}, scores above {threshold:.3f}"), fontsize=11, color=INK)
    axes = figure.subplots()
    for row in range(none + 1):
        for column in range(none + 1):
            if (row, column) != (none, none):
                _draw_cell(axes, row, column, table[row, column], share[row, column], side)
    _name_cells(axes, classes, table, side)
    figure.supxlabel("%: of the true events of a row; in the last row, of the predictions of a column", fontsize=9)
    save_figure(figure, path)


def _draw_cell(axes: Axes, row: int, column: int, count: int, share: float, side: float) -> None:
    from matplotlib.patches import Rectangle

    # right predictions have their class's colour, errors are grey: the deeper, the larger the share
    colour = class_colour(row) if row == column else GREY
    face = towards_white(colour, 0.9 * float(share) if count else 0.0)
    axes.add_patch(Rectangle((column, row), 1, 1, facecolor=face, edgecolor="#CFCFCF", linewidth=0.8, clip_on=False))
    if count:
        ink = ink_on(face)
        size = 9 * min(1.0, side)
        axes.text(column + 0.5, row + 0.42, f"{count}", ha="center", va="center", color=ink, fontsize=1.5 * size)
        axes.text(column + 0.5, row + 0.74, f"{share:.0%}", ha="center", va="center", color=ink, fontsize=size)


def _name_cells(axes: Axes, classes: Sequence[str], table: np.ndarray, side: float) -> None:
    none = len(classes)
    size = 10 * min(1.0, side)
    true, predicted = table.sum(axis=1), table.sum(axis=0)
    rows = [*(f"{name} ({true[i]})" for i, name in enumerate(classes)), "nothing there"]
    columns = [*(f"{name} ({predicted[i]})" for i, name in enumerate(classes)), "missed"]
    middles = np.arange(none + 1) + 0.5
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xticks(middles, [plain(name) for name in columns], fontsize=size)
    axes.set_yticks(middles, [plain(name) for name in rows], fontsize=size)
    if none > 4:
        axes.tick_params(axis="x", rotation=50)
        for tick in axes.get_xticklabels():
            tick.set(ha="left", rotation_mode="anchor")
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        for label, tick in enumerate(ticks[:none]):
            tick.set(color=class_colour(label), fontweight="bold")
    axes.set(xlim=(0, none + 1), ylim=(none + 1, 0), aspect="equal")
    axes.set_xlabel("predicted", fontsize=11, labelpad=8)
    axes.set_ylabel("true", fontsize=11, labelpad=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def offset_histogram(
    path: Path | str,
    truth: Sequence[Video],
    predictions: Sequence[Video],
    classes: Sequence[str],
    tolerance: int,
    threshold: float,
    title: str,
) -> None:
    """Write a picture of by how many frames right predictions are early or late: a panel per class.

    Args:
        predictions: after non-maximum suppression.

    Raises:
        UserError: the picture cannot be written, or the predictions are not for the videos of the truth.
    """
    (matches,) = match_events(truth, predictions, classes, [tolerance])
    counts = frame_offsets(matches, tolerance, threshold)
    labels = np.flatnonzero(matches.num_truth).tolist()
    title = f"{title}\nright {_within(tolerance)}, scores above {threshold:.3f}"
    figure, panels = _panels(len(labels), 3.6, title)
    for axes, label in zip(panels, labels, strict=True):
        axes.set_title(plain(classes[label]), color=class_colour(label), fontsize=11, fontweight="bold")
        _draw_offsets(axes, counts[label], int(matches.num_truth[label]), class_colour(label))
    save_figure(figure, path)


def _draw_offsets(axes: Axes, counts: np.ndarray, num_truth: int, colour: str) -> None:
    tolerance = len(counts) // 2
    offsets = np.arange(-tolerance, tolerance + 1)
    colours = [towards_white(colour, 0.55 if offset else 1.0) for offset in offsets]
    bars = axes.bar(offsets, counts, width=0.8, color=colours)
    axes.bar_label(bars, [str(count) if count else "" for count in counts], fontsize=8, padding=2, color=INK)
    text = f"{counts.sum()} of {num_truth} found"
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
    clean_axes(axes)
    axes.grid(visible=False, axis="x")
