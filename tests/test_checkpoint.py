"""Checkpoints: the original's, held against its own outputs; what is saved, kept, taken over and refused."""

import errno
import io
import json
import os
import pickle
import re

import numpy as np
import pytest
import timm
import torch
import torchvision
from conftest import complaint, golden_files, golden_state
from safetensors.torch import save_file

from model.architecture import FEATURE_ARCHS, Architecture
from model.checkpoint import (
    from_original,
    load_backbone,
    load_optim,
    load_weights,
    newest_epoch,
    optim_path,
    read_state_dict,
    remove_stale,
    save_epoch,
)
from model.spotter import EventSpotter


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
    read = from_original(to_original(ours))
    assert read.keys() == ours.keys()
    assert all(torch.equal(read[key], value) for key, value in ours.items())


def test_our_own_checkpoint_is_left_as_it_is():
    state = spotter().state_dict()
    assert from_original(state) is state


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
        save_epoch(tmp_path, epoch, model, optimizer, scaler, history)
    return tmp_path, model, optimizer, history


def test_a_full_disk_is_told_in_a_line_and_leaves_what_was_there(saved, monkeypatch):
    folder, model, optimizer, history = saved
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    message = complaint(save_epoch, folder, 3, model, optimizer, scaler, history)
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


def test_the_newest_epoch_is_told_by_number(tmp_path):
    assert newest_epoch(tmp_path, "checkpoint") is None
    for name in ("checkpoint_002.pt", "checkpoint_1000.pt", "checkpoint_999.pt", "checkpoint_x.pt", "optim_003.pt"):
        (tmp_path / name).touch()
    assert newest_epoch(tmp_path, "checkpoint") == 1000
    assert newest_epoch(tmp_path, "optim") == 3


class Payload:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("write", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value, 2))])
def test_a_checkpoint_that_would_run_code_is_refused_and_does_not_run(write, tmp_path):
    path, mark = tmp_path / "checkpoint_000.pt", tmp_path / "mark"
    write({"weight": Payload(mark)}, path)
    message = complaint(read_state_dict, path)
    assert str(path) in message and "would run code" in message
    assert not mark.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_cut_short_anywhere_is_refused(zipped, tmp_path):
    buffer = io.BytesIO()
    torch.save({"weight": torch.rand(50), "bias": torch.rand(3)}, buffer, _use_new_zipfile_serialization=zipped)
    data = buffer.getvalue()
    path = tmp_path / "checkpoint_000.pt"
    for length in range(0, len(data), 23):
        path.write_bytes(data[:length])
        assert str(path) in complaint(read_state_dict, path)


@pytest.mark.parametrize("value", [[1, 2], torch.zeros(3), {1: torch.zeros(3)}])
def test_a_file_that_holds_no_named_tensors_is_refused(value, tmp_path):
    torch.save(value, tmp_path / "a.pt")
    assert "is no checkpoint" in complaint(read_state_dict, tmp_path / "a.pt")


def test_original_keys_with_values_of_another_kind_are_refused(tmp_path):
    torch.save({"_features.s1.b1.conv1.gsm.conv3D.weight": 3}, tmp_path / "a.pt")
    assert "belongs to another architecture" in complaint(load_weights, spotter(), tmp_path / "a.pt")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert "no such file" in complaint(read_state_dict, tmp_path / "a.pt")
    assert str(tmp_path) in complaint(read_state_dict, tmp_path)


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


def test_an_optimiser_state_of_another_model_is_refused(saved):
    other = torch.optim.AdamW(torch.nn.Linear(2, 2).parameters())
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    assert "does not belong to this training" in complaint(load_optim, optim_path(saved[0], 2), other, scaler)
    assert "does not belong" in complaint(load_optim, saved[0] / "checkpoint_002.pt", other, scaler)


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
