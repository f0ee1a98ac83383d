"""Training on two datasets and on sides, as a user runs it: learns, goes on after a stop, predicts, is scored."""

import json
import shutil

import numpy as np
import pytest
import torch
from conftest import TINY_TRAINING, make_dataset, run_here, user_error, write_image, write_video

import eval as eval_script
import spot_video
import test_e2e
import train_e2e
from util.io import read_json, write_json

SHORT = [*TINY_TRAINING, "-m", "rny002", "-t", "", "--num_epochs", 2, "--displacement", 1]


def with_teams(dataset, teams):
    """Give the events of a dataset the teams, one after the other."""
    for split in ("train", "val", "test"):
        path = f"{dataset}/{split}.json"
        entries = read_json(path)
        for entry in entries:
            for number, event in enumerate(entry["events"]):
                event["team"] = teams[number % len(teams)]
        write_json(path, entries)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two datasets, the first with names as teams, the second with sides: [(dataset, frames), (dataset, frames)]."""
    splits = {"train": ["a_b_1", "a_b_2"], "val": ["c_d_1"], "test": ["e_f_1"]}
    first = make_dataset(tmp_path_factory.mktemp("first"), splits, num_frames=24)
    second = make_dataset(tmp_path_factory.mktemp("second"), splits, 24, (80, 60), ("GOAL", "PASS", "SHOT"), seed=1)
    with_teams(first[0], ["A", "B"])
    with_teams(second[0], ["left", "right"])
    return first, second


@pytest.fixture(scope="module")
def options(two, tmp_path_factory):
    """Those of a training on both, with sides."""
    path = tmp_path_factory.mktemp("sides") / "sides.json"
    write_json(path, {match: {"A": "left", "B": "right"} for match in ("a_b", "c_d", "e_f")})
    return [*two[0], *SHORT, "--crop_dim", 32, "--joint", *two[1], "--team", "--team_sides", path]


@pytest.fixture(scope="module")
def folder(options, tmp_path_factory):
    folder = tmp_path_factory.mktemp("joint") / "model"
    done = run_here(train_e2e, *options, "-s", folder)
    assert done.returncode == 0, done.stderr
    assert "8 of 8 events to learn from have a side" in done.stdout
    return folder


def test_the_first_dataset_names_the_classes_and_gives_the_predictions(folder, two):
    config = read_json(folder / "config.json")
    assert (config["num_classes"], config["classes"]) == (2, ["DRIVE", "PASS"])
    assert (config["joint_classes"], config["joint_class_names"]) == (3, ["GOAL", "PASS", "SHOT"])
    assert config["joint_dataset"] == two[1][0] and config["event_team"]
    scores = read_json(next(folder.glob("pred-test*.score.json.gz")))
    assert np.shape(scores["e_f_1"]) == (24, 3)
    events = [event for video in read_json(next(folder.glob("pred-test*.recall.json.gz"))) for event in video["events"]]
    assert events and all(e["team"] in ("left", "right") and 0.5 <= e["team_score"] <= 1 for e in events)


def test_a_stopped_training_on_two_datasets_goes_on_to_the_last_digit(folder, options, tmp_path, monkeypatch):
    class Stopped(Exception):
        pass

    def stop(*_):
        raise Stopped

    with monkeypatch.context() as patched:
        patched.setattr(train_e2e, "epoch_writer", lambda *_: stop)  # shown when the first epoch has been saved
        patched.setattr("sys.argv", ["train_e2e.py", *map(str, options), "-s", str(tmp_path / "model")])
        with pytest.raises(Stopped):
            train_e2e.main()
    assert len(read_json(tmp_path / "model" / "loss.json")) == 1
    done = run_here(train_e2e, *options, "-s", tmp_path / "model", "--resume")
    assert done.returncode == 0, done.stderr
    assert read_json(tmp_path / "model" / "loss.json") == read_json(folder / "loss.json")
    states = [torch.load(f / "checkpoint_001.pt", weights_only=True) for f in (folder, tmp_path / "model")]
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


def test_resuming_with_another_second_dataset_or_other_sides_is_refused(folder, options, two, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "model")
    without = [part for at, part in enumerate(options) if "--team_sides" not in options[max(0, at - 1) : at + 1]]
    assert "team_sides" in user_error(run_here(train_e2e, *without, "-s", copy, "--resume"))
    other = options.copy()
    other[other.index("--joint") + 1] = two[0][0]
    other[other.index("--joint") + 2] = two[0][1]
    assert "joint_dataset" in user_error(run_here(train_e2e, *other, "-s", copy, "--resume"))


@pytest.mark.parametrize("how", ["video", "clips"])
def test_predictions_of_a_split_carry_sides(folder, two, how, tmp_path):
    done = run_here(test_e2e, folder, two[0][1], "-s", "test", "--save_as", tmp_path / "p", "--inference", how,
                    "--device", "cpu")
    assert done.returncode == 0, done.stderr
    events = [event for video in read_json(tmp_path / "p.recall.json.gz") for event in video["events"]]
    assert events and all(event["team"] in ("left", "right") for event in events)


def test_a_raw_videos_events_carry_sides_in_every_form(folder, tmp_path):
    video = write_video(tmp_path / "g_h_1.mp4", 20, width=64, height=48)
    done = run_here(spot_video, folder, video, "--threshold", 0, "--csv", "--soccernet", "--device", "cpu")
    assert done.returncode == 0, done.stderr
    events = read_json(tmp_path / "g_h_1.events.json")[0]["events"]
    sides = [event["team"] for event in events]
    assert sides and set(sides) <= {"left", "right"}
    rows = (tmp_path / "g_h_1.events.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[5] for row in rows] == ["team", *sides]
    match = read_json(next(tmp_path.rglob("results_spotting.json")))
    assert [event["team"] for event in match["predictions"]] == sides


def test_eval_reports_sides_by_the_file_that_training_had_or_another(folder, two, tmp_path):
    for more, rows in (((), {"DRIVE-left", "DRIVE-right", "PASS-left", "PASS-right"}), (("--team_sides",), None)):
        if more:
            write_json(tmp_path / "none.json", {})
            more = (*more, tmp_path / "none.json")
        done = run_here(eval_script, folder, "-s", "test", "--timelines", 0, "--json", tmp_path / "r.json", *more)
        assert done.returncode == 0, done.stderr
        results = read_json(tmp_path / "r.json")
        assert ("team" in results) == (rows is not None) == ("Team: average precision" in done.stdout)
        if rows:
            assert results["team"]["nms"]["0"].keys() - {"mAP"} <= rows
            assert results["team"]["mean_mAP"] is not None


def test_whole_frames_of_two_sizes_are_refused(two, tmp_path):
    done = run_here(train_e2e, *two[0], "-s", tmp_path / "model", *SHORT, "--joint", *two[1])
    assert "80x60" in (line := user_error(done)) and "64x48" in line and "--crop_dim" in line
    assert not (tmp_path / "model" / "config.json").exists()


def test_team_without_any_side_is_refused(two, tmp_path):
    done = run_here(train_e2e, *two[0], "-s", tmp_path / "model", *SHORT, "--team")
    assert "--team_sides" in user_error(done)


def test_a_network_learns_which_side_an_event_is_on(two, tmp_path):
    """The frames of the left side's events are bright on the left, those of the right side's on the right."""
    dataset, frames = make_dataset(tmp_path, {"train": ["a_1"], "val": ["b_1"], "test": ["c_1"]}, 60)
    with_teams(dataset, ["left", "right"])
    for split in ("train", "val", "test"):
        for entry in json.loads((tmp_path / "data" / "noise" / f"{split}.json").read_text(encoding="utf-8")):
            sides = {event["frame"]: event["team"] for event in entry["events"]}
            for frame, side in sides.items():
                picture = np.zeros((48, 64, 3), np.uint8)
                picture[:, slice(0, 32) if side == "left" else slice(32, 64)] = 255
                write_image(frames / entry["video"] / f"{frame:06d}.jpg", picture)
    options = [*TINY_TRAINING, "-m", "rny002", "-t", "", "--num_epochs", 12, "--epoch_num_frames", 120, "--team", "-lr",
               0.003]
    done = run_here(train_e2e, dataset, frames, "-s", tmp_path / "model", *options)
    assert done.returncode == 0, done.stderr
    truth = {event["frame"]: event["team"] for event in read_json(f"{dataset}/test.json")[0]["events"]}
    best = {}
    for event in read_json(next((tmp_path / "model").glob("pred-test*.recall.json.gz")))[0]["events"]:
        best.setdefault(event["frame"], event)
    sided = [best[frame]["team"] == side for frame, side in truth.items() if frame in best]
    assert len(sided) >= 4 and np.mean(sided) > 0.8
