"""Video files to be spotted: which they are, what is not there yet of them, and one after the other, or on the machines
of a cluster, their events and all files that are asked for."""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from evaluation.rule import Rule, given
from footage.annotated_video import ANNOTATED_HEIGHT, write_annotated
from footage.raw_videos import ANNOTATED, FrameOptions, Frames, find_videos, probe
from label_forms.exports import EXPORTS, ExportedVideo, code_rate, export_video
from model.device import memory_errors
from model.folder import load_model
from spotting import event_files
from spotting.event_files import CANDIDATES, SPOTTED, Square
from spotting.whole_videos import Spotting, candidates, score, scored_events, settle, tell_other_rate, that_count
from util.cluster import Cluster
from util.errors import UserError, number_of
from util.events import Event
from util.io import sweep_lost
from util.lock import exclusive
from util.matches import match_and_part
from util.read_ahead import read_ahead
from util.stamps import SLACK
from util.time_limit import TimeLimit

TABLE = ".events.csv"  # how a table of events ends
SOCCERNET = "results_spotting.json"
PICTURES_AHEAD = 16  # of a copy that shows the events
WAIT = 120  # seconds for the lock of a machine that was lost, which a disk's server keeps for a while
MEMORY = "run on --device cpu"  # what helps where a device's does not do


@dataclass(frozen=True)
class Source:
    """A video file."""

    name: str  # the path below the folder that was given, or the file's name; without suffix
    path: Path
    base: Path  # of the files written for it: their path without ".events.json" and so on
    match: str  # the match it shows, as SoccerNet's UrlLocal names it
    part: int  # the half that it is of it; 1 where its name tells none
    match_file: Path  # for SoccerNet

    @property
    def lock(self) -> str:
        """The name of the file that is locked while the video is worked on."""
        return f".{self.base.name}.lock"

    def file(self, suffix: str) -> Path:
        """The file beside the video or in the folder of outputs with its name and `suffix`."""
        return self.base.with_name(self.base.name + suffix)


def find_sources(given: Iterable[Path], output: Path | None) -> list[Source]:
    """The video files that are given, and those in folders that are given, each once.

    Args:
        output: folder for what is written; None puts it beside each video.

    Raises:
        UserError: a file or folder is not there, a folder holds no video, `output` is a file, or two videos' files
            would have one name.
    """
    if output and output.exists() and not output.is_dir():
        raise UserError(f"{output}: is a file; name a folder")
    sources: list[Source] = []
    for path in given:
        if path.is_dir():
            sources += [_source(name, file, output or path, output) for name, file in find_videos(path).items()]
        elif path.is_file():
            sources.append(_source(path.stem, path, output or path.parent, output))
        else:
            raise UserError(f"{path}: no such video file or folder")
    bases: dict[str, Source] = {}
    for source in sources:
        other = bases.setdefault(str(source.base).casefold(), source)
        if not other.path.samefile(source.path):
            raise UserError(f"{source.path}: its events would go to the same file as {other.path}'s; rename one, or "
                            "spot them one by one with an --output each")
    return list(bases.values())


def check_matches(sources: Iterable[Source]) -> None:
    """
    Raises:
        UserError: two videos are the same half of a match.
    """
    halves: dict[tuple[Path, int], Source] = {}
    for source in sources:
        other = halves.setdefault((source.match_file, source.part), source)
        if other is not source:
            raise UserError(f"{source.path}: is half {source.part} of {source.match}, and so is {other.path}; "
                            "rename one, or spot them one by one")


def _source(name: str, path: Path, root: Path, output: Path | None) -> Source:
    base = root / name
    match, part = match_and_part(name)
    folder = root / match
    if part is None:  # SoccerNet's halves are 1_720p.mkv and 2_720p.mkv in a folder league/season/match
        parents = path.resolve().parent.parts[1:][-3:]
        of_folder, part = match_and_part("/".join((*parents, path.stem)))
        if part is None or of_folder != "/".join(parents):
            part = 1
        else:
            match, folder = of_folder, output / of_folder if output else path.parent
    return Source(name, path, base, match, part, folder / SOCCERNET)


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
    # without the stamp, until all files are there
    event_files.write_events(source.file(SPOTTED), source.name, fps, events)
    event_files.write_candidates(source.file(CANDIDATES), source.name, fps, candidates(spotting, first, scores),
                                 rule, spotting.classes, square_of(spotting, info.height),
                                 [str(path) for path in (args.model_dir, *args.others)])
    if args.csv:
        event_files.write_csv(source.file(TABLE), events)
    codes = info.fps if spotting.options.fps else code_rate(frames.times, info.fps)
    exported = ExportedVideo(source.name, source.name + source.path.suffix, codes, events, spotting.classes,
                             end=frames.times[-1] + 1 / codes if args.end == math.inf else math.inf)
    export_video(source.base, exported, args)
    if args.annotate:
        annotate(source, frames, events, spotting, first, fps, square_of(spotting, info.height))
    event_files.write_events(source.file(SPOTTED), source.name, fps, events, stamp)
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


def get_ready(args: argparse.Namespace, device: str, cores: int = 0) -> Spotting:
    """Load the models that spot_video.py's options name, and settle how they are used.

    Args:
        cores: to decode on; 0 for all.
    """
    model, *others = [load_model(path, device, args.precision) for path in (args.model_dir, *args.others)]
    weights = [each.fingerprint() for each in (model, *others)]
    spotting = settle(model, args.dataset, args.height, args.fps, given(args), not args.no_overlap, args.flip,
                      args.delay, others, args.ensemble_weights)
    asked = args.precision, args.start, args.end, args.lead, args.lag
    members = [(each.classes, each.options, each.overlap, each.flip, each.delay, each.weight)
               for each in (spotting, *spotting.others)]
    key = hashlib.sha256(repr((weights, asked, members, spotting.rule.as_json())).encode()).hexdigest()
    return replace(spotting, key=key, cores=cores)


def unfinished(sources: list[Source], spotting: Spotting, args: argparse.Namespace) -> list[Source]:
    """The videos whose files were not all made with the same models and options, or not of the same video; with
    --soccernet all of a match of which anything is missing."""
    def stands(source: Source) -> bool:
        files, results = files_of(source, args), source.match_file
        return (all(path.is_file() for path in files)
                and event_files.read_made_with(files[0]) == made_with(spotting, source)
                and (not args.soccernet or (results.is_file() and results.stat().st_mtime >= files[0].stat().st_mtime)))

    todo = {source for source in sources if not stands(source)}
    matches = {source.match_file for source in todo} if args.soccernet else set()
    return [source for source in sources if source in todo or source.match_file in matches]


Result = tuple[Source, list[Event] | UserError]


def in_turn(
    spotting: Spotting, sources: Iterable[Source], args: argparse.Namespace, limit: TimeLimit
) -> Iterator[Result]:
    """Spot one video after the other. Of two runs over the same videos, the one that comes to one later ends there."""
    for source in sources:
        if limit.over:
            return
        with _locked(source):
            try:
                result = spot(spotting, source, args)
            except UserError as error:
                result = error
            yield source, result


def _locked(source: Source, wait: float = 0.0) -> AbstractContextManager[None]:
    return exclusive(source.base.parent, f"another spot_video.py on {source.name}", wait, source.lock)


def on_cluster(
    cluster: Cluster, spotting: Spotting, sources: list[Source], args: argparse.Namespace, limit: TimeLimit
) -> Iterator[Result]:
    """Spot on each GPU that the machines have, or where they have none on each so many cores, with models that are
    loaded once."""
    device, cores, gpus = _share(cluster, args)
    load = partial(_load, args, device, cores, spotting.rule, spotting.key)
    with tqdm(total=len(sources), unit="video", ascii=True, disable=None) as bar:
        for source, outcome in cluster.each_loaded(load, sources, lambda source: source.path, cores, gpus, limit):
            outcome.tell()
            yield source, UserError(outcome.error) if outcome.error else outcome.value
            bar.update()


def _share(cluster: Cluster, args: argparse.Namespace) -> tuple[str, int, int]:
    """The device of a model, and the cores and GPUs that it takes."""
    shares = [machine.get("CPU", 0) // machine["GPU"] for machine in cluster.machines() if machine.get("GPU", 0) >= 1]
    if args.device == "cuda" and not shares:
        raise UserError("--device cuda: no machine of the cluster has a GPU that Ray knows of; ray start --num-gpus N "
                        "says so where it does not see them, --device cpu does without")
    if args.device in ("auto", "cuda") and shares:
        return "cuda", args.cores or max(1, int(min(shares))), 1
    return "cpu" if args.device == "auto" else args.device, args.cores or 1, 0


def _load(args: argparse.Namespace, device: str, cores: int, rule: Rule, key: str) -> Callable[[Source], list[Event]]:
    """On some machine: what spots a video there."""
    return partial(_spot_there, replace(get_ready(args, device, cores), rule=rule, key=key), args)


def _spot_there(spotting: Spotting, args: argparse.Namespace, source: Source) -> list[Event]:
    with _locked(source, WAIT), memory_errors(MEMORY):
        sweep_lost(*files_of(source, args))
        scored = spot(spotting, source, args)
    return scored if args.soccernet else []


def collect(results: Iterator[Result], sources: list[Source], args: argparse.Namespace) -> tuple[int, int]:
    """Write the files of whole matches as their videos come, and say what went wrong.

    Returns:
        How many videos failed, and how many are left as the time was up.
    """
    halves: dict[Path, dict[int, list[Event]]] = defaultdict(dict)
    due = Counter(source.match_file for source in sources)
    failed, left = 0, len(sources)
    for source, result in results:
        left -= 1
        if isinstance(result, UserError):
            failed += 1
            tqdm.write(f"error: {' '.join(str(result).split())}", sys.stderr)
        elif args.soccernet:
            halves[source.match_file][source.part] = result
            if len(halves[source.match_file]) == due[source.match_file]:
                event_files.write_soccernet(source.match_file, source.match, halves.pop(source.match_file))
    for match_file in halves if not left else ():
        print(f"error: {match_file}: not written, as not all videos of its match could be spotted", file=sys.stderr)
    if failed and len(sources) > 1:
        print(f"error: {failed} of {number_of(len(sources), 'video')} could not be spotted; the others are whole",
              file=sys.stderr)
    return failed, left
