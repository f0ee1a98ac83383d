"""The pipeline as a user runs it: the demo's splits are what its scripts make, and all scripts work in a row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import REPO, run_script

from start import DEMO


@pytest.fixture(scope="module")
def two_halves(tmp_path_factory) -> Path:
    """The first halves of two demo matches, six seconds each: one match to train on, one for val."""
    folder = tmp_path_factory.mktemp("halves")
    run_script("make_demo.py", "--output", folder, "--matches", 2, "--seconds", 6, "--width", 192, "--height", 108)
    for second_half in folder.glob("*/*_2.*"):
        second_half.unlink()
    return folder


def test_all_four_scripts_run_in_a_row_on_two_demo_halves(two_halves, tmp_path):
    frames, dataset, out = tmp_path / "Frames", tmp_path / "data" / "tiny", tmp_path / "out"
    prepared = run_script(
        "prepare_data.py", "--videos", two_halves / "Videos", "--labels", two_halves / "Labels",
        "--output", frames, "--dataset", dataset, "--height", 48,
    )
    assert "train" in prepared.stdout and "val" in prepared.stdout
    (val,) = json.loads((dataset / "val.json").read_text())
    assert len(list((frames / val["video"]).glob("*.jpg"))) == val["num_frames"]

    trained = run_script(
        "train_e2e.py", dataset, frames, "-s", out, "-m", "rny002_gsm", "--weights", "none", "--crop_dim", 0,
        "--clip_len", 8, "--batch_size", 2, "--epoch_num_frames", 64, "--num_epochs", 2, "--warm_up_epochs", 1,
        "--fg_upsample", 0.5, "-j", 1,
    )
    assert "best epoch" in trained.stdout
    losses = json.loads((out / "loss.json").read_text())
    assert [row["epoch"] for row in losses] == [0, 1]

    for old in out.glob("pred-*"):
        old.unlink()
    run_script("test_e2e.py", out, frames, "-s", "val", "--save", "-j", 1)
    (scores,) = out.glob("pred-val.epoch*.recall.json.gz")
    assert scores.stat().st_size > 0

    results = tmp_path / "results.json"
    run_script("eval.py", "-s", "val", out, "--json", results)
    report = json.loads(results.read_text())
    assert set(report["no_nms"]) == set(report["nms"]) == set(report["f1"]) == {"0", "1", "2", "4"}
    truths = sum(row["tp"] + row["fn"] for name, row in report["f1"]["2"].items() if name != "all")
    assert truths == len(val["events"])
    assert list(out.glob("*.pr.png"))


def test_the_demo_makes_exactly_the_splits_of_data_futsal(tmp_path):
    make, prepare = (line.split() for line in DEMO[:2])
    run_script(*[tmp_path if part == "demo" else part for part in make])
    arguments = [part.replace("demo/", f"{tmp_path}/") for part in prepare]
    arguments[arguments.index("--dataset") + 1] = str(tmp_path / "data" / "futsal")
    run_script(*arguments)
    for name in ("class.txt", "train.json", "val.json", "test.json"):
        made, kept = (folder / name for folder in (tmp_path / "data" / "futsal", REPO / "data" / "futsal"))
        assert made.read_bytes() == kept.read_bytes(), name
