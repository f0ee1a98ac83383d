"""Several models in one table, as text, CSV and LaTeX."""

import math

import pandas as pd
import pytest
from conftest import run_here, user_error
from test_eval import model  # noqa: F401

import eval as eval_script
from evaluation.comparison import comparison, differences, plain_rows, show_comparison, write_csv, write_latex
from util.io import read_json, write_json

ROWS = {"out/a_b": {"mAP@0": 0.5, "mAP": 0.7512345}, "out/c": {"mAP@0": 0.75, "mAP": math.nan}}


def test_latex_has_per_cent_the_best_in_bold_and_no_sign_that_means_something(tmp_path):
    write_latex(tmp_path / "t.tex", comparison(ROWS))
    lines = (tmp_path / "t.tex").read_text(encoding="utf-8").splitlines()
    assert lines[0] == r"\begin{tabular}{lrr}" and lines[-1] == r"\end{tabular}"
    assert lines[2] == r"system & mAP@0 & mAP \\"
    assert lines[4:6] == [r"out/a\_b & 50.00 & \textbf{75.12} \\", r"out/c & \textbf{75.00} & -- \\"]


def test_what_is_printed_alike_is_in_bold_alike(tmp_path):
    write_latex(tmp_path / "t.tex", comparison({"a": {"mAP": 0.1 + 0.2}, "b": {"mAP": 0.3}}))
    assert (tmp_path / "t.tex").read_text(encoding="utf-8").count(r"\textbf{30.00}") == 2


def test_many_models_are_lines_and_many_numbers_of_few_are_lines_too():
    numbers = {f"mAP@{tolerance}": 0.5 for tolerance in range(8)}
    for models, lines in ((30, 31), (1, 9)):
        shown = show_comparison(comparison({f"runs/{number}": numbers for number in range(models)})).splitlines()
        assert len(shown) == lines and max(map(len, shown)) < 90


def test_csv_has_fractions_and_json_null_where_nothing_was_measured(tmp_path):
    table = comparison(ROWS)
    write_csv(tmp_path / "t.csv", table)
    assert pd.read_csv(tmp_path / "t.csv", index_col="system").loc["out/a_b", "mAP"] == 0.7512345
    assert plain_rows(table)[1] == {"system": "out/c", "seed": "", "mAP@0": 0.75, "mAP": None}
    assert "75.12" in show_comparison(table)


def test_folders_that_differ_by_their_seed_are_one_system_with_mean_and_deviation(tmp_path):
    rows, folders = {}, {}
    for name, seed, lr, number in (
            ("out/plain_s1", 1, 0.1, 0.5), ("out/fast", 1, 0.2, 0.3), ("out/plain_s2", 2, 0.1, 0.7)):
        folders[name], rows[name] = tmp_path / name, {"mAP": number}
        write_json(tmp_path / name / "config.json", {"dataset": "d", "seed": seed, "learning_rate": lr})
    table = comparison(rows, folders)
    assert table.index.tolist() == [("out/plain", "1"), ("out/plain", "2"), ("out/plain", "mean"),
                                    ("out/plain", "deviation"), ("out/fast", "1")]
    assert table["mAP"].tolist() == pytest.approx([0.5, 0.7, 0.6, 0.02**0.5, 0.3])
    assert "out/plain, mean" in show_comparison(table) and "out/fast, seed 1" in show_comparison(table)
    write_csv(tmp_path / "t.csv", table)
    again = pd.read_csv(tmp_path / "t.csv", index_col=["system", "seed"])
    assert again.xs("mean", level="seed").loc["out/plain", "mAP"] == pytest.approx(0.6)
    write_latex(tmp_path / "t.tex", table)
    assert r"out/plain & \textbf{60.00} $\pm$ 14.14 \\" in (tmp_path / "t.tex").read_text(encoding="utf-8")


def test_options_that_keep_trainings_from_being_one_system_are_told(tmp_path):
    folders = {name: tmp_path / name for name in ("a", "b", "c")}
    for seed, (name, lr) in enumerate(zip(folders, (0.1, 0.2, 0.1), strict=True)):
        write_json(folders[name] / "config.json", {"dataset": "d", "seed": seed, "learning_rate": lr,
                                                   "splits": {"train": {"events": "1" * 60 + name}}})
    assert differences(folders).splitlines()[1:] == ["  learning_rate: 0.1 in a, c; 0.2 in b", "  splits: not alike"]
    assert differences({"a": folders["a"], "other": None}) == ""
    write_json(folders["b"] / "config.json", {**read_json(folders["a"] / "config.json"), "seed": 9})
    assert differences({name: folders[name] for name in "ab"}) == ""


def test_systems_that_would_be_called_alike_are_called_as_the_first_of_each(tmp_path):
    rows = {f"out_{number}": {"mAP": number / 10} for number in (1, 2, 3, 4)}
    for number, name in enumerate(rows):
        write_json(tmp_path / name / "config.json", {"dataset": "d", "seed": number, "learning_rate": number // 2})
    table = comparison(rows, {name: tmp_path / name for name in rows})
    assert list(table.index.unique("system")) == ["out_1", "out_3"]
    write_latex(tmp_path / "t.tex", table)
    assert r"out\_3 & \textbf{35.00} $\pm$ 7.07" in (tmp_path / "t.tex").read_text(encoding="utf-8")


@pytest.mark.parametrize(("names", "system"), [
    (["out/a_s1", "out/a_s2"], "out/a"), (["out/seed1", "out/seed2"], "out"), (["runs/1", "runs/2"], "runs"),
    (["1", "2"], "1")])
def test_a_system_is_named_by_what_its_folders_begin_with(names, system, tmp_path):
    for number, name in enumerate(names):
        write_json(tmp_path / name / "config.json", {"dataset": "d", "seed": number})
    table = comparison({name: {"mAP": 0.5} for name in names}, {name: tmp_path / name for name in names})
    assert set(table.index.get_level_values("system")) == {system}


def test_models_stand_beside_each_other_with_the_numbers_that_each_has_alone(model, tmp_path):  # noqa: F811
    other = model / "pred-test.epoch02.recall.json.gz"
    options = ["-s", "test", "--timelines", 0, "--json", tmp_path / "r.json", "-t", 1, 2]
    done = run_here(eval_script, *options, "--csv", tmp_path / "t.csv", model, other)
    assert done.returncode == 0, done.stderr
    assert "threshold" in done.stdout and "chosen on val" in done.stdout
    table = pd.read_csv(tmp_path / "t.csv", index_col="system").drop(columns="seed")
    assert list(table.columns) == ["mAP@1", "mAP@2", "mAP", "precision@2", "recall@2", "F1@2"]
    by_system = {row["system"]: row for row in read_json(tmp_path / "r.json")["models"]}
    for given in (model, other):
        assert run_here(eval_script, *options, "--nms_window", 1, given).returncode == 0
        alone, row = read_json(tmp_path / "r.json"), table.loc[given.as_posix()]
        assert row["mAP"] == pytest.approx(alone["mean_mAP"]["nms"])
        assert row["F1@2"] == pytest.approx(alone["all"]["2"]["f1"])
        assert by_system[given.as_posix()]["mAP@1"] == alone["mAP"]["nms"]["1"]
    done = run_here(eval_script, "-s", "test", model, "--latex", tmp_path / "t.tex", "--metric", "soccernet")
    assert done.returncode == 0 and "mAP@1 unshown" in (tmp_path / "t.tex").read_text(encoding="utf-8")


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
    write_json(model / "config.json", config | {"seed": 1})
    write_json(other / "config.json", config | {"seed": 2, "dataset": copy.as_posix()})
    assert "say with -d" in user_error(run_here(eval_script, "-s", "test", model, other))
    assert "seed:\n  dataset: " in run_here(eval_script, "-s", "test", model, other, "-d", copy).stdout
