"""--tensorboard and --wandb: what they are told, and what is said where the package is missing."""

import sys
from types import ModuleType

import pytest
from conftest import TINY_TRAINING, run_here, user_error

import train_e2e
from plots.training import TENSORBOARD, epoch_writer
from util.io import write_json


def row(epoch, loss=1.0):
    return {"epoch": epoch, "train": loss, "val": 2.0, "val_mAP": 0, "lr": 0.1}  # no mAP was measured


def test_rows_are_there_for_tensorboard_and_a_resumed_training_hides_what_it_writes_again(tmp_path):
    pytest.importorskip("tensorboard", reason="needs the package tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    first = epoch_writer(tmp_path, [], True)
    for epoch in range(3):
        first([row(number) for number in range(epoch + 1)])
    again = epoch_writer(tmp_path, [row(0)], True)  # killed after epoch 2, but only epoch 0's row reached the disk
    again([row(0), row(1, loss=7.0)])
    events = EventAccumulator(str(tmp_path / TENSORBOARD)).Reload()
    assert set(events.Tags()["scalars"]) == {"loss/train", "loss/val", "learning_rate"}
    assert [(e.step, e.value) for e in events.Scalars("loss/train")] == [(0, 1.0), (1, 7.0)]


def test_without_the_package_one_line_says_so_before_anything_is_written(tmp_path, tiny, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    done = run_here(train_e2e, *tiny, "-s", tmp_path / "model", *TINY_TRAINING, "--tensorboard")
    assert "pip install tensorboard" in user_error(done)
    assert not (tmp_path / "model").exists()


def test_rows_go_to_weights_and_biases_and_a_resumed_training_to_the_same_run(tmp_path, monkeypatch):
    begun, logged = [], []

    class Run:
        def log(self, values, step):
            logged.append((step, values))

    def init(**options):
        begun.append(options)
        return Run()

    fake = ModuleType("wandb")
    fake.init = init
    monkeypatch.setitem(sys.modules, "wandb", fake)
    write_json(tmp_path / "config.json", {"seed": 7})
    epoch_writer(tmp_path, [], wandb=True)([row(0)])
    epoch_writer(tmp_path, [row(0)], wandb=True)([row(0), row(1)])
    assert logged[1] == (1, {"loss/train": 1.0, "loss/val": 2.0, "learning_rate": 0.1}) and len(logged) == 2
    assert begun[0] == begun[1] and begun[0]["config"] == {"seed": 7} and begun[0]["resume"] == "allow"
    assert begun[0]["dir"] == str(tmp_path)


def test_without_the_package_of_wandb_one_line_says_so(tmp_path, tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    done = run_here(train_e2e, *tiny, "-s", tmp_path / "model", *TINY_TRAINING, "--wandb")
    assert "pip install wandb" in user_error(done)
    assert not (tmp_path / "model").exists()
