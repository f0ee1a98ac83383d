"""A video in stretches has the features, and the scores, that it has in one piece."""

import numpy as np
import pytest
import torch

from model.backbone import FEATURE_ARCHS, Backbone
from model.gate_shift import GateShift
from model.inference import PAST_END, score_stretches
from model.spotter import EventSpotter


def open_gates(module: torch.nn.Module) -> None:
    """A fresh gate shift moves nothing, so that nothing could go wrong."""
    torch.manual_seed(3)
    for shift in module.modules():
        if isinstance(shift, GateShift):
            torch.nn.init.normal_(shift.gate.weight, std=0.3)
            torch.nn.init.normal_(shift.gate_bias, std=0.3)


@pytest.mark.parametrize("feature_arch", [arch for arch in FEATURE_ARCHS if "50" not in arch and "008" not in arch])
def test_features_are_those_of_the_whole_video_whatever_the_stretches(feature_arch):
    backbone = Backbone(feature_arch, 3).eval()
    open_gates(backbone)
    frames = torch.randn(70, 3, 33, 47)
    with torch.inference_mode():
        whole = backbone(frames[None])[0]
        for length in (8, 31, 64, 1000):
            parts = torch.cat(list(backbone.stream(frames.split(length))))
            assert parts.shape == whole.shape
            torch.testing.assert_close(parts, whole, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("num_frames", [1, 2, 5, 40])
def test_short_videos_and_stretches_of_a_frame(num_frames):
    backbone = Backbone("rny002_gsm", 3).double().eval()
    open_gates(backbone)
    frames = torch.randn(num_frames, 3, 32, 32, dtype=torch.float64)
    with torch.inference_mode():
        whole = backbone(frames[None])[0]
        for length in (1, 3):
            torch.testing.assert_close(torch.cat(list(backbone.stream(frames.split(length)))), whole)


@pytest.mark.parametrize(("num_frames", "overlap"), [(1, 4), (7, 4), (50, 4), (50, 0), (200, 4)])
def test_scores_are_the_mean_over_the_heads_windows(num_frames, overlap):
    torch.manual_seed(1)
    spotter = EventSpotter("rny002_gsm", "gru", 2).eval()
    open_gates(spotter)
    clip_len, step = 8, 8 - overlap
    frames = torch.randint(0, 256, (num_frames, 3, 32, 32), dtype=torch.uint8)
    stretches = frames.split(13)
    found = np.concatenate(list(score_stretches(spotter, stretches, clip_len, overlap)))

    starts = range(0, max(num_frames - overlap + PAST_END, 1), step)  # in frames of the padded video
    length = starts[-1] + clip_len
    padded = torch.zeros(1, length, 3, 32, 32, dtype=torch.uint8)
    inside = torch.zeros(1, length)
    stop = min(length, PAST_END + num_frames)
    padded[0, PAST_END:stop] = frames[: stop - PAST_END]
    inside[0, PAST_END:stop] = 1
    with torch.inference_mode():
        features = spotter.backbone(spotter.normalise(padded, inside))
        sums, counts = np.zeros((length, 3)), np.zeros((length, 1))
        for start in starts:
            window = slice(start, start + clip_len)
            sums[window] += spotter.head(features[:, window])[-1, 0].softmax(-1).numpy()
            counts[window] += 1
    assert found.shape == (num_frames, 3)
    np.testing.assert_allclose(found, (sums / counts)[PAST_END : PAST_END + num_frames], atol=1e-4)
