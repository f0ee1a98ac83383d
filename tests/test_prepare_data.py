import json
import shutil
import subprocess
import sys
import time

import pytest
from conftest import REPO, pattern_index, read_image, run_here, run_script, user_error, write_labels, write_video

import prepare_data
from dataset.labels import read_classes, read_split
from util.io import is_running
from util.lock import exclusive

EVENTS = [(3, "PASS"), (14, "DRIVE"), (20, "PASS")]


class Workplace:
    """A folder with Videos/ and Labels/, and the script called on it."""

    def __init__(self, root):
        self.root, self.videos, self.labels = root, root / "Videos", root / "Labels"
        self.frames, self.data = root / "Frames", root / "data" / "mine"

    def add(self, video, events=EVENTS, num_frames=30, **extra):
        write_video(self.videos / f"{video}.mp4", num_frames)
        write_labels(self.labels / f"{video}.json", events, **extra)

    def arguments(self, *options):
        return "--videos", self.videos, "--output", self.frames, "-j", 1, *options

    def frames_only(self, *options, check=True):
        return run_script("prepare_data.py", *self.arguments(*options), check=check)

    def prepare(self, *options, check=True):
        done = run_here(prepare_data, *self.arguments("--labels", self.labels, "--dataset", self.data, *options))
        assert not (check and done.returncode), done.stdout + done.stderr
        return done

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


def test_once_the_time_is_up_no_dataset_is_written_and_the_same_command_goes_on(matches):
    done = matches.prepare("--limit_hours", 0, check=False)
    assert done.returncode == 1 and "the time is up, with 6 videos left" in done.stdout and not matches.data.exists()
    assert matches.prepare("--limit_hours", 1).returncode == 0 and len(matches.entries()) == 6


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
    assert "would change, by 'ita_esp_1'" in error and "--overwrite" in error
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


def test_frames_of_a_dataset_are_not_made_otherwise_without_overwrite(place):
    place.add("a")
    place.prepare()
    before = place.bytes()
    error = user_error(place.prepare("--fps", 12.5, check=False))
    assert "holds the frames of" in error and "made with --fps none; replace both with --overwrite" in error
    assert "made with --height 224;" in user_error(place.prepare("--height", 32, check=False))
    assert place.bytes() == before
    place.prepare("--fps", 12.5, "--height", 32, "--overwrite")
    assert place.entries()["a"]["num_frames"] == 15
    error = user_error(place.prepare(check=False))
    assert "made with --height 32, --fps 12.5;" in error


def test_labels_made_for_the_new_rate_stay(place):
    place.add("a", [(10, "PASS")], fps=12.5)
    assert "converted" not in place.prepare("--fps", 12.5).stdout
    assert read_split(str(place.data), "train")[0]["events"] == [{"frame": 10, "label": "PASS"}]


def test_a_rate_above_that_of_the_video_repeats_frames_and_says_so(place):
    place.add("a")
    done = place.frames_only("--fps", 50)
    assert "warning: a: has only 25 frames per second" in done.stderr and "60 frames" in done.stdout


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
    for options in ((), ("--overwrite",)):
        done = place.prepare(*options)
        assert read_classes(str(place.data)) == ["PASS", "SHOT"] and "train split" not in done.stderr
        assert "class.txt: no label has SHOT; take it out there" in done.stderr
    write_labels(place.labels / "a.json", [(3, "PASS"), (7, "DRIVE")])
    error = user_error(place.prepare("--overwrite", check=False))
    assert "a.json: events[1] (frame 7): label 'DRIVE' is not in class.txt (PASS, SHOT)" in error


def test_a_class_of_corrected_labels_leaves_the_class_file_that_was_made_of_them(place):
    place.add("a", [(3, "PASS"), (9, "PAS")])
    place.prepare()
    assert read_classes(str(place.data)) == ["PAS", "PASS"]
    write_labels(place.labels / "a.json", [(3, "PASS"), (9, "PASS")])
    assert "class.txt: no label has PAS; take it out" in place.prepare(check=False).stderr
    done = place.prepare("--overwrite")
    assert read_classes(str(place.data)) == ["PASS"] and not done.stderr.count("PAS:")
    assert "class.txt: PAS, which no label has any more, is left out" in done.stdout


def test_what_may_not_be_meant_is_asked_before_the_work(place):
    place.add("a", [(frame, "PASS") for frame in range(10)] + [(20, "PAS")])
    place.add("b")
    write_video(place.videos / "c.mp4", 30, fps=50)
    for options, asked in (((), True), (("--fps", 25), False)):
        done = place.prepare("--skip_unlabelled", "--limit_hours", 0, *options, check=False)
        assert "warning: PAS: 1 event, while PASS has 12" in done.stderr
        assert ("'c' has 50 frames per second, and most videos have 25" in done.stderr) == asked


def test_a_video_without_labels_stops_the_work_before_it_starts_or_is_left_out(matches):
    (matches.labels / "ita_esp_2.json").unlink()
    error = user_error(matches.prepare(check=False))
    assert "no labels for video 'ita_esp_2'; add ita_esp_2.json" in error and "--skip_unlabelled" in error
    assert not matches.frames.exists() and not matches.data.exists()
    done = matches.prepare("--skip_unlabelled")
    assert "left out of the dataset, as they have no labels: ita_esp_2" in done.stdout
    assert len(matches.entries()) == 5 and "ita_esp_2" not in matches.entries()
    assert (matches.frames / "ita_esp_2" / "video.json").exists()


@pytest.mark.parametrize("labels, said", [
    ('{"events": [', "is not valid JSON (line 1"),
    ('{"events": [{"frame": "x", "label": "PASS"}]}', 'events[0]: frame is "x"'),
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


def test_labels_of_no_video_at_all_are_refused_though_each_may_be_left_out(place):
    place.add("a_1")
    (place.labels / "a_1.json").rename(place.labels / "b_1.json")
    error = user_error(place.prepare("--skip_missing", "--skip_unlabelled", check=False))
    assert "holds labels of no video below" in error


def test_a_label_past_the_end_writes_no_dataset(place):
    place.add("a", [(3, "PASS"), (30, "PASS")])
    done = place.prepare(check=False)
    assert "a.json: events[1] (frame 30): 1 frame (0.04 s) past the end of the video 'a'" in user_error(done)
    assert "unless --drop unplaceable is given)" in done.stderr and not place.data.exists()


# Labels in other forms


def raw(positions, **keys):
    """The raw form, with gameTime at 30 frames a second."""
    return keys | {"annotations": [
        {"gameTime": f"00:{at // 1800:02d}:{at // 30 % 60:02d}", "label": label, "position": str(at), "team": "BRA",
         "visibility": "not shown"} for at, label in positions]}


def soccernet(*times):
    return {"UrlLocal": "cup/", "annotations": [
        {"gameTime": f"{half} - 00:0{at // 1000}", "label": label, "position": str(at), "team": "left"}
        for half, at, label in times]}


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def forms(place):
    """Four matches, 30 frames at 25 a second to a half, labelled in four forms."""
    place.add("ita_esp", EVENTS)
    for video in ("cup/1_224p", "cup/2_224p", "arg_bra_1", "arg_bra_2", "por_fra_1", "por_fra_2"):
        write_video(place.videos / f"{video}.mp4", 30)
    write_json(place.labels / "cup" / "Labels-ball.json", soccernet((1, 160, "PASS"), (2, 1160, "DRIVE")))
    write_json(place.labels / "arg_bra.json", raw([(4, "PASS"), (29, "DRIVE"), (30, "PASS"), (59, "shot")], fps=25))
    (place.labels / "all.csv").write_text("Video;Time;Label;Team;Zone\npor_fra_1;0,48;PASS;POR;left\npor_fra_2;;;;\n")
    return place


def frames_of(place):
    entries = sorted(place.entries().items())
    return {video: [(event["frame"], event["label"]) for event in entry["events"]] for video, entry in entries}


def test_four_forms_become_one_dataset_and_what_was_done_is_printed(forms):
    done = forms.prepare()
    assert frames_of(forms) == {
        "arg_bra_1": [(4, "PASS"), (29, "DRIVE")], "arg_bra_2": [(0, "PASS"), (29, "shot")],
        "cup/1_224p": [(4, "PASS")], "cup/2_224p": [(29, "DRIVE")],
        "ita_esp": EVENTS, "por_fra_1": [(12, "PASS")], "por_fra_2": [],
    }
    assert forms.entries()["arg_bra_2"]["events"][0] == {
        "frame": 0, "label": "PASS", "team": "BRA", "visibility": "not shown"}
    assert forms.entries()["por_fra_1"]["events"][0] == {"frame": 12, "label": "PASS", "team": "POR", "Zone": "left"}
    for said in (
        "arg_bra.json: raw, frames at 25 fps: 4 events (1 DRIVE, 2 PASS, 1 shot)",
        "all.csv: csv, times, 2 videos: 1 event (1 PASS)",
        "labels: 4 files (1 csv, 1 raw, 1 soccernet, 1 video), 10 events read, 0 dropped, 10 kept",
        "arg_bra.json: cut at frame 30 (1.20 s): 2 events in arg_bra_1, 2 events in arg_bra_2",
        "Labels-ball.json: 1 event in cup/1_224p, 1 event in cup/2_224p",
        "Labels-ball.json: 2 times converted to frames at 25 fps",
    ):
        assert said in done.stdout
    groups = [{video.split("_")[0] for video in part} for part in
              ([entry["video"] for entry in of_split] for of_split in forms.splits().values())]
    assert sorted(map(len, groups)) == [1, 1, 2] or not any(a & b for a in groups for b in groups if a is not b)


def test_events_of_all_forms_show_the_same_picture_at_another_rate(forms):
    forms.prepare("--fps", 12.5)
    for video, events in frames_of(forms).items():
        for frame, _ in events:
            picture = read_image(forms.frames / video / f"{frame:06d}.jpg")
            assert pattern_index(picture) in {0, 2, 4, 12, 14, 20, 28, 29}  # those labelled, or the one before
    assert frames_of(forms)["arg_bra_2"] == [(0, "PASS"), (14, "shot")]


def test_only_some_classes_are_kept_and_the_others_counted(forms):
    done = forms.prepare("--only", "pass", "DRIVE")
    assert "1 dropped by --only (1 shot)" in done.stdout and "10 events read, 1 dropped, 9 kept" in done.stdout
    assert read_classes(str(forms.data)) == ["DRIVE", "PASS"] and frames_of(forms)["arg_bra_2"] == [(0, "PASS")]
    error = user_error(forms.prepare("--overwrite", check=False))
    assert "arg_bra.json: annotations[3] (frame 59): label 'shot' is not in class.txt (DRIVE, PASS)" in error


def test_a_break_that_labels_count_is_found_and_told_by_an_option(place):
    for half in (1, 2):
        write_video(place.videos / f"arg_bra_{half}.mp4", 30)
    write_json(place.labels / "arg_bra.json", raw([(4, "PASS"), (100, "DRIVE"), (129, "PASS")], fps=25))
    done = place.prepare(check=False)
    assert "annotations[1] (frame 100): 41 frames (1.64 s) past the end of the video 'arg_bra_2'" in user_error(done)
    assert "--second_half arg_bra=FRAME" in done.stderr and not place.data.exists()
    done = place.prepare("--second_half", "arg_bra=100")
    assert "2 done before, 0 to do" in done.stdout and "cut at frame 100" in done.stdout
    assert frames_of(place) == {"arg_bra_1": [(4, "PASS")], "arg_bra_2": [(0, "DRIVE"), (29, "PASS")]}
    assert "those of these do: arg_bra" in user_error(place.prepare("--second_half", "arg=100", check=False))
    assert "must be a frame or a time" in place.prepare("--second_half", "arg_bra=x", check=False).stderr


def test_a_table_may_be_named_itself_and_a_form_forced(place):
    write_video(place.videos / "a.mp4", 30)
    place.labels = place.root / "events.txt"
    place.labels.write_text("video\tframe\tlabel\na.mp4\t7\tPASS\n")
    place.prepare()
    assert frames_of(place) == {"a": [(7, "PASS")]}
    assert "is not valid JSON" in user_error(place.prepare("--label_form", "raw", check=False))


def test_the_raw_form_on_a_video_of_another_rate_asks_which_is_meant(place):
    write_video(place.videos / "a.mp4", 30)
    write_json(place.labels / "a.json", raw([(12, "PASS")]))
    assert "say --label_fps 30 if" in user_error(place.prepare(check=False)) and not place.frames.exists()
    assert "1 event converted from 30 to 25 fps" in place.prepare("--label_fps", 30).stdout
    assert frames_of(place) == {"a": [(10, "PASS")]}
    place.prepare("--label_fps", 25, "--overwrite")
    assert frames_of(place) == {"a": [(12, "PASS")]}


def test_a_file_names_the_splits_and_is_checked_before_the_work_starts(matches):
    path = matches.root / "splits.json"
    write_json(path, {"train": ["ita_esp_1", "por_fra"], "test": ["arg_bra"]})
    assert "names 'ita_esp_1', which is no match with labels; name its match, 'ita_esp'" in user_error(
        matches.prepare("--splits", path, check=False))
    assert not matches.frames.exists()
    write_json(path, {"train": ["ita_esp", "por_fra"], "test": ["arg_bra"]})
    done = matches.prepare("--splits", path)
    videos = {split: [entry["video"] for entry in entries] for split, entries in matches.splits().items()}
    assert videos == {"train": ["ita_esp_1", "ita_esp_2", "por_fra_1", "por_fra_2"], "test": ["arg_bra_1", "arg_bra_2"]}
    assert "no val split" in done.stderr


def test_videos_can_be_dealt_out_one_by_one_and_a_seed_deals_anew(matches):
    done = matches.prepare("--split_by", "video")
    assert [len(entries) for entries in matches.splits().values()] == [4, 1, 1]
    assert "stand in more than one split: the score will tell how well a match is remembered" in done.stderr
    splits = set()
    for seed in (1, 2, 3):
        matches.prepare("--seed", seed, "--overwrite")
        splits.add(tuple(entries[0]["video"] for entries in matches.splits().values()))
        assert [len(entries) for entries in matches.splits().values()] == [2, 2, 2]
    assert len(splits) > 1


def test_a_file_that_is_no_video_fails_alone_and_no_dataset_is_written(place):
    place.add("a")
    place.add("b")
    (place.videos / "b.mp4").write_bytes(b"this is no video")
    done = place.prepare(check=False)
    assert "1 of 2 videos failed" in user_error(done) and "no dataset is written" in done.stderr
    assert "b.mp4: cannot be opened as a video" in done.stderr
    assert (place.frames / "a" / "video.json").exists() and not (place.frames / "b").exists()
    assert not place.data.exists()


def test_a_video_cut_off_fails_alone_and_is_taken_if_that_is_accepted(place):
    path = write_video(place.videos / "a.avi", 100)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    write_video(place.videos / "b.avi", 5)
    done = place.frames_only(check=False)
    assert "1 of 2 videos failed" in user_error(done) and "a.avi: " in done.stderr and "--allow_short" in done.stderr
    assert sorted(folder.name for folder in place.frames.iterdir()) == ["b"]
    place.frames_only("--allow_short")
    record = json.loads((place.frames / "a" / "video.json").read_text(encoding="utf-8"))
    assert 0 < record["num_frames"] < 100


def test_frames_among_videos_or_labels_are_refused_before_anything_is_written(matches):
    before = matches.bytes()
    for output in (matches.videos, matches.labels, matches.labels / "frames"):
        line = user_error(matches.prepare("--output", output, check=False))
        assert line.startswith(f"error: --output {output}: would be written among what is read from ")
    assert matches.bytes() == before


def test_no_videos_and_an_output_that_cannot_be_written(place):
    assert "no such folder" in user_error(place.frames_only(check=False))
    place.videos.mkdir()
    assert "no video files found" in user_error(place.frames_only(check=False))
    place.add("a")
    place.frames.write_text("a file in the way")
    assert "Frames" in user_error(place.frames_only(check=False))


@pytest.mark.parametrize("option, value, said", [
    ("--height", 0, "must be a whole number, 1 or more, and not '0'"),
    ("--fps", "nan", "nan is no number of frames per second"),
    ("-j", "two", "must be a whole number, 1 or more, and not 'two'"),
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
    writer = int(next(place.frames.glob(".part-*-b")).name.split("-")[1])
    end = time.monotonic() + 20
    while is_running(writer) and time.monotonic() < end:  # a worker sees a moment later that it is alone
        time.sleep(0.05)
    assert not (place.frames / "b").exists()
    done = place.frames_only()
    assert "b: 800 frames" in done.stdout
    assert sorted(path.name for path in place.frames.iterdir()) == ["a", "b"]


def test_the_second_of_two_at_once_ends_in_one_line_and_changes_nothing(place):
    place.add("a")
    with exclusive(place.frames, "another prepare_data.py"):
        before = place.bytes()
        said = user_error(run_here(prepare_data, *place.arguments()))
        assert place.bytes() == before
    assert str(place.frames) in said and "is in use by another prepare_data.py (process" in said
