"""Augmentation and mixup against what they do step by step, one clip at a time."""

import math

import cv2
import numpy as np
import pytest
import torch

from dataset import augment as module
from dataset.augment import augment, mixup
from util.batch import Batch, Targets

LUMA = np.array([0.299, 0.587, 0.114])


def rngs(clips, seed):
    return [np.random.default_rng((seed, number)) for number in range(clips)]


def augmented(frames, inside, modality, seed):
    return augment(Batch(frames, inside, [], []), modality, rngs(len(frames), seed)).frames


def laid_over(frames, inside, labels, seed):
    batch = mixup(Batch(frames, inside, [], [], Targets(labels)), rngs(len(frames), seed))
    return batch.frames, batch.inside, batch.targets.labels


def make_clips(clips=4, frames=3, height=10, width=12, seed=0):
    """Frames uint8 (B, T, 3, H, W), the first frame of the first clip and the last of the second past the ends."""
    rng = np.random.default_rng(seed)
    pictures = torch.from_numpy(rng.integers(0, 256, (clips, frames, 3, height, width), dtype=np.uint8))
    inside = torch.ones(clips, frames)
    inside[0, 0] = inside[1 % clips, -1] = 0
    return pictures * inside.byte()[..., None, None, None], inside


@pytest.mark.parametrize("modality", ["rgb", "bw", "flow"])
def test_augmented_frames_lie_in_0_to_1_and_padding_stays_black(modality, monkeypatch):
    monkeypatch.setattr(module, "CHANCE", 1)
    frames, inside = make_clips(16)
    out = augmented(frames, inside, modality, 0)
    assert out.shape == frames.shape and out.dtype == torch.float32
    assert out.min() >= 0 and out.max() <= 1
    assert not out[inside == 0].any()


@pytest.mark.parametrize("modality", ["rgb", "flow"])
def test_a_clips_own_generator_alone_decides(modality):
    frames, inside = make_clips(16)
    before = frames.clone()
    one, same, other = (augmented(frames, inside, modality, seed) for seed in (5, 5, 6))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert torch.equal(frames, before)
    apart = Batch(frames[3:5], inside[3:5], [], [])  # the batch that a clip is in makes no difference
    assert torch.equal(augment(apart, modality, rngs(16, 5)[3:5]).frames, one[3:5])


def test_all_frames_of_a_clip_change_alike_and_clips_each_in_their_own_way(monkeypatch):
    monkeypatch.setattr(module, "CHANCE", 1)
    monkeypatch.setattr(module, "NOISE_SIGMA", (0, 0))
    picture = make_clips(1, 3)[0][:, 1:2]
    frames = picture.expand(6, 4, -1, -1, -1)
    out = augmented(frames, torch.ones(6, 4), "rgb", 0)
    torch.testing.assert_close(out, out[:, :1].expand_as(out))
    pairs = [(i, j) for i in range(6) for j in range(i)]
    assert all((out[i] - out[j]).abs().max() > 0.01 for i, j in pairs)


def test_some_clips_are_left_as_they_are():
    frames, inside = make_clips(200, 2, 4, 4)
    out = augmented(frames, inside, "rgb", 0)
    untouched = sum(torch.allclose(one, other.float() / 255, atol=1e-4) for one, other in zip(out, frames, strict=True))
    expected = 200 * 0.75**6 * 0.5  # of six kinds none, and not flipped
    assert abs(untouched - expected) < 4 * expected**0.5


def by_hand(clip, brightness, contrast, saturation, turn):
    """clip (T, 3, H, W) in 0..1, `turn` a part of the full circle: one step after the other, in float64."""
    x = clip.double().numpy().transpose(0, 2, 3, 1)
    x = brightness * x
    y = x @ LUMA
    colour = (x @ [0.596, -0.274, -0.322]) + 1j * (x @ [0.211, -0.523, 0.312])
    colour = colour * np.exp(2j * math.pi * turn)
    yiq = np.array([LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    x = np.stack([y, colour.real, colour.imag], -1) @ np.linalg.inv(yiq).T
    x = saturation * x + (1 - saturation) * (x @ LUMA)[..., None]
    x = contrast * x + (1 - contrast) * (x @ LUMA).mean()
    return torch.from_numpy(x.clip(0, 1).transpose(0, 3, 1, 2)).float()


@pytest.mark.parametrize("only", [None, 0, 1, 2, 3])
def test_colours_change_as_brightness_hue_saturation_and_contrast_one_after_the_other(only, monkeypatch):
    neutral = [1.0, 1.0, 1.0, 0.0]
    full = [[0.7, 1.2, 1.1], [1.2, 0.8, 0.9], [0.75, 1.15, 1.2], [0.2, -0.13, 0.05]]
    factors = [values if only in (None, i) else [neutral[i]] * 3 for i, values in enumerate(full)]
    for clip, values in zip(make_clips(3)[0] / 255, zip(*factors, strict=True), strict=True):
        drawn = iter(values)
        monkeypatch.setattr(module, "_factor", lambda *_, drawn=drawn: next(drawn))
        changed = module._recolour(clip, np.random.default_rng(0))
        torch.testing.assert_close(changed, by_hand(clip, *values), atol=1e-5, rtol=0)


def test_factors_are_neutral_but_for_the_share_of_clips_that_change():
    rng = np.random.default_rng(0)
    values = np.array([module._factor(0.7, 1.2, 1, rng) for _ in range(4000)])
    changed = values[values != 1]
    assert abs(len(changed) / 4000 - module.CHANCE) < 0.03
    assert 0.7 <= changed.min() < 0.72 and 1.18 < changed.max() <= 1.2


@pytest.mark.parametrize("clip", range(5))
def test_blur_is_a_gaussian_of_each_clips_own_width(clip, monkeypatch):
    monkeypatch.setattr(module, "CHANCE", 1)
    frames = make_clips(5)[0][clip] / 255
    rng = np.random.default_rng(clip)
    rng.random()
    sigma = rng.uniform(0.1, 2.0)
    for frame, smooth in zip(frames, module._blur(frames, np.random.default_rng(clip)), strict=True):
        picture = np.ascontiguousarray(frame.permute(1, 2, 0).numpy())
        expected = cv2.GaussianBlur(picture, (5, 5), sigma, borderType=cv2.BORDER_REPLICATE)
        np.testing.assert_allclose(smooth.permute(1, 2, 0).numpy(), expected, atol=1e-5)


def test_noise_has_one_strength_in_a_clip_and_differs_from_pixel_to_pixel(monkeypatch):
    monkeypatch.setattr(module, "CHANCE", 1)
    grey = torch.full((4, 3, 60, 80), 0.5)
    clips = [module._add_noise(grey, np.random.default_rng(seed)) - grey for seed in range(6)]
    strengths = [float(noise.std()) for noise in clips]
    low, high = module.NOISE_SIGMA
    assert all(low <= strength <= 1.05 * high for strength in strengths) and max(strengths) > 2 * min(strengths)
    for noise, strength in zip(clips, strengths, strict=True):
        assert abs(float(noise.mean())) < 0.05 * strength
        assert torch.allclose(noise.std((1, 2, 3)), torch.tensor(strength), rtol=0.05)
        assert all(abs(float((noise[0] * noise[i]).mean())) < 0.05 * strength**2 for i in (1, 2, 3))
    assert torch.equal(module._add_noise(grey, np.random.default_rng(5)) - grey, clips[5])


def test_noise_leaves_the_clips_that_it_is_not_for():
    rng = np.random.default_rng(0)
    same = [torch.equal(module._add_noise(clip, rng), clip) for clip in make_clips(40)[0] / 255]
    assert 20 <= sum(same) < 40


def test_blur_leaves_the_clips_that_it_is_not_for():
    rng = np.random.default_rng(0)
    same = [torch.equal(module._blur(clip, rng), clip) for clip in make_clips(40)[0] / 255]
    assert 20 <= sum(same) < 40


@pytest.mark.parametrize("modality", ["rgb", "flow"])
def test_a_channels_last_batch_stays_so_and_comes_out_the_same(modality):
    frames, inside = make_clips(16, height=9, width=14)
    planes = augmented(frames, inside, modality, 0)
    last = frames.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)
    out = augmented(last, inside, modality, 0)
    torch.testing.assert_close(out, planes)
    targets = make_targets(16, 3)
    mixed, mixed_planes = (laid_over(x, inside, targets, 0)[0] for x in (out, planes))
    torch.testing.assert_close(mixed, mixed_planes)
    for x in (out, mixed):
        assert x.flatten(0, 1).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("modality", ["rgb", "bw", "flow"])
def test_half_the_clips_are_flipped_and_flow_to_the_side_turns_about(modality, monkeypatch):
    monkeypatch.setattr(module, "CHANCE", 0)
    frames, inside = make_clips(60)
    out = augmented(frames, inside, modality, 0)
    plain = frames.float() / 255
    mirrored = plain.flip(-1)
    if modality == "flow":
        mirrored[:, :, 2] = 1 - mirrored[:, :, 2]  # red and green stay
        mirrored *= inside[..., None, None, None]
    flipped = 0
    for changed, as_is, mirror in zip(out, plain, mirrored, strict=True):
        is_mirror = torch.allclose(changed, mirror, atol=1e-4)
        assert is_mirror or torch.allclose(changed, as_is, atol=1e-4)
        flipped += is_mirror
    assert 15 < flipped < 45


def test_flow_keeps_its_colours(monkeypatch):
    monkeypatch.setattr(module, "CHANCE", 1)
    frames, inside = make_clips(8)
    out = augmented(frames, inside, "flow", 0)
    green = frames[:, :, 1].float() / 255
    assert all(torch.allclose(a, b) or torch.allclose(a, b.flip(-1)) for a, b in zip(out[:, :, 1], green, strict=True))


def make_targets(clips, frames, outputs=3):
    rng = np.random.default_rng(1)
    return torch.eye(outputs)[torch.from_numpy(rng.integers(0, outputs, (clips, frames)))]


def test_mixup_lays_every_second_clip_over_the_one_before_with_one_weight_for_all_it_is_made_of():
    frames, inside = make_clips(6)
    frames, targets = frames.float() / 255, make_targets(6, 3)
    mixed = laid_over(frames, inside, targets, 2)
    for pair in range(3):
        apart = frames[2 * pair] - frames[2 * pair + 1]
        weight = ((mixed[0][pair] - frames[2 * pair + 1]) * apart).sum() / apart.square().sum()
        assert 0 <= weight <= 1
        for ours, of in zip(mixed, (frames, inside, targets), strict=True):
            assert len(ours) == 3
            expected = weight * of[2 * pair] + (1 - weight) * of[2 * pair + 1]
            torch.testing.assert_close(ours[pair], expected, atol=1e-4, rtol=0)


def test_mixups_weights_are_from_beta_of_a_fifth():
    clips = 8000
    frames = torch.eye(2).repeat(clips // 2, 1)[:, :1, None, None, None]  # 1, 0, 1, 0, ...
    mixed = laid_over(frames, frames[:, :, 0, 0, 0], frames[:, :, 0, 0], 0)[0].flatten().numpy()
    assert abs(mixed.mean() - 0.5) < 0.03
    assert abs(mixed.var() - 0.25 / 1.4) < 0.01  # of Beta(a, a): 1 / (4 (2 a + 1))


def test_mixup_is_decided_by_its_generator_and_leaves_its_input_alone():
    frames, inside = make_clips(4)
    frames, targets = frames.float() / 255, make_targets(4, 3)
    before = frames.clone()
    one, other = (laid_over(frames, inside, targets, 2) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert torch.equal(frames, before)


def test_sides_change_where_the_picture_is_flipped():
    frames = torch.zeros(40, 2, 3, 4, 6, dtype=torch.uint8)
    frames[..., :3] = 255  # the left half is bright
    team = torch.tensor([[1.0, 0], [0, 0]]).expand(40, 2, 2)
    before = team.clone()
    batch = Batch(frames, torch.ones(40, 2), [0] * 40, [0] * 40, Targets(torch.zeros(40, 2, 3), team=team))
    changed = augment(batch, "rgb", rngs(40, 0))
    flipped = changed.frames[..., :3].mean((1, 2, 3, 4)) < changed.frames[..., 3:].mean((1, 2, 3, 4))
    assert 10 < flipped.sum() < 30
    assert (changed.targets.team[flipped] == torch.tensor([[0.0, 1], [0, 0]])).all()
    assert (changed.targets.team[~flipped] == before[0]).all() and torch.equal(batch.targets.team, before)
