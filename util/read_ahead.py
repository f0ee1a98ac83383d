"""Make what comes next while what came last is worked on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 0.1  # seconds after which a thread that waits for room looks whether it is to stop


def read_ahead(items: Iterator[T], most: int, endless: bool = False) -> Iterator[T]:
    """The items of a generator, which a thread of its own goes through, at most `most` ahead.

    What the generator raises is raised where its item would have come. When this is closed, so is the generator: by
    then, or, where it may wait for its next item for ever (`endless`), as soon as that has come.
    """
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(most)
    stop = threading.Event()

    def put(item: T | None, error: BaseException | None = None) -> bool:
        while not stop.is_set():
            try:
                ready.put((item, error), timeout=PATIENCE)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            with closing(items):
                for item in items:
                    if not put(item):
                        return
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to who asked for the item
            put(None, error)
        else:
            put(None, StopIteration())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item
    finally:
        stop.set()
        if not endless:
            thread.join()
