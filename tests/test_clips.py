"""Random training clips: where they lie, what they hold, and that the seed alone decides it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import write_image

from dataset.clips import JointClips, RandomClips
from dataset.frames import read_batch
from dataset.targets import TargetMaker

CLASSES = ["DRIVE", "PASS"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Frames of 24x16: video a of 30 frames, b of 10, c of 3."""
    root = tmp_path_factory.mktemp("frames")
    for name, length in (("a", 30), ("b", 10), ("c", 3)):
        for index in range(length):
            picture = np.full((16, 24, 3), (0, 0, 60 + 5 * index), np.uint8)
            picture[:, :, 0] = np.arange(24) * 10
            write_image(root / name / f"{index:06d}.jpg", picture)
    return root


def entry(name, num_frames, events=()):
    return {"video": name, "num_frames": num_frames,
            "events": [{"frame": frame, "label": CLASSES[i - 1]} for frame, i in events]}


VIDEOS = [entry("a", 30, [(0, 1), (12, 2), (29, 2)]), entry("b", 10, [(4, 1)]), entry("c", 3)]


def make(folder, videos=VIDEOS, clip_len=8, length=400, crop=None, **options):
    return RandomClips(folder, videos, TargetMaker(CLASSES), clip_len, length, crop, **options)


def same(one, other):
    return (torch.equal(one.targets.labels, other.targets.labels)
            and replace(one, targets=None) == replace(other, targets=None))


def test_a_clip_depends_on_the_seed_and_its_number_alone(folder):
    first, second = (make(folder, crop=8, fg_upsample=0.5, seed=3) for _ in range(2))
    backwards = {number: second[number] for number in reversed(range(12))}
    assert all(same(first[number], backwards[number]) for number in range(12))
    longer = make(folder, length=4000, crop=8, fg_upsample=0.5, seed=3)
    assert same(longer[11], first[11])
    other = make(folder, crop=8, fg_upsample=0.5, seed=4)
    assert sum(same(first[number], other[number]) for number in range(12)) < 6
    assert len({(first[n].video, first[n].start) for n in range(12)}) > 3


def places(clips, count):
    """(count, 2): video and start of the first clips, without reading frames."""
    return np.array([clips._place(np.random.default_rng((clips.seed, number))) for number in range(count)])


@pytest.mark.parametrize(("clip_len", "name"), [(8, 0), (30, 0), (8, 2), (100, 1)])
def test_starts_are_drawn_evenly_from_5_before_the_video_to_5_past_its_end(folder, clip_len, name):
    video = VIDEOS[name]
    drawn = places(make(folder, [video], clip_len), 3000)[:, 1]
    expected = range(-5, max(-5, video["num_frames"] + 5 - clip_len) + 1)
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == list(expected)
    mean = 3000 / len(expected)
    assert abs(counts - mean).max() < 5 * mean**0.5 + 1


def test_videos_are_drawn_by_length(folder):
    drawn = places(make(folder), 4000)[:, 0]
    shares = np.bincount(drawn, minlength=3) / 4000
    np.testing.assert_allclose(shares, np.array([30, 10, 3]) / 43, atol=0.04)


@pytest.mark.parametrize("clip_len", [1, 8, 15, 60])
def test_with_fg_upsample_1_every_clip_holds_an_event_and_each_event_has_its_turn(folder, clip_len):
    clips = make(folder, clip_len=clip_len, fg_upsample=1.0)
    held = []
    for video, start in places(clips, 1000):
        low, high = -5, max(-5, VIDEOS[video]["num_frames"] + 5 - clip_len)
        assert low <= start <= high or clip_len < 5
        inside = [(video, e["frame"]) for e in VIDEOS[video]["events"] if start <= e["frame"] < start + clip_len]
        assert inside
        held += inside
    assert set(held) == {(0, 0), (0, 12), (0, 29), (1, 4)}
    assert all(clips[number].targets.labels[:, 1:].any() for number in range(20))


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_fg_upsample_is_the_share_of_clips_drawn_about_an_event(folder, share):
    far = [entry("a", 30_000, [(20_000, 1)])]
    drawn = places(make(folder, far, fg_upsample=share), 1000)[:, 1]
    held = ((drawn <= 20_000) & (20_000 < drawn + 8)).mean()
    assert abs(held - share) < 0.06


def test_a_rare_class_is_drawn_about_as_often_as_a_common_one(folder):
    videos = [entry("a", 300, [(20, 1), *((frame, 2) for frame in range(60, 300, 20))])]
    starts = places(make(folder, videos, fg_upsample=1.0), 1000)[:, 1]
    assert abs((starts <= 20).mean() - 0.5) < 0.05


def test_a_dataset_without_events_can_be_drawn_from(folder):
    clips = make(folder, [entry("b", 10)], fg_upsample=1.0)
    assert (clips[0].targets.labels[:, 0] == 1).all()


def test_a_clips_frames_are_those_of_its_start_cut_at_one_place(folder):
    clips = make(folder, [VIDEOS[0]], crop=8)
    seen = set()
    for number in range(20):
        clip = clips[number]
        batch = read_batch([clip])
        assert batch.frames.shape == (1, 8, 3, 8, 8) and torch.equal(batch.targets.labels[0], clip.targets.labels)
        for t in range(8):
            frame = clip.start + t
            if 0 <= frame < 30:
                assert abs(float(batch.frames[0, t, 0].float().mean()) - 60 - 5 * frame) < 4
        blue = batch.frames[batch.inside == 1][:, 2].float().mean((1, 2))
        assert blue.max() - blue.min() < 3  # blue tells the column: one place for all frames
        seen.add(round(float(blue.mean()) / 10))
    assert len(seen) > 5


def test_clips_shorter_than_what_lies_before_a_video_can_be_drawn(folder):
    clips = make(folder, clip_len=2, length=100)
    batch = read_batch([clips[number] for number in range(100)])
    assert batch.frames.shape == (100, 2, 3, 16, 24)
    assert not batch.inside.any(1).all()
    for inside, video, start in zip(batch.inside, batch.videos, batch.starts, strict=True):
        assert inside.tolist() == [float(0 <= start + t < VIDEOS[video]["num_frames"]) for t in range(2)]


def test_clips_of_two_datasets_are_half_of_each_with_the_labels_of_both(folder):
    first = make(folder, [entry("a", 30, [(12, 2)])], seed=3)
    second = RandomClips(folder, [{"video": "b", "num_frames": 10, "events": [{"frame": 4, "label": "SHOT"}]}],
                         TargetMaker(["GOAL", "SHOT", "SAVE"]), 8, 400, None, seed=3)
    joint = JointClips(first, second)
    assert len(joint) == 400
    of_second = [joint[number].folder.name == "b" for number in range(400)]
    assert 160 < sum(of_second) < 240
    for number in (*range(11, -1, -1), 399):
        clip, own = joint[number], (second if of_second[number] else first)[number]
        labels = [clip.targets.labels, clip.targets.joint_labels]
        assert (clip.folder, clip.start) == (own.folder, own.start)
        assert [part.shape for part in labels] == [(8, 3), (8, 4)]
        assert torch.equal(labels[of_second[number]], own.targets.labels)
        assert (labels[not of_second[number]] == 0).all()
    batch = read_batch([joint[number] for number in range(4)])
    assert batch.targets.labels.shape == (4, 8, 3) and batch.targets.joint_labels.shape == (4, 8, 4)
    assert ((batch.targets.labels.sum(-1) + batch.targets.joint_labels.sum(-1)) == 1).all()


def test_clips_are_drawn_where_something_is_labelled(folder):
    half = entry("a", 30, [(12, 2)]) | {"labelled": [[0, 4], [20, 23]]}
    none = entry("b", 10) | {"labelled": []}
    drawn = places(make(folder, [half, none], clip_len=8), 2000)
    assert set(drawn[:, 0]) == {0}
    starts = set(drawn[:, 1])
    # the first range with 5 frames around it holds clips from -5 to 2, the second from 15 to 21
    assert starts == {*range(-5, 3), *range(15, 22)}
    shares = [(drawn[:, 1] < 10).mean(), 5 / 9]
    assert abs(shares[0] - shares[1]) < 0.05
    whole = places(make(folder, [VIDEOS[0] | {"labelled": [[0, 29]]}, *VIDEOS[1:]]), 50)
    assert (whole == places(make(folder), 50)).all()  # the same as without the key


def test_a_range_shorter_than_a_clip_is_seen_whole(folder):
    drawn = places(make(folder, [entry("a", 30) | {"labelled": [[14, 15]]}], clip_len=16), 500)[:, 1]
    assert set(drawn) == set(range(5, 10)) and all(start <= 14 and 15 < start + 16 for start in drawn)


def test_what_was_rejected_is_drawn_as_one_more_class(folder):
    video = entry("a", 30, [(3, 1)]) | {"rejected": [{"frame": 25, "label": "PASS"}]}
    drawn = places(make(folder, [video], clip_len=8, fg_upsample=1.0), 1000)[:, 1]
    about_rejected = [start <= 25 < start + 8 for start in drawn]
    assert all(near or start <= 3 < start + 8 for near, start in zip(about_rejected, drawn, strict=True))
    assert 450 < sum(about_rejected) < 550
