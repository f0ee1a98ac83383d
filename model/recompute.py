"""Gradient checkpointing (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016): a module keeps nothing
of its forward pass but its input, and computes the rest once more when the gradients are wanted.

Whole batches go through it, never parts: batch norm takes its statistics from all frames of a batch, and a temporal
layer looks from frame to frame.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def recompute(module: nn.Module) -> None:
    """Make a module compute its output twice, again for its gradients. Parameters, their names and results stay."""
    module.forward = partial(recomputed, module.forward, [module])


def recomputed(forward: Callable[[Tensor], Tensor], modules: list[nn.Module], x: Tensor) -> Tensor:
    """forward(x), of which nothing is kept but x; `modules` are those that it goes through."""
    if not torch.is_grad_enabled():
        return forward(x)
    # nothing here is random: there is no random state to keep
    return checkpoint(forward, x, use_reentrant=False, preserve_rng_state=False, context_fn=partial(_contexts, modules))


def _contexts(modules: list[nn.Module]) -> tuple[contextlib.AbstractContextManager, contextlib.AbstractContextManager]:
    """Contexts of the first pass and of the second."""
    return contextlib.nullcontext(), _statistics_kept(modules)


@contextlib.contextmanager
def _statistics_kept(modules: list[nn.Module]) -> Iterator[None]:
    """Leave the running statistics of batch norm as they are: the first pass has counted this batch."""
    norms = [m for module in modules for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    kept = [dict(norm._buffers) for norm in norms]
    for norm in norms:
        norm._buffers.update({name: buffer.clone() for name, buffer in norm._buffers.items()})
    try:
        yield
    finally:
        for norm, buffers in zip(norms, kept, strict=True):
            norm._buffers.update(buffers)
