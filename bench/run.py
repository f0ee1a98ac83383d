"""How fast each stage is on this machine, and how fast it could be at most: a table, ready for a README.

The floor of a stage is the rate of that part of it that cannot be done without, measured in turns with the whole.
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

from bench.rows import Row  # noqa: E402

STAGES = ("extraction", "loading", "training", "inference", "metrics")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"of {', '.join(STAGES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="in a minute, less exact and without the larger sizes")
    args = parser.parse_args()
    if unknown := sorted(set(args.stages) - set(STAGES)):
        parser.error(f"no such stage: {', '.join(unknown)}; there are {', '.join(STAGES)}")
    return args


def alone(work: Callable, *args: object) -> object:
    """Do something in a process of its own, so that its memory is its own and nothing is warm before."""
    with worker_processes(1) as pool:
        return pool.submit(work, *args).result()


def describe() -> str:
    return importlib.import_module("bench.machine").describe()


def measure(stage: str, folder: Path, quick: bool) -> list[Row]:
    """The rows of a stage, and one for the memory that its process took."""
    rows = importlib.import_module(f"bench.{stage}").measure(folder, quick)
    memory = importlib.import_module("model.memory").peak_memory()
    return rows + ([Row(f"memory of the process: {stage}", memory, None, "GiB")] if memory else [])


def line(row: Row) -> str:
    """A row of the table, in Markdown."""
    floor, ratio = ("", "") if row.floor is None else (number(row.floor), f"{row.rate / row.floor:.2f}")
    return f"| {row.stage:68} | {number(row.rate):>9} {row.unit:13} | {floor:>9} | {ratio:>5} | {row.note} |"


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def main() -> None:
    args = parse_args()
    began = time.monotonic()
    print(f"{alone(describe)}\n", flush=True)
    print(f"| {'stage':68} | {'measured':>23} | {'floor':>9} | ratio | |\n|---|--:|--:|--:|---|", flush=True)
    for stage in args.stages or STAGES:
        with tempfile.TemporaryDirectory() as folder:
            for row in alone(measure, stage, Path(folder), args.quick):
                print(line(row), flush=True)
    print(f"\nmeasured in {time.monotonic() - began:.0f} s{', --quick' if args.quick else ''}")


if __name__ == "__main__":
    run_script(main)
