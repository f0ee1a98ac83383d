"""What pictures have in common: colours that tell classes apart, and text that is shown as it is."""

import os
import subprocess
import sys
import warnings
from itertools import combinations

import numpy as np
from conftest import REPO
from pictures import decoded, holds_colour

from plots.style import CLASS_COLOURS, class_colour, new_figure, plain, save_figure, towards_white


def test_the_first_classes_have_colours_far_apart_and_further_ones_the_same_again():
    rgb = [np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) for colour in CLASS_COLOURS]
    assert min(np.abs(one - other).sum() for one, other in combinations(rgb, 2)) > 80
    assert class_colour(len(CLASS_COLOURS) + 1) == class_colour(1)


def test_a_paler_colour_lies_on_the_way_to_white():
    assert towards_white("#204060", 1) == tuple(part / 255 for part in (0x20, 0x40, 0x60))
    assert towards_white("#204060", 0) == (1, 1, 1)


def test_a_letter_that_the_font_lacks_is_no_trouble(tmp_path):
    figure = new_figure(2, 1)
    figure.suptitle("cup \U0001f600 \u65e5")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_figure(figure, tmp_path / "name.png")
    assert decoded(tmp_path / "name.png").min() < 128


def test_a_home_that_cannot_be_written_is_not_spoken_of(tmp_path):
    """Matplotlib keeps its fonts elsewhere then, and says so where nobody has asked."""
    (tmp_path / "file").touch()
    code = "from plots.style import new_figure; new_figure(1, 1).savefig('a.png')"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True,
                          env=os.environ | {"MPLCONFIGDIR": str(tmp_path / "file"), "PYTHONPATH": str(REPO)})
    assert (done.returncode, done.stderr) == (0, "")


def test_a_name_is_shown_in_a_legend_though_it_begins_with_a_line(tmp_path):
    figure = new_figure(3, 2)
    figure.subplots().plot([0, 1], label=plain("_PASS"))
    assert [text.get_text() for text in figure.axes[0].legend().get_texts()] == [" _PASS"]


def test_dollar_signs_in_a_name_start_no_formula(tmp_path):
    figure = new_figure(2, 1)
    figure.suptitle(plain("cup $_1 and $\\bad{"), color=class_colour(1))
    save_figure(figure, tmp_path / "name.png")
    assert holds_colour(decoded(tmp_path / "name.png"), class_colour(1))
