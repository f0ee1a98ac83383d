"""Gradient checkpointing: the same training as without it, in less memory."""

import copy

import pytest
import torch
from torch import nn

from model.architecture import FEATURE_ARCHS, Architecture
from model.backbone import Backbone
from model.folding import for_inference
from model.gate_shift import GateShift
from model.memory import counted_step
from model.spotter import EventSpotter


def make(arch):
    """A backbone whose gates are open and whose blocks all count."""
    torch.manual_seed(0)
    backbone = Backbone(Architecture(arch, "", 2), 3)
    for module in backbone.modules():
        if isinstance(module, GateShift):
            nn.init.normal_(module.gate.weight, std=0.1)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1)
    return backbone


def train(backbone, frames, steps=2):
    """Two steps: the second one's input must not depend on what the first one's second pass left behind."""
    features = []
    for _ in range(steps):
        backbone.zero_grad()
        features.append(backbone(frames))
        features[-1].float().square().mean().backward()
    return features


@pytest.mark.parametrize("arch", [arch for arch in FEATURE_ARCHS if arch[:6] not in ("rny004", "rny006")])
def test_features_gradients_and_running_statistics_are_those_of_the_plain_run(arch):
    plain = make(arch)
    sparing = copy.deepcopy(plain)
    sparing.recompute_blocks()
    frames = torch.randn(2, 3, 3, 32, 32)
    for ours, expected in zip(train(sparing, frames), train(plain, frames), strict=True):
        torch.testing.assert_close(ours, expected)
    expected = dict(plain.named_parameters())
    for name, parameter in sparing.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name].grad, msg=lambda m, name=name: f"{name}: {m}")
    state = plain.state_dict()
    assert list(sparing.state_dict()) == list(state)
    for name, value in sparing.state_dict().items():
        if "running" in name or "tracked" in name:
            torch.testing.assert_close(value, state[name], msg=lambda m, name=name: f"{name}: {m}")
    assert all(m.num_batches_tracked == 2 for m in sparing.modules() if isinstance(m, nn.BatchNorm2d))


@pytest.mark.parametrize("arch", ["rny002_gsm", "rn18_gsm", "convnextt_tsm", "rny002"])
def test_a_model_that_was_trained_so_can_be_copied_folded_and_streamed(arch):
    torch.manual_seed(0)
    plain = EventSpotter(Architecture(arch, "", 2))
    sparing = copy.deepcopy(plain)
    sparing.backbone.recompute_blocks()
    frames = torch.randn(1, 7, 3, 32, 32)
    for spotter in (plain, sparing):
        train(spotter.backbone, frames)
    folded = [for_inference(spotter).backbone.float() for spotter in (plain, sparing)]
    with torch.inference_mode():
        whole, again = (backbone(frames) for backbone in folded)
        streamed = torch.cat(list(folded[1].stream(frames[0].split(3))))
    torch.testing.assert_close(again, whole)
    torch.testing.assert_close(streamed, whole[0])


def test_a_training_for_which_a_large_card_was_needed_fits_a_small_one():
    plain, sparing = (counted_step(Architecture("rny008_gsm", "gru", 2, clip_len=100), 8, (224, 224), torch.bfloat16,
                                   grad_checkpoint) for grad_checkpoint in (False, True))
    assert plain > 20 * 2**30
    assert sparing < 5.5 * 2**30  # and 2 GiB for what cannot be counted without a card
