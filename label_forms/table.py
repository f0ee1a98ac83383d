"""Labels as a table: CSV of any separator and encoding, Excel, and the tables of other tools (tools.py).

    video,frame,label,team                  video;Half;Time;Label
    argentina_brazil_1,120,PASS,ARG         argentina_brazil;2nd;0:00:04,000;PASS

The columns come in any order and are named as fields.py says, or as --columns does. Without a column for the video, the
table is that of the video of its own name. A line with a video alone says that nothing happens in it. Further columns
are carried through, except where they are empty.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from label_forms.fields import MEANINGS, WHEN, EventReader, columns_of, plain_name, read_time, tells_events
from label_forms.sets import LabelFile, LabelledEvent, LabelSet, path_names
from label_forms.tools import TOOLS, Table, Tool, elan_columns, names_of
from util.entries import clean_label, whole_number
from util.errors import UserError, number_of
from util.matches import part_number

if TYPE_CHECKING:  # pandas takes half a second to import
    import pandas as pd

EXCEL = (".xlsx", ".xls", ".xlsm", ".ods")
_EXAMPLE = "the first line must name the columns, such as video,frame,label or video,time,label"
_COMMENT = re.compile(r"^\s*#\s*(CSV_HEADER\s*=\s*)?")  # which may name the columns, as VIA has it


def load_table(path: Path, columns: Mapping[str, str] | None = None) -> Table:
    """
    Args:
        columns: as --columns names them, by meaning; numbers count them from 1 in a table without names.

    Raises:
        UserError: it is no table with a line of column names.
    """
    named = {*map(plain_name, (columns or {}).values())}
    table = _read_excel(path) if path.suffix.lower() in EXCEL else _read_csv(path, named)
    cells = table.cells.fillna("").map(lambda cell: clean_label(str(cell)))
    cells.index += 1
    cells = cells[(cells != "").any(axis=1)]
    if cells.empty:
        raise UserError(f"{path}: is empty; {_EXAMPLE}")
    rows, at = cells.head(40).to_numpy().tolist(), 0
    if named and all(map(str.isdigit, named)):
        header = [str(number + 1) for number in cells.columns]
    elif not (header := elan_columns(rows[0])):
        fits = [_fit(row, named) for row in rows]  # not the first where BORIS tells of an observation before it
        at = fits.index(max(fits))
        header = rows[at]
    line, cells = cells.index[at], cells.iloc[at + (header is rows[at]) :]
    cells = cells.set_axis([" ".join(column.split()) for column in header], axis=1)
    numbers = [whole_number(cell, text=True) for cell in cells.iloc[:, 0]]
    if cells.columns[0] == "" and None not in numbers and numbers == sorted({*numbers}):
        cells = cells.iloc[:, 1:]  # it counts the rows, as pandas writes it
    nameless = cells.columns == ""
    name, number = Counter(map(plain_name, cells.columns[~nameless])).most_common(1)[0]
    if number > 1:
        raise UserError(f"{path}: line {line}: more than one column is called {name}; rename one")
    strays = cells.loc[(cells.loc[:, nameless] != "").any(axis=1), nameless]
    if len(strays):
        stray = next(filter(None, strays.iloc[0]))
        raise UserError(f"{path}: line {strays.index[0]}: {stray!r} is in a column without a name; name it in the "
                        "first line, or put cells that hold the separator in quotes")
    return table._replace(cells=cells.loc[:, ~nameless])


def table_of(path: Path, rows: Any) -> Table:
    """Of the plain values of JSON objects.

    Raises:
        UserError: they are none.
    """
    import pandas as pd

    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise UserError(f"{path}: is no list of objects, whose keys --columns could name")
    cells = pd.DataFrame(rows, range(1, len(rows) + 1), dtype=object)
    return Table(cells.where(cells.notna(), "").map(str))


def _read_excel(path: Path) -> Table:
    import pandas as pd

    try:
        cells = pd.read_excel(path, header=None, dtype=str, keep_default_na=False)
        return Table(cells, decimal_comma=True, notes=_valueless(path, cells))
    except ImportError as error:
        raise UserError(f"{path}: reading it needs a package ({error}); install that, or save it as CSV") from error
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise UserError(f"{path}: cannot be read as a spreadsheet ({error}); save it as CSV") from error


def _valueless(path: Path, cells: pd.DataFrame) -> tuple[str, ...]:
    """What there is to say of formulas without a value, which read as empty: programs other than Excel leave it out."""
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        return ()
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True)
    formulas = [cell for line in book.worksheets[0].iter_rows() for cell in line if cell.data_type == "f"]
    book.close()
    held = {(row + 1, column + 1) for row, column in np.argwhere(cells.fillna("").to_numpy() != "").tolist()}
    empty = [cell.coordinate for cell in formulas if (cell.row, cell.column) not in held]
    return (f"{number_of(len(empty), 'formula')} without a value count as empty, such as {empty[0]}; if it has one in "
            "Excel, save the table there once, or give CSV",) if empty else ()


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    """The text of a file in UTF-8, UTF-16 or Windows-1252, and what there is to say of it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    encoding, notes = "utf-8-sig", ()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # as Excel's "Unicode text" begins, and Premiere's markers
        encoding = "utf-16"
    elif b"\0" in data[:2]:  # the same, without the mark
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    try:
        text = data.decode(encoding).replace("\0", "")
    except UnicodeDecodeError:
        text, notes = data.decode("cp1252", errors="replace"), ("is no UTF-8 text and was read as Windows-1252",)
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def _read_csv(path: Path, named: Collection[str]) -> Table:
    import pandas as pd

    text, notes = read_text(path)
    lines = text.split("\n")
    if text[:4].lower() == "sep=":  # Excel's own way to name it
        lines[0] = ""
    comments = tuple(line.strip().lstrip("# ") for line in lines if line.lstrip().startswith("#"))
    for index, line in enumerate(lines):
        if line.lstrip().startswith("#"):
            bare = _COMMENT.sub("", line)
            lines[index] = bare if "CSV_HEADER" in line or _fit(_cells(bare), named) else ""
    header = max(lines, key=lambda line: (_fit(_cells(line), named), bool(line.strip())))
    separator = max(",;\t|", key=header.count)
    width = max(line.count(separator) for line in lines) + 1
    try:
        cells = pd.read_csv(io.StringIO("\n".join(lines) + "\n"), sep=separator, header=None, names=range(width),
                            dtype=str, keep_default_na=False, skip_blank_lines=False, skipinitialspace=True)
    except (ValueError, pd.errors.ParserError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise UserError(f"{path}: is no table that can be read ({reason}); is there a quote that is not "
                        "closed?") from error
    return Table(cells, separator != ",", notes, comments)


def _cells(line: str) -> list[str]:
    """Of a line, whatever separates them."""
    return re.split(r"[,;|\t]", line.replace('"', ""))


def _fit(row: Sequence[str], named: Collection[str]) -> int:
    """How many columns a row names: of those that --columns does, or else of such as a table of events has."""
    if named:
        return len({*map(plain_name, row)} & {*named})
    return has_events(row) + (len(row) > 1 and "label" in columns_of(row))


def has_events(columns: Collection[str]) -> bool:
    """Whether the columns are those of a table of events."""
    return tells_events(columns_of(columns)) or any(tool.knows(columns) for tool in TOOLS.values())


def read_table(file: LabelFile) -> list[LabelSet]:
    """A label set for each video of a table, in the order of their first lines."""
    tool = Tool([]) if file.columns else TOOLS.get(file.form, Tool([]))
    table = tool.adapt(file.path, file.content)
    columns = _columns(file, table, tool)
    video_column = columns.get("video")
    events: dict[str, list[LabelledEvent]] = {} if video_column else {file.name: []}
    spelled: dict[str, str] = {}  # the first spelling of each video, as a and a.mp4 are one
    rows, videos = [], []
    for line, row in zip(table.cells.index, table.cells.to_dict("records"), strict=True):
        video = row.get(video_column, file.name)
        if not video:
            raise UserError(f"{file.path}: line {line}: {video_column} is empty; name the video")
        if video_column:
            video = spelled.setdefault(path_names(video)[:2][-1], video)
        events.setdefault(video, [])
        if any(cell for column, cell in row.items() if column != video_column):
            rows.append((f"line {line}", row))
            videos.append(video)
    if not events:
        raise UserError(f"{file.path}: has no line below that of the column names; add one for each event")
    names = names_of(table.cells.columns)
    left_out = [column for name, column in names.items() if tool.kept is not None and name not in tool.kept]
    reader = EventReader(file, rows, columns, left_out=left_out, decimal_comma=table.decimal_comma)
    for video, event in zip(videos, reader.events, strict=True):
        events[video].append(event)
    sets = [reader.label_set(path_names(video) if video_column else file.own_names(), of_video)
            for video, of_video in events.items()]
    return [replace(sets[0], notes=(*table.notes, *sets[0].notes), warnings=_doubt_half(file, table, columns, reader)),
            *(replace(labels, notes=()) for labels in sets[1:])]


def _columns(file: LabelFile, table: Table, tool: Tool) -> dict[str, str]:
    """The column of each meaning: by --columns, as the tool has it, or by their names."""
    names, there = names_of(table.cells.columns), ", ".join(table.cells.columns)
    line = max(1, table.cells.index[0] - 1) if len(table.cells) else 1
    named = file.columns or tool.columns
    columns = {} if file.columns else columns_of(table.cells.columns)
    for meaning, column in named.items():
        if plain_name(column) in names:
            columns[meaning] = names[plain_name(column)]
        elif file.columns:
            raise UserError(f"{file.path}: line {line}: no column is called {column!r}, as --columns says; there are: "
                            f"{there}")
    if tells_events(columns) and ("x" in columns) == ("y" in columns):
        return columns
    raise UserError("--columns must name those of label, and of frame, time, or start and end; x and y go together"
                    if file.columns else
                    f"{file.path}: line {line}: the columns are {there}; {_EXAMPLE}; or say which is which, such as "
                    f"--columns {_suggested(table, columns)}")


def _suggested(table: Table, columns: Mapping[str, str]) -> str:
    """What --columns could say: the columns that are known and, for the time and the label, others whose cells could be
    such, a label rather behind the time; of a table without names, by numbers."""
    cells, columns = table.cells, {meaning: name for meaning, name in columns.items() if meaning in MEANINGS}
    if any(read_time(name) is not None for name in cells):
        cells = cells.set_axis([str(number + 1) for number in range(cells.shape[1])], axis=1)
        columns = {}
    left = [name for name in cells if name not in columns.values()]
    counts = {name: all(map(str.isdigit, cells[name])) for name in left}
    timed = [name for name in left if len(cells) and all(read_time(cell) is not None for cell in cells[name])]
    timed.sort(key=counts.get)  # what is called otherwise and counts is more often a number of the row
    rest = [name for name in left if name not in timed]
    if columns.keys().isdisjoint(WHEN) and timed:
        columns["frame" if counts[timed[0]] else "time"] = timed[0]
        rest.sort(key=lambda name: left.index(name) < left.index(timed[0]))
    if "label" not in columns and rest:
        columns["label"] = rest[0]
    said = columns if tells_events(columns) else {"time": "Begin", "label": "Action"}
    return " ".join(f'{meaning}="{name}"' if " " in name else f"{meaning}={name}" for meaning, name in said.items())


def _doubt_half(file: LabelFile, table: Table, columns: dict[str, str], reader: EventReader) -> tuple[str, ...]:
    column = columns.get("half", "")
    values = sorted({*table.cells.get(column, ())} - {""})
    is_half = reader.has_halves or not values or any(map(part_number, values))
    if is_half or plain_name(column) in ("", "part", "quarter"):  # which may be something else
        return ()
    return (f"{file.path}: {column} is {values[0]!r}, which is taken for no half of the match; write 1 or 2 if it is",)
