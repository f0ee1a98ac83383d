"""The heads: shapes, stages, gradients, and each formula against a slow version of it."""

import math

import pytest
import torch
from torch import nn

from model.architecture import TEMPORAL_ARCHS, Architecture
from model.gru import GRU
from model.heads import HEADS, GRUHead, WindowAttention, build_head

STAGES = {"gru": 1, "deeper_gru": 1, "mstcn": 3, "asformer": 4, "ed_sgp_mixer": 1, "": 1}


def fixed_head(name, features=12, outputs=3):
    torch.manual_seed(0)
    return build_head(Architecture("rny002", name, outputs - 1), features)


def test_the_heads_are_those_of_the_design():
    assert set(HEADS) == set(TEMPORAL_ARCHS) == set(STAGES)


@pytest.mark.parametrize("frames", [1, 2, 7, 33])
@pytest.mark.parametrize("name", STAGES)
def test_every_head_gives_logits_for_each_stage_and_frame(name, frames):
    head = fixed_head(name)
    x = torch.randn(2, frames, 12)
    for training in (True, False):
        logits = head.train(training)(x).logits
        assert logits.shape == (STAGES[name], 2, frames, 3)
        assert logits.dtype == torch.float32
        assert logits.isfinite().all()
        assert head.states(x)[0].shape == (2, frames, head.num_states)


@pytest.mark.parametrize("name", STAGES)
def test_every_parameter_is_trained(name):
    head = fixed_head(name)
    head(torch.randn(3, 40, 12)).logits.square().sum().backward()
    # a window of one frame weighs one key alone, so that its query and key say nothing
    silent = [".layers.0.attention.query.", ".layers.0.attention.key."]
    idle = [key for key, p in head.named_parameters() if p.grad is None or not p.grad.any()]
    assert all(any(part in key for part in silent) for key in idle), idle


@pytest.mark.parametrize("name", STAGES)
def test_clips_of_a_batch_do_not_leak_into_each_other(name):
    head = fixed_head(name).eval()
    x = torch.randn(2, 9, 12)
    torch.testing.assert_close(head(x).logits[:, :1], head(x[:1]).logits)


@pytest.mark.parametrize(("features", "hidden"), [(368, 368), (768, 768), (2048, 768)])
def test_the_gru_is_as_wide_as_its_input_up_to_768(features, hidden):
    head = GRUHead(features, 3)
    assert (head.gru.hidden_size, head.gru.num_layers, head.gru.bidirectional) == (hidden, 1, True)
    assert head.classify.in_features == 2 * hidden
    assert head.dropout.p == 0.5


@pytest.mark.parametrize("layers", [1, 3])
def test_the_gru_has_the_values_and_gradients_of_pytorchs(layers):
    ours = GRU(5, 4, layers).double()
    theirs = torch.nn.GRU(5, 4, layers, batch_first=True, bidirectional=True).double()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(3, 7, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 7, 8, dtype=torch.float64)
    values, gradients = [], []
    for gru in (ours, theirs):
        out = gru(x)[0]
        values.append(out)
        gradients.append(torch.autograd.grad((out * weight).sum(), [x, *gru.parameters()]))
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*gradients)


def test_the_deeper_gru_has_three_layers():
    assert fixed_head("deeper_gru").gru.num_layers == 3


@pytest.mark.parametrize(("name", "sees_all"), [("gru", True), ("deeper_gru", True), ("", False)])
def test_a_gru_sees_the_whole_clip_and_a_linear_head_its_frame_alone(name, sees_all):
    x = torch.randn(1, 6, 12, requires_grad=True)
    fixed_head(name).eval()(x).logits[-1, 0, 2].sum().backward()
    assert x.grad[0].any(1).tolist() == [sees_all or t == 2 for t in range(6)]


def slow_dilated(x, conv, dilation):
    """3-tap convolution of x (C, T) written as a loop; zeros past the ends."""
    frames = []
    for t in range(x.shape[1]):
        taps = [(tap, t + (tap - 1) * dilation) for tap in range(3)]
        inside = [conv.weight[:, :, tap] @ x[:, at] for tap, at in taps if 0 <= at < x.shape[1]]
        frames.append(sum(inside) + conv.bias)
    return torch.stack(frames, 1)


def pointwise(conv, x):
    return conv.weight[:, :, 0] @ x + conv.bias[:, None]


def test_mstcn_is_three_stages_of_dilations_that_double_and_refines_the_softmax():
    head = fixed_head("mstcn").double().eval()
    x = torch.randn(1, 37, 12, dtype=torch.float64)
    y, expected = x[0].T, []
    for stage in head.stages:
        enter, *layers, leave = stage
        y = pointwise(enter, y)
        assert len(y) == 256
        for i, layer in enumerate(layers):
            y = y + pointwise(layer.mix, slow_dilated(y, layer.dilated, 2**i).relu())
            assert layer.dropout.p == 0.5
        assert len(layers) == 5
        expected.append(pointwise(leave, y))
        y = expected[-1].softmax(0)
    torch.testing.assert_close(head(x).logits[:, 0].mT, torch.stack(expected))


def slow_attention(attention, x, value_from, b):
    """The design's attention of window b on x (C, T), query by query and key by key."""
    frames = x.shape[1]
    query, key, value = (pointwise(c, y) for c, y in
                         ((attention.query, x), (attention.key, x), (attention.value, value_from)))
    assert len(query) == 32
    out = []
    for t in range(frames):
        first = t // b * b  # of the query's block
        weights, values = [], []
        keys = range(first - b // 2, first + b + b // 2)
        for k in keys:
            there = 0 <= k < frames
            score = query[:, t] @ key[:, k] / math.sqrt(32) if there else query.new_zeros(())
            seen = there and t - b // 2 <= k < t - b // 2 + b
            weights.append(score if seen else score + math.log(1e-6))
            values.append(value[:, k] if seen else torch.zeros_like(value[:, 0]))
        out.append(torch.stack(weights).softmax(0) @ torch.stack(values))
    return pointwise(attention.out, torch.stack(out, 1).relu())


@pytest.mark.parametrize("frames", [1, 5, 16, 23])
@pytest.mark.parametrize("window", [1, 2, 4, 16])
def test_attention_is_the_designs_key_by_key(window, frames):
    torch.manual_seed(0)
    attention = WindowAttention(64, window).double()
    nn.init.normal_(attention.query.weight)
    x, value_from = torch.randn(2, 64, frames, dtype=torch.float64), torch.randn(2, 64, frames, dtype=torch.float64)
    expected = [slow_attention(attention, x[i], value_from[i], window) for i in range(2)]
    torch.testing.assert_close(attention(x, value_from), torch.stack(expected))


def slow_asformer(head, x):
    """Logits (4, K + 1, T) of one clip (D, T)."""
    features, logits = None, []
    for number, stage in enumerate([head.encoder, *head.decoders]):
        alpha = 1 if number == 0 else math.exp(-3 * (number - 1))
        value_from = features
        features = pointwise(stage.enter, x)
        assert len(stage.layers) == 5 and len(features) == 64
        for i, layer in enumerate(stage.layers):
            f = slow_dilated(features, layer.dilated, 2**i).relu()
            normed = (f - f.mean(1, keepdim=True)) / (f.var(1, unbiased=False, keepdim=True) + 1e-5).sqrt()
            attended = slow_attention(layer.attention, normed, normed if number == 0 else value_from, 2**i)
            features = features + pointwise(layer.mix, alpha * attended + f)
        logits.append(pointwise(stage.classify, features))
        x = logits[-1].softmax(0)
    return torch.stack(logits)


@pytest.mark.parametrize("frames", [1, 21])
def test_asformer_is_the_designs_layer_by_layer(frames):
    head = fixed_head("asformer").eval()
    x = torch.randn(1, frames, 12)
    expected = slow_asformer(head, x[0].double().T).float()
    torch.testing.assert_close(head(x).logits[:, 0].mT, expected)


def test_asformer_drops_whole_channels_in_training():
    head = fixed_head("asformer", features=400).train()
    seen = []
    head.encoder.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    head(torch.ones(1, 6, 400))
    assert (seen[0] == seen[0][:, :, :1]).all()  # a channel goes in all frames at once
    assert 0.2 < (seen[0][0, :, 0] == 0).float().mean() < 0.4
    assert all(layer.dropout.p == 0.5 for stage in (head.encoder, *head.decoders) for layer in stage.layers)
