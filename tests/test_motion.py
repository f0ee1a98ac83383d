"""Motion between frames: what moves is measured, the camera's part taken out, and cuts told."""

import numpy as np
import pytest
from conftest import write_image

from checks.motion import CHANNELS, camera_cuts, measure_motion

ALL, REST, LOCAL = range(len(CHANNELS))
RNG = np.random.default_rng(0)
WALL = np.kron(RNG.integers(60, 200, (30, 60, 3)), np.ones((4, 4, 1))).astype(np.uint8)  # 240x120, to look at a part of


def view(left=40, ball=None):
    picture = WALL[20:100, left : left + 144].copy()
    if ball is not None:
        picture[ball : ball + 8, 60:68] = 255
    return picture


def write_frames(folder, pictures):
    for number, picture in enumerate(pictures):
        write_image(folder / f"{number:06d}.jpg", picture)


@pytest.fixture(scope="module")
def frame_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    write_frames(folder / "still", [view()] * 6)
    write_frames(folder / "pan", [view(20 + 4 * i) for i in range(6)])
    write_frames(folder / "ball", [view(ball=10 + 8 * i) for i in range(6)])
    return folder


def read(frame_dir, stretches, num_frames=6, workers=1):
    return measure_motion(frame_dir, stretches, dict.fromkeys(stretches, num_frames), workers)


def test_the_camera_is_taken_out_and_what_moves_in_one_place_stands_out(frame_dir):
    motion = read(frame_dir, {name: [(0, 6)] for name in ("still", "pan", "ball")})
    assert all(np.isnan(levels[0]).all() and not np.isnan(levels[1:]).any() for levels in motion.values())
    still, pan, ball = (motion[name][1:] for name in ("still", "pan", "ball"))
    assert still.max() < 0.5
    assert (pan[:, ALL] > 15).all() and (pan[:, REST] < 0.25 * pan[:, ALL]).all()
    assert (ball[:, ALL] < 2).all() and (ball[:, LOCAL] > 40).all()


def test_only_what_is_asked_for_is_read_and_processes_read_the_same(frame_dir):
    whole = read(frame_dir, {"pan": [(0, 6)]})["pan"]
    part = read(frame_dir, {"pan": [(1, 2), (3, 5)], "ball": [(0, 3)]}, workers=2)["pan"]
    known = ~np.isnan(part[:, ALL])
    assert known.tolist() == [False, True, False, True, True, False]
    assert (part[known] == whole[known]).all()


def test_missing_and_broken_frames_leave_gaps(tmp_path):
    write_frames(tmp_path / "a", [view(20 + 2 * i) for i in range(8)])
    (tmp_path / "a/000002.jpg").unlink()
    (tmp_path / "a/000005.jpg").write_bytes(b"no picture")
    write_image(tmp_path / "a/000007.jpg", view()[:40])
    motion = read(tmp_path, {"a": [(0, 8)], "gone": [(0, 8)]}, 8)
    assert np.isnan(motion["a"][:, ALL]).tolist() == [True, False, True, True, False, True, True, True]
    assert np.isnan(motion["gone"]).all()


def test_large_frames_are_compared_small_with_the_same_result(tmp_path):
    for name, factor in (("small", 1), ("large", 4)):
        pictures = [np.kron(view(20 + 4 * i), np.ones((factor, factor, 1), np.uint8)) for i in range(3)]
        write_frames(tmp_path / name, pictures)
    small, large = (levels[1:] for levels in read(tmp_path, {"small": [(0, 3)], "large": [(0, 3)]}, 3).values())
    assert np.allclose(small[:, ALL], large[:, ALL], rtol=0.2)


def test_frames_of_few_pixels_are_read(tmp_path):
    write_frames(tmp_path / "dot", [view()[:1, :1], view()[:1, 8:9]])
    assert not np.isnan(read(tmp_path, {"dot": [(0, 2)]}, 2)["dot"][1]).any()


def test_a_cut_is_told_from_a_pan_and_a_flash():
    change = np.full(100, 3.0) + RNG.random(100)
    change[30] = 40  # a cut
    change[60:62] = 40  # a flash: there and back
    change[80:] = 30  # the camera swings round
    motion = np.repeat(change[:, None], len(CHANNELS), 1)
    motion[10:14] = np.nan
    assert np.flatnonzero(camera_cuts(motion)).tolist() == [30]
    assert not camera_cuts(np.full((5, 3), np.nan)).any()
