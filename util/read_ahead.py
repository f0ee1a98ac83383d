"""Make what comes next while what came last is worked on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import TypeVar

T = TypeVar("T")


def read_ahead(items: Iterator[T], most: int, endless: bool = False) -> Iterator[T]:
    """The items of a generator, which a thread of its own goes through, at most `most` ahead.

    What the generator raises is raised where its item would have come. When this is closed, so is the generator: by
    then, or, where it may wait for its next item for ever (`endless`), as soon as that has come.
    """
    ready: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()
    room, stop = threading.Semaphore(most), threading.Event()

    def work() -> None:
        end: BaseException = StopIteration()
        try:
            with closing(items):
                for item in items:
                    room.acquire()
                    if stop.is_set():
                        return
                    ready.put((item, None))
        except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to who asked for the item
            end = error
        ready.put((None, end))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while (got := ready.get())[1] is None:
            room.release()
            yield got[0]
        if not isinstance(got[1], StopIteration):
            raise got[1]
    finally:
        stop.set()
        room.release()  # for a thread that waits for it
        if not endless:
            thread.join()
