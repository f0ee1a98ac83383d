"""Make frames of videos and, from their labels, the splits of a dataset.

    python prepare_data.py --videos ./Videos --output ./Frames
    python prepare_data.py --videos ./Videos --output ./Frames --labels ./Labels --dataset futsal

Every video file below --videos becomes --output/<path without suffix>/000000.jpg, 000001.jpg, ... Frames
that are there already, from the same file with the same options, are kept. With --labels, a <video>.json for
each video gives data/<dataset>/: class.txt, train.json, val.json, test.json, both halves of a match in one.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from pathlib import Path

from dataset.labels import (
    SPLITS,
    check_classes,
    dataset_dir,
    frame_scale,
    read_classes,
    read_label_files,
    to_extracted_frames,
    write_dataset,
)
from dataset.splits import match_of, split_by_match
from dataset.videos import (
    FrameOptions,
    FramesJob,
    VideoInfo,
    existing_frames,
    extract_all,
    find_videos,
    probe,
)
from util.errors import UserError, run_script
from util.options import positive


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--videos", type=Path, required=True, metavar="DIR",
                        help="folder with the video files, at any depth")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR",
                        help="folder for the frames")
    parser.add_argument("--height", type=positive, default=224, metavar="LINES",
                        help="height of the frames, the width following it; a lower video keeps its own size "
                             "(default: 224)")
    parser.add_argument("--fps", type=_rate, metavar="N",
                        help="frames per second, by time stamp; label frames are converted "
                             "(default: each frame of the video)")
    parser.add_argument("--labels", type=Path, metavar="DIR",
                        help="folder with a <video>.json for each video; makes the dataset's splits")
    parser.add_argument("--dataset", default="futsal", metavar="NAME",
                        help="name below data/, or path with a slash, of the dataset that --labels makes "
                             "(default: futsal)")
    parser.add_argument("--skip_unlabelled", action="store_true",
                        help="leave videos that have no label file out of the dataset, instead of stopping")
    parser.add_argument("--overwrite", action="store_true",
                        help="replace splits that are there and differ")
    parser.add_argument("-j", "--num_workers", type=positive, default=os.cpu_count() or 1, metavar="N",
                        help="videos to decode at the same time (default: one per core)")
    return parser.parse_args()


def _rate(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", text) or not 0 < float(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is no number of frames per second, such as 25 or 29.97")
    return float(text)


def main() -> int:
    args = parse_args()
    options = FrameOptions(height=args.height, fps=args.fps)
    videos = find_videos(args.videos)
    infos, failures = probe_all(videos)
    labels, classes = [], []
    if args.labels:
        labels = read_label_files(args.labels)
        check_pairs(labels, args.labels, set(videos), args.skip_unlabelled)
        classes = classes_of(labels, args.labels, args.dataset)
        check_rates(labels, args.labels, infos, args.fps)

    records, more_failures = make_frames(videos, infos, args.output, options, args.num_workers)
    failures |= more_failures
    report_frames(records, infos)
    if failures:
        for video in sorted(failures):
            print(f"error: {failures[video]}", file=sys.stderr)
        rest = "; no dataset is written" if args.labels else ""
        raise UserError(f"{len(failures)} of {len(videos)} videos failed (above){rest}")

    if args.labels:
        entries = [to_extracted_frames(entry, records[entry["video"]], label_file(args.labels, entry))
                   for entry in labels]
        splits = split_by_match(entries)
        folder = dataset_dir(args.dataset)
        written = write_dataset(folder, classes, splits, args.overwrite)
        report_splits(splits, classes)
        print(f"{folder}: {'written' if written else 'is the same already'}")
    return 0


def probe_all(videos: dict[str, Path]) -> tuple[dict[str, VideoInfo], dict[str, str]]:
    """What the videos say of themselves, and what is wrong with those that are none."""
    infos, failures = {}, {}
    for video, path in videos.items():
        try:
            infos[video] = probe(path)
        except UserError as error:
            failures[video] = str(error)
    return infos, failures


def label_file(labels_dir: Path, entry: dict) -> Path:
    return labels_dir / f"{entry['video']}.json"


def check_pairs(labels: list[dict], labels_dir: Path, videos: set[str], skip_unlabelled: bool) -> None:
    """Each label file must have its video, and each video its label file unless told otherwise."""
    for entry in labels:
        if entry["video"] not in videos:
            raise UserError(f"{label_file(labels_dir, entry)}: there is no video {entry['video']!r}; rename "
                            "one of them, or take the label file away")
    unlabelled = sorted(videos - {entry["video"] for entry in labels})
    if unlabelled and skip_unlabelled:
        print(f"left out of the dataset, as they have no labels: {', '.join(unlabelled)}")
    elif unlabelled:
        rest = f" (and {len(unlabelled) - 1} more)" if len(unlabelled) > 1 else ""
        raise UserError(f"{labels_dir}: no {unlabelled[0]}.json for video {unlabelled[0]!r}{rest}; add it, "
                        'with {"events": []} if nothing happens in it, or leave such videos out of the '
                        "dataset with --skip_unlabelled")


def classes_of(labels: list[dict], labels_dir: Path, dataset: str) -> list[str]:
    """The classes of class.txt, which the labels must keep to; where there is none, those of the labels."""
    if not (dataset_dir(dataset) / "class.txt").exists():
        classes = sorted({event["label"] for entry in labels for event in entry["events"]})
        if not classes:
            raise UserError(f"{labels_dir}: no label file holds an event; there is nothing to learn")
        return classes
    classes = read_classes(dataset)
    for entry in labels:
        check_classes(entry, classes, label_file(labels_dir, entry))
    return classes


def check_rates(labels: list[dict], labels_dir: Path, infos: dict[str, VideoInfo], fps: float | None) -> None:
    """Find before the long work starts what would end it: rates that clash, and events past the end.

    What a file announces may be a few frames off, so that an event past it is only warned of here.
    """
    for entry in labels:
        info = infos.get(entry["video"])
        if info is None:  # is no video, and reported as such
            continue
        path = label_file(labels_dir, entry)
        scale = frame_scale(entry.get("fps"), info.fps, fps or info.fps, path)
        if scale != 1:
            print(f"{path}: {len(entry['events'])} events converted from {info.fps:g} to {fps:g} fps")
        last = max((event["frame"] for event in entry["events"]), default=-1)
        if not fps and 0 < info.announced_frames <= last:
            print(f"warning: {path}: an event at frame {last}, but the video announces "
                  f"{info.announced_frames} frames", file=sys.stderr)


def make_frames(
    videos: dict[str, Path], infos: dict[str, VideoInfo], output: Path, options: FrameOptions, workers: int
) -> tuple[dict[str, dict], dict[str, str]]:
    """Make the frames that are not there yet; returns records and failures by video."""
    output.mkdir(parents=True, exist_ok=True)
    records, jobs = {}, []
    for video, info in infos.items():
        record = existing_frames(videos[video], output / video, options)
        if record:
            records[video] = record
        else:
            jobs.append(FramesJob(video, videos[video], output / video, info.announced_frames))
    print(f"videos: {len(records)} done before, {len(jobs)} to do")
    made, failures = extract_all(jobs, options, workers)
    return records | made, failures


def report_frames(records: dict[str, dict], infos: dict[str, VideoInfo]) -> None:
    """A line per video, and a warning where less was decoded or more shown than the file holds."""
    for video in sorted(records):
        record = records[video]
        size = f"{record['width']}x{record['height']}"
        print(f"{video}: {record['num_frames']} frames of {size}, {record['fps']:g} per second")
        decoded, announced = record["source_frames"], record["announced_frames"]
        if announced - decoded > max(2, announced // 100):
            print(f"warning: {record['source']}: only {decoded} of the {announced} frames that it announces "
                  "can be decoded; is it cut off or damaged?", file=sys.stderr)
        if record["fps"] > 1.01 * infos[video].fps:
            print(f"warning: {record['source']}: has only {infos[video].fps:g} frames per second; some are "
                  "repeated to give those of --fps", file=sys.stderr)


def report_splits(splits: dict[str, list[dict]], classes: list[str]) -> None:
    """A table of what went where, a line per match and per split."""
    rows = [("split", "match", "videos", "frames", *classes)]
    for split in SPLITS:
        matches = sorted({match_of(entry["video"]) for entry in splits[split]})
        for match in matches:
            entries = [entry for entry in splits[split] if match_of(entry["video"]) == match]
            rows.append((split, match, *_counts(entries, classes)))
        rows.append((split, f"({len(matches)} in all)", *_counts(splits[split], classes)))
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        text = [str(cell).ljust(width) for cell, width in zip(row[:2], widths, strict=False)]
        numbers = [str(cell).rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
        print("  ".join(text + numbers))
    for split in SPLITS:
        missing = [name for name in classes if not _counts(splits[split], [name])[-1]]
        if not splits[split]:
            print(f"warning: no {split} split, for lack of matches; three or more are needed for all splits",
                  file=sys.stderr)
        elif missing:
            print(f"warning: the {split} split has no {', '.join(missing)}", file=sys.stderr)


def _counts(entries: list[dict], classes: list[str]) -> list[int]:
    """Videos, frames, and events of each class."""
    events = Counter(event["label"] for entry in entries for event in entry["events"])
    return [len(entries), sum(entry["num_frames"] for entry in entries), *(events[name] for name in classes)]


if __name__ == "__main__":
    run_script(main)
