"""Labels as a table: CSV of any dialect, Excel, and the tables that BORIS, ELAN, VIA and LongoMatch export.

    video,frame,label,team                  video;Half;Time;Label
    argentina_brazil_1,120,PASS,ARG         argentina_brazil;2nd;0:00:04,000;PASS

The columns come in any order and are named as fields.py says. Without a column for the video, the table is that of the
video of its own name. A line with a video alone says that nothing happens in it. Further columns are carried through,
except where they are empty.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from label_forms.fields import EventReader, columns_of, plain_name
from label_forms.sets import LabelFile, LabelledEvent, LabelSet, path_names
from util.entries import clean_label, whole_number
from util.errors import UserError
from util.io import parse_json
from util.matches import part_number

if TYPE_CHECKING:  # pandas takes half a second to import
    import pandas as pd

EXCEL = (".xlsx", ".xls", ".xlsm", ".ods")
_SEPARATORS = ",;\t|"
_EXAMPLE = "the first line must name the columns, such as video,frame,label or video,time,label"
_ELAN = ["tier", "participant", "begin", "begin s", "stop", "stop s", "duration", "duration s", "annotation"]
_VIA = "metadata_id"  # its first column


class Table(NamedTuple):
    """The cells of a table as text: names of the columns, and for each row its line in the file and its cells."""

    columns: list[str]
    rows: list[tuple[int, dict[str, str]]]
    decimal_comma: bool  # whether 4,5 may be a number
    notes: tuple[str, ...] = ()


def load_table(path: Path) -> Table:
    """
    Raises:
        UserError: it is no table with a line of column names.
    """
    if path.suffix.lower() in EXCEL:
        import pandas as pd

        try:
            cells, separator, notes = pd.read_excel(path, header=None, dtype=str, keep_default_na=False), "\t", []
        except ImportError as error:
            raise UserError(f"{path}: reading it needs a package ({error}); install that, or save it as CSV") from error
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise UserError(f"{path}: cannot be read as a spreadsheet ({error}); save it as CSV") from error
        first = 1
    else:
        text, notes = _read_text(path)
        cells, separator, first = _cells(path, text)
    cells = cells.map(lambda cell: clean_label(str(cell)))
    lines = [(first + index, list(row)) for index, row in enumerate(cells.itertuples(index=False)) if any(row)]
    if not lines:
        raise UserError(f"{path}: is empty; {_EXAMPLE}")
    columns, lines = _header(lines)
    columns = [" ".join(column.split()) for column in columns]
    names = [column for column in columns if column]
    name, number = Counter(map(plain_name, names)).most_common(1)[0] if names else ("", 0)
    if number > 1:
        raise UserError(f"{path}: line {lines[0][0] - 1 if lines else first}: more than one column is called {name}; "
                        "rename one")
    if not _has_index(columns, lines):
        for line, row in lines:
            nameless = [cell for index, cell in enumerate(row) if cell and not (columns[index : index + 1] or [""])[0]]
            if nameless:
                raise UserError(f"{path}: line {line}: {nameless[0]!r} is in a column without a name; name it in the "
                                "first line, or put cells that hold the separator in quotes")
    rows = [(line, {column: cell for column, cell in zip(columns, row, strict=False) if column}) for line, row in lines]
    return Table(names, rows, separator != ",", tuple(notes))


def _read_text(path: Path) -> tuple[str, list[str]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # as Excel's "Unicode text" begins
        encoding = "utf-16"
    elif data[1:2] == b"\0" or data[:1] == b"\0":  # the same, without the mark
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        return data.decode(encoding).replace("\0", ""), []
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), ["is no UTF-8 text and was read as Windows-1252"]


def _cells(path: Path, text: str) -> tuple[pd.DataFrame, str, int]:
    """The cells of a text, its separator, and the line in the file of the first row."""
    import pandas as pd

    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = 1
    if text[:4].lower() == "sep=":  # Excel's own way to name it
        lines, first = lines[1:], 2
    lines = list(map(_uncommented, lines))
    header = next(filter(_names_columns, lines), next(filter(str.strip, lines), ""))
    separator = max(_SEPARATORS, key=header.count)
    width = max((line.count(separator) for line in lines), default=0) + 1
    try:
        cells = pd.read_csv(io.StringIO("\n".join(lines) + "\n"), sep=separator, header=None, names=range(width),
                            dtype=str, keep_default_na=False, skip_blank_lines=False, skipinitialspace=True)
    except (ValueError, pd.errors.ParserError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise UserError(f"{path}: is no table that can be read ({reason}); is there a quote that is not "
                        "closed?") from error
    return cells.fillna(""), separator, first


def _uncommented(line: str) -> str:
    """A line without what is a comment; but one may name the columns, as VIA has it."""
    if not line.lstrip().startswith("#"):
        return line
    text = re.sub(r"^\s*#\s*(CSV_HEADER\s*=\s*)?", "", line)
    return text if "CSV_HEADER" in line or _names_columns(text) else ""


def _names_columns(line: str) -> bool:
    cells = re.split(r"[,;|\t]", line.replace('"', ""))
    return len(cells) > 1 and "label" in columns_of(cells)


def _header(lines: list[tuple[int, list[str]]]) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, and the rows below: BORIS writes some lines about an observation before them."""
    if re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", (lines[0][1][2:3] or [""])[0]):  # ELAN writes no names
        return _ELAN, lines
    for index, (_, row) in enumerate(lines[:40]):
        if has_events(Table(row, [], False)):
            return row, lines[index + 1 :]
    return lines[0][1], lines[1:]


def _has_index(columns: list[str], lines: list[tuple[int, list[str]]]) -> bool:
    """Whether the first column has no name and counts the rows, as pandas writes it."""
    numbers = [whole_number(row[0], text=True) for _, row in lines]
    others = any(row[index] for _, row in lines for index, column in enumerate(columns) if index and not column)
    return not columns[0] and not others and None not in numbers and numbers == sorted(set(numbers))


def has_events(table: Table) -> bool:
    """Whether the columns are those of a table of events."""
    meanings = columns_of(table.columns)
    timed = not meanings.keys().isdisjoint(("frame", "time", "start"))
    return ("label" in meanings and timed) or any(tool.fits(table) for tool in TOOLS.values())


def _points(_: Path, table: Table) -> Table:
    """BORIS's events: points, and the starts of states, whose video may stand in another column."""
    names = _names(table)
    renamed = {names.get("subject"): "subject"}
    rows = [(line, {renamed.get(column, column): cell for column, cell in row.items()}) for line, row in table.rows
            if row.get(names["behavior type"], "").upper() != "STOP"]
    if "media file name" in names and "source" in names:
        media, source = names["media file name"], names["source"]
        rows = [(line, row | {media: row.get(media) or row.get(source, "")}) for line, row in rows]
    stops = len(table.rows) - len(rows)
    notes = (f"{stops} ends of states are left out",) if stops else ()
    offsets = {row.get(names.get("time offset s"), "") for _, row in rows} - {"", "0", "0.0", "NA"}
    if offsets:
        notes += (f"Time offset (s) is {min(offsets)} and not applied",)
    columns = [renamed.get(name, name) for name in table.columns]
    return table._replace(columns=columns, rows=rows, notes=table.notes + notes)


def _plays(_: Path, table: Table) -> Table:
    """LongoMatch's, whose title is the class and a number."""
    title = _names(table)["title"]
    return table._replace(rows=[(line, row | {title: re.sub(r"\s+#?\d+$", "", row.get(title, ""))})
                                for line, row in table.rows])


def _segments(path: Path, table: Table) -> Table:
    """VIA 3's, written as JSON; the first attribute is the class, the others are kept by their number."""
    rows = []
    for line, row in table.rows:
        try:
            videos, times, given = (parse_json(row.get(column) or empty) for column, empty in (
                ("file_list", "[]"), ("temporal_coordinates", "[]"), ("metadata", "{}")))
            (first, label), *others = sorted(given.items()) or [("", "")]
            video, ends = str(videos[0]), [str(time) for time in times]
        except (ValueError, TypeError, AttributeError, IndexError) as error:
            raise UserError(f"{path}: line {line}: is no segment as VIA 3 exports it") from error
        event = {"start time": ends[0], "end time": ends[-1], "label": label, **dict(others)} if ends and first else {}
        rows.append((line, {"video": video, **event}))
    return Table(["video", "start time", "end time", "label"], rows, False, table.notes)


class Tool(NamedTuple):
    """A tool that writes tables of its own."""

    known_by: set[str]  # the names of columns that its tables have, as they are compared
    columns: dict[str, str] = {}  # where what stands, if that is not as in fields.py
    kept: tuple[str, ...] | None = None  # further columns that are carried through; None: all
    adapt: Callable[[Path, Table], Table] = lambda _, table: table  # to a table with a row for each event

    def fits(self, table: Table) -> bool:
        return self.known_by <= _names(table).keys()


TOOLS = {
    "boris": Tool({"behavior", "behavior type"}, {"time": "time", "label": "behavior", "video": "media file name"},
                  ("subject", "behavioral category", "comment"), _points),
    "elan": Tool({"tier", "annotation"}, kept=("tier", "participant")),
    "via": Tool({plain_name(_VIA)}, adapt=_segments),
    "longomatch": Tool({"title", "start time", "stop time"}, {"label": "title"}, adapt=_plays),
}


def _names(table: Table) -> dict[str, str]:
    """The columns by their names as they are compared."""
    return {plain_name(column): column for column in table.columns}


def read_table(file: LabelFile) -> list[LabelSet]:
    """A label set for each video of a table, in the order of their first lines."""
    tool = TOOLS.get(file.form, Tool(set()))
    table = tool.adapt(file.path, file.content)
    names = _names(table)
    own = {meaning: names[name] for meaning, name in tool.columns.items() if name in names}
    columns = columns_of(table.columns) | own
    if "label" not in columns or columns.keys().isdisjoint(("frame", "time", "start")):
        line = max(1, table.rows[0][0] - 1) if table.rows else 1
        raise UserError(f"{file.path}: line {line}: the columns are {', '.join(table.columns)}; {_EXAMPLE}")
    left_out = [column for name, column in names.items() if tool.kept is not None and name not in tool.kept]
    reader = EventReader.of([row for _, row in table.rows], columns, file.moment, decimal_comma=table.decimal_comma,
                            left_out=left_out)
    video_column = columns.get("video")
    sets: dict[str, list[LabelledEvent]] = {} if video_column else {file.name: []}
    spelled: dict[str, str] = {}  # the first spelling of each video, as a and a.mp4 are one
    for line, row in table.rows:
        where = f"{file.path}: line {line}"
        video = row.get(video_column, "") if video_column else file.name
        if not video:
            raise UserError(f"{where}: {video_column} is empty; name the video")
        if video_column:
            video = spelled.setdefault(path_names(video)[:2][-1], video)
        events = sets.setdefault(video, [])
        if any(cell for column, cell in row.items() if column != video_column):
            events.append(reader.read(where, row))
    if not sets:
        raise UserError(f"{file.path}: has no line below that of the column names; add one for each event")
    made = [file.label_set(path_names(video) if video_column else file.own_names(), events, reader.timed)
            for video, events in sets.items()]
    made[0] = replace(made[0], notes=table.notes + reader.notes(), warnings=_doubt_half(file, table, columns, reader))
    return made


def _doubt_half(file: LabelFile, table: Table, columns: dict[str, str], reader: EventReader) -> tuple[str, ...]:
    column = columns.get("half", "")
    values = sorted({row.get(column, "") for _, row in table.rows} - {""})
    is_half = reader.has_halves or not values or any(map(part_number, values))
    if is_half or plain_name(column) in ("", "part", "quarter"):  # which may be something else
        return ()
    return (f"{file.path}: {column} is {values[0]!r}, which is taken for no half of the match; write 1 or 2 if it is",)
