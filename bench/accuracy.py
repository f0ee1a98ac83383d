"""How well recipes of training do: each on several worlds with several seeds, as a table and a picture.

    python bench/accuracy.py --output accuracy
    python bench/accuracy.py --output accuracy --recipe "spread=--dilate_len 1" --worlds futsal rally --seeds 1 2 3
    python bench/accuracy.py --output accuracy --world "tennis=data/tennis ./Frames -m rny002_gsm --num_epochs 20"

A run that is done is not done again, and one that was stopped goes on where it was: the same command with more recipes,
worlds or seeds adds to the table. One seed shows luck; a claim takes three seeds and two worlds.
"""

from __future__ import annotations

import argparse
import math
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # and not this folder

from util.script import run_script  # noqa: E402

from plots.style import class_colour, new_figure, picture, plain  # noqa: E402
from util.errors import UserError  # noqa: E402
from util.io import read_json, whole_file, write_json  # noqa: E402
from util.options import count  # noqa: E402

# name -> options of train_e2e.py that make the recipe
RECIPES = {"auto": "--recipe auto", "colours": "--modality rgb", "original": "--recipe original --batch_size 3"}
# name -> dataset and frames, and the options of train_e2e.py that are of the size and not of the recipe
SMALL = "-m rny002_gsm --weights none --epoch_num_frames 4800 --warm_up_epochs 1"
WORLDS = {
    "futsal": f"{{made}}/data {{made}}/Frames {SMALL} --crop_dim 96 --clip_len 24 --num_epochs 24 "
              "--start_val_epoch 22",
    "rally": f"{{made}}/data {{made}}/frames {SMALL} --crop_dim 0 --clip_len 32 --num_epochs 10 "
             "--start_val_epoch 9",
}
# name -> commands that make it, run in a folder of its own
MAKING = {
    "futsal": ("{root}/make_demo.py --output .",
               "{root}/prepare_data.py --videos Videos --labels Labels --output Frames --dataset ./data --height 96"),
    "rally": ("{root}/../shared/worlds/rally.py . 1",),
}
COLUMNS = ["mAP", "mAP@0", "seconds"]  # of the table, before the classes


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder for worlds, runs, table and picture")
    parser.add_argument("--worlds", nargs="+", metavar="NAME", help=f"(default: {', '.join(WORLDS)}, and any --world)")
    parser.add_argument("--recipes", nargs="+", metavar="NAME",
                        help=f"(default: {', '.join(RECIPES)}, and any --recipe)")
    parser.add_argument("--seeds", nargs="+", type=count, default=[1, 2, 3], metavar="SEED")
    parser.add_argument("--world", action="append", default=[], metavar="NAME=DATASET FRAME_DIR OPTIONS",
                        help="a further world: arguments of train_e2e.py that are of its size")
    parser.add_argument("--recipe", action="append", default=[], metavar="NAME=OPTIONS",
                        help="a further recipe: options of train_e2e.py")
    args = parser.parse_args()
    for key, known in (("world", WORLDS), ("recipe", RECIPES)):
        given = dict(text.partition("=")[::2] for text in getattr(args, key))
        setattr(args, f"{key}_options", known | given)
        names = getattr(args, f"{key}s") or list(known | given)
        setattr(args, f"{key}s", names)
        if unknown := [name for name in names if name not in known | given]:
            parser.error(f"no such {key}: {', '.join(unknown)}; there are {', '.join(known | given)}")
    return args


def run(command: str, folder: Path, log: Path) -> None:
    """Run a script of ours in a folder; what it prints goes to the end of the log.

    Raises:
        UserError: it failed.
    """
    with log.open("a", encoding="utf-8") as text:
        done = subprocess.run([sys.executable, *shlex.split(command)], cwd=folder, stdout=text, stderr=text)
    if done.returncode:
        raise UserError(f"{log}: ends with what went wrong (exit code {done.returncode}); "
                        f"correct it, and the same command goes on")


def make_world(name: str, folder: Path) -> None:
    """Make the frames and splits of one of `WORLDS`, if they are not there yet."""
    made = folder / "made.json"
    if name not in MAKING or made.exists():
        return
    script = Path(shlex.split(MAKING[name][0].format(root=quoted(ROOT)))[0])
    if not script.is_file():
        raise UserError(f"world {name}: {os.path.relpath(script)} is not there, so it cannot be made; "
                        "leave it out of --worlds")
    folder.mkdir(parents=True, exist_ok=True)
    print(f"making the world {name}", flush=True)
    for command in MAKING[name]:
        run(command.format(root=quoted(ROOT)), folder, folder / "log.txt")
    write_json(made, True)


def train_once(args: argparse.Namespace, world: str, recipe: str, seed: int) -> dict:
    """The result of one run: {"mAP", "mAP@0", class: its mean AP}, fractions, after suppression, on test; "seconds"
    too, where it was not stopped."""
    folder = args.output / "runs" / world / recipe / f"seed{seed}"
    path = folder / "result.json"
    options = f"{args.world_options[world]} {args.recipe_options[recipe]}"
    about = {"options": options, "seed": seed}
    if path.exists():
        known = read_json(path)
        if {key: known[key] for key in about} != about:
            raise UserError(f"{path}: was made with other options ({known['options']}); give the recipe another name")
        return known["result"]
    print(f"{world}, {recipe}, seed {seed}", flush=True)
    began, goes_on = time.monotonic(), folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    made = quoted(args.output / "worlds" / world)
    run(f"{quoted(ROOT / 'train_e2e.py')} {options.format(made=made)} --seed {seed} -s {quoted(folder / 'model')} "
        "--resume", Path.cwd(), folder / "log.txt")
    seconds = math.nan if goes_on else time.monotonic() - began
    table = folder / "table.json"
    run(f"{quoted(ROOT / 'eval.py')} {quoted(folder / 'model')} -s test --json {quoted(table)}", Path.cwd(),
        folder / "log.txt")
    result = {**numbers(read_json(table)), "seconds": seconds}
    write_json(path, {**about, "result": result | {"seconds": None if goes_on else seconds}})
    return result


def quoted(path: Path) -> str:
    """A path as part of a command that `shlex.split` takes apart, on Windows too."""
    return shlex.quote(path.resolve().as_posix())


def numbers(report: dict) -> dict[str, float]:
    """Of eval.py's JSON: mean mAP after suppression, mAP at 0 frames, and each class's mean AP."""
    by_class = pd.DataFrame(report["nms"]).drop("mAP").mean(axis=1)
    return {"mAP": report["mean_mAP"]["nms"], "mAP@0": report["mAP"]["nms"]["0"], **by_class}


def show(rows: pd.DataFrame) -> str:
    """Mean +- deviation over seeds, and the worst seed's mAP, in per cent and seconds, as Markdown; a table for each
    world, as classes differ."""
    def cell(values: pd.Series, digits: int = 1) -> str:
        spread = f" ± {values.std():.{digits}f}" if values.count() > 1 else ""
        return f"{values.mean():.{digits}f}{spread}" if values.count() else "-"

    lines = []
    for world, part in rows.groupby("world", sort=False):
        classes = part.columns[part.notna().any()].difference(["world", "recipe", "seed", *COLUMNS], sort=False)
        heads = ["mean mAP", "worst seed", "mAP at 0", *classes, "seconds", "seeds"]
        lines += [f"\n| {world} | {' | '.join(heads)} |", f"|---|{'--:|' * len(heads)}"]
        for recipe, runs in part.groupby("recipe", sort=False):
            mean_ap, *others = (cell(100 * runs[name]) for name in ("mAP", "mAP@0", *classes))
            cells = [mean_ap, f"{100 * runs['mAP'].min():.1f}", *others, cell(runs["seconds"], 0), str(len(runs))]
            lines.append(f"| {recipe} | {' | '.join(cells)} |")
    return "\n".join(lines)


@picture
def draw(rows: pd.DataFrame) -> Figure:
    """Mean mAP of every run: a panel for each world, a line for each recipe, a dot for each seed, a bar at the mean."""
    worlds, recipes = list(rows["world"].unique()), list(rows["recipe"].unique())
    figure = new_figure(1.5 + 3.5 * len(worlds), 1 + 0.35 * len(recipes))
    for axes, world in zip(figure.subplots(1, len(worlds), squeeze=False, sharey=True)[0], worlds, strict=True):
        here = rows[rows["world"] == world]
        for place, values in enumerate(100 * here.loc[here["recipe"] == recipe, "mAP"] for recipe in recipes):
            axes.scatter(values, [place] * len(values), s=18, color=class_colour(place), alpha=0.7)
            axes.vlines([values.mean()], place - 0.3, place + 0.3, color=class_colour(place))
        axes.set(title=plain(world), xlabel="mean mAP (%)", yticks=range(len(recipes)))
        axes.set_yticklabels([plain(name) for name in recipes])
    axes.invert_yaxis()
    return figure


def main() -> None:
    args = parse_args()
    rows = []
    for world in args.worlds:
        make_world(world, args.output / "worlds" / world)
        for recipe in args.recipes:
            for seed in args.seeds:
                result = train_once(args, world, recipe, seed)
                rows.append({"world": world, "recipe": recipe, "seed": seed, **result})
                print(f"{world}, {recipe}, seed {seed}: mean mAP {100 * result['mAP']:.1f}, at 0 frames "
                      f"{100 * result['mAP@0']:.1f}", flush=True)
    table = pd.DataFrame(rows).astype({"seconds": float})
    with whole_file(args.output / "accuracy.csv") as scratch:
        table.to_csv(scratch, index=False, lineterminator="\n")
    draw(args.output / "accuracy.png", table)
    print(show(table))


if __name__ == "__main__":
    run_script(main)
