"""A live source through a model: its events, each as soon as it is sure."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain, groupby

import numpy as np
import torch
from torch import Tensor

from dataset.frames import centre, crop_frame
from footage.live import LiveFrame, LiveSource
from model.live import Delay, frames_in, live_scores, plan_delay
from spotting.whole_videos import Spotting, tell_other_rate, that_count
from util.clock import exact_time
from util.errors import number_of
from util.events import Event, EventTable, event_dicts, recall_events
from util.read_ahead import read_ahead

AHEAD = 8  # frames that are decoded while the network works


def live_events(spotting: Spotting, source: LiveSource, seconds: float | None = None) -> Iterator[Event]:
    """The events of a source until it ends. What there is to say of the source goes to stderr.

    Args:
        seconds: of delay; None: as many as it takes for the scores of the whole video.

    Yields:
        {"frame", "label", "score", "time", "clock", "delay"}: h:mm:ss.mmm since the first frame (of a file since its
        start), the frame's time of day, seconds from then until now.

    Raises:
        UserError: the delay is too short for the suppression.
    """
    spotting = spotting.at(source.fps)
    delay = plan_delay(spotting.spotter, spotting.overlap, spotting.rule.reach,
                       None if seconds is None else frames_in(seconds, source.fps))
    tell_other_rate(spotting, source.source, source.fps)
    print(f"{source.source}: an event is sure {number_of(delay.frames, 'frame')} after its own, {delay}; at "
          f"{source.fps:.4g} frames per second {delay.frames / source.fps:.2f} s, and the time of computing",
          file=sys.stderr, flush=True)
    found, run = 0, 0

    def run_of(frame: LiveFrame) -> int:
        nonlocal run
        run += frame.begins
        return run

    with closing(read_ahead(iter(source), AHEAD, endless=True)) as frames:
        for _, following in groupby(frames, run_of):
            for event in _events_of_run(spotting, following, delay):
                found += 1
                yield event
    print(f"{source.source}: {number_of(found, 'event')}; {number_of(source.dropped, 'frame')} dropped as the machine "
          f"was too slow, {source.lost} times lost", file=sys.stderr)


def _events_of_run(spotting: Spotting, frames: Iterable[LiveFrame], delay: Delay) -> Iterator[Event]:
    """The events of frames one after the other, as of a video of its own."""
    known: dict[int, tuple[int, float, float]] = {}  # of frames that wait, by place: number, seconds and time of day

    def on_device() -> Iterator[Tensor]:
        crop = spotting.config.crop_dim
        for place, frame in enumerate(frames):
            known[place] = frame.number, frame.seconds, frame.wall
            cropped = crop_frame(frame.picture, *centre(*frame.picture.shape[:2], crop), crop)
            tensor = torch.from_numpy(np.ascontiguousarray(cropped)).permute(2, 0, 1)[None]
            yield tensor.to(spotting.spotter.device, non_blocking=True)

    scores = live_scores(spotting.spotter, on_device(), delay, spotting.flip)
    rule = partial(spotting.rule.scored, classes=spotting.classes)
    for table, decided in sure_events(rule, spotting.rule.reach, scores):
        for event in that_count(spotting, event_dicts(table, spotting.classes)):
            number, seconds, wall = known[event["frame"]]
            clock = datetime.fromtimestamp(wall).astimezone().isoformat(timespec="milliseconds")
            yield {**event, "frame": number, "time": exact_time(seconds), "clock": clock,
                   "delay": round(time.time() - wall, 3)}
        for place in [place for place in known if place < decided]:
            del known[place]


def sure_events(
    thinned: Callable[..., EventTable], reach: int, scores: Iterable[np.ndarray]
) -> Iterator[tuple[EventTable, int]]:
    """The events of a video out of its scores as they come, each as soon as no further score can change it.

    Args:
        thinned: as `Rule.scored`, but for the classes: takes events, and `num_frames` once it is known.
        reach: frames to either side of an event that decide on it.
        scores: float (n, K + 1) of the next n frames.

    Yields:
        The events that are sure and were not given yet, by frame, and the frame up to which all are.
    """
    kept, first, decided = None, 0, 0  # the scores that still decide on events, and their first frame
    for rows in chain(scores, [None]):
        if rows is not None:
            kept = rows if kept is None else np.concatenate((kept, rows))
        if kept is None:
            return
        end = first + len(kept)
        events, until = recall_events(kept), end if rows is None else max(decided, end - reach)
        events = thinned(replace(events, frame=events.frame + first),
                         num_frames=np.array([end]) if rows is None else None)
        yield events.take((events.frame >= decided) & (events.frame < until)), until
        drop = max(0, until - reach - first)
        kept, first, decided = kept[drop:], first + drop, until
