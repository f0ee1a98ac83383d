"""What a training learns from: the videos of one dataset, or of two, and the batches that are made of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dataset.augment import augment, mixup
from dataset.clips import JointClips, RandomClips
from dataset.frames import Loader
from dataset.targets import TargetMaker
from util.batch import Batch
from util.config import TeamSides
from util.entries import labelled_frames
from util.processes import number, rank

Batches = Iterator[Batch]

AUGMENT_STREAM = 1  # keeps its random numbers apart from those that draw the clips


@dataclass(frozen=True)
class TrainingData:
    """A dataset, and the train split of a second one that is learned from along with it (none: no classes)."""

    frame_dir: Path
    classes: list[str]
    splits: dict[str, list[dict]]  # train, val, and test where it is there
    joint_frame_dir: Path | None = None
    joint_classes: list[str] = field(default_factory=list)
    joint: list[dict] = field(default_factory=list)
    team_sides: TeamSides | None = None  # of the teams that labels name

    @property
    def num_frames(self) -> int:
        """Frames to learn from."""
        return sum(map(labelled_frames, self.splits["train"] + self.joint))

    def clips(
        self, split: str, clip_len: int, length: int, crop: int | None, targets: dict[str, Any], **options: Any
    ) -> RandomClips | JointClips:
        """Random clips of a split, for train of both datasets.

        Args:
            targets: options of `TargetMaker`.
            clip_len, length, crop, options: of `RandomClips`.
        """
        def draw(frame_dir: Path, classes: list[str], videos: list[dict]) -> RandomClips:
            return RandomClips(frame_dir, videos, TargetMaker(classes, **targets), clip_len, length, crop, **options)

        clips = draw(self.frame_dir, self.classes, self.splits[split])
        if split == "train" and self.joint_classes:
            clips = JointClips(clips, draw(self.joint_frame_dir, self.joint_classes, self.joint))
        return clips

    def fingerprints(self, team: bool) -> dict[str, dict[str, Any]]:
        """`fingerprint` of what is learned from and chosen on, by name."""
        seen = {name: self.splits[name] for name in ("train", "val")} | ({"joint": self.joint} if self.joint else {})
        return {name: fingerprint(videos, team) for name, videos in seen.items()}


def fingerprint(videos: list[dict], team: bool) -> dict[str, Any]:
    """What tells the videos that clips are drawn from from others: their number and that of their events, and a hash of
    all that is learned from them, in their order (with `team` the events' sides too)."""
    keys = ("frame", "label", "team") if team else ("frame", "label")
    seen = [(entry["video"], entry["num_frames"], [[event.get(key) for key in keys] for event in entry["events"]],
             *([entry["labelled"]] if "labelled" in entry else []),
             *([[event["frame"] for event in entry["rejected"]]] if entry.get("rejected") else [])) for entry in videos]
    digest = hashlib.sha256(json.dumps(seen).encode()).hexdigest()
    return {"videos": len(seen), "events": sum(len(events) for *_, events in seen), "hash": digest[:16]}


def dealt_batches(
    clips: RandomClips | JointClips, batch_size: int, workers: int, device: torch.device, first: int = 0
) -> Loader:
    """The batches of clips from number `first` on; of several processes each has a part of every batch, in a row."""
    part = batch_size // number()
    own = [clip for clip in range(first * batch_size, len(clips)) if clip // part % number() == rank()]
    return Loader(clips, part, workers, device, own)


def training_batches(
    clips: RandomClips | JointClips,
    batch_size: int,
    workers: int,
    device: torch.device,
    modality: str,
    mix: bool,
    first: int = 0,
) -> Batches:
    """Batches of the clips on the device, augmented, from number `first` on; with `mix` two clips are laid over each
    other for each clip of a batch. What becomes of a clip is a function of the clips' seed and its own number,
    whatever shares its batch."""
    loader = dealt_batches(clips, batch_size * (1 + mix), workers, device, first)

    def change(batch: Batch, numbers: list[int]) -> Batch:
        rngs = [np.random.default_rng((clips.seed, number, AUGMENT_STREAM)) for number in numbers]
        batch = augment(batch, modality, rngs)
        return mixup(batch, rngs) if mix else batch

    # by map, which keeps no batch: when the network trains on one, its frames can be let go of
    return map(change, loader, loader.parts)
