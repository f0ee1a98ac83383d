"""Tensors by name out of files that anybody may have made."""

import io
import os
import pickle

import pytest
import torch
from conftest import complaint

from model.state_dict import read_state_dict


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


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert "no such file" in complaint(read_state_dict, tmp_path / "a.pt")
    assert str(tmp_path) in complaint(read_state_dict, tmp_path)


WEIGHTS = {"stem.weight": torch.ones(2), "s1.b1.bias": torch.zeros(3)}


def under(prefix):
    return {prefix + key: value for key, value in WEIGHTS.items()}


@pytest.mark.parametrize("state", [
    under("module."), under("model."), under("_model."), under("_orig_mod."), under("module._orig_mod."),
    {key.replace(".", "._orig_mod.", 1): value for key, value in WEIGHTS.items()},
    {"epoch": 3, "state_dict": under("model.")}, {"model": WEIGHTS, "optimizer": {"state": {0: {"step": 1}}}},
    {"epoch": torch.tensor(3), "model_state_dict": WEIGHTS}, {"model": {"state_dict": under("module.")}},
])
def test_weights_among_other_things_or_of_a_wrapped_model_are_found(state, tmp_path):
    torch.save(state, tmp_path / "a.pt")
    found = read_state_dict(tmp_path / "a.pt")
    assert found.keys() == WEIGHTS.keys()
    assert all(torch.equal(found[key], value) for key, value in WEIGHTS.items())


def test_a_dict_that_holds_itself_is_refused(tmp_path):
    state = {}
    state["model"] = state
    torch.save(state, tmp_path / "a.pt")
    assert "no tensors by name, but 'model'" in complaint(read_state_dict, tmp_path / "a.pt")


def test_what_a_file_holds_in_place_of_weights_is_named(tmp_path):
    torch.save({"optimizer": {"state": {}}, "scaler": {}}, tmp_path / "a.pt")
    assert "no tensors by name, but 'optimizer', 'scaler'" in complaint(read_state_dict, tmp_path / "a.pt")


def test_tensors_that_would_take_each_others_names_are_refused(tmp_path):
    torch.save({**WEIGHTS, **under("module.")}, tmp_path / "a.pt")
    assert "several times" in complaint(read_state_dict, tmp_path / "a.pt")
