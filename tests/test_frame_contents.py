"""What frames show: one video under two names, sizes that differ, and frames that cannot be decoded."""

import json
import shutil

import cv2
import numpy as np
import pytest
from clean_labels import only
from conftest import make_dataset, write_image

from checks.frame_checks import list_folders
from checks.frame_contents import bytes_findings, read_findings, same_frames_findings, size_findings
from checks.label_reading import read_dataset
from dataset.jpeg import with_checksum


@pytest.fixture
def noise(tmp_path):
    """Frame folder and labels of noise, 40 frames of 32x24 to a video."""
    splits = {"train": ["a_1", "a_2"], "val": ["b"], "test": ["c"]}
    dataset, folder = make_dataset(tmp_path, splits, size=(32, 24))
    return folder, read_dataset(dataset).videos


def test_clean_frames_are_clean(noise):
    folders = list_folders(*noise)
    assert [folder.video.name for folder in folders] == ["a_1", "a_2", "b", "c"]
    assert not size_findings(noise[0], folders) and not same_frames_findings(folders) and not read_findings(folders, 2)


@pytest.mark.parametrize(("copy", "level"), [("a_2", "warning"), ("c", "error")])
def test_one_video_under_two_names(copy, level, noise):
    shutil.rmtree(noise[0] / copy)
    shutil.copytree(noise[0] / "a_1", noise[0] / copy)
    found = only(same_frames_findings(list_folders(*noise)), level, "same-frames")
    assert found.where.endswith(copy) and "the same as 'a_1'" in found.message


def test_frames_that_are_not_as_they_were_extracted(noise):
    folder = noise[0] / "a_2"
    frame = folder / "000020.jpg"
    whole = frame.read_bytes()
    record = {"num_frames": 40, "bytes": sum(path.stat().st_size for path in folder.glob("*.jpg"))}
    (folder / "video.json").write_text(json.dumps(record), encoding="utf-8")
    assert not bytes_findings(list_folders(*noise))
    frame.write_bytes(whole[:-1])
    found = only(bytes_findings(list_folders(*noise)), "warning", "frames-changed")
    assert found.where == str(folder) and f"were extracted with {record['bytes']:,}" in found.message
    frame.write_bytes(b"")
    assert only(bytes_findings(list_folders(*noise)), "error", "frame-unreadable").where == str(frame)
    (folder / "video.json").write_text(json.dumps(record | {"bytes": None}), encoding="utf-8")
    assert not bytes_findings(list_folders(*noise))


def test_black_frames_in_all_videos_are_no_copies(noise):
    for video in noise[1]:
        for number in (*range(9), *range(25, 40)):
            write_image(noise[0] / video.name / f"{number:06d}.jpg", np.zeros((24, 32, 3), np.uint8))
    assert not same_frames_findings(list_folders(*noise))


def test_videos_of_two_sizes(noise):
    for number in range(40):
        write_image(noise[0] / "c" / f"{number:06d}.jpg", np.zeros((24, 48, 3), np.uint8))
    found = only(size_findings(noise[0], list_folders(*noise)), "warning", "sizes-differ")
    assert "32x24 (3 videos, such as 'a_1'), 48x24 (1 video, such as 'c')" in found.message


@pytest.mark.parametrize("workers", [1, 3])
def test_every_broken_frame_is_found_by_reading_all(workers, noise):
    threads = cv2.getNumThreads()
    path = noise[0] / "b" / "000020.jpg"
    path.write_bytes(path.read_bytes()[:300])
    (noise[0] / "a_1" / "000011.jpg").write_bytes(b"")
    first, second = read_findings(list_folders(*noise), workers)
    assert first.check == second.check == "frame-unreadable" and first.level == "error"
    assert first.where.endswith("000011.jpg") and second.where == str(path)
    assert cv2.getNumThreads() == threads  # as before


def test_a_change_of_size_is_found_by_reading_all(noise):
    write_image(noise[0] / "b" / "000020.jpg", np.zeros((24, 40, 3), np.uint8))
    found = only(read_findings(list_folders(*noise), 2), "error", "size-changes")
    assert found.where.endswith("b") and "32x24 from 000000.jpg on, 40x24 from 000020.jpg on" in found.message


def test_a_frame_that_was_altered_is_found_by_its_checksum(noise):
    path = noise[0] / "b" / "000020.jpg"
    data = bytearray(with_checksum(path.read_bytes()))
    path.write_bytes(data)
    assert not read_findings(list_folders(*noise), 2)
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    found = only(read_findings(list_folders(*noise), 2), "error", "frame-unreadable")
    assert found.where == str(path) and "frame is damaged" in found.message


def test_of_damaged_frames_without_a_checksum_many_are_found(noise):
    rng, damaged = np.random.default_rng(0), 0
    for video in noise[1]:
        for path in sorted((noise[0] / video.name).glob("*.jpg")):
            data = bytearray(path.read_bytes())
            start = int(rng.integers(200, len(data) - 64))
            data[start : start + 32] = rng.bytes(32)
            path.write_bytes(data)
            damaged += 1
    assert damaged == 160 and len(read_findings(list_folders(*noise), 2)) > damaged / 3


@pytest.mark.parametrize("options", [
    [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_OPTIMIZE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
    [cv2.IMWRITE_JPEG_QUALITY, 100], [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444],
])
def test_whole_frames_of_any_tool_are_clean(options, noise):
    for number in range(40):
        picture = np.random.default_rng(number).integers(0, 256, (24, 32, 3), np.uint8)
        path = noise[0] / "b" / f"{number:06d}.jpg"
        path.write_bytes(cv2.imencode(".jpg", picture[..., 0] if number % 2 else picture, options)[1])
    assert not read_findings(list_folders(*noise), 2)


def test_a_folder_in_a_frames_place_is_one_finding(noise):
    path = noise[0] / "b" / "000030.jpg"
    path.unlink()
    path.mkdir()
    folders = list_folders(*noise)
    assert not same_frames_findings(folders)
    assert only(read_findings(folders, 1), "error", "frame-unreadable").where == str(path)
