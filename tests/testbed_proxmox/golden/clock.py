"""A loop whose clock stands still while anything happens and leaps to the next timer when nothing does.

Recorded waits of seconds (locks, failed logins, slow copies) so take no time, and keep their order under any load.
It works because both ends of every connection live in this loop: when no socket is readable, nobody is at work.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
#: The loop's own time begins here, so that it keeps its precision; seconds.
FIRST_MOMENT = 1000.0
#: How long to look at the real world before a leap, and while threads are at work; seconds.
GLANCE, THREAD_GLANCE = 0.0005, 0.02


class Clock:
    """Unix time in seconds, moved by leaps only."""

    def __init__(self, start: float) -> None:
        self._start = start
        self.elapsed = FIRST_MOMENT

    @property
    def now(self) -> float:
        return self._start + self.elapsed - FIRST_MOMENT


class _Selector(selectors.DefaultSelector):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            return super().select(None)
        ready = super().select(THREAD_GLANCE if self.threads else GLANCE)
        if not ready and not self.threads:
            self._clock.elapsed += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._watching = _Selector(clock)
        super().__init__(self._watching)

    def time(self) -> float:
        return self._clock.elapsed

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> "asyncio.Future[Any]":
        self._watching.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._returned)
        return future

    def _returned(self, _future: "asyncio.Future[Any]") -> None:
        self._watching.threads -= 1


@contextmanager
def _told(clock: Clock) -> Iterator[None]:
    kept = time.time, time.monotonic, time.time_ns
    time.time, time.monotonic = lambda: clock.now, lambda: clock.elapsed
    time.time_ns = lambda: int(clock.now * 10**9)
    try:
        yield
    finally:
        time.time, time.monotonic, time.time_ns = kept


def run(start: float, main: Callable[[Clock], Coroutine[Any, Any, T]]) -> T:
    """Run `main` in a loop of its own, from Unix time `start` on."""
    clock = Clock(start)
    with _told(clock), asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
        return runner.run(main(clock))
