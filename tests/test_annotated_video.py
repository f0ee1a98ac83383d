"""The copy of a video that shows its events: what is drawn, where and when."""

import av
import numpy as np
import pytest

from footage.annotated_video import Overlay, write_annotated
from plots.style import class_colour
from util.errors import UserError

CLASSES = ["DRIVE", "PASS"]
EVENTS = [
    {"label": "PASS", "frame": 110, "score": 0.9, "seconds": 4.4},
    {"label": "DRIVE", "frame": 150, "score": 0.6, "seconds": 6.0},
]
SHAPE = (180, 320, 3)


def rgb(label):
    return [int(class_colour(CLASSES.index(label))[i : i + 2], 16) for i in (1, 3, 5)]


def drawn(number):
    """A green picture with what is drawn on frame `number` of 100 to 199; banners stay for 25 frames."""
    picture = np.full(SHAPE, (0, 128, 0), np.uint8)
    Overlay(SHAPE, EVENTS, CLASSES, 100, 100, 25).draw(picture, number)
    return picture


def holds(part, label):
    return bool((part == rgb(label)).all(axis=-1).any())


def test_a_banner_stands_from_the_frame_of_its_event_on_and_goes():
    banner = {number: drawn(number)[6:40, 6:160] for number in (109, 110, 134, 135, 150)}
    assert [holds(banner[number], "PASS") for number in banner] == [False, True, True, False, False]
    assert holds(banner[150], "DRIVE") and not holds(banner[110], "DRIVE")


def test_a_banner_fits_into_a_picture_that_is_higher_than_wide():
    picture = np.full((480, 270, 3), (0, 128, 0), np.uint8)
    Overlay(picture.shape, EVENTS, CLASSES, 100, 100, 25).draw(picture, 111)
    row = (picture[20] == rgb("PASS")).all(axis=-1)
    assert row[100:200].any() and not row[-12:].any()
    wide = (picture[12:60] == 255).all(axis=-1).any(axis=0)  # the letters, up to the score
    assert wide[200:250].any()


def test_the_frame_of_an_event_has_an_edge_in_the_colour_of_its_class():
    assert drawn(110)[60, 0].tolist() == rgb("PASS") and drawn(110)[60, -1].tolist() == rgb("PASS")
    assert drawn(111)[60, 0].tolist() == [0, 128, 0]


def test_the_timeline_marks_each_event_where_it_is_and_the_frame_that_is_shown():
    strip = drawn(175)[-3]
    assert strip[round(10 / 99 * 319)].tolist() == rgb("PASS")
    assert (strip == rgb("PASS")).all(axis=-1).sum() == 2  # H.264 halves the columns of colour
    assert strip[round(50 / 99 * 319)].tolist() == rgb("DRIVE")
    dark = np.flatnonzero(strip.max(axis=-1) < 60)
    assert set(dark) <= {round(75 / 99 * 319) - 1, round(75 / 99 * 319)} and len(dark)


def test_times_of_a_changing_rate_are_kept_and_odd_sizes_cut_even(tmp_path):
    seconds = [2.0, 2.04, 2.5, 2.52, 3.9]
    pictures = [(at, np.full((51, 65, 3), 40 * i, np.uint8)) for i, at in enumerate(seconds)]
    write_annotated(tmp_path / "m.mp4", pictures, [], CLASSES, 50, 5, 25.0)
    with av.open(tmp_path / "m.mp4") as container:
        frames = list(container.decode(video=0))
    assert [round(float(frame.time), 3) for frame in frames] == [0, 0.04, 0.5, 0.52, 1.9]
    assert (frames[0].width, frames[0].height) == (64, 50)


def test_a_copy_that_cannot_be_put_in_place_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "m.mp4").mkdir()
    with pytest.raises(UserError, match=r"m\.mp4: cannot be written"):
        write_annotated(tmp_path / "m.mp4", [(0.0, np.zeros(SHAPE, np.uint8))], [], CLASSES, 0, 1, 25.0)
    assert [path.name for path in tmp_path.iterdir()] == ["m.mp4"]
