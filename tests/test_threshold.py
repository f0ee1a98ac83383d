"""The threshold: the best on val, the one that training keeps, and what is said where there is none."""

import numpy as np
import pytest
from test_metrics import CLASSES, counts_literally, guesses_of, paired, random_case, truth_of

from util.errors import UserError
from util.events import event_table
from util.io import read_json, write_json
from util.predictions import prediction_prefix
from util.suppression import Suppression
from util.threshold import (
    DEFAULT_THRESHOLD,
    FILE,
    best_threshold,
    find_threshold,
    threshold_from_val,
    write_threshold,
)

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


def from_val(folder, split="test", epoch=3):
    return threshold_from_val(folder, split, epoch, lambda: TRUTH, CLASSES, [0, 1, 4])


def test_it_is_chosen_on_val_predictions_of_the_same_epoch_alone(tmp_path):
    value, source = from_val(tmp_path)
    assert value == DEFAULT_THRESHOLD and "python test_e2e.py" in source and "-s val --save" in source
    write_json(tmp_path / "pred-val.3.json", PREDICTED)
    value, source = from_val(tmp_path)
    assert value == pytest.approx(0.7) and "pred-val.3.json" in source and "within 1 frame" in source
    assert from_val(tmp_path, epoch=4).value == from_val(tmp_path, epoch=None).value == DEFAULT_THRESHOLD
    assert from_val(tmp_path, split="val").value == DEFAULT_THRESHOLD


def test_val_predictions_that_cannot_be_used_leave_the_default_and_the_reason_is_given(tmp_path):
    write_json(tmp_path / "pred-val.epoch03.json", guesses_of((10, 0.9), video="other"))
    value, source = from_val(tmp_path)
    assert value == DEFAULT_THRESHOLD and "video other not in the truth" in source


def found(folder, epoch=3, window=1, soft=False):
    return find_threshold(folder, epoch, Suppression(window, soft), lambda: TRUTH, CLASSES)


def test_what_training_kept_is_found_with_no_predictions_there(tmp_path):
    write_threshold(tmp_path, 3, TRUTH, event_table(PREDICTED, ["m"], CLASSES), CLASSES)
    assert read_json(tmp_path / FILE) == {"epoch": 3, "threshold": 0.7, "nms_window": 1, "soft_nms": False,
                                            "tolerance": 2}
    assert found(tmp_path) == (0.7, "chosen on val in training (threshold.json)")


def test_of_another_epoch_or_suppression_it_is_chosen_on_val_predictions_or_fixed(tmp_path):
    write_threshold(tmp_path, 3, TRUTH, event_table(PREDICTED, ["m"], CLASSES), CLASSES)
    assert found(tmp_path, epoch=4).value == found(tmp_path, window=0).value == DEFAULT_THRESHOLD
    write_json(f"{prediction_prefix(tmp_path, 'val', 3)}.json", PREDICTED)
    value, source = found(tmp_path, window=0)
    assert value == pytest.approx(0.85) and "chosen on val (pred-val.epoch03.json)" in source
    soft = found(tmp_path, window=3, soft=True).value  # the 0.8 beside the 0.9 comes to less than the wrong 0.5
    assert soft == pytest.approx(0.7)


@pytest.mark.parametrize("value", ["", '"threshold": true', '"threshold": "0.5"', '"threshold": NaN',
                                   '"threshold": -Infinity', f'"threshold": 1{"0" * 400}', '"threshold": 1e999'])
def test_a_damaged_file_is_one_line(tmp_path, value):
    (tmp_path / FILE).write_text(f"{{{value}}}", encoding="utf-8")
    with pytest.raises(UserError, match=r"threshold\.json: "):
        found(tmp_path)
