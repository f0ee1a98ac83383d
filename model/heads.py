"""Heads: a sequence of frame features -> class logits for each frame.

Every head takes features (B, T, D) and gives logits (S, B, T, K + 1): S stages, each trained, the last the answer.
Single-stage heads have S = 1. Index 0 of the classes is background.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MAX_GRU_HIDDEN = 768


class LinearHead(nn.Module):
    """Each frame by itself: one linear layer."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.classify = nn.Linear(features, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(x)[None]


class GRUHead(nn.Module):
    """Bidirectional GRU, dropout, linear layer (E2E-Spot, Hong et al., ECCV 2022, section 3)."""

    def __init__(self, features: int, outputs: int, layers: int = 1) -> None:
        super().__init__()
        hidden = min(features, MAX_GRU_HIDDEN)
        self.gru = nn.GRU(features, hidden, layers, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(0.5)
        self.classify = nn.Linear(2 * hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.gru(x)
        return self.classify(self.dropout(states))[None]


class DilatedResidual(nn.Module):
    """x + dropout(1x1(relu(dilated 3-tap convolution of x))) on (B, C, T)."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilated = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.dropout(self.mix(F.relu(self.dilated(x))))


class MSTCNHead(nn.Module):
    """Multi-stage temporal convolutions (Farha and Gall, "MS-TCN", CVPR 2019): three stages of five dilated
    residual layers; each stage after the first refines the class scores of the one before."""

    def __init__(self, features: int, outputs: int, channels: int = 256) -> None:
        super().__init__()
        inputs = (features, outputs, outputs)
        self.stages = nn.ModuleList(self._stage(n, outputs, channels) for n in inputs)

    @staticmethod
    def _stage(inputs: int, outputs: int, channels: int) -> nn.Sequential:
        layers = [DilatedResidual(channels, 2**i) for i in range(5)]
        return nn.Sequential(nn.Conv1d(inputs, channels, 1), *layers, nn.Conv1d(channels, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        x, logits = x.transpose(1, 2), []
        for stage in self.stages:
            logits.append(stage(x))
            x = logits[-1].softmax(1)
        return torch.stack(logits).transpose(2, 3)


class WindowAttention(nn.Module):
    """Attention in which the query at frame t sees the `window` frames from t - window // 2 on.

    Queries are taken in blocks of `window`; a block's keys reach window // 2 beyond it on both sides. As in the
    original, an unseen key (outside the query's window, or past an end) takes part in the softmax, its score
    lowered by log(1e-6), and has its weight set to zero after it: the weights of a query near an end do not
    sum to one. Takes (B, C, T), gives (B, C, T).
    """

    def __init__(self, channels: int, window: int, inner: int = 32) -> None:
        super().__init__()
        self.window = window
        self.query = nn.Conv1d(channels, inner, 1)
        self.key = nn.Conv1d(channels, inner, 1)
        self.value = nn.Conv1d(channels, inner, 1)
        self.out = nn.Conv1d(inner, channels, 1)

    def forward(self, x: Tensor, value_from: Tensor) -> Tensor:
        frames, window = x.shape[-1], self.window
        padded = math.ceil(frames / window) * window
        query = F.pad(self.query(x), (0, padded - frames)).unflatten(2, (-1, window))  # (B, 32, blocks, window)
        key, value = (self._blocks(y, padded) for y in (self.key(x), self.value(value_from)))

        scores = torch.einsum("bcnq,bcnk->bnqk", query, key) / math.sqrt(query.shape[1])
        seen = self._seen(frames, padded, x.device)
        weights = (scores + math.log(1e-6) * ~seen).softmax(-1) * seen
        mixed = torch.einsum("bnqk,bcnk->bcnq", weights, value).flatten(2)[..., :frames]
        return self.out(F.relu(mixed))

    def _blocks(self, x: Tensor, padded: int) -> Tensor:
        """(B, C, T) -> (B, C, blocks, window + 2 * (window // 2)): each block and what lies about it."""
        reach = self.window // 2
        x = F.pad(x, (reach, padded - x.shape[-1] + reach))
        return x.unfold(2, self.window + 2 * reach, self.window)

    def _seen(self, frames: int, padded: int, device: torch.device) -> Tensor:
        """bool (blocks, window, keys): which key of its block a query sees."""
        window, reach = self.window, self.window // 2
        query = torch.arange(window, device=device)[:, None]
        key = torch.arange(window + 2 * reach, device=device)
        in_window = (key >= query) & (key < query + window)
        frame = torch.arange(0, padded, window, device=device)[:, None, None] - reach + key
        return in_window & (frame >= 0) & (frame < frames)


class ASFormerLayer(nn.Module):
    """Dilated convolution and attention over a window as wide as its dilation, with a residual path."""

    def __init__(self, channels: int, dilation: int, attention_share: float) -> None:
        super().__init__()
        self.attention_share = attention_share
        self.dilated = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.norm = nn.InstanceNorm1d(channels)
        self.attention = WindowAttention(channels, dilation)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor, value_from: Tensor | None) -> Tensor:
        f = F.relu(self.dilated(x))
        normed = self.norm(f) if f.shape[-1] > 1 else torch.zeros_like(f)  # one frame has no variance
        attended = self.attention(normed, normed if value_from is None else value_from)
        return x + self.dropout(self.mix(self.attention_share * attended + f))


class ASFormerStage(nn.Module):
    """(B, C_in, T) -> features (B, 64, T), logits (B, K + 1, T)."""

    def __init__(self, inputs: int, outputs: int, attention_share: float, channels: int = 64) -> None:
        super().__init__()
        self.enter = nn.Conv1d(inputs, channels, 1)
        self.layers = nn.ModuleList(ASFormerLayer(channels, 2**i, attention_share) for i in range(5))
        self.classify = nn.Conv1d(channels, outputs, 1)

    def forward(self, x: Tensor, value_from: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x = self.enter(x)
        for layer in self.layers:
            x = layer(x, value_from)
        return x, self.classify(x)


class ASFormerHead(nn.Module):
    """Attention in growing windows (Yi, Wen and Jiang, "ASFormer", BMVC 2021): an encoder and three decoders,
    which take their values from the features of the stage before and trust them less and less.

    In float64, for instance norm magnifies the rounding of a channel that hardly varies up to 300 times: in
    float32 the logits of one clip differ by 0.01 with the number of threads. It is small, and costs little.
    """

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.drop_channels = nn.Dropout1d(0.3)
        self.encoder = ASFormerStage(features, outputs, attention_share=1.0)
        self.decoders = nn.ModuleList(ASFormerStage(outputs, outputs, math.exp(-3 * s)) for s in range(3))
        self.double()

    def forward(self, x: Tensor) -> Tensor:
        features, out = self.encoder(self.drop_channels(x.double().transpose(1, 2)))
        logits = [out]
        for decoder in self.decoders:
            features, out = decoder(out.softmax(1), features)
            logits.append(out)
        return torch.stack(logits).transpose(2, 3).float()


HEADS = {
    "gru": GRUHead,
    "deeper_gru": lambda features, outputs: GRUHead(features, outputs, layers=3),
    "mstcn": MSTCNHead,
    "asformer": ASFormerHead,
    "": LinearHead,
}


def build_head(temporal_arch: str, features: int, outputs: int) -> nn.Module:
    """The head by name, for D = `features` input channels and K + 1 = `outputs` classes."""
    return HEADS[temporal_arch](features, outputs)
