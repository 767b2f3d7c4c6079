"""A loop whose time passes only while everybody waits: hours take milliseconds, and a run is the same every time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = 1_790_000_000
BEGINNING = datetime.fromtimestamp(EPOCH, UTC)


class Deadlock(Exception):
    """Everybody waits for something that nobody will do."""


class _NoSelector(selectors.BaseSelector):
    """Nothing outside can happen: waiting is letting time pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock("everybody waits for something that nobody will do")
        self.now += max(timeout, 0.0)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        raise NotImplementedError("no sockets here")

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        raise NotImplementedError("no sockets here")

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return {}


class Clock(asyncio.SelectorEventLoop):
    """An event loop with a time of its own, without a socket."""

    def __init__(self) -> None:
        self._nothing = _NoSelector()
        super().__init__(self._nothing)
        self.complaints: list[str] = []
        self.set_exception_handler(self._complain)

    def time(self) -> float:
        """Seconds since the beginning."""
        return self._nothing.now

    def moment(self) -> datetime:
        """The same as a time of day."""
        return BEGINNING + timedelta(seconds=self.time())

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if "destroyed" not in context["message"]:  # what a killed program had in hand
            self.complaints.append(f"{context['message']}: {context.get('exception')!r}")

    def _make_self_pipe(self) -> None:
        pass

    def _close_self_pipe(self) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def finish(self) -> None:
        """End whatever still waits, and close."""
        for _ in range(20):
            tasks = asyncio.all_tasks(self)
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            self.run_until_complete(asyncio.wait(tasks, timeout=0.001))
        self.close()
