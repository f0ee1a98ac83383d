"""Make the demo: synthetic futsal matches as a user would bring his own, Videos/*.mp4 and Labels/*.json."""

from __future__ import annotations

from util.script import run_script, worker_processes

import argparse
import math
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
from tqdm import tqdm

from simulation.draw import Renderer
from simulation.sim import MATCHES, Event, FrameState, Match, simulate
from util.errors import UserError
from util.io import read_json, remove, sweep, whole_file, write_json
from util.lock import exclusive

SMALLEST, LARGEST = 64, 1920  # pixels, of either side


@dataclass(frozen=True)
class Half:
    """One video to make."""

    match: Match
    half: int  # 1 or 2
    num_frames: int
    size: tuple[int, int]  # width, height
    seed: int
    output: Path

    @property
    def video(self) -> str:
        return f"{self.match.name}_{self.half}"


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("demo"), help="folder for Videos/ and Labels/")
    parser.add_argument("--matches", type=int, default=len(MATCHES),
                        help=f"how many, of two halves each; up to {len(MATCHES)}, which is the default")
    parser.add_argument("--seconds", type=float, default=80, help="length of a half")
    parser.add_argument("--width", type=int, default=384, help="of a frame, in pixels (384)")
    parser.add_argument("--height", type=int, default=216, help="of a frame, in pixels (216)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other matches")
    parser.add_argument("-j", "--workers", type=int, default=os.cpu_count(), help="processes, one half each")
    return parser.parse_args()


def check_args(args: argparse.Namespace) -> None:
    """Raises UserError for a value that cannot be met."""
    allowed = {"matches": (1, len(MATCHES)), "seconds": (1, 1200), "width": (SMALLEST, LARGEST),
               "height": (SMALLEST, LARGEST), "seed": (0, math.inf), "workers": (1, math.inf)}
    for name, (least, most) in allowed.items():
        value, even = getattr(args, name), name in ("width", "height")
        if not least <= value <= most or (even and value % 2):
            ends = f"from {least} to {most}" if most < math.inf else f"of {least} or more"
            raise UserError(f"--{name} {value:g}: choose {'an even number' if even else 'one'} {ends}")
    if args.width < args.height:
        raise UserError(f"--width {args.width} --height {args.height}: choose a picture that is wider than high")


def make_half(half: Half) -> list[Event]:
    """Play, draw and write one half: the video first, its labels once the video is whole.

    A half that lies there already with the very labels is not drawn again.
    """
    cv2.setNumThreads(1)  # the halves run side by side already
    states, events = simulate(half.match, half.half, half.num_frames, half.seed)
    entry = label_entry(half, events)
    labels = half.output / "Labels" / f"{half.video}.json"
    video = half.output / "Videos" / f"{half.video}.mp4"
    if video.is_file() and labels.is_file() and read_json(labels) == entry:
        return events
    remove(labels)  # never old labels beside a new video
    with whole_file(video) as scratch:
        write_video(scratch, half, states)
        written = int(cv2.VideoCapture(str(scratch)).get(cv2.CAP_PROP_FRAME_COUNT))
        if written != half.num_frames:
            raise UserError(f"{half.output}: {half.video}.mp4 came out short; is the disk full?")
    write_json(labels, entry)
    return events


def write_video(path: Path, half: Half, states: list[FrameState]) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), half.match.fps, half.size)
    if not writer.isOpened():
        raise UserError(f"{path}: OpenCV cannot write MPEG-4 video there; choose another --output")
    renderer = Renderer(half.match, half.half, half.size, half.seed)
    try:
        for state in states:
            writer.write(renderer.frame(state))
    finally:
        writer.release()


def label_entry(half: Half, events: list[Event]) -> dict:
    """What an annotator would hand over for this video."""
    return {
        "video": half.video,
        "num_frames": half.num_frames,
        "num_events": len(events),
        "fps": float(half.match.fps),
        "width": half.size[0],
        "height": half.size[1],
        "events": [{"frame": e.frame, "label": e.label, "team": e.team} for e in events],
    }


def make_all(halves: list[Half], workers: int) -> list[Event]:
    """Make the halves in processes of their own; gives the events of all."""
    events: list[Event] = []
    try:
        with worker_processes(workers) as pool:
            for found in tqdm(pool.map(make_half, halves), "making halves", len(halves), unit="half", ascii=True):
                events += found
    finally:
        sweep(*(half.output / name for half in halves[:1] for name in ("Videos", "Labels")))  # of ended workers
    return events


def main() -> None:
    args = parse_args()
    check_args(args)
    halves = [
        Half(match, half, round(args.seconds * match.fps), (args.width, args.height), args.seed, args.output)
        for match in MATCHES[: args.matches]
        for half in (1, 2)
    ]
    with exclusive(args.output, "another make_demo.py"):
        events = make_all(halves, min(args.workers, len(halves)))
    passes = sum(event.label == "PASS" for event in events)
    print(f"{args.output}: {len(halves)} halves, {passes} PASS, {len(events) - passes} DRIVE")


if __name__ == "__main__":
    run_script(main)
