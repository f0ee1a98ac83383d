import shutil
import subprocess
import sys
import time

import pytest
from conftest import REPO, pattern_index, read_image, run_script, user_error, write_labels, write_video

from dataset.labels import read_classes, read_split

EVENTS = [(3, "PASS"), (14, "DRIVE"), (20, "PASS")]


class Workplace:
    """A folder with Videos/ and Labels/, and the script called on it."""

    def __init__(self, root):
        self.root, self.videos, self.labels = root, root / "Videos", root / "Labels"
        self.frames, self.data = root / "Frames", root / "data" / "mine"

    def add(self, video, events=EVENTS, num_frames=30, **extra):
        write_video(self.videos / f"{video}.mp4", num_frames)
        write_labels(self.labels / f"{video}.json", events, **extra)

    def frames_only(self, *options, check=True):
        folders = ("--videos", self.videos, "--output", self.frames)
        return run_script("prepare_data.py", *folders, "-j", 1, *options, check=check)

    def prepare(self, *options, check=True):
        return self.frames_only("--labels", self.labels, "--dataset", self.data, *options, check=check)

    def bytes(self):
        return {path: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}

    def splits(self):
        """The entries of each split that there is."""
        there = [split for split in ("train", "val", "test") if (self.data / f"{split}.json").exists()]
        return {split: read_split(str(self.data), split) for split in there}

    def entries(self):
        return {entry["video"]: entry for entries in self.splits().values() for entry in entries}


@pytest.fixture
def place(tmp_path):
    return Workplace(tmp_path)


@pytest.fixture
def matches(place):
    """Three matches in two halves."""
    for match in ("ita_esp", "arg_bra", "por_fra"):
        for half in (1, 2):
            place.add(f"{match}_{half}", fps=25, num_frames=30)
    return place


def test_the_command_of_the_readme_runs_as_it_stands(tmp_path):
    write_video(tmp_path / "Videos" / "a_1.mp4", 7)
    done = run_script("prepare_data.py", "--videos", "./Videos", "--output", "./Frames", cwd=tmp_path)
    assert "a_1: 7 frames of 96x64, 25 per second" in done.stdout
    assert len(list((tmp_path / "Frames" / "a_1").glob("*.jpg"))) == 7


def test_four_real_videos_with_labels_made_by_hand(place, shared):
    counts = {"golf_portrait": 264, "nasa_13013": 325, "nasa_13013_rotated": 17, "testsrc2_vp9": 30}
    for video, num_frames in counts.items():
        write_labels(place.labels / f"{video}.json", [(num_frames - 1, "PASS"), (0, "DRIVE")])
    place.videos = shared / "videos"
    place.prepare()
    assert {video: entry["num_frames"] for video, entry in place.entries().items()} == counts
    assert place.entries()["nasa_13013_rotated"] == {
        "video": "nasa_13013_rotated", "num_frames": 17, "num_events": 2,
        "fps": pytest.approx(29.97, abs=1e-3), "width": 126, "height": 224,
        "events": [{"frame": 0, "label": "DRIVE"}, {"frame": 16, "label": "PASS"}],
    }


def test_videos_and_labels_become_splits_by_match_and_a_table_tells_which(matches):
    done = matches.prepare()
    splits = {split: [entry["video"] for entry in entries] for split, entries in matches.splits().items()}
    assert sorted(sum(splits.values(), [])) == [
        f"{match}_{half}" for match in ("arg_bra", "ita_esp", "por_fra") for half in (1, 2)]
    assert all(len({video[:-2] for video in videos}) == 1 and len(videos) == 2 for videos in splits.values())
    assert read_classes(str(matches.data)) == ["DRIVE", "PASS"]
    table = [line.split() for line in done.stdout.splitlines()]
    assert ["split", "match", "videos", "frames", "DRIVE", "PASS"] in table
    for split, videos in splits.items():
        assert [split, videos[0][:-2], "2", "60", "2", "4"] in table
    assert not done.stderr


def test_a_second_run_changes_no_byte_and_decodes_nothing(matches):
    matches.prepare()
    before = matches.bytes()
    stamps = {path: path.stat().st_mtime_ns for path in matches.frames.rglob("*.jpg")}
    done = matches.prepare()
    assert "6 done before, 0 to do" in done.stdout and "is the same already" in done.stdout
    assert matches.bytes() == before
    assert {path: path.stat().st_mtime_ns for path in matches.frames.rglob("*.jpg")} == stamps


def test_splits_depend_neither_on_workers_nor_on_when_files_were_made(matches):
    matches.prepare()
    before = {path.name: path.read_bytes() for path in matches.data.iterdir()}
    shutil.rmtree(matches.data)
    shutil.rmtree(matches.frames)
    for folder in (matches.videos, matches.labels):  # the order in which the file system lists them
        for path in sorted(folder.iterdir(), reverse=True):
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content)
    matches.prepare("-j", 3)
    assert {path.name: path.read_bytes() for path in matches.data.iterdir()} == before


def test_a_changed_label_needs_overwrite_and_then_takes_hold(matches):
    matches.prepare()
    write_labels(matches.labels / "ita_esp_1.json", [(5, "DRIVE")])
    before = matches.bytes()
    error = user_error(matches.prepare(check=False))
    assert "holds another dataset" in error and "--overwrite" in error
    assert matches.bytes() == before
    matches.prepare("--overwrite")
    assert matches.entries()["ita_esp_1"]["events"] == [{"frame": 5, "label": "DRIVE"}]
    assert len(matches.entries()) == 6


def test_new_options_make_all_frames_anew(place):
    place.add("a")
    place.frames_only()
    done = place.frames_only("--height", 32, "--fps", 5)
    assert "0 done before, 1 to do" in done.stdout and "6 frames of 48x32, 5 per second" in done.stdout
    frames = sorted((place.frames / "a").glob("*.jpg"))
    assert [pattern_index(read_image(path)) for path in frames] == [0, 5, 10, 15, 20, 25]


def test_label_frames_follow_a_new_rate_and_show_the_same_picture(place):
    place.add("a", [(0, "PASS"), (10, "DRIVE"), (29, "PASS")])
    done = place.prepare("--fps", 12.5)
    assert "3 events converted from 25 to 12.5 fps" in done.stdout
    [entry] = read_split(str(place.data), "train")
    assert (entry["fps"], entry["num_frames"]) == (12.5, 15)
    assert [event["frame"] for event in entry["events"]] == [0, 5, 14]
    assert pattern_index(read_image(place.frames / "a" / "000005.jpg")) == 10


def test_labels_made_for_the_new_rate_stay(place):
    place.add("a", [(10, "PASS")], fps=12.5)
    assert "converted" not in place.prepare("--fps", 12.5).stdout
    assert read_split(str(place.data), "train")[0]["events"] == [{"frame": 10, "label": "PASS"}]


def test_a_rate_above_that_of_the_video_repeats_frames_and_says_so(place):
    place.add("a")
    done = place.frames_only("--fps", 50)
    assert "warning: a.mp4: has only 25 frames per second" in done.stderr and "60 frames" in done.stdout


def test_fewer_than_three_matches_lack_a_split_and_it_is_said(place):
    place.add("a_1")
    place.add("a_2")
    done = place.prepare()
    assert list(place.splits()) == ["train"]
    assert "no val split" in done.stderr and "no test split" in done.stderr
    place.add("b_1")
    done = place.prepare("--overwrite")
    assert list(place.splits()) == ["train", "val"]
    assert "no val split" not in done.stderr and "no test split" in done.stderr


def test_the_classes_of_an_existing_class_file_hold(place):
    place.add("a", [(3, "PASS")])
    place.data.mkdir(parents=True)
    (place.data / "class.txt").write_text("PASS\nSHOT\n")
    done = place.prepare()
    assert read_classes(str(place.data)) == ["PASS", "SHOT"] and "train split has no SHOT" in done.stderr
    write_labels(place.labels / "a.json", [(3, "PASS"), (7, "DRIVE")])
    error = user_error(place.prepare("--overwrite", check=False))
    assert "a.json: events[1] (frame 7): label 'DRIVE' is not in class.txt (PASS, SHOT)" in error


def test_a_video_without_labels_stops_the_work_before_it_starts_or_is_left_out(matches):
    (matches.labels / "ita_esp_2.json").unlink()
    error = user_error(matches.prepare(check=False))
    assert "no ita_esp_2.json for video 'ita_esp_2'" in error and "--skip_unlabelled" in error
    assert not matches.frames.exists() and not matches.data.exists()
    done = matches.prepare("--skip_unlabelled")
    assert "left out of the dataset, as they have no labels: ita_esp_2" in done.stdout
    assert len(matches.entries()) == 5 and "ita_esp_2" not in matches.entries()
    assert (matches.frames / "ita_esp_2" / "video.json").exists()


@pytest.mark.parametrize("labels, said", [
    ('{"events": [', "is not valid JSON (line 1"),
    ('{"events": [{"frame": "3", "label": "PASS"}]}', 'events[0]: frame is "3"'),
    ('{"events": [{"frame": 3, "label": "PASS"}], "fps": 30}', "its fps is 30, but that of the video is 25"),
    ('{"events": []}', "no label file holds an event"),
])
def test_bad_labels_stop_the_work_before_it_starts(place, labels, said):
    place.add("a")
    (place.labels / "a.json").write_text(labels)
    assert said in user_error(place.prepare(check=False))
    assert not place.frames.exists() and not place.data.exists()


def test_labels_for_a_video_that_is_not_there(place):
    place.add("a")
    write_labels(place.labels / "b.json", EVENTS)
    assert "b.json: there is no video 'b'" in user_error(place.prepare(check=False))
    assert not place.frames.exists()


def test_a_label_past_the_end_writes_no_dataset(place):
    place.add("a", [(3, "PASS"), (30, "PASS")])
    done = place.prepare(check=False)
    assert "a.json: events[1] (frame 30): past the end of the video" in user_error(done)
    assert "warning" in done.stderr and not place.data.exists()


def test_a_file_that_is_no_video_fails_alone_and_no_dataset_is_written(place):
    place.add("a")
    place.add("b")
    (place.videos / "b.mp4").write_bytes(b"this is no video")
    done = place.prepare(check=False)
    assert "1 of 2 videos failed" in user_error(done) and "no dataset is written" in done.stderr
    assert "b.mp4: cannot be opened as a video" in done.stderr
    assert (place.frames / "a" / "video.json").exists() and not (place.frames / "b").exists()
    assert not place.data.exists()


def test_a_video_cut_off_is_told(place):
    path = write_video(place.videos / "a.avi", 100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "warning: a.avi: only " in place.frames_only().stderr


def test_no_videos_and_an_output_that_cannot_be_written(place):
    assert "no such folder" in user_error(place.frames_only(check=False))
    place.videos.mkdir()
    assert "no video files found" in user_error(place.frames_only(check=False))
    place.add("a")
    place.frames.write_text("a file in the way")
    assert "Frames" in user_error(place.frames_only(check=False))


@pytest.mark.parametrize("option, value, said", [
    ("--height", 0, "must be 1 or more, and not 0"),
    ("--fps", "nan", "nan is no number of frames per second"),
    ("-j", "two", "must be a whole number, 0 or more, and not 'two'"),
])
def test_an_option_that_makes_no_sense_is_refused(place, option, value, said):
    place.add("a")
    done = place.frames_only(option, value, check=False)
    assert done.returncode == 2 and said in done.stderr and not place.frames.exists()


def test_a_run_that_is_killed_leaves_no_half_folder_and_the_next_one_goes_on(place):
    write_video(place.videos / "a.mp4", 4, width=640, height=480)
    write_video(place.videos / "b.mp4", 800, width=640, height=480)
    run = subprocess.Popen([sys.executable, REPO / "prepare_data.py", "--videos", place.videos, "--output",
                            place.frames, "-j", "1"], stdout=subprocess.DEVNULL)
    while not list(place.frames.glob(".part-*-b/*.jpg")):
        assert run.poll() is None, "the run ended before it could be killed"
        time.sleep(0.005)
    run.kill()
    run.wait()
    assert not (place.frames / "b").exists()
    done = place.frames_only()
    assert "b: 800 frames" in done.stdout
    assert sorted(path.name for path in place.frames.iterdir()) == ["a", "b"]
