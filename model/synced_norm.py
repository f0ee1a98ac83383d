"""Batch norm whose statistics are those of all processes' batches together.

PyTorch's SyncBatchNorm works on cards alone, and takes the place of a batch norm without the activation that timm has
put into it; this is the same on any device.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from timm.layers import BatchNormAct2d
from torch import Tensor, nn


def sync_norms(network: nn.Module) -> None:
    """Let all batch norms of a network take their statistics together, in place; names and parameters stay."""
    kinds = {nn.BatchNorm2d: SyncedNorm, BatchNormAct2d: SyncedNormAct}
    for module in network.modules():
        module.__class__ = kinds.get(type(module), type(module))


class SyncedNorm(nn.BatchNorm2d):
    """In training, the batch norm of (N, C, H, W) of all processes, whose shapes are the same."""

    @torch.compiler.disable
    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        own = torch.batch_norm_update_stats(x.detach(), torch.zeros_like(self.running_mean),
                                            torch.zeros_like(self.running_var), 0.0)  # mean and variance, accurately
        rows = torch.zeros(dist.get_world_size(), 2, len(own[0]), dtype=own[0].dtype, device=x.device)
        rows[dist.get_rank()] = torch.stack(own)
        dist.all_reduce(rows)
        mean = rows[:, 0].mean(0)
        var = (rows[:, 1] + (rows[:, 0] - mean) ** 2).mean(0)
        with torch.no_grad():
            values = len(rows) * x.numel() // x.shape[1]  # of a channel
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * values / max(1, values - 1), self.momentum)
        return _Normalise.apply(x, self.weight, self.bias, mean, var, self.eps)


class SyncedNormAct(SyncedNorm):
    """With what timm's BatchNormAct2d does after it."""

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.drop(super().forward(x)))


class _Normalise(torch.autograd.Function):
    """Batch norm by statistics that are those of x and of the other processes', which is what its gradients are for."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor, eps: float) -> Tensor:
        ctx.eps = eps
        ctx.save_for_backward(x, weight, mean, var)
        return F.batch_norm(x, mean, var, weight, bias, eps=eps)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, var = ctx.saved_tensors
        # as if the statistics were fixed; what comes with the weight and the bias are sums over this process's values
        grad_x, grad_weight, grad_bias = torch.ops.aten.native_batch_norm_backward(
            grad, x, weight, mean, var, None, None, False, ctx.eps, [True] * 3)
        sums = torch.stack((grad_weight, grad_bias))
        dist.all_reduce(sums)
        of_weight, of_bias = sums / (dist.get_world_size() * x.numel() // x.shape[1])
        # less what a change of x changes by way of the mean and the variance, which is linear in x
        scale = (var + ctx.eps).rsqrt()
        slope = weight * scale * scale * of_weight
        offset = weight * scale * of_bias - slope * mean
        grad_x -= (x * slope[:, None, None]).add_(offset[:, None, None])  # in their precision, float32 at least
        return grad_x, grad_weight, grad_bias, None, None, None
