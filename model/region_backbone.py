"""Two backbones: one that sees whole frames small, and one that sees a region of each at full size (AdaSpot, Xarles et
al., CVPR 2026)."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.transforms.functional import center_crop

from model.architecture import Architecture
from model.backbone import Backbone
from model.regions import REACH, cut_regions, find_regions, halved, saliency
from model.streaming import Carry, run_through


class RegionBackbone(nn.Module):
    """Frames (B, T, C, H, W), normalised -> features (B, T, D); in training (3, B, T, D): those of the small frames,
    those of the regions, and those of both."""

    def __init__(self, architecture: Architecture, in_channels: int, imagenet: bool = False) -> None:
        super().__init__()
        self.options = architecture.regions
        self.low = Backbone(architecture, in_channels, imagenet)
        # from frame to frame regions move: how they differ would say more of that than of what they show
        self.high = Backbone(replace(architecture, modality="rgb"), in_channels, imagenet)
        self.num_features = features = self.low.num_features
        self.low_project, self.high_project = (
            nn.Sequential(nn.Linear(features, features // 2), nn.ReLU(), nn.Linear(features // 2, features))
            for _ in range(2)
        )

    @property
    def cnns(self) -> list[nn.Module]:
        return [self.low.cnn, self.high.cnn]

    def compile_cnn(self) -> None:
        """See `Backbone.compile_cnn`; the first CNN is not called as a whole, and so stays as it is."""
        self.high.compile_cnn()

    def recompute_blocks(self) -> None:
        """See `Backbone.recompute_blocks`."""
        self.low.recompute_blocks()
        self.high.recompute_blocks()

    def forward(self, frames: Tensor) -> Tensor:
        high = self.large(frames)
        maps = self.low.maps(self.small(frames))
        low_features = self.low_project(self.low.pooled(maps))
        with torch.no_grad():
            regions = self.cut(high, saliency(maps))
        high_features = self.high_project(self.high(regions))
        both = torch.maximum(low_features, high_features)
        return torch.stack((low_features, high_features, both)) if self.training else both

    def stream(self, stretches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Features of one video that comes in stretches, see `Backbone.stream`.

        Frames at full size wait until the first backbone has seen those after them: some 40, and a stretch.
        """
        return run_through(self.open_stream(), stretches)

    def open_stream(self) -> RegionStream:
        """See `Backbone.open_stream`."""
        return RegionStream(self)

    @property
    def look_ahead(self) -> int:
        """See `Backbone.look_ahead`."""
        return self.low.look_ahead + REACH + self.high.look_ahead

    def large(self, frames: Tensor) -> Tensor:
        """Frames (..., C, H, W) as the regions are cut from them."""
        return self._resized(frames, self.options.high, self.options.high_crop)

    def small(self, frames: Tensor) -> Tensor:
        """Frames (..., C, H, W) as the first backbone sees them."""
        height, width = frames.shape[-2:]
        size = self.options.low or (round(height * self.options.scale), round(width * self.options.scale))
        return self._resized(frames, size, self.options.low_crop)

    def cut(self, frames: Tensor, place: Tensor) -> Tensor:
        """Frames (B, T, C, H, W) and where in them most is seen, (B, T, H', W') -> regions (B, T, C, S, S)."""
        centres, sides = find_regions(place, self.options.size, frames.shape[-2:], self.options.threshold)
        return cut_regions(frames, centres, sides, (self.options.size, self.options.size))

    @staticmethod
    def _resized(frames: Tensor, size: tuple[int, int] | None, crop: tuple[int, int] | None) -> Tensor:
        """Frames (..., C, H, W) resized, smoothly where they become smaller, and the middle of that."""
        if size is not None and tuple(size) != tuple(frames.shape[-2:]):
            flat = frames.flatten(0, -4) if frames.dim() > 4 else frames
            if flat.device.type == "cpu" and (2 * size[0], 2 * size[1]) == tuple(flat.shape[-2:]):
                with torch.autocast("cpu", enabled=False):
                    resized = halved(flat.float())  # not in half precision
            else:
                resized = F.interpolate(flat.float(), tuple(size), mode="bilinear", antialias=True)
            frames = resized.to(frames.dtype).unflatten(0, frames.shape[:-3])
        return frames if crop is None else center_crop(frames, list(crop))


class RegionStream:
    """See `streaming.Stream`."""

    def __init__(self, backbone: RegionBackbone) -> None:
        self.backbone = backbone
        self.low, self.high = backbone.low.open_map_stream(), backbone.high.open_stream()
        self.carry = Carry(REACH)  # of where most is seen
        self.large, self.low_features = _Queue(), _Queue()

    def push(self, frames: Tensor) -> Tensor:
        self.large.put(self.backbone.large(frames))
        return self._features(self.high.push(self._regions(self.low.push(self.backbone.small(frames)))))

    def end(self) -> Tensor:
        maps = self.low.end()
        first = self.high.push(self._regions(maps))
        self.carry.ended = True
        second = self.high.push(self._regions(maps[:0]))
        return self._features(torch.cat((first, second, self.high.end())))

    def copy(self) -> RegionStream:
        other = copy.copy(self)
        for part in ("low", "high", "carry", "large", "low_features"):
            setattr(other, part, getattr(self, part).copy())
        return other

    def _regions(self, maps: Tensor) -> Tensor:
        """The first backbone's next maps -> the regions (T', C, S, S) of the next frames whose neighbours have come."""
        if len(maps):
            self.low_features.put(self.backbone.low_project(self.backbone.low.pooled(maps)))
        ready = self.carry.take_in(maps.float().mean(1, keepdim=True))
        place = self.carry.shift(1, lambda x, _: saliency(x[None])[0])
        if not len(ready):
            return self.large.take(0)
        return self.backbone.cut(self.large.take(len(ready))[None], place[None])[0]

    def _features(self, high: Tensor) -> Tensor:
        """The second backbone's next features -> those of both."""
        high_features = self.backbone.high_project(high)
        return torch.maximum(self.low_features.take(len(high)), high_features) if len(high) else high_features


class _Queue:
    """Frames (T, ...) that wait: put in as they come, taken out from the front."""

    def __init__(self) -> None:
        self.waiting: Tensor | None = None

    def put(self, frames: Tensor) -> None:
        self.waiting = frames if self.waiting is None or not len(self.waiting) else torch.cat((self.waiting, frames))

    def take(self, count: int) -> Tensor:
        taken, rest = self.waiting[:count], self.waiting[count:]
        self.waiting = rest.clone()  # and not a view, which would keep what was taken in memory
        return taken

    def copy(self) -> _Queue:
        other = _Queue()
        other.waiting = self.waiting  # which is only ever replaced
        return other
