"""From a fresh clone, with Python 3.10 or later and nothing else:

    python start.py demo    train and test on synthetic futsal matches, end to end
    python start.py test    lint and run the tests

Both set up .venv first; a second run finds it ready.
"""

from __future__ import annotations

from util.script import run_script

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from util.card import nvidia_card

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

# A small network from scratch, on small squares of small frames (the camera keeps the ball in the middle), in clips
# of a second: what two processor cores can learn from in ten minutes.
TRAIN_OPTIONS = (
    "-m rny002_gsm --weights none --crop_dim 96 --clip_len 24 --epoch_num_frames 4800 --num_epochs 24 "
    "--warm_up_epochs 1 --start_val_epoch 22"
)
DEMO = [
    "make_demo.py --output demo",
    "prepare_data.py --videos demo/Videos --labels demo/Labels --output demo/Frames --dataset futsal --height 96",
    f"train_e2e.py futsal demo/Frames -s demo/out {TRAIN_OPTIONS} --resume",
    "test_e2e.py demo/out demo/Frames -s test --save",
    "eval.py -s test demo/out --json demo/results.json",
]
TESTS = ["ruff check .", "oxlint viewer/static", "pytest -n auto"]


def set_up(requirements: str) -> None:
    """Make .venv and install a requirements file, and PyTorch's build for an NVIDIA card, unless that is done."""
    wanted = hashlib.sha256()
    for path in sorted(ROOT.glob("requirements*.txt")):
        wanted.update(path.read_bytes())
    card = nvidia_card()
    if card:
        wanted.update(str(card.build).encode())
    done = VENV / f"installed-{requirements}"
    if PYTHON.exists() and done.exists() and done.read_text() == wanted.hexdigest():
        return
    print("setting up .venv; PyTorch is some gigabytes, which takes a few minutes", flush=True)
    if Path(sys.prefix).resolve() != VENV:  # Windows cannot write over the Python that runs
        run([sys.executable, "-m", "venv", str(VENV)])  # completes one that was left half made
    if card and card.build:
        print(f"with the build for the {card.name}", flush=True)
        run(card.install(str(PYTHON)))
    elif card:
        print(f"WARNING: the driver of the {card.name} is too old for PyTorch, which will not use it; update it, "
              "then run this again", file=sys.stderr)
    run([str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "-q", "-r", requirements])
    done.write_text(wanted.hexdigest())


def run(command: list[str]) -> float:
    """Run a command in the repository, echoed; gives the seconds it took. A failure ends the program with its code."""
    print(f"\n$ {' '.join([Path(command[0]).stem, *command[1:]])}", flush=True)
    began = time.monotonic()
    with subprocess.Popen(command, cwd=ROOT) as child:
        try:
            code = child.wait()
        except KeyboardInterrupt as stopped:
            if stopped.args != (signal.SIGINT,):  # Ctrl-C reaches the child by itself
                child.terminate()
            child.wait()
            raise
    if code:
        sys.exit(code)
    return time.monotonic() - began


def run_all(commands: list[str]) -> None:
    """Run scripts, and programs of .venv, each a line with its arguments; say at the end how long each took."""
    seconds = {}
    for line in commands:
        program, *arguments = line.split()
        command = [str(PYTHON), program] if program.endswith(".py") else [str(PYTHON.with_name(program))]
        seconds[program] = run(command + arguments)
    print("\nSeconds")
    for program, taken in seconds.items():
        print(f"  {taken:6.0f}  {program}")
    print(f"  {sum(seconds.values()):6.0f}  in all")


def show_demo_results() -> None:
    print("\nLook at")
    looks = {
        "demo/Videos/*.mp4": "the matches",
        "demo/Frames/*/": "what the network sees",
        "data/futsal/": "classes and splits",
        "demo/out/training.png": "losses, val mAP and learning rate by epoch",
        "demo/out/*.pr.png": "precision-recall curves",
        "demo/out/*.confusion.png": "what is taken for what",
        "demo/out/*.offsets.png": "by how many frames right predictions are early or late",
        "demo/out/*.timelines/*.png": "what was found, missed and wrong, along each half",
        "demo/results.json": "the table above, as fractions",
    }
    for pattern, what in looks.items():
        found = sorted(ROOT.glob(pattern.rstrip("/")))
        if found:
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            print(f"  {found[0].relative_to(ROOT).as_posix()}{more}: {what}")
    print("\nor at all of it in a browser\n"
          f"  {PYTHON.relative_to(ROOT)} view.py demo/out demo/Frames -s test --labels demo/Labels")


def main() -> None:
    if sys.version_info < (3, 10):  # noqa: UP036 - whoever has an older one is to read why it fails
        sys.exit("error: this needs Python 3.10 or later; this is " + sys.version.split()[0])
    if sys.argv[1:] == ["demo"]:
        set_up("requirements.txt")
        try:
            run_all(DEMO)
        except SystemExit:  # such as a training begun with another version's options, which cannot go on
            print("to begin the demo again, delete the folder demo/", file=sys.stderr)
            raise
        show_demo_results()
    elif sys.argv[1:] == ["test"]:
        set_up("requirements-dev.txt")
        run_all(TESTS)
    else:
        sys.exit(__doc__.strip())


if __name__ == "__main__":
    run_script(main)
