"""What a valid entry of a split is, said once: each problem is listed with its place, or the first one is raised.

An entry is a video with its events, {"video", "num_frames", "events": [{"frame", "label", ...}, ...]}, see the README.
Where not all of it is labelled, "labelled" says what is: [[first, last], ...], frames; "rejected" lists, as events,
what models proposed and a person refused. An event's "xy" is its place in the picture. What has one meaning is put
right on the way: frame 25.0 is 25, fps null is -1 (unknown), labels are cleaned, labelled ranges sorted and joined.
"""

from __future__ import annotations

import contextlib
import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

from util.errors import UserError, number_of
from util.io import parse_json

MAX_FRAMES = 10_000_000  # of a video: four days at 25 frames a second; what is made for each frame fits into memory
MAX_FPS = MAX_SIDE = 100_000  # frames per second; pixels
MAX_WHOLE = 10**15  # up to which a float holds whole numbers exactly, and milliseconds of any video
MAX_NAME = 255  # bytes of a folder's name, on most file systems
# Zero-width spaces, soft hyphens and direction marks, which spreadsheets and web pages leave in text; a joiner within
# a word (Persian, emoji) is none of them
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff]")
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,15}(\.0*)?\s*")
_RATE = re.compile(r"\s*([0-9]{1,9}(?:\.[0-9]{0,9})?)\s*(?:/\s*([0-9]{1,9}(?:\.[0-9]{0,9})?))?\s*")


class Problem(NamedTuple):
    """One thing that is wrong, or worth a look, and where."""

    level: str  # "error": cannot be used, or a training would learn something false; "warning": look at it
    check: str  # what kind it is, a short name that does not change: "unknown-class"
    where: str  # file and place: "data/futsal/train.json: video 'a_1': events[3] (frame 120)"
    message: str  # what is wrong; one line
    advice: str = ""  # why it matters and what to do, where that is the same for all of its kind


class Entry(NamedTuple):
    """An entry as far as it can be used."""

    where: str  # file and video, for a message
    content: dict[str, Any]  # put right, with its valid events alone
    indices: list[int]  # of those events in the file's list


def raise_first(problems: Iterable[Problem]) -> None:
    """Raise the first error as a UserError that says how many more there are."""
    errors = [problem for problem in problems if problem.level == "error"]
    if errors:
        more = f"({number_of(len(errors) - 1, 'more error')})" if errors[1:] else ""
        first = "; ".join(filter(None, [f"{errors[0].where}: {errors[0].message}", errors[0].advice]))
        raise UserError(f"{first} {more}".rstrip())


def check_split(content: Any, path: Path | str, classes: Collection[str] | None) -> tuple[list[Entry], list[Problem]]:
    """The entries of a split's file that can be used, and all that is wrong with it.

    Args:
        content: what the file holds.
        classes: that labels may have; None where they are not known.
    """
    if not isinstance(content, list) or not content:
        message = ("has no video in it; add one, or remove the file" if content == [] else
                   "must be a list with an entry for each video")
        return [], [Problem("error", "no-list", str(path), message)]
    entries: dict[str, Entry] = {}
    problems: list[Problem] = []
    for index, one in enumerate(content):
        name = one.get("video") if isinstance(one, dict) else None
        where = f"{path}: video {name!r}" if isinstance(name, str) and name else f"{path}: entry {index}"
        entry, found = check_entry(one, where, classes)
        problems += found
        if entry and composed(name) in entries:
            problems.append(Problem("error", "video-twice", where,
                                    f"stands there twice, the second time as entry {index}",
                                    "what is an event in one entry is background in the other; join the two entries"))
        elif entry:
            entries[composed(name)] = entry
    return list(entries.values()), problems


def check_entry(
    content: Any, where: Path | str, classes: Collection[str] | None = None, label_file: bool = False
) -> tuple[Entry | None, list[Problem]]:
    """An entry as far as it can be used, None if it cannot, and all that is wrong with it.

    Args:
        where: what a message begins with.
        label_file: it is an annotator's: video and num_frames may be missing, and numbers may be text.
    """
    where = str(where)
    problems = [Problem("error", "entry-malformed", where, message) for message in _entry_faults(content, label_file)]
    if problems:
        return None, problems
    entry = dict(content)
    for key, read in (("num_frames", whole_number), ("fps", rate)):
        if key in entry:
            entry[key] = read(entry[key], label_file)
    if entry.setdefault("labelled", None) is None:
        del entry["labelled"]
    else:
        entry["labelled"] = joined_ranges(entry["labelled"])
    num_frames = entry.get("num_frames")
    entry["events"], indices, problems = check_events(content["events"], where, num_frames, classes, text=label_file)
    if "rejected" in entry:
        entry["rejected"], _, more = check_events(entry["rejected"], f"{where}: rejected", num_frames, text=label_file)
        problems += more
    stated, number = entry.get("num_events"), len(content["events"])
    if stated not in (None, number):
        problems.append(Problem(
            "warning", "num-events", where, f"num_events is {shown(stated)}, but it has {number_of(number, 'event')}",
            "num_events itself is not used; but is the list whole? Events may have been lost, or dealt over splits"))
    if outside := [event["frame"] for event in entry["events"] if not is_labelled(entry, event["frame"])]:
        problems.append(Problem(
            "warning", "outside-labelled", where,
            f"{number_of(len(outside), 'event')} outside its labelled ranges, the first at frame {outside[0]}",
            "they are learned, but not counted; correct the ranges, or the events"))
    return Entry(where, entry, indices), problems


def _entry_faults(entry: Any, label_file: bool) -> Iterator[str]:
    """What makes it no entry."""
    if not isinstance(entry, dict):
        yield "must be an object with video, num_frames and events"
        return
    num_frames = whole_number(entry.get("num_frames"), label_file)
    if ("video" in entry or not label_file) and (fault := name_fault(entry.get("video"))):
        yield fault
    if ("num_frames" in entry or not label_file) and not 0 < (num_frames or 0) <= MAX_FRAMES:
        stated = shown(entry.get("num_frames"))
        yield f"num_frames is {stated}; it must be a whole number above 0, at most {MAX_FRAMES:,}"
    if rate(entry.get("fps"), label_file) is None:
        yield f"fps is {shown(entry['fps'])}; it must be a number, -1 if unknown"
    for key in ("width", "height"):
        side = entry.get(key, -1)
        if side is not None and not (type(side) in (int, float) and abs(side) <= MAX_SIDE):
            yield f"{key} is {shown(side)}; it must be a number of pixels; leave it out if unknown"
    if not isinstance(entry.get("events"), list):
        yield f"events is {shown(entry.get('events'))}; it must be a list, [] if there are none"
    if not isinstance(entry.get("rejected", []), list):
        yield f"rejected is {shown(entry['rejected'])}; it must be a list as that of the events"
    ranges = entry.get("labelled")
    if ranges is not None and not (isinstance(ranges, list) and all(_is_range(one, num_frames) for one in ranges)):
        end = f", below {num_frames}" if num_frames else ""
        yield (f"labelled is {shown(ranges)}; it must be a list of [first, last], the first and last frame of each "
               f"stretch that is labelled{end}; leave it out if all is")


def _is_range(one: Any, num_frames: int | None) -> bool:
    """Whether it is [first, last], frames of the video."""
    ends = [whole_number(end) for end in one] if isinstance(one, list) else []
    return len(ends) == 2 and None not in ends and 0 <= ends[0] <= ends[1] < (num_frames or MAX_FRAMES)


def joined_ranges(ranges: Iterable[Iterable[Any]]) -> list[list[int]]:
    """Ranges of frames in order, those that touch or overlap as one."""
    joined: list[list[int]] = []
    for first, last in sorted((int(first), int(last)) for first, last in ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1][1] = max(joined[-1][1], last)
        else:
            joined.append([first, last])
    return joined


def labelled_ranges(entry: Mapping[str, Any]) -> list[list[int]]:
    """The first and last frame of each stretch that is labelled: where an entry names none, it is all of it."""
    return entry.get("labelled", [[0, entry.get("num_frames", MAX_FRAMES) - 1]])


def labelled_frames(entry: Mapping[str, Any]) -> int:
    """How many frames are labelled."""
    return sum(last - first + 1 for first, last in labelled_ranges(entry))


def is_labelled(entry: Mapping[str, Any], frame: int) -> bool:
    """Whether a frame is within what is labelled."""
    return "labelled" not in entry or any(first <= frame <= last for first, last in entry["labelled"])


def name_fault(video: Any) -> str | None:
    """What makes it no name of a video, which is that of the folder of its frames; None if nothing does."""
    if not isinstance(video, str) or not video:
        return "has no video; it names the folder of the frames"
    parts = video.split("/")
    if "\\" in video or PureWindowsPath(video).drive or not {"", ".", ".."}.isdisjoint(parts):
        return "is no path below the frame folder, with / between folders; rename it"
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in video):
        return "has a character that no file name should have; rename it"
    if any(len(part.encode()) > MAX_NAME for part in parts):
        return "is longer than a name of a folder can be; rename it"
    return None


def check_events(
    events: list, where: Path | str, num_frames: int | None = None, classes: Collection[str] | None = None,
    scored: bool = False, text: bool = False,
) -> tuple[list[dict], list[int], list[Problem]]:
    """The events of a list that are valid, put right, their places in it, and what is wrong with the others.

    Args:
        num_frames: of their video; None where it is not known.
        classes: that labels may have; None where they are not known.
        scored: they are predictions, which have a score.
        text: a frame may be text, "25".
    """
    valid, indices, problems = [], [], []
    for index, event in enumerate(events):
        if isinstance(event, dict):
            event = _put_right(event, text)
        fault = _event_fault(event, num_frames, classes, scored)
        if fault is None:
            valid.append(event)
            indices.append(index)
        else:
            frame = event.get("frame") if isinstance(event, dict) else None
            at = f" (frame {frame})" if type(frame) is int else ""
            problems.append(Problem("error", fault[0], f"{where}: events[{index}]{at}", *fault[1:]))
    return valid, indices, problems


def _put_right(event: dict, text: bool) -> dict:
    frame, label = whole_number(event.get("frame"), text), event.get("label")
    right = {} if frame is None else {"frame": frame}
    if isinstance(label, str) and clean_label(label):
        right["label"] = clean_label(label)
    return event | right


def _event_fault(
    event: Any, num_frames: int | None, classes: Collection[str] | None, scored: bool
) -> tuple[str, str] | tuple[str, str, str] | None:
    """What makes it no event of a video: kind, message and maybe advice."""
    if not isinstance(event, dict):
        return "event-malformed", f"must be an object with frame{', score' if scored else ''} and label"
    frame, label, score, sure = (event.get(key) for key in ("frame", "label", "score", "team_score"))
    malformed = (
        (type(frame) is not int and f"frame is {shown(frame)}; it must be a whole number") or label_fault(label)
        or (scored and type(score) not in (int, float) and f"score is {shown(score)}; it must be a number")
        or (scored and "team_score" in event and not (type(sure) in (int, float) and 0 <= sure <= 1)
            and f"team_score is {shown(sure)}; it must be a number from 0 to 1") or place_fault(event.get("xy")))
    if malformed:
        return "event-malformed", malformed
    if num_frames is None and not 0 <= frame < MAX_FRAMES:
        return "event-past-end", f"{label} is not in the video, whose frames count from 0"
    if num_frames is not None and not 0 <= frame < num_frames:
        advice = ("predict on the frames that the labels belong to" if scored else
                  "was it labelled at another rate, or in both halves counted as one? Convert the frame numbers")
        return "event-past-end", f"{label} is not in the video, whose frames are 0 to {num_frames - 1}", advice
    if classes is not None and label not in classes:
        return "unknown-class", *unknown_class(label, classes)
    return None


def as_place(xy: Any) -> Any:
    """The place of an event, which a table or a page has as text."""
    with contextlib.suppress(ValueError):
        return parse_json(xy) if isinstance(xy, str) else xy
    return xy


def place_fault(xy: Any) -> str | None:
    """What makes it no place of an event; None if nothing does, or there is none."""
    if xy is None or (isinstance(xy, list) and len(xy) == 2 and all(
            type(share) in (int, float) and 0 <= share <= 1 for share in xy)):
        return None
    return f"xy is {shown(xy)}; it must be [x, y], shares from 0 to 1 of the frame's width and height"


def label_fault(label: Any) -> str | None:
    """What makes it no class name; None if nothing does."""
    if not isinstance(label, str) or not clean_label(label):
        return f"label is {shown(label)}; it must be a class name"
    if not _can_be_printed(label):
        return f"label is {shown(label)}, with a character that cannot be printed; correct it"
    return None


@lru_cache(1000)
def _can_be_printed(label: str) -> bool:
    return not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in label)


def unknown_class(label: str, classes: Collection[str]) -> tuple[str, str]:
    """Message and advice for a label that is none of the classes."""
    return (f"label {label!r} is not in class.txt ({', '.join(sorted(classes))})",
            "correct the label, or add the class there")


@lru_cache(1000)  # a class has thousands of predictions
def clean_label(label: str) -> str:
    """A class name as it is compared: composed, with neither invisible characters nor blanks around it."""
    return _INVISIBLE.sub("", composed(label)).strip().strip("\u200c\u200d")


def composed(name: str) -> str:
    """A name with each accented letter as one character: macOS may write it as two in the name of a file."""
    return unicodedata.normalize("NFC", name)


def whole_number(value: Any, text: bool = False) -> int | None:
    """A whole number, 25.0 too, and "25" or "25.0" where `text`; None for anything else."""
    if text and isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(float(value))
    if type(value) not in (int, float) or abs(value) > MAX_WHOLE or value % 1:  # a bool is an int to isinstance
        return None
    return int(value)


def rate(value: Any, text: bool = False) -> float | None:
    """Frames per second, -1 for null (unknown), those of "25" or "30000/1001" where `text`; None for anything else."""
    if value is None:
        return -1
    if text and isinstance(value, str) and (found := _RATE.fullmatch(value)) and float(found[2] or 1):
        value = float(found[1]) / float(found[2] or 1)
    return value if type(value) in (int, float) and abs(value) <= MAX_FPS else None


def shown(value: Any) -> str:
    """A JSON value for a message: as JSON writes it, cut short."""
    if value is None:
        return "missing"
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
