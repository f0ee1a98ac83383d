"""A video's scores while it goes on: what they depend on, and what they are when there is time enough."""

import weakref

import numpy as np
import pytest
import torch
from conftest import complaint
from test_streaming import open_gates

from model.architecture import Architecture, Regions
from model.inference import mirrored, score_stretches
from model.live import Delay, live_scores, plan_delay
from model.spotter import EventSpotter

CLIP = 8


def spotter_of(feature_arch="rny002_gsm", head="gru", **options):
    torch.manual_seed(1)
    spotter = EventSpotter(Architecture(feature_arch, head, 2, clip_len=CLIP, **options)).eval()
    open_gates(spotter)
    return spotter


def frames_of(number, size=32):
    return torch.randint(0, 256, (number, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))


def scored(spotter, frames, delay, lengths=13, **options):
    return np.concatenate(list(live_scores(spotter, frames.split(lengths), delay, **options)))


def test_a_delay_is_shared_out_to_nms_first_then_to_the_head_then_to_the_backbone():
    spotter = spotter_of()
    assert spotter.backbone.look_ahead == 26  # thirteen blocks, two frames each
    assert plan_delay(spotter, 6, 1) == Delay(7, 26, 1, 2, 26) and plan_delay(spotter, 6, 1).frames == 34
    assert plan_delay(spotter, 6, 1, 12) == Delay(7, 4, 1, 2, 26)
    assert plan_delay(spotter, 6, 1, 4) == Delay(3, 0, 1, 1, 26)
    assert plan_delay(spotter, 0, 0, 100) == Delay(7, 26, 0, 8, 26)
    assert "--delay: 2 frames are less than the 3 of NMS" in complaint(plan_delay, spotter, 6, 3, 2)


@pytest.mark.parametrize("number", [1, 8, 75])
@pytest.mark.parametrize(("arch", "head"), [("rny002_gsm", "gru"), ("rny002", ""), ("rny002_gsf", "ed_sgp_mixer")])
def test_with_time_enough_scores_are_those_of_the_whole_video_up_to_its_last_window(arch, head, number):
    options = {"n_layers": 1, "sgp_ks": 3, "sgp_r": 2, "radi_displacement": 1} if head == "ed_sgp_mixer" else {}
    spotter, frames = spotter_of(arch, head, **options), frames_of(number)
    whole = np.concatenate(list(score_stretches(spotter, [frames], CLIP, 6)))
    live = scored(spotter, frames, plan_delay(spotter, 6, 1))
    assert live.shape == whole.shape == (number, 3)
    settled = slice(0, max(0, number - CLIP))
    np.testing.assert_allclose(live[settled], whole[settled], atol=1e-4)


@pytest.mark.parametrize("frames_late", [0, 9, 20])
def test_a_frames_scores_come_in_time_and_what_comes_later_changes_nothing(frames_late):
    spotter, frames = spotter_of("rny002_tsm"), frames_of(40)
    delay = plan_delay(spotter, 6, 0, frames_late)
    came, given = 0, []

    def one_by_one():
        nonlocal came
        for frame in frames:
            assert came - len(given) <= frames_late  # of those that came, all but the last few are settled
            came += 1
            yield frame[None]

    for rows in live_scores(spotter, one_by_one(), delay):
        given += list(rows)
    other = frames.clone()
    other[30:] = 0
    same = slice(0, 30 - frames_late)
    np.testing.assert_array_equal(np.array(given)[same], scored(spotter, other, delay)[same])


def test_the_windows_of_a_frame_see_the_video_as_if_it_ended_there():
    """By its definition: the features of the video cut off, a window that ends with it, the mean over the windows."""
    spotter, frames = spotter_of(), frames_of(34)
    delay = plan_delay(spotter, 6, 1, 6)
    assert (delay.window, delay.backbone, delay.step) == (5, 0, 1)
    with torch.inference_mode():
        windows = {end: spotter.head(spotter.backbone(spotter.normalise(frames[None, :end]))[:, max(0, end - CLIP) :])
                   .logits[-1, 0].softmax(-1).numpy() for end in range(6, 35)}
    found = scored(spotter, frames, delay)
    for frame in (0, 3, 10, 28):
        rows = [rows[frame - end + len(rows)] for end, rows in windows.items() if frame < end <= frame + 6]
        assert len(rows) == min(6, frame + 1)
        np.testing.assert_allclose(found[frame], np.mean(rows, axis=0), atol=1e-4)


@pytest.mark.parametrize("frames_late", [8, 30])
def test_scores_do_not_depend_on_how_the_frames_come(frames_late):
    spotter, frames = spotter_of("rny002_gsm", shift_stages="4"), frames_of(30)
    delay = plan_delay(spotter, 6, 1, frames_late)
    at_once = scored(spotter, frames, delay, 30)
    for lengths in (1, 7):
        np.testing.assert_array_equal(scored(spotter, frames, delay, lengths), at_once)


def test_two_backbones_see_the_end_of_the_video_too_and_go_on_behind_it():
    spotter = spotter_of("rny002_gsf", shift_stages="4", regions=Regions(size=32))
    frames = frames_of(60, 64)
    delay = plan_delay(spotter, 6, 1, 8)
    found = scored(spotter, frames, delay)
    with torch.inference_mode():
        end = spotter.backbone(spotter.normalise(frames[None, :40]))[:, 40 - CLIP :]
        last = spotter.head(end).logits[-1, 0].softmax(-1).numpy()
    scores = scored(spotter, frames[:40], delay)
    np.testing.assert_allclose(scores[-1], last[-1], atol=1e-3)
    np.testing.assert_array_equal(found[:32], scores[:32])


def test_flip_takes_the_mean_with_mirrored_frames():
    spotter, frames = spotter_of(), frames_of(30)
    delay = plan_delay(spotter, 6, 1, 10)
    alone, turned = scored(spotter, frames, delay), scored(spotter, mirrored(frames, "rgb"), delay)
    np.testing.assert_allclose(scored(spotter, frames, delay, flip=True), (alone + turned) / 2, atol=1e-6)


def test_of_a_long_video_only_the_last_stretches_are_kept():
    spotter = spotter_of()
    alive: list[weakref.ref] = []

    def stretches():
        for _ in range(30):
            assert sum(ref() is not None for ref in alive) <= 4
            stretch = torch.zeros(5, 3, 32, 32, dtype=torch.uint8)
            alive.append(weakref.ref(stretch))
            yield stretch

    assert sum(len(rows) for rows in live_scores(spotter, stretches(), plan_delay(spotter, 6, 1, 12))) == 150
