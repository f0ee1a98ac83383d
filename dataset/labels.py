"""A dataset's folder, class.txt and a file per split: found, read and written; util/entries.py says what is valid."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from util.entries import Entry, Problem, check_split, clean_label, label_fault, raise_first
from util.errors import UserError
from util.io import read_json, remove, rename, scratch_path, sweep, whole_file

DATA_DIR = Path(__file__).resolve().parents[1] / "data"
SAME_FPS = 0.1  # rates that differ by less are one, rounded: 29.97 and 30, 59.94 and 60, but not 24 and 25
PENDING = ".pending"  # a folder within a dataset's: new files that are complete, but not all in their place
SPLITS = ("train", "val", "test")  # what prepare_data.py writes; others, such as challenge, are read too


def dataset_dir(dataset: str) -> Path:
    """The folder of a dataset: a bare name is one under data/, anything with a slash is a path."""
    is_path = "/" in dataset or os.sep in dataset
    return Path(dataset) if is_path else DATA_DIR / dataset


def read_classes(dataset: str) -> list[str]:
    """The class names in the order of class.txt; class i of the list has index i + 1, 0 is background.

    Raises:
        UserError: no such dataset, no class.txt, nothing in it, or a name twice.
    """
    path = _existing_dir(dataset) / "class.txt"
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows' Notepad likes to put a mark in front
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; write one class name per line into it") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text; save it as UTF-8") from error
    classes = [name for line in text.splitlines() if (name := clean_label(line))]
    _check_classes(path, classes)
    return classes


def _check_classes(path: Path, classes: Sequence[str]) -> None:
    if not classes:
        raise UserError(f"{path}: is empty; write one class name per line into it")
    for fault in filter(None, map(label_fault, classes)):
        raise UserError(f"{path}: {fault}")
    if twice := sorted({name for name in classes if classes.count(name) > 1}):
        raise UserError(f"{path}: {', '.join(twice)} stands there more than once; leave one of each")


def read_split(dataset: str, split: str) -> list[dict]:
    """The valid entries of data/<dataset>/<split>.json, with all their keys.

    An entry has at least video, num_frames and events; width, height and fps may be missing or unknown (-1),
    and num_events may be wrong: count the events.

    Raises:
        UserError: no such dataset or split, or an entry or event in it is not what it must be.
    """
    entries, problems = read_entries(dataset, split)
    raise_first(problems)
    return [entry.content for entry in entries]


def read_entries(dataset: str, split: str) -> tuple[list[Entry], list[Problem]]:
    """The entries of a split that can be used, and all that is wrong with it.

    Raises:
        UserError: no such dataset or split, or its file is no JSON.
    """
    folder = _existing_dir(dataset)
    path = folder / f"{split}.json"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in folder.glob("*.json"))) or "none"
        raise UserError(f"{path}: no such split; the splits of this dataset are: {there}")
    return check_split(read_json(path), path, frozenset(read_classes(dataset)))


def write_dataset(folder: Path, classes: list[str], splits: dict[str, list[dict]], overwrite: bool) -> bool:
    """Write class.txt and a file for each split that has entries, all or none; False where they are there as they are.

    Raises:
        UserError: an entry is not valid, or another dataset stands there and `overwrite` is false; nothing has been
            written then.
    """
    finish_writing(folder)
    texts = {f"{split}.json": format_entries(splits[split]) for split in SPLITS if splits.get(split)}
    for split, entries in splits.items():
        raise_first(check_split(entries, folder / f"{split}.json", classes)[1] if entries else [])
    if not (folder / "class.txt").exists() or read_classes(f"{folder}/") != classes:
        _check_classes(folder / "class.txt", classes)
        texts["class.txt"] = "".join(f"{name}\n" for name in classes)
    stale = {f"{split}.json" for split in SPLITS if (folder / f"{split}.json").exists()} - texts.keys()
    changed = {name: text for name, text in texts.items() if _read_text(folder / name) != text}
    in_the_way = sorted(name for name in [*stale, *changed] if (folder / name).exists())
    if in_the_way and not overwrite:
        there = "".join(filter(None, (_read_text(folder / f"{split}.json") for split in SPLITS)))
        new = next((f", by {entry['video']!r}" for split in splits.values() for entry in split
                    if _format_entry(entry) not in there), "")
        raise UserError(f"{folder}: holds other labels or splits ({', '.join(in_the_way)} would change{new}); replace "
                        f"them with --overwrite (and --splits {folder}, which moves no match), or another --dataset")
    if stale or changed:
        _replace_files(folder, {**changed, **dict.fromkeys(stale, "")})
    return bool(stale or changed)


def _replace_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Put files in place, and remove those whose text is empty: all of them, whenever the process ends.

    They are written into a folder of their own. Once it has its final name they are complete; what is not in place
    by then is put there by the next `finish_writing`, and until then the dataset cannot be read.
    """
    sweep(folder)
    scratch = scratch_path(folder / PENDING)
    try:
        for name, text in texts.items():
            with whole_file(scratch / name) as file:
                file.write_text(text, encoding="utf-8", newline="\n")
        rename(scratch, folder / PENDING)
    finally:
        remove(scratch)
    finish_writing(folder)


def finish_writing(folder: Path) -> None:
    """Put the files of a dataset in place whose writing was ended between the first and the last of them."""
    pending = folder / PENDING
    if not pending.is_dir():
        return
    for path in sorted(pending.iterdir()):
        if path.stat().st_size:
            rename(path, folder / path.name)
        else:
            remove(folder / path.name)
            remove(path)
    pending.rmdir()


def format_entries(entries: Iterable[dict]) -> str:
    """Split entries as JSON, a line for each video and each event; the same entries give the same text."""
    return "[\n" + ",\n".join(_format_entry(entry) for entry in entries) + "\n]\n"


def _format_entry(entry: dict) -> str:
    head = json.dumps({key: value for key, value in entry.items() if key != "events"})[:-1]
    events = ",\n".join(f"  {json.dumps(event)}" for event in entry["events"])
    return f' {head}, "events": [\n{events}\n ]}}' if events else f' {head}, "events": []}}'


def _read_text(path: Path) -> str | None:
    """Text with any line endings as newlines: git may have checked the file out with those of Windows."""
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else None


def _existing_dir(dataset: str) -> Path:
    folder = dataset_dir(dataset)
    if not folder.is_dir():
        there = sorted(path.parent.name for path in DATA_DIR.glob("*/class.txt"))
        raise UserError(f"{folder}: no such dataset; there are: {', '.join(there) or 'none'} (one that lies "
                        "elsewhere is given as a path with a slash, such as ./mine)")
    if (folder / PENDING).exists():
        raise UserError(f"{folder}: holds some of its new files and some of its old ones, as prepare_data.py was ended "
                        "while it replaced them; run it again")
    return folder
