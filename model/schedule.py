"""The learning rate in the course of a training."""

from __future__ import annotations

import math

WARM_UP_START = 0.01  # of the learning rate


def lr_factor(update: int, warm_up: int, total: int) -> float:
    """What the learning rate is multiplied by: linear warm-up, then half a cosine down to zero.

    Args:
        update: of the weights, from 0 on.
        warm_up, total: numbers of updates.
    """
    if update < warm_up:
        return WARM_UP_START + (1 - WARM_UP_START) * update / warm_up
    return 0.5 * (1 + math.cos(math.pi * (update - warm_up) / max(1, total - warm_up)))
