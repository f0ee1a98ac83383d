"""Checkpoints: the original's, held against its own outputs; what is saved, kept, taken over and refused."""

import errno
import json
import re
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import torchvision
from conftest import complaint, golden_files, golden_state
from safetensors.torch import save_file

from model.architecture import FEATURE_ARCHS, Architecture
from model.checkpoint import (
    load_backbone,
    load_optim,
    load_weights,
    newest_epoch,
    optim_path,
    remove_stale,
    save_epoch,
)
from model.published import from_published
from model.spotter import EventSpotter
from model.weight_mean import WeightMean


def spotter(arch="rny002_gsm", head="gru", num_classes=2, modality="rgb", seed=0):
    torch.manual_seed(seed)
    return EventSpotter(Architecture(arch, head, num_classes, modality)).eval()


@pytest.mark.parametrize("path", golden_files(), ids=lambda p: p.stem)
def test_a_checkpoint_of_the_original_gives_the_originals_logits(path, tmp_path):
    golden = json.loads(path.read_text(encoding="utf-8"))
    state = {key: torch.from_numpy(value) for key, value in golden_state(golden).items()}
    torch.save(state, tmp_path / "checkpoint_041.pt")
    model = spotter(golden["feature_arch"], golden["temporal_arch"], golden["num_classes_with_background"] - 1,
                    golden["modality"])
    load_weights(model, tmp_path / "checkpoint_041.pt")
    (tmp_path / "checkpoint_041.pt").unlink()  # up to 130 MB

    assert golden["input"]["rng"] == "numpy.random.default_rng(7).standard_normal(shape).astype(float32)"
    frames = np.random.default_rng(7).standard_normal(golden["input"]["shape"]).astype(np.float32)
    frames = torch.from_numpy(frames)
    expected = torch.tensor(golden["logits"], dtype=torch.float64)
    tolerance = 1e-4
    if golden["temporal_arch"] == "asformer":
        model, frames, tolerance = model.double(), frames.double(), 0.02
    with torch.inference_mode():
        logits = model.outputs(frames).logits[-1].double()
    assert (logits - expected).abs().max() < tolerance


def test_the_golden_values_are_all_looked_at(shared):
    assert len(golden_files()) == 7


def to_original(state):
    """Our backbone under the original's keys: its shifts wrap a block's first convolution."""
    renamed = {}
    for key, value in state.items():
        if not key.startswith("backbone.cnn."):
            continue
        key = key.replace("backbone.cnn.", "_features.", 1)
        for ours, theirs in ((".shift.gate.weight", ".gsm.conv3D.weight"), (".shift.gate_bias", ".gsm.conv3D.bias"),
                             (".shift.norm.", ".gsm.bn.")):
            key = key.replace(ours, theirs)
        if re.search(r"\.\d+\.net\.|\.b\d+\.net\.", key):  # tsm
            key = re.sub(r"\.(conv1|conv_dw)\.", r".\1.net.", key.replace(".net.", ".", 1))
        if key.endswith("conv3D.weight"):
            value = value.unflatten(0, (2, 3)).transpose(1, 2)
        renamed[key] = value
    return renamed


@pytest.mark.parametrize("arch", FEATURE_ARCHS)
def test_the_originals_keys_of_every_backbone_are_known(arch):
    ours = {key: value for key, value in spotter(arch, "").state_dict().items() if key.startswith("backbone.")}
    read = from_published(to_original(ours))
    assert read.keys() == ours.keys()
    assert all(torch.equal(read[key], value) for key, value in ours.items())


def test_our_own_checkpoint_is_left_as_it_is():
    state = spotter().state_dict()
    assert from_published(state) is state


def small_net(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4))


@pytest.fixture
def saved(tmp_path):
    """A model folder after a step of epochs 0, 1 and 2."""
    model = small_net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    history = []
    for epoch in range(3):
        model(torch.rand(5, 4)).square().mean().backward()
        optimizer.step()
        history.append({"epoch": epoch, "train": 1.0, "val": 1.0, "val_mAP": 0})
        save_epoch(tmp_path, epoch, WeightMean(model), optimizer, scaler, history)
    return tmp_path, model, optimizer, history


def test_a_full_disk_is_told_in_a_line_and_leaves_what_was_there(saved, monkeypatch):
    folder, model, optimizer, history = saved
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    message = complaint(save_epoch, folder, 3, WeightMean(model), optimizer, scaler, history)
    assert "checkpoint_003.pt" in message and "No space left" in message
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_epoch_is_saved_as_plain_tensors_and_read_back(saved):
    folder, model, optimizer, history = saved
    assert sorted(p.name for p in folder.iterdir()) == [
        *(f"checkpoint_00{i}.pt" for i in range(3)), *(f"optim_00{i}.pt" for i in range(3))]
    state = torch.load(folder / "checkpoint_002.pt", weights_only=True)
    assert state.keys() == model.state_dict().keys()
    other = small_net(seed=1)
    load_weights(other, folder / "checkpoint_002.pt")
    assert all(torch.equal(other.state_dict()[key], value) for key, value in model.state_dict().items())

    fresh = torch.optim.AdamW(other.parameters(), lr=0.01)
    assert load_optim(optim_path(folder, 2), fresh, torch.amp.GradScaler("cpu", enabled=False)) == history
    first, second = (o.state_dict()["state"][0] for o in (optimizer, fresh))
    assert first["step"] == second["step"] == 3
    assert torch.equal(first["exp_avg"], second["exp_avg"])


def test_only_the_checkpoints_to_keep_and_the_newest_optimiser_state_stay(saved):
    folder = saved[0]
    (folder / "checkpoint_mine.pt").write_bytes(b"a copy that the user made")
    remove_stale(folder, {0, 2})
    assert sorted(p.name for p in folder.iterdir()) == [
        "checkpoint_000.pt", "checkpoint_002.pt", "checkpoint_mine.pt", "optim_002.pt"]


def test_a_file_that_some_program_has_open_ends_no_training(saved, monkeypatch):
    folder, stuck, refused = saved[0], saved[0] / "checkpoint_001.pt", []
    unlink = Path.unlink

    def held(path, missing_ok=False):
        if path == stuck or len(refused) < 2:
            refused.append(path.name)
            raise PermissionError(13, "used by another process", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", held)
    monkeypatch.setattr("util.io.PAUSES", (0, 0, 0))
    remove_stale(folder, {2})
    assert {path.name for path in folder.iterdir()} == {"checkpoint_001.pt", "checkpoint_002.pt", "optim_002.pt"}
    monkeypatch.undo()
    remove_stale(folder, {2})
    assert not stuck.exists()


def test_the_newest_epoch_is_found_by_number(tmp_path):
    assert newest_epoch(tmp_path, "checkpoint") is None
    for name in ("checkpoint_002.pt", "checkpoint_1000.pt", "checkpoint_999.pt", "checkpoint_x.pt", "optim_003.pt"):
        (tmp_path / name).touch()
    assert newest_epoch(tmp_path, "checkpoint") == 1000
    assert newest_epoch(tmp_path, "optim") == 3


def test_original_keys_with_values_of_another_kind_are_refused(tmp_path):
    torch.save({"_features.s1.b1.conv1.gsm.conv3D.weight": 3, "a": torch.zeros(1)}, tmp_path / "a.pt")
    assert "belongs to another architecture" in complaint(load_weights, spotter(), tmp_path / "a.pt")


@pytest.mark.parametrize(("other", "differs"), [
    (("rny002", ""), r"\d+ tensors are missing, the first backbone\.cnn\.\S+\.shift\."),
    (("rny002_gsm", "deeper_gru"), r"\d+ tensors too many, the first head\.gru\.\S+_l1"),
    (("rny002_gsm", "gru", 5), r"head\.classify\.weight is \(6, 736\) and not \(3, 736\)"),
    (("rny002_gsm", "gru", 2, "bw"), r"stem\.conv\.weight is \(32, 1, 3, 3\) and not \(32, 3, 3, 3\)"),
])
def test_a_checkpoint_of_another_architecture_is_refused_and_told_apart(other, differs, tmp_path):
    path = tmp_path / "checkpoint_000.pt"
    torch.save(spotter(*other).state_dict(), path)
    model = spotter()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    message = complaint(load_weights, model, path)
    assert str(path) in message and re.search(differs, message), message
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def scaled():
    return torch.amp.GradScaler("cpu", enabled=True)


def load_changed(saved, change, scaler=None):
    """The complaint about optim_002.pt once a change was made to what it holds; the training must stay as it is."""
    folder, model, *_ = saved
    path = optim_path(folder, 2)
    state = torch.load(path, weights_only=True)
    change(state)
    torch.save(state, path)
    fresh = torch.optim.AdamW(model.parameters(), lr=0.01)
    before = fresh.state_dict()
    message = complaint(load_optim, path, fresh, scaler or torch.amp.GradScaler("cpu", enabled=False))
    assert str(path) in message and "does not belong to this training" in message
    assert fresh.state_dict() == before
    return message


def moment(name, value):
    return lambda state: state["optimizer"]["state"][0].update({name: value})


def group(key, value):
    return lambda state: state["optimizer"]["param_groups"][0].update({key: value})


def row(key, value):
    return lambda state: state["history"][1].update({key: value})


NAN = float("nan")


@pytest.mark.parametrize("change", [
    moment("exp_avg", torch.zeros(1)), moment("exp_avg", torch.zeros(4, 5)), moment("exp_avg", torch.zeros(16)),
    moment("exp_avg", torch.zeros(4, 4, dtype=torch.float64)), moment("exp_avg", torch.zeros(4, 4, dtype=torch.long)),
    moment("exp_avg", torch.zeros(4, 4, dtype=torch.complex64)), moment("exp_avg", torch.zeros(4, 4).to_sparse()),
    moment("exp_avg", torch.zeros(4, 4, device="meta")), moment("exp_avg", torch.full((4, 4), NAN)),
    moment("exp_avg", 3), moment("exp_avg", [0.0] * 16), moment("exp_avg_sq", torch.full((4, 4), -1.0)),
    moment("exp_avg_sq", torch.zeros(2)), moment("step", torch.tensor([3.0])), moment("step", torch.tensor(3)),
    moment("step", torch.tensor(-1.0)), moment("step", 3.0), moment("more", torch.zeros(4, 4)),
    lambda state: state["optimizer"]["state"][0].pop("exp_avg"),
    lambda state: state["optimizer"]["state"].update({4: state["optimizer"]["state"][0]}),
    lambda state: state["optimizer"].update(state=[1]), lambda state: state.pop("optimizer"),
    group("lr", NAN), group("lr", "0.01"), group("lr", torch.tensor(0.01)), group("betas", (0.9, 0.99)),
    group("betas", (torch.zeros(2), 0.999)), group("eps", 1), group("weight_decay", float("inf")),
    group("amsgrad", True), group("fused", 1), group("params", [0, 1]),
    lambda state: state["optimizer"]["param_groups"].clear(), lambda state: state["optimizer"].update(param_groups=7),
    lambda state: state["optimizer"]["param_groups"].append({}),
    row("epoch", 2), row("epoch", True), row("train", NAN), row("val", "1"), row("val_mAP", None), row("lr", [1]),
    row("train", 10**400), row(5, 1.0), lambda state: state["history"].pop(), lambda state: state.pop("history"),
    lambda state: state["history"][1].pop("val"), lambda state: state["history"].append(state["history"][0]),
    lambda state: state.update(history={}), lambda state: state.update(history=[1, 2, 3]),
    lambda state: state.update(scaler=[1]), lambda state: state.pop("scaler"), lambda state: state.clear(),
])
def test_an_optimiser_state_that_is_not_as_it_was_saved_is_refused_before_anything_is_taken_over(saved, change):
    load_changed(saved, change)


@pytest.mark.parametrize(("key", "value"), [
    ("scale", NAN), ("scale", 0.0), ("scale", "1"), ("growth_factor", -1.0), ("_growth_tracker", 0.5)])
def test_so_is_the_state_of_the_gradients_scaling(saved, key, value):
    changed = {**scaled().state_dict(), key: value}
    assert key in load_changed(saved, lambda state: state.update(scaler=changed), scaled())


def test_the_gradients_scaling_is_taken_over(saved):
    folder, model, optimizer, history = saved
    scaler = scaled()
    scaler.load_state_dict({**scaler.state_dict(), "scale": 512.0, "_growth_tracker": 7})
    save_epoch(folder, 2, WeightMean(model), optimizer, scaler, history)
    other = scaled()
    load_optim(optim_path(folder, 2), optimizer, other)
    assert other.state_dict() == scaler.state_dict()


def test_moments_lie_in_memory_as_their_parameters_do(saved):
    """Fused optimizers go through both as they lie there, so that others would be taken for each other's."""
    folder, model, optimizer, _ = saved
    path = optim_path(folder, 2)
    state = torch.load(path, weights_only=True)
    moments = state["optimizer"]["state"][0]
    moments["exp_avg"] = moments["exp_avg"].t().contiguous().t()
    moments["exp_avg_sq"] = torch.ones(1, 1).expand(4, 4)
    torch.save(state, path)
    load_optim(path, optimizer, torch.amp.GradScaler("cpu", enabled=False))
    for name in ("exp_avg", "exp_avg_sq"):
        taken = optimizer.state[next(model.parameters())][name]
        assert taken.is_contiguous() and torch.equal(taken, moments[name])
    load_optim(path, torch.optim.AdamW(model.parameters(), lr=0.5), torch.amp.GradScaler("cpu", enabled=False))


def test_an_optimiser_state_of_another_model_is_refused(saved):
    other = torch.optim.AdamW(torch.nn.Linear(2, 2).parameters())
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    assert "it is of 4 parameters and not of 2" in complaint(load_optim, optim_path(saved[0], 2), other, scaler)
    assert "does not belong" in complaint(load_optim, saved[0] / "checkpoint_002.pt", other, scaler)


FAULTS = {
    "sparse": lambda value: value.to_sparse(),
    "meta": lambda value: value.to("meta"),
    "quantized": lambda value: torch.quantize_per_tensor(value, 0.1, 0, torch.qint8),
    "list": lambda value: value.tolist(),
    "int64": lambda value: value.long(),
    "complex64": lambda value: value.to(torch.complex64),
    "float8_e4m3fn": lambda value: value.to(torch.float8_e4m3fn),
    "NaN": lambda value: torch.full_like(value, float("nan")),
    "infinite": lambda value: torch.full_like(value, float("inf")),
    "are infinite": lambda value: torch.full_like(value, 1e300, dtype=torch.float64),
}


@pytest.mark.parametrize("load", [load_weights, load_backbone])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.filterwarnings("ignore:torch.quantize")
def test_a_checkpoint_whose_values_no_training_leaves_is_refused(load, fault, tmp_path):
    key = "head.classify.weight" if load is load_weights else "backbone.cnn.s1.b1.conv2.conv.weight"
    state = spotter(head="").state_dict()
    state[key] = FAULTS[fault](state[key])
    torch.save(state, tmp_path / "a.pt")
    message = complaint(load, spotter(head=""), tmp_path / "a.pt")
    if (load, fault) != (load_backbone, "list"):  # which fits no convolution
        assert key.removeprefix("backbone.cnn.") in message and fault in message


def test_variances_below_0_are_refused(tmp_path):
    model = spotter(head="")
    model.backbone.cnn.stem.bn.running_var.fill_(-1)
    torch.save(model.state_dict(), tmp_path / "a.pt")
    assert "stem.bn.running_var holds numbers below 0" in complaint(load_weights, spotter(head=""), tmp_path / "a.pt")


def test_half_precision_is_taken_over(tmp_path):
    model = spotter(head="")
    torch.save(model.half().state_dict(), tmp_path / "a.pt")
    other = spotter(head="", seed=1)
    load_weights(other, tmp_path / "a.pt")
    assert torch.equal(other.head.classify.weight, model.head.classify.weight.float())


def convolutions(module):
    """Weights of the CNN's own convolutions, those of the shifts left out, in order."""
    return [p for key, p in module.state_dict().items() if p.dim() == 4 and ".shift." not in key]


PLAIN = {"rn18": lambda: torchvision.models.resnet18(),
         "rny002": lambda: timm.create_model("regnety_002"),
         "rny008": lambda: timm.create_model("regnety_008"),
         "convnextt": lambda: timm.create_model("convnext_tiny")}


@pytest.mark.parametrize("cnn", PLAIN)
def test_a_plain_backbone_as_it_is_published_is_taken_over_whole(cnn, tmp_path):
    torch.manual_seed(1)
    plain = PLAIN[cnn]()
    torch.save(plain.state_dict(), tmp_path / "plain.pth")
    for shift in ("", "_tsm", "_gsm"):
        model = spotter(cnn + shift, "")
        taken = load_backbone(model, tmp_path / "plain.pth")
        assert taken == sum(".shift." not in key for key in model.backbone.cnn.state_dict())
        for one, other in zip(convolutions(model.backbone.cnn), convolutions(plain), strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("arch", ["rny002", "rny002_gsm", "rny002_tsm"])
def test_a_checkpoints_backbone_is_taken_over_whole_whatever_the_shifts(arch, tmp_path):
    source = spotter(arch, "", 7, seed=1)
    torch.save(source.state_dict(), tmp_path / "checkpoint_007.pt")
    for to in ("rny002", "rny002_gsm", "rny002_tsm"):
        model = spotter(to, "")
        head = model.head.classify.weight.clone()
        taken = load_backbone(model, tmp_path / "checkpoint_007.pt")
        for one, other in zip(convolutions(model.backbone.cnn), convolutions(source.backbone.cnn), strict=True):
            assert torch.equal(one, other)
        assert torch.equal(model.head.classify.weight, head)
        gates = to == "rny002_gsm" != arch  # which the file does not hold
        assert taken == sum(not (gates and ".shift." in key) for key in model.backbone.cnn.state_dict())


def test_the_backbone_of_an_original_checkpoint_is_taken_over(tmp_path):
    source = spotter(head="", seed=1)
    torch.save(to_original(source.state_dict()), tmp_path / "checkpoint_041.pt")
    model = spotter()
    assert load_backbone(model, tmp_path / "checkpoint_041.pt") == len(model.backbone.cnn.state_dict())
    assert torch.equal(model.backbone.shifts[0].gate.weight, source.backbone.shifts[0].gate.weight)


def test_for_other_modalities_all_but_the_first_convolution_is_taken_over(tmp_path):
    torch.save(spotter(head="", seed=1).state_dict(), tmp_path / "a.pt")
    model = spotter(modality="flow")
    assert load_backbone(model, tmp_path / "a.pt") == len(model.backbone.cnn.state_dict()) - 1


@pytest.mark.parametrize("other", ["rn18", "rny008"])  # the stem of rny008 is as large as that of rny002
def test_a_file_of_another_backbone_is_refused(other, tmp_path):
    torch.save(PLAIN[other]().state_dict(), tmp_path / "a.pt")
    message = complaint(load_backbone, spotter(), tmp_path / "a.pt")
    assert str(tmp_path / "a.pt") in message and "convolutions do not fit" in message


def test_a_safetensors_file_is_read(tmp_path):
    plain = PLAIN["rny002"]()
    save_file(plain.state_dict(), tmp_path / "plain.safetensors")
    model = spotter()
    load_backbone(model, tmp_path / "plain.safetensors")
    assert torch.equal(model.backbone.cnn.stem.conv.weight, plain.stem.conv.weight)
