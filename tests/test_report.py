"""The report: its tables, printed and as JSON, and where its threshold comes from."""

import json

import numpy as np
import pytest
from test_metrics import CLASSES, guesses_of, random_case, truth_of

from evaluation.report import ALL, evaluate
from evaluation.report_text import show_report
from evaluation.results import print_report, val_mean_map
from evaluation.rule import Given, Origin, Rule
from evaluation.suppression import Suppression
from util.events import event_table, predicted_events
from util.predictions import prediction_prefix, save_predictions


def entry(video, frames):
    return {"video": video, "num_frames": 30, "fps": 25.0,
            "events": [{"frame": frame, "label": CLASSES[frame % 2]} for frame in frames]}


def table(guesses, truth, classes=CLASSES):
    return event_table(guesses, [video["video"] for video in truth], classes)


TEST = [entry("a", [3, 12]), entry("b", [20])]
VAL = [entry("v", [5, 15])]
PREDICTED = table([{"video": v["video"], "events": [{**e, "score": 0.6} for e in v["events"]]} for v in TEST], TEST)


def never(_split):
    raise AssertionError("the val split is not needed")


def origin(folder, split="test", read=never):
    return Origin(folder, split, 3, CLASSES, read)


# Tables


def test_json_is_plain_and_the_printed_tables_are_ascii_with_the_same_figures():
    truth, predictions = random_case(np.random.default_rng(4))
    report = evaluate(truth, table(predictions, truth), CLASSES, [0, 2], Rule(Suppression(3), 0.3))
    results = report.as_json()
    assert json.loads(json.dumps(results, allow_nan=False)) == results
    for key in ("no_nms", "nms"):
        means = [results[key][t]["mAP"] for t in ("0", "2")]
        assert list(results["mAP"][key].values()) == means
        assert results["mean_mAP"][key] == pytest.approx(sum(means) / 2)
    assert results["all"] == {t: rows["all"] for t, rows in results["f1"].items()}
    printed = show_report(report)
    assert printed.isascii() and "after NMS, window 3" in printed
    for figure in (results["nms"]["2"]["PASS"], results["mean_mAP"]["no_nms"], results["f1"]["2"]["all"]["f1"]):
        assert f"{100 * figure:.2f}" in printed
    counts = [str(results["f1"]["2"]["all"][key]) for key in ("tp", "fp", "fn")]
    assert any(line.split()[-3:] == counts for line in printed.splitlines())


def test_a_class_without_truth_is_a_dash_and_does_not_count_for_map_but_its_predictions_for_f1():
    guesses = guesses_of((10, 0.9))
    guesses[0]["events"].append({"label": "DRIVE", "frame": 30, "score": 0.9})
    report = evaluate(truth_of(10), table(guesses, truth_of(10)), CLASSES, [0])
    results = report.as_json()
    assert results["no_nms"]["0"] == {"PASS": 1.0, "mAP": 1.0}
    assert (results["f1"]["0"]["all"]["tp"], results["f1"]["0"]["all"]["fp"]) == (1, 1)
    assert results["f1"]["0"]["DRIVE"]["recall"] is None
    assert next(line for line in show_report(report).splitlines() if "DRIVE" in line).split() == ["DRIVE", "-", "-"]


def test_classes_called_as_the_sums_are_keep_their_rows():
    classes = ["all", "mAP", "mean", "tolerance", "class", "precision", "f1", "tp", "nan", "-"]
    truth = [{"video": "m", "events": [{"frame": 50 * i, "label": name} for i, name in enumerate(classes)]}]
    guesses = [{"video": "m", "events": [{**event, "score": 0.9} for event in truth[0]["events"][:2]]}]
    report = evaluate(truth, table(guesses, truth, classes), classes, [0, 2])
    results = report.as_json()
    for tolerance in ("0", "2"):
        rows = results["nms"][tolerance]
        assert {name: rows[name] for name in classes} == {name: float(i < 2) for i, name in enumerate(classes)}
        assert results["mAP"]["nms"][tolerance] == pytest.approx(0.2)
        assert [results["f1"][tolerance][name]["tp"] for name in classes] == [1, 1] + [0] * 8
        assert results["all"][tolerance]["tp"] == 2
    lines = [line.split() for line in show_report(report).splitlines()]
    for name in classes:
        rows = sum(line[:1] == [name] and len(line) == 4 for line in lines)
        assert rows == (4 if name in ("mAP", "tolerance") else 2)  # the mean of the classes, and the tables' heads
    assert ["mAP", "20.00", "20.00", "20.00"] in lines and ["mAP", "100.00", "100.00", "100.00"] in lines


def test_val_map_is_the_headline_after_suppression_and_none_where_there_is_nothing_to_find():
    truth, _ = random_case(rng := np.random.default_rng(5))
    scores = {video["video"]: rng.dirichlet(np.ones(len(CLASSES) + 1), 60) for video in truth}
    headline = evaluate(truth, predicted_events(truth, scores), CLASSES).as_json()["mean_mAP"]
    assert val_mean_map(truth, scores, CLASSES) == pytest.approx(headline["nms"], abs=1e-12)
    assert type(val_mean_map(truth, scores, CLASSES)) is float  # a checkpoint holds no numbers of NumPy's
    assert headline["nms"] != headline["no_nms"]
    assert val_mean_map(truth_of(), {"m": np.ones((20, len(CLASSES) + 1))}, CLASSES) is None


# As scripts print it


def test_a_threshold_that_is_given_is_used(tmp_path, capsys):
    report = print_report(origin(tmp_path), TEST, PREDICTED, given=Given(threshold=0.7))
    printed = capsys.readouterr().out
    assert "split test: 3 events in 2 videos; threshold 0.700, given by --threshold" in printed
    assert report.f1.loc[(0, ALL), "tp"] == 0 and report.no_nms[0].mean() == 1 and report.rule.threshold == 0.7


def test_the_threshold_is_chosen_on_val_where_its_predictions_are(tmp_path, capsys):
    scores = np.full((30, 3), 0.05, np.float32)
    scores[:, 0] = 0.9
    for event in VAL[0]["events"]:
        scores[event["frame"], 1 + CLASSES.index(event["label"])] = 0.55
    save_predictions(prediction_prefix(tmp_path, "val", 3), VAL, {"v": scores}, CLASSES)
    report = print_report(origin(tmp_path, read=lambda _split: VAL), TEST, PREDICTED)
    assert report.rule.threshold == pytest.approx(0.3)
    assert "chosen on val (pred-val.epoch03.recall.json.gz)" in report.rule.source
    assert f"threshold 0.300, {report.rule.source}" in capsys.readouterr().out
    assert report.f1.loc[(0, ALL), "f1"] == 1


def test_without_val_predictions_the_threshold_is_fixed_and_says_so(tmp_path, capsys):
    report = print_report(origin(tmp_path), TEST, PREDICTED, [0], Given(Suppression(2)))
    assert report.rule.source.startswith("fixed: no val predictions of epoch 3")
    assert list(report.nms) == [0, "mean"] and "after NMS, window 2" in show_report(report)
    assert "fixed: " in capsys.readouterr().out


def test_a_split_without_events_is_one_line_and_no_table(tmp_path, capsys):
    assert print_report(origin(tmp_path, "challenge"), [entry("a", []), entry("b", [])], PREDICTED) is None
    assert capsys.readouterr().out.splitlines() == [
        "split challenge: its labels have no events, so there is nothing to score against"]


# Sides


def sided(frame, label, team, score=None, team_score=None):
    given = {"score": score, "team_score": team_score, "team": team}
    return {"frame": frame, "label": label, **{key: value for key, value in given.items() if value is not None}}


def test_team_map_takes_each_side_of_a_class_for_a_class_and_accuracy_counts_right_predictions():
    truth = [{**entry("a", []), "events": [
        sided(3, "PASS", "left"), sided(12, "PASS", "right"), sided(20, "DRIVE", "right"), sided(25, "DRIVE", None)]}]
    found = [sided(3, "PASS", "left", 0.9, 0.8), sided(12, "PASS", "left", 0.8, 0.75),
             sided(20, "DRIVE", "right", 0.7, 1), sided(25, "DRIVE", "left", 0.6, 0.9),
             sided(28, "PASS", "left", 0.4, 0.9)]
    results = evaluate(truth, table([{"video": "a", "events": found}], truth), CLASSES, [0, 1],
                       rule=Rule(threshold=0.5)).as_json()
    assert results["all"]["0"]["tp"] == 4
    assert results["team"]["accuracy"] == {"0": pytest.approx(2 / 3), "1": pytest.approx(2 / 3)}
    # left: 3 (0.72), 12 (0.6, wrong), 28 (0.36, wrong); right: 12 (0.2), 3 (0.18, wrong), 28 (0.04, wrong)
    assert results["team"]["nms"]["0"] == {"DRIVE-right": 1.0, "PASS-left": 1.0, "PASS-right": 1.0, "mAP": 1.0}
    assert results["team"]["mean_mAP"] == 1.0
    sure = [{**event, "team_score": 1.0} for event in found]
    worse = evaluate(truth, table([{"video": "a", "events": sure}], truth), CLASSES, [0])
    assert worse.as_json()["team"]["nms"]["0"]["PASS-right"] == 0.0
    shown = show_report(worse)
    assert "Team: average precision" in shown and "PASS-right" in shown and shown.isascii()
    assert json.loads(json.dumps(results, allow_nan=False)) == results


def test_without_sides_in_truth_or_predictions_there_is_nothing_of_teams():
    truth = [{**entry("a", []), "events": [sided(3, "PASS", "left")]}]
    named = [{**entry("a", []), "events": [sided(3, "PASS", "BRA")]}]
    plain, by_side = ([{"video": "a", "events": [sided(3, "PASS", team, 0.9)]}] for team in (None, "left"))
    for true, predicted, there in ((truth, plain, False), (named, by_side, False), (truth, by_side, True)):
        report = evaluate(true, table(predicted, true), CLASSES, [0])
        assert ("team" in report.as_json()) == ("Team" in show_report(report)) == there


def test_what_nobody_labelled_does_not_count(tmp_path, capsys):
    truth = [entry("a", [3, 12]), entry("b", [20]), entry("c", [])]
    truth[0]["labelled"], truth[2]["labelled"] = [[0, 8], [20, 29]], []
    found = entry("a", [3, 9, 14, 19]), entry("b", [20]), entry("c", [1, 2, 3])
    guesses = [{"video": one["video"], "events": [event | {"score": 0.6} for event in one["events"]]} for one in found]
    report = evaluate(truth, table(guesses, truth), CLASSES, [0])
    assert report.f1.loc[(0, ALL), ["tp", "fp", "fn"]].tolist() == [2, 0, 0]
    print_report(origin(tmp_path, "val", lambda _split: truth), truth, table(guesses, truth))
    assert ("41 frames of 2 videos are not labelled, and what lies there does not count: 6 predictions, 1 event"
            in capsys.readouterr().out)
    scores = {name: np.full((30, 3), 0.3, np.float32) for name in "abc"}
    for guess in guesses:
        for event in guess["events"]:
            scores[guess["video"]][event["frame"], 1 + CLASSES.index(event["label"])] = 0.6
    assert val_mean_map(truth, scores, CLASSES) > val_mean_map([entry("a", [3, 12]), *truth[1:]], scores, CLASSES)
