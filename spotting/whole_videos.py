"""Whole video files -> scores -> the events that count, by one trained model or several."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from torch import Tensor
from tqdm import tqdm

from dataset.frames import stretches
from dataset.labels import read_classes, read_split
from footage.raw_videos import FrameOptions, Frames, nothing_decoded
from model.folder import TrainedModel, members_of
from model.folding import for_inference
from model.inference import head_overlap, score_stretches
from model.spotter import EventSpotter
from util.clock import show_time
from util.config import ModelConfig
from util.ensemble import average_scores
from util.errors import UserError
from util.events import Event, event_dicts, recall_events
from util.read_ahead import read_ahead
from util.rule import UNGIVEN, Given, Origin, Rule, find_rule

AHEAD = 2  # stretches that are decoded while the network works on one


@dataclass(frozen=True)
class Spotting:
    """What is the same for all videos."""

    spotter: EventSpotter  # ready for inference
    config: ModelConfig
    classes: list[str]
    options: FrameOptions
    overlap: int  # frames
    rule: Rule
    flip: bool = False  # score the mirrored frames as well
    weight: float = 1.0  # of this model in a mean
    others: Sequence[Spotting] = ()  # models whose scores are averaged with this one's
    cores: int = 0  # to decode on; 0 for all
    key: str = ""  # of the models and options, by which files are known that were made with them


def settle(
    model: TrainedModel,
    dataset: str | None = None,
    height: int | None = None,
    fps: float | None = None,
    given: Given = UNGIVEN,
    overlap: bool = True,
    flip: bool = False,
    others: Sequence[TrainedModel] = (),
    weights: Sequence[float] | None = None,
) -> Spotting:
    """Settle how frames are made and which events count; None means as in training. It is printed.

    Args:
        given: what of the rule by which scores become events is not to be as val chooses it.
        others: models whose scores are averaged with the first one's, on the classes that all know.
        weights: of the first and the others; None: all alike.
    """
    models, dataset = [model, *others], dataset or model.config.dataset
    classes = list(model.config.classes or ()) or read_classes(dataset)
    members = members_of(models, classes, dataset, weights)
    rates = {each.folder: fps or each.config.resample_fps for each in models}
    if len(set(rates.values())) > 1:
        said = ", ".join(f"{folder}: {rate or 'as the video has'}" for folder, rate in rates.items())
        raise UserError(f"the models were trained on frames of different rates ({said}); set one for all with --fps")
    origin = Origin(model.folder, "", model.epoch, classes, partial(read_split, dataset),
                    members=members if others else ())
    rule = find_rule(origin, given)
    ready = [
        Spotting(for_inference(each.spotter), each.config, member.classes,
                 FrameOptions(height or trained_height(each), rates[each.folder]),
                 head_overlap(each.spotter.architecture.clip_len) if overlap else 0, rule, flip, member.weight)
        for each, member in zip(models, members, strict=True)
    ]
    print(*models, rule, sep="\n")
    return replace(ready[0], others=ready[1:])


def trained_height(model: TrainedModel) -> int:
    """The lines of the frames that a model was trained on."""
    if model.config.frame_height is not None:
        return model.config.frame_height
    print(f"{model.folder / 'config.json'}: does not say the height of the frames; taken as {FrameOptions.height}, "
          "--height sets another", file=sys.stderr)
    return FrameOptions.height


def find_events(spotting: Spotting, video: Path | str, start: float = 0.0, end: float = math.inf) -> list[Event]:
    """The events of a video file between two times, in seconds: [{"label", "frame", "score", "seconds"}]."""
    frames = Frames(Path(video), spotting.options, start, end)
    return that_count(spotting, scored_events(spotting, frames, *score(spotting, frames, None, frames.path.name)))


def score(spotting: Spotting, frames: Frames, total: int | None, name: str) -> tuple[int, np.ndarray]:
    """Score a video: the number of its first frame, and float32 (num_frames, K + 1), of several models the mean.

    Each model decodes the video for itself, to frames of the height that it was trained on.
    """
    first, scores = score_alone(spotting, frames, total, name)
    if not spotting.others:
        return first, scores
    models, tables = [spotting, *spotting.others], [scores]
    for number, other in enumerate(spotting.others, 2):
        again = Frames(frames.path, other.options, frames.start, frames.end, frames.threads)
        tables.append(score_alone(other, again, total, f"{name}, model {number} of {len(models)}")[1])
    own, weights = [model.classes for model in models], [model.weight for model in models]
    return first, average_scores(tables, own, spotting.classes, weights)


def score_alone(spotting: Spotting, frames: Frames, total: int | None, name: str) -> tuple[int, np.ndarray]:
    """What `score` gives, by the first model alone, as the video is decoded."""
    begins: list[int] = []

    def on_device() -> Iterator[Tensor]:
        with closing(read_ahead(stretches(frames, spotting.config.crop_dim), AHEAD)) as ahead:
            for first, stretch in ahead:
                begins.append(first)
                yield stretch.to(spotting.spotter.device, non_blocking=True)
                bar.update(len(stretch))

    with tqdm(total=total, desc=name, unit="frame", disable=None) as bar, closing(on_device()) as parts:
        clip_len = spotting.spotter.architecture.clip_len
        scores = list(score_stretches(spotting.spotter, parts, clip_len, spotting.overlap, spotting.flip))
    if not begins:
        if frames.start > 0 or frames.end < math.inf:
            until = f" to {show_time(frames.end)}" if frames.end < math.inf else ""
            raise UserError(f"{frames.path}: has no frame from {show_time(frames.start)}{until} on; choose another "
                            "--start or --end")
        raise nothing_decoded(frames.path)
    return begins[0], np.concatenate(scores)


def scored_events(spotting: Spotting, frames: Frames, first: int, scores: np.ndarray) -> list[Event]:
    """All events after suppression, with their seconds since the video's start, from what `score` gives."""
    events = spotting.rule.scored(recall_events(scores), spotting.classes, np.array([len(scores)]))
    return [
        {**event, "frame": first + event["frame"], "seconds": frames.times[event["frame"]]}
        for event in event_dicts(events, spotting.classes)
    ]


def that_count(spotting: Spotting, events: list[Event]) -> list[Event]:
    """Those that score above the threshold of their class."""
    levels = dict(zip(spotting.classes, spotting.rule.levels(spotting.classes), strict=True))
    return [event for event in events if event["score"] > levels[event["label"]]]
