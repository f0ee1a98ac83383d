"""How long things take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch


def fastest(*sides: Callable[[], object], seconds: float) -> list[float]:
    """The seconds that each of several things takes at best, once each is warm.

    They take turns, `seconds` long in all and three rounds at the least: what else the machine does meets all of them.
    """
    best = [float("inf")] * len(sides)
    for took in _rounds(sides, seconds):
        best = list(map(min, best, took))
    return best


def card_memory(work: Callable[[], object], device: torch.device) -> str:
    """What a card's memory holds at most while something is done again, in words; "" elsewhere."""
    if device.type != "cuda":
        return ""
    work()
    torch.cuda.reset_peak_memory_stats(device)
    work()
    return f"{torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB of the card"


def _rounds(sides: tuple[Callable[[], object], ...], seconds: float) -> Iterator[list[float]]:
    for side in sides:
        side()
    began = time.perf_counter()
    rounds = 0
    while rounds < 3 or time.perf_counter() - began < seconds:
        yield [_seconds(side) for side in sides]
        rounds += 1


def _seconds(side: Callable[[], object]) -> float:
    _await_device()
    began = time.perf_counter()
    side()
    _await_device()
    return time.perf_counter() - began


def _await_device() -> None:
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
