"""What all pictures have in common: the colours of classes, the look of a diagram, and how a file is written."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from util.io import whole_file

if TYPE_CHECKING:  # matplotlib takes a second to import, and a script may end without a picture
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Distinct to people of any colour vision: six of Okabe and Ito (2008), and six more that are as far from these and
# from each other, in OKLab as it is and as people without red or green cones see it. Class i has colour i everywhere.
CLASS_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9",
                 "#960048", "#2222FF", "#00E1A5", "#7000A8", "#8778FF", "#874B00")
INK = "#222222"
GREY = "#8A8A8A"
DPI = 130
PANELS_IN_A_ROW = 3
LOOK = {"axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "axes.grid": True,
        "grid.color": "#E6E6E6", "grid.linewidth": 0.8, "axes.titlelocation": "left", "axes.titlesize": 10,
        "figure.titlesize": 11, "text.color": INK, "legend.frameon": False, "legend.fontsize": 9}


def class_colour(index: int) -> str:
    """The colour of a class, by its index from 0; from the thirteenth on they come again."""
    return CLASS_COLOURS[index % len(CLASS_COLOURS)]


def picture(draw: Callable[..., Figure]) -> Callable[..., None]:
    """Of a function that draws a figure, one that writes it in the look of the house; the path comes first.

    Raises:
        UserError: the picture cannot be written.
    """
    @wraps(draw)
    def write(path: Path | str, *args: Any, **options: Any) -> None:
        from matplotlib import rc_context

        with rc_context(LOOK):
            save_figure(draw(*args, **options), path)

    return write


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, size in inches, that needs no screen."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def new_panels(names: Sequence[str], labels: Sequence[int], height: float, **shared: bool) -> tuple[Figure, list[Axes]]:
    """A figure with a panel of that height, in inches, for each of some classes, under its name in its colour."""
    columns = min(len(labels), PANELS_IN_A_ROW) or 1
    rows = -(-len(labels) // columns) or 1
    figure = new_figure(0.6 + 4.6 * columns, 0.5 + height * rows)
    figure.get_layout_engine().set(h_pad=0.1)
    panels = figure.subplots(rows, columns, squeeze=False, **shared).ravel().tolist()
    for axes in panels[len(labels) :]:
        axes.set_visible(False)
    for axes, name, label in zip(panels, names, labels, strict=False):
        axes.set_title(plain(name), color=class_colour(label), fontsize=11, fontweight="bold")
    return figure, panels[: len(labels)]


def save_figure(figure: Figure, path: Path | str) -> None:
    """Write a picture, whole or not at all. A letter that the font lacks, as in an emoji, is drawn as a box."""
    with whole_file(path) as scratch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure.savefig(scratch)


def plain(text: str) -> str:
    """Text in which a dollar sign starts no formula, and that a legend shows even where it begins with a line."""
    return (" " if text.startswith("_") else "") + text.replace("$", r"\$")


def towards_white(colour: str, strength: float) -> tuple[float, ...]:
    """A paler colour; strength 1 leaves it as it is."""
    from matplotlib.colors import to_rgb

    return tuple(1 - strength * (1 - part) for part in to_rgb(colour))


def ink_on(colour: str | tuple[float, ...]) -> str:
    """The colour of text that can be read on that one: white or dark."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return "#FFFFFF" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else INK
