"""A video in stretches has the features, and the scores, that it has in one piece."""

import weakref

import numpy as np
import pytest
import torch

from model.architecture import FEATURE_ARCHS, Architecture
from model.backbone import Backbone
from model.gate_shift import GateShift
from model.inference import score_stretches
from model.spotter import EventSpotter


def open_gates(module: torch.nn.Module) -> None:
    """A fresh gate shift moves nothing, so that nothing could go wrong."""
    torch.manual_seed(3)
    for shift in module.modules():
        if isinstance(shift, GateShift):
            torch.nn.init.normal_(shift.gate.weight, std=0.3)
            torch.nn.init.normal_(shift.gate_bias, std=0.3)


@pytest.mark.parametrize("feature_arch", [arch for arch in FEATURE_ARCHS
                                          if arch.startswith(("rn18", "rny002", "convnextt"))])
def test_features_are_those_of_the_whole_video_whatever_the_stretches(feature_arch):
    backbone = Backbone(Architecture(feature_arch, "", 2), 3).eval()
    open_gates(backbone)
    frames = torch.randn(70, 3, 33, 47)
    with torch.inference_mode():
        whole = backbone(frames[None])[0]
        for length in (8, 31, 64, 1000):
            parts = torch.cat(list(backbone.stream(frames.split(length))))
            assert parts.shape == whole.shape
            torch.testing.assert_close(parts, whole, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("length", [1, 8, 31, 1000])
def test_frames_with_their_differences_are_those_of_the_whole_video_too(length):
    spotter = EventSpotter(Architecture("rny002_gsm", "", 2, "rgb_diff")).double().eval()
    open_gates(spotter)
    frames = torch.randint(0, 256, (33, 3, 32, 32), dtype=torch.uint8)
    with torch.inference_mode():
        normalised = spotter.normalise(frames).double()
        whole = spotter.backbone(normalised[None])[0]
        parts = torch.cat(list(spotter.backbone.stream(normalised.split(length))))
    torch.testing.assert_close(parts, whole)


@pytest.mark.parametrize("num_frames", [1, 2, 5, 40])
def test_short_videos_and_stretches_of_a_frame(num_frames):
    backbone = Backbone(Architecture("rny002_gsm", "", 2), 3).double().eval()
    open_gates(backbone)
    frames = torch.randn(num_frames, 3, 32, 32, dtype=torch.float64)
    with torch.inference_mode():
        whole = backbone(frames[None])[0]
        for length in (1, 3):
            torch.testing.assert_close(torch.cat(list(backbone.stream(frames.split(length)))), whole)


@pytest.mark.parametrize(
    ("num_frames", "overlap"), [(1, 4), (7, 4), (8, 0), (9, 0), (50, 4), (50, 7), (200, 4), (203, 0)])
def test_scores_are_the_mean_over_the_heads_windows_of_which_the_last_ends_with_the_video(num_frames, overlap):
    torch.manual_seed(1)
    spotter = EventSpotter(Architecture("rny002_gsm", "gru", 2)).eval()
    open_gates(spotter)
    frames = torch.randint(0, 256, (num_frames, 3, 32, 32), dtype=torch.uint8)
    found = np.concatenate(list(score_stretches(spotter, frames.split(13), 8, overlap)))

    last = max(0, num_frames - 8)
    with torch.inference_mode():
        features = spotter.backbone(spotter.normalise(frames[None]))
        sums, counts = np.zeros((num_frames, 3)), np.zeros((num_frames, 1))
        for start in sorted({*range(0, last + 1, 8 - overlap), last}):
            window = slice(start, start + 8)
            sums[window] += spotter.head(features[:, window]).logits[-1, 0].softmax(-1).numpy()
            counts[window] += 1
    assert found.shape == (num_frames, 3)
    np.testing.assert_allclose(found, sums / counts, atol=1e-4)


def test_of_a_long_video_only_the_last_stretches_are_kept():
    spotter = EventSpotter(Architecture("rny002_gsm", "gru", 2)).eval()
    alive: list[weakref.ref] = []

    def stretches():
        for _ in range(30):
            assert sum(ref() is not None for ref in alive) <= 2
            stretch = torch.zeros(20, 3, 32, 32, dtype=torch.uint8)
            alive.append(weakref.ref(stretch))
            yield stretch

    scores = [len(part) for part in score_stretches(spotter, stretches(), 8, 4)]
    assert sum(scores) == 600 and max(scores) <= 16 * 4 + 8
