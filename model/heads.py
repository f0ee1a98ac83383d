"""Heads: a sequence of frame features (B, T, D) -> what the network says of each frame."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.architecture import Architecture
from model.gru import GRU
from model.sgp import SGPEncoderDecoder
from util.batch import Outputs

MAX_GRU_HIDDEN = 768


class Head(nn.Module):
    """Features (B, T, D) -> Outputs.

    A kind of head gives, by `states`, the logits of its S stages, and states (B, T, H) with H = `num_states`: what
    the last logits are made from, and what any further output of the network can be made from here, for all kinds.
    """

    num_states: int
    positions: nn.Parameter | None  # (clip_len, D), learned, and added to the features of a clip's frames

    def __init__(self) -> None:
        super().__init__()
        self.register_parameter("positions", None)

    def add_outputs(self, architecture: Architecture) -> None:
        """What else the architecture wants to know of each frame."""
        wanted = {"displacement": min(1, architecture.radi_displacement), "team": int(architecture.event_team),
                  "joint": architecture.joint_classes and architecture.joint_classes + 1}
        self.further = nn.ModuleDict({key: nn.Linear(self.num_states, size) for key, size in wanted.items() if size})

    def states(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, T, D) -> states (B, T, H), logits (S, B, T, K + 1)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Outputs:
        if self.positions is not None:
            x = x + self.positions[: x.shape[-2]]
        states, logits = self.states(x)
        further = {key: layer(states) for key, layer in self.further.items()}
        return Outputs(
            logits,
            displacement=further["displacement"].squeeze(-1) if "displacement" in further else None,
            team=further["team"].squeeze(-1) if "team" in further else None,
            joint_logits=further.get("joint"),
        )


class LinearHead(Head):
    """Each frame by itself: one linear layer."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.num_states = features
        self.classify = nn.Linear(features, outputs)

    def states(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, self.classify(x)[None]


class GRUHead(Head):
    """Bidirectional GRU, dropout, linear layer (E2E-Spot, Hong et al., ECCV 2022, section 3)."""

    def __init__(self, features: int, outputs: int, layers: int = 1) -> None:
        super().__init__()
        hidden = min(features, MAX_GRU_HIDDEN)
        self.num_states = 2 * hidden
        self.gru = GRU(features, hidden, layers)
        self.dropout = nn.Dropout(0.5)
        self.classify = nn.Linear(2 * hidden, outputs)

    def states(self, x: Tensor) -> tuple[Tensor, Tensor]:
        states = self.dropout(self.gru(x)[0])
        return states, self.classify(states)[None]


class DilatedResidual(nn.Module):
    """x + dropout(1x1(relu(dilated 3-tap convolution of x))) on (B, C, T)."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.dilated = nn.Conv1d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.dropout(self.mix(F.relu(self.dilated(x))))


class MSTCNHead(Head):
    """Multi-stage temporal convolutions (Farha and Gall, "MS-TCN", CVPR 2019): three stages of five dilated
    residual layers; each stage after the first refines the class scores of the one before."""

    def __init__(self, features: int, outputs: int, channels: int = 256) -> None:
        super().__init__()
        self.num_states = channels
        inputs = (features, outputs, outputs)
        self.stages = nn.ModuleList(self._stage(n, outputs, channels) for n in inputs)

    @staticmethod
    def _stage(inputs: int, outputs: int, channels: int) -> nn.Sequential:
        layers = [DilatedResidual(channels, 2**i) for i in range(5)]
        return nn.Sequential(nn.Conv1d(inputs, channels, 1), *layers, nn.Conv1d(channels, outputs, 1))

    def states(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x, logits = x.transpose(1, 2), []
        for *layers, classify in self.stages:
            for layer in layers:
                x = layer(x)
            states = x
            logits.append(classify(states))
            x = logits[-1].softmax(1)
        return states.transpose(1, 2), torch.stack(logits).transpose(2, 3)


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
    """(B, C_in, T) -> features (B, channels, T), logits (B, K + 1, T)."""

    def __init__(self, inputs: int, outputs: int, attention_share: float, channels: int) -> None:
        super().__init__()
        self.enter = nn.Conv1d(inputs, channels, 1)
        self.layers = nn.ModuleList(ASFormerLayer(channels, 2**i, attention_share) for i in range(5))
        self.classify = nn.Conv1d(channels, outputs, 1)

    def forward(self, x: Tensor, value_from: Tensor | None = None) -> tuple[Tensor, Tensor]:
        x = self.enter(x)
        for layer in self.layers:
            x = layer(x, value_from)
        return x, self.classify(x)


class ASFormerHead(Head):
    """Attention in growing windows (Yi, Wen and Jiang, "ASFormer", BMVC 2021): an encoder and three decoders,
    which take their values from the features of the stage before and trust them less and less.

    In float64, for instance norm magnifies the rounding of a channel that hardly varies up to 300 times: in
    float32 the logits of one clip differ by 0.01 with the number of threads. It is small, and costs little.
    """

    def __init__(self, features: int, outputs: int, channels: int = 64) -> None:
        super().__init__()
        self.num_states = channels
        self.drop_channels = nn.Dropout1d(0.3)
        self.encoder = ASFormerStage(features, outputs, 1.0, channels)
        self.decoders = nn.ModuleList(ASFormerStage(outputs, outputs, math.exp(-3 * s), channels) for s in range(3))
        self.double()

    def states(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features, out = self.encoder(self.drop_channels(x.double().transpose(1, 2)))
        logits = [out]
        for decoder in self.decoders:
            features, out = decoder(out.softmax(1), features)
            logits.append(out)
        return features.transpose(1, 2).float(), torch.stack(logits).transpose(2, 3).float()


class SGPMixerHead(Head):
    """T-DEED's: learned positions, an encoder-decoder of SGP blocks, dropout, linear layer."""

    def __init__(self, features: int, outputs: int, architecture: Architecture) -> None:
        super().__init__()
        self.num_states = features
        self.positions = nn.Parameter(torch.randn(architecture.clip_len, features) / architecture.clip_len)
        self.mixer = SGPEncoderDecoder(features, architecture.n_layers, architecture.sgp_ks, architecture.sgp_r)
        self.dropout = nn.Dropout(0.5)
        self.classify = nn.Linear(features, outputs)

    def states(self, x: Tensor) -> tuple[Tensor, Tensor]:
        states = self.dropout(self.mixer(x))
        return states, self.classify(states)[None]


class RegionHead(Head):
    """Learned positions, and a head for the features of `RegionBackbone`; in training, also one for those of the small
    frames and one for those of the regions, whose logits are stages before its own (AdaSpot, Xarles et al., CVPR 2026).
    """

    def __init__(self, features: int, architecture: Architecture) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(architecture.clip_len, features) / architecture.clip_len)
        self.both = _build_kind(architecture, features)
        self.num_states = self.both.num_states
        wanted = {"low": architecture.regions.low_loss, "high": architecture.regions.high_loss}
        self.branches = nn.ModuleDict({key: _build_kind(architecture, features) for key in wanted if wanted[key]})

    def states(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if not self.training:
            return self.both.states(x)
        states, logits = self.both.states(x[-1])
        alone = [self.branches[key].states(x[place])[1] for place, key in enumerate(("low", "high"))
                 if key in self.branches]
        return states, torch.cat((*alone, logits))


HEADS = {
    "gru": lambda features, outputs, _: GRUHead(features, outputs),
    "deeper_gru": lambda features, outputs, _: GRUHead(features, outputs, layers=3),
    "mstcn": lambda features, outputs, _: MSTCNHead(features, outputs),
    "asformer": lambda features, outputs, _: ASFormerHead(features, outputs),
    "ed_sgp_mixer": SGPMixerHead,
    "": lambda features, outputs, _: LinearHead(features, outputs),
}


def build_head(architecture: Architecture, features: int) -> Head:
    """The head for D = `features` input channels."""
    of_regions = architecture.regions is not None
    head = RegionHead(features, architecture) if of_regions else _build_kind(architecture, features)
    head.add_outputs(architecture)
    return head


def _build_kind(architecture: Architecture, features: int) -> Head:
    return HEADS[architecture.temporal_arch](features, architecture.num_classes + 1, architecture)
