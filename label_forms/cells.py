"""The cells of a table as text, out of CSV of any separator and encoding, or a spreadsheet."""

from __future__ import annotations

import io
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from label_forms.fields import columns_of, plain_name
from util.entries import clean_label
from util.errors import UserError

if TYPE_CHECKING:  # pandas takes half a second to import
    import pandas as pd

EXCEL = (".xlsx", ".xls", ".xlsm", ".ods")
EXAMPLE = "the first line must name the columns, such as video,frame,label or video,time,label"
_SEPARATORS = ",;\t|"
_HEADER = re.compile(r"^\s*#\s*(CSV_HEADER\s*=\s*)?")


class Table(NamedTuple):
    """A table of text, and what there is to say of it."""

    cells: pd.DataFrame  # "" where empty; by line of the file and name of the column (at first, its number from 0)
    decimal_comma: bool = False  # whether 4,5 may be a number
    notes: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()  # lines that begin with #, without it


def read_cells(path: Path, named: Collection[str] = ()) -> Table:
    """The lines of a table that hold something.

    Args:
        named: columns that the line of column names is known by, besides those that fields.py knows.

    Raises:
        UserError: it is no table.
    """
    table = Table(_filled(_read_excel(path), 1), True) if path.suffix.lower() in EXCEL else _read_csv(path, named)
    if table.cells.empty:
        raise UserError(f"{path}: is empty; {EXAMPLE}")
    return table


def _read_excel(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_excel(path, header=None, dtype=str, keep_default_na=False)
    except ImportError as error:
        raise UserError(f"{path}: reading it needs a package ({error}); install that, or save it as CSV") from error
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise UserError(f"{path}: cannot be read as a spreadsheet ({error}); save it as CSV") from error


def _filled(cells: pd.DataFrame, first: int) -> pd.DataFrame:
    """The rows that hold something, the first of all being on a line of the file."""
    cells = cells.fillna("").map(lambda cell: clean_label(str(cell)))
    cells.index += first
    return cells[(cells != "").any(axis=1)]


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    """The text of a file in UTF-8, UTF-16 or Windows-1252, and what there is to say of it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # as Excel's "Unicode text" begins, and Premiere's markers
        encoding = "utf-16"
    elif data[1:2] == b"\0" or data[:1] == b"\0":  # the same, without the mark
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        text, notes = data.decode(encoding).replace("\0", ""), ()
    except UnicodeDecodeError:
        text, notes = data.decode("cp1252", errors="replace"), ("is no UTF-8 text and was read as Windows-1252",)
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def _read_csv(path: Path, named: Collection[str]) -> Table:
    import pandas as pd

    text, notes = read_text(path)
    lines, first = text.split("\n"), 1
    if text[:4].lower() == "sep=":  # Excel's own way to name it
        lines, first = lines[1:], 2
    comments = tuple(line.strip().lstrip("# ") for line in lines if line.lstrip().startswith("#"))
    lines = [_uncommented(line, named) for line in lines]
    header = max(lines, key=lambda line: (_names_columns(line, named), bool(line.strip())), default="")
    separator = max(_SEPARATORS, key=header.count)
    width = max((line.count(separator) for line in lines), default=0) + 1
    try:
        cells = pd.read_csv(io.StringIO("\n".join(lines) + "\n"), sep=separator, header=None, names=range(width),
                            dtype=str, keep_default_na=False, skip_blank_lines=False, skipinitialspace=True)
    except (ValueError, pd.errors.ParserError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise UserError(f"{path}: is no table that can be read ({reason}); is there a quote that is not "
                        "closed?") from error
    return Table(_filled(cells, first), separator != ",", notes, comments)


def _uncommented(line: str, named: Collection[str]) -> str:
    """A line without what is a comment; but one may name the columns, as VIA has it."""
    if not line.lstrip().startswith("#"):
        return line
    text = _HEADER.sub("", line)
    return text if "CSV_HEADER" in line or _names_columns(text, named) else ""


def _names_columns(line: str, named: Collection[str]) -> int:
    """How many columns a line names: those of `named`, or else that of the label at least."""
    cells = re.split(r"[,;|\t]", line.replace('"', ""))
    if named:
        return len({*map(plain_name, cells)} & {*map(plain_name, named)})
    return int(len(cells) > 1 and "label" in columns_of(cells))
