"""bench/accuracy.py: runs of recipes on a world, their table and picture, and that what is done is not done again."""

import math

import pandas as pd
from conftest import TINY_TRAINING, run_script, user_error

from bench.accuracy import show


def test_the_table_has_mean_and_spread_over_seeds_and_the_classes_of_each_world():
    rows = pd.DataFrame([
        {"world": "a", "recipe": "x", "seed": 1, "mAP": 0.5, "mAP@0": 0.2, "seconds": 10.0, "PASS": 0.5},
        {"world": "a", "recipe": "x", "seed": 2, "mAP": 0.7, "mAP@0": 0.4, "seconds": 30.0, "PASS": 0.7},
        {"world": "b", "recipe": "x", "seed": 1, "mAP": 0.1, "mAP@0": 0.0, "seconds": math.nan, "SERVE": 0.1},
    ])
    assert show(rows).splitlines() == [
        "", "| a | mean mAP | worst seed | mAP at 0 | PASS | seconds | seeds |", "|---|--:|--:|--:|--:|--:|--:|",
        "| x | 60.0 ± 14.1 | 50.0 | 30.0 ± 14.1 | 60.0 ± 14.1 | 20 ± 14 | 2 |",
        "", "| b | mean mAP | worst seed | mAP at 0 | SERVE | seconds | seeds |", "|---|--:|--:|--:|--:|--:|--:|",
        "| x | 10.0 | 10.0 | 0.0 | 10.0 | - | 1 |",
    ]


def test_recipes_run_on_a_dataset_of_ones_own_and_only_once(tiny, tmp_path):
    size = " ".join(map(str, [*tiny, *TINY_TRAINING[:-6], "--num_epochs", 1, "--epoch_num_frames", 16]))
    command = ["bench/accuracy.py", "--output", tmp_path, "--world", f"noise={size} --device cpu -j 0", "--worlds",
               "noise", "--seeds", 1]
    printed = run_script(*command, "--recipe", "wide=--dilate_len 2", "--recipes", "wide").stdout
    assert "| wide |" in printed and (tmp_path / "accuracy.png").is_file()
    model = tmp_path / "runs" / "noise" / "wide" / "seed1" / "model"
    began = (model / "config.json").stat().st_mtime_ns

    again = run_script(*command, "--recipe", "wide=--dilate_len 2", "--recipes", "wide").stdout
    assert (model / "config.json").stat().st_mtime_ns == began and "| wide |" in again
    table = pd.read_csv(tmp_path / "accuracy.csv")
    assert list(table["recipe"]) == ["wide"] and table["seconds"].notna().all()
    other = run_script(*command, "--recipe", "wide=--dilate_len 3", "--recipes", "wide", check=False)
    assert "was made with other options" in user_error(other)
