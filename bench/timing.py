"""How long things take."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch


def fastest(*sides: Callable[[], object], seconds: float) -> list[float]:
    """The seconds that each of several things takes at best, once each is warm.

    They take turns, `seconds` long in all and three rounds at the least: what else the machine does meets all of them.
    """
    for side in sides:
        side()
    best, began, rounds = [float("inf")] * len(sides), time.perf_counter(), 0
    while rounds < 3 or time.perf_counter() - began < seconds:
        best = list(map(min, best, map(_seconds, sides)))
        rounds += 1
    return best


def card_memory(work: Callable[[], object], device: torch.device) -> str:
    """What a card's memory holds at most while something is done again, in words; "" elsewhere."""
    if device.type != "cuda":
        return ""
    work()
    torch.cuda.reset_peak_memory_stats(device)
    work()
    return f"{torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB of the card"


def _seconds(side: Callable[[], object]) -> float:
    _await_device()
    began = time.perf_counter()
    side()
    _await_device()
    return time.perf_counter() - began


def _await_device() -> None:
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
