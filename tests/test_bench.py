"""The benchmark: that each stage can be measured and printed, on sizes so small that their rates say nothing."""

import math

import pytest
import torch
from conftest import run_script

from bench import extraction, inference, loading, metrics, run, training
from bench.inputs import VIDEO, write_frames
from bench.machine import describe
from bench.rows import Row
from bench.systems import SYSTEMS
from bench.timing import fastest
from dataset.clips import RandomClips
from dataset.targets import TargetMaker
from model.backbone import build_cnn

CPU = torch.device("cpu")


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


def test_inference_is_measured(tmp_path, monkeypatch):
    for name, value in (("CROP", 32), ("CLIP_LEN", 4), ("BATCHES", (2, 4))):
        monkeypatch.setattr(inference, name, value)
    videos = write_frames(tmp_path, 12, (96, 64))
    check([inference.speed(tmp_path, videos, "rny002_gsm", torch.float32, CPU, seconds=0)])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_training_step_is_measured_in_the_precision_asked_for(dtype, monkeypatch):
    seen = set()

    def watched(*args, **kwargs):
        cnn = build_cnn(*args, **kwargs)
        cnn.register_forward_hook(lambda _module, _args, out: seen.add(out.dtype))
        return cnn

    for module in ("bench.systems", "model.backbone"):  # the bare CNN, and the one that is trained
        monkeypatch.setattr(f"{module}.build_cnn", watched)
    row = training.speed("rny002_gsm", 2, 1, 32, dtype, CPU, seconds=0)
    check([row])
    assert seen == {dtype} and row.stage.endswith(str(dtype).removeprefix("torch."))


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_published_systems_are_measured_in_training_and_by_clips(system, tmp_path, monkeypatch):
    check([training.speed(system, 4, 1, 56, torch.float32, CPU, seconds=0)])
    for name, value in (("CROP", 56), ("CLIP_LEN", 4), ("BATCHES", (2, 4))):
        monkeypatch.setattr(inference, name, value)
    videos = write_frames(tmp_path, 8, (160, 112))
    check([inference.speed(tmp_path, videos, system, torch.float32, CPU, seconds=0)])
    row = inference.clip_by_clip(tmp_path, videos, system, CPU)
    check([row])
    assert "times as fast" in row.note


@pytest.mark.parametrize("best", [torch.float32, torch.bfloat16])
def test_the_whole_table_of_training_has_each_case_once(best, monkeypatch, tmp_path):
    cases = []
    monkeypatch.setattr(training, "best_precision", lambda _device: best)
    for name in ("speed", "counted_memory", "measured_memory"):
        monkeypatch.setattr(training, name, lambda *case, name=name, **_: cases.append((name, *case)))
    training.measure(tmp_path, quick=False)
    assert len(cases) == len(set(cases)) == (20 if best == torch.bfloat16 else 12)
    assert {case[5] for case in cases if case[0] == "speed"} == {torch.float32, best}


@pytest.mark.parametrize("answer", range(12))
def test_the_largest_batch_is_found(answer):
    asked = []
    assert training.largest(lambda n: asked.append(n) or n <= answer, 10) == min(answer, 10)
    assert max(asked) <= 10 and len(asked) <= 6


def test_memory_is_counted_where_there_is_no_card(monkeypatch):
    monkeypatch.setattr(training, "counted_step", lambda _architecture, batch_size, *_: (1 + batch_size) * 2**30)
    row = training.counted_memory("rny002_gsm", True, CPU)
    check([row])
    assert row.rate == 9 and "--grad_checkpoint" in row.stage and row.note.endswith("largest batch in 6.5 GiB: 5")


@pytest.mark.parametrize("room", [5, 20])
def test_memory_is_measured_where_there_is_a_card(room, monkeypatch):
    def step(_arch, _clip_len, batch_size, *_):
        if batch_size > room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return lambda: None

    monkeypatch.setattr(training, "make_step", step)
    for name, answer in (("empty_cache", None), ("reset_peak_memory_stats", None), ("max_memory_allocated", 3 * 2**30)):
        monkeypatch.setattr(torch.cuda, name, lambda answer=answer: answer)
    row = training.measured_memory("rny008_gsm", False, torch.device("cuda"))
    check([row])
    assert row.rate == 3 and f"{min(8, room)} x 100 frames" in row.stage
    assert row.note == f"largest batch on this card: {room}"


def test_metrics_are_measured(tmp_path):
    check(metrics.rates(tmp_path, 600, 3, seconds=0))


def test_what_takes_turns_is_warm_and_timed_at_its_best():
    done = []
    took = fastest(lambda: done.append("a"), lambda: done.append("b"), seconds=0)
    assert done == ["a", "b"] * 4 and all(seconds >= 0 for seconds in took)


def test_the_machine_is_named():
    assert f"PyTorch {torch.__version__.partition('+')[0]}" in describe() and "cores" in describe()


def test_rows_are_lines_of_a_table():
    assert run.line(Row("stage", 12345.6, 20000.0, "frames/s", "a note")).split("|")[2:6] == [
        "    12,346 frames/s      ", "    20,000 ", "  0.62 ", " a note "]
    assert run.line(Row("stage", 2.5, None, "GiB")).split("|")[2:5] == ["       2.5 GiB           ", " " * 11, " " * 7]


def test_the_command_prints_the_table_of_the_stages_asked_for():
    done = run_script("bench/run.py", "--quick", "metrics")
    assert "cores" in done.stdout.splitlines()[0]
    table = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len(table) >= 4 and {line.count("|") for line in table} == {6}
    assert "NMS, 100,000 predictions" in done.stdout and "memory of the process: metrics" in done.stdout
    unknown = run_script("bench/run.py", "speed", check=False)
    assert unknown.returncode == 2 and "no such stage: speed" in unknown.stderr
