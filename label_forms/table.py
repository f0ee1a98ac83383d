"""Labels as a table: CSV of any dialect, Excel, and the tables of other tools (tools.py).

    video,frame,label,team                  video;Half;Time;Label
    argentina_brazil_1,120,PASS,ARG         argentina_brazil;2nd;0:00:04,000;PASS

The columns come in any order and are named as fields.py says, or as --columns does. Without a column for the video, the
table is that of the video of its own name. A line with a video alone says that nothing happens in it. Further columns
are carried through, except where they are empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from label_forms.cells import EXAMPLE, Table, read_cells
from label_forms.fields import EventReader, columns_of, plain_name
from label_forms.sets import LabelFile, LabelledEvent, LabelSet, path_names
from label_forms.tools import TOOLS, Tool, elan_columns, names_of
from util.entries import whole_number
from util.errors import UserError
from util.matches import part_number

if TYPE_CHECKING:  # pandas takes half a second to import
    import pandas as pd


def load_table(path: Path, named: Mapping[str, str] | None = None) -> Table:
    """
    Args:
        named: the column of each meaning, where --columns tells it; numbers count them from 1 in a table without names.

    Raises:
        UserError: it is no table with a line of column names.
    """
    named = named or {}
    table = read_cells(path, named.values())
    cells = table.cells
    if named and all(column.isdigit() for column in named.values()):
        line, columns = cells.index[0], [str(number + 1) for number in cells.columns]
    else:
        line, columns, cells = _header(cells, named)
    cells = cells.set_axis([" ".join(column.split()) for column in columns], axis=1)
    nameless = cells.columns == ""
    name, number = Counter(map(plain_name, cells.columns[~nameless])).most_common(1)[0]
    if number > 1:
        raise UserError(f"{path}: line {line}: more than one column is called {name}; rename one")
    strays = cells.loc[(cells.loc[:, nameless] != "").any(axis=1), nameless]
    if len(strays) and not _is_index(cells.iloc[:, 0], strays):
        stray = next(filter(None, strays.iloc[0]))
        raise UserError(f"{path}: line {strays.index[0]}: {stray!r} is in a column without a name; name it in the "
                        "first line, or put cells that hold the separator in quotes")
    return table._replace(cells=cells.loc[:, ~nameless])


def table_of(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Of the plain values of JSON objects."""
    import pandas as pd

    cells = pd.DataFrame(rows, range(1, len(rows) + 1), dtype=object)
    return Table(cells.where(cells.notna(), "").map(str))


def _header(cells: pd.DataFrame, named: Mapping[str, str]) -> tuple[int, list[str], pd.DataFrame]:
    """The line and the names of the columns, and the rows below: BORIS writes some lines about an observation first."""
    rows = cells.head(40).to_numpy().tolist()
    if columns := elan_columns(rows[0]):
        return cells.index[0], columns, cells
    wanted = {*map(plain_name, named.values())}
    fits = [len(wanted & {*map(plain_name, row)}) or (not wanted and has_events(row)) for row in rows]
    at = fits.index(max(fits))
    return cells.index[at], rows[at], cells.iloc[at + 1 :]


def _is_index(first: pd.Series, strays: pd.DataFrame) -> bool:
    """Whether the first column alone has no name and counts the rows, as pandas writes it."""
    numbers = [whole_number(cell, text=True) for cell in first]
    others = strays.iloc[:, 1:] if first.name == "" else strays
    return not (others != "").any(axis=None) and None not in numbers and numbers == sorted(set(numbers))


def has_events(columns: Iterable[str]) -> bool:
    """Whether the columns are those of a table of events."""
    meanings = columns_of(columns)
    timed = not meanings.keys().isdisjoint(("frame", "time", "start"))
    return ("label" in meanings and timed) or any(tool.knows(columns) for tool in TOOLS.values())


def read_table(file: LabelFile) -> list[LabelSet]:
    """A label set for each video of a table, in the order of their first lines."""
    tool = Tool([]) if file.columns else TOOLS.get(file.form, Tool([]))
    table = tool.adapt(file.path, file.content)
    names, rows = names_of(table.cells.columns), table.cells.to_dict("records")
    columns = _columns(file, table, tool)
    left_out = [column for name, column in names.items() if tool.kept is not None and name not in tool.kept]
    reader = EventReader.of(rows, columns, file.moment, decimal_comma=table.decimal_comma, left_out=left_out)
    video_column = columns.get("video")
    sets: dict[str, list[LabelledEvent]] = {} if video_column else {file.name: []}
    spelled: dict[str, str] = {}  # the first spelling of each video, as a and a.mp4 are one
    for line, row in zip(table.cells.index, rows, strict=True):
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


def _columns(file: LabelFile, table: Table, tool: Tool) -> dict[str, str]:
    """The column of each meaning: by --columns, as the tool has it, or by their names."""
    names, there = names_of(table.cells.columns), ", ".join(table.cells.columns)
    line = max(1, table.cells.index[0] - 1) if len(table.cells) else 1
    if file.columns:
        unknown = [column for column in file.columns.values() if plain_name(column) not in names]
        if unknown:
            raise UserError(f"{file.path}: line {line}: no column is called {unknown[0]!r}, as --columns says; there "
                            f"are: {there}")
        columns = {meaning: names[plain_name(column)] for meaning, column in file.columns.items()}
        if "label" in columns and columns.keys() & {"frame", "time", "start"}:
            return columns
        raise UserError("--columns must name those of label, and of frame, time, or start and end")
    columns = columns_of(table.cells.columns) | {
        meaning: names[name] for meaning, name in tool.columns.items() if name in names}
    if "label" not in columns or columns.keys().isdisjoint(("frame", "time", "start")):
        raise UserError(f"{file.path}: line {line}: the columns are {there}; {EXAMPLE}; or say "
                        "which is which, such as --columns time=Begin label=Action")
    return columns


def _doubt_half(file: LabelFile, table: Table, columns: dict[str, str], reader: EventReader) -> tuple[str, ...]:
    column = columns.get("half", "")
    values = sorted({*table.cells.get(column, ())} - {""})
    is_half = reader.has_halves or not values or any(map(part_number, values))
    if is_half or plain_name(column) in ("", "part", "quarter"):  # which may be something else
        return ()
    return (f"{file.path}: {column} is {values[0]!r}, which is taken for no half of the match; write 1 or 2 if it is",)
