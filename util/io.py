"""JSON and gzip JSON, read with clear errors and written whole or not at all."""

from __future__ import annotations

import gzip
import json
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from util.errors import UserError


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


def read_json(path: Path | str) -> Any:
    """Read JSON; a name ending in .gz is taken as gzip.

    Raises:
        UserError: there is no such file, or it is not JSON.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not JSON (not UTF-8 text); write it anew") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise UserError(f"{path}: is not valid JSON ({place}); correct it or write it anew") from error
    except ValueError as error:  # a number of more digits than Python reads
        raise UserError(f"{path}: is not valid JSON ({error}); correct it or write it anew") from error


def write_json(path: Path | str, value: Any) -> None:
    """Write JSON, whole or not at all: compressed if the name ends in .gz, else indented for reading."""
    path = Path(path)
    with whole_file(path) as scratch:
        if path.suffix == ".gz":
            # no time stamp in the header: the same values give the same bytes
            scratch.write_bytes(gzip.compress(json.dumps(value).encode(), compresslevel=6, mtime=0))
        else:
            scratch.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8", newline="\n")
