"""Write a trained model as ONNX, which runs without PyTorch: see docs/export.md.

python export_model.py out                     backbone.onnx for stretches of a video, head.onnx, about.json
python export_model.py out --clip              clip.onnx, the whole network for one clip, and about.json
"""

from __future__ import annotations

from util.script import run_script

import argparse
import importlib.util
from functools import partial
from pathlib import Path

from dataset.labels import read_classes, read_split
from evaluation.resampling import USUAL_FPS
from evaluation.rule import Origin, find_rule
from model.folder import TrainedModel, load_model
from model.inference import head_overlap
from model.onnx_export import export_clips, export_stretches
from util.errors import UserError
from util.io import write_json
from util.options import positive


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("model_dir", type=Path, help="folder of train_e2e.py, whose best epoch on val is taken, or a checkpoint_NNN.pt")
    add("-d", "--dataset", help="whose class.txt names the classes, where config.json does not")
    add("--output", type=Path, metavar="DIR", help="folder for the files (default: onnx in the model folder)")
    add("--clip", action="store_true", help="the whole network for a clip, instead of backbone and head for a video")
    add("--size", type=positive, nargs=2, metavar=("HEIGHT", "WIDTH"),
        help="of the frames that it will see, pixels (default: as in training)")
    add("--stretch", type=positive, default=16, metavar="FRAMES", help="that backbone.onnx takes at a time (16)")
    return parser.parse_args()


def frame_size(args: argparse.Namespace, model: TrainedModel) -> tuple[int, int]:
    """Height and width of the frames that the network gets."""
    crop = model.config.crop_dim
    if args.size and crop and tuple(args.size) != (crop, crop):
        raise UserError(f"--size {args.size[0]} {args.size[1]}: {model.folder} was trained on crops of {crop}x{crop}; "
                        "leave the option out")
    whole = (model.config.frame_height, model.config.frame_width)
    if not args.size and not crop and None in whole:
        raise UserError(f"{model.folder} was trained on whole frames; name their size, such as --size 224 398")
    return tuple(args.size or (crop and (crop, crop)) or whole)


def about(model: TrainedModel, dataset: str, classes: list[str], size: tuple[int, int]) -> dict:
    """What a program that runs the files needs to know."""
    rule = find_rule(Origin(model.folder, "", model.epoch, classes, partial(read_split, dataset)))
    nms, clip_len = rule.suppression.at(model.config.frame_fps or USUAL_FPS), model.spotter.architecture.clip_len
    return {"classes": classes, "frame_height": model.config.frame_height, "frame_fps": model.config.frame_fps,
            "size": size, "clip_len": clip_len, "step": clip_len - head_overlap(model.spotter),
            "thresholds": rule.levels(classes).tolist(), "moves": dict(rule.moves), **nms.as_json()}


def main() -> None:
    args = parse_args()
    if importlib.util.find_spec("onnx") is None:
        raise UserError("export_model.py: needs a package; pip install onnx")
    model = load_model(args.model_dir, "cpu", "float32")
    dataset = args.dataset or model.config.dataset
    classes = list(model.config.classes or ()) or read_classes(dataset)
    model.check_classes(classes, dataset)
    size, folder = frame_size(args, model), args.output or model.folder / "onnx"
    print(model)
    if args.clip:
        paths = [folder / "clip.onnx"]
        export_clips(model.spotter, paths[0], size)
    else:
        paths = export_stretches(model.spotter, folder, size, args.stretch)
    write_json(folder / "about.json", about(model, dataset, classes, size))
    for path in (*paths, folder / "about.json"):
        print(f"written: {path}")


if __name__ == "__main__":
    run_script(main)
