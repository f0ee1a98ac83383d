"""A lock on a folder, so that two programs do not write into it at once.

The operating system holds the lock (flock; on Windows the lock of a byte) and takes it back when the process ends,
however it ends. On a shared disk it holds between machines, where the disk's server knows locks, as NFS and SMB do.
"""

from __future__ import annotations

import errno
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from util.errors import UserError
from util.io import retried

if os.name == "nt":
    import msvcrt
else:
    import fcntl

LOCK_NAME = ".lock"  # the file that is locked; it lies in the folder while somebody holds or waits for the lock
LOCKED_BYTE = 1 << 30  # on Windows nobody else can read a locked byte: one far past the text in the file
HELD = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK, errno.ESTALE, errno.ENOENT}  # or gone just now
NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
PAUSE = 0.02  # seconds between two attempts


@contextmanager
def exclusive(folder: Path | str, what: str, wait: float = 0.0, name: str = LOCK_NAME) -> Iterator[None]:
    """Hold the lock of a folder, or of something in it, while the block runs; the folder is made where it is missing.

    Who holds it already is refused like anybody else. On a disk without locks the block runs all the same, after a
    warning on standard error.

    Args:
        what: what is done in the block, for those who have to wait: "a training".
        wait: seconds to wait until somebody else is done.
        name: of the file that is locked: another one for each thing in the folder that has a lock of its own.

    Raises:
        UserError: somebody else holds the lock, or the folder cannot be written to.
    """
    path = Path(folder) / name
    missing, holder, deadline = not path.parent.exists(), "", time.monotonic() + wait
    try:
        while (file := _attempt(path)) is None:
            if time.monotonic() >= deadline:
                with suppress(OSError):
                    holder = path.read_text(encoding="utf-8", errors="replace").strip()
                if not path.parent.exists():  # nor can it be made
                    raise UserError(f"{folder}: cannot be made; choose another folder")
                raise UserError(f"{folder}: is in use by {holder or 'another program'}; let it end, end it, or choose "
                                "another folder")
            time.sleep(PAUSE)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror or error}); choose another folder") from error
    try:
        os.write(file, f"{what} (process {os.getpid()} on {platform.node()})".encode(errors="replace"))
        yield
    finally:
        _release(file, path)
        with suppress(OSError):  # it holds what the block wrote
            if missing:
                path.parent.rmdir()


def _attempt(path: Path) -> int | None:
    """The descriptor of the locked and emptied file; None where somebody else has it locked."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = retried(lambda: os.open(path, os.O_RDWR | os.O_CREAT, 0o666))
    except (FileNotFoundError, FileExistsError):
        if os.path.lexists(path.parent) and not path.parent.is_dir():
            raise
        return None  # the folder is being removed by who held the lock before
    ours = False
    try:
        _lock(file)
        # whoever held the lock may have removed the file in between: that was a lock on nothing
        ours = os.name == "nt" or os.path.samestat(os.fstat(file), path.stat())
        if ours:
            os.ftruncate(file, 0)
    except OSError as error:
        if ours := error.errno in NO_LOCKS:
            print(f"warning: {path.parent}: this disk has no locks ({error.strerror}); let no two programs write there "
                  "at once", file=sys.stderr)
        elif error.errno not in HELD:
            raise
    finally:
        if not ours:
            os.close(file)
    return file if ours else None


def _lock(file: int) -> None:
    """Raises OSError where it is locked already."""
    if os.name == "nt":
        os.lseek(file, LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _release(file: int, path: Path) -> None:
    """Unlock and remove the file. On Windows nobody can remove it while somebody has it open; elsewhere it goes while
    it is still locked, and who waits for it sees that it is gone."""
    if os.name == "nt":
        os.close(file)
    with suppress(OSError):
        path.unlink()
    if os.name != "nt":
        os.close(file)

