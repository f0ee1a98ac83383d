"""The rule by which predictions become events: the best threshold, what training keeps, and what is said without."""

import numpy as np
import pytest
from test_metrics import CLASSES, counts_literally, guesses_of, paired, random_case, truth_of

from evaluation.choosing import DEFAULT_THRESHOLD, best_threshold
from evaluation.rule import FILE, Given, Origin, Predicted, Rule, find_rule, rule_for, write_rule
from evaluation.suppression import Suppression
from util.errors import UserError
from util.events import event_table
from util.io import read_json, write_json
from util.predictions import prediction_prefix
from util.spans import Seconds

# Which is the best


def best(truth, predictions, tolerance):
    return best_threshold(paired(truth, predictions, [tolerance])[0])


def test_it_is_as_good_as_the_best_of_all():
    rng = np.random.default_rng(3)
    for _ in range(200):
        truth, predictions = random_case(rng, levels=int(rng.integers(1, 20)))
        tolerance = int(rng.integers(0, 4))
        scores = {e["score"] for v in predictions for e in v["events"]}

        def f1(threshold, truth=truth, predictions=predictions, tolerance=tolerance):
            counts = [counts_literally(truth, predictions, name, tolerance, threshold) for name in CLASSES]
            tp, fp, fn = np.sum(counts, axis=0)
            return 2 * tp / (2 * tp + fp + fn)

        assert f1(best(truth, predictions, tolerance)) == max(f1(threshold) for threshold in {-1.0, 0.0, *scores})


def test_it_lies_between_two_scores_and_is_the_highest_of_equals():
    truth = truth_of(10, 50)
    assert best(truth, guesses_of((10, 0.8), (90, 0.4)), 0) == pytest.approx(0.6)
    # one right of one, and two right of four, are both 2/3
    assert best(truth, guesses_of((10, 0.8), (90, 0.6), (91, 0.4), (50, 0.2)), 0) == pytest.approx(0.7)
    assert best(truth, guesses_of((10, 0.8), (50, 0.2)), 0) == pytest.approx(0.1)


def test_it_parts_scores_that_are_neighbours_among_floats():
    neighbours = [0.5]
    while len(neighbours) < 4:  # halfway is rounded down between some and up between others
        neighbours.append(float(np.nextafter(neighbours[-1], 1)))
    for below, above in zip(neighbours, neighbours[1:], strict=False):
        assert below <= best(truth_of(10), guesses_of((10, above), (90, below)), 0) < above


def test_without_a_right_event_it_is_the_default():
    for guesses in (guesses_of(), guesses_of((500, 0.9))):
        assert best(truth_of(10), guesses, 2) == DEFAULT_THRESHOLD


# Where it comes from

TRUTH = [{"video": "m", "num_frames": 100, "events": [{"label": "PASS", "frame": 10}]}]
PREDICTED = guesses_of((11, 0.9), (12, 0.8), (50, 0.5))


def origin(folder, split="", epoch=3):
    return Origin(folder, split, epoch, CLASSES, lambda _split: TRUTH)


def from_val(folder, split="test", epoch=3):
    rule = rule_for(origin(folder, split, epoch), [0, 1, 4])
    return rule.threshold, rule.source


def test_it_is_chosen_on_val_predictions_of_the_same_epoch_alone(tmp_path):
    value, source = from_val(tmp_path)
    assert value == DEFAULT_THRESHOLD and "python test_e2e.py" in source and "-s val --save" in source
    write_json(tmp_path / "pred-val.3.json", PREDICTED)
    value, source = from_val(tmp_path)
    assert value == pytest.approx(0.7) and "pred-val.3.json" in source and "within 1 frame" in source
    assert from_val(tmp_path, epoch=4)[0] == from_val(tmp_path, epoch=None)[0] == DEFAULT_THRESHOLD
    assert from_val(tmp_path, split="val")[0] == DEFAULT_THRESHOLD


def test_val_predictions_that_cannot_be_used_leave_the_default_and_the_reason_is_given(tmp_path):
    write_json(tmp_path / "pred-val.epoch03.json", guesses_of((10, 0.9), video="other"))
    value, source = from_val(tmp_path)
    assert value == DEFAULT_THRESHOLD and "video other not in the truth" in source


def keep(folder):
    write_rule(folder, 3, Predicted(TRUTH, event_table(PREDICTED, ["m"], CLASSES), "val"), CLASSES)


def found(folder, epoch=3, suppression=None, **given):
    return find_rule(origin(folder, epoch=epoch), Given(suppression, **given))


def test_what_training_kept_is_found_with_no_predictions_there(tmp_path):
    keep(tmp_path)
    assert read_json(tmp_path / FILE) == {"epoch": 3, "threshold": 0.7, "own_threshold": {}, "moves": {},
                                          "nms_window": 1, "soft_nms": False, "tolerance": 2,
                                          "notes": []}
    rule = found(tmp_path)
    assert (rule.threshold, rule.source) == (0.7, "chosen on val in training (threshold.json)")


def test_of_another_epoch_or_suppression_it_is_chosen_on_val_predictions_or_fixed(tmp_path):
    keep(tmp_path)
    none, soft = Suppression(0), Suppression(3, soft=True)
    assert found(tmp_path, epoch=4).threshold == found(tmp_path, suppression=none).threshold == DEFAULT_THRESHOLD
    write_json(f"{prediction_prefix(tmp_path, 'val', 3)}.json", PREDICTED)
    rule = found(tmp_path, suppression=none)
    assert rule.threshold == pytest.approx(0.85) and "chosen on val (pred-val.epoch03.json)" in rule.source
    # the 0.8 beside the 0.9 comes to less than the wrong 0.5
    assert found(tmp_path, suppression=soft).threshold == pytest.approx(0.7)


def test_all_that_val_chose_is_kept_and_what_is_given_goes_before(tmp_path):
    kept = {"epoch": 3, "threshold": 0.6, "own_threshold": {"DRIVE": 0.2}, "moves": {"PASS": -1}, "nms_window": 5,
            "soft_nms": False, "notes": ["so"]}
    write_json(tmp_path / FILE, kept)
    rule = found(tmp_path)
    assert rule.levels(CLASSES).tolist() == [0.2, 0.6] and rule.suppression == Suppression(5) and rule.notes == ("so",)
    events = event_table(guesses_of((0, 0.9), (3, 0.7), (10, 0.5), (13, 0.4)), ["m"], CLASSES)
    assert rule.scored(events, CLASSES).frame.tolist() == [2, 9]  # what would lie before the video is gone
    assert found(tmp_path, moves=False).moves == {}
    given = found(tmp_path, threshold=0.3)
    assert given.levels(CLASSES).tolist() == [0.3, 0.3] and given.moves == {"PASS": -1}


def test_a_window_in_seconds_is_kept_as_it_is_given(tmp_path):
    rule = Rule(Suppression(Seconds(0.08), soft=True), 0.5)
    write_json(tmp_path / FILE, {"epoch": 3} | rule.as_json())
    assert read_json(tmp_path / FILE)["nms_window"] == "0.08s"
    assert found(tmp_path).suppression == rule.suppression and found(tmp_path).at(50).suppression.window == 4


def test_a_class_s_own_threshold_goes_along_when_that_of_all_is_moved():
    rule = Rule(threshold=0.5, own_threshold={"DRIVE": 0.2})
    assert rule.levels(CLASSES, 0.5).tolist() == [0.2, 0.5]
    lower, all_of_it = rule.levels(CLASSES, 0.3), rule.levels(CLASSES, 0.0)
    assert lower[1] == 0.3 and lower[0] == pytest.approx(3 / 31)  # odds of 1/4 times 3/7
    assert all_of_it[1] == 0 and all_of_it[0] < 1e-8


@pytest.mark.parametrize("value", ["", '"threshold": true', '"threshold": "0.5"', '"threshold": NaN',
                                   '"threshold": -Infinity', f'"threshold": 1{"0" * 400}', '"threshold": 1e999',
                                   '"threshold": 0.5', '"threshold": 0.5, "nms_window": -1',
                                   '"threshold": 0.5, "nms_window": 1, "moves": {"PASS": 0.5}',
                                   '"threshold": 0.5, "nms_window": "11s"', '"threshold": 0.5, "nms_window": true',
                                   '"threshold": 0.5, "nms_window": 1, "own_threshold": {"PASS": null}'])
def test_a_damaged_file_is_one_line(tmp_path, value):
    (tmp_path / FILE).write_text(f"{{{value}}}", encoding="utf-8")
    with pytest.raises(UserError, match=r"threshold\.json: "):
        found(tmp_path)
