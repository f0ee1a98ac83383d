"""The training loop: that it learns, -ag, and float16 whose values overflow."""

import math

import pytest
import torch
from torch import nn

from model.architecture import Architecture
from model.folder import restore, save_epoch
from model.spotter import EventSpotter
from model.weight_mean import WeightMean
from train_e2e import train_epoch
from util.batch import Batch, Outputs, Targets

NO_SCALER = torch.amp.GradScaler("cpu", enabled=False)


class Linear(nn.Module):
    """Logits from the mean of each frame's colours; with `norm`, of the normalised ones."""

    def __init__(self, norm=False):
        super().__init__()
        torch.manual_seed(0)
        self.norm = nn.BatchNorm1d(3) if norm else nn.Identity()
        self.classify = nn.Linear(3, 3)

    def forward(self, frames, inside):
        colours = (frames.mean((-1, -2)) * inside[..., None]).flatten(0, 1)
        return Outputs(self.classify(self.norm(colours)).unflatten(0, inside.shape)[None])


def make_batch(clips, seed=0, scale=1.0):
    torch.manual_seed(seed)
    labels = torch.eye(3)[torch.randint(3, (clips, 4))]
    return Batch(scale * torch.rand(clips, 4, 3, 2, 2), torch.ones(clips, 4), [0] * clips, [0] * clips, Targets(labels))


def part(batch, clips):
    return Batch(batch.frames[clips], batch.inside[clips], [0], [0], Targets(batch.targets.labels[clips]))


def state(net):
    return {key: value.clone() for key, value in net.state_dict().items()}


def test_a_training_learns_a_clip_by_heart():
    torch.manual_seed(0)
    spotter = EventSpotter(Architecture("rny002_gsm", "gru", 2))
    labels = torch.eye(3)[torch.tensor([[0, 0, 1, 0, 0, 2]])]
    batch = Batch(torch.rand(1, 6, 3, 32, 32), torch.ones(1, 6), [0], [0], Targets(labels))
    optimizer = torch.optim.AdamW(spotter.parameters())
    for _ in range(6):
        loss, _ = train_epoch(spotter, iter([batch] * 4), 4, optimizer, NO_SCALER, [2e-3] * 4)
    # the same answer for every frame has 2.5 at best: four of background weigh 1 each, two of events 5 each
    assert loss < 0.1


@pytest.mark.parametrize(("steps", "acc_grad_iter"), [(4, 2), (3, 2), (3, 4)])
def test_gradients_that_are_added_up_are_those_of_the_large_batch(steps, acc_grad_iter):
    clips = make_batch(steps)
    added, large = Linear(), Linear()
    groups = [range(first, min(first + acc_grad_iter, steps)) for first in range(0, steps, acc_grad_iter)]
    rates = [0.5 / (number + 1) for number in range(len(groups))]
    loss, _ = train_epoch(added, (part(clips, [i]) for i in range(steps)), steps,
                          torch.optim.SGD(added.parameters()), NO_SCALER, rates, acc_grad_iter)
    losses = [train_epoch(large, iter([part(clips, list(group))]), 1, torch.optim.SGD(large.parameters()), NO_SCALER,
                          [rate])[0] for group, rate in zip(groups, rates, strict=True)]
    assert loss > 0 and all(losses)
    for ours, expected in zip(added.parameters(), large.parameters(), strict=True):
        torch.testing.assert_close(ours, expected)


def test_a_batch_that_overflows_changes_nothing_and_is_counted():
    good, bad = make_batch(2), make_batch(2, scale=math.inf)
    nets = [Linear(norm=True), Linear(norm=True)]
    results = []
    for net, batches in zip(nets, ([good, bad, good], [good, good]), strict=True):
        scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
        optimizer = torch.optim.AdamW(net.parameters())
        results.append(train_epoch(net, iter(batches), len(batches), optimizer, scaler, [0.1] * len(batches)))
        assert scaler.get_scale() == (4 if len(batches) == 3 else 8)
    assert results[0] == (pytest.approx(results[1][0]), 1) and results[1][1] == 0
    for key, value in nets[1].state_dict().items():
        torch.testing.assert_close(nets[0].state_dict()[key], value)


def test_gradients_that_overflow_leave_the_weights_and_lower_the_scale():
    net, scaler = Linear(), torch.amp.GradScaler("cpu", init_scale=1e38)
    before = state(net)
    optimizer = torch.optim.AdamW(net.parameters())
    loss, overflows = train_epoch(net, iter([make_batch(2, scale=100)]), 1, optimizer, scaler, [0.1])
    assert math.isfinite(loss) and overflows == 0 and scaler.get_scale() < 1e38
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())


def test_a_training_whose_batches_all_overflow_has_no_loss():
    net = Linear()
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    optimizer = torch.optim.AdamW(net.parameters())
    loss, overflows = train_epoch(net, iter([make_batch(2, scale=math.inf)]), 1, optimizer, scaler, [0.1])
    assert math.isnan(loss) and overflows == 1


def test_a_training_in_float16_goes_on_with_its_scale(tmp_path):
    def begin(net):
        return net, torch.optim.AdamW(net.parameters()), torch.amp.GradScaler("cpu", init_scale=1e36, growth_interval=3)

    batches = [make_batch(2, seed, scale=1000) for seed in range(8)]
    whole = begin(Linear())
    train_epoch(whole[0], iter(batches), 8, *whole[1:], [0.1] * 8)
    first = begin(Linear())
    train_epoch(first[0], iter(batches[:4]), 4, *first[1:], [0.1] * 4)
    save_epoch(tmp_path, WeightMean(first[0]), *first[1:], [{"epoch": 0, "train": 1.0, "val": 1.0, "val_mAP": 0}])
    net = Linear()
    net.load_state_dict(first[0].state_dict())
    again = begin(net)
    assert restore(tmp_path, 0, net, 0.0, *again[1:])[0][0]["epoch"] == 0
    assert again[2].get_scale() == first[2].get_scale() < 1e36
    train_epoch(again[0], iter(batches[4:]), 4, *again[1:], [0.1] * 4)
    assert again[2].state_dict() == whole[2].state_dict()
    assert all(torch.equal(value, again[0].state_dict()[key]) for key, value in whole[0].state_dict().items())


@pytest.mark.parametrize("scaled", [True, False])
def test_no_step_waits_for_what_the_device_has_computed(scaled, monkeypatch):
    """On a card each number that is read makes the host wait until all before it is done, and then the card for the
    host: none is read in a step, float16's scale and losses included."""
    read = []
    for name in ("item", "tolist", "__bool__", "__float__", "__int__", "__index__", "cpu", "numpy"):
        method = getattr(torch.Tensor, name)
        monkeypatch.setattr(torch.Tensor, name, lambda *args, name=name, of=method: read.append(name) or of(*args))
    net, scaler = Linear(norm=True), torch.amp.GradScaler("cpu", init_scale=8.0, enabled=scaled)
    optimizer = torch.optim.AdamW(net.parameters(), fused=True)
    counts = []
    for steps in (2, 12):
        read.clear()
        train_epoch(net, iter([make_batch(2)] * steps), steps, optimizer, scaler, [0.1] * steps)
        counts.append(len(read))
    assert counts[0] == counts[1] <= 1, read
