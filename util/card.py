"""The NVIDIA card of this machine, and the line that installs PyTorch's build for it.

Known from nvidia-smi alone, which comes with the driver: start.py asks before PyTorch is there, and a PyTorch without
CUDA sees no card.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

INDEX = "https://download.pytorch.org/whl"
BUILDS = (((13, 0), "cu130"), ((12, 8), "cu128"), ((12, 0), "cu126"))  # the CUDA that a driver must know at least: any
# 12 runs what was built for another 12, but cards of the RTX 50 series need the build of 12.8


@dataclass(frozen=True)
class Card:
    name: str  # such as "NVIDIA GeForce RTX 4060"
    cuda: tuple[int, int]  # the newest that its driver knows

    @property
    def build(self) -> str | None:
        """PyTorch's build for it; None where its driver is too old for any."""
        return next((build for least, build in BUILDS if self.cuda >= least), None)

    def install(self, python: str = sys.executable) -> list[str]:
        """The command that puts its build in the place of any other, which a plain install leaves as it is."""
        return [python, "-m", "pip", "install", "--force-reinstall", "torch", "torchvision", "--index-url",
                f"{INDEX}/{self.build}"]


@cache
def nvidia_card() -> Card | None:
    """The first NVIDIA card, None where there is none or its driver does not answer."""
    if not (program := shutil.which("nvidia-smi")):
        return None
    try:
        said = subprocess.run([program, "-q"], capture_output=True, text=True, errors="replace", timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    name = re.search(r"Product Name\s*:\s*(.+)", said.stdout)
    cuda = re.search(r"CUDA.*Version\s*:\s*(\d+)\.(\d+)", said.stdout)
    return Card(name[1].strip(), (int(cuda[1]), int(cuda[2]))) if name and cuda else None
