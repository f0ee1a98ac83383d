"""Pictures of labels are written for whatever labels there are."""

import numpy as np
import pytest
from conftest import read_image

from plots.labels import Curve, Lane, label_picture, motion_picture
from plots.style import class_colour

CLASSES = ["DRIVE", "PASS"]


def lane(name, frames, num_frames=1000, fps=25.0, split="train", classes=2):
    frames = np.array(frames, int)
    return Lane(name, split, num_frames, fps, frames, np.arange(len(frames)) % classes)


def colours_of(path):
    return {f"#{colour:06X}" for colour in np.unique(read_image(path).astype(int) @ [1, 256, 65536])}


LANES = {
    "two splits, two rates": [lane("a $x_1", range(5, 900, 40)), lane("b_1", [7, 7, 8], fps=30.0, split="test")],
    "unknown rate": [lane("a", range(5, 900, 40), fps=None), lane("b", [3])],
    "1,000 videos": [lane(f"v{i}", range(i % 9, 900, 300)) for i in range(1000)],
}


@pytest.mark.parametrize("lanes", LANES.values(), ids=LANES)
def test_labels_are_drawn_in_the_colours_of_their_classes(lanes, tmp_path):
    label_picture(tmp_path / "plots.png", lanes, CLASSES)
    assert {class_colour(0), class_colour(1)} <= colours_of(tmp_path / "plots.png")
    assert read_image(tmp_path / "plots.png").shape[0] < 3000


@pytest.mark.parametrize(("lanes", "classes"), [
    ([lane("empty", [])], CLASSES),
    ([], ["DRIVE"]),
    ([lane("a", range(100), fps=0.5, classes=14)], [f"class {i}" for i in range(14)]),
], ids=["no events", "no videos", "14 classes, a frame in two seconds"])
def test_odd_labels_are_drawn_too(lanes, classes, tmp_path):
    label_picture(tmp_path / "plots.png", lanes, classes)
    assert read_image(tmp_path / "plots.png").shape[1] > 1000


def test_motion_has_a_panel_for_each_class_and_shows_what_is_out_of_line(tmp_path):
    times = np.linspace(-1, 1, 61)
    alike = [Curve(f"v{i}", i % 2, 20, True, np.sin(times + i)) for i in range(6)]
    motion_picture(tmp_path / "alike.png", alike, CLASSES, times, "seconds")
    odd = [Curve(f"odd{i}", 1, 20, False, np.cos(times * (i + 1))) for i in range(5)]
    motion_picture(tmp_path / "odd.png", alike + odd, CLASSES, times, "seconds")
    assert {class_colour(0), class_colour(1)} <= colours_of(tmp_path / "odd.png")
    ink = [(read_image(tmp_path / f"{name}.png") == 0x22).all(-1).sum() for name in ("alike", "odd")]
    assert ink[1] > ink[0] + 1000
