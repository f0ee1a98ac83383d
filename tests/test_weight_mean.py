"""The running mean of weights: its values, what it leaves alone, and that a training goes on with it."""

import copy

import pytest
import torch
from conftest import complaint

from model.checkpoint import load_optim, optim_path, save_epoch
from model.weight_mean import WeightMean

NO_SCALER = torch.amp.GradScaler("cpu", enabled=False)
ROW = {"epoch": 0, "train": 1.0, "val": 1.0, "val_mAP": 0}


def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4))


def step(network, optimizer, mean):
    network(torch.rand(5, 4)).square().sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    mean.update()


@pytest.mark.parametrize("decay", [0.3, 0.999])
def test_the_mean_forgets_by_the_decay_and_sooner_at_first(decay):
    network = net()
    mean, expected = WeightMean(network, decay), network[0].weight.detach().clone()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    for n in range(1, 9):
        step(network, optimizer, mean)
        kept = min(decay, (1 + n) / (10 + n))
        expected = kept * expected + (1 - kept) * network[0].weight.detach()
    torch.testing.assert_close(mean.network[0].weight, expected)
    assert torch.equal(mean.network[1].running_var, network[1].running_var)
    assert mean.network[1].num_batches_tracked == 8
    assert not any(p.requires_grad for p in mean.network.parameters())


def test_without_a_decay_the_mean_is_the_network_itself():
    network = net()
    assert WeightMean(network).network is network


@pytest.fixture
def saved(tmp_path):
    """A folder after three steps with a mean; and the training, which has gone two steps further."""
    network = net()
    optimizer, mean = torch.optim.AdamW(network.parameters(), lr=0.1), WeightMean(network, 0.9)
    for _ in range(3):
        step(network, optimizer, mean)
    save_epoch(tmp_path, 0, mean, optimizer, NO_SCALER, [ROW])
    torch.manual_seed(1)
    for _ in range(2):
        step(network, optimizer, mean)
    return tmp_path, mean


def resumed(folder):
    network = net()
    network.load_state_dict(torch.load(folder / "checkpoint_000.pt", weights_only=True))
    optimizer, mean = torch.optim.AdamW(network.parameters(), lr=0.1), WeightMean(network, 0.9)
    return network, optimizer, mean


def test_a_training_goes_on_with_its_weights_and_their_mean(saved):
    network, optimizer, mean = resumed(saved[0])
    load_optim(optim_path(saved[0], 0), optimizer, NO_SCALER, mean)
    torch.manual_seed(1)
    for _ in range(2):
        step(network, optimizer, mean)
    for ours, theirs in ((mean.trained, saved[1].trained), (mean.network, saved[1].network)):
        for key, value in theirs.state_dict().items():
            assert torch.equal(ours.state_dict()[key], value)


@pytest.mark.parametrize(("key", "value", "named"), [
    ("updates", -1, "updates is -1"), ("updates", True, "updates"), ("updates", None, "updates"),
    ("weights", 3, ""), ("weights", {}, "7 tensors are missing"),
])
def test_a_damaged_state_is_refused_before_anything_is_taken_over(key, value, named, saved):
    path = optim_path(saved[0], 0)
    state = torch.load(path, weights_only=True)
    torch.save({**state, key: value}, path)
    network, optimizer, mean = resumed(saved[0])
    before = copy.deepcopy(network.state_dict())
    message = complaint(load_optim, path, optimizer, NO_SCALER, mean)
    assert f"{path}: does not belong to this training" in message and named in message
    state["weights"]["0.weight"][0, 0] = torch.nan
    torch.save(state, path)
    assert "0.weight holds numbers that are infinite" in complaint(load_optim, path, optimizer, NO_SCALER, mean)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
