"""train_e2e.py as a user runs it: what it writes, going on after a stop, and what it says to bad input."""

import json
import math
import os
import shutil
import subprocess
import sys
import time
from functools import partial
from unittest.mock import Mock

import pytest
import torch
from conftest import REPO, TINY_TRAINING, killed_scratch, make_dataset, run_here, run_script, user_error

import train_e2e
from util.errors import UserError
from util.io import read_json
from util.lock import exclusive

KEYS = {"dataset", "num_classes", "modality", "feature_arch", "temporal_arch", "clip_len", "batch_size", "crop_dim",
        "num_epochs", "warm_up_epochs", "learning_rate", "start_val_epoch", "gpu_parallel", "epoch_num_frames",
        "dilate_len", "mixup", "fg_upsample"}
# one epoch of one batch, a linear head, in seconds
QUICK = [*TINY_TRAINING, "-m", "rny002", "-t", "", "--num_epochs", 1, "--epoch_num_frames", 16]
WITHOUT_NETWORK = [*TINY_TRAINING[6:], "--num_epochs", 1, "--epoch_num_frames", 16]


def complaint(*args):
    return user_error(run_here(train_e2e, *args))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_training_writes_its_config_losses_checkpoints_and_predictions(trained, tiny):
    folder, printed = trained
    rows = read_json(folder / "loss.json")
    best = max(range(3), key=lambda i: rows[i]["val_mAP"])
    if not rows[best]["val_mAP"]:
        best = min(range(3), key=lambda i: rows[i]["val"])
    checkpoints = sorted({f"checkpoint_{best:03d}.pt", "checkpoint_002.pt"})
    predictions = [f"pred-{split}.epoch{best:02d}.{kind}" for split in ("test", "val")
                   for kind in ("json", "recall.json.gz", "score.json.gz")]
    assert names(folder) == [*checkpoints, "config.json", "loss.json", "optim_002.pt", *predictions,
                             "threshold.json", "training.png"]

    config = read_json(folder / "config.json")
    assert config.keys() >= KEYS
    assert [config[key] for key in ("frame_width", "frame_height", "frame_fps", "resample_fps")] == [64, 48, 25.0, None]
    assert config["num_classes"] == 2 and config["classes"] == ["DRIVE", "PASS"] and config["crop_dim"] is None
    assert config["weights"] == config["weights_used"] == "none"
    assert config["dataset"] == tiny[0] and config["epoch_num_frames"] == 48  # one pass over the train split

    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert all(math.isfinite(row[key]) for row in rows for key in ("train", "val", "val_mAP", "lr"))
    last_updates = [train_e2e.lr_factor(update, 3, 9) for update in (2, 5, 8)]  # of three epochs, one to warm up
    assert [row["lr"] for row in rows] == pytest.approx([0.003 * factor for factor in last_updates])
    assert all(isinstance(value, torch.Tensor) for value in
               torch.load(folder / "checkpoint_002.pt", weights_only=True).values())
    torch.load(folder / "optim_002.pt", weights_only=True)

    scores = read_json(folder / predictions[2])
    assert list(scores) == ["cup/c_1"] and len(scores["cup/c_1"]) == 24 and len(scores["cup/c_1"][0]) == 3
    assert all(abs(sum(row) - 1) < 1e-5 for row in scores["cup/c_1"])


def test_a_training_prints_a_line_for_each_epoch_and_the_table_of_test(trained):
    printed = trained[1]
    for epoch in range(3):
        assert f"\nepoch {epoch}  train " in printed
    assert "best epoch: " in printed and "split test: 2 events in 1 video" in printed
    assert "chosen on val" in printed and "Average precision" in printed
    assert printed.isascii()


@pytest.fixture(scope="module")
def killed(tiny, tmp_path_factory):
    """The folder of the `trained` training, killed once its first epoch was on disk."""
    folder = tmp_path_factory.mktemp("killed") / "model"
    command = [sys.executable, REPO / "train_e2e.py", *tiny, "-s", folder, *TINY_TRAINING]
    process = subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not (folder / "loss.json").is_file():
            assert process.poll() is None, "ended before its first epoch"
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()
    assert not list(folder.glob("pred-*")), "was not stopped in time"
    return folder


def assert_same_training(folder, other):
    assert read_json(folder / "loss.json") == read_json(other / "loss.json")
    states = [torch.load(f / "checkpoint_002.pt", weights_only=True) for f in (folder, other)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    kept = [[name for name in names(f) if not name.startswith(".part-")] for f in (folder, other)]
    assert kept[0] == kept[1]
    predictions = next(name for name in kept[0] if name.startswith("pred-test") and "score" in name)
    assert read_json(folder / predictions) == read_json(other / predictions)
    assert read_json(folder / "config.json") == read_json(other / "config.json")


def test_a_killed_training_goes_on_as_if_nothing_had_happened(killed, trained, tiny, tmp_path):
    folder = shutil.copytree(killed, tmp_path / "model")
    before = len(read_json(folder / "loss.json"))
    printed = run_script("train_e2e.py", *tiny, "-s", folder, *TINY_TRAINING, "--resume").stdout
    assert f"\nepoch {before - 1}  train" not in printed and f"\nepoch {before}  train" in printed
    assert_same_training(folder, trained[0])


def test_a_stop_between_two_files_of_an_epoch_does_no_harm(killed, trained, tiny, tmp_path):
    folder = shutil.copytree(killed, tmp_path / "model")
    (folder / "loss.json").unlink()  # the epoch's checkpoint was written, its row not
    (folder / "training.png").unlink(missing_ok=True)
    (folder / "checkpoint_002.pt").write_bytes(b"of an epoch whose optimiser state was not written")
    killed_scratch(folder / "checkpoint_001.pt").write_bytes(b"half")
    run_script("train_e2e.py", *tiny, "-s", folder, *TINY_TRAINING, "--resume")
    assert_same_training(folder, trained[0])


def test_a_finished_training_resumes_to_its_table(trained, tiny, tmp_path):
    folder = shutil.copytree(trained[0], tmp_path / "model")
    for path in folder.glob("pred-*"):
        path.unlink()
    shutil.copy(folder / "optim_002.pt", folder / "optim_001.pt")  # stopped before the old ones were removed
    done = run_here(train_e2e, *tiny, "-s", folder, *TINY_TRAINING, "--resume")
    assert done.returncode == 0 and "  train " not in done.stdout and "Average precision" in done.stdout
    assert_same_training(folder, trained[0])


def test_resume_in_a_new_folder_begins(tiny, tmp_path):
    done = run_here(train_e2e, *tiny, "-s", tmp_path / "model", *QUICK, "--resume")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model" / "checkpoint_000.pt").is_file()
    assert f"{tmp_path / 'model'}: holds nothing to resume; a new training begins" in done.stdout


@pytest.mark.parametrize(("options", "named"), [
    (["--clip_len", 16], "'clip_len': 16"), (["--num_epochs", 2], "'num_epochs': 2"), (["--seed", 2], "'seed': 2"),
    (["-m", "rn18"], "'feature_arch': 'rn18'"), (["-lr", 0.1], "'learning_rate': 0.1"),
])
def test_a_training_does_not_resume_with_other_options(options, named, killed, tiny):
    (killed / ".lock").unlink(missing_ok=True)  # of the killed run; it binds nobody
    before = {path: path.read_bytes() for path in killed.iterdir()}
    message = complaint(*tiny, "-s", killed, *TINY_TRAINING, *options, "--resume")
    assert "config.json: was trained with" in message and named in message
    assert {path: path.read_bytes() for path in killed.iterdir()} == before


def test_a_folder_that_holds_a_training_is_not_trained_over(killed, tiny, tmp_path, monkeypatch):
    (killed / ".lock").unlink(missing_ok=True)  # of the killed run; it binds nobody
    monkeypatch.setattr(train_e2e, "read_training_data", None)  # refused before anything else is looked at
    before = {path: path.read_bytes() for path in killed.iterdir()}
    assert "holds a training; --resume it" in complaint(*tiny, "-s", killed, *TINY_TRAINING)
    assert {path: path.read_bytes() for path in killed.iterdir()} == before

    # a model that someone handed on, ready to use
    handed_on = shutil.copytree(killed, tmp_path / "model", ignore=shutil.ignore_patterns("optim_*"))
    for extra in ([], ["--resume"]):
        assert "needs optim_NNN.pt" in complaint(*tiny, "-s", handed_on, *QUICK, *extra)
    assert read_json(handed_on / "config.json") == read_json(killed / "config.json")
    before = names(tiny[1])
    assert f"-s {tiny[1]}: would be written among what is read" in complaint(*tiny, "-s", tiny[1], *QUICK)
    assert names(tiny[1]) == before


def test_a_damaged_checkpoint_to_resume_from_is_named(killed, tiny, tmp_path):
    folder = shutil.copytree(killed, tmp_path / "model")
    newest = max(folder.glob("checkpoint_*.pt"))
    newest.write_bytes(newest.read_bytes()[:5000])
    assert f"{newest}: cannot be read" in complaint(*tiny, "-s", folder, *TINY_TRAINING, "--resume")


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_dataset_without_train_or_val_is_refused(split, tiny, tmp_path):
    data = shutil.copytree(tiny[0], tmp_path / "data")
    (data / f"{split}.json").unlink()
    message = complaint(data, tiny[1], "-s", tmp_path / "model", *QUICK)
    assert f"{split}.json: no such split" in message
    assert not (tmp_path / "model").exists()


def test_a_dataset_without_test_goes_through_with_a_note(tiny, tmp_path):
    data = shutil.copytree(tiny[0], tmp_path / "data")
    (data / "test.json").unlink()
    done = run_here(train_e2e, data, tiny[1], "-s", tmp_path / "model", *QUICK)
    assert done.returncode == 0 and "no results on test at the end" in done.stderr
    assert "split val: " in done.stdout
    assert not list((tmp_path / "model").glob("pred-test*"))


def test_missing_frames_are_named_before_anything_is_written(tiny, tmp_path):
    folder = tmp_path / "model"
    assert "no frames of this video" in complaint(tiny[0], tmp_path, "-s", folder, *QUICK)
    frames = shutil.copytree(tiny[1], tmp_path / "frames")
    (frames / "cup" / "b_1" / "000011.jpg").unlink()
    assert "1 of 24 frames are missing, the first 000011.jpg" in complaint(tiny[0], frames, "-s", folder, *QUICK)
    assert not folder.exists()


def test_labels_that_would_teach_something_false_stop_it_before_anything_is_written(tiny, tmp_path):
    data = shutil.copytree(tiny[0], tmp_path / "data")
    train, val = (json.loads((data / f"{split}.json").read_text(encoding="utf-8")) for split in ("train", "val"))
    (data / "val.json").write_text(json.dumps([*val, train[0]]), encoding="utf-8")
    message = complaint(data, tiny[1], "-s", tmp_path / "model", *QUICK)
    assert "video 'cup/a_1': stands in train (2 events), val (2 events)" in message
    assert message.endswith(f"python check_data.py {data} {tiny[1]} tells more")
    assert not (tmp_path / "model").exists()


def test_frames_smaller_than_the_crop_are_filled_up_with_a_warning(tiny, tmp_path):
    done = run_here(train_e2e, *tiny, "-s", tmp_path / "model", *QUICK, "--crop_dim", 64)
    assert done.returncode == 0, done.stderr
    assert "smaller than the crop of 64" in done.stderr and "(64x48)" in done.stderr


def test_a_frame_cut_short_in_a_video_is_named_from_a_worker_process(tmp_path):
    dataset, frames = make_dataset(tmp_path, {"train": ["a"], "val": ["b"]}, num_frames=16)
    path = frames / "a" / "000008.jpg"
    path.write_bytes(path.read_bytes()[:1000])
    quick = [*QUICK, "--clip_len", 14, "-j", 1]
    done = run_script("train_e2e.py", dataset, frames, "-s", tmp_path / "model", *quick, check=False)
    message = user_error(done)
    assert message == f"error: {path}: frame is broken or cut short; delete its folder and run prepare_data.py again"


def test_a_folder_that_cannot_be_written_is_named(tiny, tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("here first", encoding="utf-8")
    for folder in (in_the_way, in_the_way / "model"):
        assert "cannot be written" in complaint(*tiny, "-s", folder, *QUICK)
    assert in_the_way.read_text(encoding="utf-8") == "here first"


def test_an_unknown_dataset_is_refused(tiny, tmp_path):
    assert "no such dataset" in complaint("nowhere", tiny[1], "-s", tmp_path / "model", *QUICK)


def test_the_first_weights_can_come_from_another_training(trained, tiny, tmp_path):
    weights = trained[0] / "checkpoint_002.pt"
    done = run_here(train_e2e, *tiny, "-s", tmp_path / "model", *QUICK, "--weights", weights, "-lr", 0)
    assert done.returncode == 0, done.stderr
    assert read_json(tmp_path / "model" / "config.json")["weights_used"] == str(weights)
    state, source = (torch.load(p, weights_only=True) for p in (tmp_path / "model" / "checkpoint_000.pt", weights))
    assert torch.equal(state["backbone.cnn.stem.conv.weight"], source["backbone.cnn.stem.conv.weight"])


@pytest.mark.parametrize("weights", ["auto", "imagenet"])
def test_without_a_download_a_training_says_how_to_go_on(weights, tiny, tmp_path, offline):
    message = complaint(*tiny, "-s", tmp_path / "model", *QUICK, "--weights", weights)
    assert "cannot be downloaded" in message and "--weights none" in message
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("modality", ["rgb_diff", "rgb", "bw", "flow"])
def test_every_modality_trains_on_crops_with_accumulated_gradients(modality, tiny, tmp_path):
    options = ["-m", "rny002_tsm", "--modality", modality, "--crop_dim", 32, "-ag", 2, "--epoch_num_frames", 48,
               "--criterion", "loss", "--dilate_len", 1, "--no-mixup", "--num_epochs", 2]
    done = run_here(train_e2e, *tiny, "-s", tmp_path / "model", *QUICK, *options)
    assert done.returncode == 0, done.stderr
    optim = torch.load(tmp_path / "model" / "optim_001.pt", weights_only=True)
    assert optim["optimizer"]["state"][0]["step"] == 4  # of 3 batches an epoch, two and one
    rows = read_json(tmp_path / "model" / "loss.json")
    assert [row["val_mAP"] for row in rows] == [0, 0]
    best = min(rows, key=lambda row: row["val"])["epoch"]
    assert f"best epoch: {best}" in done.stdout
    assert (tmp_path / "model" / f"pred-test.epoch{best:02d}.json").is_file()


@pytest.mark.parametrize(("options", "rate"), [(["--modality", "bw", "--weights", "auto"], 0.003),
                                               (["--weights", "{trained}"], 0.001), (["-lr", 0.002], 0.002)])
def test_a_cnn_that_begins_from_nothing_learns_faster(options, rate, trained, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(train_e2e, "start_or_resume", Mock(side_effect=UserError("begun")))
    options = [str(option).format(trained=trained[0] / "checkpoint_002.pt") for option in options]
    assert "begun" in complaint(*tiny, "-s", tmp_path / "model", *QUICK, *options)
    assert train_e2e.start_or_resume.call_args.args[2]["learning_rate"] == rate


def test_the_val_map_is_measured_from_the_epoch_asked_for_on(tiny, tmp_path):
    for split in ("val", "test"):  # so that any prediction is right
        tmp_path.joinpath("data").mkdir(exist_ok=True)
        entries = json.loads((REPO / tiny[0] / f"{split}.json").read_text(encoding="utf-8"))
        for entry in entries:
            entry["events"] = [{"frame": frame, "label": "PASS"} for frame in range(entry["num_frames"])]
        (tmp_path / "data" / f"{split}.json").write_text(json.dumps(entries), encoding="utf-8")
    for name in ("train.json", "class.txt"):
        shutil.copy(f"{tiny[0]}/{name}", tmp_path / "data" / name)
    options = ["--num_epochs", 3, "--start_val_epoch", 1]
    run_here(train_e2e, tmp_path / "data", tiny[1], "-s", tmp_path / "model", *QUICK, *options)
    rows = read_json(tmp_path / "model" / "loss.json")
    assert [row["val_mAP"] > 0 for row in rows] == [False, True, True]


def test_the_learning_rate_warms_up_from_a_hundredth_and_falls_to_zero_as_a_cosine():
    factors = [train_e2e.lr_factor(update, 10, 50) for update in range(50)]
    assert factors[0] == 0.01 and factors[10] == 1 and max(factors) == 1
    steps = [b - a for a, b in zip(factors[:10], factors[1:11], strict=True)]
    assert all(step == pytest.approx(0.099) for step in steps)
    assert factors[30] == pytest.approx(0.5)
    assert factors[20] == pytest.approx((1 + math.cos(math.pi / 4)) / 2)
    assert train_e2e.lr_factor(50, 10, 50) == 0
    assert train_e2e.lr_factor(0, 0, 5) == 1


@pytest.mark.parametrize(("given", "meant"), [("resnet50", "rn50"), ("regnet_y", "rny008_gsm"), ("rn18", "rn18")])
def test_the_originals_names_of_architectures_are_known(given, meant, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train_e2e.py", "futsal", "frames", "-s", "out", "-m", given])
    args = train_e2e.parse_args()
    assert args.feature_arch == meant
    assert (args.clip_len, args.batch_size, args.crop_dim, args.start_val_epoch) == (100, "auto", None, 30)


@pytest.mark.parametrize("options", [
    ["-m", "vgg"], ["-t", "lstm"], ["--modality", "depth"], ["--clip_len", 0], ["--batch_size", -1], ["-lr", "fast"],
    ["-lr", -1], ["-lr", "nan"], ["--fg_upsample", 2], ["--criterion", "f1"], ["--device", "tpu"], ["--seed", "x"],
])
def test_options_that_cannot_be_are_refused(options, tiny, tmp_path):
    done = run_here(train_e2e, *tiny, "-s", tmp_path / "model", *QUICK, *options)
    assert done.returncode == 2 and "error: argument " in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "model").exists()


def test_a_loss_that_is_no_number_any_more_ends_the_training(tiny, tmp_path):
    message = complaint(*tiny, "-s", tmp_path / "model", *QUICK, "-lr", 1e30, "--epoch_num_frames", 96,
                        "--warm_up_epochs", 0)
    assert "lower -lr" in message
    assert not list((tmp_path / "model").glob("checkpoint_*"))


def test_less_memory_and_compiling_change_nothing_of_what_is_learned(tiny, tmp_path, monkeypatch):
    graphs = []

    def run_as_it_is(graph, _inputs):
        graphs.append(graph)
        return graph.forward

    # the network is traced as ever, but no C++ is made of it, which takes minutes
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=run_as_it_is))
    for arch, option in (("rny002_gsm", "--grad_checkpoint"), ("rn18", "--compile")):
        rows = []
        for options in ([], [option]):
            folder = tmp_path / "".join([arch, *options])
            done = run_here(train_e2e, *tiny, "-s", folder, *QUICK, "-m", arch, *options)
            assert done.returncode == 0, done.stderr
            assert "compile" not in read_json(folder / "config.json")  # it may go on without
            rows.append({key: read_json(folder / "loss.json")[0][key] for key in ("train", "val")})
        assert rows[1] == pytest.approx(rows[0], rel=1e-4)
    assert graphs


def test_a_training_in_float16_scales_its_gradients(tiny, tmp_path):
    for precision, scaled in (("float16", True), ("float32", False)):
        folder = tmp_path / precision
        done = run_here(train_e2e, *tiny, "-s", folder, *QUICK, "--precision", precision)
        assert done.returncode == 0, done.stderr
        assert bool(torch.load(folder / "optim_000.pt", weights_only=True)["scaler"]) == scaled
        assert math.isfinite(read_json(folder / "loss.json")[0]["train"])
    assert user_error(run_here(train_e2e, *tiny, "-s", folder, *QUICK, "--precision", "float16")).endswith("another -s")


def test_a_batch_that_processes_cannot_share_is_refused_before_anything_is_written(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setattr(sys, "argv", ["train_e2e.py", *map(str, [*tiny, "-s", tmp_path / "model", *QUICK])])
    with pytest.raises(UserError, match="^--batch_size 2: is shared by all 3 processes alike; take a multiple of 3$"):
        train_e2e.main()
    assert not (tmp_path / "model").exists()


def test_a_second_training_into_a_folder_is_refused_while_the_first_runs(tiny, tmp_path):
    with exclusive(tmp_path, "a training"):
        done = run_here(train_e2e, *tiny, "-s", tmp_path, *TINY_TRAINING)
        assert f"{tmp_path}: is in use by a training (process {os.getpid()}" in user_error(done)
    assert not list(tmp_path.iterdir())


def train_here(tiny, folder, *options):
    done = run_here(train_e2e, *tiny, "-s", folder, *options)
    assert done.returncode == 0, done.stderr
    return done


def stop_after(epoch, monkeypatch):
    """Let the next training end once this epoch is saved."""
    save = train_e2e.save_epoch

    def save_and_stop(folder, mean, optimizer, scaler, history):
        save(folder, mean, optimizer, scaler, history)
        if len(history) == epoch + 1:
            monkeypatch.setattr(train_e2e, "save_epoch", save)
            raise UserError("stopped")

    monkeypatch.setattr(train_e2e, "save_epoch", save_and_stop)


SYSTEMS = {
    "E2E-Spot": ["-m", "rny002_gsm", "-t", "gru"],
    "T-DEED": ["-m", "rny002_gsf", "-t", "ed_sgp_mixer", "--displacement", 2, "--n_layers", 1],
    "AdaSpot": ["-m", "rny002_gsf", "-t", "gru", "--regions", "--region_size", 16],
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_goes_on_to_the_last_digit_with_a_mean_of_its_weights(system, tiny, tmp_path, monkeypatch):
    options = [*QUICK, *SYSTEMS[system], "--num_epochs", 2, "--epoch_num_frames", 32, "--ema", 0.9, "--settle_bn", 0.5,
               *(["--grad_checkpoint"] if system != "E2E-Spot" else [])]
    train_here(tiny, tmp_path / "whole", *options)
    stop_after(0, monkeypatch)
    assert user_error(run_here(train_e2e, *tiny, "-s", tmp_path / "model", *options)) == "error: stopped"
    train_here(tiny, tmp_path / "model", *options, "--resume")
    whole, resumed = (tmp_path / name for name in ("whole", "model"))
    assert read_json(whole / "loss.json") == read_json(resumed / "loss.json")
    for name in ("checkpoint_001.pt", "optim_001.pt"):
        states = [torch.load(folder / name, weights_only=True) for folder in (whole, resumed)]
        weights = [state.get("weights", state) for state in states]
        assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    mean, trained = (torch.load(whole / f"{name}_001.pt", weights_only=True) for name in ("checkpoint", "optim"))
    assert trained["updates"] == 4
    classify = next(key for key in mean if key.endswith("classify.weight"))
    assert not torch.equal(mean[classify], trained["weights"][classify])
    statistics = next(key for key in mean if key.endswith("running_var"))
    assert torch.equal(mean[statistics], trained["weights"][statistics])


def test_a_training_goes_on_longer_than_it_was_begun_for_and_says_how_the_rate_goes(trained, tiny, tmp_path):
    folder = shutil.copytree(trained[0], tmp_path / "model")
    done = train_here(tiny, folder, "--resume", "--num_epochs", 5, "--device", "cpu", "-j", 0)
    came_to, goes_on = (0.003 * train_e2e.lr_factor(update, 3, total) for update, total in ((8, 9), (9, 15)))
    assert (f"the cosine is stretched to 5 epochs: the learning rate, which had come to {came_to:.2e}, "
            f"goes on at {goes_on:.2e}") in done.stdout
    rows, before = read_json(folder / "loss.json"), read_json(trained[0] / "loss.json")
    assert rows[:3] == before and [row["epoch"] for row in rows] == [0, 1, 2, 3, 4]
    config, begun = (read_json(f / "config.json") for f in (folder, trained[0]))
    assert config == {**begun, "num_epochs": 5}

    again = train_here(tiny, folder, "--resume", "--device", "cpu", "-j", 0)
    assert "stretched" not in again.stdout and len(read_json(folder / "loss.json")) == 5
    assert "'num_epochs': 4" in complaint(*tiny, "-s", folder, "--resume", "--num_epochs", 4)


def test_labels_that_have_changed_since_a_training_began_are_told_in_a_line(trained, tiny, tmp_path):
    folder, data = shutil.copytree(trained[0], tmp_path / "model"), shutil.copytree(tiny[0], tmp_path / "data")
    config = read_json(folder / "config.json")
    (folder / "config.json").write_text(json.dumps({**config, "dataset": str(data)}), encoding="utf-8")
    unchanged = run_here(train_e2e, data, tiny[1], "-s", folder, "--resume", "--device", "cpu", "-j", 0)
    assert unchanged.returncode == 0 and "WARNING" not in unchanged.stderr
    val, train = (json.loads((data / f"{split}.json").read_text(encoding="utf-8")) for split in ("val", "train"))
    val[0]["events"][0]["frame"] += 1
    train[0]["events"] = train[0]["events"][:-1]
    train[0]["num_events"] -= 1
    for split, entries in (("val", val), ("train", train)):
        (data / f"{split}.json").write_text(json.dumps(entries), encoding="utf-8")
    said = run_here(train_e2e, data, tiny[1], "-s", folder, "--resume", "--device", "cpu", "-j", 0).stderr
    since = "has changed since this training began: it"
    assert f"split train {since} had 4 events in 2 videos, and has 3 events in 2 videos" in said
    assert f"split val {since} has 2 events in 1 videos as before, but other frames or labels" in said
    assert read_json(folder / "config.json")["splits"]["train"]["events"] == 3


def test_a_training_starts_from_the_whole_network_of_another(trained, tiny, tmp_path):
    data = shutil.copytree(tiny[0], tmp_path / "data")
    (data / "class.txt").write_text("SHOT\nPASS\nDRIVE\n", encoding="utf-8")
    options = [*WITHOUT_NETWORK, "--init", trained[0], "-lr", 0]
    done = run_here(train_e2e, data, tiny[1], "-s", tmp_path / "model", *options)
    assert done.returncode == 0, done.stderr
    epoch = next(epoch for epoch in range(3) if f"best epoch: {epoch}" in trained[1])
    source = trained[0] / f"checkpoint_{epoch:03d}.pt"
    assert f"starts from {trained[0]}: rny002_gsm + gru, epoch {epoch}" in done.stdout
    assert "classes: PASS, DRIVE kept; SHOT new" in done.stdout
    config = read_json(tmp_path / "model" / "config.json")
    assert (config["init"], config["weights_used"]) == (str(trained[0]), f"{trained[0]}, epoch {epoch}")
    assert (config["feature_arch"], config["temporal_arch"], config["clip_len"]) == ("rny002_gsm", "gru", 8)
    new, old = (torch.load(p, weights_only=True) for p in (tmp_path / "model" / "checkpoint_000.pt", source))
    assert torch.equal(new["head.classify.weight"][[0, 2, 3]], old["head.classify.weight"][[0, 2, 1]])
    assert torch.equal(new["backbone.cnn.stem.conv.weight"], old["backbone.cnn.stem.conv.weight"])


def test_a_start_that_cannot_be_is_refused_before_anything_is_written(trained, tiny, tmp_path):
    folder = tmp_path / "model"
    options = [*tiny, "-s", folder, *WITHOUT_NETWORK]
    assert "nothing of rny002_gsm + gru fits rn18" in complaint(*options, "-m", "rn18", "--init", trained[0])
    assert "knows 2 classes, and A are 1" in complaint(*options, "--init", trained[0], "--init_classes", "A")
    assert "no such file" in complaint(*options, "--init", tmp_path / "nothing")
    for wrong, named in ((["--weights", "none", "--init", trained[0]], "only one of them"), ([], "required: -m")):
        done = run_here(train_e2e, *options, *wrong)
        assert done.returncode == 2 and named in done.stderr and "Traceback" not in done.stderr
    assert not folder.exists()
