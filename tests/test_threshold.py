"""The threshold that training keeps: of its epoch and window, and else chosen as eval.py does."""

import pytest

from util.errors import UserError
from util.io import read_json, write_json
from util.predictions import prediction_prefix
from util.threshold import FILE, find_threshold, write_threshold

CLASSES = ["PASS"]
TRUTH = [{"video": "m", "num_frames": 100, "events": [{"label": "PASS", "frame": 10}]}]
PREDICTED = [{"video": "m", "events": [
    {"label": "PASS", "frame": 11, "score": 0.9}, {"label": "PASS", "frame": 12, "score": 0.8},
    {"label": "PASS", "frame": 50, "score": 0.5},
]}]


def found(folder, epoch=3, window=1):
    return find_threshold(folder, epoch, window, lambda: TRUTH, CLASSES)


def test_what_training_kept_is_found_with_no_predictions_there(tmp_path):
    write_threshold(tmp_path, 3, TRUTH, PREDICTED, CLASSES)
    assert read_json(tmp_path / FILE) == {"epoch": 3, "threshold": 0.7, "nms_window": 1, "tolerance": 2}
    assert found(tmp_path) == (0.7, "chosen on val in training (threshold.json)")


def test_of_another_epoch_or_window_it_is_chosen_on_val_predictions_or_fixed(tmp_path):
    write_threshold(tmp_path, 3, TRUTH, PREDICTED, CLASSES)
    assert found(tmp_path, epoch=4)[0] == found(tmp_path, window=0)[0] == 0.5
    write_json(f"{prediction_prefix(tmp_path, 'val', 3)}.json", PREDICTED)
    threshold, source = found(tmp_path, window=0)
    assert threshold == pytest.approx(0.85) and "chosen on val (pred-val.epoch03.json)" in source


def test_a_damaged_file_is_told(tmp_path):
    write_json(tmp_path / FILE, {"epoch": 3})
    with pytest.raises(UserError, match=r"threshold\.json: must be"):
        found(tmp_path)
