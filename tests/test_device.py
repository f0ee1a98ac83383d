"""Where a model runs, and in which precision."""

import os

import pytest
import torch

from model import device
from model.device import best_precision, compile_errors, memory_errors, move, pick_device, pick_precision
from util.card import nvidia_card
from util.errors import UserError

SAID = """==============NVSMI LOG==============
Driver Version                            : 566.36
CUDA Version                              : {}
Attached GPUs                             : 1
GPU 00000000:01:00.0
    Product Name                          : NVIDIA GeForce RTX 4060
"""


@pytest.fixture
def smi(tmp_path, monkeypatch):
    """Puts an nvidia-smi on the PATH that knows a CUDA version, None for one whose driver does not answer."""
    if os.name == "nt":
        pytest.skip("the nvidia-smi of this test is a shell script")

    def install(cuda):
        program = tmp_path / "nvidia-smi"
        text = "exit 9" if cuda is None else f"cat <<'END'\n{SAID.format(cuda)}END"
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for cached in (nvidia_card, device._warn):
        cached.cache_clear()
    yield install
    nvidia_card.cache_clear()


@pytest.mark.parametrize(("cuda", "build"), [("12.7", "cu126"), ("12.8", "cu128"), ("13.1", "cu130"), ("11.4", None)])
def test_a_processor_beside_an_unused_card_is_a_loud_warning_once_with_the_line_that_helps(
    cuda, build, smi, monkeypatch, capsys
):
    smi(cuda)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert [pick_device("auto").type, pick_device("auto").type] == ["cpu", "cpu"]
    said = capsys.readouterr().err
    assert said.count("WARNING: running on the processor") == 1 and "NVIDIA GeForce RTX 4060 is not used" in said
    line = f"--force-reinstall torch torchvision --index-url https://download.pytorch.org/whl/{build}"
    assert (line in said) == (build is not None) and ("update it" in said) == (build is None)
    with pytest.raises(UserError, match="^--device cuda: the NVIDIA GeForce RTX 4060 is not used.*try --device cpu$"):
        pick_device("cuda")


@pytest.mark.parametrize(("cuda", "hidden"), [(None, None), ("12.8", "")])
def test_no_card_and_one_that_is_hidden_on_purpose_are_no_warning(cuda, hidden, smi, monkeypatch, capsys):
    smi(cuda)
    if hidden is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert pick_device("auto").type == "cpu" and not capsys.readouterr().err


def test_start_installs_the_build_for_the_card_that_it_finds(smi, tmp_path, monkeypatch):
    import start

    smi("12.8")
    ran = []
    monkeypatch.setattr(start, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(start, "PYTHON", tmp_path / ".venv" / "python")
    monkeypatch.setattr(start, "run", lambda command: (tmp_path / ".venv").mkdir(exist_ok=True) or ran.append(command))
    start.set_up("requirements.txt")
    assert [command[3] for command in ran] == [str(tmp_path / ".venv"), "install", "install"]
    assert ran[1][-4:] == ["torch", "torchvision", "--index-url", "https://download.pytorch.org/whl/cu128"]
    (tmp_path / ".venv" / "python").touch()
    start.set_up("requirements.txt")
    assert len(ran) == 3
    nvidia_card.cache_clear()
    smi("13.0")  # a newer driver: its build
    start.set_up("requirements.txt")
    assert "https://download.pytorch.org/whl/cu130" in ran[-2]


@pytest.mark.parametrize(("there", "picked"), [({"cuda", "mps"}, "cuda"), ({"mps"}, "mps"), (set(), "cpu")])
def test_auto_is_the_best_device_there_is(there, picked, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in there)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in there)
    assert pick_device("auto").type == picked
    assert {pick_device(name).type for name in there} == there


def test_each_of_several_processes_has_a_card_of_its_own(monkeypatch):
    current = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    for name, value in (("WORLD_SIZE", 6), ("RANK", 4), ("LOCAL_RANK", 1)):  # the second machine's second process
        monkeypatch.setenv(name, str(value))
    assert pick_device("auto") == torch.device("cuda", 1) and current == [1]
    assert pick_device("cpu") == torch.device("cpu")
    with pytest.raises(UserError, match="--device mps: "):
        pick_device("mps")
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(UserError, match="^2 cards for more processes than that: .*--nproc_per_node 2$"):
        pick_device("cuda")
    monkeypatch.delenv("WORLD_SIZE")
    assert pick_device("cuda") == torch.device("cuda")


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
