"""Find what ruins a training in a dataset and its frames: each with file and place, errors before warnings.

python check_data.py futsal                            the labels alone, which takes a second
python check_data.py futsal ./Frames                   and the frames: all there, of one size, at the labels' rate
python check_data.py futsal ./Frames --sheet sheets    and pictures of the labels, to be looked at
python check_data.py futsal ./Frames --read --motion   and every JPEG decoded, and labels held against what moves
python check_data.py futsal --compare ./Labels_ben     how far two people agree who labelled the same videos

Exit code 1 if there is an error: a training would fail, or learn something false. Warnings are worth a look.
"""

from __future__ import annotations

from util.script import run_script

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from checks.agreement import compare_labels, is_dataset
from checks.alignment import Alignment, align
from checks.data_page import write_report
from checks.findings import Finding, count_levels, findings_json, format_findings, has_errors, ranked
from checks.frame_checks import folder_findings, list_folders, unlabelled_findings
from checks.frame_contents import bytes_findings, read_findings, same_frames_findings, size_findings
from checks.label_checks import label_findings
from checks.label_reading import Labels, read_dataset
from checks.places import place_findings
from util.errors import UserError, number_of
from util.io import keep_apart, write_json
from util.options import positive


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a folder under data/, or a path to one; with --compare also label files")
    parser.add_argument("frame_dir", type=Path, nargs="?", help="extracted frames, <frame_dir>/<video>/000000.jpg")
    parser.add_argument("--read", action="store_true",
                        help="decode every frame and compare its checksum, which takes minutes")
    parser.add_argument("--motion", action="store_true",
                        help="compare the motion around the labels of each video with that of the others, which finds "
                             "labels that are shifted in some of them; takes minutes")
    parser.add_argument("--sheet", type=Path, metavar="DIR",
                        help="write pictures there, and index.html, which shows them: the frames around events of each "
                             "class (with FRAME_DIR), plots of all labels, of the motion around them (with --motion)")
    parser.add_argument("--events", type=positive, default=24, metavar="N",
                        help="events of each class that --sheet shows (default: 24)")
    parser.add_argument("--videos", type=Path, metavar="DIR",
                        help="with --sheet: folder of the video files, at any depth; a click on a frame then opens it "
                             "as it is there, at up to 1080 lines")
    parser.add_argument("--crop_dim", type=positive, metavar="N",
                        help="count the events outside the square in the middle of the frames that a model with this "
                             "--crop_dim sees, where labels have their places (xy); --sheet draws it")
    parser.add_argument("--compare", metavar="OTHER_LABELS",
                        help="say how far these labels of the same videos agree with those of the dataset: another "
                             "dataset, or label files of any form (what prepare_data.py's --labels takes)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all findings there")
    parser.add_argument("-j", "--num_workers", type=positive, default=os.cpu_count() or 1, metavar="N",
                        help="frames to read at the same time (default: one per core)")
    args = parser.parse_args()
    if args.frame_dir is None and (args.read or args.motion or args.crop_dim):
        parser.error("--read, --motion and --crop_dim need the FRAME_DIR")
    if args.videos and not (args.sheet and args.frame_dir):
        parser.error("--videos goes with FRAME_DIR and --sheet")
    return args


def frame_findings(labels: Labels, args: argparse.Namespace) -> list[Finding]:
    """The frames against the labels, and with --read each frame by itself."""
    folders = list_folders(args.frame_dir, labels.videos)
    findings = [*folder_findings(folders), *bytes_findings(folders), *size_findings(args.frame_dir, folders),
                *same_frames_findings(folders), *unlabelled_findings(args.frame_dir, labels.videos)]
    if args.read:
        findings += read_findings(folders, args.num_workers)
    first = {(finding.check, finding.where): finding for finding in reversed(findings)}  # of what two checks found
    return list(reversed(first.values()))


def describe(labels: Labels) -> str:
    """A line for each split."""
    lines = [f"{labels.folder}: classes {', '.join(labels.classes) or 'unknown'}"]
    for split in labels.splits:
        videos = labels.of_split(split)
        frames, labelled = (sum(video.num_frames for video in some)
                            for some in (videos, [video.labelled_part for video in videos]))
        some = f" ({labelled:,} labelled)" if labelled < frames else ""
        lines.append(f"  {split}: {number_of(len(videos), 'video')}, {number_of(frames, 'frame')}{some}, "
                     f"{number_of(sum(len(video.events) for video in videos), 'event')}")
    return "\n".join(lines)


def conclude(findings: Sequence[Finding], args: argparse.Namespace, alignment: Alignment | None) -> str:
    """What was found in how many places, what was looked at, and what was not."""
    found = count_levels(findings) or "nothing wrong found"
    unjudged = "cannot be judged" if alignment else "--motion"
    checks = [
        ("entries, events, classes, splits, rounding of frame numbers, density of events", True, ""),
        ("frames are there and of one size and rate", args.frame_dir, "give FRAME_DIR"),
        ("each frame decodes", args.read, "--read"),
        ("labels go with what moves", alignment and alignment.judged, unjudged),
    ]
    checked = [what for what, done, _ in checks if done]
    left = [f"whether {what} ({how})" for what, done, how in checks[: None if args.frame_dir else 2] if not done]
    rest = f"\nnot checked: {'; '.join(left)}" if left else ""
    return f"{found}\nchecked: {'; '.join(checked)}{rest}"


def main() -> int:
    args = parse_args()
    if args.frame_dir and not args.frame_dir.is_dir():
        raise UserError(f"{args.frame_dir}: no such folder; FRAME_DIR is the --output of prepare_data.py")
    for read in filter(None, (args.sheet and args.frame_dir, args.videos)):
        keep_apart("--sheet", args.sheet, read)
    if args.compare and (args.read or args.motion or args.sheet) and not is_dataset(args.dataset):
        raise UserError(f"{args.dataset}: is no dataset, which --read, --motion and --sheet look at; leave them out")
    agreed = compare_labels(args.dataset, args.compare, args.frame_dir) if args.compare else None
    if agreed and not is_dataset(args.dataset):
        print(agreed)
        if args.json:
            write_json(args.json, {"agreement": agreed.as_json()})
        return 0
    labels = read_dataset(args.dataset)
    print(describe(labels), flush=True)
    findings, notes, alignment = label_findings(labels), [], None
    if args.frame_dir:
        findings += frame_findings(labels, args)
    if args.crop_dim:
        notes, unseen = place_findings(labels, args.frame_dir, args.crop_dim)
        findings += unseen
    if args.motion:
        alignment = align(labels, args.frame_dir, args.num_workers)
        findings += alignment.findings
        notes += alignment.notes
    if notes:
        print("\n".join(["", *notes]))
    findings = ranked(findings)
    if findings:
        print(f"\n{format_findings(findings)}")
    print(f"\n{conclude(findings, args, alignment)}", flush=True)
    if agreed:
        print(f"\n{agreed}")
    if args.json:
        compared = {"agreement": agreed.as_json()} if agreed else {}
        write_json(args.json, {"dataset": args.dataset, **findings_json(findings), "notes": notes, **compared})
    if args.sheet:
        page = write_report(args.sheet, labels, findings, args.frame_dir, alignment, args.events,
                            videos_dir=args.videos, crop=args.crop_dim)
        print(f"look at {page}")
    return int(has_errors(findings))


if __name__ == "__main__":
    run_script(main)
