"""Run a trained model on a split: checkpoint + frames -> predictions and the table of results.

Reads folders of the original E2E-Spot as they are.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from dataset.frames import DEFAULT_WORKERS, VideoClips, check_frames, loader
from dataset.labels import read_classes, read_split
from model.backbone import FEATURE_ARCHS
from model.checkpoint import checkpoint_path, load_weights, newest_epoch
from model.device import DEVICES, memory_errors, move, pick_device
from model.heads import HEADS
from model.inference import score_clips
from model.spotter import MODALITIES, EventSpotter
from util.config import ModelConfig, read_config
from util.errors import UserError, run_script
from util.events import predicted_events
from util.options import count, positive
from util.predictions import best_epoch, prediction_prefix, save_predictions
from util.report import print_report


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_dir", type=Path, help="folder of train_e2e.py; the best epoch on val is taken")
    parser.add_argument("frame_dir", type=Path, help="extracted frames, <frame_dir>/<video>/000000.jpg")
    parser.add_argument("-s", "--split", required=True, help="split of the dataset: train, val, test, ...")
    parser.add_argument("-d", "--dataset", help="another dataset than the one in config.json")
    save = parser.add_mutually_exclusive_group()
    save.add_argument("--save", action="store_true", help="write the predictions into the model folder")
    save.add_argument("--save_as", type=Path, metavar="PREFIX", help="write PREFIX.json, PREFIX.recall.json.gz, ...")
    parser.add_argument("--no_overlap", action="store_true", help="score each frame once: twice as fast, less exact")
    parser.add_argument("--batch_size", type=positive, help="clips in a batch (default: as in training)")
    parser.add_argument("-j", "--num_workers", type=count, default=DEFAULT_WORKERS, help="processes that read frames")
    parser.add_argument("--device", default="auto", choices=DEVICES)
    return parser.parse_args()


def build_model(model_dir: Path, config: ModelConfig) -> tuple[EventSpotter, int]:
    """The model of a folder with the weights of its best epoch (by val mAP in loss.json, else the newest)."""
    for key, value, known in (
        ("feature_arch", config.feature_arch, FEATURE_ARCHS),
        ("temporal_arch", config.temporal_arch, list(HEADS)),
        ("modality", config.modality, list(MODALITIES)),
    ):
        if value not in known:
            raise UserError(f"{model_dir / 'config.json'}: {key} {value!r} is not known; known are {', '.join(known)}")
    epoch = best_epoch(model_dir)
    if epoch is None:
        epoch = newest_epoch(model_dir, "checkpoint")
    if epoch is None or not checkpoint_path(model_dir, epoch).is_file():
        which = "checkpoint" if epoch is None else f"checkpoint of the best epoch, {epoch}"
        raise UserError(f"{model_dir}: no {which}; train with train_e2e.py -s {model_dir}, or copy the whole folder")
    spotter = EventSpotter(config.feature_arch, config.temporal_arch, config.num_classes, config.modality)
    load_weights(spotter, checkpoint_path(model_dir, epoch))
    return spotter, epoch


def check_classes(model_dir: Path, config: ModelConfig, dataset: str, classes: list[str]) -> None:
    if len(classes) != config.num_classes or (config.classes and list(config.classes) != classes):
        raise UserError(
            f"{model_dir / 'config.json'}: the model knows {config.num_classes} classes "
            f"({', '.join(config.classes or ['unnamed'])}), {dataset} has {', '.join(classes)}; "
            "name the dataset it was trained for with -d"
        )


@memory_errors()
def main() -> None:
    args = parse_args()
    config = read_config(args.model_dir)
    device = pick_device(args.device)
    dataset = args.dataset or config.dataset
    classes = read_classes(dataset)
    check_classes(args.model_dir, config, dataset, classes)
    videos = read_split(dataset, args.split)
    check_frames(args.frame_dir, videos, config.crop_dim)
    spotter, epoch = build_model(args.model_dir, config)
    print(f"{args.model_dir}: {config.feature_arch} + {config.temporal_arch or 'linear'}, epoch {epoch}, on {device}")

    overlap = 0 if args.no_overlap else config.clip_len // 2
    clips = VideoClips(args.frame_dir, videos, config.clip_len, overlap, config.crop_dim)
    batches = tqdm(loader(clips, args.batch_size or config.batch_size, args.num_workers), desc="scoring", unit="batch",
                   disable=None)
    scores = score_clips(move(spotter, device), batches, videos, device)

    if args.save or args.save_as:
        prefix = args.save_as or prediction_prefix(args.model_dir, args.split, epoch)
        for path in save_predictions(prefix, videos, scores, classes):
            print(f"written: {path}")
    predictions = predicted_events(videos, scores, classes)
    print_report(args.model_dir, args.split, epoch, videos, predictions, classes, lambda: read_split(dataset, "val"))


if __name__ == "__main__":
    run_script(main)
