"""The trained model of a model folder."""

from __future__ import annotations

from pathlib import Path

from model.backbone import FEATURE_ARCHS
from model.checkpoint import checkpoint_path, load_weights, newest_epoch
from model.heads import HEADS
from model.spotter import MODALITIES, EventSpotter
from util.config import ModelConfig
from util.errors import UserError
from util.predictions import best_epoch


def load_model(model_dir: Path, config: ModelConfig) -> tuple[EventSpotter, int]:
    """The model with the weights of its best epoch (by val mAP in loss.json, else the newest), and that epoch.

    Raises:
        UserError: the checkpoint is missing or damaged, or config.json names something that is not known.
    """
    for key, value, known in (
        ("feature_arch", config.feature_arch, FEATURE_ARCHS),
        ("temporal_arch", config.temporal_arch, list(HEADS)),
        ("modality", config.modality, list(MODALITIES)),
    ):
        if value not in known:
            raise UserError(f"{model_dir / 'config.json'}: {key} {value!r} is not known; known are {', '.join(known)}")
    epoch = best_epoch(model_dir)
    if epoch is None:
        epoch = newest_epoch(model_dir, "checkpoint")
    if epoch is None or not checkpoint_path(model_dir, epoch).is_file():
        which = "checkpoint" if epoch is None else f"checkpoint of the best epoch, {epoch}"
        raise UserError(f"{model_dir}: no {which}; train with train_e2e.py -s {model_dir}, or copy the whole folder")
    spotter = EventSpotter(config.feature_arch, config.temporal_arch, config.num_classes, config.modality)
    load_weights(spotter, checkpoint_path(model_dir, epoch))
    return spotter, epoch
