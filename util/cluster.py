"""Work shared out over the machines of a Ray cluster.

Ray finds a place for each piece, and begins again what was on a machine that is lost. It is an extra
(requirements-cluster.txt), imported where --cluster is given. All machines see the same folders under the same paths,
and this project's own among them.
"""

from __future__ import annotations

from util.script import STOP_SIGNALS

import argparse
import io
import logging
import os
import platform
import re
import signal
import socket
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from util.errors import UserError
from util.io import remove, scratch_path
from util.time_limit import NO_LIMIT, TimeLimit

Item = TypeVar("Item")

RETRIES = 3  # of what was lost with its process or machine, after which it counts as broken
WAITING = 2  # tasks given to Ray for each core
LOOK = 1.0  # seconds after which the machines are counted again
ANSWER = 10.0  # seconds within which the head must answer
PATIENCE = 10.0  # seconds for what is stopped to clear up
LOST = f"the process that worked on it died {RETRIES + 1} times; its machine may lack memory"


def add_cluster_option(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--cluster", type=_address, metavar="auto|HOST:PORT",
                        help="share the videos out over the machines of a Ray cluster: auto for the one that this "
                             "machine belongs to, else the address of its head (see docs/cluster.md)")


def _address(text: str) -> str:
    if text != "auto" and not re.fullmatch(r"[^\s/]+:\d{1,5}", text):
        raise argparse.ArgumentTypeError(f"must be auto or HOST:PORT, such as 10.0.0.1:6379, and not {text!r}")
    return text


class NotShared(UserError):
    """A path that a machine of the cluster does not see, and its name; no piece of work can be done there."""

    def __str__(self) -> str:
        return (f"{self.args[0]}: is not there on {self.args[1]}; videos, frames and models must lie on shared "
                "storage, which all machines of the cluster see under the same path")


@dataclass(frozen=True)
class Shared:
    """What every machine of the cluster must see: the current folder, from which paths count, and others."""

    folder: Path
    paths: tuple[Path, ...]

    def enter(self, *further: Path) -> None:
        """Go to the current folder of who started the run.

        Raises:
            NotShared: this or another path is missing on this machine.
        """
        for path in (self.folder, *(self.folder / path for path in (*self.paths, *further))):
            if not path.exists():
                raise NotShared(path, platform.node())
        os.chdir(self.folder)


@dataclass(frozen=True)
class Outcome:
    """What came of a piece of work, and what was printed on the way."""

    value: Any = None
    error: str = ""  # what is wrong, where it failed
    out: str = ""
    err: str = ""
    begun: bool = True  # before the time was up

    def tell(self) -> None:
        """Print again what was printed there."""
        for text, stream in ((self.out, sys.stdout), (self.err, sys.stderr)):
            if text:
                tqdm.write(text, stream, end="")


@contextmanager
def joined(address: str | None, seen: Iterable[Path] = (), written: Iterable[Path] = ()) -> Iterator[Cluster | None]:
    """Belong to a cluster while the block runs; None where no address is given.

    Args:
        seen: paths that all machines must see.
        written: folders into which they write; one with the same name on another disk does not do.

    Raises:
        UserError: Ray is not installed, or nothing answers at the address.
    """
    if address is None:
        yield None
        return
    try:
        import ray
    except ImportError as error:
        raise UserError("--cluster: Ray is not installed; pip install -r requirements-cluster.txt, on each machine of "
                        "the cluster") from error
    _connect(ray, address)
    # by a file in a folder another machine tells that it sees the same one
    marks = [scratch_path(folder / "cluster") for folder in written]
    try:
        for mark in marks:
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
        yield Cluster(ray, Shared(Path.cwd(), (*seen, *marks)))
    finally:
        ray.shutdown()
        for mark in marks:
            remove(mark)


def _connect(ray: Any, address: str) -> None:
    host, _, port = address.rpartition(":")
    here, main = Path.cwd(), threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS if main}
    try:
        if host:  # where nothing answers, Ray would wait for two minutes
            socket.create_connection((host.strip("[]"), int(port)), ANSWER).close()
        # workers import from where Ray is joined: from this project, whatever lies in the user's own folder
        os.chdir(Path(__file__).resolve().parents[1])
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, OverflowError, ValueError, RuntimeError, SystemExit) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise UserError(f"--cluster {address}: no Ray cluster answers there ({reason}); start one with ray start "
                        "--head, join this machine to it, or give another address (docs/cluster.md)") from error
    finally:
        os.chdir(here)
        for number, handler in handlers.items():  # Ray sets its own
            signal.signal(number, handler)


class Cluster:
    """The machines that are there at the moment; others may come and go."""

    def __init__(self, ray: Any, shared: Shared) -> None:
        self._ray, self._shared = ray, shared

    def room(self, cores: int, gpus: int = 0) -> int:
        """How many processes with so many cores and GPUs each the machines have room for."""
        return int(sum(min(machine.get(kind, 0) // number for kind, number in (("CPU", cores), ("GPU", gpus)) if number)
                       for machine in self.machines()))

    def machines(self) -> list[dict[str, float]]:
        """What each machine has: "CPU", cores, and "GPU"."""
        return [node["Resources"] for node in self._ray.nodes() if node["Alive"]]

    def each(
        self, work: Callable[[Item], Any], items: Iterable[Item], path: Callable[[Item], Path], most: int | None,
        limit: TimeLimit,
    ) -> Iterator[tuple[Item, Outcome]]:
        """Do a piece of work on each item, a task of one core, and give what is done as it is.

        Args:
            work: a function of a module, or what is made of such.
            path: of the file that an item is about.
            most: tasks at once; None for as many as there is room for.
        """
        task = self._ray.remote(num_cpus=1, max_retries=RETRIES, scheduling_strategy="SPREAD")(_do)
        queue, running = deque(items), {}
        try:
            while running or (queue and not limit.over):
                # more than there is room for: given just as many, Ray leaves some cores idle
                room = most or WAITING * self.room(1)
                while queue and len(running) < room and not limit.over:
                    item = queue.popleft()
                    running[task.remote(self._shared, work, item, path(item), limit)] = item
                for ref in self._done(running):
                    item = running.pop(ref)
                    outcome = self._outcome(ref) or Outcome(error=f"{path(item)}: {LOST}")
                    if outcome.begun:
                        yield item, outcome
        finally:
            self._stop(running)

    def map(self, work: Callable[..., Any], paths: list[Path], *further: list[Any]) -> Iterator[Any]:
        """What Python's `map` gives, by tasks; the first of what each is given is the path of a file.

        Raises:
            UserError: one of them failed.
        """
        items, outcomes = list(enumerate(zip(paths, *further, strict=True))), {}
        for (number, _), outcome in self.each(lambda item: work(*item[1]), items, lambda item: item[1][0], None,
                                              NO_LIMIT):
            if outcome.error:
                raise UserError(outcome.error)
            outcomes[number] = outcome.value
        return (outcomes[number] for number, _ in items)

    def each_loaded(
        self, load: Callable[[], Callable[[Item], Any]], items: Iterable[Item], path: Callable[[Item], Path],
        cores: int, gpus: int, limit: TimeLimit,
    ) -> Iterator[tuple[Item, Outcome]]:
        """As `each`, by actors that load once what the work needs: as many as there is room for.

        Args:
            load: gives the function that does the work; called once in each actor.
        """
        actors = self._ray.remote(num_cpus=cores, num_gpus=gpus)(_Actor)
        queue, loading, working = deque(items), {}, {}
        died: Counter[Path | None] = Counter()  # processes, by what they worked on; None: loading
        while working or (queue and not limit.over):
            most = min(self.room(cores, gpus), len(queue) + len(working)) if not limit.over else 0
            for _ in range(len(loading) + len(working), most):
                actor = actors.remote()
                loading[actor.load.remote(self._shared, load)] = actor
            for ref in self._done([*loading, *working]):
                actor, item = (loading.pop(ref), None) if ref in loading else working.pop(ref)
                outcome, about = self._outcome(ref), None if item is None else path(item)
                died[about] = 0 if outcome else died[about] + 1
                if not outcome and died[about] <= RETRIES:
                    queue.extendleft([] if item is None else [item])
                    continue
                if item is not None:
                    yield item, outcome or Outcome(error=f"{about}: {LOST}")
                elif not outcome or outcome.error:
                    raise UserError(f"--cluster: no model can be loaded there ({outcome.error if outcome else LOST})")
                if outcome and queue and not limit.over:
                    item = queue.popleft()
                    working[actor.do.remote(item, path(item))] = actor, item

    def _done(self, refs: Iterable[Any]) -> list[Any]:
        """Those that have come to an end; none after a while, as where no machine has room at the moment."""
        if refs := list(refs):
            return self._ray.wait(refs, num_returns=1, timeout=LOOK)[0]
        time.sleep(LOOK)
        return []

    def _outcome(self, ref: Any) -> Outcome | None:
        """What came of a task; None where its process or machine died.

        Raises:
            UserError: no work can be done on some machine.
        """
        errors = self._ray.exceptions
        try:
            return self._ray.get(ref)
        except errors.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, NotShared) and not cause.args[0].exists():  # on this machine neither
                return Outcome(error=f"{cause.args[0]}: no such file")
            if isinstance(cause, UserError):
                raise cause from None
            _check_import(error)
            return Outcome(error=f"{type(cause).__name__}: {cause}".partition("\n")[0], err=f"{error}\n")
        except errors.RayError as error:  # its process died, or its machine
            _check_import(error)
            return None

    def _stop(self, running: dict[Any, Any]) -> None:
        """Let tasks leave nothing half-done, where the run ends before them."""
        for ref in running:
            self._ray.cancel(ref)
        if running:
            self._ray.wait([*running], num_returns=len(running), timeout=PATIENCE)


def _check_import(error: Exception) -> None:
    """Raise a UserError where a machine could not load the project's code, or what that needs."""
    if missing := re.search(r"No module named '([\w.]+)'", str(error)):
        raise UserError(f"--cluster: a machine of it has no module {missing[1]!r}; "
                        f"{Path(__file__).resolve().parents[1]} must lie there too, and requirements-cluster.txt be "
                        "installed") from None


def _do(shared: Shared, work: Callable[[Item], Any], item: Item, path: Path, limit: TimeLimit) -> Outcome:
    """A piece of work, on some machine."""
    if limit.over:
        return Outcome(begun=False)
    shared.enter(path)
    if threading.current_thread() is threading.main_thread():
        # how Ray ends what is cancelled; of a machine that joined in the background of a shell it is ignored
        signal.signal(signal.SIGINT, signal.default_int_handler)
    out, err, value, message = io.StringIO(), io.StringIO(), None, ""
    with redirect_stdout(out), redirect_stderr(err):
        try:
            value = work(item)
        except UserError as error:
            message = " ".join(str(error).split())
    return Outcome(value, message, out.getvalue(), err.getvalue())


class _Actor:
    """A process on some machine, with what takes long to load."""

    def load(self, shared: Shared, load: Callable[[], Callable]) -> Outcome:
        shared.enter()
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):  # the same in each process
            self._shared, self._work = shared, load()
        return Outcome()

    def do(self, item: Item, path: Path) -> Outcome:
        return _do(self._shared, self._work, item, path, NO_LIMIT)
