"""A video's events along time, drawn in rows."""

from dataclasses import replace

import numpy as np
from pictures import CLASSES, EVENTS, VIDEO, decoded, holds_colour, paired

from plots import style, timeline
from plots.style import class_colour
from plots.timeline import timeline_picture
from util.spans import Seconds


def draw(path, events=EVENTS, truth=VIDEO, **more):
    timeline_picture(path, truth, paired(truth, events, [2])[0], CLASSES, **more)
    return decoded(path)


def test_a_video_is_drawn_in_rows_with_its_scores(tmp_path, monkeypatch):
    scores = np.random.default_rng(0).dirichlet([1, 1, 9], VIDEO["num_frames"]).T[:2]
    one = draw(tmp_path / "one.png")
    monkeypatch.setattr(timeline, "FRAMES_PER_ROW", 100)
    rows = draw(tmp_path / "rows.png", scores=scores)
    assert rows.shape[0] > 2.5 * one.shape[0]
    shaded = (np.abs(rows.astype(int) - [179, 212, 232]) < 12).all(-1).sum()  # DRIVE's colour at 0.3
    assert shaded > 1000


def test_predictions_have_the_colour_of_their_class_at_the_height_of_their_score(tmp_path):
    def height(*events):
        picture = draw(tmp_path / "t.png", events)
        lanes = picture[:, picture.shape[1] // 6 :]  # without the names of the lanes
        marked = (np.abs(lanes - 255 * np.array(class_colour_rgb(1))) < 2).all(-1)
        return marked.any() and np.flatnonzero(marked.any(1)).mean()

    def class_colour_rgb(label):
        return [int(class_colour(label)[i : i + 2], 16) / 255 for i in (1, 3, 5)]

    assert not height()
    high, low = (height({"label": "PASS", "frame": 150, "score": score}) for score in (0.9, 0.1))
    assert high < low - 10
    assert not height({"label": "DRIVE", "frame": 150, "score": 0.9})


def test_its_title_says_the_tolerance_in_its_unit(tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr(style, "save_figure", lambda figure, _: titles.append(figure.get_suptitle()))
    for tolerance in (2, Seconds(0.2)):
        timeline_picture(tmp_path, VIDEO, replace(paired(VIDEO, EVENTS, [2])[0], tolerance=tolerance), CLASSES)
    assert [title.partition(", ")[2] for title in titles] == ["within 2 frames", "within 0.2 s"]


def test_it_takes_an_unknown_frame_rate_no_events_and_a_very_long_video(tmp_path):
    picture = draw(tmp_path / "t.png", [], {"video": "m", "num_frames": 400_000, "events": []})
    assert picture.shape[0] < 65_536
    assert not holds_colour(picture[:, picture.shape[1] // 6 :], class_colour(0))
