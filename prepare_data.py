"""Make frames of videos and, from their labels, the splits of a dataset.

    python prepare_data.py --videos ./Videos --output ./Frames
    python prepare_data.py --videos ./Videos --output ./Frames --labels ./Labels --dataset futsal

Every video file below --videos becomes --output/<path without suffix>/000000.jpg, 000001.jpg, ... Frames
that are there already, from the same file with the same options, are kept. --labels names the label files: a
<video>.json for each video, a file for each match (SoccerNet's Labels-ball.json, or one that counts the match's
frames), or a table (CSV). They give data/<dataset>/: class.txt, train.json, val.json, test.json, with both
halves of a match in one.
"""

from __future__ import annotations

from util.script import run_script

import argparse
import sys
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from dataset.labels import SPLITS, dataset_dir, finish_writing, read_classes, read_entries, read_split, write_dataset
from dataset.splits import choose_splits, read_splits, report_splits, split_entries
from footage.extraction import FramesJob, check_space, extract_all, plan_frames, probe_all, report_frames
from footage.frame_folders import lack_stamps, made_options
from footage.raw_videos import FrameOptions, VideoInfo, find_videos
from label_forms.clock import announced_record
from label_forms.fields import INSTANTS, MEANINGS, Timecode, read_time
from label_forms.forms import FORMS, read_labels
from label_forms.sets import count_timecodes, drop_not_shown, report_labels, settle_classes, split_teams
from label_forms.timeline import Placement, place_events
from label_forms.videos import Labelled, check_second_half, pair_labels, without_missing
from util.clock import parse_time
from util.cluster import Cluster, add_cluster_option, joined
from util.doubts import doubt_classes, doubt_rates
from util.entries import composed
from util.errors import UserError, number_of
from util.io import keep_apart
from util.lock import exclusive
from util.matches import matches_of
from util.options import count, frame_rate, positive
from util.time_limit import TimeLimit, add_limit_option, time_is_up


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--videos", type=Path, required=True, metavar="DIR", help="folder with the video files, at any depth")
    add("--output", type=Path, required=True, metavar="DIR", help="folder for the frames")
    add("--height", type=positive, default=224, metavar="LINES",
        help="height of the frames, the width following it; a lower video keeps its own size (default: 224)")
    add("--fps", type=frame_rate, metavar="N",
        help="frames per second, by time stamp; label frames are converted (default: each frame of the video)")
    add("--allow_short", action="store_true",
        help="take videos that are cut off or damaged, as far as they can be decoded, instead of failing them; their "
             "video.json tells how many frames are missing")
    add("-j", "--num_workers", type=positive, metavar="N", help="processor cores to extract frames on (default: all)")
    add_cluster_option(parser)
    add_limit_option(parser)
    add_label_options(parser)
    add_dataset_options(parser)
    return parser.parse_args()


def add_label_options(parser: argparse.ArgumentParser) -> None:
    """How label files are read."""
    add = parser.add_argument_group("labels").add_argument
    add("--labels", type=Path, metavar="PATH",
        help="folder with the label files, or one such file; makes the dataset's splits")
    add("--label_form", choices=FORMS, help="form of all label files (default: as each one's content tells)")
    add("--label_fps", type=frame_rate, metavar="N",
        help="frames per second that labels count, where their file does not tell (default: 30 in the raw form, else "
             "the rate of the video)")
    add("--label_files", metavar="PATTERN",
        help="take only such files of the folder, where it holds several kinds: *.edl, ann/*.csv")
    add("--columns", nargs="+", type=_column, metavar="WHAT=COLUMN",
        help="where a table, or a list of JSON objects, has what: video, half, frame, time, start, end, label, team, "
             "x, y (of the event in the picture, 0 to 1); a number counts the columns of a table without names from 1")
    add("--timecode_start", type=_timecode, metavar="CODE",
        help="time code at which each video begins, in labels by time code (default: 00:00:00:00)")
    add("--instant", choices=INSTANTS,
        help="which moment of events with a start and an end (default: the middle in Sportscode's XML and LongoMatch's "
             "CSV, whose clips have a lead and a lag, else the start)")
    add("--split_label_team", metavar="SIGN",
        help="part labels at this sign into class and team: - parts PASS-left")
    add("--second_half", nargs="+", type=_second_half, default=[], metavar="[MATCH=]PLACE",
        help="where the second half begins in labels that count through the match: a frame (seconds, in labels by "
             "time) or a time with colons, for all matches or one (default: where the first video ends)")
    add("--only", nargs="+", metavar="CLASS", help="keep the events of these classes, drop the others")
    add("--drop", nargs="+", choices=("unplaceable", "not_shown"), default=[], metavar="WHICH",
        help="leave events out, and count them: unplaceable, those that no video shows, instead of stopping; "
             "not_shown, those that the picture does not show by SoccerNet's visibility")
    add("--skip_unlabelled", action="store_true",
        help="leave videos that have no labels out of the dataset, instead of stopping")
    add("--skip_missing", action="store_true",
        help="leave labels that have no video out of the dataset, instead of stopping")


def add_dataset_options(parser: argparse.ArgumentParser) -> None:
    """Which dataset labels make, and what goes to which split."""
    add = parser.add_argument_group("the dataset that they make").add_argument
    add("--dataset", default="futsal", metavar="NAME",
        help="name below data/, or path with a slash (default: futsal)")
    add("--split_by", choices=("match", "video"), default="match",
        help="what goes to a split whole; video is for videos that have nothing to do with each other (default: match)")
    add("--splits", type=Path, metavar="FILE",
        help='JSON that names the matches of each split, {"train": [...], "val": [...], "test": [...]}, or a folder of '
             "train.json, val.json and test.json, as data/NAME, whose matches stay in their splits, new ones going to "
             "train (default: as even as can be)")
    add("--seed", type=count, default=0, metavar="N",
        help="0: the most even splits; any other: some that are nearly as even (default: 0)")
    add("--overwrite", action="store_true", help="replace splits that are there and differ")


def _column(text: str) -> tuple[str, str]:
    meaning, _, column = text.partition("=")
    if meaning not in MEANINGS or not column.strip():
        raise argparse.ArgumentTypeError(f"{text} must be such as time=Begin, with one of {', '.join(MEANINGS)}")
    return meaning, column.strip()


def _timecode(text: str) -> Timecode:
    code = read_time(text)
    if not isinstance(code, Timecode):
        raise argparse.ArgumentTypeError(f"{text} must be a time code such as 01:00:00:00")
    return code


def _second_half(text: str) -> tuple[str, str]:
    match, _, place = text.rpartition("=")
    if parse_time(place) is None:
        raise argparse.ArgumentTypeError(f"{text} must be a frame or a time, such as 36000 or 20:00.5, or one for a "
                                         "match, such as argentina_brazil=20:00.5")
    return composed(match), place


def main() -> int:
    args = parse_args()
    keep_apart("--output", args.output, args.videos)
    if args.labels:  # these are looked for in all folders below, where each video's frames have their own JSON
        keep_apart("--output", args.output, args.labels, below=True)
    limit = TimeLimit(args.limit_hours)
    with (
        exclusive(args.output, "another prepare_data.py"),
        joined(args.cluster, seen=[args.videos], written=[args.output]) as cluster,
    ):
        return prepare(args, cluster, limit)


def prepare(args: argparse.Namespace, cluster: Cluster | None, limit: TimeLimit) -> int:
    videos = find_videos(args.videos)
    infos, failures = probe_all(videos)
    if doubt := None if args.fps else doubt_rates({video: info.fps for video, info in infos.items()}):
        warn([doubt])
    if args.labels:
        labelled, classes = read_all_labels(args, videos)
        match_of = matches_of(videos)
        whole = {video: match_of[video] if args.split_by == "match" else video  # what goes to one split
                 for one in labelled for video in one.parts.values()}
        where = read_splits(args.splits, whole) if args.splits else {}
        look_ahead(args, labelled, infos)

    records, more_failures = make_frames(args, videos, infos, cluster, limit)
    failures |= more_failures
    if failures:
        for video in sorted(failures):
            print(f"error: {failures[video]}", file=sys.stderr)
        rest = "; no dataset is written" if args.labels else ""
        raise UserError(f"{len(failures)} of {number_of(len(videos), 'video')} failed (above){rest}")
    if left := len(videos) - len(records):
        return time_is_up(left)

    if args.labels:
        entries = make_entries(args, labelled, records)
        splits = split_entries(entries, whole, where or choose_splits(entries, whole, args.seed))
        folder = dataset_dir(args.dataset)
        written = write_dataset(folder, classes, splits, args.overwrite)
        found = {event["label"] for entry in entries for event in entry["events"]}
        table, warnings = report_splits(splits, whole, match_of, [name for name in classes if name in found])
        print("\n".join(table))
        warn(warnings)
        print(f"{folder}: {'written' if written else 'is the same already'}")
    return 0


def warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)


def read_all_labels(args: argparse.Namespace, videos: Collection[str]) -> tuple[list[Labelled], list[str]]:
    """The labels, with the videos that they are about, and the classes; what was read is printed."""
    finish_writing(dataset_dir(args.dataset))
    known = read_classes(args.dataset) if (dataset_dir(args.dataset) / "class.txt").exists() else None
    sets = read_labels(args.labels, args.label_form, args.label_fps, args.instant, dict(args.columns or ()),
                       args.label_files)
    sets = count_timecodes(sets, args.timecode_start) if args.timecode_start else sets
    sets = split_teams(sets, args.split_label_team) if args.split_label_team else sets
    sets, classes = settle_classes(drop_not_shown(sets, "not_shown" in args.drop), known, args.only)
    print("\n".join(report_labels(sets)))
    warn(warning for labels in sets for warning in labels.warnings)
    numbers = Counter(event.fields["label"] for labels in sets for event in labels.events)
    warn(f"{name}: {doubt}" for name, doubt in doubt_classes(numbers))
    if args.skip_missing:
        sets, notes = without_missing(sets, videos)
        print("".join(f"{note}\n" for note in notes), end="")
    labelled = pair_labels(sets, videos)
    if not labelled:
        raise UserError(f"{args.labels}: holds labels of no video below {args.videos}; rename the ones or the others")
    check_second_half(labelled, dict(args.second_half))
    check_unlabelled(set(videos) - {video for one in labelled for video in one.parts.values()}, args)
    return labelled, settled_classes(args, classes, labelled)


def settled_classes(args: argparse.Namespace, classes: list[str], labelled: Iterable[Labelled]) -> list[str]:
    """The classes; with --overwrite without those that no label has any more, where class.txt is as this script made it
    of the splits that stand, and nobody's own list."""
    folder, before = dataset_dir(args.dataset), set()
    now = {event.fields["label"] for one in labelled for event in one.labels.events}
    unused = [name for name in classes if name not in now]
    with suppress(UserError):  # splits that cannot be read say nothing of the classes
        before = {event["label"] for split in SPLITS if (folder / f"{split}.json").exists()
                  for entry in read_entries(args.dataset, split)[0] for event in entry.content["events"]}
    if unused and now and args.overwrite and classes == sorted(before):
        print(f"{folder / 'class.txt'}: {', '.join(unused)}, which no label has any more, is left out")
        return [name for name in classes if name in now]
    if unused:
        warn([f"{folder / 'class.txt'}: no label has {', '.join(unused)}; take it out there, or correct the labels"])
    return classes


def check_unlabelled(unlabelled: set[str], args: argparse.Namespace) -> None:
    """Each video must have labels, unless --skip_unlabelled is given."""
    names = sorted(unlabelled)
    if names and args.skip_unlabelled:
        print(f"left out of the dataset, as they have no labels: {', '.join(names)}")
    elif names:
        rest = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
        raise UserError(f"{args.labels}: no labels for video {names[0]!r}{rest}; add {names[0]}.json (where nothing "
                        'happens, with {"events": []}), or leave videos without labels out: --skip_unlabelled')


def look_ahead(args: argparse.Namespace, labelled: list[Labelled], infos: dict[str, VideoInfo]) -> None:
    """Find before the long work starts what would end it: rates that clash, and events past the end.

    What a file announces may be a few frames off, so that an event past it is only warned of here.
    """
    records = {video: announced_record(info, args.fps) for video, info in infos.items()}
    placed = [place_events(one, records, dict(args.second_half)) for one in labelled
              if records.keys() >= set(one.parts.values())]  # others are no videos, and reported as such
    if "unplaceable" not in args.drop:
        warn(f"{message} (by what the video announces; if that is so, no dataset will be written, unless --drop "
             "unplaceable is given)" for one in placed for message in one.outside)
        refuse_unplaced([replace(one, outside=[], unplaced=len(one.homeless)) for one in placed])


def make_entries(args: argparse.Namespace, labelled: list[Labelled], records: dict[str, dict]) -> list[dict]:
    """The split entries of all videos; how events were converted is printed."""
    placed = [place_events(one, records, dict(args.second_half)) for one in labelled]
    for one in placed:
        print("".join(f"{note}\n" for note in one.notes), end="")
        warn(one.warnings)
    if "unplaceable" not in args.drop:
        refuse_unplaced(placed)
    for message in (message for one in placed for message in (*one.homeless, *one.outside)):
        print(f"left out: {message}")
    if left_out := sum(one.unplaced for one in placed):
        print(f"{number_of(left_out, 'event')} left out by --drop unplaceable")
    return [entry for one in placed for entry in one.entries]


def refuse_unplaced(placed: Iterable[Placement]) -> None:
    """Raise a UserError where there are events that no video shows; it says how many, and the way out."""
    placed = list(placed)
    messages = [message for one in placed for message in (*one.homeless, *one.outside)]
    for message in messages[:-1]:
        print(f"error: {message}", file=sys.stderr)
    if messages:
        events = number_of(sum(one.unplaced for one in placed), "event")
        gap = "" if messages[-1].endswith("?") else ";"
        raise UserError(f"{messages[-1]}{gap} --drop unplaceable leaves out what no video shows ({events})")


def check_replaced(dataset: str, jobs: Iterable[FramesJob], options: FrameOptions) -> None:
    """Frames of the dataset that stands there are not made otherwise before it may be replaced too."""
    folder = dataset_dir(dataset)
    for job in jobs:
        made_with = made_options(job.folder) or {}
        changed = [f"--{name} {made_with[name] or 'none'}" for name, value in asdict(options).items()
                   if made_with.get(name, value) != value]
        splits = [split for split in SPLITS if changed and (folder / f"{split}.json").exists()]
        if any(entry["video"] == job.video for split in splits for entry in read_split(dataset, split)):
            raise UserError(f"{job.folder}: holds the frames of {folder}, made with {', '.join(changed)}; replace both "
                            "with --overwrite, or choose another --output and --dataset")


def make_frames(
    args: argparse.Namespace, videos: dict[str, Path], infos: dict[str, VideoInfo], cluster: Cluster | None,
    limit: TimeLimit,
) -> tuple[dict[str, dict], dict[str, str]]:
    """Make the frames that are not there yet; returns records and failures by video."""
    options = FrameOptions(height=args.height, fps=args.fps)
    records, jobs = plan_frames(videos, infos, args.output, options, args.allow_short,
                                cluster.map if cluster else map)
    again = sum(lack_stamps(job.folder) for job in jobs)
    reason = f" ({again} again, as the frames that are there have no time stamps)" if again else ""
    print(f"videos: {len(records)} done before, {len(jobs)} to do{reason}")
    if args.labels and not args.overwrite:
        check_replaced(args.dataset, jobs, options)
    if jobs:
        print(f"to make: {check_space(jobs, args.output, options)}", flush=True)
    made, failures = extract_all(jobs, options, args.num_workers, args.allow_short, limit, cluster)
    lines, warnings = report_frames(records | made, options)
    print("".join(f"{line}\n" for line in lines), end="")
    warn(warnings)
    return records | made, failures


if __name__ == "__main__":
    run_script(main)
