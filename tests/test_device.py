"""Where a model runs, and in which precision."""

import pytest
import torch

from model.device import best_precision, compile_errors, memory_errors, move, pick_device, pick_precision
from util.errors import UserError


@pytest.mark.parametrize(("there", "picked"), [({"cuda", "mps"}, "cuda"), ({"mps"}, "mps"), (set(), "cpu")])
def test_auto_is_the_best_device_there_is(there, picked, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in there)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in there)
    assert pick_device("auto").type == picked
    assert {pick_device(name).type for name in there} == there


def test_several_processes_are_refused_until_they_can_share_the_work(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert pick_device("cpu").type == "cpu"
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="WORLD_SIZE is 2: .*not torchrun"):
        pick_device("cpu")


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
    assert best_precision(torch.device("cuda")) == native


@pytest.mark.parametrize("native", [True, False])
def test_a_processor_runs_in_bfloat16_where_it_has_it(native, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    assert pick_precision("auto", torch.device("cpu")) == (torch.bfloat16 if native else torch.float32)


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_a_half_precision_by_name_is_that_of_the_backbone_or_refused_in_a_line(name, monkeypatch):
    assert pick_precision(name, torch.device("cpu")) == getattr(torch, name)

    def refuse(*_args):
        raise RuntimeError("not implemented for 'Half'\nat kernel")

    monkeypatch.setattr("torch.nn.functional.conv2d", refuse)
    with pytest.raises(UserError, match=rf"^--precision {name}: cpu cannot compute in it \(not .*'Half'\); use auto"):
        pick_precision(name, torch.device("cpu"))


def test_a_model_that_a_device_cannot_hold_is_refused_with_a_way_out():
    class Picky(torch.nn.Module):
        def to(self, device):
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")

    with pytest.raises(UserError, match="--device mps: cannot hold this model.*try --device cpu"):
        move(Picky(), torch.device("mps"))
    plain = torch.nn.Linear(1, 1)
    assert move(plain, torch.device("cpu")) is plain


def test_lack_of_memory_is_told_with_a_way_out():
    with pytest.raises(UserError, match="out of memory; take less at once"), memory_errors("take less at once"):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def test_a_machine_that_cannot_compile_is_told_of_in_a_line(tmp_path, monkeypatch):
    from torch._inductor import config

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(config.cpp, "cxx", (None, str(tmp_path / "no-compiler")))
    layer = torch.nn.Linear(3, 5)
    layer.compile()
    with pytest.raises(UserError, match="^--compile: .*compiler.*; train without it$") as caught, compile_errors():
        layer(torch.ones(7, 3)).relu().sum().backward()
    assert "\n" not in str(caught.value)


def test_other_errors_are_no_matter_of_compiling():
    with pytest.raises(RuntimeError, match="^a mistake$"), compile_errors():
        raise RuntimeError("a mistake")
