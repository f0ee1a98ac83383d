"""Labels against pictures, from JPEG files to findings: planted shifts are found, and nothing in clean data."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import write_image

from checks import alignment
from checks.alignment import align
from checks.label_reading import LabelledVideo
from checks.motion import measure_motion

CLASSES = ["DRIVE", "PASS"]
NUM_FRAMES, EVENTS = 400, 14


def labelled(name, events, fps=25.0):
    return LabelledVideo(name, "train", f"data/x/train.json: video {name!r}", NUM_FRAMES, fps, (64, 48), events)


@pytest.fixture(scope="module")
def footage(tmp_path_factory) -> tuple[Path, list[LabelledVideo]]:
    """Five videos in which a ball starts to roll at each event, to the right or down by its class."""
    folder = tmp_path_factory.mktemp("frames")
    rng = np.random.default_rng(0)
    videos = []
    for name in ("a_1", "a_2", "b_1", "b_2", "c_1"):
        wall = rng.integers(60, 120, (48, 64, 3)).astype(np.uint8)
        events = [{"frame": int(frame), "label": CLASSES[int(rng.integers(2))]}
                  for frame in np.arange(EVENTS) * 26 + 25 + rng.integers(-5, 6, EVENTS)]
        x, y = np.full(NUM_FRAMES, 10.0), np.full(NUM_FRAMES, 10.0)
        for event in events:
            along = x if event["label"] == "PASS" else y
            rolled = np.minimum(np.arange(NUM_FRAMES - event["frame"]) * 3, 27)
            along[event["frame"] :] += rolled * (1 if along[event["frame"]] < 20 else -1)
        for number in range(NUM_FRAMES):
            picture = wall + rng.integers(0, 8, wall.shape).astype(np.uint8)
            top, left = int(y[number]) % 40, int(x[number]) % 56
            picture[top : top + 8, left : left + 8] = (20, 120, 250)
            write_image(folder / name / f"{number:06d}.jpg", picture)
        videos.append(labelled(name, events))
    return folder, videos


@pytest.fixture(scope="module")
def motion(footage):
    folder, videos = footage
    return measure_motion(folder, {v.name: [(0, NUM_FRAMES)] for v in videos}, dict.fromkeys(
        [v.name for v in videos], NUM_FRAMES), 1)


@pytest.fixture
def read_before(motion, monkeypatch):
    monkeypatch.setattr(alignment, "measure_motion", lambda *_: motion)


def shifted(video, by):
    return replace(video, events=[{**event, "frame": event["frame"] + by} for event in video.events])


def test_clean_labels_are_silent_and_said_to_agree(footage):
    folder, videos = footage
    found = align(folder, videos, CLASSES, workers=1)
    assert not found.findings
    assert found.notes[0].startswith("motion: the labels of 5 of 5 videos sit alike") and found.tells
    assert found.notes[0].endswith("not told, nor one that all of them share, which --sheet shows")
    assert any("around PASS it rises" in note for note in found.notes)
    assert {(profile.label, profile.source) for profile in found.profiles} == {
        (label, video.name) for label in CLASSES for video in videos}


def test_a_planted_shift_is_one_warning_with_its_size_and_place(footage, read_before):
    folder, videos = footage
    found = align(folder, [*videos[:2], shifted(videos[2], 6), *videos[3:]], CLASSES, 1)
    assert [(f.level, f.check, f.where) for f in found.findings] == [
        ("warning", "labels-shifted", "data/x/train.json: video 'b_1'")]
    assert found.findings[0].message.startswith("labels seem about 6 frames late (")
    assert {profile.source for profile in found.profiles if not profile.fits} == {"b_1"}


def test_swapped_labels_are_two_warnings_that_name_each_other(footage, read_before):
    folder, videos = footage
    swapped = [replace(videos[0], events=videos[1].events), replace(videos[1], events=videos[0].events), *videos[2:]]
    findings = align(folder, swapped, CLASSES, 1).findings
    assert [f.check for f in findings] == ["labels-elsewhere"] * 2
    assert "frames of 'a_2'" in findings[0].message and "frames of 'a_1'" in findings[1].message


def test_unknown_rates_and_unreadable_classes_are_taken(footage, read_before):
    folder, videos = footage
    videos = [replace(video, fps=None) for video in videos]
    found = align(folder, [shifted(videos[0], -9), *videos[1:]], [], 1)
    assert [f.message.split(" (")[0] for f in found.findings] == ["labels seem about 9 frames early"]
    assert "less than 3 frames" in found.notes[0]


def test_labels_that_are_off_in_all_videos_are_not_called_right(footage, read_before):
    folder, videos = footage
    rng = np.random.default_rng(0)
    anywhere = [replace(video, events=[event | {"frame": int(rng.integers(NUM_FRAMES))} for event in video.events])
                for video in videos]
    found = align(folder, anywhere, CLASSES, 1)
    assert not found.tells and "motion: cannot be told of a_1, a_2, b_1 and 2 more: " in found.notes[0]
    assert found.notes[0].endswith("as where the labels of all videos are off: look at them with --sheet")


def test_without_frames_or_events_nothing_is_told(footage, read_before, motion, monkeypatch):
    folder, videos = footage
    found = align(folder, [replace(video, events=[]) for video in videos], CLASSES, 1)
    assert not found.findings and "cannot be told" in found.notes[0] and not found.tells
    monkeypatch.setattr(alignment, "measure_motion", measure_motion)
    found = align(folder / "not there", videos, CLASSES, 1)
    assert not found.findings and found.notes == ["motion: no frames could be read"]


def test_events_at_camera_cuts_are_told_unless_they_are_so_in_all_videos(footage, motion, monkeypatch):
    folder, videos = footage
    cut = {name: levels.copy() for name, levels in motion.items()}
    for event in videos[3].events:
        cut["b_2"][event["frame"] - 1] = 90
    monkeypatch.setattr(alignment, "measure_motion", lambda *_: cut)
    found = [f for f in align(folder, videos, CLASSES, 1).findings if f.check == "labels-at-cuts"]
    assert found and all("'b_2'" in f.where and "of a camera cut" in f.message for f in found)
    for video in videos:
        for event in video.events:
            cut[video.name][event["frame"] - 1] = 90
    assert not [f for f in align(folder, videos, CLASSES, 1).findings if f.check == "labels-at-cuts"]
