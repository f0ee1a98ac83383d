"""How a script ends: errors that a user can correct are one line on stderr, and so is being stopped.

Scripts import this module first (pyproject.toml sees to the order): from then on Ctrl-C ends them in one line, in the
seconds that loading PyTorch takes as well.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from util import processes
from util.errors import UserError

# Ctrl-C, an order to end, a closed terminal, Ctrl-Break and a closed console; not every system has them all
STOP_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]


class _Stopped(KeyboardInterrupt):
    """A signal asks the script to end."""

    number = signal.SIGINT  # the last one; a library may make a plain KeyboardInterrupt of this on its way


def run_script(main: Callable[[], int | None], shared: bool = False) -> NoReturn:
    """Run a script's main function and exit: with 0 or what it returns, 2 on bad input, 128 and the number of the
    signal when stopped (Ctrl-C: 130, SIGTERM: 143). A second signal ends the process at once.

    Args:
        shared: whether several processes that torchrun starts share the work; if not, the first one does it alone.
    """
    if not shared:
        processes.first_alone()
    if processes.rank():
        processes.quietly(lambda: _run_script(main))
    _run_script(main)


def _run_script(main: Callable[[], int | None]) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # an old console cannot print every video's name
            stream.reconfigure(errors="backslashreplace")
    before, _Stopped.number = _on_stop_signals(_stop), signal.SIGINT
    try:
        sys.exit(main())
    except UserError as error:
        message = str(error)
    except BrokenPipeError:  # whoever read the output, as `head` does, has seen enough
        os._exit(0)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(128 + _Stopped.number)
    except OSError as error:
        if error.filename is None and error.errno is None:  # not the file system's
            raise
        message = f"{error.filename or 'file system'}: {error.strerror or error}"
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(2)


@contextmanager
def worker_processes(number: int, *begin: Any) -> Iterator[ProcessPoolExecutor]:
    """Processes that work for this one while the block runs; when it is left early, they are ended at once.

    Args:
        begin: a function that each calls first, which calls `start_worker`, and its arguments; none: `start_worker`.

    Raises:
        UserError: one of them died.
    """
    first, *given = begin or (start_worker,)
    with ProcessPoolExecutor(number, multiprocessing.get_context("spawn"), first, given) as pool:
        try:
            yield pool
        except BaseException as error:
            hook, threading.excepthook = threading.excepthook, lambda _: None
            for process in multiprocessing.active_children():
                process.terminate()
            pool.shutdown()  # its thread fails on work that was cancelled, and would print that
            threading.excepthook = hook
            if isinstance(error, BrokenProcessPool):
                raise UserError("a worker process died; free memory, or let fewer of them work") from error
            raise


def start_worker() -> None:
    """What a worker process begins with: Ctrl-C is for the main process, which ends its workers; they end with it."""
    def end_with_parent() -> None:  # a worker whose main process was killed would wait for work for ever
        multiprocessing.parent_process().join()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()


def _on_stop_signals(handler: Callable) -> dict[int, object]:
    """Handle the signals so, but for those that are ignored, as nohup does; gives the handlers before."""
    if threading.current_thread() is not threading.main_thread():  # where Python sets no handlers
        return {}
    heard = [number for number in STOP_SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    return {number: signal.signal(number, handler) for number in heard}


def _stop(number: int, _frame: object) -> NoReturn:
    _on_stop_signals(_stop_at_once)
    _Stopped.number = number
    raise _Stopped


def _stop_at_once(number: int, _frame: object) -> NoReturn:
    """Without a way through the code that runs, which may be a library's import that takes errors for its own."""
    print("stopped", file=sys.stderr, flush=True)
    os._exit(128 + number)


_script, _root = Path(sys.argv[0] if sys.argv else ""), Path(__file__).resolve().parents[1]
if _script.suffix == ".py" and _script.resolve().parent in (_root, _root / "bench"):  # no notebook and no test
    if multiprocessing.current_process().name != "MainProcess":  # a worker that loads what the script does
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    else:
        _on_stop_signals(_stop_at_once)
