"""JSON and gzip JSON, read with clear errors and written whole or not at all."""

from __future__ import annotations

import gzip
import json
import math
import os
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from util.errors import UserError

MAX_BYTES = 2**30  # of a JSON file's text; ten times that in memory is the most that a usual computer has
MAX_DEPTH = 100  # lists and objects within each other; Python's own functions fail at about a thousand
MAX_NUMBER = int(sys.float_info.max)


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Give the path of a scratch file beside `path`, and put it in place of `path` when the block ends.

    When the block raises, or the process is killed, what stood at `path` before stands there still. Missing
    parent folders are made. The scratch file keeps the suffix, for writers that choose the format by it.

    Raises:
        UserError: the folder cannot be written to.
    """
    path = Path(path)
    scratch = path.with_name(f".part-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.touch()
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error
    try:
        yield scratch
        with scratch.open("rb+") as written:
            os.fsync(written.fileno())  # or a power cut could leave an empty file under the new name
        rename(scratch, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        scratch.unlink(missing_ok=True)


def rename(source: Path, target: Path) -> None:
    """Rename a file or folder, in place of a file of that name.

    Windows refuses while a virus scanner or a viewer has it open; mostly that is over soon.
    """
    for pause in (0.1, 0.5, 2):  # seconds
        try:
            source.replace(target)
            return
        except PermissionError:
            time.sleep(pause)
    source.replace(target)


def read_json(path: Path | str, nan: bool = False) -> Any:
    """Read JSON; a name ending in .gz is taken as gzip.

    Args:
        nan: whether NaN and Infinity, which are no JSON, may stand in it, and are read as null.

    Raises:
        UserError: there is no such file, or it is not JSON, or holds what no file of ours holds: see `parse_json`.
    """
    path = Path(path)
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if len(data) > MAX_BYTES:
        raise UserError(f"{path}: holds more than {MAX_BYTES >> 20} MiB of text; is it the right file?")
    try:
        return parse_json(data, nan)
    except ValueError as error:
        raise UserError(f"{path}: is not valid JSON ({error}); correct it or write it again") from error


def parse_json(data: bytes | str, nan: bool = False) -> Any:
    """Parse JSON of which any part can be written again, as JSON and as UTF-8, and sent to a browser.

    Raises:
        ValueError: it is not JSON, or is nested more than MAX_DEPTH deep, or holds a number that no float is as large
            as, NaN or Infinity (unless `nan`, where they become null), NUL, or half a surrogate pair; in one line.
    """
    try:
        value = json.loads(data, parse_constant=(lambda _: None) if nan else None)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8 text") from error
    except RecursionError as error:
        raise ValueError(f"nested more than {MAX_DEPTH} deep") from error
    except ValueError as error:  # an integer of more digits than Python reads
        raise ValueError("a number in it is too large") from error
    _check_values(value)
    return value


def _check_values(value: Any) -> None:
    level = [value]  # all that stands at one depth
    for _ in range(MAX_DEPTH):
        by_type: dict[type, list] = defaultdict(list)
        for item in level:
            by_type[type(item)].append(item)
        dicts = by_type[dict]
        if not all(map(math.isfinite, by_type[float])) or any(abs(number) > MAX_NUMBER for number in by_type[int]):
            raise ValueError("a number in it is NaN, Infinity or too large")
        text = "".join({*by_type[str], *chain.from_iterable(dicts)})
        if "\0" in text:
            raise ValueError("a text in it has a NUL character")
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise ValueError("a text in it has half a surrogate pair, which is no character")
        level = [*chain.from_iterable(by_type[list]), *chain.from_iterable(row.values() for row in dicts)]
        if not level:
            return
    raise ValueError(f"nested more than {MAX_DEPTH} deep")


def write_json(path: Path | str, value: Any) -> None:
    """Write JSON, whole or not at all: compressed if the name ends in .gz, else indented for reading."""
    path = Path(path)
    with whole_file(path) as scratch:
        if path.suffix == ".gz":
            # no time stamp in the header: the same values give the same bytes
            scratch.write_bytes(gzip.compress(json.dumps(value).encode(), compresslevel=6, mtime=0))
        else:
            scratch.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8", newline="\n")
