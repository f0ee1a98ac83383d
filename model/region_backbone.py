"""Two backbones: one that sees whole frames small, and one that sees a region of each at full size (AdaSpot, Xarles et
al., CVPR 2026)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.transforms.functional import center_crop

from model.architecture import Architecture
from model.backbone import Backbone
from model.regions import REACH, cut_regions, find_regions, halved, saliency
from model.streaming import Carry


class RegionBackbone(nn.Module):
    """Frames (B, T, C, H, W), normalised -> features (B, T, D); in training (3, B, T, D): those of the small frames,
    those of the regions, and those of both."""

    def __init__(self, architecture: Architecture, in_channels: int, imagenet: bool = False) -> None:
        super().__init__()
        self.options = architecture.regions
        self.low = Backbone(architecture, in_channels, imagenet)
        self.high = Backbone(architecture, in_channels, imagenet)
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
        high = self._resized(frames, self.options.high, self.options.high_crop)
        maps = self.low.maps(self._small(frames))
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
        low_features = _Queue()
        for features in self.high.stream(self._stream_regions(stretches, low_features)):
            high_features = self.high_project(features)
            yield torch.maximum(low_features.take(len(features)), high_features) if len(features) else high_features

    def _stream_regions(self, stretches: Iterable[Tensor], low_features: _Queue) -> Iterator[Tensor]:
        """The regions (T', C, S, S) of the next T' frames; the first backbone's features go to `low_features`."""
        high, carry = _Queue(), Carry(REACH)

        def small() -> Iterator[Tensor]:
            for frames in stretches:
                high.put(self._resized(frames, self.options.high, self.options.high_crop))
                yield self._small(frames)

        def regions_of(maps: Tensor) -> Tensor:
            ready = carry.take_in(maps)  # those whose neighbours have come
            place = carry.shift(1, lambda x, _: saliency(x[None])[0])
            return self.cut(high.take(len(ready))[None], place[None])[0] if len(ready) else high.take(0)

        mean = None
        for maps in self.low.stream_maps(small()):
            if len(maps):
                low_features.put(self.low_project(self.low.pooled(maps)))
            mean = maps.float().mean(1, keepdim=True)
            yield regions_of(mean)
        if mean is not None:
            carry.ended = True
            yield regions_of(mean[:0])

    def _small(self, frames: Tensor) -> Tensor:
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
