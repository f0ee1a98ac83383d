"""Where a model runs, and in which precision."""

import pytest
import torch

from model.device import DEVICES, autocast, half_precision, move, pick_device
from util.errors import UserError


def test_a_device_by_name():
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type in DEVICES


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_with_a_way_out(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UserError, match=f"--device {name}.*try --device cpu"):
        pick_device(name)
    assert pick_device("auto").type == "cpu"


@pytest.mark.parametrize("native", [torch.bfloat16, torch.float16])
def test_a_card_without_bfloat16_takes_float16(native, monkeypatch):
    has = native == torch.bfloat16
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has or including_emulation)
    assert half_precision(torch.device("cuda")) == native


@pytest.mark.parametrize("native", [True, False])
def test_a_processor_runs_in_bfloat16_where_it_has_it(native, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    with autocast(torch.device("cpu")):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == (torch.bfloat16 if native else torch.float32)


def test_a_model_that_a_device_cannot_hold_is_refused_with_a_way_out():
    class Picky(torch.nn.Module):
        def to(self, device):
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")

    with pytest.raises(UserError, match="--device mps: cannot hold this model.*try --device cpu"):
        move(Picky(), torch.device("mps"))
    plain = torch.nn.Linear(1, 1)
    assert move(plain, torch.device("cpu")) is plain
