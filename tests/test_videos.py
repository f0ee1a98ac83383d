import itertools
import json
import os

import cv2
import numpy as np
import pytest
from conftest import pattern_frame, pattern_index, read_image, write_video

from dataset import videos
from dataset.videos import FrameOptions, FramesJob, existing_frames, extract_all, extract_frames, find_videos
from util.errors import UserError

OPTIONS = FrameOptions()


def indices(folder):
    """The numbers that the frames of a folder show, in order."""
    paths = sorted(folder.glob("*.jpg"))
    assert [path.stem for path in paths] == [f"{index:06d}" for index in range(len(paths))]
    return [pattern_index(read_image(path)) for path in paths]


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_videos_are_found_at_any_depth_and_named_by_their_path(tmp_path):
    inside = ("b.MP4", "cup/a_1.mkv", "cup/2024.v2_2.M2TS", "no.txt", "._b.mp4", ".cache/x.mp4")
    touch(*(tmp_path / name for name in inside))
    (tmp_path / "folder.mp4").mkdir()
    assert list(find_videos(tmp_path)) == ["b", "cup/2024.v2_2", "cup/a_1"]
    assert find_videos(tmp_path)["b"] == tmp_path / "b.MP4"


@pytest.mark.parametrize("one, two", [("a.mp4", "a.mkv"), ("a.mp4", "A.avi"), ("a.mp4", "a/b.mp4")])
def test_videos_that_would_share_a_frame_folder_are_refused(tmp_path, one, two):
    touch(tmp_path / one, tmp_path / two)
    with pytest.raises(UserError) as error:
        find_videos(tmp_path)
    assert str(tmp_path / one) in str(error.value) and str(tmp_path / two) in str(error.value)


def test_a_folder_without_videos_or_none_is_refused(tmp_path):
    touch(tmp_path / "notes.txt")
    with pytest.raises(UserError, match=r"no video files found .*\.mp4"):
        find_videos(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        find_videos(tmp_path / "none")


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_frames_are_those_of_the_video_in_order_each_once(tmp_path, suffix):
    path = write_video(tmp_path / f"Malm\u00f6{suffix}", 60, fps=25)
    folder = tmp_path / "frames" / "a b" / "c"
    record = extract_frames(path, folder, OPTIONS)
    assert indices(folder) == list(range(60))
    assert record == json.loads((folder / "video.json").read_text(encoding="utf-8"))
    assert record == {
        "source": path.name, "source_size": path.stat().st_size, "source_fps": 25.0, "source_frames": 60,
        "announced_frames": 60, "options": {"height": 224, "fps": None, "jpeg_quality": 90},
        "fps": 25.0, "width": 96, "height": 64, "num_frames": 60,
    }


@pytest.mark.parametrize("name, frames, size", [
    ("nasa_13013.mp4", 325, (320, 180)),
    ("nasa_13013_rotated.mp4", 17, (126, 224)),
    ("testsrc2_vp9.webm", 30, (398, 224)),
    ("golf_portrait.mp4", 264, (161, 224)),
])
def test_real_videos_give_the_frames_that_they_hold(shared, tmp_path, name, frames, size):
    record = extract_frames(shared / "videos" / name, tmp_path / "frames", OPTIONS)
    assert (record["num_frames"], record["width"], record["height"]) == (frames, *size)
    assert len(list((tmp_path / "frames").glob("*.jpg"))) == frames
    for index in (0, frames - 1):
        assert read_image(tmp_path / "frames" / f"{index:06d}.jpg").shape == (size[1], size[0], 3)


def test_a_rotated_video_is_turned_as_it_is_displayed(shared, tmp_path):
    path = shared / "videos" / "nasa_13013_rotated.mp4"
    extract_frames(path, tmp_path / "frames", FrameOptions(height=480))
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    stored = capture.read()[1]
    angle = capture.get(cv2.CAP_PROP_ORIENTATION_META)
    turns = {90: cv2.ROTATE_90_CLOCKWISE, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    assert stored.shape == (270, 480, 3)
    assert cv2.PSNR(read_image(tmp_path / "frames" / "000000.jpg"), cv2.rotate(stored, turns[angle])) > 35


@pytest.mark.parametrize("source, height, fitted", [
    ((1080, 1920), 224, (224, 398)), ((492, 354), 224, (224, 161)), ((448, 800), 224, (224, 400)),
    ((1081, 1921), 224, (224, 398)), ((180, 320), 224, (180, 320)), ((900, 10), 90, (90, 1)),
    ((2000, 3), 100, (100, 1)),
])
def test_height_shrinks_with_the_aspect_ratio_and_never_enlarges(source, height, fitted):
    assert videos.fit_height(np.zeros((*source, 3), np.uint8), height).shape == (*fitted, 3)


@pytest.mark.parametrize("lines", [1080, 1081, 500])
def test_shrinking_averages_and_does_not_drop_pixels(lines):
    black_and_white = np.indices((lines, 1920)).sum(0) % 2 * 255
    picture = np.repeat(black_and_white[..., None], 3, axis=2).astype(np.uint8)
    shrunk = videos.fit_height(picture, 224)
    assert 120 < shrunk.min() <= shrunk.max() < 135


def resampled(stamps, fps, source_fps):
    return list(videos.resample(((at, index) for index, at in enumerate(stamps)), fps, source_fps))


def test_resampling_to_the_same_rate_changes_nothing_even_with_rounded_stamps():
    assert resampled([round(i / 30, 3) for i in range(300)], 30, 30) == list(range(300))


def test_resampling_takes_the_picture_nearest_in_time():
    assert resampled([i / 50 for i in range(100)], 25, 50) == list(range(0, 100, 2))
    assert resampled([i / 25 for i in range(4)], 50, 25) == [0, 0, 1, 1, 2, 2, 3, 3]
    shown = resampled([i / 30 for i in range(900)], 25, 30)
    assert len(shown) == 750
    assert all(abs(index / 30 - k / 25) <= 0.5 / 30 + 1e-9 for k, index in enumerate(shown))


def test_resampling_fills_a_pause_of_a_variable_rate():
    stamps = [0, 0.1, 0.2, 0.7, 0.8]
    assert resampled(stamps, 10, 5 / 0.9) == [0, 1, 2, 2, 2, 3, 3, 3, 4]


def test_a_video_is_resampled_by_option(tmp_path):
    path = write_video(tmp_path / "a.mp4", 50, fps=25)
    record = extract_frames(path, tmp_path / "half", FrameOptions(fps=12.5))
    assert indices(tmp_path / "half") == list(range(0, 50, 2))
    assert (record["num_frames"], record["fps"], record["source_frames"]) == (25, 12.5, 50)


@pytest.mark.parametrize("content", [b"", b"no video" * 100, b"\x00\x00\x00\x18ftypmp42" + bytes(500)])
def test_a_file_that_is_no_video_is_refused_and_leaves_nothing(tmp_path, content):
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.mp4: cannot be opened as a video"):
        extract_frames(tmp_path / "a.mp4", tmp_path / "frames", OPTIONS)
    assert names(tmp_path) == ["a.mp4"]


def test_a_video_cut_off_tells_what_it_announced_and_what_was_decoded(tmp_path):
    path = write_video(tmp_path / "a.avi", 100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    record = extract_frames(path, tmp_path / "frames", OPTIONS)
    assert record["announced_frames"] == 100
    assert 30 < record["num_frames"] == record["source_frames"] < 60
    assert indices(tmp_path / "frames") == list(range(record["num_frames"]))


def test_frames_are_kept_for_the_same_source_and_options_only(tmp_path):
    path, folder = write_video(tmp_path / "a.mp4", 20), tmp_path / "frames"
    assert existing_frames(path, folder, OPTIONS) is None
    record = extract_frames(path, folder, OPTIONS)
    assert existing_frames(path, folder, OPTIONS) == record
    assert existing_frames(path, folder, FrameOptions(height=32)) is None
    assert existing_frames(path, folder, FrameOptions(fps=25)) is None
    (folder / "000007.jpg").unlink()
    assert existing_frames(path, folder, OPTIONS) is None
    extract_frames(write_video(path, 9), folder, OPTIONS)
    assert indices(folder) == list(range(9)) and existing_frames(path, folder, OPTIONS)["num_frames"] == 9
    assert existing_frames(write_video(path, 11), folder, OPTIONS) is None


@pytest.mark.parametrize("content", [{"000000.jpg": ""}, {"notes.txt": ""}, {"video.json": "{}"}])
def test_a_folder_of_someone_else_is_never_replaced(tmp_path, content):
    path, folder = write_video(tmp_path / "a.mp4", 2), tmp_path / "frames"
    folder.mkdir()
    assert existing_frames(path, folder, OPTIONS) is None  # an empty one is nobody's
    for name, text in content.items():
        (folder / name).write_text(text)
    with pytest.raises(UserError, match="not from prepare_data.py"):
        existing_frames(path, folder, OPTIONS)


@pytest.mark.parametrize("had_frames", [False, True])
def test_an_extraction_that_ends_half_way_leaves_what_was_there_before(tmp_path, had_frames):
    path, folder = write_video(tmp_path / "a.mp4", 30), tmp_path / "frames" / "a"
    if had_frames:
        extract_frames(path, folder, FrameOptions(height=32))
    calls = itertools.count()

    def stop_at_frame_10():
        if next(calls) == 10:
            assert len(list(folder.parent.glob(".part-*/*.jpg"))) == 10
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract_frames(path, folder, OPTIONS, on_frame=stop_at_frame_10)
    assert names(folder.parent) == (["a"] if had_frames else [])
    if had_frames:
        assert existing_frames(path, folder, FrameOptions(height=32))["num_frames"] == 30


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path):
    path = write_video(tmp_path / "a.mp4", 3)
    touch(*(tmp_path / "frames" / name / "000000.jpg"
            for name in (".part-123-a", ".part-123.old-a", ".part-123-b-a", ".part-x-a", "b-a")))
    extract_frames(path, tmp_path / "frames" / "a", OPTIONS)
    assert names(tmp_path / "frames") == [".part-123-b-a", ".part-x-a", "a", "b-a"]


def test_frames_that_change_in_size_are_refused(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", 3)
    changing = [(0.0, pattern_frame(0)), (0.04, pattern_frame(1)), (0.08, pattern_frame(2, 90, 60))]
    monkeypatch.setattr(videos, "decode", lambda path, threads: iter(changing))
    with pytest.raises(UserError, match=r"a\.mp4: its frames change in size, from frame 2 on"):
        extract_frames(path, tmp_path / "frames", OPTIONS)
    monkeypatch.setattr(videos, "decode", lambda path, threads: iter(()))
    with pytest.raises(UserError, match=r"a\.mp4: not one frame can be decoded"):
        extract_frames(path, tmp_path / "frames", OPTIONS)
    assert names(tmp_path) == ["a.mp4"]


def test_time_stamps_that_are_missing_or_turn_back_are_mended(tmp_path, monkeypatch):
    class Capture:
        stamps = iter([2000, 2040, 0, 0, 2160])

        def read(self):
            self.now = next(self.stamps, None)
            return self.now is not None, None

        def get(self, key):
            return 25 if key == cv2.CAP_PROP_FPS else self.now

        def release(self):
            pass

        def isOpened(self):
            return True

    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: Capture())
    assert [round(at, 3) for at, _ in videos.decode(tmp_path / "a.mp4")] == [0, 0.04, 0.08, 0.12, 0.16]


def test_many_videos_in_processes_good_ones_are_done_and_bad_ones_told(tmp_path):
    counts = {"a": 20, "b": 30, "c": 5}
    good = {name: write_video(tmp_path / f"{name}.mp4", count) for name, count in counts.items()}
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    (tmp_path / "file").touch()
    jobs = [FramesJob(name, path, tmp_path / "frames" / name, 20) for name, path in good.items()]
    jobs.append(FramesJob("bad", tmp_path / "bad.mp4", tmp_path / "frames" / "bad", 0))
    jobs.append(FramesJob("d", good["a"], tmp_path / "file" / "d", 20))
    records, failures = extract_all(jobs, OPTIONS, workers=2)
    assert {name: record["num_frames"] for name, record in records.items()} == counts
    assert "bad.mp4: cannot be opened" in failures.pop("bad")
    assert str(tmp_path / "file") in failures.pop("d") and not failures
    assert names(tmp_path / "frames") == ["a", "b", "c"]
    assert extract_all([], OPTIONS, workers=2) == ({}, {})


def test_a_worker_that_dies_fails_its_video_and_does_not_hang(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", 3)
    monkeypatch.setattr(videos, "_run_job", _die)
    touch(tmp_path / "frames" / ".part-1-a" / "000000.jpg")
    records, failures = extract_all([FramesJob("a", path, tmp_path / "frames" / "a", 3)], OPTIONS, workers=1)
    assert not records and "its worker process died" in failures["a"]
    assert names(tmp_path / "frames") == []


def _die(*_):
    os._exit(3)
