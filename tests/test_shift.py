"""What all temporal layers share: frames moved within their clip, and channels that are split off and joined again."""

import copy

import pytest
import torch
from torch import nn

from model.backbone import SHIFT_LAYERS
from model.shift import next_frame, previous_frame


def test_next_and_previous_frame_stay_within_their_clip():
    x = torch.arange(1.0, 7).view(6, 1, 1, 1)
    assert next_frame(x, 3).flatten().tolist() == [2, 3, 0, 5, 6, 0]
    assert previous_frame(x, 3).flatten().tolist() == [0, 1, 2, 0, 4, 5]


@pytest.mark.parametrize("name", SHIFT_LAYERS)
def test_on_a_card_no_step_lays_channels_last_frames_out_in_planes(name):
    """By the strides that tensors would have on any device but a processor: "meta" ones have nothing else."""
    module = SHIFT_LAYERS[name](24).to("meta")
    x = torch.empty(10, 24, 6, 8, device="meta").contiguous(memory_format=torch.channels_last)
    assert module.shift(x[:, : module.shifted], 5).is_contiguous(memory_format=torch.channels_last)
    assert next_frame(x, 5).stride() == previous_frame(x, 5).stride() == x.stride()


def gradients(module, x):
    x = x.clone().requires_grad_()
    out = module(x)
    torch.manual_seed(0)
    wanted = [x, *module.parameters()]
    return out, torch.autograd.grad(out, wanted, torch.randn_like(out))


@pytest.mark.parametrize("name", SHIFT_LAYERS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_joining_by_hand_equals_split_and_cat_forward_and_backward(name, layout, monkeypatch):
    torch.manual_seed(1)
    module = SHIFT_LAYERS[name](24).double()
    for values in module.parameters():
        nn.init.normal_(values)
    module.num_frames = 5
    x = torch.randn(10, 24, 3, 4, dtype=torch.float64).contiguous(memory_format=layout)
    ours, ours_grads = gradients(copy.deepcopy(module), x)
    monkeypatch.setattr("model.shift.JOINED_BY_HAND", set())
    plain, plain_grads = gradients(module, x)
    torch.testing.assert_close(ours, plain)
    for one, other in zip(ours_grads, plain_grads, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", SHIFT_LAYERS)
@pytest.mark.parametrize("by_hand", [True, False])
def test_frames_that_come_in_channels_last_go_out_so(name, by_hand, monkeypatch):
    if not by_hand:
        monkeypatch.setattr("model.shift.JOINED_BY_HAND", set())
    module = SHIFT_LAYERS[name](24)
    module.num_frames = 5
    out = module(torch.randn(10, 24, 3, 4).contiguous(memory_format=torch.channels_last))
    assert out.is_contiguous(memory_format=torch.channels_last)
