"""EventSpotter: the backbone and the head, from frames to the class logits of each frame (E2E-Spot, Hong et al.,
"Spotting Temporally Precise, Fine-Grained Events in Video", ECCV 2022)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from model.backbone import Backbone
from model.heads import build_head


def _as_they_are(frames: Tensor) -> Tensor:
    return frames


def _grey(frames: Tensor) -> Tensor:
    # luma with the digits that torchvision's Grayscale, and so the original, has
    luma = torch.tensor([0.2989, 0.587, 0.114], device=frames.device)
    return (frames * luma.view(3, 1, 1)).sum(-3, keepdim=True)


def _flow(frames: Tensor) -> Tensor:
    return frames[..., 1:, :, :]


# modality -> what it takes of a frame's red, green and blue planes; mean and standard deviation of its channels
MODALITIES: dict[str, tuple[Callable[[Tensor], Tensor], list[float], list[float]]] = {
    "rgb": (_as_they_are, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),  # ImageNet's
    "bw": (_grey, [0.5], [0.5]),
    "flow": (_flow, [0.5, 0.5], [0.5, 0.5]),
}


class EventSpotter(nn.Module):
    """The one model class.

    Args:
        feature_arch: one of `backbone.FEATURE_ARCHS`.
        temporal_arch: one of `heads.HEADS`.
        num_classes: K, without background.
        modality: one of `MODALITIES`.
        imagenet: start from the backbone's ImageNet weights; an error where they cannot be had.
    """

    def __init__(
        self, feature_arch: str, temporal_arch: str, num_classes: int, modality: str = "rgb", imagenet: bool = False
    ) -> None:
        super().__init__()
        self.select, mean, std = MODALITIES[modality]
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)
        self.num_classes = num_classes
        self.backbone = Backbone(feature_arch, len(mean), imagenet)
        self.head = build_head(temporal_arch, self.backbone.num_features, num_classes + 1)

    def normalise(self, frames: Tensor, inside: Tensor | None = None) -> Tensor:
        """Frames (B, T, 3, H, W), uint8 or float in 0..1 -> float (B, T, C, H, W), mean 0, deviation 1.

        `inside`, float (B, T) in 0..1, says how much of each frame is of the video: 0 for one past either end
        (which must be black, and stays zero), in between where mixup laid a clip over another's end.
        """
        white = 255 if frames.dtype == torch.uint8 else 1
        # In long rows, a pixel's channels side by side as they lie in memory: plane by plane takes three times as long.
        rows = self.select(frames).movedim(-3, -1).flatten(-2)
        offset, scale = (v.flatten().repeat(frames.shape[-1]) for v in (-self.mean / self.std, 1 / (white * self.std)))
        if inside is not None:
            offset = offset * inside[..., None, None]
        rows = rows.float().mul_(scale) if rows.dtype == torch.uint8 else rows * scale  # in memory that is ours
        return rows.add_(offset).unflatten(-1, (-1, len(self.std))).movedim(-1, -3)

    def logits(self, normalised: Tensor) -> Tensor:
        """Normalised frames (B, T, C, H, W) -> logits (S, B, T, K + 1) of the head's S stages, float32.

        Under autocast the backbone runs in half precision; the head, small and recurrent, does not.
        """
        features = self.backbone(normalised).float()
        with torch.autocast(features.device.type, enabled=False):
            return self.head(features)

    def forward(self, frames: Tensor, inside: Tensor | None = None) -> Tensor:
        """Frames as `normalise` takes them -> logits (S, B, T, K + 1) of the head's S stages, the last the answer."""
        return self.logits(self.normalise(frames, inside))
