"""Tensors by name, out of files that anybody may have made: read without running anything in them, and judged."""

from __future__ import annotations

import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from util.errors import UserError

# where training programs put a model's state dict among other things, and what wrappers put before its keys
NESTS = ("state_dict", "model_state_dict", "model", "module", "network", "net", "weights")
WRAPPERS = re.compile(r"^(?:(?:module|_?model|network|net)\.)+|(?:^|(?<=\.))_orig_mod\.")
MAX_NESTING = 4  # a dict can hold itself
FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def read_file(path: Path) -> Any:
    """Read a file of tensors and plain values; nothing in it is run.

    Raises:
        UserError: no such file, not a checkpoint, or one that would run code when loaded.
    """
    try:
        if path.suffix == ".safetensors":  # as timm's models are published
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of kinds of tensors that are refused below
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except pickle.UnpicklingError as error:
        reason = "is no checkpoint, or holds more than tensors and would run code when loaded"
        raise UserError(f"{path}: {reason}; refused, get a checkpoint of tensors alone") from error
    except Exception as error:  # of a damaged file the unpickler makes anything: struct.error, IndexError, ...
        raise UserError(f"{path}: cannot be read as a checkpoint, it may be cut short; copy it again") from error


def read_state_dict(path: Path) -> dict[str, Any]:
    """The state dict in a file, also one that lies among other things there or is of a wrapped model.

    Raises:
        UserError: the file cannot be read, or holds no dense tensors by name.
    """
    state = read_file(path)
    for _ in range(MAX_NESTING):
        inner = next((state[key] for key in NESTS if isinstance(state.get(key), dict)), None) if _named(state) else None
        state = state if inner is None else inner
    if not _named(state) or not any(isinstance(value, Tensor) for value in state.values()):
        held = ", ".join(map(repr, list(state)[:5])) if isinstance(state, dict) else _kind(state)
        raise UserError(f"{path}: is no checkpoint of a model (no tensors by name, but {held}); choose another file")
    for key, value in state.items():
        if isinstance(value, Tensor) and not _is_dense(value):
            raise UserError(f"{path}: {key} is {_kind(value)}; save its values as a usual tensor")
    unwrapped = {WRAPPERS.sub("", key): value for key, value in state.items()}
    if len(unwrapped) < len(state):
        raise UserError(f"{path}: holds the same tensors several times (with {next(iter(state))}); keep one of each")
    return unwrapped


def fault(value: Any, like: Tensor, negative: bool = True) -> str:
    """What is wrong, in words, with a value that is to take the place of a tensor; empty if nothing is.

    Args:
        negative: whether it may hold numbers below 0.
    """
    if not isinstance(value, Tensor) or not _is_dense(value):
        return f"is {_kind(value)} and no tensor of numbers"
    if value.shape != like.shape:
        return f"is {tuple(value.shape)} and not {tuple(like.shape)}"
    if (value.dtype not in FLOATS) if like.is_floating_point() else (value.dtype != like.dtype):
        return f"is of {value.dtype} and not {like.dtype}"
    if not value.to(like.dtype).isfinite().all():
        return "holds numbers that are infinite or NaN, as a training that failed leaves them"
    return "" if negative or not (value < 0).any() else "holds numbers below 0"


def _named(state: Any) -> bool:
    return isinstance(state, dict) and all(isinstance(key, str) for key in state)


def _is_dense(value: Tensor) -> bool:
    return not (value.is_nested or value.is_quantized or value.is_meta) and value.layout == torch.strided


def _kind(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    flags = {"nested": value.is_nested, "quantized": value.is_quantized, "meta": value.is_meta}
    return f"a {next((name for name, flag in flags.items() if flag), 'sparse')} tensor"
