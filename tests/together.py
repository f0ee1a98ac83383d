"""What two processes of tests/test_processes.py do, and what one does that is to come to the same:

    PYTHONPATH=. RANK=0 WORLD_SIZE=2 MASTER_ADDR=... MASTER_PORT=... \
        python tests/together.py DATASET FRAME_DIR MODEL OUTPUT
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from dataset.labels import read_classes, read_split
from dataset.training_data import Batches, TrainingData, dealt_batches, training_batches
from model import processes
from model.architecture import Architecture
from model.folder import restore
from model.loss import mean_loss
from model.spotter import EventSpotter
from test_e2e import parse_args, test
from train_e2e import train_epoch
from util.batch import Batch, each_tensor
from util.processes import rank

CPU = torch.device("cpu")
STEPS, BATCH = 3, 4


def training(dataset: str, frame_dir: Path) -> dict[str, Any]:
    """Two epochs of a small network with a side and a displacement, in float64 all through: losses and weights."""
    splits = {name: read_split(dataset, name) for name in ("train", "val")}
    for video in splits["train"]:
        for number, event in enumerate(video["events"]):
            event["team"] = ("left", "right", None)[number % 3]
    data = TrainingData(frame_dir, read_classes(dataset), splits)
    targets = {"displacement": 1, "team": True}
    clips = data.clips("train", 8, 2 * STEPS * 2 * BATCH, 32, targets, fg_upsample=0.5, seed=5)
    val = list(dealt_batches(data.clips("val", 8, 5, 32, targets), BATCH, 0, CPU))
    batches = [each_tensor(torch.Tensor.double, batch)
               for batch in training_batches(clips, BATCH, 0, CPU, "rgb", mix=True)]
    with mock.patch.object(torch.Tensor, "float", torch.Tensor.double):
        return _trained(iter(batches), val)


def _trained(batches: Batches, val: list[Batch]) -> dict[str, Any]:
    torch.manual_seed(rank())  # begins with the first one's weights all the same
    spotter = EventSpotter(Architecture("rny002_gsf", "", 2, radi_displacement=1, event_team=True)).double()
    spotter.backbone.recompute_blocks()
    optimizer = torch.optim.AdamW(spotter.parameters(), fused=True)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    _, mean = restore(Path(), None, spotter, 0.9, optimizer, scaler)
    joined = processes.joined(spotter, sync_bn=True)
    losses = []
    for _ in range(2):
        losses.append(train_epoch(joined, batches, STEPS, optimizer, scaler, [1e-3] * 2, 2, mean.update)[0])
        processes.average_statistics(spotter, mean.network)
        losses.append(mean_loss(mean.network, val))
    return {"losses": losses, "weights": spotter.state_dict(), "mean": mean.network.state_dict()}


def main() -> None:
    dataset, frame_dir, model, output = sys.argv[1], *map(Path, sys.argv[2:])
    with processes.together(BATCH):
        found = training(dataset, frame_dir)
        torch.manual_seed(rank())
        found["first"] = processes.as_first({"rank": rank(), "of": torch.rand(2)})
        videos = [{"video": name, "num_frames": frames} for name, frames in (("a", 5), ("b", 9), ("c", 5), ("d", 1))]
        own = {video["video"]: np.full(2, rank()) for video in processes.share_of(videos)}
        found["scored_by"] = {name: int(rows[0]) for name, rows in processes.gathered(own, videos).items()}
        found["batch"] = processes.whole_batch(3 + rank())
        found["sums"] = processes.summed(1, 10 * rank())
        torch.save(found, output / f"{rank()}.pt")
        sys.argv[1:] = [str(model), str(frame_dir), "-s", "train", "--save_as", str(output / "pred"), "--device", "cpu"]
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            test(parse_args())


if __name__ == "__main__":
    main()
