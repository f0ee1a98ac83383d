"""Where a model's first weights come from."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from model.architecture import Architecture
from model.checkpoint import load_backbone
from model.spotter import EventSpotter
from util.errors import UserError


def build_spotter(architecture: Architecture, weights: str) -> tuple[EventSpotter, str]:
    """A new model, and in a word what its backbone starts from: "imagenet", "none" or a file's path.

    Args:
        weights: "imagenet" (insist), "none", a file's path, or "auto": ImageNet for RGB; where it cannot be
            downloaded a loud warning, and none.

    Raises:
        UserError: the weights asked for cannot be had.
    """
    modality = architecture.modality
    if weights == "none" or (weights == "auto" and modality != "rgb"):
        return EventSpotter(architecture), "none"
    if weights not in ("auto", "imagenet"):
        spotter = EventSpotter(architecture)
        taken = load_backbone(spotter, Path(weights))
        print(f"{weights}: {taken} tensors copied into the backbone")
        return spotter, weights
    if modality != "rgb":
        raise UserError(f"--weights imagenet: there are none for --modality {modality}; use --weights none")
    name = f"ImageNet weights for {architecture.feature_arch}"
    print(f"{name}: downloaded, where they are not in the cache", flush=True)
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries say nothing that we do not
    try:
        return EventSpotter(architecture, imagenet=True), "imagenet"
    except (OSError, RuntimeError) as error:  # no connection; or a download that was cut short
        reason = f"{name} cannot be downloaded ({' '.join(str(error).split())[:100]})"
        if weights == "imagenet":
            raise UserError(
                f"--weights imagenet: {reason}; connect to the internet, give a downloaded file "
                "(--weights FILE), or train from scratch (--weights none)"
            ) from error
    bar = "!" * 78
    warning = f"WARNING: {reason}.\nTraining starts from SCRATCH and will end with lower scores."
    print(f"{bar}\n{warning}\n{bar}", file=sys.stderr)
    return EventSpotter(architecture), "none"
