"""Pictures of losses, precision-recall curves and the events of a video along time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from util.events import Event, Video
from util.io import whole_file
from util.score import match_events, precision_recall

if TYPE_CHECKING:  # matplotlib takes a second to import, and a script may end without a picture
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Told apart by people of any colour vision (Okabe and Ito, 2008); class i has colour i in every picture.
CLASS_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
INK = "#222222"
GREY = "#8A8A8A"
DPI = 130
MAX_LANES = 80  # of a timeline, in all rows; a PNG can be no higher than 65535 pixels


def class_colour(index: int) -> str:
    """The colour of a class, by its index from 0; from the seventh on they come again."""
    return CLASS_COLOURS[index % len(CLASS_COLOURS)]


def _figure(width: float, height: float) -> Figure:
    """An empty figure, size in inches, that needs no screen."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def _save(figure: Figure, path: Path | str) -> None:
    with whole_file(path) as scratch:
        figure.savefig(scratch)


def _plain(text: str) -> str:
    """Text in which a dollar sign starts no formula."""
    return text.replace("$", r"\$")


def _clean(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#E6E6E6", linewidth=0.8)
    axes.set_axisbelow(True)


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
    columns = min(len(labels), 3) or 1
    rows = -(-len(labels) // columns) or 1
    legend_rows = len(tolerances) // 2 + 1
    figure = _figure(0.6 + 4.6 * columns, 0.5 + (4.9 + 0.2 * legend_rows) * rows)
    figure.suptitle(_plain(title), fontsize=11, color=INK)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(labels) :]:
        axes.set_visible(False)
    for axes, label in zip(grid, labels, strict=False):
        name = f"{classes[label]} ({matched[0].num_truth[label]} true events)"
        axes.set_title(_plain(name), color=class_colour(label), fontsize=11, fontweight="bold")
        _draw_curves(axes, matched, label, tolerances, threshold)
    _save(figure, path)


def _draw_curves(
    axes: Axes, matched: Sequence[Any], label: int, tolerances: Sequence[int], threshold: float
) -> None:
    styles = ["-", "--", "-.", ":"]
    for i, (matches, tolerance) in enumerate(zip(matched, tolerances, strict=True)):
        strength = 1 - 0.55 * i / max(len(tolerances) - 1, 1)  # the strictest is the darkest
        look = {"color": _towards_white(class_colour(label), strength), "linestyle": styles[i % 4]}
        precision, recall = precision_recall(matches, label)
        ap = precision.sum() / matches.num_truth[label]
        where = "on the frame" if tolerance == 0 else f"within {tolerance} frame{'s' * (tolerance > 1)}"
        # each step of recall has the precision at its end; past the last the curve falls to 0
        end = recall[-1:]
        x = np.concatenate([[0.0], recall, end])
        y = np.concatenate([precision[:1], precision, np.zeros(len(end))])
        axes.step(x[: len(y)], y, where="pre", linewidth=2, label=f"{where}: AP {100 * ap:.1f}", **look)
        _mark_threshold(axes, matches, label, threshold, look["color"])
    axes.plot([], [], "o", markerfacecolor="white", markeredgecolor=INK, label=f"threshold {threshold:.3f}")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    axes.legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2, frameon=False)
    _clean(axes)


def _mark_threshold(axes: Axes, matches: Any, label: int, threshold: float, colour: str) -> None:
    above = (matches.label == label) & (matches.score > threshold)
    if above.any():
        tp = matches.right[above].sum()
        point = (tp / matches.num_truth[label], tp / above.sum())
        look = {"markerfacecolor": "white", "markeredgecolor": colour, "markeredgewidth": 2, "markersize": 7}
        axes.plot(*point, "o", **look)


def _towards_white(colour: str, strength: float) -> tuple[float, ...]:
    from matplotlib.colors import to_rgb

    return tuple(1 - strength * (1 - part) for part in to_rgb(colour))


def losses(path: Path | str, rows: Sequence[dict[str, Any]]) -> None:
    """Write a picture of training: the losses, and val mAP, by epoch.

    Args:
        rows: loss.json, [{"epoch", "train", "val", "val_mAP"}]; the last two may be missing or None.

    Raises:
        UserError: the picture cannot be written.
    """
    figure = _figure(7, 6)
    above, below = figure.subplots(2, 1, sharex=True)
    for key, look in (("train", {"color": GREY, "marker": "o"}), ("val", {"color": INK, "marker": "s"})):
        epochs, values = _series(rows, key)
        above.plot(epochs, values, markersize=4, linewidth=2, label=f"{key} loss", **look)
    above.set(ylabel="loss")
    above.set_ylim(bottom=0)
    above.legend(fontsize=9)
    epochs, values = _series(rows, "val_mAP")
    below.plot(epochs, 100 * values, color=CLASS_COLOURS[0], marker="o", markersize=4, linewidth=2)
    if len(values) and values.max() > 0:
        best = int(values.argmax())
        below.plot(epochs[best], 100 * values[best], "*", color=CLASS_COLOURS[1], markersize=15)
        text = f"best: {100 * values[best]:.1f} at epoch {epochs[best]}"
        below.set_title(text, loc="right", fontsize=9, color=CLASS_COLOURS[1])
    below.set(ylabel="val mAP (%)", xlabel="epoch")
    below.set_ylim(bottom=0)
    below.xaxis.get_major_locator().set_params(integer=True)
    for axes in (above, below):
        _clean(axes)
    _save(figure, path)


def _series(rows: Sequence[dict[str, Any]], key: str) -> tuple[np.ndarray, np.ndarray]:
    kept = [(row["epoch"], row[key]) for row in rows if row.get(key) is not None]
    return np.array([epoch for epoch, _ in kept], int), np.array([value for _, value in kept], float)


def timeline(
    path: Path | str,
    video: Video,
    predicted: Sequence[Event],
    classes: Sequence[str],
    *,
    scores: np.ndarray | None = None,
    tolerance: int = 2,
    start: int = 0,
    stop: int | None = None,
    frames_per_row: int = 1000,
) -> None:
    """Write a picture of a video's events along time: a lane per class, in rows as text is.

    A triangle on a line is a true event, full where it was found and open where it was missed. A dot is a
    right prediction, a cross a wrong one, at the height of its score.

    Args:
        video: {"video", "fps", "num_frames", "events": [{"frame", "label"}]}.
        predicted: [{"label", "frame", "score"}], those that are to be judged: after non-maximum suppression
            and above the threshold.
        scores: float (num_frames, K+1), index 0 background, drawn as curves.
        tolerance: frames up to which a prediction is right.
        start, stop: the frames that are shown, `stop` not included; all by default.
        frames_per_row: more than that where there would be too many lanes.

    Raises:
        UserError: the picture cannot be written.
    """
    stop = min(stop or video["num_frames"], video["num_frames"])
    max_rows = max(1, MAX_LANES // len(classes))
    frames_per_row = max(frames_per_row, -(-(stop - start) // max_rows))
    num_rows = max(-(-(stop - start) // frames_per_row), 1)
    figure = _figure(13, 0.9 + num_rows * (0.45 + 0.55 * len(classes)))
    figure.suptitle(_plain(f"{video['video']}, within {tolerance} frames"), fontsize=11, color=INK)
    marks = judge(video, predicted, classes, tolerance)
    grid = figure.subplots(num_rows, 1, squeeze=False).ravel()
    for row, axes in enumerate(grid):
        first = start + row * frames_per_row
        last = min(first + frames_per_row, stop)
        _draw_lanes(axes, classes, first, last, scores)
        for mark in marks:
            if first <= mark["frame"] < last:
                _draw_mark(axes, mark, len(classes))
        _time_axis(axes, first, first + min(frames_per_row, stop - start), video.get("fps", -1))
    _timeline_legend(figure)
    _save(figure, path)


def judge(
    video: Video, predicted: Sequence[Event], classes: Sequence[str], tolerance: int
) -> list[dict[str, Any]]:
    """What is to be drawn: [{"kind": found, missed, right or wrong, "label": from 0, "frame", "score"}]."""
    ranked = sorted(predicted, key=lambda event: -event["score"])
    guess = {"video": video["video"], "events": ranked}
    (matches,) = match_events([video], [guess], classes, [tolerance])
    true_kinds = np.where(matches.found, "found", "missed")
    kinds = np.where(matches.right, "right", "wrong")
    return [
        {**event, "kind": str(kind), "label": classes.index(event["label"])}
        for event, kind in zip([*video["events"], *ranked], [*true_kinds, *kinds], strict=True)
    ]


# Form tells the kinds apart, also in black and white.
_MARKS = {
    "found": {"marker": "v", "markersize": 8},
    "missed": {"marker": "v", "markersize": 8, "markerfacecolor": "white", "markeredgewidth": 1.6},
    "right": {"marker": "o", "markersize": 7, "markeredgecolor": "white"},
    "wrong": {"marker": "x", "markersize": 7, "markeredgewidth": 2},
}
_MEANING = {
    "found": "true event, found",
    "missed": "true event, missed",
    "right": "prediction, right (height: score)",
    "wrong": "prediction, wrong",
}
_CURVE = 0.7  # height of a score of 1 in a lane of height 1; the truth is above
_TRUTH = 0.86


def _draw_lanes(
    axes: Axes, classes: Sequence[str], first: int, last: int, scores: np.ndarray | None
) -> None:
    for label in range(len(classes)):
        floor = len(classes) - 1 - label
        axes.axhline(floor, color=GREY, linewidth=0.8)
        if scores is not None:
            heights = floor + _CURVE * scores[first:last, label + 1]
            frames = np.arange(first, first + len(heights))
            axes.fill_between(frames, floor, heights, color=class_colour(label), alpha=0.3, linewidth=0)
            axes.plot(frames, heights, color=class_colour(label), linewidth=0.8, alpha=0.8)
    axes.set(ylim=(0, len(classes)))
    axes.set_yticks([len(classes) - 0.5 - i for i in range(len(classes))], [_plain(name) for name in classes])
    for tick, label in zip(axes.get_yticklabels(), range(len(classes)), strict=True):
        tick.set(color=class_colour(label), fontweight="bold")
    axes.tick_params(axis="y", length=0)


def _draw_mark(axes: Axes, mark: dict[str, Any], num_classes: int) -> None:
    floor = num_classes - 1 - mark["label"]
    colour = class_colour(mark["label"])
    if mark["kind"] in ("found", "missed"):
        axes.plot([mark["frame"]] * 2, [floor, floor + _TRUTH], color=INK, linewidth=0.9, zorder=3)
        height, colour = floor + _TRUTH, INK
    else:
        height = floor + _CURVE * mark["score"]
    look = {"markerfacecolor": colour, "markeredgecolor": colour, **_MARKS[mark["kind"]]}
    axes.plot(mark["frame"], height, linestyle="", zorder=4, clip_on=False, **look)


def _time_axis(axes: Axes, first: int, last: int, fps: float) -> None:
    """Frames below; if the frame rate is known, minutes and seconds in the same tick."""
    axes.set_xlim(first, last)
    axes.xaxis.get_major_locator().set_params(integer=True, nbins=12)

    def name(frame: float, _: int) -> str:
        if fps <= 0:
            return f"{frame:.0f}"
        minutes, tenths = divmod(round(10 * frame / fps), 600)
        return f"{frame:.0f}\n{minutes}:{tenths / 10:04.1f}"

    axes.xaxis.set_major_formatter(name)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _timeline_legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for kind, meaning in _MEANING.items():
        colour = INK if kind in ("found", "missed") else GREY  # in the lanes they have the class's colour
        look = {"markerfacecolor": colour, "markeredgecolor": colour, **_MARKS[kind]}
        handles.append(Line2D([], [], linestyle="", label=meaning, **look))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=9, frameon=False)
