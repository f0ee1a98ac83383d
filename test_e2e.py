"""Run a trained model, or several as one, on a split: checkpoint + frames -> predictions and the table of results.

python test_e2e.py out ./Frames -s test                                    the best epoch on val
python test_e2e.py out/checkpoint_017.pt ./Frames -s test                  another epoch
python test_e2e.py out ./Frames -s test --with out_b out_c/checkpoint_017.pt
                                                                           the mean of three models' scores
torchrun --nproc_per_node 4 test_e2e.py ...                                videos shared out by length

Reads folders of the published spotters as they are.
"""

from __future__ import annotations

from util.script import run_script

import argparse
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from checks.frame_checks import require_frames
from dataset.frames import DEFAULT_WORKERS, Loader, VideoClips, load_stretches
from dataset.labels import read_classes, read_split
from dataset.sides import with_sides
from evaluation.pairing import add_tolerance_options, tolerances_of
from evaluation.results import print_report
from evaluation.rule import Origin, Rule, add_rule_options, find_rule, given
from model.device import add_device_options, memory_errors
from model.folder import TrainedModel, load_model, members_of
from model.inference import head_overlap, score_clips, score_videos
from model.live import live_videos
from model.processes import gathered, rank, share_of, together
from util.ensemble import FLIP, add_ensemble_options, average_videos, ensemble_prefix
from util.events import Video, predicted_events
from util.options import count, positive, rate
from util.predictions import save_predictions


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_dir", type=Path,
                        help="folder of train_e2e.py, whose best epoch on val is taken, or a checkpoint_NNN.pt in it")
    parser.add_argument("frame_dir", type=Path, help="extracted frames, <frame_dir>/<video>/000000.jpg")
    parser.add_argument("-s", "--split", required=True, help="split of the dataset: train, val, test, ...")
    parser.add_argument("-d", "--dataset", help="another dataset than the one in config.json")
    save = parser.add_mutually_exclusive_group()
    save.add_argument("--save", action="store_true", help="write the predictions into the model folder")
    save.add_argument("--save_as", type=Path, metavar="PREFIX", help="write PREFIX.json, PREFIX.recall.json.gz, ...")
    parser.add_argument("--inference", default="video", choices=["video", "clips"],
                        help="each frame through the CNN once, or in overlapping clips as the original does it")
    parser.add_argument("--no_overlap", action="store_true", help="score each frame once: faster, less exact")
    parser.add_argument("--batch_size", type=positive, help="of --inference clips (default: as in training)")
    parser.add_argument("-j", "--num_workers", type=count, default=DEFAULT_WORKERS, help="threads that read frames")
    parser.add_argument("--flip", action="store_true", help="score the mirrored frames as well, and take the mean")
    parser.add_argument("--delay", type=rate, metavar="SECONDS", help="score as spot_video.py --live does, each "
                        "frame at most so long after it")
    add_ensemble_options(parser, "MODEL_DIR")
    add_rule_options(parser)
    add_tolerance_options(parser)
    add_device_options(parser)
    args = parser.parse_args()
    if args.delay is not None and args.inference == "clips":
        parser.error("--delay goes with --inference video")
    return args


def score(
    model: TrainedModel, videos: list[Video], args: argparse.Namespace, rule: Rule | None
) -> dict[str, np.ndarray]:
    """A model's scores of whole videos: {video: float32 (num_frames, K + 1)}.

    Args:
        rule: which events count, where there is a delay, of which telling that takes a part.
    """
    own = share_of(videos)
    crop, device, clip_len = model.config.crop_dim, model.spotter.device, model.spotter.architecture.clip_len
    bar = {"desc": "scoring", "unit": "batch", "disable": None}
    if args.inference == "clips":
        overlap = 0 if args.no_overlap else clip_len // 2
        clips = VideoClips(args.frame_dir, own, clip_len, overlap, crop)
        batches = Loader(clips, args.batch_size or model.config.batch_size, args.num_workers, device)
        return gathered(score_clips(model.spotter, tqdm(batches, **bar), own, args.flip), videos)
    overlap = 0 if args.no_overlap else head_overlap(model.spotter)
    stretches = tqdm(load_stretches(args.frame_dir, own, crop, args.num_workers, device), **bar)
    if args.delay is not None:
        found = live_videos(model.spotter, stretches, own, overlap, args.delay,
                            lambda fps: rule.at(fps).reach, args.flip)
    else:
        found = score_videos(model.spotter, stretches, own, clip_len, overlap, args.flip)
    return gathered(found, videos)


@memory_errors("run on --device cpu, or lower the --batch_size of --inference clips")
def main() -> None:
    args = parse_args()
    with together():
        test(args)


def test(args: argparse.Namespace) -> None:
    """Predict and score a split."""
    models = [load_model(path, args.device, args.precision) for path in (args.model_dir, *args.others)]
    first, dataset = models[0], args.dataset or models[0].config.dataset
    classes = read_classes(dataset)
    members = members_of(models, classes, dataset, args.ensemble_weights, FLIP * args.flip)
    videos = with_sides(read_split(dataset, args.split), first.config.team_sides)
    for model in models:
        require_frames(args.frame_dir, videos, model.config.crop_dim)
    origin = Origin(first.folder, args.split, first.epoch, classes, partial(read_split, dataset), FLIP * args.flip,
                    members if len(members) > 1 else ())
    rule = None if args.delay is None else find_rule(origin._replace(split=""), given(args))

    tables = []
    for model in models:
        print(model)
        tables.append(score(model, videos, args, rule))
    if rank():
        return  # the first process goes on with all that was scored
    scores = tables[0] if len(models) == 1 else average_videos(tables, members, classes)

    if args.save or args.save_as:
        prefix = args.save_as or ensemble_prefix(members, args.split)
        for path in save_predictions(prefix, videos, scores, classes):
            print(f"written: {path}")
    print_report(origin, videos, predicted_events(videos, scores), tolerances_of(args), given(args))


if __name__ == "__main__":
    run_script(main, shared=True)
