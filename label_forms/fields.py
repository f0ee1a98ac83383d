"""What the columns of a table and the keys of a JSON object mean, and how their values are read.

Names are taken in any case, with any blanks, and with their unit: "Time (ms)", "frame_no", "Start time". An event has a
frame, or a time, or a start and an end; of these the instant is chosen by --instant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from label_forms.sets import LabelFile, LabelledEvent, LabelSet
from util.clock import parse_time
from util.entries import clean_label, label_fault, shown, whole_number
from util.errors import UserError
from util.matches import part_number

INSTANTS = ("start", "middle", "end")

# What may stand for what, the likeliest first
_NAMES = {meaning: names.split(", ") for meaning, names in {
    "frame": "frame, frame number, frame no, frame nr, frame id, frame index, frame num, frames",
    "time": "time, timestamp, seconds, time s, time sec, time seconds, sec, t, timecode, position s, ms, time ms, "
            "timestamp ms, position ms, milliseconds, msec",
    "start": "start, start time, start s, start ms, start seconds, start frame, in, segment start, "
             "temporal segment start, begin s, begin time ss msec, begin time hh mm ss ms, begin time msec, "
             "begin time, begin, start tc",
    "end": "end, end time, stop time, end s, stop s, end ms, end seconds, end frame, out, segment end, "
           "temporal segment end, end time ss msec, end time hh mm ss ms, end time msec, stop, end tc",
    "label": "label, class, event, action, behavior, behaviour, code, event type, category, type, annotation, "
             "marker name, title, name",
    "video": "video, video name, video file, video path, filename, file name, file, media, media file, "
             "media file name, media file path, match, game",
    "half": "half, period, part, quarter, match half, game half, match period, game period, half id, period id, "
            "half number, period number, half no, period no, halftime, halbzeit, mitad, mi temps, periodo, "
            "p\u00e9riode, periode",
    "team": "team",
}.items()} | {"x": [], "y": []}  # they may be pixels, or of the field; --columns says that they are of the picture
MEANINGS = tuple(_NAMES)
WHEN = ("frame", "time", "start")  # what tells when an event is, the first that there is
_SECONDS = ("time", "s", "ss", "sec", "seconds", "ms", "msec")  # in a name: its values are times
_TIME = re.compile(r"(-?)\s*([\d:.]+)\s*(ms|msec|s|sec|seconds)?", re.ASCII | re.IGNORECASE)
_OF_FRAME = {"time": r"\d+:\d\d:\d\d\.\d{3}", "seconds": r"\d+\.\d{3}"}  # what our own tables write beside a frame
TIMECODE = re.compile(r"(\d{1,3})[:;](\d\d)[:;](\d\d)([:;])(\d{1,3})", re.ASCII)


class Timecode(NamedTuple):
    """SMPTE's hh:mm:ss:ff, which counts frames at a whole rate; the frame is known with the rate of the video."""

    seconds: int
    frames: int
    drop: bool  # "drop frame", written hh:mm:ss;ff: some numbers are left out, to keep pace with 29.97 or 59.94
    zero: Timecode | None = None  # where the video begins; None: at 00:00:00:00

    def frame(self, fps: float) -> int:
        """The frame from the start of a video of this rate."""
        rate = round(fps)
        left_out, minutes = round(rate / 15), self.seconds // 60
        skipped = left_out * (minutes - minutes // 10) if self.drop else 0
        before = self.zero.frame(fps) if self.zero else 0
        return self.seconds * rate + self.frames - skipped - before


Position = int | float | Timecode
Row = Mapping[str, Any]


def plain_name(name: Any) -> str:
    """A column's name as it is compared: "Time (ms)" as "time ms"."""
    return re.sub(r"[\W_]+", " ", clean_label(str(name))).strip().casefold()


def columns_of(names: Iterable[str]) -> dict[str, str]:
    """The column of each meaning that there is: "frame", "time", "start", "end", "label", "video", "half", "team"."""
    there: dict[str, str] = {}
    for name in names:
        there.setdefault(plain_name(name), name)
    return {meaning: next(there[name] for name in names if name in there)
            for meaning, names in _NAMES.items() if not there.keys().isdisjoint(names)}


def tells_events(columns: Mapping[str, str]) -> bool:
    """Whether columns, by their meanings, tell what events are and when."""
    return "label" in columns and not columns.keys().isdisjoint(WHEN)


def read_time(value: Any, milliseconds: bool = False, decimal_comma: bool = True) -> float | Timecode | None:
    """Seconds of 83.5, "83,5", "1:23.5", "0:14:07.200", "1000 ms", "-0.04", or a `Timecode`; None for no time.

    Args:
        milliseconds: the unit, where the value does not tell it.
        decimal_comma: whether "83,5" is a number.
    """
    if type(value) in (int, float):
        return value / 1000 if milliseconds else float(value)
    text = str(value).strip() if isinstance(value, str) else ""
    if code := TIMECODE.fullmatch(text):
        hours, minutes, seconds, frames = (int(code[group]) for group in (1, 2, 3, 5))
        time = Timecode(3600 * hours + 60 * minutes + seconds, frames, code[4] == ";")
        return time if minutes < 60 and seconds < 60 else None
    found = _TIME.fullmatch(text.replace(",", ".") if decimal_comma else text)
    seconds = parse_time(found[2]) if found else None
    if seconds is None:
        return None
    if found[3].lower().startswith("m") if found[3] else milliseconds and ":" not in found[2]:
        seconds /= 1000
    return -seconds if found[1] else seconds


@dataclass
class EventReader:
    """Reads the events of one list: rows of a table, objects of a JSON list, elements of an XML file.

    Raises:
        UserError: a row is no event.
    """

    file: LabelFile
    rows: Sequence[tuple[str, Row]]  # each with its place in the file
    columns: Mapping[str, str] | None = None  # by meaning; None: by name, those of half and team by any that they have
    timed: bool | None = None  # whether positions are seconds, else frames; None: as the rows tell
    left_out: Iterable[str] = ()  # columns that are not carried through, beside those of label, video and position
    decimal_comma: bool = True  # whether 4,5 may be a number

    def __post_init__(self) -> None:
        if self.columns is None:
            names = dict.fromkeys(name for _, row in self.rows for name in row)
            self.left_out = names.keys() & {*WHEN, "end", "label"}
            noted = columns_of(name for name in names if name not in self.left_out)
            self.columns = {name: name for name in self.left_out} | {
                meaning: noted[meaning] for meaning in ("half", "team") if meaning in noted}
        self._by = next((meaning for meaning in WHEN if meaning in self.columns), "")
        dropped = ("label", "video", "x", "y", self._by)
        self._dropped = {self.columns.get(meaning) for meaning in dropped} | {*self.left_out}
        self.has_halves = any(part_number(row.get(self.columns.get("half"), "")) for _, row in self.rows)
        self.timed = self._count_seconds() if self.timed is None else self.timed
        self.events = [self._event(f"{self.file.path}: {place}", row) for place, row in self.rows]

    def label_set(
        self, names: Iterable[str], events: Sequence[LabelledEvent] | None = None, notes: Iterable[str] = (),
        **more: Any,
    ) -> LabelSet:
        """What they, or some of them, say of one video or match; `more` as `LabelFile.label_set` takes it."""
        if self._by == "start" and any(row.get(self.columns.get("end"), "") != "" for _, row in self.rows):
            unit = "times" if self.timed else "frames"
            notes = (f"of start and end, in {unit}, the {self.file.moment} is taken (--instant)", *notes)
        events = self.events if events is None else events
        return self.file.label_set(names, events, self.timed, notes=tuple(notes), **more)

    def _count_seconds(self) -> bool:
        """Whether positions are seconds; whole numbers as start and end are so only if their names say it."""
        if self._by != "start":
            return self._by == "time"
        ends = [self.columns[end] for end in ("start", "end") if end in self.columns]
        stated = [value for _, row in self.rows for value in map(row.get, ends) if value not in (None, "")]
        words = {word for end in ends for word in plain_name(end).split()}
        whole = all(type(value) is int or (isinstance(value, str) and value.isdigit()) for value in stated)
        return "frame" not in words and (not whole or not words.isdisjoint(_SECONDS))

    def _event(self, where: str, row: Row) -> LabelledEvent:
        position, label = self._position(where, row), row.get(self.columns["label"])
        if isinstance(label, str) and not clean_label(label):
            raise UserError(f"{where}: {self.columns['label']} is empty; it must be a class name")
        extra = {name: value for name, value in row.items() if name not in self._dropped and value != ""}
        if self._by == "frame":
            for name, form in _OF_FRAME.items():
                if re.fullmatch(form, str(extra.get(name)), re.ASCII):
                    del extra[name]
        if self.columns.get("team") in extra:
            extra["team"] = extra.pop(self.columns["team"])
        if any(xy := [row.get(self.columns.get(axis), "").replace(",", ".") for axis in "xy"]):
            extra["xy"] = f"[{', '.join(xy)}]"
        column = self.columns.get("half", "")
        half = part_number(row.get(column, "")) if self.has_halves else None
        if self.has_halves and half is None:
            raise UserError(f"{where}: {column} is {shown(row.get(column, ''))}, and other events name the half of the "
                            "match there; it must be such as 1, 2nd or H1")
        column, stated = self.columns.get("time", ""), None
        if self._by == "frame" and len(column) > 2:  # t may be anything
            seconds = self._time(row.get(column), column)
            fraction = re.search(r"[.,](\d+)", str(row.get(column)))  # 1:23.45 is exact to 0.01 seconds
            exactness = 10.0 ** -len(fraction[1]) if fraction else 1.0
            stated = (seconds, exactness) if isinstance(seconds, float) else None
        place = f"{where.rsplit(': ', 1)[1]} ({self._by} {row.get(self.columns[self._by], '')})"
        return LabelledEvent(place, position, {"frame": None, "label": class_name(where, label), **extra}, half, stated)

    def _position(self, where: str, row: Row) -> Position:
        ends = ("start", "end") if self._by == "start" else (self._by,)
        given = [end for end in ends if row.get(self.columns.get(end)) not in (None, "")] or ends[:1]
        first, *_, last = [self._value(where, row, end) for end in given] * 2
        if first == last or self.file.moment != "middle":
            return last if self.file.moment == "end" else first
        if Timecode in (type(first), type(last)):
            raise UserError(f"{where}: between time codes there is no middle; say --instant start or end")
        return (first + last) / 2 if self.timed else (first + last) // 2

    def _value(self, where: str, row: Row, meaning: str) -> Position:
        column = self.columns[meaning]
        value = row.get(column, "")
        if self.timed:
            position, needed = self._time(value, column), "it must be seconds (83.5), h:mm:ss.mmm or hh:mm:ss:ff"
        else:
            text = value.replace(",", ".") if isinstance(value, str) and self.decimal_comma else value
            position, needed = whole_number(text, text=True), "it must be a whole number"
        if position is None:
            raise UserError(f"{where}: {column} is {shown(value) if value != '' else 'empty'}; {needed}")
        return position

    def _time(self, value: Any, column: str) -> float | Timecode | None:
        words = plain_name(column).split()  # ELAN's "ss.msec" are seconds
        milliseconds = "ss" not in words and not {"ms", "msec", "milliseconds"}.isdisjoint(words)
        return read_time(value, milliseconds, self.decimal_comma)


def class_name(where: str, label: Any) -> str:
    """A label as it is compared.

    Raises:
        UserError: it is no class name; `where` is its place in the file.
    """
    label = clean_label(label) if isinstance(label, str) else label
    if fault := label_fault(label):
        raise UserError(f"{where}: {fault}")
    return label
