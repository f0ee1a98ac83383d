"""A video file spotted: its events are found, and all files that are asked for are written."""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
import time
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from footage.annotated_video import ANNOTATED_HEIGHT, write_annotated
from footage.raw_videos import ANNOTATED, FrameOptions, Frames, probe
from footage.sources import Source
from label_forms.exports import EXPORTS, ExportedVideo, code_rate, export_video
from spotting.event_files import CANDIDATES, SPOTTED, Square, write_candidates, write_csv, write_events
from spotting.whole_videos import Spotting, candidates, score, scored_events, tell_other_rate, that_count
from util.errors import number_of
from util.events import Event
from util.read_ahead import read_ahead
from util.stamps import SLACK

TABLE = ".events.csv"  # how a table of events ends
PICTURES_AHEAD = 16  # of a copy that shows the events


def files_of(source: Source, args: argparse.Namespace) -> list[Path]:
    """All files that `spot` writes for a video, the events first."""
    suffixes = [SPOTTED, CANDIDATES, *[TABLE] * args.csv, *(EXPORTS[form].suffix for form in args.export),
                *[ANNOTATED] * args.annotate]
    return [source.file(suffix) for suffix in suffixes]


def made_with(spotting: Spotting, source: Source) -> str:
    """What tells that files were made of the same video with the same models and options."""
    stat = source.path.stat()
    return hashlib.sha256(f"{spotting.key} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:16]


def spot(spotting: Spotting, source: Source, args: argparse.Namespace) -> list[Event]:
    """Find the events of a video, write those that count as is asked for, and give all, as SoccerNet's servers want
    them, which choose thresholds themselves."""
    info = probe(source.path)
    fps = spotting.options.fps or info.fps
    tell_other_rate(spotting, source.path, fps)
    stamp, rule = made_with(spotting, source), spotting.rule
    spotting = spotting.at(fps)
    frames = Frames(source.path, spotting.options, args.start, args.end, spotting.cores)
    seconds = max(0.0, min(info.start + info.announced_frames / info.fps, args.end) - max(info.start, args.start))
    began = time.monotonic()
    first, scores = score(spotting, frames, round(seconds * fps) or None, source.name)
    taken = time.monotonic() - began
    if frames.faults:
        print(f"warning: {source.path}: {frames.faults}", file=sys.stderr)
    scored = scored_events(spotting, frames, first, scores)
    events = that_count(spotting, scored)
    write_events(source.file(SPOTTED), source.name, fps, events)  # without the stamp, until all files are there
    write_candidates(source.file(CANDIDATES), source.name, fps, candidates(spotting, first, scores), rule,
                     spotting.classes, square_of(spotting, info.height))
    if args.csv:
        write_csv(source.file(TABLE), events)
    codes = info.fps if spotting.options.fps else code_rate(frames.times, info.fps)
    exported = ExportedVideo(source.name, source.name + source.path.suffix, codes, events, spotting.classes,
                             end=frames.times[-1] + 1 / codes if args.end == math.inf else math.inf)
    export_video(source.base, exported, args)
    if args.annotate:
        annotate(source, frames, events, spotting, first, fps, square_of(spotting, info.height))
    write_events(source.file(SPOTTED), source.name, fps, events, stamp)
    late = f"; times count from the start of the file, {info.start:.3f} s before its first frame" * (info.start > SLACK)
    print(f"{source.file(SPOTTED)}: {number_of(len(events), 'event')} in {number_of(len(scores), 'frame')}, "
          f"{len(scores) / taken:.0f} frames/s{late}", flush=True)
    return scored


def square_of(spotting: Spotting, height: int) -> Square | None:
    """What the model sees of a video, of several the largest; None: whole frames.

    Args:
        height: lines of the video; a lower one is not enlarged.
    """
    models = [spotting, *spotting.others]
    if not all(model.config.crop_dim for model in models):
        return None
    return max((Square(model.config.crop_dim, min(height, model.options.height)) for model in models),
               key=lambda square: square.share)


def annotate(
    source: Source, frames: Frames, events: list[Event], spotting: Spotting, first: int, fps: float,
    square: Square | None,
) -> None:
    """Write the copy that shows events, and the square that the model sees."""
    options = FrameOptions(ANNOTATED_HEIGHT, spotting.options.fps)
    again = iter(Frames(source.path, options, frames.start, frames.end, spotting.cores))
    with (
        tqdm(total=len(frames.times), desc=f"{source.name}{ANNOTATED}", unit="frame", disable=None) as bar,
        closing(read_ahead(again, PICTURES_AHEAD)) as pictures,
    ):
        timed = ((frames.times[number - first], picture) for number, picture in pictures if not bar.update())
        write_annotated(source.file(ANNOTATED), timed, events, spotting.classes, first, len(frames.times), fps,
                        square and square.share, source.path)
