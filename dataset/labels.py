"""Events, videos and splits as JSON: read, checked, converted to the extracted frames, written.

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
from util.io import read_json, whole_file

DATA_DIR = Path(__file__).resolve().parents[1] / "data"
SPLITS = ("train", "val", "test")  # what prepare_data.py writes; others, such as challenge, are read too

# Two rates that differ by less are one rate, rounded: 29.97 and 30, 59.94 and 60, but not 24 and 25.
SAME_FPS = 0.1


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


def read_label_files(labels_dir: Path | str) -> list[dict]:
    """What an annotator hands over: an entry for each <video>.json at any depth below `labels_dir`.

    Only `events` must be there. `video` is added from the file's path, and must be the same if it is given.

    Raises:
        UserError: no such folder, no such files, or one of them is not what it must be.
    """
    labels_dir = Path(labels_dir)
    if not labels_dir.is_dir():
        raise UserError(f"{labels_dir}: no such folder; --labels names the folder of <video>.json files")
    found = ((path, path.relative_to(labels_dir)) for path in labels_dir.rglob("*.json"))
    files = {name.as_posix(): path for path, name in found if not any(x.startswith(".") for x in name.parts)}
    if not files:
        raise UserError(f"{labels_dir}: holds no label files; each video needs a <video>.json")
    return [_read_label_file(files[name], name.removesuffix(".json")) for name in sorted(files)]


def check_classes(entry: dict, classes: Collection[str], where: Path | str) -> None:
    """Raise a UserError that names the first event of `entry` whose label is not among `classes`."""
    for index, event in enumerate(entry["events"]):
        if event["label"] not in classes:
            raise UserError(f"{_place(where, index, event)}: {_unknown_class(event['label'], classes)}")


def frame_scale(label_fps: float | None, source_fps: float, fps: float, where: Path | str) -> float:
    """What a label's frame numbers are multiplied by to count extracted frames.

    Args:
        label_fps: the rate that the labels name; None, 0 or less where they name none, which means that
            they count the frames of the video file.
        source_fps, fps: the rates of the video file and of its extracted frames.

    Raises:
        UserError: the labels name a rate that is neither of the two.
    """
    if label_fps is None or label_fps <= 0:
        return fps / source_fps
    off_source, off_frames = abs(label_fps - source_fps), abs(label_fps - fps)
    if min(off_source, off_frames) >= SAME_FPS:
        rates = f"{source_fps:g}" if source_fps == fps else f"{source_fps:g} and its frames {fps:g}"
        raise UserError(f"{where}: its fps is {label_fps:g}, but that of the video is {rates}; correct it, "
                        "or take it out if the events count the video's own frames")
    return fps / source_fps if off_source <= off_frames else 1.0


def to_extracted_frames(entry: dict, record: dict, where: Path | str) -> dict:
    """The split entry of a video: its label entry with the events on the extracted frames, sorted by frame.

    Args:
        entry: as `read_label_files` gives it.
        record: of the extracted frames: num_frames, fps, width, height, and source_frames and source_fps of
            the video file.

    Raises:
        UserError: an event past the video's end, or a rate as in `frame_scale`.
    """
    scale = frame_scale(entry.get("fps"), record["source_fps"], record["fps"], where)
    num_frames = record["num_frames"]
    counted = num_frames if scale == 1 else record["source_frames"]
    events = []
    for index, event in enumerate(entry["events"]):
        if event["frame"] >= counted:
            raise UserError(f"{_place(where, index, event)}: past the end of the video, whose last frame is "
                            f"{counted - 1}")
        # the last frames of the file may round to one past the last extracted one
        events.append({**event, "frame": min(round(event["frame"] * scale), num_frames - 1)})
    known = {
        "video": entry["video"],
        "num_frames": num_frames,
        "num_events": len(events),
        "fps": record["fps"],
        "width": record["width"],
        "height": record["height"],
    }
    extra = {key: value for key, value in entry.items() if key not in known and key != "events"}
    return {**known, **extra, "events": sorted(events, key=lambda event: event["frame"])}


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
        path.unlink()
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


def _read_label_file(path: Path, video: str) -> dict:
    entry = read_json(path)
    if isinstance(entry, list):
        raise UserError(f"{path}: holds a list; a label file holds one video's entry, without an outer list")
    if not isinstance(entry, dict):
        raise UserError(f'{path}: must be such as {{"events": [{{"frame": 120, "label": "PASS"}}]}}')
    if entry.get("video", video) != video:
        raise UserError(f"{path}: labels {video!r} by its path, but its video is {_shown(entry['video'])}; "
                        "move the file or correct its video")
    if "num_frames" in entry:
        _check_num_frames(entry, path)
    _check_events(entry, path, None)
    return {**entry, "video": video}


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
    _check_num_frames(entry, where)
    _check_events(entry, where, classes)


def _check_num_frames(entry: dict, where: Path | str) -> None:
    num_frames = entry.get("num_frames")
    if type(num_frames) is not int or num_frames < 1:
        raise UserError(f"{where}: num_frames is {_shown(num_frames)}; it must be a whole number above 0")


def _check_events(entry: dict, where: Path | str, classes: Collection[str] | None) -> None:
    """Check fps and events; `classes` is None where they are not known yet, and num_frames may be missing."""
    num_frames, fps = entry.get("num_frames"), entry.get("fps", -1)
    if type(fps) not in (int, float):
        raise UserError(f"{where}: fps is {_shown(fps)}; it must be a number, -1 if unknown")
    events = entry.get("events")
    if not isinstance(events, list):
        raise UserError(f"{where}: events is {_shown(events)}; it must be a list, [] if there are none")
    for index, event in enumerate(events):
        if not isinstance(event, dict):
            raise UserError(f"{where}: events[{index}]: must be an object with frame and label")
        frame, label = event.get("frame"), event.get("label")
        if type(frame) is not int:  # a bool is an int to isinstance, and no frame
            raise UserError(f"{where}: events[{index}]: frame is {_shown(frame)}; it must be a whole number")
        if frame < 0 or (num_frames is not None and frame >= num_frames):
            span = "count from 0" if num_frames is None else f"are 0 to {num_frames - 1}"
            raise UserError(f"{where}: events[{index}]: frame {frame} is not in the video: frames {span}")
        if not isinstance(label, str) or not label.strip():
            place = _place(where, index, event)
            raise UserError(f"{place}: label is {_shown(label)}; it must be a class name")
        if classes is not None and label not in classes:
            raise UserError(f"{_place(where, index, event)}: {_unknown_class(label, classes)}")


def _place(where: Path | str, index: int, event: dict) -> str:
    return f"{where}: events[{index}] (frame {event['frame']})"


def _unknown_class(label: str, classes: Collection[str]) -> str:
    return (f"label {label!r} is not in class.txt ({', '.join(sorted(classes))}); "
            "correct the label, or add the class there")


def _shown(value: Any) -> str:
    """A JSON value for a message: as JSON writes it, cut short."""
    if value is None:
        return "missing"
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
