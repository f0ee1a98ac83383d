"""JSON and gzip JSON, read with clear errors, and whatever is written, whole or not at all."""

from __future__ import annotations

import ctypes
import gzip
import hashlib
import json
import math
import os
import platform
import re
import shutil
import sys
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from util.errors import UserError

T = TypeVar("T")

MAX_BYTES = 2**30  # of a JSON file's text; ten times that in memory is the most that a usual computer has
MAX_DEPTH = 100  # lists and objects within each other; Python's own functions fail at about a thousand
MAX_NUMBER = int(sys.float_info.max)
SCRATCH = re.compile(r"\.part-(\d{1,10})-([0-9a-f]{8})-")  # process, machine
STALE = 24 * 3600  # seconds without a change after which a scratch file is nobody's
PAUSES = 0.1, 0.5, 2  # seconds between attempts at what Windows refuses for a moment
SYNCHRONIZE, WAIT_TIMEOUT = 0x100000, 258  # of Windows' processes

_HOST = hashlib.sha1(platform.node().encode()).hexdigest()[:8]


def keep_apart(option: str, written: Path, read: Path, below: bool = False) -> None:
    """Raise a UserError where what is written would lie among what is read: in the same folder, or `below` it."""
    ours, theirs = written.resolve(), read.resolve()
    if ours == theirs or (below and theirs in ours.parents):
        raise UserError(f"{option} {written}: would be written among what is read from {read}; choose another folder")


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Give the path of a scratch file beside `path`, and put it in place of `path` when the block ends.

    When the block raises, or the process is killed, what stood at `path` before stands there still. Missing
    parent folders are made. The scratch file keeps the suffix, for writers that choose the format by it.

    Raises:
        UserError: the folder cannot be written to.
    """
    path = Path(path)
    try:
        with _scratch(path) as scratch:
            scratch.touch()
            yield scratch
            with scratch.open("rb+") as written:
                os.fsync(written.fileno())  # or a power cut could leave an empty file under the new name
            rename(scratch, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror or error}); make room, or choose another "
                        "folder") from error


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give an empty scratch folder beside `folder`, and put it in its place when the block ends.

    When the block raises, what stood there before stands there still.
    """
    with _scratch(folder) as scratch, _scratch(folder.with_name(f"{folder.name}.old")) as old:
        remove(scratch)
        scratch.mkdir()
        yield scratch
        if folder.exists():
            rename(folder, old)
        try:
            rename(scratch, folder)
        except BaseException:
            if old.exists():
                rename(old, folder)
            raise


def scratch_path(path: Path) -> Path:
    """Where this process writes what is to become `path`."""
    return path.with_name(f".part-{os.getpid()}-{_HOST}-{path.name}")


@contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    """The same, while a block runs; what is then left of it goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep_once(path.parent)
    scratch = scratch_path(path)
    try:
        yield scratch
    finally:
        with suppress(OSError):  # what cannot be removed now is swept later; an error of the block says more
            remove(scratch)


def sweep(*folders: Path) -> None:
    """Remove what killed processes left of `whole_file` and `whole_folder`, which call this, in some folders.

    What belongs to a process that runs stays. Of another machine's processes, and of numbers that were given out
    again, one cannot know: there, what has not been written to for a day goes.
    """
    for folder in folders:
        for path in folder.glob(".part-*"):
            name = SCRATCH.match(path.name)
            with suppress(OSError):  # somebody else was faster, or it is not ours to remove
                killed = name and name[2] == _HOST and not is_running(int(name[1]))
                if killed or time.time() - path.stat().st_mtime > STALE:
                    remove(path)


_sweep_once = cache(sweep)  # before a process first writes into a folder


def sweep_lost(*paths: Path) -> None:
    """Remove all that was to become these files or folders, of whatever machine's process: for who alone may write
    them now, after another that may be lost."""
    lost = {path.with_name(name) for path in paths for name in (path.name, f"{path.name}.old")}
    for path in chain.from_iterable(folder.glob(".part-*") for folder in {path.parent for path in paths}):
        if (name := SCRATCH.match(path.name)) and path.with_name(path.name[name.end():]) in lost:
            with suppress(OSError):
                remove(path)


def is_running(process: int) -> bool:
    """Whether a process of this machine runs."""
    if os.name == "nt":  # where os.kill ends it
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(SYNCHRONIZE, False, process)
        running = bool(handle) and kernel.WaitForSingleObject(handle, 0) == WAIT_TIMEOUT
        kernel.CloseHandle(handle)
        return running
    try:
        os.kill(process, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)  # else somebody else's
    return True


def rename(source: Path, target: Path) -> None:
    """Rename a file or folder, in place of a file of that name."""
    retried(lambda: source.replace(target))


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, where there is one."""
    if path.is_dir() and not path.is_symlink():
        retried(lambda: shutil.rmtree(path))
    else:
        retried(lambda: path.unlink(missing_ok=True))


def retried(change: Callable[[], T]) -> T:
    """Windows refuses changes while a virus scanner or a viewer has the file open; mostly that is over soon."""
    for pause in PAUSES:
        try:
            return change()
        except PermissionError:
            time.sleep(pause)
    return change()


def read_json(path: Path | str, nan: bool = False, checked: bool = True) -> Any:
    """Read JSON; a name ending in .gz is taken as gzip.

    Args:
        nan: whether NaN and Infinity, which are no JSON, may stand in it, and are read as null.
        checked: whether `parse_json` is to look at every value, or whoever calls does so where it matters.

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
    return parse_file(path, data, nan, checked)


def parse_file(path: Path, data: bytes, nan: bool = False, checked: bool = True) -> Any:
    """Parse what a JSON file holds, with a UserError that names it."""
    try:
        return parse_json(data, nan, checked)
    except ValueError as error:
        raise UserError(f"{path}: is not valid JSON ({error}); correct it or write it again") from error


def parse_json(data: bytes | str, nan: bool = False, checked: bool = True) -> Any:
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
    if checked:
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
    if path.suffix != ".gz":
        write_text(path, json.dumps(value, indent=1) + "\n")
        return
    with whole_file(path) as scratch:
        # no time stamp in the header: the same values give the same bytes
        scratch.write_bytes(gzip.compress(json.dumps(value).encode(), compresslevel=6, mtime=0))


def write_text(path: Path, text: str) -> None:
    """Write a text file as UTF-8, whole or not at all."""
    with whole_file(path) as scratch:
        scratch.write_text(text, encoding="utf-8", newline="\n")
