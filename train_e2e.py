"""Train an event spotter end to end: frames + splits -> config, checkpoints, losses, predictions."""

from __future__ import annotations

from util.script import run_script

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from checks.checked_splits import read_training_data
from dataset import recipe
from dataset.frames import Loader, frame_size, how_frames_were_made, load_stretches
from dataset.training_data import Batches, TrainingData, dealt_batches, training_batches
from evaluation.results import Origin, print_report, save_results, val_mean_map
from model import processes
from model.architecture import Architecture, add_architecture_options
from model.cost import Forecast, batch_that_fits
from model.device import add_device_options, compile_errors, memory_errors, move, pick_device, pick_precision
from model.folder import begun, begun_with, load_best, network_options, restore, save_epoch, start_or_resume, untrained
from model.inference import head_overlap, score_videos
from model.loss import mean_loss, spotting_loss
from plots.training import TRACKERS, epoch_writer, tracker

# options that neither config.json keeps nor a resumed training must share
RUN_OPTIONS = ("frame_dir", "joint", "sides_file", "save_dir", "num_workers", "resume", "device", "precision",
               "compile", "tensorboard", "wandb")
WARM_UP_START = 0.01  # of the learning rate: the first update's
VAL_SHARE = 0.25  # of an epoch's frames; the val loss is of no more, so that it takes a fraction of an epoch's time
VAL_SEED = 0  # of the clips of the val loss: the same ones in every epoch and training
BAR = {"leave": False, "disable": None}  # progress bars: none where the output is a file
READ_LOSS = 1.0  # seconds: the bar's loss is read no more often, as a card then has to finish what it has been given


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="a folder under data/, or a path to one")
    parser.add_argument("frame_dir", type=Path, help="extracted frames, <frame_dir>/<video>/000000.jpg")
    parser.add_argument("-s", "--save_dir", type=Path, required=True, help="where the trained model goes")
    parser.add_argument("--resume", action="store_true", help="go on where the training in save_dir stopped")
    add_device_options(parser)
    parser.add_argument("--tensorboard", action="store_true", help="write losses, mAP and rate for TensorBoard too")
    parser.add_argument("--wandb", action="store_true", help="and for Weights & Biases, in its project event-spotting")
    add_architecture_options(parser)
    add = parser.add_argument_group("further labels").add_argument
    add("--joint", nargs=2, metavar=("DATASET", "FRAME_DIR"),
        help="learn from a second dataset along with the first, by a classifier of its own")
    add("--team_sides", dest="sides_file", type=Path, metavar="FILE", help="of --team, where labels name teams: "
        '{"match": {"ARG": "left", "BRA": "right"}, ...} in the first half, or by video')
    add = parser.add_argument_group("first weights").add_argument
    add("--weights", default="auto", metavar="auto|imagenet|none|FILE",
        help="those of the backbone (auto: ImageNet's, none for the modalities bw and flow)")
    add("--init", metavar="MODEL_DIR", help="start from the whole network of a trained model, ours or a published one; "
        "options of the network that are not given, and --crop_dim, are then that model's")
    add("--init_classes", nargs="+", metavar="NAME",
        help="of that model, in its order, where its folder does not name them")
    recipe.add_recipe_options(parser)
    add = parser.add_argument_group("how it is computed").add_argument
    add("--sync_bn", action="store_true", help="in several processes: batch norm takes its statistics from the whole "
        "batch, and not from each process's share of it")
    add("--grad_checkpoint", action="store_true", help="train in a third of the memory, a third to two thirds slower")
    add("--compile", action="store_true", help="compile the network first: takes minutes, and speeds up each step")

    args = parse(parser)
    args.device = pick_device(args.device)
    args.precision = pick_precision(args.precision, args.device)
    for option in TRACKERS:
        if getattr(args, option):
            tracker(option)  # where it is missing, that is said before anything is written
    args.crop_dim = args.crop_dim if args.crop_dim > 0 else None
    if args.sides_file and not args.event_team:
        parser.error("--team_sides goes with --team")
    if args.start_val_epoch is None:
        args.start_val_epoch = max(0, args.num_epochs - recipe.EPOCHS_WITH_MAP)
    return args


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The arguments. One that is not given is, where a training goes on, what it was begun with; where one starts
    from a model, that model's, if it is of the network; and else the recipe's."""
    args = parser.parse_args()
    parser.set_defaults(**recipe.RECIPES[args.recipe])
    args = parser.parse_args()
    goes_on = args.resume and (args.save_dir / "config.json").is_file()
    if goes_on or args.init:
        defaults = begun_with(args.save_dir) if goes_on else network_options(Path(args.init))
        parser.set_defaults(**{key: defaults[key] for key in vars(args) if key in defaults and key not in RUN_OPTIONS})
        found = goes_on and args.batch_size == "auto" and defaults.get("batch_size")
        args = parser.parse_args([*sys.argv[1:], *(["--batch_size", found] if found else [])])
    if args.feature_arch is None:
        parser.error("the following arguments are required: -m/--feature_arch")
    if args.init and args.weights != "auto":
        parser.error("--init and --weights: only one of them can say what a network starts from")
    return args


def make_config(args: argparse.Namespace, architecture: Architecture, data: TrainingData) -> dict[str, Any]:
    """What rebuilds the model and its training: the keys of original E2E-Spot folders, and ours."""
    own = {key: value for key, value in vars(args).items() if key not in RUN_OPTIONS}
    made = how_frames_were_made(args.frame_dir, data.splits["train"])
    second = {"joint_dataset": args.joint and args.joint[0], "joint_class_names": data.joint_classes or None,
              "team_sides": data.team_sides}
    prints = {"splits": data.fingerprints(architecture.event_team)}
    return {**own, **asdict(architecture), "classes": data.classes, **second, **prints, "gpu_parallel": False, **made}


def lr_factor(update: int, warm_up: int, total: int) -> float:
    """What the learning rate is multiplied by: linear warm-up, then half a cosine down to zero.

    Args:
        update: of the weights, from 0 on.
        warm_up, total: numbers of updates.
    """
    if update < warm_up:
        return WARM_UP_START + (1 - WARM_UP_START) * update / warm_up
    return 0.5 * (1 + math.cos(math.pi * (update - warm_up) / max(1, total - warm_up)))


def epoch_rates(args: argparse.Namespace, updates: int, epoch: int) -> list[float]:
    """The learning rates of an epoch's updates, of which each epoch has the same number."""
    return [args.learning_rate * lr_factor(update, args.warm_up_epochs * updates, args.num_epochs * updates)
            for update in range(epoch * updates, (epoch + 1) * updates)]


def say_new_schedule(args: argparse.Namespace, updates: int, history: list[dict[str, Any]]) -> None:
    """Print how the learning rate goes on where a training goes on longer than it was begun for."""
    came_to = history[-1].get("lr") if history else None
    if came_to is None or math.isclose(came_to, epoch_rates(args, updates, len(history) - 1)[-1], abs_tol=1e-15):
        return
    print(f"the cosine is stretched to {args.num_epochs} epochs: the learning rate, which had come to {came_to:.2e}, "
          f"goes on at {epoch_rates(args, updates, len(history))[0]:.2e}, and falls to 0 by the last epoch")


def train_epoch(
    spotter: nn.Module,
    batches: Batches,
    steps: int,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    rates: Sequence[float],
    acc_grad_iter: int = 1,
    after_update: Callable[[], object] = lambda: None,
) -> tuple[float, int]:
    """One epoch.

    Args:
        spotter: an EventSpotter in training mode, or that of `joined`.
        batches: of one size, on its device, with targets; `steps` of them are taken.
        rates: the learning rate of each update of the weights: of `steps` over `acc_grad_iter`, rounded up.
        acc_grad_iter: batches whose gradients make an update; the last of an epoch may be of fewer.
        after_update: called each time.

    Returns:
        The mean loss of a batch, and how many overflowed in float16: they change nothing, and are not in the mean. Of
        several processes, the mean over all, and how many of their shares of a batch did.
    """
    losses, read = [], time.monotonic()  # the losses stay on the device: a card is not waited for in every step
    bar = tqdm(range(steps), desc="training", unit="batch", **BAR)
    for step in bar:
        batch = next(batches)
        statistics = [buffer.clone() for buffer in spotter.buffers()] if scaler.is_enabled() else []
        group = min(acc_grad_iter, steps - step // acc_grad_iter * acc_grad_iter)
        last = (step + 1) % acc_grad_iter == 0 or step + 1 == steps
        with processes.unsynced(spotter, last):
            outputs, targets = spotter(batch.frames, batch.inside), batch.targets
            del batch  # the backward pass has better use for the memory of its frames
            loss = spotting_loss(outputs, targets)
            scaler.scale(loss / group).backward()
        losses.append(loss.detach())
        for buffer, before in zip(spotter.buffers() if statistics else (), statistics, strict=True):
            buffer.copy_(torch.where(loss.isfinite(), buffer, before))  # batch norm's have taken in what overflowed

        if last:
            optimizer.param_groups[0]["lr"] = rates[step // acc_grad_iter]
            scaler.step(optimizer)  # unless a gradient overflowed
            scaler.update()
            optimizer.zero_grad()
            after_update()
        if not bar.disable and time.monotonic() > read + READ_LOSS:
            so_far = torch.stack(losses)
            bar.set_postfix(loss=f"{so_far[so_far.isfinite()].mean():.4f}")
            read = time.monotonic()
    values = torch.stack(losses).tolist()
    counted = [value for value in values if math.isfinite(value)] if scaler.is_enabled() else values
    total, number, overflows = processes.summed(sum(counted), len(counted), steps - len(counted))
    return (total / number if number else math.nan), int(overflows)


def predict(spotter: nn.Module, videos: list[dict], args: argparse.Namespace) -> dict[str, np.ndarray]:
    """Scores of whole videos: {video: float32 (num_frames, K + 1)}, each scored by one of the processes."""
    own = processes.share_of(videos)
    stretches = load_stretches(args.frame_dir, own, args.crop_dim, args.num_workers, args.device)
    bar = tqdm(stretches, desc="scoring", unit="stretch", **BAR)
    return processes.gathered(score_videos(spotter, bar, own, args.clip_len, head_overlap(spotter)), videos)


def make_loaders(args: argparse.Namespace, data: TrainingData, steps: int, first_epoch: int) -> tuple[Batches, Loader]:
    """The training batches of all epochs from `first_epoch` on, and the val batches of any one."""
    targets = {"dilate": args.dilate_len, "displacement": args.radi_displacement, "team": args.event_team}
    number = args.num_epochs * steps * args.batch_size * (1 + args.mixup)
    clips = data.clips("train", args.clip_len, number, args.crop_dim, targets,
                       fg_upsample=args.fg_upsample, seed=args.seed)
    frames = min(sum(v["num_frames"] for v in data.splits["val"]), int(VAL_SHARE * args.epoch_num_frames))
    val_clips = data.clips("val", args.clip_len, max(1, frames // args.clip_len), args.crop_dim, targets, seed=VAL_SEED)
    batches = training_batches(clips, args.batch_size, args.num_workers, args.device, args.modality, args.mixup,
                               first_epoch * steps)
    return batches, dealt_batches(val_clips, args.batch_size, min(1, args.num_workers), args.device)


@compile_errors()
@memory_errors("lower --batch_size (and raise -ag to make up for it), or train with --grad_checkpoint")
def main() -> None:
    args = parse_args()
    with processes.together(args.batch_size), begun(args.save_dir, args.resume, args.frame_dir):
        train(args)


def settle(args: argparse.Namespace, data: TrainingData) -> Architecture:
    """The network; and in `args` what --batch_size auto and the options that are not given come to."""
    args.epoch_num_frames = args.epoch_num_frames or min(data.num_frames, recipe.MAX_EPOCH_FRAMES)
    if args.fg_upsample is None:
        args.fg_upsample = recipe.share_about_events(data.splits["train"], args.clip_len)
    architecture = Architecture.from_options(args, len(data.classes), len(data.joint_classes))
    clips = args.num_epochs * args.epoch_num_frames // args.clip_len
    if args.batch_size == "auto":
        frame = frame_size(args.frame_dir / data.splits["train"][0]["video"], args.crop_dim)
        wanted = recipe.clips_in_update(clips)
        most = min(wanted, args.epoch_num_frames // (args.clip_len * processes.number()))
        fitting, args.grad_checkpoint = batch_that_fits(architecture, frame, args.device, args.precision,
                                                        args.grad_checkpoint, most)
        args.batch_size = processes.whole_batch(fitting)
        args.acc_grad_iter = args.acc_grad_iter or max(1, round(wanted / args.batch_size))
    args.acc_grad_iter = args.acc_grad_iter or 1
    if args.learning_rate is None:
        args.learning_rate = recipe.fitting_rate(clips // (args.batch_size * args.acc_grad_iter), untrained(vars(args)))
    return architecture


def build(args: argparse.Namespace, architecture: Architecture, data: TrainingData) -> tuple[nn.Module, int | None]:
    """The network where and as it is computed, and the epoch after which its training goes on, None for a new one."""
    config = make_config(args, architecture, data)
    spotter, stopped = start_or_resume(args.save_dir, architecture, config, args.resume)
    move(spotter, args.device, args.precision)
    if args.grad_checkpoint:
        spotter.backbone.recompute_blocks()
    if args.compile:
        spotter.backbone.compile_cnn()
    return spotter, stopped


def score_best(args: argparse.Namespace, network: nn.Module, data: TrainingData, names: Sequence[str]) -> None:
    """Score some splits by the best epoch, save that, and print the table of the last one."""
    first = processes.rank() == 0
    epoch = processes.as_first(load_best(network, args.save_dir) if first else None, network)
    print(f"\nbest epoch: {epoch}")
    for name in names:
        videos, scores = data.splits[name], predict(network, data.splits[name], args)
        predictions = save_results(args.save_dir, name, epoch, videos, scores, data.classes) if first else None
    if first:
        print_report(Origin(args.save_dir, name, epoch, data.classes, data.splits.__getitem__), videos, predictions)


def train(args: argparse.Namespace) -> None:
    """Train from the arguments to the table of results."""
    data = read_training_data(args.dataset, args.frame_dir, args.crop_dim, args.region_size if args.regions else 0,
                              args.joint, args.event_team, args.sides_file)
    classes, splits = data.classes, data.splits
    torch.backends.cudnn.benchmark = True
    architecture = settle(args, data)
    torch.manual_seed(args.seed)  # after what draws more where more batches are tried
    spotter, stopped = build(args, architecture, data)
    optimizer = torch.optim.AdamW(spotter.parameters(), lr=args.learning_rate, fused=True)
    scaler = torch.amp.GradScaler(args.device.type, enabled=args.precision == torch.float16)
    history, mean = restore(args.save_dir, stopped, spotter, args.ema, optimizer, scaler)
    network, first = processes.joined(spotter, args.sync_bn), processes.rank() == 0  # which alone writes and draws

    steps = max(1, args.epoch_num_frames // (args.clip_len * args.batch_size))  # in an epoch
    batches, val_batches = make_loaders(args, data, steps, len(history))
    show = epoch_writer(args.save_dir, history, args.tensorboard, args.wandb) if first else None
    updates = math.ceil(steps / args.acc_grad_iter)  # of the weights
    print(f"{architecture} on {args.device}{processes.several()}: {steps} batches of "
          f"{args.batch_size} x {args.clip_len} frames in an epoch; stop at any time, --resume goes on")
    print(recipe.describe(args, splits["train"], classes))
    say_new_schedule(args, updates, history)
    maps = args.num_epochs - args.start_val_epoch if args.criterion == "map" else 0
    whole = [name for name in ("val", "test") if name in splits]
    lengths = [sum(video["num_frames"] for video in splits[name]) / args.epoch_num_frames for name in whole]
    forecast = Forecast(args.device, args.num_epochs - len(history), updates, len(val_batches) / steps, maps, lengths)

    for epoch in range(len(history), args.num_epochs):
        began = time.monotonic()
        rates = epoch_rates(args, updates, epoch)
        spotter.train()
        if args.settle_bn:
            spotter.settle_norms(epoch * steps, epoch >= (1 - args.settle_bn) * args.num_epochs)
        processes.draw_apart(args.seed + epoch)  # for dropout: a resumed epoch draws what it would have drawn
        loss, overflows = train_epoch(network, batches, steps, optimizer, scaler, rates, args.acc_grad_iter,
                                      lambda: (mean.update(), forecast.update()))
        processes.average_statistics(spotter, mean.network)
        speed = steps * args.batch_size * args.clip_len / (time.monotonic() - began)
        row = {"epoch": epoch, "train": loss if math.isfinite(loss) else None,
               "val": mean_loss(mean.network, val_batches), "val_mAP": 0, "lr": rates[-1], "overflows": overflows}
        trained, val_map = time.monotonic() - began, None
        if args.criterion == "map" and epoch >= args.start_val_epoch:
            val_map = val_mean_map(splits["val"], predict(mean.network, splits["val"], args), classes)
            row["val_mAP"] = val_map or 0  # as the original has it where nothing is measured
        forecast.epoch(trained, time.monotonic() - began - trained)
        history.append(row)
        if first:
            save_epoch(args.save_dir, mean, optimizer, scaler, history)
            show(history)
        shown = "-" if val_map is None else f"{100 * val_map:.2f}"
        print(f"epoch {epoch}  train {loss:.4f}  val {row['val']:.4f}  val mAP after NMS {shown}  "
              f"lr {row['lr']:.2e}  {speed:.0f} frames/s  {time.monotonic() - began:.0f} s", flush=True)

    score_best(args, mean.network, data, whole)


if __name__ == "__main__":
    run_script(main, shared=True)
