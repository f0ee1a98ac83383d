"""The forms in which people have labels: recognised by content, read and checked.

    video      {"fps": 30, "events": [{"frame": 120, "label": "PASS"}]}, a file for each video, see the README
    soccernet  {"annotations": [{"gameTime": "1 - 12:30", "position": "750480", "label": "PASS", "team": "left"}]},
               SoccerNet's: a half, and milliseconds in that half
    raw        {"annotations": [{"gameTime": "00:14:07", "position": "25421", "label": "PASS", "team": "BRA"}]},
               position being the frame in the match, 30 to a second
    csv        a table with a column for the label and one for frame or time, see table.py

gameTime is in whole seconds and tells no frame: position does. Both are left out of the events, as the frame that
is made of position stands for them; all other keys are carried through.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from label_forms.sets import LabelledEvent, LabelSet
from label_forms.table import read_table
from util.clock import parse_time, show_time
from util.entries import check_entry, clean_label, composed, label_fault, raise_first, shown, whole_number
from util.errors import UserError
from util.io import parse_file, read_json

FORMS = ("video", "soccernet", "raw", "csv")
RAW_FPS = 30  # of the raw form, where neither the file nor an option tells

_USUAL_RATES = (24, 25, 30, 50, 60, 1000)  # of frames, and of milliseconds
_SUFFIXES = (".json", ".csv", ".tsv")
_HALF_TIME = re.compile(r"\s*([1-4])\s*-\s*(\S+)\s*")  # "1 - 12:30"
# Labels-ball.json: it is its folder that names the match
_NAMELESS = re.compile(r"(labels?|annotations?|events?)(?![^\W_])", re.IGNORECASE)


def read_labels(labels: Path | str, form: str | None = None, label_fps: float | None = None) -> list[LabelSet]:
    """Read a label file, or all at any depth below a folder (.json, .csv, .tsv).

    Args:
        form: one of FORMS, or None to recognise that of each file by its content.
        label_fps: the rate at which frames are counted, for files that do not tell it.

    Raises:
        UserError: no such file or folder, no label files in it, or one of them is not what it must be.
    """
    labels = Path(labels)
    root = labels if labels.is_dir() else labels.parent
    return [one for path in _label_files(labels) for one in _read_file(path, root, labels == path, form, label_fps)]


def _label_files(labels: Path) -> list[Path]:
    if labels.is_file():
        return [labels]
    if not labels.is_dir():
        raise UserError(f"{labels}: no such file or folder; --labels names a folder of label files, or one file")
    found = ((path, path.relative_to(labels)) for path in labels.rglob("*") if path.suffix.lower() in _SUFFIXES)
    files = {name.as_posix(): path for path, name in found if not any(x.startswith(".") for x in name.parts)}
    if not files:
        raise UserError(f"{labels}: holds no label files ({', '.join(_SUFFIXES)}); each video needs a <video>.json, "
                        "or its lines in a table")
    return [files[name] for name in sorted(files)]


def _read_file(
    path: Path, root: Path, alone: bool, form: str | None, label_fps: float | None
) -> list[LabelSet]:
    """`alone`: the file was named itself, so that no folder tells where its video lies."""
    name = path.relative_to(root).with_suffix("").as_posix()
    if form == "csv" or (form is None and not _is_json(path)):
        return read_table(path, name, label_fps)
    content = read_json(path)
    form = form or _recognise(path, content)
    if form == "video":
        return [_read_video(path, content, name, alone, label_fps)]
    return [_read_match(path, content, form, name, label_fps)]


def _is_json(path: Path) -> bool:
    """Whether it is JSON by its first character, or else by its name: what is broken is reported as such."""
    try:
        with path.open("rb") as file:
            start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    return start[:1] in (b"{", b"[") or path.suffix.lower() == ".json"


def _recognise(path: Path, content: Any) -> str:
    if not isinstance(content, dict) or "events" in content:
        return "video"
    if "annotations" not in content:
        raise UserError(f"{path}: is no label file of a known form: it has neither events nor annotations; correct it "
                        "or take it away")
    annotations = content["annotations"] if isinstance(content["annotations"], list) else []
    times = [annotation.get("gameTime") for annotation in annotations if isinstance(annotation, dict)]
    with_half = sum(isinstance(time, str) and bool(_HALF_TIME.fullmatch(time)) for time in times)
    without = sum(isinstance(time, str) and parse_time(time) is not None for time in times)
    if with_half or without:
        return "soccernet" if with_half >= without else "raw"
    if any(key.startswith("Url") for key in content):  # SoccerNet's, and maybe of a match without events
        return "soccernet"
    if annotations:
        raise UserError(f'{path}: its annotations have no gameTime such as "1 - 12:30" (SoccerNet) or "00:14:07" '
                        "(raw), so that the unit of position is unknown; name the form with --label_form")
    return "raw"


# <video>.json


def parse_label_file(path: Path, content: bytes) -> LabelSet:
    """The labels of a <video>.json that has been read.

    Raises:
        UserError: it is not what it must be.
    """
    return _read_video(path, parse_file(path, content), path.stem, True, None)


def _read_video(path: Path, entry: Any, name: str, alone: bool, label_fps: float | None) -> LabelSet:
    if isinstance(entry, list):
        raise UserError(f"{path}: holds a list; a label file holds one video's entry, without an outer list")
    if not isinstance(entry, dict):
        raise UserError(f'{path}: must be such as {{"events": [{{"frame": 120, "label": "PASS"}}]}}')
    video = entry.get("video", name)
    if not isinstance(video, str) or (composed(video) != composed(name) and not alone):
        raise UserError(f"{path}: labels {name!r} by its path, but its video is {shown(video)}; "
                        "move the file or correct its video")
    checked, problems = check_entry(entry, path, label_file=True)
    raise_first(problems)
    entry = checked.content
    events = tuple(LabelledEvent(f"events[{index}] (frame {event['frame']})", event["frame"], event)
                   for index, event in enumerate(entry["events"]))
    fps, fps_from = _rate(entry.get("fps"), label_fps, None)
    keys = {key: value for key, value in entry.items() if key != "events"}
    doubts = tuple(f"{problem.where}: {problem.message}; is the list whole? Events may have been lost"
                   for problem in problems)
    return LabelSet(path, "video", (video,), events, fps=fps, fps_from=fps_from, keys=keys, read=len(events),
                    warnings=doubts)


def _rate(in_file: float | None, option: float | None, of_form: float | None) -> tuple[float | None, str]:
    """The rate at which a file counts frames, and who says so."""
    if in_file and in_file > 0:
        return in_file, "file"
    if option:
        return option, "option"
    return of_form, "form" if of_form else ""


# A file for a match: annotations


class _Clock(NamedTuple):
    """An annotation's gameTime beside its position, to compare the two."""

    place: str
    text: str
    seconds: float  # whole ones
    position: int


def _read_match(path: Path, content: Any, form: str, name: str, label_fps: float | None) -> LabelSet:
    annotations = content.get("annotations") if isinstance(content, dict) else None
    if not isinstance(annotations, list):
        raise UserError(f'{path}: must be such as {{"annotations": [{{"gameTime": ..., "position": ..., "label": '
                        '"PASS"}]}, in the form ' + form)
    soccernet = form == "soccernet"
    file_fps = content.get("fps")
    if file_fps is not None and type(file_fps) not in (int, float):
        raise UserError(f"{path}: fps is {shown(file_fps)}; it must be a number")
    fps, fps_from = (None, "") if soccernet else _rate(file_fps, label_fps, RAW_FPS)
    events, clocks, framed = [], [], 0
    for index, annotation in enumerate(annotations):
        event, clock = _read_annotation(f"{path}: annotations[{index}]", annotation, soccernet)
        events.append(event)
        clocks += [clock] if clock else []
        framed += "frame" in annotation
    notes = (f"{framed} have a frame too, which is not taken: position is",) if framed else ()
    warning = _compare_clocks(path, clocks, 1000 if soccernet else fps, soccernet)
    return LabelSet(
        path, form, _match_names(path, content, name), tuple(events), seconds=soccernet, fps=fps, fps_from=fps_from,
        read=len(events), notes=notes, warnings=(warning,) if warning else (),
    )


def _read_annotation(where: str, annotation: Any, soccernet: bool) -> tuple[LabelledEvent, _Clock | None]:
    if not isinstance(annotation, dict):
        raise UserError(f"{where}: must be an object with gameTime, position and label")
    position = whole_number(annotation.get("position"), text=True)
    if position is None or position < 0:
        unit = "milliseconds in the half" if soccernet else "the frame in the match"
        raise UserError(f"{where}: position is {shown(annotation.get('position'))}; it must be a whole number, {unit} "
                        "(gameTime, in whole seconds, cannot stand in for it)")
    label, text = annotation.get("label"), annotation.get("gameTime")
    if fault := label_fault(label):
        raise UserError(f"{where}: {fault}")
    half, time = None, text
    if soccernet:
        found = _HALF_TIME.fullmatch(text) if isinstance(text, str) else None
        if not found:
            raise UserError(f'{where}: gameTime is {shown(text)}; it must name the half, such as "1 - 12:30"; correct '
                            "it, or choose another form with --label_form")
        half, time = int(found[1]), found[2]
    elif isinstance(text, str) and _HALF_TIME.fullmatch(text):
        raise UserError(f"{where}: gameTime is {shown(text)}, as SoccerNet writes it, in a file of the raw form; "
                        "correct it, or choose a form with --label_form")
    seconds = parse_time(time) if isinstance(time, str) else None
    if text is not None and seconds is None:
        raise UserError(f'{where}: gameTime is {shown(text)}; it must be such as '
                        f'{"1 - 12:30" if soccernet else "00:14:07"}')
    place = f"{where.rsplit(': ', 1)[1]} ({text}, {position} ms)" if soccernet else (
        f"{where.rsplit(': ', 1)[1]} (frame {position})")
    fields = {"frame": None, **annotation, "label": clean_label(label)}
    del fields["position"]
    fields.pop("gameTime", None)
    event = LabelledEvent(place, position / 1000 if soccernet else position, fields, half)
    return event, None if seconds is None else _Clock(place, text, seconds, position)


def _match_names(path: Path, content: dict, name: str) -> tuple[str, ...]:
    """What the match may be called: by its file, or by the folder of one that has no name of its own."""
    folder, _, stem = name.rpartition("/")
    names = [folder or ".", path.absolute().parent.name] if _NAMELESS.match(stem) else [name]
    url = content.get("UrlLocal")  # SoccerNet's folder
    return tuple(dict.fromkeys([*names, *([url.strip("/")] if isinstance(url, str) else [])]))


def _compare_clocks(path: Path, clocks: Sequence[_Clock], rate: float, soccernet: bool) -> str | None:
    """What to say where gameTime is more than a second from position / rate: position has another unit or start."""
    seconds, positions = (np.array([clock[i] for clock in clocks], float) for i in (2, 3))
    apart = np.abs(positions / rate - seconds) > 1
    if not apart.any():
        return None
    worst = clocks[int(np.abs(positions / rate - seconds).argmax())]
    unit = "milliseconds" if soccernet else f"frames at {rate:g} fps"
    hint = _explain_clocks(seconds, positions, rate, soccernet)
    return (f"{path}: gameTime and position are more than a second apart in {apart.sum()} of {len(clocks)} events, "
            f"such as {worst.place}: gameTime {worst.text}, but position, in {unit}, says "
            f"{show_time(worst.position / rate)}{hint}; position is taken")


def _explain_clocks(seconds: np.ndarray, positions: np.ndarray, rate: float, soccernet: bool) -> str:
    """Another rate or another start with which gameTime and position do agree, in words; "" where none does."""
    middle = seconds + 0.5  # of the second that is named
    ahead = float(np.median(positions / rate - middle))
    if np.abs(positions / rate - middle - ahead).max() <= 1:
        return f"; position is {show_time(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} gameTime all through"
    if len(seconds) < 3 or np.ptp(positions) == 0:
        return ""
    slope, start = np.polyfit(positions, middle, 1)
    if slope <= 0 or np.abs(slope * positions + start - middle).max() > 1 or abs(start) > 2:
        return ""
    fitted = 1 / slope  # as exact as a second is within all that is labelled
    usual = min(_USUAL_RATES, key=lambda rate: abs(rate - fitted))
    text = f"{usual}" if abs(usual / fitted - 1) * np.ptp(seconds) <= 1 else f"{fitted:.2f}"
    if soccernet:
        return f"; they agree if position counts {text} to a second"
    return f"; they agree at {text} fps: see --label_fps"
