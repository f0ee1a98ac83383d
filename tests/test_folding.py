"""A model made fast for inference gives what the model itself gives."""

import pytest
import torch
from test_streaming import open_gates
from torch import nn

from model.architecture import Architecture
from model.folding import for_inference
from model.spotter import EventSpotter

CPU = torch.device("cpu")
ARCHS = ["rny002", "rny002_gsm", "rny002_tsm", "rny008_gsm", "rn18_gsm", "rn18_tsm", "convnextt_gsm", "convnextt"]


def trained(arch: str) -> EventSpotter:
    """A model with weights and statistics as training would leave them: none of them 0 or 1."""
    torch.manual_seed(0)
    spotter = EventSpotter(Architecture(arch, "gru", 2)).eval()
    open_gates(spotter)
    for norm in spotter.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for value in (norm.weight, norm.running_var):
                nn.init.uniform_(value, 0.5, 1.5)
            for value in (norm.bias, norm.running_mean):
                nn.init.normal_(value, std=0.2)
    return spotter


def apart(features: torch.Tensor, others: torch.Tensor) -> float:
    """The largest difference, as a share of the largest feature."""
    return float((features - others).abs().max() / others.abs().max())


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-9), (torch.float32, 1e-3)])  # rounding, that is all
@torch.inference_mode()
def test_features_are_the_same_for_clips_of_any_length_and_odd_sizes(arch, dtype, close):
    plain = trained(arch).to(dtype)
    plain.precision = dtype
    fast = for_inference(plain)
    for shape in ((1, 1, 3, 32, 32), (2, 7, 3, 49, 33), (3, 4, 3, 64, 80)):
        frames = torch.randn(shape, dtype=dtype)
        before = frames.clone()
        assert apart(fast.backbone(frames), plain.backbone(frames)) < close
        assert torch.equal(frames, before)


@pytest.mark.parametrize("arch", [arch for arch in ARCHS if "_" in arch])
@torch.inference_mode()
def test_so_are_those_of_a_stream(arch):
    plain = trained(arch)
    fast = for_inference(plain)
    frames = torch.randn(45, 3, 49, 33)
    whole = plain.backbone(frames[None])[0]
    for length in (1, 8, 20, 100):
        streamed = torch.cat(list(fast.backbone.stream(frames.split(length))))
        assert apart(streamed, whole) < 1e-3


def test_the_model_itself_stays_as_it_is():
    plain = trained("rny002_gsm")
    state = {name: value.clone() for name, value in plain.state_dict().items()}
    for_inference(plain)
    assert state.keys() == plain.state_dict().keys()
    assert all(torch.equal(value, state[name]) for name, value in plain.state_dict().items())


@pytest.mark.parametrize(("dtype", "fused"), [(torch.bfloat16, True), (torch.bfloat16, False), (torch.float16, True)])
@torch.inference_mode()
def test_half_precision_is_as_near_as_that_of_the_model_itself(dtype, fused, monkeypatch):
    if not fused:
        monkeypatch.setattr("model.folding._fused_types", set)
    plain = trained("rny002_gsm")
    plain.precision = dtype
    frames = torch.randn(1, 12, 3, 64, 64)
    whole = plain.backbone(frames)
    fast = for_inference(plain).backbone(frames.to(dtype))
    assert apart(fast, whole) < 2 * apart(plain.backbone.to(dtype)(frames.to(dtype)), whole) < 0.5


def test_only_on_processors_is_the_batch_norm_of_the_gates_made_a_convolution():
    for device, kind in (("cpu", nn.Identity), ("meta", nn.BatchNorm2d)):
        spotter = for_inference(EventSpotter(Architecture("rny002_gsm", "", 2)).to(device))
        assert type(spotter.backbone.shifts[0].norm) is kind
