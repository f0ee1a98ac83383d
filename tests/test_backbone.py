"""The backbones: all of them build and run, with a temporal layer in each residual block."""

import copy
from functools import partial

import pytest
import torch

from model.architecture import ALIASES, CNNS, FEATURE_ARCHS, Architecture
from model.backbone import Backbone
from model.gate_shift import GateShift
from model.gate_shift_fuse import GateShiftFuse
from model.temporal_shift import TemporalShift

BLOCKS = {"rn18": 8, "rn50": 16, "rny002": 13, "rny004": 16, "rny006": 15, "rny008": 14, "convnextt": 18}
FEATURES = {"rn18": 512, "rn50": 2048, "rny002": 368, "rny004": 440, "rny006": 608, "rny008": 768, "convnextt": 768}
LAYER = {"gsm": GateShift, "tsm": TemporalShift, "gsf": GateShiftFuse}


def test_the_architectures_are_those_of_the_command_line():
    assert set(FEATURE_ARCHS) == {cnn + shift for cnn in BLOCKS for shift in ("", "_tsm", "_gsm", "_gsf")}
    assert {"resnet50": "rn50", "regnet_y": "rny008_gsm"} == ALIASES
    assert set(CNNS) == set(BLOCKS)


@pytest.mark.parametrize("arch", [arch for arch in FEATURE_ARCHS if "_" not in arch
                                  or arch.startswith(("rn18", "rny002", "convnextt"))])
def test_every_architecture_runs_with_a_shift_in_each_residual_block(arch):
    cnn, _, shift = arch.partition("_")
    backbone = Backbone(Architecture(arch, "", 2), 3).eval()
    with torch.inference_mode():
        features = backbone(torch.randn(1, 2, 3, 64, 64))
    assert features.shape == (1, 2, FEATURES[cnn]) and backbone.num_features == FEATURES[cnn]
    assert features.isfinite().all()
    assert [type(m) for m in backbone.shifts] == [LAYER[shift]] * BLOCKS[cnn] if shift else not backbone.shifts
    assert all(m.num_frames == 2 for m in backbone.shifts)


@pytest.mark.parametrize(("arch", "stages", "blocks"), [("rny002_gsf", "34", 11), ("rn18_tsm", "1", 2),
                                                        ("convnextt_gsm", "124", 9)])
def test_temporal_layers_are_in_the_stages_that_are_wanted(arch, stages, blocks):
    assert len(Backbone(Architecture(arch, "", 2, shift_stages=stages), 3).shifts) == blocks


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("arch", [f"{cnn}_{shift}" for cnn in ("rn18", "rny002", "convnextt") for shift in LAYER])
def test_every_temporal_layer_trains_in_half_precision(arch, dtype):
    backbone = Backbone(Architecture(arch, "", 2), 3)
    with torch.autocast("cpu", dtype):
        features = backbone(torch.randn(1, 2, 3, 32, 32))
    features.float().square().mean().backward()
    assert features.isfinite().all() and all(parameter.grad is not None for parameter in backbone.parameters())


@pytest.mark.parametrize("arch", ["rn18", "rny002_gsm", "rny002_tsm"])
@pytest.mark.parametrize("channels", [1, 2])
def test_other_modalities_have_a_first_convolution_of_their_own(arch, channels):
    backbone = Backbone(Architecture(arch, "", 2), channels).eval()
    first = next(m for m in backbone.modules() if isinstance(m, torch.nn.Conv2d))
    assert first.in_channels == channels
    assert backbone(torch.randn(1, 2, channels, 32, 32)).shape[:2] == (1, 2)


@pytest.mark.parametrize("shift", ["", "_tsm", "_gsm", "_gsf"])
def test_only_a_shift_lets_a_frame_see_its_neighbours_and_never_another_clip(shift):
    torch.manual_seed(0)
    backbone = Backbone(Architecture(f"rny002{shift}", "", 2), 3).eval()
    for module in backbone.modules():
        if isinstance(module, GateShift):
            torch.nn.init.ones_(module.gate_bias)
        elif isinstance(module, torch.nn.BatchNorm2d):  # a block's last one starts at zero: it would give its input
            torch.nn.init.ones_(module.weight)
    frames = torch.randn(2, 3, 3, 32, 32)
    other = frames.clone()
    other[0, 1] += 1
    with torch.inference_mode():
        changed = ~torch.isclose(backbone(frames), backbone(other), rtol=0, atol=1e-6).all(-1)
    assert changed.tolist() == [[bool(shift), True, bool(shift)], [False] * 3]


def test_clips_of_any_length_go_through_one_backbone():
    backbone = Backbone(Architecture("rny002_gsm", "", 2), 3).eval()
    frames = torch.randn(1, 4, 3, 32, 32)
    with torch.inference_mode():
        whole = backbone(frames)
        parts = torch.cat([backbone(frames[:, t : t + 1]) for t in range(4)], 1)
        torch.testing.assert_close(whole, parts)  # fresh gates move nothing
        assert backbone(frames[:, :3]).shape[1] == 3


@pytest.mark.parametrize("arch", ["rny002_gsf", "rn18_tsm"])
def test_a_cnn_is_compiled_as_a_whole_for_training_and_learns_the_same(arch, monkeypatch):
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager", fullgraph=True))
    torch.manual_seed(0)
    plain = Backbone(Architecture(arch, "", 2), 3)
    compiled = copy.deepcopy(plain)
    compiled.compile_cnn()
    frames = torch.randn(2, 3, 3, 32, 32)
    for backbone in (plain, compiled):
        backbone(frames).square().mean().backward()
    for ours, expected in zip(compiled.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, expected.grad)
    assert list(compiled.state_dict()) == list(plain.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(compiled.eval()(frames[:, :2]), plain.eval()(frames[:, :2]))
