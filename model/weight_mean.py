"""A running mean of a network's weights in training: often better than those of any one step (Polyak and Juditsky,
"Acceleration of Stochastic Approximation by Averaging", 1992)."""

from __future__ import annotations

import copy

import torch
from torch import nn


class WeightMean:
    """Exponential moving average of weights; `network` is the one that has it, to be measured and saved.

    The decay grows with the updates, (1 + n) / (10 + n) up to `decay`: the first weights are soon forgotten. What is
    no weight, such as the statistics of batch norm, which are running means themselves, is as in the network in
    training.

    Args:
        trained: the network in training; the mean begins with its weights.
        decay: 0 for no mean: `network` is then the one in training itself.
    """

    def __init__(self, trained: nn.Module, decay: float = 0.0) -> None:
        self.trained, self.decay, self.updates = trained, decay, 0
        self.network = copy.deepcopy(trained).requires_grad_(False) if decay else trained

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights as they are after a step of the optimiser."""
        self.updates += 1
        if not self.decay:
            return
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(list(self.network.parameters()), list(self.trained.parameters()), 1 - decay)
        for kept, buffer in zip(self.network.buffers(), self.trained.buffers(), strict=True):
            kept.copy_(buffer)
