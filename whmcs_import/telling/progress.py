"""How far an import is: a bar on a terminal, JSON lines for a program, nothing when asked to be quiet. On stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

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
    from rich import console, progress  # costs a quarter of a second, and most runs show no bars

    class Rate(progress.ProgressColumn):
        def render(self, task: progress.Task) -> str:
            speed = task.finished_speed or task.speed
            return f"{speed:,.0f}/s" if speed else ""

    columns = (
        *(progress.TextColumn("{task.description:32}"), progress.BarColumn(), progress.MofNCompleteColumn(), Rate()),
        *(progress.TimeElapsedColumn(), progress.TextColumn("left"), progress.TimeRemainingColumn()),
    )
    return progress.Progress(*columns, console=console.Console(stderr=True), transient=True)


class _Bars:
    """One bar for each phase and thing."""

    def __init__(self, bar: Progress):
        self._bar = bar
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __call__(self, phase: str, what: str, done: int, total: int | None) -> None:
        key = phase, what
        if key not in self._tasks:
            self._tasks[key] = self._bar.add_task(f"{phase} {what}", total=total)
        self._bar.update(self._tasks[key], completed=done, total=max(done, total or 0))


class _Lines:
    """A JSON object a line, at most one a second for each thing: `rate` a second, and the seconds it will take yet."""

    def __init__(self) -> None:
        self._began: dict[tuple[str, str], float] = {}
        self._last: dict[tuple[str, str], float] = {}
        self._idle_since = time.monotonic()

    def __call__(self, phase: str, what: str, done: int, total: int | None) -> None:
        now, key = time.monotonic(), (phase, what)
        began = self._began.setdefault(key, self._idle_since)
        self._idle_since = now
        if done != total and now - self._last.get(key, 0.0) < EVERY_SECONDS:
            return
        self._last[key] = now
        rate = done / (now - began) if now > began else 0.0
        line = {
            "phase": phase,
            "what": what,
            "done": done,
            "total": total,
            "rate": round(rate),
            "seconds_left": seconds_left(done, total, rate),
        }
        print(json.dumps(line), file=sys.stderr, flush=True)


def seconds_left(done: int, total: int | None, rate: float) -> int | None:
    """How long the rest takes at this rate, or None where nobody can tell."""
    return None if total is None or rate <= 0 else round(max(total - done, 0) / rate)
