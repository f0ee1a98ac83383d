"""Metrics: the golden values, and a literal version of each definition on random cases with ties."""

import json

import numpy as np
import pytest

from util.errors import UserError
from util.events import non_maximum_suppression
from util.io import read_json
from util.score import (
    DEFAULT_THRESHOLD,
    average_precision,
    choose_threshold,
    evaluate,
    f1_scores,
    format_tables,
    match_events,
)

CLASSES = ["DRIVE", "PASS"]


def match_literally(truth, predictions, label, tolerance):
    """(score, right) of each prediction of a class, best first: the definition word for word."""
    of_class = [(v["video"], e) for v in predictions for e in v["events"] if e["label"] == label]
    guesses = sorted(((e["score"], video, e["frame"]) for video, e in of_class), key=lambda guess: -guess[0])
    free = {v["video"]: [e["frame"] for e in v["events"] if e["label"] == label] for v in truth}
    judged = []
    for score, video, frame in guesses:
        closest = min(free[video], key=lambda true: abs(true - frame), default=None)
        right = closest is not None and abs(closest - frame) <= tolerance
        if right:
            free[video].remove(closest)
        judged.append((score, right))
    return judged


def average_precision_literally(truth, predictions, label, tolerance):
    num_truth = sum(e["label"] == label for v in truth for e in v["events"])
    precisions, found = [], 0
    for rank, (_, right) in enumerate(match_literally(truth, predictions, label, tolerance), 1):
        if right:
            found += 1
            precisions.append(found / rank)
    return sum(max(precisions[i:]) for i in range(len(precisions))) / num_truth


def counts_literally(truth, predictions, label, tolerance, threshold):
    above = [
        {**v, "events": [e for e in v["events"] if e["score"] > threshold]} for v in predictions
    ]
    judged = match_literally(truth, above, label, tolerance)
    tp = sum(right for _, right in judged)
    num_truth = sum(e["label"] == label for v in truth for e in v["events"])
    return tp, len(judged) - tp, num_truth - tp


def random_case(rng, levels=5):
    """Truth and predictions so crowded that ties in score and in distance decide."""
    num_frames = int(rng.integers(5, 60))

    def events(most, scored):
        return [
            {"label": CLASSES[rng.integers(2)], "frame": int(rng.integers(num_frames))}
            | ({"score": int(rng.integers(1, levels + 1)) / levels} if scored else {})
            for _ in range(rng.integers(most + 1))
        ]

    names = ["a", "b/c", "d"]
    truth = [{"video": name, "num_frames": num_frames, "events": events(10, False)} for name in names]
    predictions = [{"video": name, "events": events(25, True)} for name in rng.permutation(names).tolist()]
    truth[0]["events"] += [{"label": label, "frame": 0} for label in CLASSES]
    return truth, predictions


def truth_of(*frames, video="m", label="PASS"):
    return [{"video": video, "num_frames": 1000, "events": [{"frame": f, "label": label} for f in frames]}]


def guesses_of(*scored_frames, video="m", label="PASS"):
    events = [{"label": label, "frame": frame, "score": score} for frame, score in scored_frames]
    return [{"video": video, "fps": 30.0, "events": events}]


@pytest.mark.parametrize("name", ["eval-a", "eval-b-ties"])
def test_golden_values_of_the_original_are_met(name, shared):
    golden = read_json(shared / "golden" / f"{name}.json")
    classes = sorted({e["label"] for v in golden["truth"] for e in v["events"]})
    for key, expected in golden["expected"].items():
        if key.endswith("kept"):
            continue
        predictions = golden["pred"]
        if key != "no_nms":
            predictions = non_maximum_suppression(predictions, int(key.removeprefix("nms_")))
            assert sum(len(v["events"]) for v in predictions) == golden["expected"][f"{key}_kept"]
        table = average_precision(golden["truth"], predictions, classes, golden["tolerances"])
        assert table.keys() == expected.keys()
        for tolerance, row in expected.items():
            assert table[tolerance] == pytest.approx(row, abs=1e-9, rel=0)


def test_matching_is_what_the_definition_says_on_random_crowded_cases():
    rng = np.random.default_rng(0)
    for _ in range(300):
        truth, predictions = random_case(rng)
        tolerances = [0, 1, 2, 4, int(rng.integers(5, 70))]
        for tolerance, matches in zip(
            tolerances, match_events(truth, predictions, CLASSES, tolerances), strict=True
        ):
            for label, name in enumerate(CLASSES):
                of_class = matches.label == label
                judged = zip(matches.score[of_class].tolist(), matches.right[of_class].tolist(), strict=True)
                assert list(judged) == match_literally(truth, predictions, name, tolerance)
            assert matches.found.sum() == matches.right.sum()


def test_average_precision_is_what_the_definition_says_on_random_crowded_cases():
    rng = np.random.default_rng(1)
    for _ in range(150):
        truth, predictions = random_case(rng)
        for tolerance, row in average_precision(truth, predictions, CLASSES, [0, 1, 3]).items():
            d = int(tolerance)
            expected = [average_precision_literally(truth, predictions, name, d) for name in CLASSES]
            assert [row[name] for name in CLASSES] == pytest.approx(expected, abs=1e-12)
            assert row["mAP"] == pytest.approx(np.mean(expected), abs=1e-12)


def test_precision_recall_and_f1_come_from_matching_what_is_above_the_threshold_alone():
    rng = np.random.default_rng(2)
    for _ in range(150):
        truth, predictions = random_case(rng)
        threshold = float(rng.choice([0.0, 0.2, 0.3, 0.6, 1.0]))
        for tolerance, rows in f1_scores(truth, predictions, CLASSES, [0, 2], threshold).items():
            counts = [counts_literally(truth, predictions, n, int(tolerance), threshold) for n in CLASSES]
            counts.append(tuple(np.sum(counts, axis=0)))
            for name, (tp, fp, fn) in zip([*CLASSES, "all"], counts, strict=True):
                assert (rows[name]["tp"], rows[name]["fp"], rows[name]["fn"]) == (tp, fp, fn)
                assert rows[name]["precision"] == (tp / (tp + fp) if tp + fp else 0)
                assert rows[name]["recall"] == (tp / (tp + fn) if tp + fn else 0)
                assert rows[name]["f1"] == pytest.approx(2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0)


def test_the_chosen_threshold_is_as_good_as_the_best_of_all():
    rng = np.random.default_rng(3)
    for _ in range(200):
        truth, predictions = random_case(rng, levels=int(rng.integers(1, 20)))
        tolerance = int(rng.integers(0, 4))
        scores = {e["score"] for v in predictions for e in v["events"]}

        def f1(threshold, truth=truth, predictions=predictions, tolerance=tolerance):
            table = f1_scores(truth, predictions, CLASSES, [tolerance], threshold)
            return table[str(tolerance)]["all"]["f1"]

        chosen = choose_threshold(truth, predictions, CLASSES, tolerance)
        assert f1(chosen) == max(f1(threshold) for threshold in {-1.0, 0.0, *scores})


def test_the_threshold_lies_between_two_scores_and_is_the_highest_of_equals():
    truth = truth_of(10, 50)
    assert choose_threshold(truth, guesses_of((10, 0.8), (90, 0.4)), CLASSES, 0) == pytest.approx(0.6)
    # one right of one, and two right of four, are both 2/3
    guesses = guesses_of((10, 0.8), (90, 0.6), (91, 0.4), (50, 0.2))
    assert choose_threshold(truth, guesses, CLASSES, 0) == pytest.approx(0.7)
    assert choose_threshold(truth, guesses_of((10, 0.8), (50, 0.2)), CLASSES, 0) == pytest.approx(0.1)


def test_a_threshold_parts_scores_that_are_neighbours_among_floats():
    neighbours = [0.5]
    while len(neighbours) < 4:  # halfway is rounded down between some and up between others
        neighbours.append(float(np.nextafter(neighbours[-1], 1)))
    for below, above in zip(neighbours, neighbours[1:], strict=False):
        chosen = choose_threshold(truth_of(10), guesses_of((10, above), (90, below)), CLASSES, 0)
        assert below <= chosen < above


def test_without_a_right_event_the_threshold_is_the_default():
    assert choose_threshold(truth_of(10), guesses_of(), CLASSES, 2) == DEFAULT_THRESHOLD
    assert choose_threshold(truth_of(10), guesses_of((500, 0.9)), CLASSES, 2) == DEFAULT_THRESHOLD


def test_a_prediction_too_far_away_leaves_the_true_event_to_the_next():
    table = average_precision(truth_of(100), guesses_of((120, 0.9), (101, 0.5)), ["PASS"], [1])
    assert table["1"]["PASS"] == 0.5


def test_between_two_true_events_as_close_the_earlier_in_the_file_is_taken():
    guesses = guesses_of((12, 0.9), (8, 0.8))
    assert average_precision(truth_of(14, 10), guesses, ["PASS"], [2])["2"]["PASS"] == 1.0
    assert average_precision(truth_of(10, 14), guesses, ["PASS"], [2])["2"]["PASS"] == 0.5


def test_two_true_events_of_a_class_on_one_frame_are_two():
    table = average_precision(truth_of(10, 10), guesses_of((10, 0.9), (11, 0.8)), ["PASS"], [1])
    assert table["1"]["PASS"] == 1.0


def test_equal_scores_are_taken_in_file_order():
    first_right = guesses_of((10, 0.5), (90, 0.5))
    first_wrong = guesses_of((90, 0.5), (10, 0.5))
    assert average_precision(truth_of(10), first_right, ["PASS"], [0])["0"]["PASS"] == 1.0
    assert average_precision(truth_of(10), first_wrong, ["PASS"], [0])["0"]["PASS"] == 0.5


def test_a_class_without_truth_does_not_count_for_map_but_its_predictions_for_f1():
    guesses = guesses_of((10, 0.9))
    guesses[0]["events"].append({"label": "DRIVE", "frame": 30, "score": 0.9})
    report = evaluate(truth_of(10), guesses, CLASSES, [0])
    assert report["no_nms"]["0"] == {"PASS": 1.0, "mAP": 1.0}
    assert (report["f1"]["0"]["all"]["tp"], report["f1"]["0"]["all"]["fp"]) == (1, 1)
    assert "-" in next(line for line in format_tables(report).splitlines() if "DRIVE" in line)


def test_a_truth_without_events_has_map_0():
    report = evaluate(truth_of(), guesses_of((10, 0.9)), CLASSES, [0, 1])
    assert report["nms"] == {"0": {"mAP": 0.0}, "1": {"mAP": 0.0}}
    assert report["mean_mAP"] == {"no_nms": 0.0, "nms": 0.0}
    assert "mAP" in format_tables(report)


@pytest.mark.parametrize(
    ("predictions", "complaint"),
    [
        (guesses_of(video="other"), "video other not in the truth"),
        ([], "no predictions for video m"),
        (guesses_of() * 2, "video m there more than once"),
    ],
)
def test_predictions_for_other_videos_than_the_truth_are_refused_by_name(predictions, complaint):
    with pytest.raises(UserError, match=complaint):
        evaluate(truth_of(10), predictions, CLASSES)


def test_the_report_is_plain_json_and_the_tables_ascii_with_the_same_figures():
    rng = np.random.default_rng(4)
    truth, predictions = random_case(rng)
    report = evaluate(truth, predictions, CLASSES, [0, 2], nms_window=3, threshold=0.3)
    assert json.loads(json.dumps(report)) == report
    assert report["mean_mAP"]["nms"] == (report["nms"]["0"]["mAP"] + report["nms"]["2"]["mAP"]) / 2
    tables = format_tables(report)
    assert tables.isascii()
    assert f"{100 * report['nms']['2']['PASS']:.2f}" in tables
    assert f"{100 * report['mean_mAP']['no_nms']:.2f}" in tables
    row = report["f1"]["2"]["all"]
    assert f"{100 * row['f1']:.2f}" in tables
    assert any(line.split()[-3:] == [str(row[k]) for k in ("tp", "fp", "fn")] for line in tables.splitlines())
