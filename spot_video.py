"""Spot the events of raw videos with a trained model, without extracting their frames first.

python spot_video.py out match_1.mp4                    writes match_1.events.json beside the video
python spot_video.py out Videos/ --output found --csv --annotate
python spot_video.py out match_1.mp4 --with out_b       by the mean of both models' scores
python spot_video.py out --live rtsp://HOST/PATH --delay 2    prints events, a line of JSON each, while it goes on
"""

from __future__ import annotations

from util.script import run_script

import argparse
import json
import math
import sys
from contextlib import redirect_stdout
from pathlib import Path

from evaluation.rule import add_rule_options
from footage.annotated_video import check_encoder
from footage.live import LiveSource
from footage.raw_videos import ANNOTATED
from label_forms.exports import add_export_options, check_exports
from model.device import add_device_options, memory_errors
from spotting import video_files
from spotting.live import live_events
from util.clock import parse_time
from util.cluster import add_cluster_option, joined
from util.ensemble import add_ensemble_options
from util.options import frame_rate, positive, rate, share
from util.time_limit import TimeLimit, add_limit_option, time_is_up


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_dir", type=Path,
                        help="folder of train_e2e.py, whose best epoch on val is taken, or a checkpoint_NNN.pt in it")
    parser.add_argument("videos", type=Path, nargs="*", metavar="VIDEO", help="video file, or folder with such")
    add_device_options(parser)
    add_ensemble_options(parser, "MODEL_DIR")
    parser.add_argument("-d", "--dataset", help="whose class.txt names the classes, where config.json does not")
    add = parser.add_argument_group("what is read").add_argument
    add("--start", type=_time, default=0.0, metavar="TIME", help="from there on: 83.5, 1:23.5 or 0:01:23.5")
    add("--end", type=_time, default=math.inf, metavar="TIME", help="up to there, not included")
    add("--height", type=positive, help="lines of a frame (default: as in training)")
    add("--fps", type=frame_rate, help="resample by time stamp, as prepare_data.py --fps (default: as in training)")
    add("--live", metavar="SOURCE", help="instead of videos: the number of a camera, an address (rtsp://, http://), a "
        "file, played at its own rate, or - for standard input; prints events, a line of JSON each, as they are sure")
    add("--delay", type=rate, metavar="SECONDS", help="after its frame within which an event must be sure; the "
        "fewer, the less exact (default with --live: as many as lose nothing); with videos: score them as --live does")
    add("--no_overlap", action="store_true", help="the head scores each frame once: faster, less exact")
    add("--flip", action="store_true", help="score the mirrored frames as well, and take the mean")
    which = parser.add_argument_group("which events")
    add_rule_options(which, share)
    group = parser.add_argument_group("what is written")
    add = group.add_argument
    add("--output", type=Path, metavar="DIR", help="folder for all files (default: beside each video)")
    add("--csv", action="store_true", help="<video>.events.csv too")
    add("--soccernet", action="store_true",
        help="results_spotting.json too, for each match, with every event that scores 0.01 or more")
    add_export_options(group)
    add("--annotate", action="store_true", help=f"<video>{ANNOTATED} too, which shows the events")
    group = parser.add_argument_group("where, and how long")
    add_cluster_option(group)
    group.add_argument("--cores", type=positive, metavar="N",
                       help="with --cluster: cores of each copy of the model (default: a GPU's share of its "
                            "machine's; without GPUs 1)")
    add_limit_option(group)
    args = parser.parse_args()
    if args.start >= args.end:
        parser.error("--end must be later than --start")
    if args.ensemble_weights and not args.others:
        parser.error("--ensemble_weights goes with --with")
    if bool(args.videos) == (args.live is not None):
        parser.error("name videos, or a source with --live")
    of_files = ("others", "start", "end", "output", "csv", "soccernet", "export", "annotate", "cluster",
                "limit_hours")
    if args.live is not None and (given := [key for key in of_files if getattr(args, key) != parser.get_default(key)]):
        parser.error(f"--live writes no files, and looks at all there is with one model: leave out --{given[0]}"
                     .replace("--others", "--with"))
    return args


def _time(text: str) -> float:
    seconds = parse_time(text)
    if seconds is None:
        raise argparse.ArgumentTypeError(f"must be a time such as 83.5, 1:23.5 or 0:01:23.5, and not {text!r}")
    return seconds


def main_live(args: argparse.Namespace) -> int:
    with redirect_stdout(sys.stderr):  # events alone go to standard output
        spotting = video_files.get_ready(args, args.device)
    for event in live_events(spotting, LiveSource(args.live, spotting.options), args.delay):
        print(json.dumps(event, ensure_ascii=False), flush=True)
    return 0


@memory_errors(video_files.MEMORY)
def main() -> int:
    args = parse_args()
    if args.live is not None:
        return main_live(args)
    sources = video_files.find_sources(args.videos, args.output)
    if args.soccernet:
        video_files.check_matches(sources)
    check_exports(args.export)
    if args.annotate:
        check_encoder()
    limit = TimeLimit(args.limit_hours)
    written = [args.output] if args.output else {path if path.is_dir() else path.parent for path in args.videos}
    with joined(args.cluster, [args.model_dir, *args.others, *args.videos], written) as cluster:
        spotting = video_files.get_ready(args, "cpu" if cluster else args.device)
        todo = video_files.unfinished(sources, spotting, args)
        if len(todo) < len(sources):
            print(f"videos: {len(sources) - len(todo)} done before, {len(todo)} to do")
        if cluster:
            results = video_files.on_cluster(cluster, spotting, todo, args, limit)
        else:
            results = video_files.in_turn(spotting, todo, args, limit)
        failed, left = video_files.collect(results, todo, args)
    if failed:
        return 2
    return time_is_up(left) if left else 0


if __name__ == "__main__":
    run_script(main)
