"""The 2D CNN by name, from timm or torchvision, with a temporal layer in place in each residual block."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import timm
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from model.architecture import CNNS, Architecture
from model.frame_difference import FrameDifference
from model.gate_shift import GateShift
from model.gate_shift_fuse import GateShiftFuse
from model.recompute import recompute, recomputed
from model.shift import Shift
from model.streaming import Carry, run_through
from model.temporal_shift import TemporalShift


def _resnet(name: str, in_channels: int, imagenet: bool) -> nn.Module:
    cnn = getattr(torchvision.models, name)(weights="IMAGENET1K_V1" if imagenet else None)
    if in_channels != 3:
        cnn.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
    cnn.num_features = cnn.fc.in_features
    cnn.fc = nn.Identity()
    return cnn


def _timm(name: str, in_channels: int, imagenet: bool) -> nn.Module:
    return timm.create_model(name, pretrained=imagenet, num_classes=0, in_chans=in_channels)


SHIFT_LAYERS: dict[str, Callable[[int], Shift]] = {"tsm": TemporalShift, "gsm": GateShift, "gsf": GateShiftFuse}


def build_cnn(name: str, in_channels: int, imagenet: bool) -> nn.Module:
    """The bare CNN of e.g. "rny002", frames (N, C, H, W) -> features (N, num_features), without temporal layers.
    With `imagenet`, its published weights are loaded, downloaded where they are not in the cache; it begins with
    colours, and does not see channels beyond them until it has learned to."""
    build = _resnet if CNNS[name].startswith("resnet") else _timm
    cnn = build(CNNS[name], min(3, in_channels) if imagenet else in_channels, imagenet)
    first = next(module for module in cnn.modules() if isinstance(module, nn.Conv2d))
    if first.in_channels < in_channels:
        first.in_channels, first.weight = in_channels, nn.Parameter(with_inputs(first.weight.detach(), in_channels))
    return cnn


def with_inputs(weight: Tensor, in_channels: int) -> Tensor:
    """Weights (D, C, k, k) of a convolution with further input channels, which it does not look at."""
    return F.pad(weight, (0, 0, 0, 0, 0, in_channels - weight.shape[1]))


class BorderPadded(nn.Conv2d):
    """A convolution that pads with what lies at the borders."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(self.padded(x), self.weight, self.bias, self.stride, 0, self.dilation, self.groups)

    def padded(self, x: Tensor) -> Tensor:
        """With its borders around it, in the precision of what it is given: autocast pads in float32 on a processor,
        and copying there and back takes longer than padding."""
        with torch.autocast(x.device.type, enabled=False):
            return F.pad(x, self._reversed_padding_repeated_twice, self.padding_mode)


def pad_borders(cnn: nn.Module, mode: str) -> None:
    """Let all convolutions of a CNN that pad do so by a mode of `architecture.PADDINGS`, in place."""
    for conv in cnn.modules():
        if isinstance(conv, nn.Conv2d) and any(conv.padding):
            conv.__class__, conv.padding_mode = BorderPadded, mode


def feature_maps(cnn: nn.Module, frames: Tensor) -> Tensor:
    """Frames (N, C, H, W) -> the last feature maps (N, D, H', W') of a CNN of `build_cnn`."""
    if isinstance(cnn, torchvision.models.ResNet):
        for layer in list(cnn.children())[:-2]:  # but not the pooling and what comes after it
            frames = layer(frames)
        return frames
    return cnn.forward_features(frames)


def pooled(cnn: nn.Module, maps: Tensor) -> Tensor:
    """The last feature maps (N, D, H', W') -> features (N, D), those that the CNN gives."""
    return cnn.avgpool(maps).flatten(1) if isinstance(cnn, torchvision.models.ResNet) else cnn.forward_head(maps)


def _residual_blocks(cnn: nn.Module, stages: str = "1234") -> Iterator[tuple[nn.Module, str, str]]:
    """Each residual block of some stages as its parent, its name there, and the name of its first convolution."""
    there = [m for m in cnn.modules() if type(m).__name__ in ("RegStage", "ConvNeXtStage")]
    if isinstance(cnn, torchvision.models.ResNet):
        there = [cnn.layer1, cnn.layer2, cnn.layer3, cnn.layer4]
    for stage in (there[int(number) - 1] for number in stages):
        blocks = getattr(stage, "blocks", stage)
        for name, block in blocks.named_children():
            yield blocks, name, "conv_dw" if hasattr(block, "conv_dw") else "conv1"


def _after(shift: nn.Module, net: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(shift=shift, net=net))


def insert_shifts(cnn: nn.Module, shift: str, stages: str = "1234") -> None:
    """Put a temporal layer, by its name in `architecture.SHIFTS`, into each residual block of some stages of a bare
    CNN, in place.

    It stands before the block's first convolution and leaves the shortcut alone, or before the whole block.
    In a stretch of a video either makes the whole block wait for the frames that it needs, shortcut and all.
    """
    for parent, name, first in list(_residual_blocks(cnn, stages)):
        block = getattr(parent, name)
        conv = next(m for m in getattr(block, first).modules() if isinstance(m, nn.Conv2d))
        layer = SHIFT_LAYERS[shift](conv.in_channels)
        if layer.before_shortcut:
            block = _after(layer, block)
            setattr(parent, name, block)
        else:
            setattr(block, first, _after(layer, getattr(block, first)))
        block.register_forward_pre_hook(partial(_await_neighbours, layer))


def _in_parts(layer: nn.Sequential, x: Tensor) -> Tensor:
    """What timm's ConvNormAct with a shift before it computes, with each part recomputed by itself: so neither what the
    shift gives nor what the convolution gives is kept during the rest of the block's backward pass."""
    net = layer.net
    if not torch.is_grad_enabled():
        return net(layer.shift(x))

    def convolve(x: Tensor) -> Tensor:
        return net.conv(layer.shift(x))

    def normalise(x: Tensor) -> Tensor:
        norm = super(type(net.bn), net.bn)  # without the activation that timm adds to it, of whatever kind it is
        return norm.forward(recomputed(convolve, [layer.shift], x))

    return net.bn.act(recomputed(normalise, [layer], x))


def _await_neighbours(shift: Shift, _block: nn.Module, args: tuple[Tensor]) -> tuple[Tensor]:
    return args if shift.carry is None else (shift.carry.take_in(*args),)


class Backbone(nn.Module):
    """Frames (B, T, C, H, W), normalised -> features (B, T, D)."""

    def __init__(self, architecture: Architecture, in_channels: int, imagenet: bool = False) -> None:
        super().__init__()
        self.difference = FrameDifference() if architecture.modality == "rgb_diff" else None
        self.cnn = build_cnn(architecture.cnn, in_channels + 2 * (self.difference is not None), imagenet)
        self.num_features: int = self.cnn.num_features
        if architecture.shift:
            insert_shifts(self.cnn, architecture.shift, architecture.shift_stages)
        if architecture.padding != "zeros":
            pad_borders(self.cnn, architecture.padding)
        self.shifts = [m for m in self.modules() if isinstance(m, Shift | FrameDifference)]  # what looks at neighbours
        self.to(memory_format=torch.channels_last)

    @property
    def cnns(self) -> list[nn.Module]:
        return [self.cnn]

    def forward(self, frames: Tensor) -> Tensor:
        stacked = self._stacked(frames)
        # only to train, with its one size of batches, is the CNN worth compiling
        features = self.cnn(stacked) if self.training else self.cnn.forward(stacked)
        return features.unflatten(0, frames.shape[:2])

    def maps(self, frames: Tensor) -> Tensor:
        """Frames (B, T, C, H, W) -> the last feature maps (B, T, D, H', W'), whose features `pooled` gives."""
        return feature_maps(self.cnn, self._stacked(frames)).unflatten(0, frames.shape[:2])

    def pooled(self, maps: Tensor) -> Tensor:
        """The last feature maps (..., D, H', W') -> features (..., D)."""
        return pooled(self.cnn, maps.flatten(0, -4)).unflatten(0, maps.shape[:-3])

    def _stacked(self, frames: Tensor) -> Tensor:
        """Frames (B, T, C, H, W) -> (B * T, C, H, W), as the CNN takes them; its temporal layers learn T."""
        for layer in self.shifts:
            layer.num_frames = frames.shape[1]
        stacked = frames.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        if self.difference is not None:
            stacked = self.difference(stacked)
        if torch.is_autocast_enabled(frames.device.type):  # as the first convolution would: half as much to keep
            stacked = stacked.to(torch.get_autocast_dtype(frames.device.type))
        return stacked

    def compile_cnn(self) -> None:
        """Train faster, after some minutes of compiling: by a tenth on a processor (measured, rny002_gsm, bfloat16).

        Without CUDA graphs, which save launches: a step's operations on hundreds of frames take far longer than these.
        """
        self.cnn.compile()

    def recompute_blocks(self) -> None:
        """Train in a third of the memory, a third to two thirds slower: only the input of each residual block is kept.

        RegNet's first block takes by far the most, as the only one that works on frames of half the size, and is
        therefore computed in parts.
        """
        if hasattr(self.cnn, "stem"):
            recompute(self.cnn.stem)
        blocks = [getattr(stage, name) for stage, name, _ in _residual_blocks(self.cnn)]
        if isinstance(getattr(blocks[0], "conv1", None), nn.Sequential) and hasattr(blocks[0].conv1.net, "bn"):
            blocks[0].conv1.forward = partial(_in_parts, blocks[0].conv1)
        for block in blocks:
            recompute(block)

    def stream(self, stretches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Features of one video that comes in stretches: those of the whole video as one clip, whatever the stretches.

        Each frame goes through the CNN once. Features come up to some 30 frames after their frame, the last ones when
        the stretches have come to their end. Other videos and clips may go through the backbone in between.

        Args:
            stretches: frames (T, C, H, W), normalised, T as it comes.

        Yields:
            features (T', D) of the next T' frames, T' as it comes, 0 at first where stretches are short.
        """
        return run_through(self.open_stream(), stretches)

    def open_stream(self) -> BackboneStream:
        """What gives the features of one video as its frames are pushed."""
        return BackboneStream(self.shifts, self._after_difference(self.cnn))

    def open_map_stream(self) -> BackboneStream:
        """Like `open_stream`, but it gives the last feature maps (T', D, H', W')."""
        return BackboneStream(self.shifts, self._after_difference(partial(feature_maps, self.cnn)))

    def _after_difference(self, network: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return network if self.difference is None else lambda frames: network(self.difference(frames))

    @property
    def look_ahead(self) -> int:
        """Frames behind a frame that its features depend on."""
        return sum(shift.reach for shift in self.shifts)


class BackboneStream:
    """See `streaming.Stream`."""

    def __init__(self, shifts: list[Shift | FrameDifference], network: Callable[[Tensor], Tensor]) -> None:
        self.shifts, self.network = shifts, network
        self.carries = [Carry(shift.reach) for shift in shifts]
        self.none: Tensor | None = None  # frames like the last ones, but none of them

    def push(self, frames: Tensor) -> Tensor:
        self.none = frames[:0]
        for shift, carry in zip(self.shifts, self.carries, strict=True):
            shift.carry = carry
        try:
            return self.network(frames.contiguous(memory_format=torch.channels_last))
        finally:
            for shift in self.shifts:
                shift.carry = None

    def end(self) -> Tensor:
        for carry in self.carries:
            carry.ended = True
        return self.push(self.none)

    def copy(self) -> BackboneStream:
        other = copy.copy(self)
        other.carries = [carry.copy() for carry in self.carries]
        return other
