"""Where a model runs, and in which precision."""

from __future__ import annotations

import contextlib

import torch

from util.errors import UserError

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_device(name: str) -> torch.device:
    """A device by name: "cpu", "cuda", "mps", or "auto" for the best there is.

    Raises:
        UserError: this machine has no such device.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(kind for kind, available in there.items() if available)
    if not there[name]:
        raise UserError(f"--device {name}: this machine has none that PyTorch can use; try --device cpu")
    return torch.device(name)


def half_precision(device: torch.device) -> torch.dtype | None:
    """The half precision in which the backbone runs faster on this device, or None for float32.

    bfloat16 where cards or processors have it in hardware; on older cards float16, whose gradients need scaling.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and torch.backends.mkldnn.is_available():
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return torch.bfloat16 if native else None
    return None


def autocast(device: torch.device) -> contextlib.AbstractContextManager:
    """Autocast to the device's half precision, or nothing where it has none."""
    dtype = half_precision(device)
    return contextlib.nullcontext() if dtype is None else torch.autocast(device.type, dtype)
