"""What pictures have in common: colours that tell classes apart, and text that is shown as it is."""

import os
import subprocess
import sys
import warnings
from itertools import combinations

import numpy as np
import pytest
from conftest import REPO
from pictures import decoded, holds_colour

from plots.style import CLASS_COLOURS, class_colour, new_figure, plain, save_figure, towards_white

# What eyes without green (deuteranopia) and without red cones (protanopia) make of linear RGB: Machado et al., 2009
VISIONS = {"usual": np.eye(3),
           "no green": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
           "no red": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]}


def oklab(colours, vision):
    """Where "#RRGGBB" lie in OKLab (Ottosson, 2020), of which 1 is the way from black to white: float (N, 3)."""
    rgb = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ np.transpose(VISIONS[vision])
    cones = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]])
    to_lab = np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])
    return np.cbrt(linear.clip(0, 1) @ cones.T) @ to_lab.T


@pytest.mark.parametrize(("vision", "apart"), [("usual", 0.13), ("no green", 0.07), ("no red", 0.085)])
def test_twelve_classes_have_colours_that_anybody_tells_apart_and_further_ones_the_same_again(vision, apart):
    lab = oklab(CLASS_COLOURS, vision)
    assert len(lab) == 12 and min(np.linalg.norm(one - other) for one, other in combinations(lab, 2)) > apart
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
