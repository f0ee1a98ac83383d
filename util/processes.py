"""Which of the processes this is that torchrun has started, on one machine or several, and what it may say."""

from __future__ import annotations

import io
import os
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NoReturn

KEYS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")  # what torchrun sets for each
PATIENCE = 2.0  # seconds in which torchrun ends all others, once one has failed


def rank() -> int:
    """This process's number. The first one, 0, alone writes, prints and draws."""
    return int(os.environ.get("RANK", "0"))


def number() -> int:
    """How many there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def local_rank() -> int:
    """This process's number among those of its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def local_number() -> int:
    """How many there are on its machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def first_alone() -> None:
    """End here, unless this is the first; that one goes on as if it had been started by itself."""
    if rank():
        sys.exit(0)
    if number() > 1:
        print(f"{Path(sys.argv[0]).name} works in one process; the others that torchrun started have ended",
              file=sys.stderr)
    for key in KEYS:
        os.environ.pop(key, None)


def quietly(run: Callable[[], NoReturn]) -> NoReturn:
    """Run what ends by SystemExit, and say only why it failed: all else the first process says as well.

    So it may say that too, of what all stumble over: this one waits, and torchrun ends it meanwhile.
    """
    code: object = 1
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as said:
        try:
            run()
        except SystemExit as end:
            code = end.code or 0
        except BaseException:  # noqa: BLE001 - whatever it is, it is shown and ends the process
            traceback.print_exc()
    if code and code < 128:  # and not stopped by a signal
        time.sleep(PATIENCE)
        message = said.getvalue().rstrip()
        message = message.splitlines()[-1] if code == 2 else message  # the error, without warnings and usage
        print(f"process {rank()} of {number()}: {message}", file=sys.stderr, flush=True)
    sys.exit(code)
