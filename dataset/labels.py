"""Events, videos and splits as JSON: read, checked, written.

A dataset is a folder with class.txt and a file per split. An entry is a video with its events, see the
README. Every reader names the file, the video and the event that it cannot take.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from pathlib import Path, PureWindowsPath
from typing import Any

from util.errors import UserError
from util.io import read_json, remove, whole_file

DATA_DIR = Path(__file__).resolve().parents[1] / "data"
SAME_FPS = 0.1  # rates that differ by less are one, rounded: 29.97 and 30, 59.94 and 60, but not 24 and 25
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
    classes = [line.strip() for line in text.splitlines() if line.strip()]
    if not classes:
        raise UserError(f"{path}: is empty; write one class name per line into it")
    twice = sorted({name for name in classes if classes.count(name) > 1})
    if twice:
        raise UserError(f"{path}: {', '.join(twice)} stands there more than once; leave one of each")
    return classes


def read_split(dataset: str, split: str) -> list[dict]:
    """The entries of data/<dataset>/<split>.json, checked, with all their keys as they stand in the file.

    An entry has at least video, num_frames and events; width, height and fps may be missing or unknown (-1),
    and num_events may be wrong: count the events.

    Raises:
        UserError: no such dataset or split, or an entry or event in it is not what it must be.
    """
    folder = _existing_dir(dataset)
    path = folder / f"{split}.json"
    if not path.is_file():
        there = ", ".join(sorted(file.stem for file in folder.glob("*.json"))) or "none"
        raise UserError(f"{path}: no such split; the splits of this dataset are: {there}")
    classes = frozenset(read_classes(dataset))
    entries = read_json(path)
    if not isinstance(entries, list):
        raise UserError(f"{path}: must be a list with an entry for each video")
    if not entries:
        raise UserError(f"{path}: has no video in it; add one, or remove the file")
    videos: set[str] = set()
    for index, entry in enumerate(entries):
        _check_entry(entry, f"{path}: entry {index}", classes)
        if entry["video"] in videos:
            raise UserError(f"{path}: video {entry['video']!r} stands there twice; join the two entries")
        videos.add(entry["video"])
    return entries


def check_classes(entry: dict, classes: Collection[str], where: Path | str) -> None:
    """Raise a UserError that names the first event of `entry` whose label is not among `classes`."""
    for index, event in enumerate(entry["events"]):
        if event["label"] not in classes:
            raise UserError(f"{_place(where, index, event)}: {unknown_class(event['label'], classes)}")


def write_dataset(folder: Path, classes: list[str], splits: dict[str, list[dict]], overwrite: bool) -> bool:
    """Write class.txt (unless it is there) and a file for each split that has entries.

    Returns:
        Whether anything was written; False where the same dataset stood there before.

    Raises:
        UserError: another dataset stands there and `overwrite` is false; nothing has been written then.
    """
    texts = {folder / f"{split}.json": format_entries(splits[split]) for split in SPLITS if splits.get(split)}
    if not (folder / "class.txt").exists():
        texts[folder / "class.txt"] = "".join(f"{name}\n" for name in classes)
    split_files = {folder / f"{split}.json" for split in SPLITS}
    stale = {path for path in split_files - texts.keys() if path.exists()}
    changed = {path: text for path, text in texts.items() if not path.exists() or _read_text(path) != text}
    in_the_way = sorted(path.name for path in [*stale, *changed] if path.exists())
    if in_the_way and not overwrite:
        raise UserError(f"{folder}: holds another dataset ({', '.join(in_the_way)} would change); replace it "
                        "with --overwrite, or choose another name with --dataset")
    for path in stale:
        remove(path)
    for path, text in changed.items():
        with whole_file(path) as scratch:
            scratch.write_text(text, encoding="utf-8", newline="\n")
    return bool(stale or changed)


def format_entries(entries: Iterable[dict]) -> str:
    """Split entries as JSON, a line for each video and each event; the same entries give the same text."""
    return "[\n" + ",\n".join(_format_entry(entry) for entry in entries) + "\n]\n"


def _format_entry(entry: dict) -> str:
    head = json.dumps({key: value for key, value in entry.items() if key != "events"})[:-1]
    events = ",\n".join(f"  {json.dumps(event)}" for event in entry["events"])
    return f' {head}, "events": [\n{events}\n ]}}' if events else f' {head}, "events": []}}'


def _read_text(path: Path) -> str:
    """Text with any line endings as newlines: git may have checked the file out with those of Windows."""
    return path.read_text(encoding="utf-8", errors="replace")


def _existing_dir(dataset: str) -> Path:
    folder = dataset_dir(dataset)
    if not folder.is_dir():
        there = sorted(path.parent.name for path in DATA_DIR.glob("*/class.txt"))
        raise UserError(f"{folder}: no such dataset; there are: {', '.join(there) or 'none'} (one that lies "
                        "elsewhere is given as a path with a slash, such as ./mine)")
    return folder


def _check_entry(entry: Any, where: str, classes: Collection[str]) -> None:
    """`where` names the file and the entry's place in it; an entry with a good name is named by that."""
    if not isinstance(entry, dict):
        raise UserError(f"{where}: must be an object with video, num_frames and events")
    video = entry.get("video")
    if not isinstance(video, str) or not video:
        raise UserError(f"{where}: has no video; it names the folder of the frames")
    where = where.rsplit(": entry ", 1)[0] + f": video {video!r}"
    parts = video.split("/")
    if "\\" in video or PureWindowsPath(video).drive or not {"", ".", ".."}.isdisjoint(parts):
        raise UserError(f"{where}: is no path below the frame folder, with / between folders; rename it")
    check_num_frames(entry, where)
    check_events(entry, where, classes)


def check_num_frames(entry: dict, where: Path | str) -> None:
    num_frames = entry.get("num_frames")
    if type(num_frames) is not int or num_frames < 1:
        raise UserError(f"{where}: num_frames is {shown(num_frames)}; it must be a whole number above 0")


def check_events(entry: dict, where: Path | str, classes: Collection[str] | None) -> None:
    """Check fps and events; `classes` is None where they are not known yet, and num_frames may be missing."""
    num_frames, fps = entry.get("num_frames"), entry.get("fps", -1)
    if type(fps) not in (int, float):
        raise UserError(f"{where}: fps is {shown(fps)}; it must be a number, -1 if unknown")
    events = entry.get("events")
    if not isinstance(events, list):
        raise UserError(f"{where}: events is {shown(events)}; it must be a list, [] if there are none")
    for index, event in enumerate(events):
        if not isinstance(event, dict):
            raise UserError(f"{where}: events[{index}]: must be an object with frame and label")
        frame, label = event.get("frame"), event.get("label")
        if type(frame) is not int:  # a bool is an int to isinstance, and no frame
            raise UserError(f"{where}: events[{index}]: frame is {shown(frame)}; it must be a whole number")
        if frame < 0 or (num_frames is not None and frame >= num_frames):
            span = "count from 0" if num_frames is None else f"are 0 to {num_frames - 1}"
            raise UserError(f"{where}: events[{index}]: frame {frame} is not in the video: frames {span}")
        if not isinstance(label, str) or not label.strip():
            place = _place(where, index, event)
            raise UserError(f"{place}: label is {shown(label)}; it must be a class name")
        if classes is not None and label not in classes:
            raise UserError(f"{_place(where, index, event)}: {unknown_class(label, classes)}")


def _place(where: Path | str, index: int, event: dict) -> str:
    return f"{where}: events[{index}] (frame {event['frame']})"


def unknown_class(label: str, classes: Collection[str]) -> str:
    return (f"label {label!r} is not in class.txt ({', '.join(sorted(classes))}); "
            "correct the label, or add the class there")


def shown(value: Any) -> str:
    """A JSON value for a message: as JSON writes it, cut short."""
    if value is None:
        return "missing"
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
