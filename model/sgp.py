"""The temporal network of T-DEED (Xarles et al., "T-DEED: Temporal-Discriminability Enhancer Encoder-Decoder for
Precise Event Spotting in Sports Videos", CVPRW 2024, section 3.2): SGP blocks (Shi et al., "TriDet", CVPR 2023) down to
a coarser time and back up, where SGP-Mixer joins what comes from below with what was kept on the way down."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NORM_GROUPS = 16  # of the group norm before each multilayer perceptron, or as many of them as divide the channels
WEIGHT_STD = 0.1  # of the first weights of all convolutions but those of the perceptrons
EXPANSION = 4  # width of a perceptron's hidden layer, in channels of its input


class ChannelNorm(nn.Module):
    """Layer norm over the channels of (B, C, T), frame by frame."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.transpose(1, 2), self.weight.shape, self.weight, self.bias).transpose(1, 2)


def _depthwise(channels: int, kernel: int) -> nn.Conv1d:
    conv = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
    nn.init.normal_(conv.weight, std=WEIGHT_STD)
    nn.init.zeros_(conv.bias)
    return conv


class Granularities(nn.Module):
    """The two branches of scalable-granularity perception, both on (B, C, T): what each frame says by itself, weighted
    by the mean of the clip, and what two windows about it say.

    Args:
        kernel: frames in the narrow window, odd.
        factor: by how much the wide window is wider.
    """

    def __init__(self, channels: int, kernel: int, factor: float) -> None:
        super().__init__()
        wide = round((kernel + 1) * factor)  # one more, so that factor 1 is no second narrow window
        self.instant = _depthwise(channels, 1)
        self.clip = _depthwise(channels, 1)
        self.narrow = _depthwise(channels, kernel)
        self.wide = _depthwise(channels, wide + 1 if wide % 2 == 0 else wide)
        self.gate = _depthwise(channels, kernel)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, T) -> the instant branch and the window branch, each (B, C, T)."""
        instant = self.instant(x) * F.relu(self.clip(x.mean(-1, keepdim=True)))
        return instant, (self.narrow(x) + self.wide(x)) * self.gate(x)


class Perceptron(nn.Sequential):
    """x + two linear layers on the normed x, frame by frame: (B, C, T) -> (B, C, T)."""

    def __init__(self, channels: int) -> None:
        hidden = EXPANSION * channels
        super().__init__(
            nn.GroupNorm(math.gcd(NORM_GROUPS, channels), channels),
            nn.Conv1d(channels, hidden, 1), nn.GELU(), nn.Conv1d(hidden, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class SGPBlock(nn.Module):
    """(B, C, T) -> (B, C, T)."""

    def __init__(self, channels: int, kernel: int, factor: float) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.branches = Granularities(channels, kernel, factor)
        self.perceptron = Perceptron(channels)

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        instant, window = self.branches(normed)
        return self.perceptron(x + instant + window + normed)


class SGPMixer(nn.Module):
    """What was kept at this length, (B, C, T), and what comes from half of it, (B, C, T') -> (B, C, T)."""

    def __init__(self, channels: int, kernel: int, factor: float) -> None:
        super().__init__()
        self.kept_norm, self.coarse_norm = ChannelNorm(channels), ChannelNorm(channels)
        self.kept_branches = Granularities(channels, kernel, factor)
        self.coarse_branches = Granularities(channels, kernel, factor)
        self.join = nn.Conv1d(6 * channels, channels, 1)
        nn.init.normal_(self.join.weight, std=WEIGHT_STD)
        nn.init.zeros_(self.join.bias)
        self.perceptron = Perceptron(channels)

    def forward(self, kept: Tensor, coarse: Tensor) -> Tensor:
        kept = self.kept_norm(kept)
        coarse = F.interpolate(self.coarse_norm(coarse), kept.shape[-1], mode="linear", align_corners=True)
        kept_instant, kept_window = self.kept_branches(kept)
        coarse_instant, coarse_window = self.coarse_branches(coarse)
        everything = torch.cat((kept_window, coarse_window, kept_instant, coarse_instant, kept, coarse), 1)
        return self.perceptron(F.gelu(self.join(everything)))


class SGPEncoderDecoder(nn.Module):
    """Features (B, T, D) -> (B, T, D), each frame made unlike its neighbours.

    Args:
        channels: D.
        layers: how often time is halved (and doubled again).
        kernel, factor: see `Granularities`; T-DEED's sgp_ks and sgp_r.
    """

    def __init__(self, channels: int, layers: int, kernel: int, factor: float) -> None:
        super().__init__()
        shape = (channels, kernel, factor)
        self.blocks = nn.ModuleList(SGPBlock(*shape) for _ in range(2 * layers + 1))  # down, at the coarsest, and up
        self.mixers = nn.ModuleList(SGPMixer(*shape) for _ in range(layers))  # the last is the one next to the coarsest

    def forward(self, x: Tensor) -> Tensor:
        x, kept = x.transpose(1, 2), []
        layers = len(self.mixers)
        for block in self.blocks[:layers]:
            kept.append(block(x))
            x = F.adaptive_max_pool1d(kept[-1], math.ceil(x.shape[-1] / 2))
        x = self.blocks[layers](x)
        for mixer, block in zip(reversed(self.mixers), self.blocks[layers + 1 :], strict=True):
            x = block(mixer(kept.pop(), x))
        return x.transpose(1, 2)
