"""The gate shift module against the formula in the design, written out slowly in five dimensions."""

import math

import pytest
import torch
from torch import nn

from model.gate_shift import GateShift
from model.temporal_shift import TemporalShift

CASES = [  # clips, frames, channels, height, width
    (1, 1, 16, 3, 4),
    (2, 2, 16, 3, 4),
    (3, 5, 16, 2, 3),
    (2, 5, 24, 3, 3),  # 8 gated, and not 24 / 4
    (2, 3, 10, 3, 3),  # 4 gated, and not 10 / 4
    (1, 4, 64, 1, 1),
    (2, 3, 4, 2, 2),  # all gated
]


def slow_gate_shift(x, conv, norm):
    """x (B, C, T, H, W), a 3x3x3 convolution and a batch norm of five dimensions -> the same shape."""
    channels, num_frames = x.shape[1:3]
    gated = 4 * math.ceil(math.floor(channels / 4) / 4)
    part, rest = x[:, :gated], x[:, gated:]
    gates = torch.tanh(conv(torch.relu(norm(part))))
    halves = []
    for half, step in ((0, 1), (1, -1)):
        own = part[:, half * gated // 2 : (half + 1) * gated // 2]
        y = gates[:, half : half + 1] * own
        r = own - y
        frames = []
        for t in range(num_frames):
            moved = y[:, :, t + step] if 0 <= t + step < num_frames else torch.zeros_like(y[:, :, t])
            frames.append(moved + r[:, :, t])
        out = torch.stack(frames, 2)
        quarter = gated // 4
        order = [first + second * quarter for first in range(quarter) for second in range(2)]
        halves.append(out[:, order])
    return torch.cat([*halves, rest], 1)


def make_pair(channels, seed=0):
    """A GateShift with random weights, and the slow version's convolution and norm with the same ones."""
    torch.manual_seed(seed)
    module = GateShift(channels).double()
    gated = 4 * math.ceil(channels // 4 / 4)
    conv = nn.Conv3d(gated, 2, 3, padding=1, groups=2).double()
    norm = nn.BatchNorm3d(gated).double()
    nn.init.normal_(conv.weight, std=0.3)
    nn.init.normal_(conv.bias)
    for values in (norm.weight, norm.bias, norm.running_mean):
        nn.init.normal_(values)
    nn.init.uniform_(norm.running_var, 0.5, 2)
    with torch.no_grad():
        module.gate.weight.copy_(conv.weight.transpose(1, 2).flatten(0, 1))
        module.gate_bias.copy_(conv.bias)
    module.norm.load_state_dict(norm.state_dict())
    return module, conv, norm


def make_clips(clips, frames, channels, height, width, layout=torch.contiguous_format):
    x = torch.randn(clips * frames, channels, height, width, dtype=torch.float64)
    return x.contiguous(memory_format=layout).requires_grad_()


def to_five(x, num_frames):
    return x.unflatten(0, (-1, num_frames)).transpose(1, 2)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_it_is_the_designs_formula_with_all_gradients(case, training, layout):
    module, conv, norm = make_pair(case[2])
    for net in (module, norm):
        net.train(training)
    x = make_clips(*case, layout)
    module.num_frames = case[1]

    ours = module(x)
    slow = slow_gate_shift(to_five(x, case[1]), conv, norm).transpose(1, 2).flatten(0, 1)
    torch.testing.assert_close(ours, slow)
    torch.testing.assert_close(module.norm.running_mean, norm.running_mean)
    torch.testing.assert_close(module.norm.running_var, norm.running_var)

    toward = torch.randn_like(ours)
    grad, *params = torch.autograd.grad(
        ours, [x, module.gate.weight, module.gate_bias, module.norm.weight, module.norm.bias], toward
    )
    slow_grad, weight, *others = torch.autograd.grad(slow, [x, conv.weight, conv.bias, norm.weight, norm.bias], toward)
    torch.testing.assert_close(grad, slow_grad)
    for one, other in zip(params, [weight.transpose(1, 2).flatten(0, 1), *others], strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("shift", [GateShift, TemporalShift])
def test_gradients_agree_with_finite_differences(shift):
    torch.manual_seed(1)
    module = shift(8).double().eval()
    for values in module.parameters():
        nn.init.normal_(values)
    module.num_frames = 3
    assert torch.autograd.gradcheck(module, make_clips(2, 3, 8, 1, 2))


@pytest.mark.parametrize("channels", [4, 10, 16, 24, 64])
def test_a_fresh_module_only_interleaves_its_gated_channels(channels):
    module = GateShift(channels)
    module.num_frames = 3
    gated = 4 * math.ceil(channels // 4 / 4)
    x = torch.randn(6, channels, 2, 3)
    halves = [half.unflatten(1, (2, gated // 4)).transpose(1, 2).flatten(1, 2) for half in x[:, :gated].chunk(2, 1)]
    assert torch.equal(module(x), torch.cat([*halves, x[:, gated:]], 1))


def test_the_gates_move_what_they_open_for():
    module = GateShift(4)
    module.num_frames = 4
    with torch.no_grad():
        module.gate_bias.fill_(100)  # tanh is 1: all of it goes
    x = torch.randn(8, 4, 2, 2)
    clips = x.unflatten(0, (2, 4))
    zeros = torch.zeros(2, 1, 2, 2, 2)
    expected = torch.cat([
        torch.cat([clips[:, 1:, :2], zeros], 1),  # the first half to the frame before
        torch.cat([zeros, clips[:, :-1, 2:]], 1),  # the second half to the frame after
    ], 2)
    torch.testing.assert_close(module(x).unflatten(0, (2, 4)), expected)


def test_clips_of_a_batch_do_not_leak_into_each_other():
    module, *_ = make_pair(16)
    module.eval()
    module.num_frames = 3
    x = make_clips(3, 3, 16, 3, 3)
    other = x.detach().clone()
    other[3:6] += 1
    changed = (module(x) != module(other)).flatten(1).any(1)
    assert changed.tolist() == [False] * 3 + [True] * 3 + [False] * 3
