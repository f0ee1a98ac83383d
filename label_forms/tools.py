"""The tables that other tools write: how each is known, and what its columns mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from label_forms.fields import plain_name, read_time
from util.errors import UserError
from util.io import parse_json

if TYPE_CHECKING:  # pandas takes half a second to import
    import pandas as pd

_ELAN_TIME = re.compile(r"\d\d:\d\d:\d\d[.:]\d{2,3}|\d+\.\d+|\d{3,}", re.ASCII)
_VIA_ATTRIBUTES = re.compile(r"ATTRIBUTES?\s*=\s*(\{.*\})")
_CLASS_NAMES = ("label", "class", "event", "action", "behaviour", "behavior", "type")  # of an attribute


class Table(NamedTuple):
    """A table of text, and what there is to say of it."""

    cells: pd.DataFrame  # "" where empty; by line of the file and name of the column (at first, its number from 0)
    decimal_comma: bool = False  # whether 4,5 may be a number
    notes: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()  # lines that begin with #, without it


class Tool(NamedTuple):
    """A tool that writes tables of its own."""

    known_by: Sequence[set[str]]  # names of columns that its tables have, as they are compared: one set of them
    columns: dict[str, str] = {}  # where what stands, if that is not as in fields.py
    kept: tuple[str, ...] | None = None  # further columns that are carried through; None: all
    adapt: Callable[[Path, Table], Table] = lambda _, table: table  # to a table with a row for each event

    def knows(self, columns: Iterable[str]) -> bool:
        return any(known <= names_of(columns).keys() for known in self.known_by)


def names_of(columns: Iterable[str]) -> dict[str, str]:
    """The columns by their names as they are compared."""
    return {plain_name(column): column for column in columns}


def elan_columns(row: Sequence[str]) -> list[str] | None:
    """The columns of a line as ELAN exports it, which has no names: tier, maybe participant, then begin, end and maybe
    duration, each in the same formats of time, then the annotation; None if it is no such line."""
    timed = [index for index, cell in enumerate(row) if _ELAN_TIME.fullmatch(cell)]
    if not timed or not 1 <= timed[0] <= 2 or len(timed) < 2 or timed != [*range(timed[0], timed[0] + len(timed))]:
        return None
    first, number = timed[0], len(timed)
    formats = number // 2
    if number % 3 == 0:  # with durations, if these are what lies between begin and end
        begin, end, duration = map(read_time, row[first : first + number : number // 3])
        floats = all(isinstance(time, float) for time in (begin, end, duration))
        formats = number // 3 if not floats or abs(end - begin - duration) < 0.011 else formats
    if number % formats or ":" not in "".join(row[first : first + number]) or len(row) <= first + number:
        return None
    spans = [f"{end} {index + 1}" if index else end
             for end in ("begin", "stop", "duration") for index in range(formats)]
    rest = ["annotation", *(f"media {index}" for index in range(len(row) - first - number - 1))]
    return ["tier", "participant"][:first] + spans[:number] + rest


def _points(path: Path, table: Table) -> Table:
    """BORIS's events: points, and the starts of states, whose video may stand in another column.

    Raises:
        UserError: an observation shows several videos in a row, through which its times count.
    """
    cells, names = table.cells, names_of(table.cells.columns)
    media = next((names[name] for name in ("media file name", "media file path", "media file") if name in names), None)
    if media and "observation id" in names:
        observation = names["observation id"]
        videos = cells[(cells[media] != "") & (cells[observation] != "")].groupby(observation)[media].nunique()
        if (videos > 1).any():
            raise UserError(f"{path}: the times of observation {videos.idxmax()!r} count through {videos.max()} "
                            "videos, and nothing tells how long each is; take BORIS's project file (.boris), which "
                            "does")
    stops = cells[names.get("behavior type") or names["status"]].str.upper() == "STOP"
    cells = cells[~stops].rename(columns={names.get("subject"): "subject"})
    if "media file name" in names and "source" in names:
        media, source = cells[names["media file name"]], cells[names["source"]]
        cells[media.name] = media.where(media != "", source.str.replace(r"^player #\d+:", "", regex=True))
    notes = (f"{stops.sum()} ends of states are left out",) if stops.any() else ()
    offsets = {*cells.get(names.get("time offset s"), ())} - {"", "0", "0.0", "NA"}
    if offsets:
        notes += (f"Time offset (s) is {min(offsets)} and not applied",)
    return table._replace(cells=cells, notes=table.notes + notes)


def _plays(_: Path, table: Table) -> Table:
    """LongoMatch's, whose title is the class and a number."""
    title = table.cells[names_of(table.cells.columns)["title"]]
    return table._replace(cells=table.cells.assign(**{title.name: title.str.replace(r"\s+#?\d+$", "", regex=True)}))


def _markers(_: Path, table: Table) -> Table:
    """Premiere's: the name of a marker is its class, or where none has a name its description."""
    names = names_of(table.cells.columns)
    name, text = names["marker name"], names["description"]
    if (table.cells[name] != "").any():
        return table
    return table._replace(cells=table.cells.assign(**{name: table.cells[text], text: ""}),
                          notes=(*table.notes, "markers have no names: their descriptions are the classes"))


def _segments(path: Path, table: Table) -> Table:
    """VIA 3's, written as JSON. A comment names the attributes along with what their options are called."""
    import pandas as pd

    attributes: dict[str, Any] = {}
    for found in filter(None, map(_VIA_ATTRIBUTES.search, table.comments)):
        with suppress(ValueError):
            attributes = parse_json(found[1])
    events = []
    for line, row in zip(table.cells.index, table.cells.to_dict("records"), strict=True):
        try:
            events.append(_segment(row, attributes))
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise UserError(f"{path}: line {line}: is no segment as VIA 3 exports it") from error
    columns = dict.fromkeys(("video", "start time", "end time", "label", *(name for event in events for name in event)))
    return table._replace(cells=pd.DataFrame(events, table.cells.index, [*columns]).fillna(""), decimal_comma=False)


def _segment(row: Mapping[str, str], attributes: Mapping[str, Any]) -> dict[str, str]:
    """The event of a line, whose cells are JSON or, of older versions, plain text; the video alone where there is none.
    Of the attributes the one called label (or class, ...) is the class, or else the first."""
    files, metadata, times = (
        parse_json(text) if (text := row.get(column) or empty)[0] in "[{" else text
        for column, empty in (("file_list", "[]"), ("metadata", "{}"), ("temporal_coordinates", "[]")))
    times = times or [row[end] for end in ("temporal_segment_start", "temporal_segment_end") if row.get(end)]
    given = {}
    for key, value in sorted(metadata.items()):
        about = attributes.get(key, key)
        about = {"aname": about} if isinstance(about, str) else about
        given[str(about.get("aname") or key)] = str((about.get("options") or {}).get(value, value))
    label = next((name for name in given if plain_name(name) in _CLASS_NAMES), next(iter(given), None))
    event = {"video": files if isinstance(files, str) else str(files[0])}
    if times and label:
        event |= {"start time": str(times[0]), "end time": str(times[-1]), "label": given.pop(label), **given}
    return event


TOOLS = {
    "boris": Tool([{"behavior", "behavior type"}, {"behavior", "media file path", "status"}],
                  {"time": "time", "label": "behavior", "video": "media file name"},
                  ("subject", "behavioral category", "comment"), _points),
    "elan": Tool([{"tier", "annotation"}], kept=("tier", "participant")),
    "via": Tool([{"metadata id"}], adapt=_segments),
    "longomatch": Tool([{"title", "start time", "stop time"}], {"label": "title"}, adapt=_plays),
    "premiere": Tool([{"marker name", "description", "in"}], {"label": "marker name"},
                     ("description", "marker type", "team"), _markers),
}
