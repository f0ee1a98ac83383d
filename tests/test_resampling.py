"""How sure numbers are: draws against literal repetition, and how often intervals hold what they should."""

import numpy as np
import pytest
from planted import CLASSES, planted, planted_truth

from evaluation.metrics import average_precision, count_events, precision_recall_f1
from evaluation.pairing import pair_events
from evaluation.report import evaluate
from evaluation.resampling import (
    FEWEST_VIDEOS,
    MOST_UNITS,
    counts_by_unit,
    drawn_f1,
    drawn_precision,
    interval,
    intervals_of,
    units_of,
    wins,
)
from util.events import event_table, true_events


def as_entries(truth, predicted):
    """A table of predictions as a file has them."""
    return [{"video": entry["video"], "events": [
        {"label": CLASSES[label], "frame": frame, "score": score} for label, frame, score in zip(
            *(getattr(predicted.take(predicted.video == index), key).tolist() for key in ("label", "frame", "score")),
            strict=True)]} for index, entry in enumerate(truth)]


def test_a_draw_of_videos_scores_as_a_split_in_which_each_is_as_often_as_it_was_drawn():
    truth, predicted = planted(planted_truth(videos=FEWEST_VIDEOS, num_frames=600, every=50), spread=1.5, false=1)
    guesses, units = as_entries(truth, predicted), units_of(truth)
    (pairing,) = pair_events(true_events(truth, CLASSES), predicted, 2, [1])
    precision, f1 = drawn_precision(pairing, units), drawn_f1(counts_by_unit(pairing.above(0.4), units), units)
    for draw in range(5):
        copies = [[{**entry, "video": f"{entry['video']}-{copy}"} for entry, often in
                   zip(entries, units.draws[draw].astype(int), strict=True) for copy in range(often)]
                  for entries in (truth, guesses)]
        again = event_table(copies[1], [entry["video"] for entry in copies[0]], CLASSES)
        (literal,) = pair_events(true_events(copies[0], CLASSES), again, 2, [1])
        np.testing.assert_allclose(precision[draw], average_precision(literal), rtol=1e-5)
        np.testing.assert_allclose(f1[draw], precision_recall_f1(count_events(literal.above(0.4)))[:, 2], rtol=1e-6)


def test_few_videos_are_cut_into_stretches_of_one_length_and_right_predictions_go_with_their_true_event():
    truth = planted_truth(videos=2, num_frames=4250)
    units = units_of(truth)
    assert units.words == "16 stretches of 20 s" and len(units) == 16  # the last 250 frames go with the stretch before
    events = event_table([{"video": "v1", "events": [{"label": "PASS", "frame": f} for f in (0, 499, 500, 4249)]}],
                         ["v0", "v1"], CLASSES)
    assert units.of(events).tolist() == [8, 8, 9, 15]
    edge = [{"video": "v0", "num_frames": 4000, "fps": 25.0, "events": [{"label": "PASS", "frame": 500}]}]
    early = event_table([{"video": "v0", "events": [{"label": "PASS", "frame": 499, "score": 0.9}]}], ["v0"], CLASSES)
    (pairing,) = pair_events(true_events(edge, CLASSES), early, 2, [1])
    assert counts_by_unit(pairing, units_of(edge))[1, 1].tolist() == [1, 0, 0]
    long = planted_truth(videos=2, num_frames=200_000, every=5000)
    assert len(units_of(long)) <= MOST_UNITS and units_of(long).words == "200 stretches of 80 s"
    assert units_of(planted_truth(videos=12)).words == "12 videos"


def test_the_interval_holds_what_a_split_without_end_would_have_about_as_often_as_it_says():
    truth, predicted = planted(planted_truth(seed=99, videos=30), spread=1.5)
    endless = evaluate(truth, predicted, CLASSES).mean_map
    held, widths = 0, []
    for seed in range(20):
        truth, predicted = planted(planted_truth(seed=seed), seed=100 + seed, spread=1.5)
        low, high = evaluate(truth, predicted, CLASSES, intervals=True).sure["mean"]
        held += low <= endless <= high
        widths.append(high - low)
    assert held >= 16 and 0.03 < np.mean(widths) < 0.25


def test_a_split_too_small_to_say_has_no_interval_and_what_was_never_drawn_is_unknown():
    truth, predicted = planted(planted_truth(videos=1, num_frames=900))
    report = evaluate(truth, predicted, CLASSES, intervals=True)
    assert not report.drawn and report.as_json()["intervals"] is None
    assert intervals_of(report.pairings, report.levels, truth) is None
    assert np.isnan(interval(np.full(9, np.nan))).all()
    assert interval(np.arange(101.0)).ravel() == pytest.approx((2.5, 97.5))


def test_the_best_of_many_must_win_more_clearly_than_one_alone():
    better = np.r_[np.ones(97), np.zeros(3)]
    assert wins(better, np.full(100, 0.5)) and not wins(better, np.full(100, 0.5), candidates=5)
    assert not wins(np.full(100, np.nan), np.zeros(100)) and not wins(np.zeros(100), np.zeros(100))
