"""EventSpotter: the backbone and the head, from frames to what is said of each (E2E-Spot, Hong et al., "Spotting
Temporally Precise, Fine-Grained Events in Video", ECCV 2022)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from model.architecture import Architecture
from model.backbone import Backbone
from model.heads import build_head
from model.region_backbone import RegionBackbone
from util.batch import Outputs


def _rgb(frames: Tensor) -> Tensor:
    return frames


def _grey(frames: Tensor) -> Tensor:
    # luma with the digits that torchvision's Grayscale, and so the original, has
    red, green, blue = frames.split(1, -3)
    return 0.2989 * red + 0.587 * green + 0.114 * blue


def _flow(frames: Tensor) -> Tensor:
    return frames[..., 1:, :, :]


# modality -> what it takes of a frame's red, green and blue planes; mean and standard deviation of its channels
CHANNELS: dict[str, tuple[Callable[[Tensor], Tensor], list[float], list[float]]] = {
    "rgb": (_rgb, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),  # ImageNet's
    "bw": (_grey, [0.5], [0.5]),
    "flow": (_flow, [0.5, 0.5], [0.5, 0.5]),
}
CHANNELS["rgb_diff"] = CHANNELS["rgb"]  # the backbone adds the differences
MEANS = 10, 30, 100  # batches that batch norm's running statistics are a mean of; a compiled CNN is compiled for each


class EventSpotter(nn.Module):
    """The one model class: any `Architecture`.

    `precision` is that of the backbone, float32 or the half precision to which it is autocast; `device.move` sets it.

    Args:
        imagenet: start from the backbone's ImageNet weights; an error where they cannot be had.
    """

    def __init__(self, architecture: Architecture, imagenet: bool = False) -> None:
        super().__init__()
        self.architecture = architecture
        self.precision = torch.float32
        self.select, mean, std = CHANNELS[architecture.modality]
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(-1, 1, 1), persistent=False)
        backbone = Backbone if architecture.regions is None else RegionBackbone
        self.backbone = backbone(architecture, len(mean), imagenet)
        self.head = build_head(architecture, self.backbone.num_features)

    @property
    def device(self) -> torch.device:
        return self.mean.device

    def settle_norms(self, batches: int, settled: bool) -> None:
        """In training mode, bring batch norm to what it is in inference, so that a network is trained as it is used.

        Its running statistics become those of ever more of the `batches` there have been, see `MEANS`: those of ten,
        which are PyTorch's, say more of a few clips than of the videos, and mAP changed by 14 points while the weights
        stood still. Once `settled` they stay as they are, and training takes them as well, and not each batch's.
        """
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.momentum = 1 / max(number for number in MEANS if number <= max(MEANS[0], batches / 10))
                module.train(not settled)

    def normalise(self, frames: Tensor, inside: Tensor | None = None) -> Tensor:
        """Frames (B, T, 3, H, W), uint8 or float in 0..1 -> float (B, T, C, H, W), mean 0, deviation 1.

        `inside`, float (B, T) in 0..1, says how much of each frame is of the video: 0 for one past either end
        (which must be black, and stays zero unless the architecture sees black frames there), in between where mixup
        laid a clip over another's end.
        """
        white = 255 if frames.dtype == torch.uint8 else 1
        # In long rows, a pixel's channels side by side as they lie in memory: plane by plane takes three times as long.
        rows = self.select(frames).movedim(-3, -1).flatten(-2)
        offset, scale = (v.flatten().repeat(frames.shape[-1]) for v in (-self.mean / self.std, 1 / (white * self.std)))
        if inside is not None and not self.architecture.black_outside:
            offset = offset * inside[..., None, None]
        rows = rows.float().mul_(scale) if rows.dtype == torch.uint8 else rows * scale  # in memory that is ours
        return rows.add_(offset).unflatten(-1, (-1, len(self.std))).movedim(-1, -3)

    def outputs(self, normalised: Tensor) -> Outputs:
        """Normalised frames (B, T, C, H, W) -> outputs, float32.

        Only the backbone runs in half precision; the head is small and recurrent, and does not.
        """
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            features = self.backbone(normalised)
        return self.head(features.float())

    def forward(self, frames: Tensor, inside: Tensor | None = None) -> Outputs:
        """Frames as `normalise` takes them -> what the network says of them."""
        return self.outputs(self.normalise(frames, inside))
