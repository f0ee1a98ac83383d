"""What val advises: each condition with predictions that plant it, silence where all is well, options that exist."""

import re
from functools import cache
from importlib import import_module

import numpy as np
import pytest
from conftest import run_here
from planted import CLASSES, planted, planted_scores, planted_truth

from evaluation.advice import HELP, Evidence, advice, print_advice
from evaluation.report import evaluate
from evaluation.results import print_report
from evaluation.rule import Origin, Predicted, Rule, choose_rule
from util.io import write_json
from util.predictions import prediction_prefix, save_predictions

WELL = [{"epoch": epoch, "train": 1 / (1 + epoch), "val": 1.2 / (1 + epoch), "val_mAP": 0.7 if epoch > 6 else 0}
        for epoch in range(12)]


def lines(rows=WELL, config=(), to_learn=(80, 200), rule=None, truth=None, **how):
    truth, predicted = planted(truth, **how)
    rule = rule or choose_rule(Predicted(truth, predicted, "val"), CLASSES)
    report = evaluate(truth, predicted, CLASSES, rule=rule)
    return advice(Evidence(CLASSES, predicted, report, rows, dict(config), np.array(to_learn)))


def only(found, key, *words):
    """That a single line is there, which ends with what helps, and has the words."""
    assert len(found) == 1 and found[0].endswith(HELP[key]), found
    assert all(word in found[0] for word in words), found


def test_where_all_is_well_there_is_silence():
    for seed in range(10):
        assert lines(seed=seed) == []
    assert lines(rows=[]) == []


def test_flat_scores_and_few_epochs_of_a_training_that_has_hardly_begun():
    found = lines(rows=WELL[:2], height=0.03, spread=0)
    assert len(found) == 2 and "scores are flat, from 0.01 to" in found[0] and found[0].endswith(HELP["begin"])
    assert found[1].startswith("2 epochs are few") and found[1].endswith(HELP["longer"])
    assert any("2 epochs are few" in line for line in lines(rows=WELL[:2], found=0.2, false=2))
    said = lines(rows=WELL[:2], found=0.2, false=2, config={"weights_used": "none"})
    assert any("2 epochs are few to learn from nothing" in line for line in said)
    only(lines(height=0.0001, found=0, false=0), "begin", "no frame scores 0.01")


def test_predictions_of_which_none_is_right_though_they_are_not_flat():
    only(lines(offset=15, false=0), "labels", "no prediction is right, not even within 4 frames")


def test_val_map_that_was_still_rising():
    rising = [{**row, "val_mAP": 0.05 * row["epoch"]} for row in WELL]
    only(lines(rows=rising), "longer", "still rising: 55.0 in the last epoch, 40.0")
    assert lines(rows=[{**row, "val_mAP": 0.6 + 0.002 * row["epoch"]} for row in WELL]) == []


def test_few_events_to_learn_from_and_to_choose_by():
    only(lines(to_learn=[12, 200]), "events", "few events to learn from (DRIVE 12)")
    only(lines(to_learn=[0, 200]), "none", "no event of DRIVE to learn from")
    assert lines(to_learn=[12, 200], config={"fg_upsample": 0.9})[0].endswith("; label more (view.py --label)")
    only(lines(truth=planted_truth(videos=1, num_frames=1000)), "val", "val: ", "events are few")


def test_train_and_val_that_part():
    parting = [{**row, "val": 0.5 + 0.1 * abs(row["epoch"] - 5)} for row in WELL]
    only(lines(rows=parting, found=0.7), "heart", "since epoch 5", "from 0.17 to 0.08", "from 0.50 to 1.10")
    assert lines(rows=parting) == []  # surer, and right


def test_recall_that_lacks_in_one_class():
    only(lines(found=[0.3, 0.95]), "recall", "DRIVE: only", "are found (precision")


def test_a_threshold_above_which_nothing_is_left():
    only(lines(height=[0.2, 0.8], rule=Rule(threshold=0.6)), "threshold", "DRIVE: no prediction on val scores above")


def test_right_events_that_are_frames_off():
    only(lines(spread=[0.3, 2.0]), "exact", "PASS: ", "lie on the very frame (mean")
    only(lines(spread=[0.3, 2.0], config={"dilate_len": 1}), "spread", "PASS: ")


def test_one_class_taken_for_another():
    only(lines(taken_for={"PASS": ("DRIVE", 0.35)}), "confused", "PASS is taken for DRIVE, ")


def test_every_option_that_is_named_exists_in_the_script_that_is_named():
    known = cache(lambda name: set(re.findall(r"--\w+", run_here(import_module(name), "--help").stdout)))
    for text in HELP.values():
        for part in re.split(r"; |, (?=and)", text):
            named = re.findall(r"(\w+)\.py", part) or ["train_e2e"]
            assert set(re.findall(r"--\w+", part)) <= set().union(*map(known, {*named, "train_e2e"})), part


@pytest.fixture
def folder(tmp_path):
    truth = {split: planted_truth(seed=seed) for seed, split in enumerate(("train", "val", "test"))}
    for split in ("val", "test"):
        scores = planted_scores(truth[split], found=[0.3, 0.95])
        save_predictions(prediction_prefix(tmp_path, split, 3), truth[split], scores, CLASSES)
    write_json(tmp_path / "loss.json", WELL)
    return tmp_path, truth


@pytest.mark.parametrize("rows", [{}, [3], [{"train": 1.0}], [{"epoch": "two", "val": 1.0}]])
def test_a_damaged_loss_json_says_nothing(folder, rows, capsys):
    path, truth = folder
    write_json(path / "loss.json", rows)
    _, predicted = planted(truth["val"], found=[0.3, 0.95])
    print_advice(Origin(path, "test", 3, CLASSES, truth.__getitem__), Predicted(truth["val"], predicted, "val"))
    assert "DRIVE: only" in capsys.readouterr().out


def test_it_is_printed_behind_the_table_of_another_split_as_val_says_it(folder, capsys):
    path, truth = folder
    origin = Origin(path, "test", 3, CLASSES, truth.__getitem__)
    _, predicted = planted(truth["test"], found=[0.3, 0.95])
    print_report(origin, truth["test"], predicted)
    printed = capsys.readouterr().out
    head, _, behind = printed.partition("\nWhat may help, as val says")
    assert "mean mAP" in head and "DRIVE: only" in behind and "few events to learn from (DRIVE" in behind
    print_advice(origin, Predicted([{**entry, "events": []} for entry in truth["val"]], predicted, "val"))
    assert capsys.readouterr().out == ""
