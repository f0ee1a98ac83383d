"""Many video files spotted, in turn or on the machines of a cluster; what stands there already is left out."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from evaluation.rule import Rule, given
from footage.sources import Source
from model.device import memory_errors
from model.folder import load_model
from spotting.event_files import read_made_with, write_soccernet
from spotting.video_files import files_of, made_with, spot
from spotting.whole_videos import Spotting, settle
from util.cluster import Cluster
from util.errors import UserError, number_of
from util.events import Event
from util.io import sweep_lost
from util.lock import exclusive
from util.time_limit import TimeLimit

WAIT = 120  # seconds for the lock of a machine that was lost, which a disk's server keeps for a while
MEMORY = "run on --device cpu"  # what helps where a device's does not do

Result = tuple[Source, list[Event] | UserError]


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
    todo = {source for source in sources if not _stands(source, spotting, args)}
    matches = {source.match_file for source in todo} if args.soccernet else set()
    return [source for source in sources if source in todo or source.match_file in matches]


def _stands(source: Source, spotting: Spotting, args: argparse.Namespace) -> bool:
    files = files_of(source, args)
    if not all(path.is_file() for path in files) or read_made_with(files[0]) != made_with(spotting, source):
        return False
    results = source.match_file
    return not args.soccernet or (results.is_file() and results.stat().st_mtime >= files[0].stat().st_mtime)


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
                write_soccernet(source.match_file, source.match, halves.pop(source.match_file))
    for match_file in halves if not left else ():
        print(f"error: {match_file}: not written, as not all videos of its match could be spotted", file=sys.stderr)
    if failed and len(sources) > 1:
        print(f"error: {failed} of {number_of(len(sources), 'video')} could not be spotted; the others are whole",
              file=sys.stderr)
    return failed, left
