"""The machine that is measured."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import cv2
import torch

from bench.rows import Settings
from model.device import pick_device, pick_precision


def describe(settings: Settings) -> str:
    """The machine in a line, as a table of rates needs it beside it."""
    device = pick_device(settings.device)
    precision = str(pick_precision(settings.precision, device)).removeprefix("torch.")
    return "; ".join([
        f"{_processor()}, {_cores()} cores",
        f"{_card()}" if device.type == "cuda" else "no CUDA card",
        f"{precision} on {device}",
        f"PyTorch {torch.__version__.partition('+')[0]}, OpenCV {cv2.__version__}, Python {platform.python_version()}",
        platform.system(),
    ])


def _processor() -> str:
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Hardware"))]
        if names:
            return names[0]
    if sys.platform == "darwin":
        return subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True,
                              check=False).stdout.strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _card() -> str:
    card = torch.cuda.get_device_properties(0)
    return f"{card.name} with {card.total_memory / 2**30:.1f} GiB"
