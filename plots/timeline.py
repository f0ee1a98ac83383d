"""A picture of the events of a video along time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.pairing import Pairing, within
from plots.style import GREY, INK, class_colour, new_figure, picture, plain
from util.events import Video

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_LANES = 80  # in all rows; a PNG can be no higher than 65535 pixels
FRAMES_PER_ROW = 1000  # at least; more where there would be too many lanes


@picture
def timeline_picture(
    video: Video, pairing: Pairing, classes: Sequence[str], scores: np.ndarray | None = None
) -> Figure:
    """A video's events along time: a lane per class, in rows as text is.

    A triangle on a line is a true event, full where it was found and open where it was missed. A dot is a
    right prediction, a cross a wrong one, at the height of its score.

    Args:
        video: {"video", "num_frames"}, and "fps" where it is known.
        pairing: of this video's events, after suppression and above the threshold.
        scores: float (K, num_frames), drawn as curves.
    """
    num_frames = video["num_frames"]
    frames_per_row = max(FRAMES_PER_ROW, -(-num_frames // max(1, MAX_LANES // len(classes))))
    num_rows = max(-(-num_frames // frames_per_row), 1)
    figure = new_figure(13, 0.9 + num_rows * (0.45 + 0.55 * len(classes)))
    figure.suptitle(plain(f"{video['video']}, {within(pairing.tolerance)}"))
    for row, axes in enumerate(figure.subplots(num_rows, 1, squeeze=False).ravel()):
        first = row * frames_per_row
        last = min(first + frames_per_row, num_frames)
        _draw_lanes(axes, classes, first, last, scores)
        _draw_events(axes, pairing, first, last)
        _time_axis(axes, first, first + min(frames_per_row, num_frames), video.get("fps", -1))
    _timeline_legend(figure)
    return figure


# The form of a mark shows its kind, also in black and white.
_LOOKS = {
    "true event, found": {"marker": "v", "markersize": 8},
    "true event, missed": {"marker": "v", "markersize": 8, "markerfacecolor": "white", "markeredgewidth": 1.6},
    "prediction, right (height: score)": {"marker": "o", "markersize": 7, "markeredgecolor": "white"},
    "prediction, wrong": {"marker": "x", "markersize": 7, "markeredgewidth": 2},
}
_CURVE = 0.7  # height of a score of 1 in a lane of height 1; the truth is above
_TRUTH = 0.86


def _draw_lanes(axes: Axes, classes: Sequence[str], first: int, last: int, scores: np.ndarray | None) -> None:
    floors = np.arange(len(classes))[::-1]
    for label, floor in enumerate(floors):
        axes.axhline(floor, color=GREY, linewidth=0.8)
        if scores is not None:
            frames, heights = np.arange(first, last), floor + _CURVE * scores[label, first:last]
            axes.fill_between(frames, floor, heights, color=class_colour(label), alpha=0.3, linewidth=0)
            axes.plot(frames, heights, color=class_colour(label), linewidth=0.8, alpha=0.8)
    axes.set(ylim=(0, len(classes)))
    axes.set_yticks(floors + 0.5, [plain(name) for name in classes])
    for label, tick in enumerate(axes.get_yticklabels()):
        tick.set(color=class_colour(label), fontweight="bold")
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False)


def _draw_events(axes: Axes, pairing: Pairing, first: int, last: int) -> None:
    """The true and the predicted events from the frame `first` to `last`, not included."""
    kinds = ((pairing.true, pairing.found), (pairing.true, ~pairing.found),
             (pairing.predicted, pairing.right), (pairing.predicted, ~pairing.right))
    for (events, of_kind), look in zip(kinds, _LOOKS.values(), strict=True):
        shown = events.take(of_kind & (first <= events.frame) & (events.frame < last))
        floor = pairing.num_classes - 1 - shown.label
        if events is pairing.true:
            axes.vlines(shown.frame, floor, floor + _TRUTH, color=INK, linewidth=0.9, zorder=3)
        for label in np.unique(shown.label):
            here, colour = shown.label == label, INK if events is pairing.true else class_colour(label)
            height = _TRUTH if events is pairing.true else _CURVE * shown.score[here]
            axes.plot(shown.frame[here], floor[here] + height, zorder=4, clip_on=False, **_mark(look, colour))


def _mark(look: dict[str, Any], colour: str) -> dict[str, Any]:
    return {"linestyle": "", "markerfacecolor": colour, "markeredgecolor": colour, **look}


def _time_axis(axes: Axes, first: int, last: int, fps: float) -> None:
    """Frames below; if the frame rate is known, minutes and seconds in the same tick."""
    def name(frame: float, _: int) -> str:
        minutes, tenths = divmod(round(10 * frame / fps), 600)
        return f"{frame:.0f}\n{minutes}:{tenths / 10:04.1f}"

    axes.set_xlim(first, last)
    axes.xaxis.get_major_locator().set_params(integer=True, nbins=12)
    axes.xaxis.set_major_formatter(name if fps > 0 else "{x:.0f}")
    axes.tick_params(axis="x", labelsize=8)
    axes.spines.left.set_visible(False)


def _timeline_legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    # predictions have the class's colour in the lanes
    handles = [Line2D([], [], label=meaning, **_mark(look, INK if meaning.startswith("true") else GREY))
               for meaning, look in _LOOKS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
