"""What is chosen on val: planted faults are found, that pays on other data, and where nothing is wrong all stays."""

from pathlib import Path

import numpy as np
import pytest
from planted import CLASSES, planted, planted_scores, planted_truth

from evaluation.choosing import moved_by
from evaluation.report import evaluate
from evaluation.results import save_results
from evaluation.rule import Given, Origin, Predicted, Rule, choose_rule, find_rule, rule_for
from evaluation.suppression import NMS, Suppression
from spotting.whole_videos import Spotting, scored_events, that_count
from util.events import EventTable, predicted_events
from util.io import write_json
from util.predictions import prediction_prefix, save_predictions
from util.spans import rates_of
from viewer.models import read_split_models


def chosen(seed=0, truth=None, **how):
    truth, predicted = planted(truth or planted_truth(seed=seed), seed=1000 + seed, **how)
    return choose_rule(Predicted(truth, predicted, "val"), CLASSES)


def on_another_split(rule, **how):
    truth, predicted = planted(planted_truth(seed=500), seed=501, **how)
    return [evaluate(truth, predicted, CLASSES, rule=each) for each in (Rule(threshold=rule.threshold), rule)]


def test_where_nothing_is_wrong_val_changes_nothing():
    rules = [chosen(seed, spread=1.0) for seed in range(20)]
    changed = [[rule.suppression != NMS for rule in rules], [bool(rule.moves) for rule in rules],
               [bool(rule.own_threshold) for rule in rules]]
    assert max(map(sum, changed)) <= 1 and not any(rule.notes for rule in rules if rule.as_json()["nms_window"] == 1
                                                   and not rule.moves and not rule.own_threshold)


@pytest.mark.parametrize("twins", [3, 8])
def test_a_window_that_thins_out_twins_is_chosen_and_pays_on_other_videos(twins):
    rule = chosen(twins=twins)
    assert rule.suppression.in_seconds and rule.suppression.at(25).window >= twins
    assert " frames), chosen on val: mean mAP" in rule.notes[0] and rule.notes[0].endswith("window 1 frame (0.04 s)")
    before, after = on_another_split(rule, twins=twins)
    assert after.mean_map > before.mean_map + 0.05
    given = Given(Suppression(2))
    truth, predicted = planted(twins=twins)
    assert choose_rule(Predicted(truth, predicted, "val"), CLASSES, given=given).suppression == Suppression(2)


def test_a_class_that_is_late_by_a_constant_is_moved_back_and_another_not():
    rule = chosen(offset=[2, 0])
    assert rule.moves == {"DRIVE": -2} and "DRIVE: moved 2 frames earlier" in rule.notes[0]
    before, after = on_another_split(rule, offset=[2, 0])
    assert after.nms.loc["DRIVE", 0] > before.nms.loc["DRIVE", 0] + 0.3
    assert after.offsets.loc["DRIVE", "mean"] == pytest.approx(0, abs=0.3)
    assert before.offsets.loc["DRIVE", "mean"] == pytest.approx(2, abs=0.3)
    truth, predicted = planted(offset=[2, 0])
    assert choose_rule(Predicted(truth, predicted, "val"), CLASSES, given=Given(moves=False)).moves == {}


def test_a_class_that_scores_less_gets_a_threshold_of_its_own():
    how = {"height": [0.3, 0.8], "false": 1.0}
    rule = chosen(**how)
    assert set(rule.own_threshold) & {"DRIVE", "PASS"} and rule.levels(CLASSES)[0] < rule.levels(CLASSES)[1] - 0.2
    before, after = on_another_split(rule, **how)
    assert after.f1["f1"].loc[2].mean() > before.f1["f1"].loc[2].mean() + 0.02
    truth, predicted = planted(**how)
    given = choose_rule(Predicted(truth, predicted, "val"), CLASSES, given=Given(threshold=0.4))
    assert given.threshold == 0.4 and not given.own_threshold


def test_a_few_events_change_nothing_however_wrong_they_are():
    rule = chosen(truth=planted_truth(videos=1, num_frames=1500), twins=5, offset=2, height=[0.3, 0.8])
    assert (rule.suppression, rule.moves, rule.own_threshold) == (NMS, {}, {})


def test_the_table_the_page_and_a_new_video_follow_the_same_rule(tmp_path):
    how = {"offset": [2, 0], "twins": 6, "height": [0.3, 0.8]}
    truth = {"val": planted_truth(seed=1), "test": planted_truth(seed=2, videos=1)}
    scores = {split: planted_scores(entries, **how) for split, entries in truth.items()}
    save_results(tmp_path, "val", 3, truth["val"], scores["val"], CLASSES)
    save_predictions(prediction_prefix(tmp_path, "test", 3), truth["test"], scores["test"], CLASSES)
    write_json(tmp_path / "config.json", {"dataset": "data"})
    origin = Origin(tmp_path, "test", 3, CLASSES, truth.__getitem__)
    rule, kept = rule_for(origin), find_rule(origin._replace(split=""))
    assert rule.as_json() == kept.as_json() and rule.suppression != NMS and rule.moves and rule.own_threshold
    report = evaluate(truth["test"], predicted_events(truth["test"], scores["test"]), CLASSES, rule=rule)
    counted = report.pairings[0].above(report.levels).predicted
    by_table = sorted(zip(counted.frame.tolist(), counted.label.tolist(), strict=True))

    (model,) = read_split_models([tmp_path], "test", truth["test"], CLASSES, truth.__getitem__)
    assert model.rule.suppression.in_seconds
    shown = model.rule.suppression(model.predicted, rates_of(truth["test"]))
    shown = shown.take(shown.score > model.rule.levels(CLASSES)[shown.label])
    assert sorted(zip(shown.frame.tolist(), shown.label.tolist(), strict=True)) == by_table
    peaks = model.curves("v0")  # moved along, so that a mark lies on its peak
    assert all(peaks[label, frame] > 0.1 * 65535 for frame, label in by_table)

    spotting = Spotting(None, None, CLASSES, None, 0, kept).at(25)

    class Frames:
        times = np.arange(4000) / 25

    (table,) = scores["test"].values()
    spotted = that_count(spotting, scored_events(spotting, Frames, 0, table))
    assert sorted((event["frame"], CLASSES.index(event["label"])) for event in spotted) == by_table


def test_on_a_split_without_rates_the_window_that_val_chooses_is_in_frames():
    val, test = planted_truth(seed=1), [video | {"fps": -1} for video in planted_truth(seed=2)]
    on_val = Predicted(val, predicted_events(val, planted_scores(val, twins=6)), "val")
    origin = Origin(Path("out"), "test", 3, CLASSES, {"val": val, "test": test}.__getitem__)
    rule = rule_for(origin, on_val=on_val, truth=test)
    in_seconds = rule_for(origin, on_val=on_val, truth=val)
    assert in_seconds.suppression.in_seconds and rule.suppression == in_seconds.at(25).suppression
    predicted = predicted_events(test, planted_scores(test, twins=6))
    after, before = (evaluate(test, predicted, CLASSES, rule=each).mean_map for each in (rule, Rule()))
    assert after > before + 0.05


def test_moved_events_are_in_the_order_of_their_frames():
    frames = np.array([3, 4, 9, 0])
    events = EventTable(np.array([0, 0, 0, 1]), np.array([1, 0, 1, 0]), frames, np.ones(4))
    moved = moved_by(events, np.array([-2, 1]))
    assert [moved.video.tolist(), moved.label.tolist(), moved.frame.tolist()] == [[0, 0, 0], [0, 1, 1], [2, 4, 10]]
