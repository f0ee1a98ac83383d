"""Pairing and metrics: the golden values, and a literal version of each definition on random cases with ties."""

import numpy as np
import pytest

from evaluation.metrics import (
    average_precision,
    confused_partners,
    confusion_matrix,
    count_events,
    frame_offsets,
    mean_of_known,
    precision_recall_f1,
)
from evaluation.pairing import pair_events
from evaluation.suppression import Suppression
from util.events import event_table, true_events
from util.io import read_json

CLASSES = ["DRIVE", "PASS"]


def paired(truth, predictions, tolerances, window=0):
    """The pairings of JSON entries, after suppression."""
    predicted = event_table(predictions, [video["video"] for video in truth], CLASSES)
    return pair_events(true_events(truth, CLASSES), Suppression(window)(predicted), len(CLASSES), tolerances)


def pair_literally(truth, predictions, label, tolerance):
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
    for rank, (_, right) in enumerate(pair_literally(truth, predictions, label, tolerance), 1):
        if right:
            found += 1
            precisions.append(found / rank)
    return sum(max(precisions[i:]) for i in range(len(precisions))) / num_truth


def counts_literally(truth, predictions, label, tolerance, threshold):
    above = [
        {**v, "events": [e for e in v["events"] if e["score"] > threshold]} for v in predictions
    ]
    judged = pair_literally(truth, above, label, tolerance)
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


def precision(truth, guesses, tolerance):
    """Average precision of PASS."""
    (pairing,) = paired(truth, guesses, [tolerance])
    return average_precision(pairing)[CLASSES.index("PASS")]


@pytest.mark.parametrize("name", ["eval-a", "eval-b-ties"])
def test_golden_values_of_the_original_are_met(name, shared):
    golden = read_json(shared / "golden" / f"{name}.json")
    truth, tolerances = golden["truth"], golden["tolerances"]
    classes = sorted({e["label"] for v in truth for e in v["events"]})
    predicted = event_table(golden["pred"], [v["video"] for v in truth], classes)
    for key, expected in golden["expected"].items():
        if key.endswith("kept"):
            continue
        kept = Suppression(0 if key == "no_nms" else int(key.removeprefix("nms_")))(predicted)
        assert len(kept) == golden["expected"].get(f"{key}_kept", len(predicted))
        for pairing in pair_events(true_events(truth, classes), kept, len(classes), tolerances):
            values = average_precision(pairing)
            row = {**dict(zip(classes, values, strict=True)), "mAP": mean_of_known(values)}
            assert row == pytest.approx(expected[str(pairing.tolerance)], abs=1e-9, rel=0)


def test_pairing_is_what_the_definition_says_on_random_crowded_cases():
    rng = np.random.default_rng(0)
    for _ in range(300):
        truth, predictions = random_case(rng)
        for pairing in paired(truth, predictions, [0, 1, 2, 4, int(rng.integers(5, 70))]):
            for label, name in enumerate(CLASSES):
                of_class = pairing.predicted.label == label
                judged = zip(pairing.predicted.score[of_class].tolist(), pairing.right[of_class].tolist(), strict=True)
                assert list(judged) == pair_literally(truth, predictions, name, pairing.tolerance)
            assert pairing.found.sum() == pairing.right.sum()


def test_average_precision_is_what_the_definition_says_on_random_crowded_cases():
    rng = np.random.default_rng(1)
    for _ in range(150):
        truth, predictions = random_case(rng)
        for pairing in paired(truth, predictions, [0, 1, 3]):
            expected = [average_precision_literally(truth, predictions, name, pairing.tolerance) for name in CLASSES]
            assert average_precision(pairing) == pytest.approx(expected, abs=1e-12)


def test_counts_and_their_rates_come_from_pairing_what_is_above_the_threshold_alone():
    rng = np.random.default_rng(2)
    for _ in range(150):
        truth, predictions = random_case(rng)
        threshold = float(rng.choice([0.0, 0.2, 0.3, 0.6, 1.0]))
        for pairing in paired(truth, predictions, [0, 2]):
            counts = count_events(pairing.above(threshold))
            for name, row, rates in zip(CLASSES, counts, precision_recall_f1(counts), strict=True):
                tp, fp, fn = counts_literally(truth, predictions, name, pairing.tolerance, threshold)
                assert row.tolist() == [tp, fp, fn]
                expected = [tp / (tp + fp) if tp + fp else np.nan, tp / (tp + fn), 2 * tp / (2 * tp + fp + fn)]
                assert rates == pytest.approx(expected, nan_ok=True)


def test_a_prediction_too_far_away_leaves_the_true_event_to_the_next():
    assert precision(truth_of(100), guesses_of((120, 0.9), (101, 0.5)), 1) == 0.5


def test_between_two_true_events_as_close_the_earlier_in_the_file_is_taken():
    guesses = guesses_of((12, 0.9), (8, 0.8))
    assert precision(truth_of(14, 10), guesses, 2) == 1.0
    assert precision(truth_of(10, 14), guesses, 2) == 0.5


def test_two_true_events_of_a_class_on_one_frame_are_two():
    assert precision(truth_of(10, 10), guesses_of((10, 0.9), (11, 0.8)), 1) == 1.0


def test_equal_scores_are_taken_in_file_order():
    assert precision(truth_of(10), guesses_of((10, 0.5), (90, 0.5)), 0) == 1.0
    assert precision(truth_of(10), guesses_of((90, 0.5), (10, 0.5)), 0) == 0.5


def test_what_cannot_be_measured_is_no_number():
    (pairing,) = paired(truth_of(10), guesses_of((10, 0.9)), [0])
    values = average_precision(pairing)
    assert np.isnan(values[0]) and values[1] == mean_of_known(values) == 1
    assert np.isnan(precision_recall_f1(count_events(pairing))[0]).all()
    assert np.isnan(mean_of_known(values[:1]))
    assert np.isnan(precision_recall_f1(count_events(pairing.above(0.95)))[1, 0])  # precision of no prediction


# Confusion and offsets

DRIVE, PASS, NONE = 0, 1, 2


def one_video(true, predicted, tolerance):
    """The pairing of one video; true events as (frame, label), predictions as (frame, label, score)."""
    events = [{"frame": f, "label": CLASSES[c]} for f, c in true]
    guesses = [{"frame": f, "label": CLASSES[c], "score": s} for f, c, s in predicted]
    return paired([{"video": "m", "events": events}], [{"video": "m", "events": guesses}], [tolerance])[0]


def test_a_missed_truth_and_a_prediction_of_another_class_nearby_are_a_confusion_and_the_rest_missed_or_false():
    true = [(100, PASS), (200, PASS), (300, DRIVE), (400, PASS)]
    predicted = [(101, PASS, 0.9), (199, DRIVE, 0.8), (303, PASS, 0.7), (500, DRIVE, 0.6), (400, DRIVE, 0.2)]
    pairing = one_video(true, predicted, 2)
    assert confusion_matrix(pairing.above(0.5)).tolist() == [[0, 0, 1], [1, 1, 1], [1, 1, 0]]
    assert confusion_matrix(pairing).tolist() == [[0, 0, 1], [2, 1, 0], [1, 1, 0]]
    assert confused_partners(pairing).tolist() == [-1, 1, -1, -1, 3]
    assert confusion_matrix(one_video(true, predicted, 3).above(0.5))[DRIVE, PASS] == 1


def test_a_truth_found_only_below_the_threshold_can_be_taken_for_another_class():
    pairing = one_video([(100, PASS)], [(100, PASS, 0.4), (102, DRIVE, 0.9), (98, DRIVE, 0.8)], 2)
    assert confusion_matrix(pairing.above(0.5)).tolist() == [[0, 0, 0], [1, 0, 0], [1, 0, 0]]
    assert confusion_matrix(pairing.above(0.3)).tolist() == [[0, 0, 0], [0, 1, 0], [2, 0, 0]]


def test_nothing_true_or_nothing_predicted_is_no_confusion():
    assert confusion_matrix(one_video([], [(5, PASS, 0.9)], 2)).tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert confusion_matrix(one_video([(5, PASS)], [], 2)).tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize("seed", range(40))
def test_sums_are_those_of_the_counts_and_no_pair_is_farther_than_the_tolerance(seed):
    rng = np.random.default_rng(seed)
    truth, predictions = random_case(rng)
    (pairing,) = paired(truth, predictions, [int(rng.integers(5))])
    pairing = pairing.above(float(rng.choice([0.0, 0.3, 0.5, 0.8])))
    true, predicted = pairing.true, pairing.predicted
    table, counts = confusion_matrix(pairing), count_events(pairing)
    tp, fp, fn = counts.T.tolist()
    assert table.diagonal().tolist() == [*tp, 0]
    assert table.sum(axis=0)[:NONE].tolist() == [right + false for right, false in zip(tp, fp, strict=True)]
    assert table.sum(axis=1)[:NONE].tolist() == [right + missed for right, missed in zip(tp, fn, strict=True)]

    def near(p, t):
        return predicted.video[p] == true.video[t] and abs(predicted.frame[p] - true.frame[t]) <= pairing.tolerance

    confused = confused_partners(pairing)
    pairs = [(p, t) for p, t in enumerate(confused.tolist()) if t >= 0]
    assert len({t for _, t in pairs}) == len(pairs) == table[DRIVE, PASS] + table[PASS, DRIVE]
    assert all(near(p, t) and predicted.label[p] != true.label[t] for p, t in pairs)
    # no pair is left over: a false prediction has no missed event of any class of its video within reach
    missed = set(range(len(true))) - set(confused.tolist()) - set(pairing.partner.tolist())
    assert not any(near(p, t) for p in np.flatnonzero(~pairing.right & (confused < 0)) for t in missed)

    alone = pairing.by_video(len(truth))
    assert (sum(map(confusion_matrix, alone)) == table).all()
    offsets = frame_offsets(pairing)
    assert (sum(map(frame_offsets, alone)) == offsets).all()
    assert offsets.sum(axis=1).tolist() == tp


def test_the_pairing_of_a_video_is_the_one_that_it_would_have_alone():
    truth, predictions = random_case(np.random.default_rng(7))
    (pairing,) = paired(truth, predictions, [2])
    for video, alone in zip(truth, pairing.by_video(len(truth)), strict=True):
        (single,) = paired([video], [v for v in predictions if v["video"] == video["video"]], [2])
        assert alone.partner.tolist() == single.partner.tolist()
        assert alone.predicted.frame.tolist() == single.predicted.frame.tolist()
        assert alone.true.frame.tolist() == single.true.frame.tolist()


def test_offsets_are_early_on_the_left_and_late_on_the_right():
    true = [(100, PASS), (200, PASS), (300, DRIVE), (400, PASS)]
    predicted = [(98, PASS, 0.9), (200, PASS, 0.8), (301, DRIVE, 0.7), (401, PASS, 0.1)]
    assert frame_offsets(one_video(true, predicted, 2).above(0.5)).tolist() == [[0, 0, 0, 1, 0], [1, 0, 1, 0, 0]]
