"""The copy of a video that shows its events: what is drawn, where and when."""

import av
import numpy as np
import pytest
from encoded import encode

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


def drawn(number, shape=SHAPE, **options):
    """A green picture with what is drawn on frame `number` of 100 to 199; banners stay for 25 frames."""
    return Overlay(EVENTS, CLASSES, 100, 100, 25, **options).draw(green(shape), number, number / 25)


def green(shape=SHAPE):
    return np.full(shape, (0, 128, 0), np.uint8)


def holds(part, label):
    return bool((part == rgb(label)).all(axis=-1).any())


def test_a_banner_stands_from_the_frame_of_its_event_on_and_goes():
    banner = {number: drawn(number)[6:40, 6:160] for number in (109, 110, 134, 135, 150)}
    assert [holds(banner[number], "PASS") for number in banner] == [False, True, True, False, False]
    assert holds(banner[150], "DRIVE") and not holds(banner[110], "DRIVE")


def test_a_banner_fits_into_a_picture_that_is_higher_than_wide():
    picture = drawn(111, (480, 270, 3))
    row = (picture[20] == rgb("PASS")).all(axis=-1)
    assert row[100:200].any() and not row[-12:].any()
    wide = (picture[12:60] == 255).all(axis=-1).any(axis=0)  # the letters, up to the score
    assert wide[200:250].any()


def test_the_frame_of_an_event_has_an_edge_in_the_colour_of_its_class():
    assert drawn(110)[60, 0].tolist() == rgb("PASS") and drawn(110)[60, -1].tolist() == rgb("PASS")
    assert drawn(111)[60, 0].tolist() == [0, 128, 0]


def test_clock_and_events_stand_below_the_picture_and_cover_nothing_of_it():
    out = drawn(175)
    assert (out[:180] == green()).all() and out.shape[0] % 2 == 0 and 190 < out.shape[0] < 230
    strip = out[-3]
    assert strip[round(10 / 99 * 319)].tolist() == rgb("PASS")
    assert (strip == rgb("PASS")).all(axis=-1).sum() == 2  # H.264 halves the columns of colour
    assert strip[round(50 / 99 * 319)].tolist() == rgb("DRIVE")
    dark = np.flatnonzero(strip.max(axis=-1) < 60)
    assert set(dark) <= {round(75 / 99 * 319) - 1, round(75 / 99 * 319)} and len(dark)
    clock = [drawn(number)[180:190, 5:100] for number in (175, 176)]
    assert (clock[0] < 90).any() and (clock[0] != clock[1]).any()
    assert holds(out[180:192, 160:], "PASS") and holds(out[180:192, 160:], "DRIVE")  # which class has which colour


def test_the_square_that_the_model_saw_is_drawn_where_it_did_not_see_all():
    square = drawn(175, crop=0.5)
    white = np.argwhere((square[:180] == 255).all(axis=-1))
    assert white.min(axis=0).tolist() == [45, 115] and white.max(axis=0).tolist() == [134, 204]
    beyond = np.argwhere((drawn(175, crop=1.2)[:180] == 255).all(axis=-1))  # higher than a frame, and not so wide
    assert beyond.min(axis=0).tolist() == [0, 52] and beyond.max(axis=0).tolist() == [179, 267]
    assert (drawn(175, crop=2.0)[:180] == green()).all()


def test_the_sound_stays_where_it_was_and_colours_are_those_of_the_page(tmp_path):
    tone = encode(tmp_path / "tone.mp4", num_frames=75, sound=3, beep=2.0)
    pictures = [(n / 25, green()) for n in range(25, 75)]  # from one second on
    write_annotated(tmp_path / "m.mp4", pictures, [{**EVENTS[0], "frame": 125}], CLASSES, 125, 50, 25.0, sound=tone)
    with av.open(tmp_path / "m.mp4") as container:
        loud = [(frame.time, np.abs(frame.to_ndarray()).max()) for frame in container.decode(audio=0)]
    heard = [at for at, volume in loud if volume > 0.1]
    assert min(heard) == pytest.approx(1.0, abs=0.05) and max(at for at, _ in loud) == pytest.approx(2.0, abs=0.05)
    with av.open(tmp_path / "m.mp4") as container:
        frame = next(container.decode(video=0))
    assert frame.colorspace == 1  # BT.709, as players take HD to be
    edge = frame.reformat(format="rgb24", src_colorspace="ITU709", dst_colorspace="ITU709").to_ndarray()[60, 1]
    assert np.abs(edge.astype(int) - rgb("PASS")).max() < 20


def test_a_video_without_sound_or_with_a_broken_one_gets_none(tmp_path):
    for source in (encode(tmp_path / "mute.mp4", num_frames=10),):
        write_annotated(tmp_path / "m.mp4", [(0.0, green())], [], CLASSES, 0, 1, 25.0, sound=source)
        with av.open(tmp_path / "m.mp4") as container:
            assert not container.streams.audio and len(list(container.decode(video=0))) == 1


def test_times_of_a_changing_rate_are_kept_and_odd_sizes_cut_even(tmp_path):
    seconds = [2.0, 2.04, 2.5, 2.52, 3.9]
    pictures = [(at, np.full((51, 65, 3), 40 * i, np.uint8)) for i, at in enumerate(seconds)]
    write_annotated(tmp_path / "m.mp4", pictures, [], CLASSES, 50, 5, 25.0)
    with av.open(tmp_path / "m.mp4") as container:
        frames = list(container.decode(video=0))
    assert [round(float(frame.time), 3) for frame in frames] == [0, 0.04, 0.5, 0.52, 1.9]
    assert frames[0].width == 64 and frames[0].height % 2 == 0 and 60 < frames[0].height < 90


def test_a_copy_that_cannot_be_put_in_place_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "m.mp4").mkdir()
    with pytest.raises(UserError, match=r"m\.mp4: cannot be written"):
        write_annotated(tmp_path / "m.mp4", [(0.0, np.zeros(SHAPE, np.uint8))], [], CLASSES, 0, 1, 25.0)
    assert [path.name for path in tmp_path.iterdir()] == ["m.mp4"]
