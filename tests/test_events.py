"""Scores to events, and events to columns and back."""

import numpy as np
import pytest

from util.events import (
    class_scores,
    event_dicts,
    event_table,
    events_by_side,
    predicted_events,
    recall_events,
    score_curves,
    top_class_events,
    true_events,
)

CLASSES = ["DRIVE", "PASS"]


def test_top_class_events_are_the_frames_whose_best_class_is_not_background():
    scores = np.array([[0.6, 0.3, 0.1], [0.2, 0.3, 0.5], [0.4, 0.4, 0.2], [0.1, 0.8, 0.1]], np.float32)
    assert event_dicts(top_class_events(scores), CLASSES) == [
        {"label": "PASS", "frame": 1, "score": 0.5},
        {"label": "DRIVE", "frame": 3, "score": 0.8},
    ]


def test_recall_events_are_all_from_one_per_cent_on_by_frame_then_class():
    scores = np.array([[0.98, 0.01, 0.01], [0.5, 0.2, 0.3], [0.99, 0.0099, 0.0001]], np.float32)
    assert event_dicts(recall_events(scores), CLASSES) == [
        {"label": "DRIVE", "frame": 0, "score": 0.01},
        {"label": "PASS", "frame": 0, "score": 0.01},
        {"label": "DRIVE", "frame": 1, "score": 0.2},
        {"label": "PASS", "frame": 1, "score": 0.3},
    ]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_of_events_are_the_same_numbers_in_the_same_order_with_the_same_ties(dtype):
    rng = np.random.default_rng(0)
    column = rng.random(2000).astype(dtype)
    column[::7] = column[3]
    column[1::7] = np.nextafter(column[3], dtype(1))  # as close as two scores can be
    scores = np.stack([1 - column, column], axis=1)[column >= 0.01]
    written = [event["score"] for event in event_dicts(recall_events(scores), ["PASS"])]
    assert all(type(score) is float for score in written)
    assert (np.array(written).astype(dtype) == scores[:, 1]).all()
    assert (np.argsort(written, kind="stable") == np.argsort(scores[:, 1], kind="stable")).all()


@pytest.mark.parametrize("make_events", [top_class_events, recall_events])
def test_a_video_of_background_has_no_events(make_events):
    assert len(make_events(np.array([[1.0, 0.0, 0.0]] * 5, np.float32))) == 0
    assert len(make_events(np.zeros((0, 3), np.float32))) == 0


def test_predicted_events_are_the_table_that_their_file_gives():
    rng = np.random.default_rng(0)
    videos = [{"video": "b"}, {"video": "a"}, {"video": "c"}]
    scores = {"a": np.zeros((0, 3)), **{name: rng.dirichlet([4, 1, 1], 30).astype(np.float32) for name in "bc"}}
    entries = [{**v, "events": event_dicts(recall_events(scores[v["video"]]), CLASSES)} for v in videos]
    expected = event_table(entries, ["b", "a", "c"], CLASSES)
    table = predicted_events(videos, scores)
    for column in ("video", "label", "frame", "score"):
        assert (getattr(table, column) == getattr(expected, column)).all()
        assert getattr(table, column).dtype == getattr(expected, column).dtype


def test_videos_and_classes_are_counted_as_they_are_named_and_a_true_event_scores_1():
    truth = [{"video": "b", "events": [{"frame": 7, "label": "PASS", "team": "BRA"}]}, {"video": "a", "events": []}]
    table = true_events(truth, CLASSES)
    assert (table.video.tolist(), table.label.tolist(), table.frame.tolist(), table.score.tolist()) == (
        [0], [1], [7], [1.0])
    assert event_table(truth, ["a", "b"], ["PASS"]).video.tolist() == [1]


def test_curves_have_each_score_on_its_frame():
    table = recall_events(np.array([[0.5, 0.2, 0.3], [1, 0, 0], [0.2, 0, 0.8]]))
    assert score_curves(table, 4, 2).tolist() == [[0.2, 0, 0, 0], [0.3, 0, 0.8, 0]]


def test_scores_by_side_are_events_with_the_likelier_side_and_its_probability():
    parts = np.array([[[0.3, 0.1], [0.1, 0.4], [0.06, 0.04]], [[0.1, 0.1], [0.1, 0.1], [0.6, 0.0]]], np.float32)
    assert event_dicts(top_class_events(parts), CLASSES) == [
        {"label": "DRIVE", "frame": 0, "score": 0.5, "team": "right", "team_score": 0.8},
        {"label": "PASS", "frame": 1, "score": 0.6, "team": "left", "team_score": 1.0}]
    found = recall_events(parts)
    assert [(e.get("team"), e["team_score"]) for e in event_dicts(found, CLASSES)] == [
        ("right", 0.8), ("left", 0.6), ("left", 0.5), ("left", 1.0)]
    again = event_table([{"video": "a", "events": event_dicts(found, CLASSES)}], ["a"], CLASSES)
    np.testing.assert_allclose(again.right, found.right, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(recall_events(class_scores(parts)).score, found.score)
    assert np.isnan(recall_events(class_scores(parts)).right).all()


def test_events_by_side_are_of_both_sides_as_far_as_each_is_likely():
    events = [{"frame": 1, "label": "PASS", "score": 0.5, "team": "right", "team_score": 0.8},
              {"frame": 2, "label": "DRIVE", "score": 0.5, "team": "left", "team_score": 0.99},
              {"frame": 3, "label": "DRIVE", "score": 0.5, "team": "BRA"}, {"frame": 4, "label": "PASS", "score": 0.5}]
    found = events_by_side(event_table([{"video": "a", "events": events}], ["a"], CLASSES))
    assert found.label.tolist() == [2, 3, 0] and found.frame.tolist() == [1, 1, 2]
    assert found.score.tolist() == pytest.approx([0.1, 0.4, 0.495])
    truth = [{"video": "a", "events": [{"frame": 1, "label": "PASS", "team": "right"}, {"frame": 2, "label": "PASS"}]}]
    assert events_by_side(true_events(truth, CLASSES)).label.tolist() == [3]


def test_true_events_are_sure_even_those_that_say_how_surely_they_were_predicted():
    events = [{"frame": 1, "label": "PASS", "team": "left", "score": 0.4, "team_score": 0.6},
              {"frame": 2, "label": "PASS", "team": "right", "score": "0.4", "team_score": "0.6"}]
    table = true_events([{"video": "a", "events": events}], CLASSES)
    assert table.score.tolist() == [1, 1] and table.right.tolist() == [0, 1]
