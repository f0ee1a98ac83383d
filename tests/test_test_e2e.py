"""test_e2e.py as a user runs it: the table, the files, folders of the original, and what it says to bad input."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import golden_files, golden_state, make_dataset, run_here, run_script, user_error

import test_e2e
from dataset.frames import Loader, VideoClips
from dataset.labels import read_split
from model.architecture import Architecture
from model.checkpoint import load_weights
from model.spotter import EventSpotter
from util.io import read_json, write_json
from util.predictions import best_epoch

SUFFIXES = (".json", ".recall.json.gz", ".score.json.gz")
OPTIONS = ["--device", "cpu", "-j", 0]


def complaint(*args):
    return user_error(run_here(test_e2e, *args, *OPTIONS))


@pytest.fixture
def model(trained, tmp_path):
    """A copy of what scoring needs of the trained folder, for tests that change it."""
    best = f"checkpoint_{best_epoch(trained[0]):03d}.pt"
    (tmp_path / "model").mkdir()
    for name in ("config.json", "loss.json", best):
        shutil.copy(trained[0] / name, tmp_path / "model")
    return tmp_path / "model"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def edit_config(model, **values):
    config = read_json(model / "config.json")
    write_json(model / "config.json", {key: value for key, value in {**config, **values}.items() if value != "gone"})


def test_it_prints_the_table_and_writes_nothing(model, tiny):
    before = names(model)
    asked = ["-t", "0.08s", "0.16s"]
    printed = run_script("test_e2e.py", model, tiny[1], "-s", "test", *asked, *OPTIONS).stdout
    assert "split test: 2 events in 1 video; threshold 0.500, fixed: no val predictions" in printed
    assert f"rny002_gsm + gru, epoch {best_epoch(model)}, on cpu" in printed
    assert "Average precision (%), without NMS" in printed and "No prediction scores above the threshold" in printed
    assert ["tolerance", "0.08", "0.16", "mean"] in [line.split() for line in printed.splitlines()]
    assert printed.isascii() and names(model) == before


def test_save_writes_what_the_training_wrote_and_the_threshold_comes_from_val(model, trained, tiny):
    for split in ("val", "test"):
        done = run_here(test_e2e, model, tiny[1], "-s", split, "--save", *OPTIONS)
        assert done.returncode == 0, done.stderr
        for suffix in SUFFIXES:
            name = f"pred-{split}.epoch{best_epoch(model):02d}{suffix}"
            assert f"written: {model / name}" in done.stdout
            assert read_json(model / name) == read_json(trained[0] / name)
    assert "chosen on val" in done.stdout
    # the table of the training's end, threshold and all
    assert done.stdout.partition("split test:")[2] == trained[1].partition("split test:")[2]


def test_save_as_writes_where_it_is_told_and_nowhere_else(trained, tiny, tmp_path):
    model = trained[0]
    before = names(model)
    done = run_here(test_e2e, model, tiny[1], "-s", "test", "--save_as", tmp_path / "new" / "mine.v2", *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert names(tmp_path / "new") == [f"mine.v2{suffix}" for suffix in SUFFIXES]
    assert names(model) == before


def slow_scores(model, dataset, frame_dir, overlap):
    """Scores of the test split's video: softmax of each clip by itself, the mean per frame."""
    config, epoch = read_json(model / "config.json"), best_epoch(model)
    spotter = EventSpotter(Architecture(config["feature_arch"], config["temporal_arch"], 2, config["modality"])).eval()
    load_weights(spotter, model / f"checkpoint_{epoch:03d}.pt")
    videos = read_split(dataset, "test")
    seen = [[] for _ in range(videos[0]["num_frames"])]
    for batch in Loader(VideoClips(frame_dir, videos, 8, overlap, None), 1, 0, torch.device("cpu")):
        normalised = spotter.normalise(batch.frames)
        normalised[batch.inside == 0] = 0
        with torch.inference_mode():
            shares = spotter.outputs(normalised).logits[-1, 0].softmax(-1).numpy()
        for t, row in enumerate(shares, batch.starts[0]):
            if 0 <= t < len(seen):
                seen[t].append(row)
    assert {len(rows) for rows in seen[4:-4]} == {2 if overlap else 1}
    return np.array([np.mean(rows, 0) for rows in seen])


@pytest.mark.parametrize(("options", "overlap"), [([], 4), (["--no_overlap"], 0), (["--batch_size", 5], 4)])
def test_scores_are_the_mean_over_the_clips_for_any_batch(options, overlap, trained, tiny, tmp_path):
    model, prefix = trained[0], tmp_path / "out"
    clips = ["--inference", "clips", "--precision", "float32", *options]
    done = run_here(test_e2e, model, tiny[1], "-s", "test", "--save_as", prefix, *clips, *OPTIONS)
    assert done.returncode == 0, done.stderr
    scores = read_json(f"{prefix}.score.json.gz")["cup/c_1"]
    np.testing.assert_allclose(scores, slow_scores(model, *tiny, overlap), atol=2e-5)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A whole folder as the original E2E-Spot leaves it, with the weights of a golden file; best epoch 41."""
    path = next((p for p in golden_files() if p.stem == "rny002_gsm-gru-rgb"), None)
    if path is None:
        pytest.skip("needs the folder shared/ beside the repository")
    folder = tmp_path_factory.mktemp("original")
    state = golden_state(json.loads(path.read_text(encoding="utf-8")))
    torch.save({key: torch.from_numpy(value) for key, value in state.items()}, folder / "checkpoint_041.pt")
    (folder / "checkpoint_049.pt").write_bytes(b"the newest, which is not the best")
    write_json(folder / "config.json", {
        "dataset": "tennis", "num_classes": 2, "modality": "rgb", "feature_arch": "rny002_gsm",
        "temporal_arch": "gru", "clip_len": 8, "batch_size": 2, "crop_dim": 32, "num_epochs": 50, "warm_up_epochs": 3,
        "learning_rate": 0.001, "start_val_epoch": 30, "gpu_parallel": False, "epoch_num_frames": 500000,
        "dilate_len": 0, "mixup": True, "fg_upsample": None})
    write_json(folder / "loss.json", [
        {"epoch": e, "train": 1.0, "val": 1.0 - e / 100, "val_mAP": {41: 0.7, 45: 0.6}.get(e, 0)} for e in range(50)])
    return folder


def test_a_folder_of_the_original_is_read_as_it_is(original, tiny):
    done = run_here(test_e2e, original, tiny[1], "-s", "test", "-d", tiny[0], "--save", *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert "rny002_gsm + gru, epoch 41" in done.stdout
    scores = np.array(read_json(original / "pred-test.epoch41.score.json.gz")["cup/c_1"])
    assert scores.shape == (24, 3) and scores.std() > 0.01


def test_crops_larger_than_the_frames_are_filled_up_as_the_original_does(model, tiny):
    edit_config(model, crop_dim=96)
    done = run_here(test_e2e, model, tiny[1], "-s", "test", *OPTIONS)
    assert done.returncode == 0, done.stderr


def test_without_losses_the_newest_checkpoint_is_taken(model, tiny):
    (model / "loss.json").unlink()
    next(model.glob("checkpoint_*")).rename(model / "checkpoint_007.pt")
    (model / "checkpoint_005.pt").write_bytes(b"older")
    done = run_here(test_e2e, model, tiny[1], "-s", "test", *OPTIONS)
    assert done.returncode == 0 and "epoch 7, on cpu" in done.stdout


def test_a_video_shorter_than_a_clip_is_scored_whole(trained, tmp_path):
    dataset, frames = make_dataset(tmp_path / "short", {"test": ["a", "b"]}, num_frames=3)
    done = run_here(test_e2e, trained[0], frames, "-s", "test", "-d", dataset, "--save_as", tmp_path / "out", *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert [len(rows) for rows in read_json(tmp_path / "out.score.json.gz").values()] == [3, 3]


def test_a_split_without_labels_is_predicted_and_one_line_says_that_nothing_can_be_scored(trained, tmp_path):
    dataset, frames = make_dataset(tmp_path / "new", {"challenge": ["a"]}, num_frames=8)
    path = Path(dataset) / "challenge.json"
    write_json(path, [{**entry, "events": []} for entry in read_json(path)])
    run = [trained[0], frames, "-s", "challenge", "-d", dataset, "--save_as", tmp_path / "out", *OPTIONS]
    done = run_here(test_e2e, *run)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == (
        "split challenge: its labels have no events, so there is nothing to score against")
    assert "%" not in done.stdout
    assert len(read_json(tmp_path / "out.score.json.gz")["a"]) == 8


def test_another_dataset_must_have_the_models_classes(model, tiny, tmp_path):
    other, frames = make_dataset(tmp_path, {"test": ["a"]}, num_frames=8, classes=("GOAL", "PASS"))
    message = complaint(model, frames, "-s", "test", "-d", other)
    assert "the model knows 2 classes (DRIVE, PASS)" in message and "has GOAL, PASS" in message
    edit_config(model, classes="gone")  # an original's folder tells their number alone
    assert run_here(test_e2e, model, frames, "-s", "test", "-d", other, *OPTIONS).returncode == 0
    three, frames = make_dataset(tmp_path / "three", {"test": ["a"]}, num_frames=8, classes=("DRIVE", "GOAL", "PASS"))
    assert "the model knows 2 classes (unnamed)" in complaint(model, frames, "-s", "test", "-d", three)


def test_a_dataset_or_split_that_is_not_there_is_refused(trained, tiny):
    model = trained[0]
    assert "no such dataset" in complaint(model, tiny[1], "-s", "test", "-d", "nowhere")
    message = complaint(model, tiny[1], "-s", "challenge")
    assert "challenge.json: no such split; the splits of this dataset are: test, train, val" in message


def test_a_folder_without_config_or_checkpoint_is_refused(model, tiny, tmp_path):
    assert "config.json: no such file" in complaint(tmp_path / "nowhere", tiny[1], "-s", "test")
    best = best_epoch(model)
    (model / f"checkpoint_{best:03d}.pt").unlink()
    message = complaint(model, tiny[1], "-s", "test")
    assert f"no checkpoint of the best epoch, {best}" in message
    for path in [*model.glob("checkpoint_*"), model / "loss.json"]:
        path.unlink(missing_ok=True)
    assert f"{model}: no checkpoint; train with" in complaint(model, tiny[1], "-s", "test")


MISFITS = [
    ({"feature_arch": "rny002"}, "tensors are missing, the first backbone.cnn.s1.b1.conv1.conv.weight"),
    ({"feature_arch": "rn18_gsm"}, "tensors are missing"),
    ({"temporal_arch": "deeper_gru"}, "tensors are missing, the first head.gru"),
    ({"modality": "bw"}, "stem.conv.weight is (32, 5, 3, 3) and not (32, 1, 3, 3)"),
    ({"feature_arch": "vgg"}, "feature_arch must be one of rn18, "),
    ({"temporal_arch": "lstm"}, "temporal_arch must be one of gru, "),
    ({"modality": "depth"}, "modality must be one of rgb_diff, rgb, bw, flow, not 'depth'"),
    ({"clip_len": "gone"}, "clip_len must be a whole number"),
]


def test_a_config_that_does_not_belong_to_the_checkpoint_is_refused(model, tiny):
    good = read_json(model / "config.json")
    for changes, says in MISFITS:
        write_json(model / "config.json", good)
        edit_config(model, **changes)
        message = complaint(model, tiny[1], "-s", "test")
        assert says in message and str(model) in message


def test_a_checkpoint_that_would_run_code_is_refused(model, tiny):
    path = model / f"checkpoint_{best_epoch(model):03d}.pt"
    torch.save({"weight": print}, path)
    assert f"{path}: is no checkpoint, or holds more than tensors and would run code" in complaint(
        model, tiny[1], "-s", "test")


def test_frames_that_are_missing_or_cut_short_are_named_and_nothing_is_written(model, tiny, tmp_path):
    frames = shutil.copytree(tiny[1], tmp_path / "frames")
    path = frames / "cup" / "c_1" / "000013.jpg"
    path.write_bytes(path.read_bytes()[:700])
    before = names(model)
    assert f"{path}: frame is broken or cut short" in complaint(model, frames, "-s", "test", "--save")
    path.unlink()
    assert "1 of 24 frames are missing, the first 000013.jpg" in complaint(model, frames, "-s", "test", "--save")
    assert "no frames of this video" in complaint(model, tmp_path, "-s", "test", "--save")
    assert names(model) == before


def test_an_output_that_cannot_be_written_is_named(trained, tiny, tmp_path):
    (tmp_path / "file").write_text("here first", encoding="utf-8")
    assert "cannot be written" in complaint(trained[0], tiny[1], "-s", "test", "--save_as", tmp_path / "file" / "out")


def test_save_and_save_as_exclude_each_other(trained, tiny, tmp_path):
    done = run_here(test_e2e, trained[0], tiny[1], "-s", "test", "--save", "--save_as", tmp_path / "out")
    assert done.returncode == 2 and "not allowed with" in done.stderr
