"""Contact sheets: the right frames in the right places, a row an event, whatever the videos and classes are like."""

import numpy as np
import pytest
from conftest import pattern_frame, pattern_index, read_image, write_image

from checks import sheets
from checks.label_reading import LabelledVideo
from checks.sheets import draw_sheet, fitted, sample_events, write_sheets

COLOUR = "#0072B2"
SIZE = (192, 128)  # a frame of 96x64, on a sheet


def video(name, frames, num_frames=60, label="PASS", fps=25.0):
    events = [{"frame": frame, "label": label} for frame in frames]
    return LabelledVideo(name, "train", f"train.json: video {name!r}", num_frames, fps, None, events)


@pytest.fixture(scope="module")
def frame_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    for number in range(60):
        write_image(folder / "cup/a_1" / f"{number:06d}.jpg", pattern_frame(number))
    return folder


def cell(sheet, row, column):
    width, height = SIZE
    left = sheets.GAP + column * (width + sheets.GAP)
    top = sheets.HEADER + sheets.CAPTION + row * (sheets.CAPTION + height + 2 * sheets.GAP)
    return sheet[top : top + height, left : left + width]


def test_a_row_for_each_event_shows_its_frames_with_the_labelled_one_in_the_middle(frame_dir):
    one = video("cup/a_1", [20, 33, 55])
    sheet, _ = draw_sheet([(one, 0), (one, 1), (one, 2)], frame_dir, "PASS", COLOUR)
    for row, frame in enumerate([20, 33, 55]):
        assert [pattern_index(cell(sheet, row, column)) for column in range(9)] == list(range(frame - 4, frame + 5))
    row_height = sheets.CAPTION + SIZE[1] + 2 * sheets.GAP
    assert sheet.shape == (sheets.HEADER + 3 * row_height, sheets.GAP + 9 * (SIZE[0] + sheets.GAP), 3)


def test_the_middle_one_alone_is_framed_in_the_colour_of_the_class(frame_dir):
    sheet, _ = draw_sheet([(video("cup/a_1", [20]), 0)], frame_dir, "PASS", COLOUR)
    top = sheets.HEADER + sheets.CAPTION
    framed = [column for column in range(9)
              if (sheet[top - 2, sheets.GAP + column * (SIZE[0] + sheets.GAP) + 20] == (0xB2, 0x72, 0)).all()]
    assert framed == [4]


def test_frames_past_the_ends_are_blank(frame_dir):
    ends = video("cup/a_1", [1, 58])
    sheet, _ = draw_sheet([(ends, 0), (ends, 1)], frame_dir, "PASS", COLOUR)
    blank = np.full(3, int(sheets.BLANK[1:3], 16))
    is_blank = [[bool((cell(sheet, row, column)[8:-8, 8:-8] == blank).all()) for column in range(9)] for row in (0, 1)]
    assert is_blank == [[True] * 3 + [False] * 6, [False] * 6 + [True] * 3]
    assert pattern_index(cell(sheet, 0, 3)) == 0 and pattern_index(cell(sheet, 1, 5)) == 59


def test_missing_and_broken_frames_are_shown_as_such(frame_dir):
    (frame_dir / "holes").mkdir(exist_ok=True)
    for number in (9, 10):
        write_image(frame_dir / "holes" / f"{number:06d}.jpg", pattern_frame(number))
    (frame_dir / "holes/000011.jpg").write_bytes((frame_dir / "holes/000010.jpg").read_bytes()[:200])
    sheet, _ = draw_sheet([(video("holes", [10]), 0)], frame_dir, "PASS", COLOUR)
    gone = [bool((cell(sheet, 0, column)[4, 40:80] == int(sheets.GONE[1:3], 16)).all()) for column in range(9)]
    assert gone == [True] * 3 + [False] * 2 + [True] * 4
    none, _ = draw_sheet([(video("not/there", [10]), 0)], frame_dir, "PASS", COLOUR)
    assert none.shape[1] > 9 * sheets.SMALLEST


def test_what_a_model_does_not_see_is_darkened(frame_dir):
    """A square of 64 pixels in frames of 96x64, shown at twice the size."""
    sample = [(video("cup/a_1", [20]), 0)]
    (whole, _), (part, _) = (draw_sheet(sample, frame_dir, "PASS", COLOUR, crop) for crop in (None, 64))
    whole, part = (cell(sheet, 0, 4) for sheet in (whole, part))
    assert (part[4:-4, 34:158] == whole[4:-4, 34:158]).all()
    for outside in (np.s_[4:-4, 4:30], np.s_[4:-4, 162:-4]):
        assert (part[outside] == whole[outside] // 2).all()
    all_of_it, _ = draw_sheet(sample, frame_dir, "PASS", COLOUR, 96)
    assert (cell(all_of_it, 0, 4) == whole).all()


def test_the_place_of_an_event_has_a_ring_in_its_frame_alone(frame_dir):
    one, ringed = video("cup/a_1", [20]), video("cup/a_1", [20])
    ringed.events[0]["xy"] = [0.25, 0.5]  # 48 and 64 pixels of 192x128
    (plain, _), (marked, _) = (draw_sheet([(each, 0)], frame_dir, "PASS", COLOUR) for each in (one, ringed))
    changed = (cell(plain, 0, 4) != cell(marked, 0, 4)).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert abs(rows.mean() - 64) < 2 and abs(columns - 48).max() <= sheets.RING + 3 and not changed[60:69, 44:53].any()
    assert all((cell(plain, 0, column) == cell(marked, 0, column))[8:-8, 8:-8].all() for column in (3, 5))


@pytest.mark.parametrize(("size", "shown"), [((398, 224), (200, 113)), ((171, 96), (171, 96)), ((96, 64), (192, 128)),
                                             ((126, 224), (126, 224)), ((150, 84), (200, 112))])
def test_frames_are_brought_to_a_size_that_can_be_looked_at(size, shown):
    assert fitted(np.zeros((size[1], size[0], 3), np.uint8)).shape[1::-1] == shown


def test_events_are_drawn_from_every_video_and_all_of_its_time():
    videos = [video(f"m{i}", range(0, 1000, 10), 1000) for i in range(7)]
    sample = sample_events(videos, "PASS", 24, np.random.default_rng(0))
    counts = [sum(one is v for one, _ in sample) for v in videos]
    assert sum(counts) == 24 and set(counts) == {3, 4}
    for v in videos:
        frames = [v.events[i]["frame"] for one, i in sample if one is v]
        assert frames == sorted(frames) and frames[0] < 340 and frames[-1] >= 660
    assert len({i for _, i in sample_events(videos[:1], "PASS", 200, np.random.default_rng(0))}) == 100
    many = [video(f"m{i}", [5]) for i in range(1000)]
    assert len({one.name for one, _ in sample_events(many, "PASS", 24, np.random.default_rng(0))}) == 24


def test_pages_are_named_by_class_whatever_it_is_called(frame_dir, tmp_path):
    classes = ["a/b: <c>", "A/B: <c>", "none", "射门"]
    videos = [video("cup/a_1", range(10, 50), label=label) for label in classes if label != "none"]
    pages = write_sheets(tmp_path, videos, classes, frame_dir, per_class=30)
    names = [sheet.path.name for sheets in pages.values() for sheet in sheets]
    assert names == ["sheet-01-a_b_c_.jpg", "sheet-01-a_b_c_-2.jpg", "sheet-02-A_B_c_.jpg", "sheet-02-A_B_c_-2.jpg",
                     "sheet-04-射门.jpg", "sheet-04-射门-2.jpg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert read_image(tmp_path / names[0]).shape[0] > 3 * read_image(tmp_path / names[1]).shape[0]
