"""Prediction files: written, named, found, read and refused."""

import json

import numpy as np
import pytest

from util.errors import UserError
from util.events import event_dicts, recall_events, top_class_events
from util.io import read_json, write_json
from util.predictions import (
    best_epoch,
    find_file,
    list_predictions,
    prediction_prefix,
    read_predictions,
    save_predictions,
)

CLASSES = ["DRIVE", "PASS"]
TRUTH = [
    {"video": "cup/m_1", "num_frames": 200, "fps": 25.0, "events": [{"frame": 50, "label": "PASS"}]},
    {"video": "cup/m_2", "num_frames": 100, "fps": 30.0, "events": [{"frame": 20, "label": "DRIVE"}]},
]
NAMES = ["pred-test.epoch07.json", "pred-test.epoch07.recall.json.gz", "pred-test.epoch07.score.json.gz"]


def random_scores(seed=0):
    rng = np.random.default_rng(seed)
    return {v["video"]: rng.dirichlet([4, 0.5, 0.5], v["num_frames"]).astype(np.float32) for v in TRUTH}


def guess(video="cup/m_1", **event):
    return {"video": video, "events": [{"label": "PASS", "frame": 50, "score": 0.9, **event}]}


def save(folder, split="test", epoch=7, seed=0):
    return save_predictions(prediction_prefix(folder, split, epoch), TRUTH, random_scores(seed), CLASSES)


def touch(folder, *names):
    for name in names:
        write_json(folder / name, [])


def test_the_three_files_hold_top_classes_recall_events_and_all_scores(tmp_path):
    assert [path.name for path in save(tmp_path)] == NAMES
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
    scores = random_scores()
    for name, events in zip(NAMES, (top_class_events, recall_events), strict=False):
        written = read_json(tmp_path / name)
        assert [(v["video"], v["fps"]) for v in written] == [("cup/m_1", 25.0), ("cup/m_2", 30.0)]
        assert [v["events"] for v in written] == [event_dicts(events(scores[v["video"]]), CLASSES) for v in TRUTH]
    all_scores = read_json(tmp_path / NAMES[2])
    assert list(all_scores) == list(scores)
    for video, expected in scores.items():
        assert np.abs(np.array(all_scores[video]) - expected).max() <= 5.1e-7


def test_what_was_saved_is_read_back_and_fits_its_truth(tmp_path):
    for path in save(tmp_path)[:2]:
        events = read_predictions(path, TRUTH, CLASSES)
        for i, entry in enumerate(read_json(path)):
            assert event_dicts(events.take(events.video == i), CLASSES) == entry["events"]


def test_when_one_of_the_three_cannot_be_written_the_old_ones_stay(tmp_path):
    save(tmp_path, seed=1)
    before = {name: (tmp_path / name).read_bytes() for name in NAMES}
    scores = random_scores()
    scores["cup/m_2"] = scores["cup/m_2"].astype(object)
    scores["cup/m_2"][0, 0] = "not a number"
    with pytest.raises((TypeError, ValueError)):
        save_predictions(prediction_prefix(tmp_path, "test", 7), TRUTH, scores, CLASSES)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="file"):
        save(tmp_path / "file")


def test_recall_files_come_before_top_class_files_and_new_names_before_old(tmp_path):
    names = [
        "pred-test.epoch12.recall.json.gz",
        "pred-test.epoch12.json",
        "pred-test.epoch09.recall.json.gz",
        "pred-test.9.recall.json.gz",
        "pred-test.epoch09.json",
        "pred-test.9.json",
    ]
    touch(tmp_path, *names, "pred-val.epoch13.json", "pred-test.epoch13.score.json.gz")
    touch(tmp_path, "pred-test.json", "pred-test2.13.json", "pred-test.epoch14.pr.json")
    assert [file.path.name for file in list_predictions(tmp_path, "test")] == names


def test_the_best_epochs_predictions_are_found_and_else_the_newest(tmp_path):
    touch(tmp_path, "pred-test.3.json", "pred-test.epoch10.json", "pred-test.epoch41.recall.json.gz")
    assert find_file(tmp_path, "test").epoch == 41
    rows = [{"epoch": e, "train": 1.0, "val": 1.0, "val_mAP": m} for e, m in ((3, 0.4), (10, 0.6), (41, 0.5))]
    write_json(tmp_path / "loss.json", rows)
    assert find_file(tmp_path, "test").path.name == "pred-test.epoch10.json"
    rows[0]["val_mAP"] = 0.9
    write_json(tmp_path / "loss.json", rows)
    assert find_file(tmp_path, "test").path.name == "pred-test.3.json"
    rows.append({"epoch": 42, "train": 1.0, "val": 1.0, "val_mAP": 0.95})
    write_json(tmp_path / "loss.json", rows)
    assert find_file(tmp_path, "test").epoch == 41


def test_a_split_without_predictions_is_an_error_that_names_the_command(tmp_path):
    touch(tmp_path, "pred-val.epoch01.json")
    with pytest.raises(UserError, match=r"python test_e2e\.py .* FRAME_DIR -s test --save"):
        find_file(tmp_path, "test")


@pytest.mark.parametrize(
    ("rows", "epoch"),
    [
        ([{"epoch": 0, "val": 1, "val_mAP": 0.2}, {"epoch": 1, "val": 2, "val_mAP": 0.3}], 1),
        ([{"epoch": 0, "val": 1, "val_mAP": 0.3}, {"epoch": 1, "val": 2, "val_mAP": 0.3}], 0),
        ([{"epoch": 0, "val": 3}, {"epoch": 1, "val": 2, "val_mAP": None}], 1),
        ([{"epoch": 0, "val": 3, "val_mAP": 0}, {"epoch": 1, "val": 2, "val_mAP": 0}], 1),
        ([{"epoch": 0, "val": 1, "val_mAP": 0.0}, {"epoch": 1, "val": 2, "val_mAP": 0.1}], 1),
        ([{"epoch": 0, "train": 3}], None),
        ([], None),
    ],
)
def test_the_best_epoch_has_the_highest_val_map_or_else_the_lowest_val_loss(tmp_path, rows, epoch):
    write_json(tmp_path / "loss.json", rows)
    assert best_epoch(tmp_path) == epoch


def test_without_a_loss_file_there_is_no_best_epoch_and_a_strange_one_is_an_error(tmp_path):
    assert best_epoch(tmp_path) is None
    for content in ({"epoch": 1}, [1], [{"val": 1}], [{"epoch": 1, "val_mAP": "high"}], None):
        write_json(tmp_path / "loss.json", content)
        with pytest.raises(UserError, match=r"loss\.json: must be a list"):
            best_epoch(tmp_path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"cup/m_1": [[1, 0, 0]]}, "holds no list of events"),
        ("text", "must be a list"),
        ([[1]], "entry 0: must be"),
        ([{"events": []}], "entry 0: must be"),
        ([{"video": "cup/m_1"}], "events must be a list"),
        ([{"video": "cup/m_1", "events": [7]}], r"events\[0\]: must be an object with frame, score and label"),
        ([{"video": "cup/m_1", "events": [{"label": "PASS"}]}], r"events\[0\]: frame is missing"),
        ([guess(frame=1.5)], "frame is 1.5; it must be a whole number"),
        ([guess(frame=-1)], r"\(frame -1\): .* frames are 0 to 199"),
        ([guess(frame=True)], "frame is true; it must be a whole number"),
        ([guess(frame="50")], 'frame is "50"; it must be a whole number'),
        ([guess(score="0.9")], 'score is "0.9"; it must be a number'),
        ([guess(score=None)], "score is missing; it must be a number"),
        ([guess(score=float("nan"))], "a number in it is NaN"),
        ([guess(score=10**400)], "NaN, Infinity or too large"),
        ([guess(label=3)], "label is 3; it must be a class name"),
        ([guess(label=["PASS"])], r'label is \["PASS"\]; it must be a class name'),
        ([guess(label="SHOT")], r"label 'SHOT' is not in class.txt \(DRIVE, PASS\)"),
        ([guess(), guess("cup/m_2"), guess("x")], "video x not in the truth"),
        ([guess()], "no predictions for video cup/m_2"),
        ([guess(), guess("cup/m_2"), guess()], "video cup/m_1 there more than once"),
        ([guess(), guess("cup/m_2", frame=100)], r"m_2: .*\(frame 100\): PASS is not in the .*; predict on"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line_that_names_it(tmp_path, content, complaint):
    path = tmp_path / "pred-test.epoch01.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match=complaint) as caught:
        read_predictions(path, TRUTH, CLASSES)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_video_without_events_is_fine_and_those_of_any_order_keep_that_of_the_file(tmp_path):
    write_json(tmp_path / "p.json", [guess(), {"video": "cup/m_2", "events": []}])
    assert read_predictions(tmp_path / "p.json", TRUTH, CLASSES).video.tolist() == [0]
    write_json(tmp_path / "p.json", [guess("cup/m_2", frame=7), guess()])
    events = read_predictions(tmp_path / "p.json", TRUTH, CLASSES)
    assert (events.video.tolist(), events.frame.tolist()) == ([1, 0], [7, 50])
