"""How fast each stage is on this machine, and how fast it could be at most: a table, ready for a README.

The floor of a stage is the rate of that part of it that cannot be done without, measured in turns with the whole.
With --device only what runs on a device is measured: that takes under nine minutes on a card, and needs no more than
torch, torchvision, timm, numpy and OpenCV.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # and not this folder

from util.script import run_script, worker_processes  # noqa: E402

from bench.rows import Row, Settings  # noqa: E402
from util.options import positive  # noqa: E402

STAGES = ("extraction", "loading", "training", "inference", "memory", "metrics")
ON_A_DEVICE = ("loading", "training", "inference", "memory")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="STAGE",
                        help=f"of {', '.join(STAGES)} (default: all; with --device {', '.join(ON_A_DEVICE)})")
    parser.add_argument("--device", choices=["cpu", "cuda", "mps"], help="(default: the best there is)")
    parser.add_argument("--precision", default="auto", choices=["auto", "float32", "bfloat16", "float16"])
    parser.add_argument("--seconds", type=float, default=10, help="for each row (default: 10; 1: less exact, sooner)")
    parser.add_argument("--clip_len", type=positive, default=100, help="frames in a clip")
    parser.add_argument("--crop_dim", type=positive, default=224, help="side of the square crop")
    args = parser.parse_args()
    args.stages = args.stages or (ON_A_DEVICE if args.device else STAGES)
    if unknown := sorted(set(args.stages) - set(STAGES)):
        parser.error(f"no such stage: {', '.join(unknown)}; there are {', '.join(STAGES)}")
    return args


def alone(work: Callable, *args: object) -> None:
    """Do something in a process of its own, so that its memory is its own and nothing is warm before."""
    with worker_processes(1) as pool:
        pool.submit(work, *args).result()


def describe(settings: Settings) -> None:
    print(f"{importlib.import_module('bench.machine').describe(settings)}\n", flush=True)


def measure(stage: str, settings: Settings) -> None:
    """Print the rows of a stage, and one for the memory that its process took."""
    with tempfile.TemporaryDirectory() as folder:
        for row in importlib.import_module(f"bench.{stage}").measure(Path(folder), settings):
            print(line(row), flush=True)
    if memory := importlib.import_module("model.memory").peak_memory():
        print(line(Row(f"memory of the process: {stage}", memory, None, "GiB")), flush=True)


def line(row: Row) -> str:
    """A row of the table, in Markdown."""
    floor, ratio = ("", "") if row.floor is None else (number(row.floor), f"{row.rate / row.floor:.2f}")
    return f"| {row.stage:68} | {number(row.rate):>9} {row.unit:13} | {floor:>9} | {ratio:>5} | {row.note} |"


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def main() -> None:
    args = parse_args()
    began = time.monotonic()
    settings = Settings(args.device or "auto", args.precision, args.seconds, args.clip_len, args.crop_dim)
    alone(describe, settings)
    print(f"| {'stage':68} | {'measured':>23} | {'floor':>9} | ratio | |\n|---|--:|--:|--:|---|", flush=True)
    for stage in args.stages:
        alone(measure, stage, settings)
    print(f"\nmeasured in {time.monotonic() - began:.0f} s, {settings.seconds:g} s a row")


if __name__ == "__main__":
    run_script(main)
