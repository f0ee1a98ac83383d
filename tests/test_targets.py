"""The targets of clips: labels, displacements, sides."""

import torch

from dataset.targets import TargetMaker

CLASSES = ["DRIVE", "PASS"]


def entry(events):
    return {"events": [{"frame": frame, "label": CLASSES[i - 1]} for frame, i in events]}


def labels(events, start, clip_len=8, dilate_len=0):
    targets = TargetMaker(CLASSES, dilate_len)(entry(events), start, clip_len).labels
    assert targets.shape == (clip_len, 3) and targets.dtype == torch.float32
    assert (targets.sum(1) == 1).all() and targets.max() == 1
    return "".join(map(str, targets.argmax(1).tolist()))


def test_targets_hold_the_classes_at_the_frames_of_their_events():
    assert labels([(12, 2), (15, 1)], 10) == "00200100"
    assert labels([(12, 2), (15, 1)], 12) == "20010000"
    assert labels([(12, 2), (15, 1)], 13) == "00100000"
    assert labels([(0, 1)], -5) == "00000100"
    assert labels([], 0) == "00000000"


def test_dilated_targets_reach_as_far_as_told_and_into_the_clip():
    assert labels([(14, 2)], 10, dilate_len=1) == "00022200"
    assert labels([(14, 2)], 10, dilate_len=2) == "00222220"
    assert labels([(8, 2)], 10, dilate_len=2) == "20000000"
    assert labels([(18, 1)], 10, dilate_len=2) == "00000011"
    assert labels([(7, 2), (18, 1)], 10, dilate_len=1) == "00000001"


def test_of_two_events_that_claim_a_frame_the_nearer_has_it_then_the_earlier_in_the_file():
    assert labels([(12, 2), (12, 1)], 10) == "00200000"
    assert labels([(12, 2), (13, 1)], 10, dilate_len=2) == "22211100"
    assert labels([(13, 1), (12, 2)], 10, dilate_len=2) == "22211100"
    assert labels([(12, 2), (14, 1)], 10, dilate_len=2) == "22221110"
    assert labels([(14, 1), (12, 2)], 10, dilate_len=2) == "22211110"


def test_displacements_count_frames_after_the_event_that_a_frame_is_labelled_for():
    make = TargetMaker(CLASSES, displacement=2)
    assert make(entry([(14, 2)]), 10, 8).displacement.tolist() == [0, 0, -2, -1, 0, 1, 2, 0]
    assert make(entry([(12, 2), (14, 1)]), 10, 8).displacement.tolist() == [-2, -1, 0, 1, 0, 1, 2, 0]
    assert make(entry([(8, 2)]), 10, 4).displacement.tolist() == [2, 0, 0, 0]  # the event lies before the clip
    assert TargetMaker(CLASSES, dilate=2)(entry([(14, 2)]), 10, 8).displacement is None


def test_sides_are_of_the_events_that_have_one():
    events = [{"frame": 1, "label": "PASS", "team": "left"}, {"frame": 3, "label": "PASS", "team": "right"},
              {"frame": 5, "label": "PASS", "team": "BRA"}, {"frame": 7, "label": "PASS"}]
    team = TargetMaker(CLASSES, team=True)({"events": events}, 0, 9).team
    assert team.shape == (9, 2) and team.dtype == torch.float32
    assert team[:, 0].tolist() == [0, 1] + [0] * 7 and team[:, 1].tolist() == [0, 0, 0, 1] + [0] * 5


def test_frames_that_nobody_labelled_have_no_shares_unless_an_event_is_there():
    video = entry([(3, 1), (8, 2)]) | {"labelled": [[2, 4], [11, 30]]}
    targets = TargetMaker(CLASSES, displacement=1)(video, 0, 14)
    known = targets.labels.sum(1).tolist()
    assert known == [0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1]
    assert targets.labels.argmax(1).tolist() == [0, 0, 1, 1, 1, 0, 0, 2, 2, 2, 0, 0, 0, 0]
    assert TargetMaker(CLASSES)(entry([]) | {"labelled": []}, 0, 4).labels.sum() == 0


def test_what_was_rejected_is_background_where_nothing_else_is_labelled():
    rejected = [{"frame": 3, "label": "PASS"}, {"frame": 8, "label": "PASS"}]
    video = entry([(8, 2)]) | {"labelled": [], "rejected": rejected}
    labels = TargetMaker(CLASSES, dilate=1)(video, 0, 12).labels
    assert labels.sum(1).tolist() == [0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0]
    assert labels.argmax(1).tolist() == [0] * 7 + [2, 2, 2, 0, 0]
