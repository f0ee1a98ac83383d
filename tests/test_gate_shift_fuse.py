"""Gate Shift Fuse against its formula, written frame by frame."""

import torch
from torch import nn

from model.gate_shift_fuse import GateShiftFuse


def slow_fuse(module, x):
    """One clip (T, C, H, W): gates, shift, and the weighted sum of what arrived and what stayed."""
    frames, n = len(x), module.shifted
    first = x[:, :n].transpose(0, 1)[None]  # (1, F, T, H, W)
    mean, variance, weight, bias = (v.view(-1, 1, 1, 1) for v in (module.norm.running_mean, module.norm.running_var,
                                                                  module.norm.weight, module.norm.bias))
    normed = (first - mean) / (variance + 1e-5).sqrt() * weight + bias
    kernel = module.gate.weight.unflatten(0, (2, 3)).transpose(1, 2)  # (2, F / 2, 3, 3, 3)
    gates = nn.functional.conv3d(normed.relu(), kernel, module.gate_bias, padding=1, groups=2)[0].tanh()
    out = []
    for half, step in ((0, 1), (1, -1)):
        own = first[0, half * n // 2 : (half + 1) * n // 2]
        leaving = gates[half] * own
        arrived = torch.zeros_like(own)
        for t in range(frames):
            if 0 <= t + step < frames:
                arrived[:, t] = leaving[:, t + step]
        stayed = own - leaving
        means = torch.stack((arrived.mean((-2, -1)), stayed.mean((-2, -1))))[None]  # (1, 2, F / 2, T)
        weight = module.fuse[half](means)[0, 0].sigmoid()[..., None, None]
        fused = weight * arrived + (1 - weight) * stayed
        out += [fused[channel] for pair in range(n // 4) for channel in (pair, pair + n // 4)]
    return torch.cat((torch.stack(out, 1), x[:, n:]), 1)


def test_each_clip_of_a_batch_is_fused_by_the_formula():
    torch.manual_seed(0)
    module = GateShiftFuse(40).double().eval()
    for values in (*module.parameters(), module.norm.running_mean):
        nn.init.normal_(values)
    module.num_frames = 5
    x = torch.randn(10, 40, 4, 3, dtype=torch.float64)
    expected = torch.cat([slow_fuse(module, clip) for clip in x.split(5)])
    torch.testing.assert_close(module(x), expected)
