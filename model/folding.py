"""What makes a trained model faster where it only gives scores, and leaves the scores as they are."""

from __future__ import annotations

import copy
import itertools
from functools import cache, partial

import timm
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from model.backbone import BorderPadded
from model.gate_shift import GateShift
from model.spotter import EventSpotter


def for_inference(spotter: EventSpotter) -> EventSpotter:
    """A copy of a model on its device, for inference alone: its batch norms are folded into the convolutions before
    them, ReLUs done along with those, and the backbone is in the model's precision."""
    spotter = copy.deepcopy(spotter).eval().requires_grad_(False)
    for cnn in spotter.backbone.cnns:
        fold(cnn)
    spotter.backbone.to(spotter.precision, memory_format=torch.channels_last)
    return spotter


def fold(cnn: nn.Module) -> None:
    """Fold each batch norm into a convolution, and do ReLUs along with what comes before them, in place."""
    for module in list(cnn.modules()):
        if isinstance(module, GateShift) and module.gate.weight.device.type == "cpu":
            # no convolution before its batch norm, which becomes one by itself: faster on processors, with the ReLU
            norm, module.norm = module.norm, nn.Identity()
            alone = nn.Conv2d(norm.num_features, norm.num_features, 1, groups=norm.num_features, bias=False)
            nn.init.ones_(alone.weight)
            module.relu = ConvReLU(fuse_conv_bn_eval(alone.to(norm.weight).eval(), norm))
        elif isinstance(module, nn.ReLU):
            module.inplace = True  # what goes into one is a convolution's or a sum's, and needed no more
        elif isinstance(module, timm.models.regnet.Bottleneck):
            module.forward = partial(_regnet_block, module)
            if hasattr(module.conv1, "shift"):
                module.conv1.shift.overwrite = not isinstance(module.downsample, nn.Identity)
        for (name, layer), (norm_name, norm) in itertools.pairwise(module.named_children()):
            holder, key = (layer, "net") if hasattr(layer, "net") else (module, name)  # with a shift before it
            conv = getattr(holder, key)
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                folded, rest = fuse_conv_bn_eval(conv, norm), getattr(norm, "act", nn.Identity())
                if isinstance(rest, nn.ReLU):
                    folded, rest = ConvReLU(folded), nn.Identity()
                setattr(holder, key, folded)
                setattr(module, norm_name, rest)


def _regnet_block(block: nn.Module, x: Tensor) -> Tensor:
    """timm's RegNet block, its last convolution, the sum with the shortcut and the ReLU in one."""
    shortcut = block.downsample(x)  # first: what comes then may write into x
    inner = _squeeze_excite(block.se, block.conv2(block.conv1(x)))
    return conv_relu(block.conv3.conv, inner, shortcut)


def _squeeze_excite(se: nn.Module, x: Tensor) -> Tensor:
    """timm's squeeze and excitation, on processors in place and with a product of matrices for the mean over a frame:
    a mean of half precision takes four times as long there (measured)."""
    if x.device.type != "cpu":
        return se(x)
    pixels = x.shape[-2] * x.shape[-1]
    rows = x.movedim(1, -1).flatten(1, 2)
    means = torch.bmm(rows.new_ones(1, 1, pixels).expand(len(x), -1, -1), rows)[..., None].transpose(1, 2) / pixels
    return x.mul_(se.fc2(se.fc1(means).relu_()).sigmoid_())


class ConvReLU(nn.Module):
    """A convolution and the ReLU after it."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        return conv_relu(self.conv, x)


def conv_relu(conv: nn.Conv2d, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
    """ReLU of a convolution, or of its sum with a shortcut, which the result may take the place of.

    In one pass over memory, where PyTorch has such a thing: on processors what torch.compile makes of it.
    """
    if x.device.type != "cpu" or x.dtype not in _fused_types() or not len(x):
        out = conv(x)
        return (out if shortcut is None else out.add_(shortcut)).relu_()
    padding = conv.padding
    if isinstance(conv, BorderPadded):
        x, padding = conv.padded(x), (0, 0)
    place = (conv.weight, conv.bias, padding, conv.stride, conv.dilation, conv.groups)
    if shortcut is None:
        return torch.ops.mkldnn._convolution_pointwise(x, *place, "relu", [], "")
    return torch.ops.mkldnn._convolution_pointwise_.binary(shortcut, x, *place, "add", 1.0, "relu", [], "")


@cache
def _fused_types() -> set[torch.dtype]:
    """The types for which this processor has convolutions with ReLU; none where a release of PyTorch has dropped these
    functions, which are not public. Of float16 they make other numbers."""
    if not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        return set()
    has_bfloat16 = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    return {torch.float32, torch.bfloat16} if has_bfloat16() else {torch.float32}
