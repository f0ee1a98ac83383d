"""Labels as a table: a line for each event, with the columns video, frame or time, and label, in any order.

    video,frame,label,team                  video;Time;Label
    argentina_brazil_1,120,PASS,ARG         argentina_brazil_1;0:00:04,000;PASS

The separator is a comma, a semicolon or a tab. Where it is no comma, times may have a decimal comma, as Excel
writes them. Without a column video the table is that of the video of its own name. A line with a video alone says
that nothing happens in it. Further columns are carried through, except where they are empty.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from label_forms.sets import LabelledEvent, LabelSet
from util.clock import parse_time
from util.errors import UserError

_SEPARATORS = ",;\t"
_COLUMNS = ("video", "frame", "time", "label", "team")  # however they are written
_EXAMPLE = "the first line must name the columns, such as video,frame,label or video,time,label"

Row = tuple[int, dict[str, str]]  # the number of its line in the file, and its cells by column


def read_table(path: Path, name: str, label_fps: float | None) -> list[LabelSet]:
    """Read a table; a label set for each of its videos, in the order of their first lines.

    Args:
        name: of the video, where there is no column for it.
        label_fps: the rate that a column frame counts at; None for that of the video file.

    Raises:
        UserError: it is no such table; the line is named.
    """
    text = _read_text(path)
    separator, columns, rows = _rows(path, text)
    timed = "frame" not in columns
    sets: dict[str, list[LabelledEvent]] = {} if "video" in columns else {name: []}
    for line, row in rows:
        where = f"{path}: line {line}"
        video = row.get("video", name).replace("\\", "/")
        if not video:
            raise UserError(f"{where}: video is empty; name the video")
        events = sets.setdefault(video, [])
        if any(cell for column, cell in row.items() if column != "video"):
            events.append(_read_event(where, row, timed, separator != ","))
    if not sets:
        raise UserError(f"{path}: has no line below that of the column names; add one for each event")
    fps = None if timed else label_fps
    return [LabelSet(path, "csv", _names(video), tuple(events), seconds=timed, fps=fps,
                     fps_from="option" if fps else "", read=len(events)) for video, events in sets.items()]


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
        # Excel's "Unicode text" is UTF-16, its "CSV UTF-8" has a mark in front
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text; save it as UTF-8 (in Excel: CSV UTF-8)") from error


def _rows(path: Path, text: str) -> tuple[str, list[str], list[Row]]:
    """The separator, the names of the columns, and the rows, without those that are empty."""
    skipped = 0
    if text[:4].lower() == "sep=":  # Excel's own way to name it
        text, skipped = text.partition("\n")[2], 1
    header = text.lstrip("\r\n").partition("\n")[0]
    separator = max(_SEPARATORS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines: list[tuple[int, list[str]]] = []
    begun = skipped + 1
    try:
        for cells in reader:
            lines.append((begun, [cell.strip() for cell in cells]))
            begun = skipped + reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"{path}: line {begun}: has a quote that is not closed, or amid a cell ({error})") from error
    lines = [(line, cells) for line, cells in lines if any(cells)]
    if not lines:
        raise UserError(f"{path}: is empty; {_EXAMPLE}")
    line = lines[0][0]
    columns = [column.lower() if column.lower() in _COLUMNS else column for column in lines[0][1]]
    _check_columns(f"{path}: line {line}", columns)
    return separator, columns, [_row(path, line, cells, columns) for line, cells in lines[1:]]


def _check_columns(where: str, columns: list[str]) -> None:
    if "label" not in columns or not {"frame", "time"} & set(columns):
        raise UserError(f"{where}: the columns are {', '.join(filter(None, columns))}; {_EXAMPLE}")
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    if twice:
        raise UserError(f"{where}: more than one column is called {twice[0]}; rename one")


def _row(path: Path, line: int, cells: list[str], columns: list[str]) -> Row:
    nameless = [cell for index, cell in enumerate(cells) if cell and not (columns[index : index + 1] or [""])[0]]
    if nameless:
        raise UserError(f"{path}: line {line}: {nameless[0]!r} is in a column without a name; name it in the first "
                        "line, or put cells that hold the separator in quotes")
    return line, dict(zip(columns, cells, strict=False))


def _read_event(where: str, row: dict[str, str], timed: bool, decimal_comma: bool) -> LabelledEvent:
    column = "time" if timed else "frame"
    text = row.get(column, "")
    place = f"{where.rsplit(': ', 1)[1]} ({column} {text})"
    if timed:
        position = parse_time(text.replace(",", ".") if decimal_comma else text)
        needed = "it must be seconds (83.5) or h:mm:ss.mmm"
    else:
        position = _frame(text)
        needed = "it must be a whole number, 0 or more"
    if position is None:
        raise UserError(f"{where}: {column} is {repr(text) if text else 'empty'}; {needed}")
    if not row.get("label"):
        raise UserError(f"{where}: label is empty; it must be a class name")
    extra = {name: cell for name, cell in row.items() if cell and name not in ("video", "label", column)}
    return LabelledEvent(place, position, {"frame": None, "label": row["label"], **extra})


def _frame(text: str) -> int | None:
    digits = text.removesuffix(".0")  # as tables with gaps come out of pandas
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 12 else None


def _names(video: str) -> tuple[str, ...]:
    """A video may be named with the suffix of its file."""
    stem, dot, suffix = video.rpartition(".")
    return (video, stem) if dot and stem and suffix.isalnum() and len(suffix) <= 4 else (video,)
