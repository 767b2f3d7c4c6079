"""Work in processes beside this one, so that a long import keeps every core busy.

A member of the crew has its own connection to the staged rows, and makes one object to work with. It is forked while
this process is small, and lives until its pipe closes: whatever kills this process ends its crew too.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from whmcs_import.source.staging import Copy, Staging, private_folder

MOST = 4
FEW = 100_000, 20, 100  # what is made between two collections of each generation
Make: TypeAlias = Callable[..., Any]  # of a copy and plain arguments; importable by its name


class CrewLost(Exception):
    """A member of the crew is gone; what it was to do is not done."""


class Crew(Protocol):
    """Whoever does the work: processes, or the caller itself."""

    def begin(self, make: Make, *arguments: Any) -> None:
        """Work with what `make(copy, *arguments)` returns from now on."""
        ...

    def each(self, method: str, tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """What a method of that answers to each task, in the order of the tasks.

        Raises:
            CrewLost: somebody died over it.
        """
        ...


class Alone:
    """No crew: the work is done here, when it is asked for."""

    def __init__(self, staging: Staging):
        self._staging = staging
        self._working: Any = None

    def begin(self, make: Make, *arguments: Any) -> None:
        self._working = make(self._staging, *arguments)

    def each(self, method: str, tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        return (getattr(self._working, method)(*task) for task in tasks)


class Members:
    """Processes; every one of them has one task at a time."""

    def __init__(self, pipes: list[Connection]):
        self._pipes = pipes

    def begin(self, make: Make, *arguments: Any) -> None:
        for pipe in self._pipes:
            pipe.send((make, arguments))

    def each(self, method: str, tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        busy: deque[Connection] = deque()
        free = deque(self._pipes)
        for task in tasks:
            if not free:
                yield self._next(busy, free)
            free[0].send((method, task))
            busy.append(free.popleft())
        while busy:
            yield self._next(busy, free)

    @staticmethod
    def _next(busy: deque[Connection], free: deque[Connection]) -> Any:
        """The answer to the oldest task that is not answered yet."""
        try:
            answer = busy[0].recv()
        except EOFError:
            raise CrewLost("a process of the import ended early: is there memory enough? Run again") from None
        free.append(busy.popleft())
        return answer


@contextmanager
def hired(count: int | None = None) -> Iterator[tuple[Staging, Crew]]:
    """A private copy, and a crew that reads it: one member for each core, or as many as asked for."""
    cores = min(len(os.sched_getaffinity(0)), MOST) if count is None else count
    with ExitStack() as stack:
        stack.enter_context(_few_collections())
        with private_folder() as folder:
            pipes = stack.enter_context(_members(folder, cores)) if cores > 1 else []
            staging = stack.enter_context(closing(Staging(folder)))
        yield staging, Members(pipes) if pipes else Alone(staging)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Millions of values come and stay, none of them in circles: to look for such every 700 takes long."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*FEW)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()


@contextmanager
def _members(folder: Path, count: int) -> Iterator[list[Connection]]:
    """The pipes to that many processes that have the copy in `folder` open."""
    fork = multiprocessing.get_context("fork")
    ours: list[Connection] = []
    processes = []
    for _ in range(count):
        here, there = fork.Pipe()
        ours.append(here)
        processes.append(fork.Process(target=_serve, args=(there, folder, list(ours)), daemon=True))
        processes[-1].start()
        there.close()
    try:
        for pipe in ours:
            pipe.recv()
        yield ours
    finally:
        for pipe in ours:
            pipe.close()
        for process in processes:
            process.terminate()
            process.join()


def _serve(pipe: Connection, folder: Path, others: list[Connection]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in others:  # who keeps them open would never see its own end
        other.close()
    copy = Copy(folder)
    working: Any = None
    with suppress(EOFError, OSError):  # nobody is there any more
        pipe.send(None)
        while True:
            what, arguments = pipe.recv()
            if callable(what):
                working = what(copy, *arguments)
            else:
                pipe.send(getattr(working, what)(*arguments))
