"""Pictures of a split's scores: a panel or cell in its colour for each class of the truth."""

import numpy as np
import pytest
from pictures import CLASSES, EVENTS, VIDEO, decoded, holds_colour, paired

from plots.scores import confusion_picture, offset_picture, precision_recall_picture
from plots.style import class_colour, towards_white
from util.errors import UserError

MANY = [*CLASSES, "SHOT", "FOUL", "_GOAL", "all"]


def curves(path, classes=CLASSES, tolerances=(0, 1, 2, 4), truth=VIDEO):
    pairings, levels = paired(truth, EVENTS, tolerances, classes), np.full(len(classes), 0.5)
    precision_recall_picture(path, pairings, classes, levels, "a $ and _ title")


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
    events = [{"frame": 10 * i, "label": name} for i, name in enumerate(MANY)]
    curves(tmp_path / "many.png", MANY, range(7), {**VIDEO, "events": events})
    assert decoded(tmp_path / "many.png").shape[0] > 1000


def test_a_picture_that_cannot_be_put_in_place_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "pr.png").mkdir()
    with pytest.raises(UserError, match=r"pr\.png"):
        curves(tmp_path / "pr.png")
    assert [path.name for path in tmp_path.iterdir()] == ["pr.png"]


def drawn(draw, path, events, classes=CLASSES, tolerance=2):
    draw(path, paired(VIDEO, events, [tolerance], classes)[0], classes, np.full(len(classes), 0.5), "a $ title")
    return decoded(path)


def test_confusion_has_a_cell_in_the_full_colour_of_a_class_whose_events_are_all_found(tmp_path):
    found = [{**event, "score": 0.9} for event in VIDEO["events"]]
    full = towards_white(class_colour(0), 0.9)
    assert holds_colour(drawn(confusion_picture, tmp_path / "c.png", found), full, 1000)
    assert not holds_colour(drawn(confusion_picture, tmp_path / "c.png", found[:-1]), full, 1000)  # one DRIVE less


def test_offsets_on_the_frame_have_the_colour_of_the_class_and_others_a_paler_one(tmp_path):
    paler = towards_white(class_colour(0), 0.55)

    def bar(*offsets):
        events = [
            {**event, "frame": event["frame"] + offset, "score": 0.9}
            for event, offset in zip(VIDEO["events"], offsets, strict=True)
        ]
        picture = drawn(offset_picture, tmp_path / "o.png", events)
        half = picture[picture.shape[0] // 2 :, : picture.shape[1] // 2]  # DRIVE's bars, without the title
        return holds_colour(half, class_colour(0)), holds_colour(half, paler)

    assert bar(0, 0, 0, 0) == (True, False)
    assert bar(0, 0, 2, -1) == (False, True)
    assert bar(0, 0, 0, 1) == (True, True)
    assert bar(0, 0, 3, 3) == (False, False)


@pytest.mark.parametrize("draw", [confusion_picture, offset_picture])
def test_pictures_take_no_predictions_many_classes_and_no_tolerance(tmp_path, draw):
    assert drawn(draw, tmp_path / "none.png", []).shape[0] > 300
    few = drawn(draw, tmp_path / "few.png", EVENTS, tolerance=0)
    many = drawn(draw, tmp_path / "many.png", EVENTS, [*MANY, *map(str, range(12))], tolerance=30)
    assert many.shape[0] >= few.shape[0]
