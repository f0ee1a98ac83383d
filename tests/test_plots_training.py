"""The picture of a training: whatever of it is there already is drawn."""

import pytest
from pictures import decoded, holds_colour

from plots.style import CLASS_COLOURS
from plots.training import training_picture


@pytest.mark.parametrize(
    "rows",
    [
        [{"epoch": e, "train": 1 / (e + 1), "val": 1.0, "val_mAP": e / 10, "lr": 0.001} for e in range(5)],
        [{"epoch": 0, "train": 1.0, "val": 1.0, "val_mAP": None}, {"epoch": 1, "train": 0.5}],
        [{"epoch": 0, "train": 1.0, "val": 1.0, "val_mAP": 0.0, "lr": 0.001}],
        [],
    ],
)
def test_picture_takes_epochs_without_val_and_none_at_all(tmp_path, rows):
    training_picture(tmp_path / "training.png", rows)
    best_is_marked = holds_colour(decoded(tmp_path / "training.png"), CLASS_COLOURS[1])
    assert best_is_marked == any(row.get("val_mAP") for row in rows)


def test_learning_rate_has_a_panel_of_its_own_below_the_others(tmp_path):
    def dark_pixels(rate):
        rows = [{"epoch": e, "train": 1.0, "val": 1.0, "val_mAP": 0.5, "lr": rate and rate / (e + 1)} for e in range(9)]
        training_picture(tmp_path / "t.png", rows)
        picture = decoded(tmp_path / "t.png")
        return (picture[picture.shape[0] * 3 // 4 :].max(axis=-1) < 60).sum()

    assert dark_pixels(0.001) > dark_pixels(None) + 500
