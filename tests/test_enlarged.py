"""Frames of the sheets at the resolution of videos: each cell opens the frame that it shows; what has none is said."""

import re

import pytest
from conftest import pattern_index, read_image, run_here, user_error
from encoded import encode

import check_data
from checks import enlarged
from dataset.video_record import frame_name
from footage.frame_folders import extract_frames
from footage.raw_videos import FrameOptions
from util.io import write_json

SIZE = (480, 320)
LINK = re.compile(r'<a class="cell" href="([^"]+)" title="(\S+) · frame (\d+) \((?:label|([+-]\d))\)" '
                  r'style="left:(\S+)%;top:(\S+)%;width:(\S+)%;height:(\S+)%">')


@pytest.fixture
def world(tmp_path):
    """Two videos with frames at ten a second, one of which has its file."""
    for name in ("cup/a_1", "cup/a_2"):
        path = encode(tmp_path / f"Videos/{name}.mp4", num_frames=60, size=SIZE)
        extract_frames(path, tmp_path / "Frames" / name, FrameOptions(64, 10), 1)
    (tmp_path / "Videos/cup/a_2.mp4").unlink()
    (tmp_path / "small").mkdir()
    (tmp_path / "small/class.txt").write_text("PASS\n")
    write_json(tmp_path / "small/train.json", [
        {"video": name, "num_frames": 24, "num_events": 2, "fps": 10.0,
         "events": [{"frame": frame, "label": "PASS"} for frame in (1, 15)]} for name in ("cup/a_1", "cup/a_2")])
    return tmp_path


def check(world, *more):
    return run_here(check_data, world / "small", world / "Frames", "--sheet", world / "sheets", *more)


def page(world):
    return (world / "sheets/index.html").read_text(encoding="utf-8")


def test_a_click_on_a_cell_opens_its_frame_as_it_is_in_the_video(world):
    check(world, "--videos", world / "Videos")
    links = LINK.findall(page(world))
    assert [int(frame) for _, _, frame, *_ in links] == [*range(6), *range(11, 20)]
    sheet = read_image(world / "sheets/sheet-01-PASS.jpg")
    for href, video, frame, offset, *box in links:
        picture = read_image(world / "sheets" / href)
        shown = pattern_index(read_image(world / "Frames" / video / frame_name(int(frame))))
        assert picture.shape[1::-1] == SIZE and pattern_index(picture) == shown and video == "cup/a_1"
        left, top, width, height = (float(part) / 100 for part in box)
        (tall, wide), (x, y) = sheet.shape[:2], (round(left * sheet.shape[1]), round(top * sheet.shape[0]))
        assert pattern_index(sheet[y : y + round(height * tall), x : x + round(width * wide)]) == shown
        assert int(frame) - int(offset or 0) in (1, 15)
    assert "No video file of cup/a_2: its frames are not enlarged." in page(world)


def test_of_too_many_those_nearest_to_the_labels_are_enlarged(world, monkeypatch):
    monkeypatch.setattr(enlarged, "MOST_PICTURES", 7)
    check(world, "--videos", world / "Videos")
    assert [int(frame) for _, _, frame, *_ in LINK.findall(page(world))] == [0, 1, 2, 14, 15, 16]
    assert "Of 15 frames 6 are enlarged, up to 1 from a label" in page(world)
    check(world)
    assert not LINK.findall(page(world)) and "With --videos DIR" in page(world)
    assert not (world / "sheets/enlarged").exists()


def test_of_a_video_that_ends_early_the_frames_before_are_enlarged(world, monkeypatch):
    read = enlarged.Cursor.read
    monkeypatch.setattr(enlarged.Cursor, "read", lambda self: read(self) if self.next < 40 else None)
    check(world, "--videos", world / "Videos")
    assert [int(frame) for _, _, frame, *_ in LINK.findall(page(world))] == [*range(6), *range(11, 16)]
    assert "its frames are not enlarged from there on." in page(world)


def test_options_that_ask_for_nothing_are_refused(world):
    done = run_here(check_data, world / "small", "--videos", world / "Videos")
    assert done.returncode == 2 and "goes with FRAME_DIR and --sheet" in done.stderr
    (world / "empty").mkdir()
    assert "no video files found" in user_error(check(world, "--videos", world / "empty"))
