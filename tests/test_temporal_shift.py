"""The temporal shift module, and what a block's shortcut sees of either shift."""

import pytest
import torch
from torch import nn

from model.backbone import build_cnn, insert_shifts
from model.shift import Shift
from model.temporal_shift import TemporalShift


def slow_shift(clip):
    """clip (T, C, H, W): by the design's words, frame by frame."""
    num_frames, channels = clip.shape[:2]
    fold = channels // 8
    out = clip.clone()
    for t in range(num_frames):
        out[t, :fold] = clip[t + 1, :fold] if t + 1 < num_frames else 0
        out[t, fold : 2 * fold] = clip[t - 1, fold : 2 * fold] if t > 0 else 0
    return out


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [7, 8, 20, 64])
@pytest.mark.parametrize("num_frames", [1, 2, 5])
def test_the_first_eighth_comes_from_the_next_frame_and_the_second_from_the_previous(num_frames, channels, layout):
    shift = TemporalShift(channels)
    shift.num_frames = num_frames
    x = torch.randn(3 * num_frames, channels, 2, 3).contiguous(memory_format=layout)
    expected = torch.cat([slow_shift(clip) for clip in x.split(num_frames)])
    assert torch.equal(shift(x), expected)


def silence(block):
    """Make a residual block give nothing but its shortcut."""
    last = {"BasicBlock": "bn2", "Bottleneck": "conv3", "ConvNeXtBlock": "gamma"}[type(block).__name__]
    layer = getattr(block, last)
    for values in [layer] if isinstance(layer, nn.Parameter) else layer.parameters():
        nn.init.zeros_(values)


# blocks with nothing on their shortcut: where they lie, their channels, whether a ReLU ends them
BLOCKS = [("rn18", "layer1.1", 64, True), ("rny002", "s3.b2", 152, True), ("convnextt", "stages.0.blocks.1", 96, False)]


@pytest.mark.parametrize("shift", ["tsm", "gsm"])
@pytest.mark.parametrize(("cnn", "place", "channels", "ends_in_relu"), BLOCKS)
def test_the_shortcut_sees_shifted_features_with_tsm_and_untouched_ones_with_gsm(
    cnn, place, channels, ends_in_relu, shift
):
    torch.manual_seed(0)
    net = build_cnn(cnn, 3, imagenet=False)
    bare = net.get_submodule(place)
    silence(bare)
    insert_shifts(net, shift)
    block = net.get_submodule(place).eval()
    module = next(m for m in block.modules() if isinstance(m, Shift))
    module.num_frames = 4
    x = torch.randn(8, channels, 4, 4)
    expected = torch.cat([slow_shift(clip) for clip in x.split(4)]) if shift == "tsm" else x
    assert torch.equal(block(x), expected.relu() if ends_in_relu else expected)
    if shift == "gsm":
        nn.init.ones_(module.gate_bias)
        assert torch.equal(block(x), x.relu() if ends_in_relu else x)
