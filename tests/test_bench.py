"""The benchmark: that each stage can be measured and printed, on sizes so small that their rates say nothing."""

import math
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from conftest import REPO, run_script

from bench import extraction, inference, loading, memory, metrics, run, training
from bench.inputs import VIDEO, write_frames
from bench.machine import describe
from bench.rows import Row, Settings
from bench.systems import NETWORKS, SYSTEMS
from bench.timing import card_memory, fastest
from dataset.clips import RandomClips
from dataset.targets import TargetMaker
from model.backbone import build_cnn

CPU = torch.device("cpu")
TINY = Settings("cpu", "float32", seconds=0, clip_len=4, crop=56)


def check(rows):
    for row in rows:
        assert row.stage and row.unit and "|" not in row.stage + row.note
        assert math.isfinite(row.rate) and row.rate > 0
        assert row.floor is None or row.floor > 0
        assert run.line(row).count("|") == 6


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    videos = write_frames(folder, 12, (96, 64))
    return folder / VIDEO, RandomClips(folder, videos, TargetMaker(["DRIVE", "PASS"]), 4, 6, 48)


@pytest.mark.parametrize("workers", [0, 2])
def test_loading_is_measured(clips, workers):
    row = loading.loading(*clips, 2, workers, seconds=0)
    check([row])
    assert ("2 workers" if workers else "no workers") in row.stage


def test_augmentation_is_measured(clips):
    check([loading.augmentation(clips[1], 2, CPU, seconds=0)])


def test_extraction_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "SIZE", (96, 64))
    video = extraction.write_video(tmp_path / "match.mp4", drawn=6, num_frames=12)
    check([extraction.one_video(video, tmp_path, seconds=0)])


@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_is_measured_in_training_and_inference(name, tmp_path, monkeypatch):
    check([training.speed(name, 1, TINY)])
    monkeypatch.setattr(inference, "BATCHES", (2, 4))
    videos = write_frames(tmp_path, 8, (160, 112))
    check([inference.speed(tmp_path, videos, name, TINY)])
    if name in SYSTEMS:
        row = inference.clip_by_clip(tmp_path, videos, name, TINY)
        check([row])
        assert "times as fast" in row.note


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_training_step_is_measured_in_the_precision_asked_for(dtype, monkeypatch):
    seen = set()

    def watched(*args, **kwargs):
        cnn = build_cnn(*args, **kwargs)
        cnn.register_forward_hook(lambda _module, _args, out: seen.add(out.dtype))
        return cnn

    for module in ("bench.systems", "model.backbone"):  # the bare CNN, and the one that is trained
        monkeypatch.setattr(f"{module}.build_cnn", watched)
    row = training.speed("rny002_gsm", 1, replace(TINY, precision=dtype))
    check([row])
    assert seen == {getattr(torch, dtype)} and row.stage.endswith(dtype)


def test_on_a_card_the_largest_of_some_batches_that_it_holds_is_trained_with(monkeypatch, tmp_path):
    tried = []

    def speed(name, batch_size, _settings):
        tried.append((name, batch_size))
        if batch_size > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return Row(name, 1.0, 2.0, "frames/s")

    monkeypatch.setattr(training, "speed", speed)
    monkeypatch.setattr(training, "pick_device", torch.device)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    assert [row.stage for row in training.measure(tmp_path, Settings("cuda"))] == list(NETWORKS)
    assert tried == [(name, batch_size) for name in NETWORKS for batch_size in (4, 2)]


def test_what_a_card_holds_at_most_is_noted(monkeypatch):
    done = []
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda _device: done.append("reset"))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _device: 3 * 2**30)
    assert card_memory(lambda: done.append("work"), torch.device("cuda")) == "3.0 GiB of the card"
    assert done == ["work", "reset", "work"]


def test_the_largest_batch_is_counted_where_there_is_no_card_and_tried_where_there_is(monkeypatch):
    monkeypatch.setattr(memory, "counted_step", lambda _architecture, batch_size, *_: (1 + batch_size) * 2**30)
    row = memory.clips_that_fit("rny002_gsm", True, TINY)
    check([row])
    assert row.rate == 5 and "--grad_checkpoint" in row.stage and row.note == "counted: 1.00 GiB each"
    monkeypatch.setattr(memory, "pick_device", torch.device)
    monkeypatch.setattr(memory, "largest_tried", lambda *given: 7 if given[4:] == (False, 7.5 * 2**30, 64) else 0)
    row = memory.clips_that_fit("AdaSpot", False, Settings("cuda", "float32"))
    assert (row.rate, row.note) == (7, "tried")


def test_metrics_are_measured(tmp_path):
    check(metrics.rates(tmp_path, 600, 3, seconds=0))


def test_what_takes_turns_is_warm_and_timed_at_its_best():
    done = []
    took = fastest(lambda: done.append("a"), lambda: done.append("b"), seconds=0)
    assert done == ["a", "b"] * 4 and all(seconds >= 0 for seconds in took)


def test_the_machine_is_named():
    assert f"PyTorch {torch.__version__.partition('+')[0]}" in describe(TINY) and "cores" in describe(TINY)


def test_rows_are_lines_of_a_table():
    assert run.line(Row("stage", 12345.6, 20000.0, "frames/s", "a note")).split("|")[2:6] == [
        "    12,346 frames/s      ", "    20,000 ", "  0.62 ", " a note "]
    assert run.line(Row("stage", 2.5, None, "GiB")).split("|")[2:5] == ["       2.5 GiB           ", " " * 11, " " * 7]


@pytest.fixture
def bare_machine(tmp_path, monkeypatch):
    """One that lacks all that a card's table can do without."""
    for name in ("av", "flask", "pandas", "matplotlib", "ray"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not on this machine')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path) + os.pathsep + os.environ.get("PYTHONPATH", ""))


def test_a_cards_table_needs_nothing_but_torch_torchvision_timm_numpy_and_opencv(bare_machine):
    code = f"import sys; sys.path.insert(0, {str(REPO)!r}); import bench.run as run; " \
           "[__import__(f'bench.{stage}') for stage in (*run.ON_A_DEVICE, 'machine')]; " \
           "print(*[name for name in ('av', 'flask', 'pandas', 'matplotlib') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_the_command_prints_the_table_of_a_device(bare_machine):
    done = run_script("bench/run.py", "--device", "cpu", "--seconds", 0, "--clip_len", 4, "--crop_dim", 32, "loading")
    assert "cores" in done.stdout.splitlines()[0]
    table = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len(table) >= 6 and {line.count("|") for line in table} == {6}
    assert "loading clips, no workers" in done.stdout and "memory of the process: loading" in done.stdout


def test_unknown_stages_are_refused_and_a_device_means_its_own(monkeypatch):
    def stages(*args):
        monkeypatch.setattr(sys, "argv", ["run.py", *args])
        return tuple(run.parse_args().stages)

    assert stages("--device", "cpu") == run.ON_A_DEVICE and stages() == run.STAGES
    assert stages("--device", "cpu", "metrics") == ("metrics",)
    with pytest.raises(SystemExit):
        stages("speed")
