"""The commands that bring labels from the page into the splits, and train on from the model that is looked at."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from dataset.labels import SPLITS, dataset_dir, read_split
from util.config import trained_with
from util.events import Video
from util.io import write_json
from util.matches import matches_of
from viewer.models import Model
from viewer.store import LabelStore
from viewer.viewed_videos import OF_FRAMES

USUAL_HEIGHT = 224  # of prepare_data.py's frames
FIRST_MODEL = "rny008_gsm"


def training_commands(
    store: LabelStore, dataset: str, model: Model | None, frame_dir: Path | None, videos_dir: Path | None
) -> tuple[list[str], list[str]]:
    """The two commands, and what there is to say of them.

    Args:
        model: that is looked at, if any.
    """
    states = store.states()
    frames = frame_dir or Path("Frames")
    origin = model.origin if model else None
    folder = origin.parent if origin and origin.is_file() else origin
    prepare = ["prepare_data.py", "--videos", videos_dir or "VIDEOS", "--output", frames, "--labels", store.folder,
               "--dataset", dataset, *_made_with(store, folder), "--overwrite"]
    notes = [] if videos_dir else ["VIDEOS is the folder of the video files."]
    if _stay(dataset):
        prepare += ["--splits", dataset_dir(dataset)]
        notes.append("Matches stay in their splits, so that scores can be compared; new ones go to train.")
    if any(state.source == "none" for state in states):
        prepare.append("--skip_unlabelled")
        notes.append("Videos without labels are left out.")
    train = ["train_e2e.py", dataset, frames]
    if folder or model:
        train += ["-s", _next_folder(folder or Path("out")), "--init", origin or "MODEL_DIR"]
        notes += [] if origin else ["MODEL_DIR is the folder of the model that made the proposals."]
    else:
        train += ["-s", _next_folder(Path("out")), "-m", FIRST_MODEL]
    if rejected := sum(len(state.rejected) for state in states):
        notes.append(f"Half of the clips or more are drawn about events and about what was rejected ({rejected} so "
                     "far), each class and the rejected alike.")
    return [_line(prepare), _line(train)], notes


def too_few(store: LabelStore, dataset: str) -> str | None:
    """What to say where there are too few matches for all splits, in one line; None where there are enough."""
    there = {entry["video"]: split for split in _there(dataset) for entry in read_split(dataset, split)}
    states = zip(store.videos, store.states(), strict=True)
    new = {video.name for video, state in states if state.source != "none"} - there.keys()
    number = len({*matches_of({*there, *new}).values()})
    made = {*there.values(), *["train"] * bool(new)} if _stay(dataset) else SPLITS[:number]
    missing = [split for split in SPLITS if split not in made]
    if not missing:
        return None
    then = f"without {missing[0]} " + ("nothing is scored at the end" if missing == ["test"] else "train_e2e.py stops")
    if _stay(dataset):
        return f"New matches go to train, and {then}; leave --splits out to have all splits chosen anew."
    return (f"Too few matches have labels ({number}): train, val and test take one each at least, and {then}; "
            f"label or add {len(SPLITS) - number} more.")


def _there(dataset: str) -> list[str]:
    return [split for split in SPLITS if (dataset_dir(dataset) / f"{split}.json").exists()]


def _stay(dataset: str) -> bool:
    """Whether matches stay in the splits that stand: with train alone nothing was measured that could be compared."""
    return not {*_there(dataset)} <= {"train"}


def unwritten(store: LabelStore, dataset: str) -> list[Video]:
    """The entries of the dataset's splits whose labels have no file in the folder of labels: without one they would
    leave the dataset when it is prepared again."""
    entries = [entry for split in _there(dataset) for entry in read_split(dataset, split)]
    return [entry for entry in entries if not _file_of(store, entry).exists()]


def write_files(store: LabelStore, dataset: str) -> int:
    """Write a label file for each of these, with all that its entry says of the video, and give their number.

    Raises:
        UserError: one cannot be written.
    """
    with store.locked():
        entries = unwritten(store, dataset)
        for entry in entries:
            left_out = OF_FRAMES if entry.get("fps", -1) > 0 else (*OF_FRAMES, "fps")
            write_json(_file_of(store, entry), {key: value for key, value in entry.items() if key not in left_out})
    return len(entries)


def _file_of(store: LabelStore, entry: Video) -> Path:
    return store.folder / f"{entry['video']}.json"


def _made_with(store: LabelStore, folder: Path | None) -> list[object]:
    """The options with which the frames that are there were made, or where there are none, those of the model."""
    extracted = [video.record or {} for video in store.videos if video.extracted]
    if extracted or not folder:
        options = next(filter(None, extracted), {}).get("options") or {}
        height, fps = options.get("height"), options.get("fps")
    else:
        height, fps = (trained_with(folder, key) for key in ("frame_height", "resample_fps"))
    lines = ["--height", height] if height not in (None, USUAL_HEIGHT) else []
    return [*lines, *(["--fps", f"{fps:g}"] if fps else [])]


def _next_folder(folder: Path) -> Path:
    """A folder of that name, with a number behind it, which is not there yet."""
    number = 2
    while folder.exists():
        folder, number = folder.with_name(f"{folder.name.removesuffix(f'_{number - 1}')}_{number}"), number + 1
    return folder


def _line(words: Sequence[object]) -> str:
    """A command as the shell of this machine takes it."""
    plain = ["python", *map(str, words)]
    return subprocess.list2cmdline(plain) if os.name == "nt" else shlex.join(plain)
