"""A picture of the events of a video along time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plots.style import GREY, INK, class_colour, new_figure, plain, save_figure
from util.events import Event, Video
from util.score import match_events

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_LANES = 80  # in all rows; a PNG can be no higher than 65535 pixels


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
    figure = new_figure(13, 0.9 + num_rows * (0.45 + 0.55 * len(classes)))
    figure.suptitle(plain(f"{video['video']}, within {tolerance} frames"), fontsize=11, color=INK)
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
    save_figure(figure, path)


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
    axes.set_yticks([len(classes) - 0.5 - i for i in range(len(classes))], [plain(name) for name in classes])
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
