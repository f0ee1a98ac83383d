"""EventSpotter: what the modalities make of frames, padding, and the way from frames to logits."""

import numpy as np
import pytest
import torch

from model.architecture import MODALITIES, Architecture
from model.spotter import EventSpotter

RED, GREEN, BLUE = range(3)


def spotter(modality="rgb", head=""):
    torch.manual_seed(0)
    return EventSpotter(Architecture("rny002_gsm", head, 2, modality)).eval()


def by_hand(frames, modality):
    """frames uint8 (B, T, 3, H, W) -> numpy (B, T, C, H, W), by the design's words."""
    x = frames.numpy().astype(np.float64) / 255
    red, green, blue = x[:, :, RED], x[:, :, GREEN], x[:, :, BLUE]
    if modality == "rgb":
        channels = [(red - 0.485) / 0.229, (green - 0.456) / 0.224, (blue - 0.406) / 0.225]
    elif modality == "bw":
        channels = [(0.2989 * red + 0.587 * green + 0.114 * blue - 0.5) / 0.5]
    else:
        channels = [(green - 0.5) / 0.5, (blue - 0.5) / 0.5]
    return np.stack(channels, 2)


@pytest.mark.parametrize("modality", ["rgb", "bw", "flow"])
def test_frames_are_normalised_as_the_modality_says(modality):
    frames = torch.randint(0, 256, (2, 3, 3, 4, 5), dtype=torch.uint8)
    ours = spotter(modality).normalise(frames)
    np.testing.assert_allclose(ours.numpy(), by_hand(frames, modality), atol=1e-5)
    torch.testing.assert_close(spotter(modality).normalise(frames.float() / 255), ours)


@pytest.mark.parametrize("modality", MODALITIES)
def test_frames_past_the_ends_are_zero_after_normalisation(modality):
    frames = torch.randint(1, 256, (2, 3, 3, 4, 5), dtype=torch.uint8)
    inside = torch.tensor([[0, 1, 1], [1, 1, 0]]).float()
    frames[inside == 0] = 0
    normalised = spotter(modality).normalise(frames, inside)
    assert not normalised[inside == 0].any()
    assert torch.equal(normalised[inside == 1], spotter(modality).normalise(frames)[inside == 1])


@pytest.mark.parametrize("modality", MODALITIES)
def test_clips_laid_over_each_other_are_normalised_as_each_would_be_alone(modality):
    model = spotter(modality)
    clips, inside = torch.rand(2, 3, 3, 4, 5), torch.tensor([[0, 1, 1], [1, 1, 0]]).float()
    clips *= inside[..., None, None, None]
    mixed = model.normalise(clips[:1].lerp(clips[1:], 0.3), inside[:1].lerp(inside[1:], 0.3))
    one, other = model.normalise(clips, inside)[:, None]
    torch.testing.assert_close(mixed, one.lerp(other, 0.3))


@pytest.mark.parametrize(("batches", "number"), [(0, 10), (299, 10), (300, 30), (1000, 100), (10**6, 100)])
def test_the_statistics_of_batch_norm_are_of_more_batches_the_more_there_were(batches, number):
    model = EventSpotter(Architecture("rny002_gsm", "", 2)).train()
    model.settle_norms(batches, settled=False)
    norm = model.backbone.cnn.stem.bn
    norm(torch.ones(2, norm.num_features, 4, 4))  # of which there is as much as PyTorch's momentum says
    torch.testing.assert_close(norm.running_mean, torch.full_like(norm.running_mean, 1 / number))


def test_once_they_are_settled_a_clip_is_seen_in_training_as_in_inference():
    model, frames = EventSpotter(Architecture("rny002_gsm", "", 2)), torch.rand(1, 4, 3, 32, 32)
    model.train().settle_norms(1000, settled=True)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    trained = model(frames).logits
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    torch.testing.assert_close(trained, model.eval()(frames).logits)
    assert not torch.allclose(trained, model.train()(frames).logits)


def test_a_spotter_gives_float32_logits_of_every_stage():
    frames = torch.randint(0, 256, (2, 3, 3, 32, 32), dtype=torch.uint8)
    logits = spotter(head="mstcn")(frames, torch.ones(2, 3)).logits
    assert logits.shape == (3, 2, 3, 3) and logits.dtype == torch.float32
    half = spotter(head="gru")
    half.precision = torch.bfloat16
    assert half(frames).logits.dtype == torch.float32
    assert not torch.equal(half(frames).logits, spotter(head="gru")(frames).logits)


def test_the_state_dict_holds_learned_values_alone():
    keys = spotter().state_dict()
    assert {key.split(".")[0] for key in keys} == {"backbone", "head"}
