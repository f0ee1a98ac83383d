"""Run a trained model on a split: checkpoint + frames -> predictions and the table of results.

Reads folders of the original E2E-Spot as they are.
"""

from __future__ import annotations

from util.script import run_script

import argparse
from pathlib import Path

from tqdm import tqdm

from checks.frame_checks import require_frames
from dataset.frames import DEFAULT_WORKERS, Loader, VideoClips, load_stretches
from dataset.labels import read_classes, read_split
from dataset.sides import with_sides
from model.device import add_device_options, memory_errors
from model.folder import load_model
from model.inference import head_overlap, score_clips, score_videos
from util.events import predicted_events
from util.options import count, positive
from util.predictions import prediction_prefix, save_predictions
from util.report import print_report
from util.suppression import add_suppression_options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_dir", type=Path, help="folder of train_e2e.py; the best epoch on val is taken")
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
    add_suppression_options(parser)
    add_device_options(parser)
    return parser.parse_args()


@memory_errors("run on --device cpu, or lower the --batch_size of --inference clips")
def main() -> None:
    args = parse_args()
    model = load_model(args.model_dir, args.device, args.precision)
    config, device, clip_len = model.config, model.spotter.device, model.spotter.architecture.clip_len
    dataset = args.dataset or config.dataset
    classes = read_classes(dataset)
    model.check_classes(classes, dataset)
    videos = with_sides(read_split(dataset, args.split), config.team_sides)
    require_frames(args.frame_dir, videos, config.crop_dim)
    print(model)

    bar = {"desc": "scoring", "unit": "batch", "disable": None}
    if args.inference == "clips":
        overlap = 0 if args.no_overlap else clip_len // 2
        clips = VideoClips(args.frame_dir, videos, clip_len, overlap, config.crop_dim)
        batches = Loader(clips, args.batch_size or config.batch_size, args.num_workers, device)
        scores = score_clips(model.spotter, tqdm(batches, **bar), videos)
    else:
        overlap = 0 if args.no_overlap else head_overlap(clip_len)
        stretches = load_stretches(args.frame_dir, videos, config.crop_dim, args.num_workers, device)
        scores = score_videos(model.spotter, tqdm(stretches, **bar), videos, clip_len, overlap)

    if args.save or args.save_as:
        prefix = args.save_as or prediction_prefix(args.model_dir, args.split, model.epoch)
        for path in save_predictions(prefix, videos, scores, classes):
            print(f"written: {path}")
    predictions = predicted_events(videos, scores)
    print_report(args.model_dir, args.split, model.epoch, videos, predictions, classes,
                 lambda: read_split(dataset, "val"), suppression=args.suppression)


if __name__ == "__main__":
    run_script(main)
