"""A picture of the events of a video along time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.pairing import Pairing, within
from plots.style import GREY, INK, class_colour, new_figure, plain, save_figure
from util.events import Video

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_LANES = 80  # in all rows; a PNG can be no higher than 65535 pixels
FRAMES_PER_ROW = 1000  # at least; more where there would be too many lanes


def timeline_picture(
    path: Path | str, video: Video, pairing: Pairing, classes: Sequence[str], scores: np.ndarray | None = None
) -> None:
    """Write a picture of a video's events along time: a lane per class, in rows as text is.

    A triangle on a line is a true event, full where it was found and open where it was missed. A dot is a
    right prediction, a cross a wrong one, at the height of its score.

    Args:
        video: {"video", "num_frames"}, and "fps" where it is known.
        pairing: of this video's events, after suppression and above the threshold.
        scores: float (K, num_frames), drawn as curves.

    Raises:
        UserError: the picture cannot be written.
    """
    num_frames = video["num_frames"]
    frames_per_row = max(FRAMES_PER_ROW, -(-num_frames // max(1, MAX_LANES // len(classes))))
    num_rows = max(-(-num_frames // frames_per_row), 1)
    figure = new_figure(13, 0.9 + num_rows * (0.45 + 0.55 * len(classes)))
    figure.suptitle(plain(f"{video['video']}, {within(pairing.tolerance)}"), fontsize=11, color=INK)
    for row, axes in enumerate(figure.subplots(num_rows, 1, squeeze=False).ravel()):
        first = row * frames_per_row
        last = min(first + frames_per_row, num_frames)
        _draw_lanes(axes, classes, first, last, scores)
        _draw_events(axes, pairing, first, last)
        _time_axis(axes, first, first + min(frames_per_row, num_frames), video.get("fps", -1))
    _timeline_legend(figure)
    save_figure(figure, path)


# The form of a mark shows its kind, also in black and white.
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


def _draw_lanes(axes: Axes, classes: Sequence[str], first: int, last: int, scores: np.ndarray | None) -> None:
    for label in range(len(classes)):
        floor = len(classes) - 1 - label
        axes.axhline(floor, color=GREY, linewidth=0.8)
        if scores is not None:
            heights = floor + _CURVE * scores[label, first:last]
            frames = np.arange(first, last)
            axes.fill_between(frames, floor, heights, color=class_colour(label), alpha=0.3, linewidth=0)
            axes.plot(frames, heights, color=class_colour(label), linewidth=0.8, alpha=0.8)
    axes.set(ylim=(0, len(classes)))
    axes.set_yticks([len(classes) - 0.5 - i for i in range(len(classes))], [plain(name) for name in classes])
    for label, tick in enumerate(axes.get_yticklabels()):
        tick.set(color=class_colour(label), fontweight="bold")
    axes.tick_params(axis="y", length=0)


def _draw_events(axes: Axes, pairing: Pairing, first: int, last: int) -> None:
    """The true and the predicted events from the frame `first` to `last`, not included."""
    for events, good, kinds in (
        (pairing.true, pairing.found, ("found", "missed")),
        (pairing.predicted, pairing.right, ("right", "wrong")),
    ):
        for row in np.flatnonzero((first <= events.frame) & (events.frame < last)):
            label, frame, kind = events.label[row], events.frame[row], kinds[0 if good[row] else 1]
            floor, colour = pairing.num_classes - 1 - label, class_colour(label)
            height = floor + _CURVE * events.score[row]
            if events is pairing.true:
                height, colour = floor + _TRUTH, INK
                axes.plot([frame] * 2, [floor, height], color=INK, linewidth=0.9, zorder=3)
            axes.plot(frame, height, linestyle="", zorder=4, clip_on=False, **_look(kind, colour))


def _look(kind: str, colour: str) -> dict[str, Any]:
    return {"markerfacecolor": colour, "markeredgecolor": colour, **_MARKS[kind]}


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

    colours = {"found": INK, "missed": INK}  # predictions have the class's colour in the lanes
    handles = [
        Line2D([], [], linestyle="", label=meaning, **_look(kind, colours.get(kind, GREY)))
        for kind, meaning in _MEANING.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=9, frameon=False)
