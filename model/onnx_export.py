"""The network as ONNX files: whole clips, or the backbone for a video that comes in stretches, and the head.

In a file every stretch has the same length and what is carried over the same shape. So frames of which there are none,
before a video and after it, go through the network like any others, and a mask says that they are nothing.
"""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from model.backbone import Backbone
from model.frame_difference import FrameDifference
from model.gate_shift import GateShift
from model.shift import JOINED_BY_HAND, Shift
from model.spotter import EventSpotter
from util.batch import Outputs
from util.errors import UserError
from util.io import whole_file

OPSET = 17


class MaskedCarry:
    """What `Carry` is, for stretches of one length: gives as many frames as it takes, `reach` behind them.

    A layer's state is its last 2 * reach frames, and for each whether there is one, 1 or 0.
    """

    def __init__(self, layer: Shift | FrameDifference, before: _Stream, kept: Tensor, there: Tensor) -> None:
        self.layer, self.stream, self.kept, self.there = layer, before, kept, there

    def take_in(self, frames: Tensor) -> Tensor:
        length, reach = len(frames), self.layer.reach
        self.window, mask = torch.cat((self.kept, frames)), torch.cat((self.there, self.stream.there))
        self.mask, self.ready = mask.view(-1, 1, 1, 1), slice(reach, reach + length)
        self.kept, self.there, self.stream.there = self.window[length:], mask[length:], mask[self.ready]
        return self.window[self.ready]

    def shift(self, channels: int, shift: Callable[[Tensor, int], Tensor]) -> Tensor:
        first = self.window[:, :channels]
        if isinstance(self.layer, FrameDifference):  # a frame itself stands for a neighbour that is not there
            around = [torch.cat((x[1:], x[:1])) for x in (first, self.mask)]
            behind = torch.cat((first[-1:], first[:-1]))
            instead = torch.where(around[1] > 0, around[0], behind)
            first = torch.where(self.mask > 0, first, instead)
        else:
            first = first * self.mask
        return shift(first, len(self.window))[self.ready]


class _Masked(nn.Module):
    """A gate shift's ReLU, which leaves nothing of frames that are not there."""

    def __init__(self, shift: GateShift, relu: nn.Module) -> None:
        super().__init__()
        object.__setattr__(self, "shift", shift)  # whose part it is
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(x) * self.shift.carry.mask


class _Stream(nn.Module):
    """Frames uint8 (T, 3, H, W), whether each is there, float (T,), and what is carried over -> features (T, D),
    whether each is there, and what is carried over: for each of the frames of all states whether it is there, float
    (n,), and the state of each layer, (2 * reach, C, H, W); nothing where no layer looks at neighbours."""

    there: Tensor  # of the frames as they come from layer to layer

    def __init__(self, spotter: EventSpotter) -> None:
        super().__init__()
        self.spotter = spotter
        self.layers: list[Shift | FrameDifference] = list(spotter.backbone.shifts)
        for layer in self.layers:
            if isinstance(layer, GateShift):
                layer.relu = _Masked(layer, layer.relu)

    def forward(self, frames: Tensor, there: Tensor, *carried: Tensor) -> tuple[Tensor, ...]:
        self.there = there
        parts = carried[0].split([2 * layer.reach for layer in self.layers]) if carried else ()
        carries = [MaskedCarry(layer, self, state, part)
                   for layer, state, part in zip(self.layers, carried[1:], parts, strict=True)]
        features = self._features(frames, carries)
        carried = (torch.cat([carry.there for carry in carries]), *(carry.kept for carry in carries)) if carries else ()
        return features, self.there, *carried

    def _features(self, frames: Tensor, carries: list[Any]) -> Tensor:
        stream = self.spotter.backbone.open_stream()
        stream.carries = carries
        return stream.push(_normalised(self.spotter, frames))

    def empty(self, frames: Tensor) -> list[Tensor]:
        """What is carried over before a video of such frames (T, 3, H, W): of nothing."""
        carries = [_Measure() for _ in self.layers]
        self._features(frames[:1], carries)
        states = [torch.zeros(2 * layer.reach, *carry.shape) for layer, carry in zip(self.layers, carries, strict=True)]
        return [torch.zeros(sum(map(len, states))), *states] if states else []


class _Measure:
    """Carries nothing, and learns the shape of the frames that a layer takes in."""

    mask = 1.0

    def take_in(self, frames: Tensor) -> Tensor:
        self.frames, self.shape = frames, frames.shape[1:]
        return frames

    def shift(self, channels: int, shift: Callable[[Tensor, int], Tensor]) -> Tensor:
        return shift(self.frames[:, :channels], len(self.frames))


class _Head(nn.Module):
    """Features (W, T, D) of windows -> `_answers`."""

    def __init__(self, spotter: EventSpotter) -> None:
        super().__init__()
        self.head = spotter.head

    def forward(self, features: Tensor) -> tuple[Tensor, ...]:
        return _answers(self.head(features))


class _Clips(nn.Module):
    """Clips uint8 (B, T, 3, H, W), and how much of each frame is of the video, float (B, T) -> `_answers`."""

    def __init__(self, spotter: EventSpotter) -> None:
        super().__init__()
        self.spotter = spotter

    def forward(self, frames: Tensor, inside: Tensor | None = None) -> tuple[Tensor, ...]:
        return _answers(self.spotter.outputs(_normalised(self.spotter, frames, inside)))


def _normalised(spotter: EventSpotter, frames: Tensor, inside: Tensor | None = None) -> Tensor:
    """What `EventSpotter.normalise` gives, by fewer kinds of operations."""
    normalised = (spotter.select(frames).float() / 255 - spotter.mean) / spotter.std
    if inside is None or spotter.architecture.black_outside:
        return normalised
    return normalised * inside[..., None, None, None]


def _answers(outputs: Outputs) -> tuple[Tensor, ...]:
    """Scores (B, T, K + 1), and where the network has them displacement (B, T) and share of the right side (B, T)."""
    further = [outputs.displacement, None if outputs.team is None else outputs.team.sigmoid()]
    return outputs.logits[-1].softmax(-1), *(each for each in further if each is not None)


def answer_names(spotter: EventSpotter) -> list[str]:
    """What `_answers` are called in a file."""
    architecture = spotter.architecture
    return ["scores", *["displacement"] * (architecture.radi_displacement > 0), *["right"] * architecture.event_team]


@torch.inference_mode()
def export_clips(spotter: EventSpotter, path: Path, size: tuple[int, int]) -> None:
    """Write the network for whole clips of a model in float32 on the processor, frames of (height, width).

    Raises:
        UserError: its head has no form in ONNX.
    """
    _check_head(spotter)
    length, number = spotter.architecture.clip_len, 1 if spotter.architecture.black_outside else 2
    inputs = torch.zeros(1, length, 3, *size, dtype=torch.uint8), torch.ones(1, length)
    _write(_Clips(_copy(spotter)), inputs[:number], path, ["frames", "inside"][:number], answer_names(spotter))


@torch.inference_mode()
def export_stretches(spotter: EventSpotter, folder: Path, size: tuple[int, int], length: int) -> list[Path]:
    """Write backbone.onnx, for stretches of so many frames of (height, width), and head.onnx, for any number of windows
    of clip_len features; gives their paths.

    Raises:
        UserError: the network has two backbones, or its head has no form in ONNX.
    """
    _check_head(spotter)
    if not isinstance(spotter.backbone, Backbone):
        raise UserError("a network with --regions goes out as whole clips alone; add --clip")
    stream = _Stream(_copy(spotter)).eval()
    frames = torch.zeros(length, 3, *size, dtype=torch.uint8)
    states = stream.empty(frames)
    names = ["there", "masks", *(f"state_{number}" for number in range(len(states) - 1))][: 1 + len(states)]
    paths = [folder / "backbone.onnx", folder / "head.onnx"]
    _write(stream, (frames, torch.ones(length), *states), paths[0], ["frames", *names],
           ["features", *(f"new_{name}" for name in names)])
    features = torch.zeros(2, spotter.architecture.clip_len, spotter.backbone.num_features)
    _write(_Head(_copy(spotter)), (features,), paths[1], ["features"], answer_names(spotter), windows=True)
    return paths


def _check_head(spotter: EventSpotter) -> None:
    if spotter.architecture.temporal_arch == "asformer":
        raise UserError("a network with the head asformer cannot be written as ONNX: its windows have no form there")


def _copy(spotter: EventSpotter) -> EventSpotter:
    """A copy to be written, in which the weights of all convolutions are there and not made in each pass."""
    spotter = copy.deepcopy(spotter).eval().requires_grad_(False)
    for layer in spotter.modules():
        if isinstance(layer, GateShift):
            layer._dense_weight = partial(_same, layer._dense_weight())
    return spotter


def _write(
    network: nn.Module, inputs: tuple[Tensor, ...], path: Path, names: Sequence[str], answers: Sequence[str],
    windows: bool = False,
) -> None:
    """Trace a network and write it; with `windows`, the first dimension of all is any number."""
    free = {name: {0: "windows"} for name in (*names, *answers)} if windows else None
    with whole_file(path) as scratch, warnings.catch_warnings(), _no_gradients_by_hand():
        warnings.simplefilter("ignore")  # that lengths become constants, as they are to
        torch.onnx.export(network.eval(), inputs, str(scratch), input_names=list(names), output_names=list(answers),
                          opset_version=OPSET, dynamo=False, dynamic_axes=free)


@contextlib.contextmanager
def _no_gradients_by_hand() -> Iterator[None]:
    """While the block runs, channels are split and joined by functions that a file can hold."""
    kept = set(JOINED_BY_HAND)
    JOINED_BY_HAND.clear()
    try:
        yield
    finally:
        JOINED_BY_HAND.update(kept)


def _same(weight: Tensor) -> Tensor:
    return weight
