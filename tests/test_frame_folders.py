import itertools
import json
import os
import shutil

import cv2
import numpy as np
import pytest
from conftest import pattern_index, read_image
from encoded import cut, encode, noise

from footage import frame_folders
from footage.frame_folders import existing_frames, extract_frames, lack_stamps
from footage.raw_videos import FrameOptions
from util.errors import UserError

OPTIONS = FrameOptions()
AHEAD = {"movflags": "faststart"}


def indices(folder):
    """The numbers that the frames of a folder show, in order."""
    paths = sorted(folder.glob("*.jpg"))
    assert [path.stem for path in paths] == [f"{index:06d}" for index in range(len(paths))]
    return [pattern_index(read_image(path)) for path in paths]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def broken(path):
    return cut(encode(path, num_frames=60, pictures=noise(60), container=AHEAD))


@pytest.mark.parametrize("cores", [1, 2, 9])  # in this thread, with a decoder of several, with writers of their own
def test_frames_are_those_of_the_video_in_order_each_once(tmp_path, cores):
    path = encode(tmp_path / "Malm\u00f6.mp4")
    folder = tmp_path / "frames" / "a b" / "c"
    record = extract_frames(path, folder, OPTIONS, cores)
    assert indices(folder) == list(range(40))
    assert record == json.loads((folder / "video.json").read_text(encoding="utf-8"))
    assert len(record.pop("source_sha256")) == 64
    assert record == {
        "source": path.name, "source_size": path.stat().st_size, "source_modified": path.stat().st_mtime_ns,
        "source_fps": 25.0, "variable_rate": False, "source_frames": 40, "announced_frames": 40,
        "lost_start": 0, "missing_frames": 0, "damaged_frames": 0, "trouble": "",
        "options": {"height": 224, "fps": None, "jpeg_quality": 90},
        "fps": 25.0, "stamps": {"first": 0.0, "unit": "1/12800", "steps": "512x40"},
        "width": 96, "height": 64, "num_frames": 40,
        "bytes": sum(file.stat().st_size for file in folder.glob("*.jpg")),
    }


def test_frames_are_the_same_on_any_number_of_cores(tmp_path):
    path = encode(tmp_path / "a.mp4", pictures=noise(40))
    folders = [tmp_path / str(cores) for cores in (1, 3, 9)]
    for folder in folders:
        extract_frames(path, folder, FrameOptions(height=40), int(folder.name))
    assert len({b"".join(file.read_bytes() for file in sorted(folder.glob("*.jpg"))) for folder in folders}) == 1


def test_colours_are_kept_whole_in_a_frame(tmp_path):
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:, ::2] = (0, 0, 255)  # red lines of one pixel, of which halved colour would make a smear
    picture[:, 1::2] = (255, 0, 0)
    path = encode(tmp_path / "a.mkv", "ffv1", pixels="bgr0", pictures=[picture])
    extract_frames(path, tmp_path / "frames", OPTIONS)
    assert cv2.PSNR(read_image(tmp_path / "frames" / "000000.jpg"), picture) > 25


def test_a_video_is_resampled_by_option(tmp_path):
    record = extract_frames(encode(tmp_path / "a.mp4"), tmp_path / "half", FrameOptions(fps=12.5))
    assert indices(tmp_path / "half") == list(range(0, 40, 2))
    assert (record["num_frames"], record["fps"], record["source_frames"]) == (20, 12.5, 40)
    extract_frames(tmp_path / "a.mp4", tmp_path / "twice", FrameOptions(fps=50), cores=9)
    assert indices(tmp_path / "twice") == [index for index in range(40) for _ in range(2)]


def test_a_video_cut_off_fails_and_leaves_nothing_unless_that_is_accepted(tmp_path):
    path, folder = broken(tmp_path / "a.mp4"), tmp_path / "frames" / "a"
    with pytest.raises(UserError, match=r"a\.mp4: 2\d frames are missing, .* could be decoded\); .*--allow_short"):
        extract_frames(path, folder, OPTIONS)
    assert names(tmp_path / "frames") == []
    records = [extract_frames(path, folder, OPTIONS, cores, allow_short=True) for cores in (1, 3, 3)]
    assert records[0] == records[1] == records[2]  # on several cores, too
    assert records[0]["missing_frames"] == 60 - records[0]["num_frames"] > 20
    assert indices(folder)[:30] == list(range(30))
    assert existing_frames(path, folder, OPTIONS, allow_short=True) == records[0]
    assert existing_frames(path, folder, OPTIONS) is None


def test_frames_are_kept_for_the_same_source_and_options_only(tmp_path):
    path, folder = encode(tmp_path / "a.mp4"), tmp_path / "frames"
    assert existing_frames(path, folder, OPTIONS) is None
    record = extract_frames(path, folder, OPTIONS)
    assert existing_frames(path, folder, OPTIONS) == record
    assert existing_frames(path, folder, FrameOptions(height=32)) is None
    assert existing_frames(path, folder, FrameOptions(fps=25)) is None
    assert existing_frames(path.rename(tmp_path / "b.mp4"), folder, OPTIONS) is None
    extract_frames(encode(path, num_frames=9), folder, OPTIONS)
    assert indices(folder) == list(range(9)) and existing_frames(path, folder, OPTIONS)["num_frames"] == 9
    assert existing_frames(encode(path, num_frames=11), folder, OPTIONS) is None


def test_frames_whose_stamps_were_not_kept_are_known_as_such(tmp_path):
    path, folder = encode(tmp_path / "a.mp4"), tmp_path / "frames"
    assert not lack_stamps(folder)
    record = extract_frames(path, folder, OPTIONS)
    assert not lack_stamps(folder)
    del record["stamps"]
    (folder / "video.json").write_text(json.dumps(record), encoding="utf-8")
    assert lack_stamps(folder) and existing_frames(path, folder, OPTIONS) is None


@pytest.mark.parametrize("change", [{"fps": None}, {"height": None}, {"source_fps": None}, {"trouble": ...}])
def test_frames_whose_record_is_not_complete_are_made_again(tmp_path, change):
    path, folder = encode(tmp_path / "a.mp4", num_frames=5), tmp_path / "frames"
    record = {key: value for key, value in (extract_frames(path, folder, OPTIONS) | change).items() if value is not ...}
    (folder / "video.json").write_text(json.dumps(record), encoding="utf-8")
    assert existing_frames(path, folder, OPTIONS) is None


def test_a_copy_is_the_same_source_and_a_changed_file_of_the_same_size_is_not(tmp_path):
    path, folder = encode(tmp_path / "a.mp4"), tmp_path / "frames"
    record = extract_frames(path, folder, OPTIONS)
    os.utime(path, ns=(1, 10**18))
    assert existing_frames(path, folder, OPTIONS) == record | {"source_modified": 10**18}
    assert json.loads((folder / "video.json").read_text(encoding="utf-8"))["source_modified"] == 10**18
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert existing_frames(path, folder, OPTIONS) is None


@pytest.mark.parametrize("harm", [lambda file: file.unlink(), lambda file: file.write_bytes(b""),
                                  lambda file: file.rename(file.with_name("000099.jpg")),
                                  lambda file: shutil.copy(file, file.with_name("000040.jpg"))])
def test_a_folder_in_which_frames_are_missing_empty_or_too_many_is_made_anew(tmp_path, harm):
    path, folder = encode(tmp_path / "a.mp4"), tmp_path / "frames"
    extract_frames(path, folder, OPTIONS)
    harm(folder / "000007.jpg")
    assert existing_frames(path, folder, OPTIONS) is None
    extract_frames(path, folder, OPTIONS)
    assert indices(folder) == list(range(40))


@pytest.mark.parametrize("content", [{"000000.jpg": ""}, {"notes.txt": ""}, {"video.json": "{}"}])
def test_a_folder_of_someone_else_is_never_replaced(tmp_path, content):
    path, folder = encode(tmp_path / "a.mp4", num_frames=2), tmp_path / "frames"
    folder.mkdir()
    assert existing_frames(path, folder, OPTIONS) is None  # an empty one is nobody's
    for name, text in content.items():
        (folder / name).write_text(text)
    with pytest.raises(UserError, match=r"not from prepare_data.py"):
        existing_frames(path, folder, OPTIONS)


@pytest.mark.parametrize("had_frames", [False, True])
@pytest.mark.parametrize("cores", [1, 9])
def test_an_extraction_that_ends_half_way_leaves_what_was_there_before(tmp_path, had_frames, cores):
    path, folder = encode(tmp_path / "a.mp4"), tmp_path / "frames" / "a"
    if had_frames:
        extract_frames(path, folder, FrameOptions(height=32))
    calls = itertools.count()

    def stop_at_frame_10(count):
        if next(calls) == 10:
            assert list(folder.parent.glob(".part-*/*.jpg"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract_frames(path, folder, OPTIONS, cores, on_frames=stop_at_frame_10)
    assert names(folder.parent) == (["a"] if had_frames else [])
    if had_frames:
        assert existing_frames(path, folder, FrameOptions(height=32))["num_frames"] == 40


@pytest.mark.parametrize("cores", [1, 9])
def test_what_cannot_be_written_ends_the_work(tmp_path, monkeypatch, cores):
    path = encode(tmp_path / "a.mp4")
    monkeypatch.setattr(frame_folders, "frame_name", lambda number: f"{number}" if number < 20 else "no/such/folder")
    with pytest.raises(FileNotFoundError):
        extract_frames(path, tmp_path / "frames" / "a", OPTIONS, cores)
    assert names(tmp_path / "frames") == []


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    path = encode(tmp_path / "a.mp4")
    with pytest.raises(UserError, match=r"a\.mp4: was changed while it was read"):
        extract_frames(path, tmp_path / "frames", OPTIONS, on_frames=lambda count: os.utime(path, ns=(1, 1)))
    assert names(tmp_path) == ["a.mp4"]


def test_frames_that_change_in_size_are_refused(tmp_path):
    path = encode(tmp_path / "a.ts")
    path.write_bytes(path.read_bytes() + encode(tmp_path / "b.ts", size=(128, 64)).read_bytes())
    with pytest.raises(UserError, match=r"a\.ts: its frames change in size"):
        extract_frames(path, tmp_path / "frames", OPTIONS)
    assert names(tmp_path) == ["a.ts", "b.ts"]
