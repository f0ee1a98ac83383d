"""What a training costs: the batch that fits, and the time that is estimated from its first steps."""

import json
import math

import pytest
import torch
from conftest import TINY_TRAINING, make_dataset, run_here, user_error

import train_e2e
from model import cost, memory
from model.architecture import Architecture, Regions
from model.cost import Forecast, batch_that_fits, largest
from model.memory import GIB, counted_step, machine_memory, peak_memory
from util.clock import about
from util.errors import UserError

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
SMALL = Architecture("rny002_gsm", "gru", 2, clip_len=4)


@pytest.mark.parametrize("answer", range(12))
@pytest.mark.parametrize("bend", [0.0, -0.01, 0.01])  # of the line that memory lies on
def test_the_largest_batch_is_found_in_few_tries(answer, bend):
    def takes(batch):
        return 3 + batch + bend * batch**2

    asked = []
    room = (takes(answer) + takes(answer + 1)) / 2
    assert largest(lambda batch: asked.append(batch) or takes(batch), room, 10) == min(answer, 10)
    assert max(asked) <= 10 and len(asked) == len(set(asked)) <= 6


def test_a_batch_that_runs_out_of_memory_does_not_fit():
    assert largest(lambda batch: math.inf if batch > 5 else 1.0, 100, 64) == 5


@pytest.mark.parametrize(("gib", "batch", "sparing"), [(6, 5, False), (4, 8, True), (1.6, 4, True), (100, 8, False)])
def test_on_a_processor_it_is_counted_in_half_of_the_memory_and_where_few_clips_fit_with_less(
    gib, batch, sparing, monkeypatch, capsys
):
    def step(_architecture, size, _frame, _precision, grad_checkpoint):
        return (0.4 + (0.1 if grad_checkpoint else 0.5) * size) * GIB

    monkeypatch.setattr(cost, "machine_memory", lambda: gib * GIB)
    monkeypatch.setattr(cost, "counted_step", step)
    assert batch_that_fits(SMALL, (32, 32), CPU, torch.float32, False, most=8) == (batch, sparing)
    assert f"--batch_size auto: {batch} clips{' with --grad_checkpoint' * sparing}, " in capsys.readouterr().out
    assert batch_that_fits(SMALL, (32, 32), CPU, torch.float32, True, most=2) == (2, True)


def test_on_a_card_steps_are_tried_with_its_memory_held_to_what_is_free(monkeypatch):
    tried, held, emptied = [], [], []

    def step(spotter, batch_size, frame):
        assert spotter.precision == torch.bfloat16 and frame == (32, 32)
        tried.append(batch_size)
        if batch_size > 6:
            raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(cost, "blank_step", step)
    monkeypatch.setattr(cost, "move", lambda spotter, _device, precision: setattr(spotter, "precision", precision) or
                        spotter)
    for name, answer in {
        "mem_get_info": lambda _device: (7 * GIB, 8 * GIB), "reset_peak_memory_stats": lambda _device: None,
        "max_memory_allocated": lambda _device: (0.5 + tried[-1]) * GIB, "empty_cache": lambda: emptied.append(1),
        "get_device_properties": lambda _device: type("Card", (), {"total_memory": 8 * GIB}),
        "set_per_process_memory_fraction": lambda share, _device: held.append(share),
    }.items():
        monkeypatch.setattr(torch.cuda, name, answer)
    assert batch_that_fits(SMALL, (32, 32), CUDA, torch.bfloat16, False, most=50) == (6, False)  # 6.5 GiB, and 7 to go
    assert held == [6.5 / 8, 1.0] and emptied and tried[:4] == [1, 1, 2, 2]


def test_a_step_is_counted_for_each_kind_of_network():
    every = Architecture("rny002_gsf", "ed_sgp_mixer", 2, clip_len=4, shift_stages="4", radi_displacement=2,
                         event_team=True, joint_classes=3, padding="replicate", regions=Regions(size=32))
    one, two = (counted_step(architecture, 2, (64, 64), torch.float32, False) for architecture in (SMALL, every))
    assert GIB / 20 < one < two < GIB


def test_the_machines_memory_and_the_process_s_are_known():
    assert 0.1 * GIB < machine_memory() < 10_000 * GIB
    assert peak_memory() is None or 0.01 < peak_memory() < machine_memory() / GIB


@pytest.mark.parametrize(("groups", "limits", "gib"), [
    ("0::/\n", {"memory.max": 3}, [3]),  # in a container
    ("0::/slurm/job_1/step\n", {"slurm/job_1/memory.max": 2, "slurm/job_1/step/memory.max": "max"}, [2]),
    ("5:cpu,cpuacct:/a\n4:memory:/docker/f00\n0::/\n", {"memory/memory.limit_in_bytes": 1.5}, [1.5]),  # version 1
    ("4:memory:/a/b\n", {"memory/a/memory.limit_in_bytes": 2, "memory.limit_in_bytes": 1, "memory.max": 1}, [2]),
    ("", {}, []), ("0::/a/../b\n", {"memory.max": "max"}, []),
])
def test_what_a_container_or_a_job_may_take_is_known(groups, limits, gib, tmp_path):
    (tmp_path / "cgroup").write_text(groups)
    for name, limit in limits.items():
        path = tmp_path / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{limit if limit == 'max' else int(limit * GIB)}\n")
    assert [limit / GIB for limit in memory._group_limits(tmp_path / "cgroup", tmp_path / "fs")] == gib
    assert not list(memory._group_limits(tmp_path / "none", tmp_path))


def test_the_smaller_of_the_machines_memory_and_the_limit_counts(monkeypatch):
    whole = machine_memory()
    monkeypatch.setattr(memory, "_group_limits", lambda: [GIB // 2, 2**63 - 4096])
    assert machine_memory() == GIB // 2 < whole


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(cost.time, "monotonic", lambda: now[0])
    return now


def test_time_is_estimated_from_ten_seconds_of_steps_without_the_first_and_again_after_an_epoch(clock, capsys):
    forecast = Forecast(CPU, epochs=50, updates=300, loss=0.3, maps=20, lengths=[1.5, 3])
    clock[0] = 40  # the first step is slow
    for _ in range(9):
        forecast.update()
        clock[0] += 2
    said = capsys.readouterr().out
    # 300 steps of 2 s and a val loss that takes a tenth; 50 epochs, scoring of 20 x 1.5 epochs' worth, and of 1.5 and 3
    assert said.startswith("estimated from 5 steps: an epoch takes about 11 minutes, all that is to come, with "
                           "scoring, about 11 hours") and said.count("\n") == 1
    forecast.epoch(900, 0)
    assert "from an epoch: an epoch takes about 15 minutes, all that is to come, with scoring, about 15 hours" in (
        capsys.readouterr().out)
    forecast.update()
    forecast.epoch(900, 0)
    assert not capsys.readouterr().out
    Forecast(CPU, epochs=50, updates=300, loss=0, maps=-3, lengths=[0]).epoch(10_000, 0)
    assert "about 5.7 days" in (said := capsys.readouterr().out) and "first_training.md says what makes it" in said


def test_what_scoring_took_the_first_time_is_expected_of_the_others(clock, capsys):
    forecast = Forecast(CPU, epochs=4, updates=300, loss=0, maps=2, lengths=[2, 1])
    said = []
    for scored in (0, 0, 1800, 1800):  # three times as long as a third of a step for each frame
        forecast.epoch(300, scored)
        said.append(capsys.readouterr().out)
    # three epochs and (2 x 2 + 2 + 1) / 3 epochs' worth of scoring; after two, one epoch and 3 x 2 + 1 of its length
    assert "all that is to come, with scoring, about 27 minutes" in said[0] and not said[1]
    assert "all that is to come, with scoring, about 80 minutes" in said[2] and not said[3]
    Forecast(CPU, epochs=1, updates=3, loss=0, maps=1, lengths=[2, 1]).epoch(300, 600)
    assert "takes about 5.0 minutes, all that is to come, with scoring, about 15 minutes" in capsys.readouterr().out


def test_nothing_is_said_of_a_training_of_seconds(clock, capsys):
    forecast = Forecast(CPU, epochs=2, updates=2, loss=0.25, maps=1, lengths=[0.5, 0.5])
    for _ in range(2):
        forecast.update()
        clock[0] += 11
        forecast.update()
        forecast.epoch(11, 2)
    assert not capsys.readouterr().out


@pytest.mark.parametrize(("seconds", "words"), [(59, "59 s"), (150, "2.5 minutes"), (3600, "60 minutes"),
                                                (5 * 3600, "5.0 hours"), (86_400, "24 hours"),
                                                (6 * 86_400, "6.0 days")])
def test_durations_are_told_in_words(seconds, words):
    assert about(seconds) == f"about {words}"


def test_auto_is_in_config_json_as_the_number_and_a_training_goes_on_with_it(tmp_path, monkeypatch):
    tiny = make_dataset(tmp_path, {"train": ["a_1"], "val": ["b_1"]}, num_frames=24)
    monkeypatch.setattr(train_e2e.recipe, "clips_in_update", lambda clips: 8)
    asked = []

    def batch(architecture, frame, device, precision, grad_checkpoint, most):
        asked.append((architecture.clip_len, frame, device, precision, grad_checkpoint, most))
        return 3, True

    monkeypatch.setattr(train_e2e, "batch_that_fits", batch)
    options = [*tiny, "-s", tmp_path / "model", *TINY_TRAINING, "--epoch_num_frames", 24, "--precision", "float32",
               "--batch_size", "auto"]
    first = run_here(train_e2e, *options, "--num_epochs", 1)
    assert first.returncode == 0, first.stderr
    assert asked == [(8, (48, 64), CPU, torch.float32, False, 3)]
    assert json.loads((tmp_path / "model" / "config.json").read_text())["batch_size"] == 3
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert (config["acc_grad_iter"], config["grad_checkpoint"]) == (3, True)
    again = run_here(train_e2e, *options, "--num_epochs", 2, "--resume")
    assert again.returncode == 0 and "1 batches of 3 x 8 frames" in again.stdout and len(asked) == 1


def test_first_weights_hang_on_the_seed_and_not_on_the_batches_that_were_tried(tiny, tmp_path, monkeypatch):
    def begin(*_):
        assert torch.equal(torch.get_rng_state(), torch.Generator().manual_seed(7).get_state())
        raise UserError("begun")

    monkeypatch.setattr(train_e2e, "batch_that_fits", lambda *_: (len(torch.rand(2)), False))
    monkeypatch.setattr(train_e2e, "start_or_resume", begin)
    options = [*TINY_TRAINING, "--batch_size", "auto", "--seed", 7]
    assert "begun" in user_error(run_here(train_e2e, *tiny, "-s", tmp_path / "model", *options))


def test_a_machine_for_which_one_clip_is_too_much_is_told_what_helps(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(cost, "machine_memory", lambda: 0.01 * GIB)
    done = run_here(train_e2e, *tiny, "-s", tmp_path / "model", *TINY_TRAINING, "--batch_size", "auto")
    assert "not one clip of 8 frames of 64x48 fits the 0.0 GiB" in user_error(done)
    assert not (tmp_path / "model" / "config.json").exists()
