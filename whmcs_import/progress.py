"""How far an import is: a bar on a terminal, JSON lines for a program, nothing when asked to be quiet. On stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

Report = Callable[[str, str, int, int | None], None]  # phase, what, done, of how many
EVERY_SECONDS = 1.0


@contextmanager
def shown(*, quiet: bool) -> Iterator[Report]:
    """Report progress in the way that fits where stderr goes."""
    if quiet:
        yield lambda phase, what, done, total: None
    elif sys.stderr.isatty():
        with _bar() as bar:
            yield _Bars(bar)
    else:
        yield _Lines()


def _bar() -> Progress:
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


class _Bars:
    """One bar for each phase and thing."""

    def __init__(self, bar: Progress):
        self._bar = bar
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __call__(self, phase: str, what: str, done: int, total: int | None) -> None:
        key = phase, what
        if key not in self._tasks:
            self._tasks[key] = self._bar.add_task(f"{phase} {what}", total=total)
        self._bar.update(self._tasks[key], completed=done, total=total or done)


class _Lines:
    """A JSON object a line, at most one a second for each thing."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], float] = {}

    def __call__(self, phase: str, what: str, done: int, total: int | None) -> None:
        now = time.monotonic()
        if done != total and now - self._last.get((phase, what), 0.0) < EVERY_SECONDS:
            return
        self._last[phase, what] = now
        line = {"phase": phase, "what": what, "done": done, "total": total}
        print(json.dumps(line), file=sys.stderr, flush=True)
