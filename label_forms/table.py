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
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dataset.matches import part_number
from label_forms.fields import EventReader, columns_of, plain_name
from label_forms.sets import LabelFile, LabelledEvent, LabelSet, path_names
from util.entries import clean_label, whole_number
from util.errors import UserError
from util.io import parse_json

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
    twice = sorted({column for column in names if list(map(plain_name, names)).count(plain_name(column)) > 1})
    if twice:
        raise UserError(f"{path}: line {lines[0][0] - 1 if lines else first}: more than one column is called "
                        f"{twice[0].lower()}; rename one")
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
    # comments are left out, but for one that names the columns, as VIA has it
    lines = [re.sub(r"^\s*#\s*(CSV_HEADER\s*=\s*)?", "", line) if line.lstrip().startswith("#") and (
        "CSV_HEADER" in line or "label" in columns_of(re.split(r"[,;|\t]", line.lstrip("# ")))) else
        "" if line.lstrip().startswith("#") else line for line in lines]
    header = next((line for line in lines if len(re.split(r"[,;|\t]", line)) > 1 and "label" in columns_of(
        re.split(r"[,;|\t]", line.replace('"', "")))), next(filter(str.strip, lines), ""))
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
    return is_via(table) or is_elan(table) or ("label" in meanings and timed)


def is_via(table: Table) -> bool:
    return _VIA in table.columns


def is_elan(table: Table) -> bool:
    names = {plain_name(column) for column in table.columns}
    return table.columns == _ELAN or {"tier", "annotation"} <= names or any("begin time" in name for name in names)


def is_boris(table: Table) -> bool:
    return {"behavior", "behavior type"} <= {plain_name(column) for column in table.columns}


def is_longomatch(table: Table) -> bool:
    return {"title", "start time", "stop time"} <= {plain_name(column) for column in table.columns}


def read_csv(file: LabelFile) -> list[LabelSet]:
    """A label set for each video of a table, in the order of their first lines."""
    return _read(file, "csv")


def read_boris(file: LabelFile) -> list[LabelSet]:
    """BORIS's events: points, and the starts of states; the subject is kept."""
    table: Table = file.content
    kinds = next(column for column in table.columns if plain_name(column) == "behavior type")
    rows = [(line, row) for line, row in table.rows if row.get(kinds, "").upper() != "STOP"]
    stops = len(table.rows) - len(rows)
    notes = (f"{stops} ends of states are left out",) if stops else ()
    keep = ("Subject", "Behavioral category", "Comment")
    offsets = {row.get("Time offset (s)", "") for _, row in rows} - {"", "0", "0.0", "NA"}
    if offsets:
        notes += (f"Time offset (s) is {min(offsets)} and not applied",)
    rows = [(line, row if row.get("Media file name") else row | {"Media file name": row.get("Source", "")})
            for line, row in rows]
    left_out = [column for column in table.columns if column not in keep]
    return _read(file, "boris", table._replace(rows=rows), {"time": "Time", "label": "Behavior",
                 "video": "Media file name"}, notes, left_out, "subject")


def read_elan(file: LabelFile) -> list[LabelSet]:
    """ELAN's tab-delimited annotations, with or without names of the columns; the tier is kept."""
    table: Table = file.content
    names = {plain_name(column): column for column in table.columns}

    def column(*words: str) -> str | None:
        return next((names[name] for name in names if all(word in name.split() for word in words)), None)

    start = column("begin", "s") or column("begin", "ss", "msec") or column("begin")
    end = column("stop", "s") or column("end", "ss", "msec") or column("end") or column("stop")
    columns = {"start": start, "end": end, "label": column("annotation")} | (
        {"video": names["file"]} if "file" in names else {})
    left_out = [name for name in table.columns if plain_name(name) not in ("tier", "participant")]
    return _read(file, "elan", None, {meaning: name for meaning, name in columns.items() if name}, (), left_out)


def read_longomatch(file: LabelFile) -> list[LabelSet]:
    """LongoMatch's plays; the title is the class and a number."""
    names = {plain_name(column): column for column in file.content.columns}
    columns = {"start": names["start time"], "end": names["stop time"], "label": names["title"]}
    return _read(file, "longomatch", None, columns_of(file.content.columns) | columns,
                 clean=lambda label: re.sub(r"\s+#?\d+$", "", clean_label(label)))


def read_via(file: LabelFile) -> list[LabelSet]:
    """VIA 3's temporal segments; the first attribute is the class, the others are kept by their number."""
    rows = []
    for line, row in file.content.rows:
        try:
            videos, times, given = (parse_json(row.get(column) or empty) for column, empty in (
                ("file_list", "[]"), ("temporal_coordinates", "[]"), ("metadata", "{}")))
            attributes = dict(sorted(given.items()))
            ends = [str(time) for time in times]
            video = str(videos[0])
        except (ValueError, TypeError, AttributeError, IndexError) as error:
            raise UserError(f"{file.path}: line {line}: is no segment as VIA 3 exports it") from error
        if ends and attributes:
            first, *others = attributes
            rows.append((line, {"video": video, "start time": ends[0], "end time": ends[-1], "label": attributes[first],
                                **{name: attributes[name] for name in others}}))
        else:
            rows.append((line, {"video": video}))
    table = Table(["video", "start time", "end time", "label"], rows, False)
    return _read(file, "via", table)


def _read(
    file: LabelFile, form: str, table: Table | None = None, columns: dict[str, str] | None = None,
    notes: tuple[str, ...] = (), left_out: Any = (), rename: str = "", clean: Any = clean_label,
) -> list[LabelSet]:
    table = table or file.content
    columns = columns or columns_of(table.columns)
    if "label" not in columns or columns.keys().isdisjoint(("frame", "time", "start")):
        line = max(1, table.rows[0][0] - 1) if table.rows else 1
        raise UserError(f"{file.path}: line {line}: the columns are {', '.join(table.columns)}; {_EXAMPLE}")
    reader = EventReader.of([row for _, row in table.rows], columns, file.instant_of(form),
                            decimal_comma=table.decimal_comma, left_out=left_out, clean=clean)
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
            event = reader.read(where, row)
            if rename and rename.title() in event.fields:
                event.fields[rename] = event.fields.pop(rename.title())
            events.append(event)
    if not sets:
        raise UserError(f"{file.path}: has no line below that of the column names; add one for each event")
    fps = None if reader.timed else file.label_fps
    notes += (*table.notes, *reader.notes())
    doubts = _doubt_half(file, table, columns, reader)
    return [LabelSet(file.path, form, path_names(video) if video_column else file.own_names(), tuple(events),
                     seconds=reader.timed, fps=fps, fps_from="option" if fps else "", read=len(events),
                     notes=notes if index == 0 else (), warnings=doubts if index == 0 else ())
            for index, (video, events) in enumerate(sets.items())]


def _doubt_half(file: LabelFile, table: Table, columns: dict[str, str], reader: EventReader) -> tuple[str, ...]:
    column = columns.get("half", "")
    values = sorted({row.get(column, "") for _, row in table.rows} - {""})
    if plain_name(column) not in ("half", "period") or reader.has_halves or not values or any(map(part_number, values)):
        return ()
    return (f"{file.path}: {column} is {values[0]!r}, which is taken for no half of the match; write 1 or 2 if it is",)
