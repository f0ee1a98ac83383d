"""Two backbones: a region of each frame for the second, whole videos in stretches, and their heads in training."""

import numpy as np
import pytest
import torch
from test_streaming import open_gates

from model.architecture import Architecture, Regions
from model.device import move
from model.folding import for_inference
from model.inference import score_stretches
from model.loss import spotting_loss
from model.spotter import EventSpotter
from util.batch import Targets

SMALL = Regions(16)


def spotter_with_regions(regions: Regions = SMALL, arch: str = "rny002_gsf", **options) -> EventSpotter:
    torch.manual_seed(0)
    architecture = Architecture(arch, "gru", 2, clip_len=12, regions=regions, padding="replicate", **options)
    spotter = EventSpotter(architecture)
    open_gates(spotter)
    return spotter


def frames_of(count: int, height: int = 64, width: int = 96) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8)


@pytest.mark.parametrize(("regions", "modality"), [
    (Regions(16), "rgb_diff"),
    (Regions(16, high=(80, 120), high_crop=(72, 80), low=(40, 60), low_crop=(36, 40)), "rgb"),
])
def test_features_of_a_stream_are_those_of_the_whole_video(regions, modality):
    spotter = spotter_with_regions(regions, modality=modality).double().eval()
    normalised = spotter.normalise(frames_of(90)).double()
    with torch.inference_mode():
        whole = spotter.backbone(normalised[None])[0]
        for length in (7, 32, 1000):
            parts = torch.cat(list(spotter.backbone.stream(normalised.split(length))))
            assert parts.shape == whole.shape
            torch.testing.assert_close(parts, whole, atol=1e-4, rtol=1e-4)


def test_folded_for_inference_it_gives_the_same():
    spotter = spotter_with_regions().eval()
    for module in spotter.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.1)
    frames = spotter.normalise(frames_of(6))[None]
    with torch.inference_mode():
        expected = spotter.outputs(frames).logits
        torch.testing.assert_close(for_inference(spotter).outputs(frames).logits, expected, atol=1e-4, rtol=1e-4)


def test_whole_videos_are_scored_in_half_precision_too():
    spotter = move(spotter_with_regions(), torch.device("cpu"), torch.bfloat16)
    stretches = [frames_of(20), frames_of(9)]
    scores = np.concatenate(list(score_stretches(for_inference(spotter), stretches, 12, 6)))
    assert scores.shape == (29, 3) and np.isfinite(scores).all()


def test_each_branch_is_trained_by_a_loss_of_its_own_and_the_last_is_the_answer():
    spotter = spotter_with_regions().train()
    outputs = spotter(frames_of(6)[None])
    assert outputs.logits.shape == (3, 1, 6, 3)
    labels = torch.nn.functional.one_hot(torch.arange(6) % 3, 3).float()[None]
    spotting_loss(outputs, Targets(labels)).backward()
    for part in (spotter.backbone.low, spotter.backbone.high, spotter.head.both, spotter.head.branches):
        assert any(p.grad is not None and p.grad.any() for p in part.parameters())
    assert spotter.eval()(frames_of(6)[None]).logits.shape == (1, 1, 6, 3)


def test_without_the_losses_of_the_branches_there_is_one_stage():
    spotter = spotter_with_regions(Regions(16, low_loss=False, high_loss=False)).train()
    assert spotter(frames_of(4)[None]).logits.shape == (1, 1, 4, 3)


def test_other_backbones_have_regions_too():
    for arch in ("rn18_tsm", "convnextt"):
        spotter = spotter_with_regions(arch=arch).eval()
        with torch.inference_mode():
            maps = spotter.backbone.low.maps(spotter.normalise(frames_of(3))[None])
            pooled = spotter.backbone.low.pooled(maps)
            torch.testing.assert_close(pooled, spotter.backbone.low(spotter.normalise(frames_of(3))[None]))
