"""Recipes of training: how clips are drawn, changed and learned from, where neither the command nor a model says."""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from dataset.frames import DEFAULT_WORKERS
from util.entries import labelled_frames
from util.errors import number_of
from util.options import count, positive, positive_or_auto, rate, share

EPOCHS_WITH_MAP = 20  # epochs at the end of training that measure mAP on val, which takes long
MAX_EPOCH_FRAMES = 500_000  # frames; an epoch is one pass over the train split, but no more than this

# what all have in common: E2E-Spot's (Hong et al., ECCV 2022), from its paper and the defaults of its code
CLIPS = 8  # in an update of the weights; more of them would learn less from as many frames
FEWEST = 2  # batch norm's statistics of one clip are not those of a video
UPDATES = 1600  # of the weights, that a small training should have at least, of fewer clips each
HOLDING = 0.8  # of the clips should hold an event
RATE = 0.001  # the learning rate of a pretrained network
COMMON = {"num_epochs": 50, "warm_up_epochs": 3}
RECIPES: dict[str, dict[str, Any]] = {
    "auto": COMMON | {
        "crop_dim": 0, "batch_size": "auto", "epoch_num_frames": None,
        "fg_upsample": None, "mixup": False, "dilate_len": 0, "modality": "rgb_diff", "settle_bn": 0.3,
        "learning_rate": None,  # `fitting_rate`
    },
    "original": COMMON | {
        "crop_dim": 224, "batch_size": CLIPS, "epoch_num_frames": MAX_EPOCH_FRAMES,
        "fg_upsample": 0.0, "mixup": True, "dilate_len": 0, "modality": "rgb", "settle_bn": 0.0,
        "learning_rate": RATE,
    },
}


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """How clips are drawn and learned from."""
    def of(name: str) -> str:
        return ", ".join(dict.fromkeys(str(recipe[name]) for recipe in RECIPES.values()))

    parser.add_argument("--recipe", default="auto", choices=RECIPES,
                        help="defaults of clips and optimisation: the best so far (auto), or E2E-Spot's (original)")
    defaults = "In brackets the default; where the two recipes differ, auto's and then original's."
    add = parser.add_argument_group("clips", defaults).add_argument
    add("-j", "--num_workers", type=count, default=DEFAULT_WORKERS, help="threads that read frames")
    add("--crop_dim", type=int, help=f"side of the square crop, 0 for whole frames ({of('crop_dim')})")
    add("--batch_size", type=positive_or_auto, metavar="CLIPS|auto",
        help="clips in a batch, shared by all processes (auto: as many as memory holds, and fewer where there would be "
             f"but few updates of the weights, at most {CLIPS}; original: {CLIPS})")
    add("--epoch_num_frames", type=positive, metavar="FRAMES",
        help=f"in an epoch (one pass over the train split, at most {MAX_EPOCH_FRAMES:,}; original: always as many)")
    add("--fg_upsample", type=share, metavar="SHARE",
        help="of the clips that are drawn around an event, of each class alike (half, and more where else fewer than "
        f"{HOLDING:.0%}% of the clips would hold one; original: 0)")
    add("--dilate_len", type=count, metavar="FRAMES",
        help=f"to either side of an event that carry its label too ({of('dilate_len')})")
    add("--mixup", action=argparse.BooleanOptionalAction, help="lay another clip over each (no, yes)")
    add = parser.add_argument_group("optimisation").add_argument
    add("--seed", type=count, default=1, help="of all that is drawn at random (1)")
    add("--num_epochs", type=positive,
        help=f"in all ({of('num_epochs')}; more than before with --resume: goes on longer)")
    add("--warm_up_epochs", type=count, help=f"in which the learning rate rises ({of('warm_up_epochs')})")
    add("-lr", "--learning_rate", type=rate,
        help=f"after the warm-up ({RATE}; auto, where the CNN begins from nothing, up to 0.003 where updates are few)")
    add("-ag", "--acc_grad_iter", type=positive, metavar="BATCHES",
        help="in a step of the optimiser (where --batch_size is auto, those that memory did not hold; else 1)")
    add("--settle_bn", type=share, metavar="SHARE", help="of the epochs, the last ones, in which batch norm takes its "
        f"running statistics, as in inference, and not each batch's ({of('settle_bn')})")
    add("--ema", type=share, default=0.0, metavar="DECAY",
        help="measure and keep a running mean of the weights, such as 0.999 (0: none)")
    add("--criterion", default="map", choices=["map", "loss"],
        help="what chooses the best epoch: mAP or loss on val (map)")
    add("--start_val_epoch", type=count, help=f"first epoch with val mAP ({EPOCHS_WITH_MAP} before the end)")


def clips_in_update(clips: int) -> int:
    """How many of the clips of a whole training best make an update of the weights."""
    return min(max(FEWEST, clips // UPDATES), CLIPS)


def fitting_rate(updates: int, from_nothing: bool) -> float:
    """The learning rate: of a network whose CNN begins from nothing, larger where updates of the weights are few."""
    if not from_nothing:
        return RATE
    return min(max(RATE, round(2.25 / max(1, updates), 4)), 0.003)  # measured: 750 updates, and 1,600


def share_about_events(videos: Sequence[Mapping], clip_len: int) -> float:
    """Which share of the clips is best drawn around events: half, and more where events are rare."""
    in_a_clip = clip_len * sum(len(entry["events"]) for entry in videos) / sum(map(labelled_frames, videos))
    return max(0.5, round(1 - (1 - HOLDING) * math.exp(min(in_a_clip, 1)), 2))  # Poisson's share holds none by chance


def describe(options: argparse.Namespace, videos: Sequence[Mapping], classes: Sequence[str]) -> str:
    """Two lines: what is learned from, by class, and how."""
    number = Counter(event["label"] for entry in videos for event in entry["events"])
    frames = sum(map(labelled_frames, videos))
    events = ", ".join(f"{number[name]:,} {name}" for name in classes)
    labels = "on the event's frame alone"
    if options.dilate_len:
        labels = f"{number_of(options.dilate_len, 'frame')} to either side of the event too"
    seen = f"squares of {options.crop_dim} pixels" if options.crop_dim else "whole frames"
    return (f"learns from {events}, in {number_of(frames, 'frame')} of {number_of(len(videos), 'video')}\n"
            f"recipe {options.recipe}: {seen}, {options.modality}, {options.fg_upsample:.0%} of clips about events, "
            f"{'mixup' if options.mixup else 'no mixup'}, labels {labels}, learning rate {options.learning_rate}")
