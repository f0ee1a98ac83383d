"""What makes a trained model faster where it only gives scores, and leaves the scores as they are."""

from __future__ import annotations

import copy
import itertools

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from model.device import half_precision
from model.gate_shift import GateShift
from model.spotter import EventSpotter


def for_inference(spotter: EventSpotter, device: torch.device) -> EventSpotter:
    """A copy of a model on a device, for inference alone: its batch norms are folded into the convolutions before
    them, ReLUs done along with those, and the backbone is in the device's half precision where it has one."""
    spotter = copy.deepcopy(spotter).to(device).eval().requires_grad_(False)
    fold(spotter.backbone.cnn)
    spotter.backbone.to(half_precision(device), memory_format=torch.channels_last)
    return spotter


def fold(cnn: nn.Module) -> None:
    """Fold each batch norm into a convolution, in place, and the ReLU after it too where it is next in a module."""
    for module in list(cnn.modules()):
        if isinstance(module, GateShift):  # nothing before its batch norm: this becomes a convolution by itself
            norm, module.norm = module.norm, nn.Identity()
            alone = nn.Conv2d(norm.num_features, norm.num_features, 1, groups=norm.num_features, bias=False)
            nn.init.ones_(alone.weight)
            module.relu = ConvReLU(fuse_conv_bn_eval(alone.to(norm.weight).eval(), norm))
        if isinstance(module, nn.ReLU):
            module.inplace = True  # what goes into one is a convolution's or a sum's, and needed no more
        for (name, layer), (norm_name, norm) in itertools.pairwise(module.named_children()):
            holder, key = (layer, "net") if hasattr(layer, "net") else (module, name)  # with a shift before it
            conv = getattr(holder, key)
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                folded, rest = fuse_conv_bn_eval(conv, norm), getattr(norm, "act", nn.Identity())
                if isinstance(rest, nn.ReLU):
                    folded, rest = ConvReLU(folded), nn.Identity()
                setattr(holder, key, folded)
                setattr(module, norm_name, rest)


class ConvReLU(nn.Module):
    """A convolution and a ReLU in one pass over memory, where PyTorch has such a thing.

    On processors it is what torch.compile makes of the two. It is not public, and so may be gone from some release.
    """

    one_pass = getattr(torch.ops.mkldnn, "_convolution_pointwise", None)

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor) -> Tensor:
        conv = self.conv
        if self.one_pass is None or x.device.type != "cpu" or x.dtype == torch.float64:
            return conv(x).relu_()
        place = (conv.padding, conv.stride, conv.dilation, conv.groups)
        return self.one_pass(x, conv.weight, conv.bias, *place, "relu", [], "")
