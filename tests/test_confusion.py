"""What is taken for what, and how far off right predictions are: by hand, and against a literal version."""

import numpy as np
import pytest
from test_score import CLASSES, random_case

from util.confusion import confusion, describe_offsets, frame_offsets, mix_ups
from util.score import by_video, f1_row, match_events

DRIVE, PASS, NONE = 0, 1, 2


def matched(true, predicted, tolerance):
    """Matches of one video; true events as (frame, label), predictions as (frame, label, score)."""
    truth = [{"video": "m", "num_frames": 1000, "events": [{"frame": f, "label": CLASSES[c]} for f, c in true]}]
    guesses = [{"frame": f, "label": CLASSES[c], "score": s} for f, c, s in predicted]
    (matches,) = match_events(truth, [{"video": "m", "events": guesses}], CLASSES, [tolerance])
    return matches


def test_an_unmatched_truth_and_a_prediction_of_another_class_nearby_are_a_confusion_and_the_rest_missed_or_false():
    true = [(100, PASS), (200, PASS), (300, DRIVE), (400, PASS)]
    predicted = [(101, PASS, 0.9), (199, DRIVE, 0.8), (303, PASS, 0.7), (500, DRIVE, 0.6), (400, DRIVE, 0.2)]
    matches = matched(true, predicted, 2)
    assert confusion(matches, 2, 0.5).tolist() == [[0, 0, 1], [1, 1, 1], [1, 1, 0]]
    assert confusion(matches, 2, 0.1).tolist() == [[0, 0, 1], [2, 1, 0], [1, 1, 0]]
    assert mix_ups(matches, 2, 0.1).tolist() == [-1, 1, -1, -1, 3]
    assert confusion(matched(true, predicted, 3), 3, 0.5)[DRIVE, PASS] == 1


def test_a_truth_found_only_below_the_threshold_can_be_taken_for_another_class():
    matches = matched([(100, PASS)], [(100, PASS, 0.4), (102, DRIVE, 0.9), (98, DRIVE, 0.8)], 2)
    assert confusion(matches, 2, 0.5).tolist() == [[0, 0, 0], [1, 0, 0], [1, 0, 0]]
    assert confusion(matches, 2, 0.3).tolist() == [[0, 0, 0], [0, 1, 0], [2, 0, 0]]


def test_nothing_true_or_nothing_predicted_is_no_confusion():
    assert confusion(matched([], [(5, PASS, 0.9)], 2), 2, 0.5).tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert confusion(matched([(5, PASS)], [], 2), 2, 0.5).tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize("seed", range(40))
def test_sums_are_those_of_precision_and_recall_and_no_pair_is_farther_than_the_tolerance(seed):
    rng = np.random.default_rng(seed)
    truth, predictions = random_case(rng)
    tolerance, threshold = int(rng.integers(5)), float(rng.choice([0.0, 0.3, 0.5, 0.8]))
    (matches,) = match_events(truth, predictions, CLASSES, [tolerance])
    table, counts = confusion(matches, tolerance, threshold), f1_row(matches, CLASSES, threshold)
    for label, name in enumerate(CLASSES):
        tp, fp, fn = (counts[name][key] for key in ("tp", "fp", "fn"))
        assert table[label, label] == tp
        assert table[:, label].sum() == tp + fp
        assert table[label].sum() == tp + fn
    assert table[NONE, NONE] == 0

    mixed = mix_ups(matches, tolerance, threshold)
    pairs = [(p, t) for p, t in enumerate(mixed.tolist()) if t >= 0]
    assert len({t for _, t in pairs}) == len(pairs) == table[DRIVE, PASS] + table[PASS, DRIVE]
    for p, t in pairs:
        assert matches.predicted.video[p] == matches.true.video[t]
        assert matches.predicted.label[p] != matches.true.label[t]
        assert abs(matches.predicted.frame[p] - matches.true.frame[t]) <= tolerance
    # no pair is left over: a false prediction has no missed event of any class of its video within reach
    above = np.flatnonzero((matches.score > threshold) & ~matches.right & (mixed < 0))
    taken = set(mixed.tolist()) | set(matches.partner[matches.score > threshold].tolist())
    missed = [t for t in range(len(matches.true)) if t not in taken]
    for p in above:
        for t in missed:
            same_video = matches.predicted.video[p] == matches.true.video[t]
            assert not same_video or abs(matches.predicted.frame[p] - matches.true.frame[t]) > tolerance

    alone = by_video(matches, len(truth))
    assert (sum(confusion(m, tolerance, threshold) for m in alone) == table).all()
    offsets = frame_offsets(matches, tolerance, threshold)
    assert (sum(frame_offsets(m, tolerance, threshold) for m in alone) == offsets).all()
    assert offsets.sum(axis=1).tolist() == [counts[name]["tp"] for name in CLASSES]


def test_the_matches_of_a_video_are_those_that_it_would_have_alone():
    truth, predictions = random_case(np.random.default_rng(7))
    (matches,) = match_events(truth, predictions, CLASSES, [2])
    guesses = {video["video"]: video for video in predictions}
    for video, alone in zip(truth, by_video(matches, len(truth)), strict=True):
        (anew,) = match_events([video], [guesses[video["video"]]], CLASSES, [2])
        assert alone.partner.tolist() == anew.partner.tolist()
        assert alone.predicted.frame.tolist() == anew.predicted.frame.tolist()
        assert alone.true.frame.tolist() == anew.true.frame.tolist()


def test_offsets_are_early_on_the_left_and_late_on_the_right():
    true = [(100, PASS), (200, PASS), (300, DRIVE), (400, PASS)]
    predicted = [(98, PASS, 0.9), (200, PASS, 0.8), (301, DRIVE, 0.7), (401, PASS, 0.1)]
    offsets = frame_offsets(matched(true, predicted, 2), 2, 0.5)
    assert offsets.tolist() == [[0, 0, 0, 1, 0], [1, 0, 1, 0, 0]]
    assert describe_offsets(offsets[PASS]) == {"on_frame": 0.5, "mean": -1.0}
    assert describe_offsets([0, 0, 0]) == {"on_frame": 0.0, "mean": 0.0}
