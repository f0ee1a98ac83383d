"""What the columns of a table and the keys of a JSON object mean, and how their values are read.

Names are taken in any case, with any blanks, and with their unit: "Time (ms)", "frame_no", "Start time". An event has a
frame, or a time, or a start and an end; of these the instant is chosen by --instant.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from label_forms.sets import LabelledEvent
from util.clock import parse_time
from util.entries import clean_label, label_fault, shown, whole_number
from util.errors import UserError
from util.matches import part_number

INSTANTS = ("start", "middle", "end")

# What may stand for what, the likeliest first
_NAMES = {
    "frame": ("frame", "frame number", "frame no", "frame nr", "frame id", "frame index", "frame num", "frames"),
    "time": ("time", "timestamp", "seconds", "time s", "time sec", "time seconds", "sec", "t", "timecode",
             "position s", "ms", "time ms", "timestamp ms", "position ms", "milliseconds", "msec"),
    "start": ("start", "start time", "start s", "start ms", "start seconds", "start frame", "in", "segment start",
              "temporal segment start", "begin s", "begin time ss msec", "begin time hh mm ss ms", "begin time msec",
              "begin time", "begin", "start tc"),
    "end": ("end", "end time", "stop time", "end s", "stop s", "end ms", "end seconds", "end frame", "out",
            "segment end", "temporal segment end", "end time ss msec", "end time hh mm ss ms", "end time msec", "stop",
            "end tc"),
    "label": ("label", "class", "event", "action", "behavior", "behaviour", "code", "event type", "category", "type",
              "annotation", "marker name", "title", "name"),
    "video": ("video", "video name", "video file", "video path", "filename", "file name", "file", "media", "media file",
              "media file name", "media file path", "match", "game"),
    "half": ("half", "period", "part", "quarter", "match half", "game half", "match period", "game period", "half id",
             "period id", "half number", "period number", "half no", "period no", "halftime", "halbzeit", "mitad",
             "mi temps", "periodo", "p\u00e9riode", "periode"),
    "team": ("team",),
}
MEANINGS = tuple(_NAMES)
_SECONDS = ("time", "s", "ss", "sec", "seconds", "ms", "msec")  # in a name: its values are times
_TIME = re.compile(r"(-?)\s*([\d:.]+)\s*(ms|msec|s|sec|seconds)?", re.ASCII | re.IGNORECASE)
TIMECODE = re.compile(r"(\d{1,3})[:;](\d\d)[:;](\d\d)([:;])(\d{1,3})", re.ASCII)


class Timecode(NamedTuple):
    """SMPTE's hh:mm:ss:ff, which counts frames at a whole rate; the frame is known with the rate of the video."""

    seconds: int
    frames: int
    drop: bool  # "drop frame", written hh:mm:ss;ff: some numbers are left out, to keep pace with 29.97 or 59.94
    later: int = 0  # frames after it
    zero: Timecode | None = None  # where the video begins; None: at 00:00:00:00

    def frame(self, fps: float) -> int:
        """The frame from the start of a video of this rate."""
        rate = round(fps)
        left_out, minutes = round(rate / 15), self.seconds // 60
        skipped = left_out * (minutes - minutes // 10) if self.drop else 0
        before = self.zero.frame(fps) if self.zero else 0
        return self.seconds * rate + self.frames - skipped + self.later - before


Position = int | float | Timecode


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


def precision(value: Any) -> float:
    """Seconds by which a time as it is written may be off: 0.01 for 1:23.45."""
    fraction = re.search(r"[.,](\d+)", str(value))
    return 10.0 ** -len(fraction[1]) if fraction else 1.0


@dataclass(frozen=True)
class EventReader:
    """Reads the events of one list: rows of a table, or objects of a JSON list."""

    columns: Mapping[str, str]  # by meaning
    instant: str
    timed: bool  # whether positions are seconds; else frames
    has_halves: bool  # whether the column half names parts of a match
    decimal_comma: bool = True
    left_out: Collection[str] = ()  # columns that are not carried through

    @classmethod
    def of(
        cls, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], instant: str, timed: bool | None = None,
        **options: Any,
    ) -> EventReader:
        """That of rows, by what all of them hold."""
        halves = any(part_number(row.get(columns.get("half"), "")) for row in rows)
        return cls(columns, instant, _count_seconds(rows, columns) if timed is None else timed, halves, **options)

    def read(self, where: str, row: Mapping[str, Any]) -> LabelledEvent:
        """The event of a row; `where` is its place in the file."""
        position, stated = self._position(where, row)
        label = row.get(self.columns["label"])
        if isinstance(label, str) and not clean_label(label):
            raise UserError(f"{where}: {self.columns['label']} is empty; it must be a class name")
        drop = {self.columns.get(meaning) for meaning in ("label", "video", self._by)} | set(self.left_out)
        extra = {name: value for name, value in row.items() if name not in drop and value != ""}
        if "team" in self.columns and self.columns["team"] in extra:
            extra["team"] = extra.pop(self.columns["team"])
        place = f"{where.rsplit(': ', 1)[1]} ({self._by} {row.get(self.columns[self._by], '')})"
        fields = {"frame": None, "label": class_name(where, label), **extra}
        return LabelledEvent(place, position, fields, self._half(where, row), stated)

    def notes(self) -> tuple[str, ...]:
        """What to say of how the events of intervals are found."""
        unit = "times" if self.timed else "frames"
        return (f"of start and end, in {unit}, the {self.instant} is taken (--instant)",) * (self._by == "start")

    @property
    def _by(self) -> str:
        """The meaning of the column that tells when an event is."""
        return next(meaning for meaning in ("frame", "time", "start") if meaning in self.columns)

    def _position(self, where: str, row: Mapping[str, Any]) -> tuple[Position, tuple[float, float] | None]:
        """Where an event is; and what its time says beside its frame, with its precision, both in seconds."""
        if self._by == "start":
            ends = [end for end in ("start", "end") if row.get(self.columns.get(end)) not in (None, "")]
            first, *_, last = [self._value(where, row, end) for end in ends or ["start"]] * 2
            if self.instant != "middle":
                return last if self.instant == "end" else first, None
            if isinstance(first, Timecode) or isinstance(last, Timecode):
                raise UserError(f"{where}: between time codes there is no middle; say --instant start or end")
            return (first + last) / 2 if self.timed else (first + last) // 2, None
        position = self._value(where, row, self._by)
        time = self.columns.get("time") if self._by == "frame" else None
        seconds = self._time(row.get(time), time) if len(time or "") > 2 else None  # t may be anything
        stated = (seconds, precision(row[time])) if isinstance(seconds, float) else None
        return position, stated

    def _value(self, where: str, row: Mapping[str, Any], meaning: str) -> Position:
        column = self.columns[meaning]
        value = row.get(column, "")
        if self.timed:
            position, needed = self._time(value, column), "it must be seconds (83.5) or h:mm:ss.mmm"
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

    def _half(self, where: str, row: Mapping[str, Any]) -> int | None:
        if not self.has_halves:
            return None
        value = row.get(self.columns["half"], "")
        half = part_number(value)
        if half is None:
            raise UserError(f"{where}: {self.columns['half']} is {shown(value)}, and other events name the half of the "
                            "match there; it must be such as 1, 2nd or H1")
        return half


def _count_seconds(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> bool:
    """Whether positions are seconds; a start and an end that are whole numbers are so only if their names say it."""
    if "frame" in columns or "time" in columns:
        return "frame" not in columns
    ends = [columns[end] for end in ("start", "end") if end in columns]
    stated = [value for row in rows for value in map(row.get, ends) if value not in (None, "")]
    words = {word for end in ends for word in plain_name(end).split()}
    whole = all(type(value) is int or (isinstance(value, str) and value.isdigit()) for value in stated)
    return "frame" not in words and (not whole or not words.isdisjoint(_SECONDS))


def class_name(where: str, label: Any) -> str:
    """A label as it is compared.

    Raises:
        UserError: it is no class name; `where` is its place in the file.
    """
    label = clean_label(label) if isinstance(label, str) else label
    if fault := label_fault(label):
        raise UserError(f"{where}: {fault}")
    return label
