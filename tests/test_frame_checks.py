"""Each defect in the folders of frames is found, and it alone; frames as prepare_data.py leaves them are clean."""

import json

import numpy as np
import pytest
from clean_labels import only
from conftest import complaint, write_image

from checks.frame_checks import folder_findings, list_folders, require_frames, unlabelled_findings
from checks.label_reading import as_video
from util.errors import number_of


@pytest.fixture
def frames(tmp_path):
    """Two videos, a of 40x30 and b of 44x30; what require_frames takes."""
    for name, width in (("a", 40), ("cup/b_1", 44)):
        for index in range(4):
            write_image(tmp_path / name / f"{index:06d}.jpg", np.zeros((30, width, 3), np.uint8))
    return tmp_path, [{"video": "a", "num_frames": 4}, {"video": "cup/b_1", "num_frames": 4}]


def test_frames_that_are_all_there_pass(frames):
    assert not require_frames(*frames, 30)
    assert not require_frames(frames[0], frames[1][:1], None)


def test_frames_smaller_than_the_crop_are_warned_of(frames, capsys):
    require_frames(*frames, 30)
    assert not capsys.readouterr().err
    require_frames(*frames, 31)
    assert "smaller than the crop of 31 are filled up with black, in 2 of 2 videos" in capsys.readouterr().err


def test_regions_must_be_smaller_than_what_they_are_cut_from(frames, capsys):
    require_frames(*frames, 28, region=7)
    assert not capsys.readouterr().err
    require_frames(*frames, 28, region=8)
    assert "regions of 8 pixels are a large part of 28; prepare_data.py --height 32" in capsys.readouterr().err
    assert "regions of 30 pixels do not fit into 30; prepare_data.py --height 120" in complaint(
        require_frames, frames[0], frames[1][:1], None, 30)


def test_frames_that_cannot_be_used_are_told(frames):
    folder, videos = frames
    assert "no frames of this video" in complaint(require_frames, folder, [{"video": "c", "num_frames": 4}], 16)
    message = complaint(require_frames, folder, videos, None)
    assert "40x30" in message and "44x30" in message and "--crop_dim" in message
    (folder / "cup" / "b_1" / "000002.jpg").unlink()
    message = complaint(require_frames, folder, videos, 16)
    assert "1 of 4 frames are missing, the first 000002.jpg" in message and "b_1" in message
    (folder / "a" / "000000.jpg").write_bytes(b"")
    assert "frame is broken" in complaint(require_frames, folder, videos, 16)


def test_what_is_no_hindrance_is_given_back(frames):
    write_image(frames[0] / "a" / "000004.jpg", np.zeros((30, 40, 3), np.uint8))
    only(require_frames(*frames, 16), "warning", "frames-extra")


NUM_FRAMES = 12


@pytest.fixture
def clean(tmp_path):
    """The frames of one video of 40x30, with the video.json of prepare_data.py; folder and entry."""
    folder = tmp_path / "Frames" / "cup" / "a_1"
    for index in range(NUM_FRAMES):
        write_image(folder / f"{index:06d}.jpg", np.full((30, 40, 3), 9 * index, np.uint8))
    record = {"source": "a_1.mp4", "num_frames": NUM_FRAMES, "fps": 25.0, "width": 40, "height": 30}
    (folder / "video.json").write_text(json.dumps(record), encoding="utf-8")
    return folder, {"video": "cup/a_1", "num_frames": NUM_FRAMES, "fps": 25.0, "width": 40, "height": 30}


def findings(clean, **changed):
    folder, entry = clean
    videos = [as_video(entry | changed, "train", "train.json: video 'cup/a_1'")]
    return folder_findings(list_folders(folder.parents[1], videos))


@pytest.mark.parametrize("changed", [
    {}, {"fps": -1}, {"fps": 24.97}, {"width": None}, {"width": -1, "height": -1},
])
def test_clean_frames_are_clean(changed, clean):
    assert not findings(clean, **changed)


def test_frames_of_other_tools_have_no_video_json(clean):
    (clean[0] / "video.json").unlink()
    (clean[0] / "Thumbs.db").write_bytes(b"left by a viewer")
    assert not findings(clean)


def test_a_missing_folder(clean):
    found = only(findings(clean, video="cup/a_2"), "error", "frames-missing")
    assert found.where.endswith("a_2") and "extract them with prepare_data.py" in found.message


@pytest.mark.parametrize("gone", [[5], [0], [11], [3, 4, 9]])
def test_missing_frames(gone, clean):
    for number in gone:
        (clean[0] / f"{number:06d}.jpg").unlink()
    (clean[0] / "video.json").unlink()
    found = only(findings(clean), "error", "frames-missing")
    assert f"{len(gone)} of 12 frames are missing, the first {gone[0]:06d}.jpg" in found.message


def test_frames_that_count_from_one(clean):
    for number in reversed(range(NUM_FRAMES)):
        (clean[0] / f"{number:06d}.jpg").rename(clean[0] / f"{number + 1:06d}.jpg")
    error, extra = findings(clean)
    assert error.check == "frames-missing" and "they count from 1" in error.message and "a frame off" in error.message
    assert extra.check == "frames-extra" and extra.message.startswith("1 frame more than num_frames, which is 12: ")


@pytest.mark.parametrize("name", ["{:05d}.jpg", "frame{:06d}.jpg", "{:06d}.png"])
def test_frames_with_other_names(name, clean):
    for number in range(NUM_FRAMES):
        (clean[0] / f"{number:06d}.jpg").rename(clean[0] / name.format(number))
    (clean[0] / "video.json").unlink()
    found = only(findings(clean), "error", "frames-missing")
    assert f"its files are named like {name.format(0)}" in found.message


def test_a_match_in_halves_that_is_labelled_as_one(clean):
    folder = clean[0].parent / "a"
    for half in "12":
        write_image(folder / half / "000000.jpg", np.zeros((30, 40, 3), np.uint8))
    found = only(findings(clean, video="cup/a"), "error", "frames-in-halves")
    assert "folders 1 and 2" in found.message and "labelled as one video" in found.message
    assert "'cup/a/1'" in found.advice


@pytest.mark.parametrize(("number", "hint"), [(11, ""), (10, "30/25"), (8, ""), (6, "50/25")])
def test_more_frames_than_the_labels_count(number, hint, clean):
    found = only(findings(clean, num_frames=number), "warning", "frames-extra")
    assert f"{number_of(12 - number, 'frame')} more than num_frames, which is {number}: up to 0000" in found.message
    assert (f", {hint} of it, as frames at {hint[:2]} a second" in found.message) == bool(hint)


@pytest.mark.parametrize("fps", [24, 29.97, 50])
def test_frames_at_another_rate_than_the_labels(fps, clean):
    found = only(findings(clean, fps=fps), "error", "fps-differs")
    assert f"fps is {fps:g}, but its frames were extracted at 25" in found.message and "farther off" in found.advice
    assert "extracted at 25" in complaint(require_frames, clean[0].parents[1], [clean[1] | {"fps": fps}], 16)


def test_frames_of_another_size_than_the_labels_tell(clean):
    assert "of the same shape" in only(findings(clean, width=1600, height=1200), "warning", "size-differs").message
    message = only(findings(clean, width=398, height=224), "warning", "size-differs").message
    assert "398x224, but its frames are 40x30" in message and "same shape" not in message


def test_frames_that_change_in_size(clean):
    write_image(clean[0] / "000010.jpg", np.zeros((30, 44, 3), np.uint8))
    found = only(findings(clean), "error", "size-changes")
    assert "40x30 from 000000.jpg on, 44x30 from 000010.jpg on" in found.message


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff\xd9"])
def test_a_broken_frame_at_an_end(data, clean):
    (clean[0] / "000011.jpg").write_bytes(data)
    found = only(findings(clean), "error", "frame-unreadable")
    assert found.where.endswith("000011.jpg") and "frame is broken or cut short" in found.message


@pytest.mark.parametrize(("record", "said"), [("[", "is not valid JSON"), ('{"num_frames": 13}', "13 frames, but 12")])
def test_a_video_json_that_is_not_of_these_frames(record, said, clean):
    (clean[0] / "video.json").write_text(record, encoding="utf-8")
    assert said in only(findings(clean), "warning", "record").message


def test_videos_that_no_split_has(clean):
    folder, entry = clean
    root = folder.parents[1]
    video = as_video(entry)
    assert not unlabelled_findings(root, [video])
    write_image(root / "b" / "000000.jpg", np.zeros((30, 40, 3), np.uint8))
    (root / ".trash").mkdir()
    assert only(unlabelled_findings(root, [video]), "warning", "frames-without-labels").where == str(root / "b")


def test_the_other_half_of_a_match_that_no_split_has(clean):
    folder, entry = clean
    write_image(folder.parent / "a_2" / "000000.jpg", np.zeros((30, 40, 3), np.uint8))
    found = only(unlabelled_findings(folder.parents[1], [as_video(entry)]), "warning", "half-without-labels")
    assert found.where.endswith("a_2") and "another part of 'cup/a'" in found.message
