"""Pictures: written whole, decodable, and with the right things told apart."""

import numpy as np
import pytest
from conftest import read_image

from util.errors import UserError
from util.plots import CLASS_COLOURS, class_colour, judge, losses, precision_recall_curves, timeline

CLASSES = ["DRIVE", "PASS"]
VIDEO = {
    "video": "cup $1 and $2/m_1",
    "fps": 25.0,
    "num_frames": 500,
    "events": [
        {"frame": 400, "label": "PASS"},
        {"frame": 100, "label": "PASS"},
        {"frame": 250, "label": "DRIVE"},
        {"frame": 300, "label": "DRIVE"},
    ],
}
EVENTS = [
    {"label": "PASS", "frame": 101, "score": 0.4},
    {"label": "PASS", "frame": 99, "score": 0.8},
    {"label": "DRIVE", "frame": 260, "score": 0.7},
]


def decoded(path):
    """uint8 (H, W, 3), RGB."""
    return read_image(path)[..., ::-1]


def holds_colour(image, colour):
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return bool((image == rgb).all(axis=-1).any())


def curves(path, classes=CLASSES, tolerances=(0, 1, 2, 4), truth=VIDEO):
    predictions = [{"video": VIDEO["video"], "events": EVENTS}]
    precision_recall_curves(path, [truth], predictions, classes, tolerances, 0.5, "a $ and _ title")


def test_precision_recall_picture_has_a_panel_in_its_colour_for_each_class_of_the_truth(tmp_path):
    curves(tmp_path / "both.png")
    both = decoded(tmp_path / "both.png")
    assert holds_colour(both, class_colour(0))
    assert holds_colour(both, class_colour(1))
    no_drive = {**VIDEO, "events": VIDEO["events"][:2]}
    curves(tmp_path / "one.png", truth=no_drive)
    one = decoded(tmp_path / "one.png")
    assert one.shape[1] < both.shape[1]
    assert not holds_colour(one, class_colour(0))
    assert holds_colour(one, class_colour(1))


def test_precision_recall_picture_takes_many_classes_and_tolerances(tmp_path):
    classes = [*CLASSES, "SHOT", "FOUL", "GOAL"]
    events = [{"frame": 10 * i, "label": name} for i, name in enumerate(classes)]
    curves(tmp_path / "many.png", classes, range(7), {**VIDEO, "events": events})
    assert decoded(tmp_path / "many.png").shape[0] > 1000


def test_a_picture_that_cannot_be_put_in_place_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "pr.png").mkdir()
    with pytest.raises(UserError, match=r"pr\.png"):
        curves(tmp_path / "pr.png")
    assert [path.name for path in tmp_path.iterdir()] == ["pr.png"]


@pytest.mark.parametrize(
    "rows",
    [
        [{"epoch": e, "train": 1 / (e + 1), "val": 1.0, "val_mAP": e / 10} for e in range(5)],
        [{"epoch": 0, "train": 1.0, "val": 1.0, "val_mAP": None}, {"epoch": 1, "train": 0.5}],
        [{"epoch": 0, "train": 1.0, "val": 1.0, "val_mAP": 0.0}],
        [],
    ],
)
def test_losses_picture_takes_epochs_without_val_and_none_at_all(tmp_path, rows):
    losses(tmp_path / "loss.png", rows)
    best_is_marked = holds_colour(decoded(tmp_path / "loss.png"), CLASS_COLOURS[1])
    assert best_is_marked == any(row.get("val_mAP") for row in rows)


def test_events_of_a_timeline_are_judged_as_the_metrics_do():
    kinds = {(mark["kind"], mark["label"], mark["frame"]) for mark in judge(VIDEO, EVENTS, CLASSES, 2)}
    assert kinds == {
        ("missed", 1, 400),
        ("found", 1, 100),
        ("missed", 0, 250),
        ("missed", 0, 300),
        ("right", 1, 99),
        ("wrong", 1, 101),
        ("wrong", 0, 260),
    }


def test_timeline_of_a_whole_video_is_in_rows_and_of_a_part_in_one(tmp_path):
    scores = np.random.default_rng(0).dirichlet([9, 1, 1], VIDEO["num_frames"])
    timeline(tmp_path / "all.png", VIDEO, EVENTS, CLASSES, scores=scores, frames_per_row=100)
    timeline(tmp_path / "part.png", VIDEO, EVENTS, CLASSES, start=80, stop=120)
    whole, part = decoded(tmp_path / "all.png"), decoded(tmp_path / "part.png")
    assert whole.shape[0] > 2.5 * part.shape[0]
    assert holds_colour(part, class_colour(1))
    assert not holds_colour(part[:, part.shape[1] // 4 :], class_colour(0))  # no DRIVE but the lane's name


def test_timeline_takes_an_unknown_frame_rate_no_events_and_a_very_long_video(tmp_path):
    empty = {"video": "m", "num_frames": 400_000, "events": []}
    timeline(tmp_path / "t.png", empty, [], CLASSES)
    assert decoded(tmp_path / "t.png").shape[0] < 65_536
