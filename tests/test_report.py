"""The printed table: what it says, and where its threshold comes from."""

import numpy as np
import pytest

from util.predictions import prediction_prefix, save_predictions
from util.report import print_report

CLASSES = ["DRIVE", "PASS"]


def entry(video, frames):
    return {"video": video, "num_frames": 30, "fps": 25.0,
            "events": [{"frame": frame, "label": CLASSES[frame % 2]} for frame in frames]}


TEST = [entry("a", [3, 12]), entry("b", [20])]
VAL = [entry("v", [5, 15])]
PREDICTIONS = [{"video": v["video"], "fps": 25.0, "events": [{**e, "score": 0.6} for e in v["events"]]} for v in TEST]


def never():
    raise AssertionError("the val split is not needed")


def test_a_threshold_that_is_given_is_used(tmp_path, capsys):
    report = print_report(tmp_path, "test", 3, TEST, PREDICTIONS, CLASSES, never, threshold=0.7)
    printed = capsys.readouterr().out
    assert "split test: 3 events in 2 videos; threshold 0.700, given by --threshold" in printed
    assert report["f1"]["0"]["all"]["tp"] == 0 and report["no_nms"]["0"]["mAP"] == 1
    assert (report["split"], report["epoch"], report["threshold"]) == ("test", 3, 0.7)
    assert printed.isascii()


def test_the_threshold_is_chosen_on_val_where_its_predictions_are(tmp_path, capsys):
    scores = np.full((30, 3), 0.05, np.float32)
    scores[:, 0] = 0.9
    for event in VAL[0]["events"]:
        scores[event["frame"], 1 + CLASSES.index(event["label"])] = 0.55
    save_predictions(prediction_prefix(tmp_path, "val", 3), VAL, {"v": scores}, CLASSES)
    report = print_report(tmp_path, "test", 3, TEST, PREDICTIONS, CLASSES, lambda: VAL)
    assert report["threshold"] == pytest.approx(0.3)
    assert "chosen on val (pred-val.epoch03.recall.json.gz)" in report["threshold_from"]
    assert f"threshold 0.300, {report['threshold_from']}" in capsys.readouterr().out
    assert report["f1"]["0"]["all"]["f1"] == 1


def test_without_val_predictions_the_threshold_is_fixed_and_says_so(tmp_path, capsys):
    report = print_report(tmp_path, "test", 3, TEST, PREDICTIONS, CLASSES, never, tolerances=[0], nms_window=2)
    assert report["threshold_from"].startswith("fixed: no val predictions of epoch 3")
    assert list(report["nms"]) == ["0"] and report["nms_window"] == 2
    assert "fixed: " in capsys.readouterr().out
