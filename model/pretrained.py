"""Where a model's first weights come from."""

from __future__ import annotations

import logging
from pathlib import Path

import timm
import torchvision

from model.architecture import CNNS, Architecture
from model.checkpoint import load_backbone
from model.spotter import EventSpotter
from util.errors import UserError

WITHOUT_IMAGENET = ("bw", "flow")  # modalities whose pictures are none of those that these weights were learned from


def begins_from_nothing(modality: str, weights: str) -> bool:
    """Whether the backbone of a new model is random; see `build_spotter`."""
    return weights == "none" or (weights == "auto" and modality in WITHOUT_IMAGENET)


def build_spotter(architecture: Architecture, weights: str) -> tuple[EventSpotter, str]:
    """A new model, and in a word what its backbone starts from: "imagenet", "none" or a file's path.

    Args:
        weights: "imagenet", "none", a file's path, or "auto": ImageNet but for `WITHOUT_IMAGENET`.

    Raises:
        UserError: the weights cannot be had.
    """
    modality = architecture.modality
    if begins_from_nothing(modality, weights):
        return EventSpotter(architecture), "none"
    if weights not in ("auto", "imagenet"):
        spotter = EventSpotter(architecture)
        taken = load_backbone(spotter, Path(weights))
        print(f"{weights}: {taken} tensors copied into the backbone")
        return spotter, weights
    if modality in WITHOUT_IMAGENET:
        raise UserError(f"--weights imagenet: there are none for --modality {modality}; use --weights none")
    name = f"ImageNet weights for {architecture.feature_arch}"
    print(f"{name}: downloaded, where they are not in the cache", flush=True)
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries say nothing that we do not
    try:
        return EventSpotter(architecture, imagenet=True), "imagenet"
    except (OSError, RuntimeError) as error:  # no connection; or a download that was cut short
        raise UserError(
            f"{name} cannot be downloaded ({' '.join(str(error).split())[:100]}); download "
            f"{weights_address(architecture.cnn)} elsewhere and give that file (--weights FILE), or train from "
            "scratch, with lower scores (--weights none)"
        ) from error


def weights_address(cnn: str) -> str:
    """Where the file with a CNN's ImageNet weights is."""
    if CNNS[cnn].startswith("resnet"):
        return torchvision.models.get_model_weights(CNNS[cnn]).IMAGENET1K_V1.url
    return f"https://huggingface.co/{timm.models.get_pretrained_cfg(CNNS[cnn]).hf_hub_id}/resolve/main/model.safetensors"
