"""Several models in one table, as text, CSV and LaTeX."""

import math

import pandas as pd
import pytest
from conftest import run_here, user_error
from test_eval import model  # noqa: F401

import eval as eval_script
from util.comparison import comparison, plain_rows, show_comparison, write_comparison
from util.io import read_json, write_json

ROWS = {"out/a_b": {"mAP@0": 0.5, "mAP": 0.7512345}, "out/c": {"mAP@0": 0.75, "mAP": math.nan}}


def test_latex_has_per_cent_the_best_in_bold_and_no_sign_that_means_something(tmp_path):
    write_comparison(tmp_path / "t.tex", comparison(ROWS))
    lines = (tmp_path / "t.tex").read_text(encoding="utf-8").splitlines()
    assert lines[0] == r"\begin{tabular}{lrr}" and lines[-1] == r"\end{tabular}"
    assert lines[2] == r"model & mAP@0 & mAP \\"
    assert lines[4:6] == [r"out/a\_b & 50.00 & \textbf{75.12} \\", r"out/c & \textbf{75.00} & -- \\"]


def test_csv_has_fractions_and_json_null_where_nothing_was_measured(tmp_path):
    table = comparison(ROWS)
    write_comparison(tmp_path / "t.csv", table)
    assert pd.read_csv(tmp_path / "t.csv", index_col=0).loc["out/a_b", "mAP"] == 0.7512345
    assert plain_rows(table)["out/c"] == {"mAP@0": 0.75, "mAP": None}
    assert "75.12" in show_comparison(table)


def test_models_stand_beside_each_other_with_the_numbers_that_each_has_alone(model, tmp_path):  # noqa: F811
    other = model / "pred-test.epoch02.recall.json.gz"
    options = ["-s", "test", "-t", 1, 2, "--timelines", 0]
    done = run_here(eval_script, *options, model, "--compare", other, "--table", tmp_path / "t.csv",
                    "--json", tmp_path / "r.json")
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(tmp_path / "t.csv", index_col=0)
    assert list(table.columns) == ["mAP@1", "mAP@2", "mAP", "precision@2", "recall@2", "F1@2"]
    for given in (model, other):
        assert run_here(eval_script, *options, given, "--json", tmp_path / "one.json").returncode == 0
        alone, row = read_json(tmp_path / "one.json"), table.loc[given.as_posix()]
        assert row["mAP"] == pytest.approx(alone["mean_mAP"]["nms"])
        assert row["F1@2"] == pytest.approx(alone["all"]["2"]["f1"])
        assert read_json(tmp_path / "r.json")["models"][given.as_posix()]["mAP@1"] == alone["mAP"]["nms"]["1"]
    done = run_here(eval_script, "-s", "test", model, "--table", tmp_path / "t.tex", "--metric", "soccernet")
    assert done.returncode == 0 and "mAP@1 unshown" in (tmp_path / "t.tex").read_text(encoding="utf-8")
    wrong = run_here(eval_script, "-s", "test", model, "--table", tmp_path / "t.txt")
    assert wrong.returncode == 2 and "must end in .csv or .tex" in wrong.stderr


def test_models_of_other_datasets_are_compared_on_the_one_that_is_named_alone(model, tmp_path):  # noqa: F811
    config = read_json(model / "config.json")
    other = tmp_path / "other"
    for path in (*model.glob("pred-test.epoch01.recall*"), model / "loss.json"):
        (other / path.name).parent.mkdir(exist_ok=True)
        (other / path.name).write_bytes(path.read_bytes())
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (tmp_path / "data").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    write_json(other / "config.json", config | {"dataset": copy.as_posix()})
    assert "say with -d" in user_error(run_here(eval_script, "-s", "test", model, "--compare", other))
    assert run_here(eval_script, "-s", "test", model, "--compare", other, "-d", copy).returncode == 0
