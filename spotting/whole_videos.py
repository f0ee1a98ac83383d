"""Whole video files -> scores -> the events that count, by one trained model or several."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import tee
from pathlib import Path

import numpy as np
from torch import Tensor
from tqdm import tqdm

from dataset.frames import crop_stretch, stretches
from dataset.labels import read_classes, read_split
from evaluation.rule import UNGIVEN, Given, Origin, Rule, find_rule
from footage.decoding import nothing_decoded
from footage.raw_videos import FrameOptions, Frames, probe
from model.folder import TrainedModel, members_of
from model.folding import for_inference
from model.inference import head_overlap, score_stretches
from model.live import frames_in, live_scores, plan_delay
from model.spotter import EventSpotter
from util.clock import show_time
from util.config import ModelConfig
from util.ensemble import average_scores
from util.errors import UserError
from util.events import Event, event_dicts, recall_events
from util.read_ahead import read_ahead

OTHER_RATE = 0.1  # by which a video's rate may differ from that of the training before a word is said
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
    delay: float | None = None  # seconds after which a frame is settled, as live; None: when the whole video is known
    weight: float = 1.0  # of this model in a mean
    others: Sequence[Spotting] = ()  # models whose scores are averaged with this one's
    cores: int = 0  # to decode on; 0 for all
    key: str = ""  # of the models and options, by which files are known that were made with them

    def at(self, fps: float) -> Spotting:
        """The same for videos of one rate, with the rule's window in frames."""
        return replace(self, rule=self.rule.at(fps), others=[other.at(fps) for other in self.others])


def settle(
    model: TrainedModel, dataset: str | None = None, height: int | None = None, fps: float | None = None,
    given: Given = UNGIVEN, overlap: bool = True, flip: bool = False, delay: float | None = None,
    others: Sequence[TrainedModel] = (), weights: Sequence[float] | None = None,
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
                 head_overlap(each.spotter) if overlap else 0, rule, flip, delay, member.weight)
        for each, member in zip(models, members, strict=True)
    ]
    known = [{"fps": rates[model.folder]}] if rates[model.folder] else []
    print(*models, rule, f"after {rule.suppression.in_words(known)}", sep="\n")
    return replace(ready[0], others=ready[1:])


def trained_height(model: TrainedModel) -> int:
    """The lines of the frames that a model was trained on."""
    if model.config.frame_height is not None:
        return model.config.frame_height
    print(f"{model.folder / 'config.json'}: does not say the height of the frames; taken as {FrameOptions.height}, "
          "--height sets another", file=sys.stderr)
    return FrameOptions.height


def tell_other_rate(spotting: Spotting, name: Path | str, fps: float) -> None:
    """Say on stderr that a video has another rate than those of the training, where it has."""
    rates = {each.config.frame_fps for each in (spotting, *spotting.others)}
    for trained in sorted(known for known in rates if known and abs(fps / known - 1) > OTHER_RATE):
        print(f"{name}: has {fps:.4g} frames per second, and most videos of the training had {trained:.4g}; "
              f"--fps {trained:.4g} may find more", file=sys.stderr)


def find_events(spotting: Spotting, video: Path | str, start: float = 0.0, end: float = math.inf) -> list[Event]:
    """The events of a video file between two times, in seconds: [{"label", "frame", "score", "seconds"}]."""
    frames = Frames(Path(video), spotting.options, start, end)
    spotting = spotting.at(spotting.options.fps or probe(frames.path).fps)
    return that_count(spotting, scored_events(spotting, frames, *score(spotting, frames, None, frames.path.name)))


def score(spotting: Spotting, frames: Frames, total: int | None, name: str) -> tuple[int, np.ndarray]:
    """Score a video: the number of its first frame, and float32 (num_frames, K + 1), of several models the mean.

    It is decoded once for all models that were trained on frames of one height.
    """
    by_options: dict[FrameOptions, list[Spotting]] = {}
    for model in (spotting, *spotting.others):
        by_options.setdefault(model.options, []).append(model)
    tables: list[np.ndarray] = []
    for options, models in by_options.items():
        again = Frames(frames.path, options, frames.start, frames.end, frames.threads) if tables else frames
        label = name if len(by_options) == 1 else f"{name}, {options.height} lines"
        first, scores = score_together(models, again, total, label)
        tables += scores
    if not spotting.others:
        return first, tables[0]
    return first, average_scores(tables, [model for models in by_options.values() for model in models],
                                 spotting.classes)


def score_together(
    models: Sequence[Spotting], frames: Frames, total: int | None, name: str
) -> tuple[int, list[np.ndarray]]:
    """What `score` gives, by each of some models alone, as the video is decoded."""
    begins: list[int] = []
    taken = [0] * len(models)  # stretches, by each model
    crops = {model.config.crop_dim for model in models}

    def decoded() -> Iterator[Tensor]:
        with closing(read_ahead(stretches(frames, crops.pop() if len(crops) == 1 else None), AHEAD)) as ahead:
            for first, stretch in ahead:
                begins.append(first)
                bar.update(len(stretch))
                yield stretch

    def on_device(place: int, feed: Iterator[Tensor]) -> Iterator[Tensor]:
        for stretch in feed:
            taken[place] += 1
            cropped = crop_stretch(stretch, models[place].config.crop_dim)
            yield cropped.to(models[place].spotter.device, non_blocking=True)

    with tqdm(total=total, desc=name, unit="frame", disable=None) as bar, closing(decoded()) as parts:
        rows = [_rows(models[place], on_device(place, feed), frames.path)
                for place, feed in enumerate(tee(parts, len(models)))]
        scores: dict[int, list[np.ndarray]] = {place: [] for place in range(len(models))}
        going = set(scores)
        while going:  # the one that is furthest back goes on: so few stretches are kept for it
            place = min(going, key=taken.__getitem__)
            if (piece := next(rows[place], None)) is None:
                going.remove(place)
            else:
                scores[place].append(piece)
    if not begins:
        if frames.start > 0 or frames.end < math.inf:
            until = f" to {show_time(frames.end)}" if frames.end < math.inf else ""
            raise UserError(f"{frames.path}: has no frame from {show_time(frames.start)}{until} on; choose another "
                            "--start or --end")
        raise nothing_decoded(frames.path)
    return begins[0], [np.concatenate(pieces) for pieces in scores.values()]


def _rows(spotting: Spotting, parts: Iterator[Tensor], video: Path) -> Iterator[np.ndarray]:
    """The scores of a video that comes in stretches, as they come."""
    spotter, overlap, flip = spotting.spotter, spotting.overlap, spotting.flip
    if spotting.delay is None:
        return score_stretches(spotter, parts, spotter.architecture.clip_len, overlap, flip)
    late = frames_in(spotting.delay, spotting.options.fps or probe(video).fps)
    return live_scores(spotter, parts, plan_delay(spotter, overlap, spotting.rule.reach, late), flip)


def candidates(spotting: Spotting, first: int, scores: np.ndarray) -> list[Event]:
    """All events before suppression, from what `score` gives."""
    moved = spotting.rule.moved(recall_events(scores), spotting.classes, np.array([len(scores)]))
    return [{**event, "frame": first + event["frame"]} for event in event_dicts(moved, spotting.classes)]


def scored_events(spotting: Spotting, frames: Frames, first: int, scores: np.ndarray) -> list[Event]:
    """All events after suppression, with their seconds since the video's start, from what `score` gives."""
    events = spotting.rule.scored(recall_events(scores), spotting.classes, np.array([len(scores)]))
    return [{**event, "frame": first + event["frame"], "seconds": frames.times[event["frame"]]}
            for event in event_dicts(events, spotting.classes)]


def that_count(spotting: Spotting, events: list[Event]) -> list[Event]:
    """Those that score above the threshold of their class."""
    levels = dict(zip(spotting.classes, spotting.rule.levels(spotting.classes), strict=True))
    return [event for event in events if event["score"] > levels[event["label"]]]
