"""Random training clips with their targets, of one dataset or two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dataset.frames import PAST_END, Clip
from dataset.targets import TargetMaker
from util.entries import labelled_ranges

DATASET_STREAM = 2  # keeps its random numbers apart from those that place the clips


class RandomClips:
    """Clips drawn at random, each a function of the seed and its own number alone: the same in any worker, in any
    order, and after a stop.

    A video is drawn by its length, then the clip's start, evenly from 5 frames before the video to where the
    clip ends 5 frames after it. Where not all is labelled, so it is with each stretch that is.

    Args:
        make_targets: of the dataset's classes.
        length: number of clips.
        crop: side of a square cut out at random, the same for all frames of a clip; None for whole frames.
        fg_upsample: share of the clips that are drawn so as to hold an event: a class first, each as likely as any
            other, so that the rare ones are learned too; then one of its events. What a person rejected of a model's
            proposals, the likeliest mistakes, is drawn as one more class.
    """

    def __init__(
        self,
        frame_dir: Path,
        videos: list[dict],
        make_targets: TargetMaker,
        clip_len: int,
        length: int,
        crop: int | None,
        fg_upsample: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.frame_dir, self.videos, self.clip_len, self.length = frame_dir, videos, clip_len, length
        self.make_targets, self.crop, self.fg_upsample, self.seed = make_targets, crop, fg_upsample, seed
        events: dict[str, list[tuple[int, int]]] = {name: [] for name in make_targets.classes}
        rejected: list[tuple[int, int]] = []
        for number, entry in enumerate(videos):
            for event in entry["events"]:
                events[event["label"]].append((number, event["frame"]))
            rejected += [(number, event["frame"]) for event in entry.get("rejected", ())]
        self.events_by_class = [of_class for of_class in (*events.values(), rejected) if of_class]
        self.stretches = [(number, first, last) for number, entry in enumerate(videos)
                          for first, last in labelled_ranges(entry)]
        lengths = np.array([last - first + 1 for _, first, last in self.stretches])
        self.shares = lengths / lengths.sum()

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> Clip:
        rng = np.random.default_rng((self.seed, number))
        video, start = self._place(rng)
        entry = self.videos[video]
        place = None if self.crop is None else tuple(rng.random(2))
        folder = self.frame_dir / entry["video"]
        return Clip(folder, entry["num_frames"], video, start, self.clip_len, self.crop, place,
                    self.make_targets(entry, start, self.clip_len))

    def _place(self, rng: np.random.Generator) -> tuple[int, int]:
        """Draw a video and a start."""
        if self.events_by_class and rng.random() < self.fg_upsample:
            events = self.events_by_class[rng.integers(len(self.events_by_class))]
            video, frame = events[rng.integers(len(events))]
            starts = frame - self.clip_len + 1, frame
        else:
            video, first, last = self.stretches[rng.choice(len(self.stretches), p=self.shares)]
            starts = first - PAST_END, last + 1 + PAST_END - self.clip_len
        most = max(-PAST_END, self.videos[video]["num_frames"] + PAST_END - self.clip_len)
        low, high = sorted(min(max(start, -PAST_END), most) for start in starts)
        return video, int(rng.integers(low, high + 1))


class JointClips:
    """Clips of two datasets, each number's from the one or the other by lot, so that half are of either: what is drawn
    depends on the first one's seed and the number alone, whatever the batches.

    A clip has the labels of both (T-DEED, Xarles et al., CVPRW 2024, section 3.4), zeros where they are not its own.
    """

    def __init__(self, first: RandomClips, second: RandomClips) -> None:
        self.datasets, self.seed = (first, second), first.seed

    def __len__(self) -> int:
        return len(self.datasets[0])

    def __getitem__(self, number: int) -> Clip:
        drawn = int(np.random.default_rng((self.seed, number, DATASET_STREAM)).integers(2))
        clip = self.datasets[drawn][number]
        labels = [torch.zeros(clip.length, len(of.make_targets.classes) + 1) for of in self.datasets]
        labels[drawn] = clip.targets.labels
        return replace(clip, targets=replace(clip.targets, labels=labels[0], joint_labels=labels[1]))
