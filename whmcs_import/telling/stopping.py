"""SIGTERM ends an import as Ctrl-C does, wherever it comes: what is written stays, the rest is for the next run."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType
from typing import Any, NoReturn, TypeVar

Found = TypeVar("Found")


def heed() -> None:
    """From now on SIGTERM raises KeyboardInterrupt."""
    signal.signal(signal.SIGTERM, _interrupt)


def awaited(work: Coroutine[Any, Any, Found]) -> Found:
    """What it comes to; SIGTERM ends it at once where it computes, and for certain where it waits.

    Raises:
        KeyboardInterrupt: it was told to stop.
    """

    found: list[Found] = []

    async def stoppable() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop(number: int, frame: FrameType | None) -> NoReturn:
            # What is raised while a library written in C calls back gets lost; this does not.
            loop.call_soon_threadsafe(task.cancel)
            _interrupt(number, frame)

        signal.signal(signal.SIGTERM, stop)
        try:
            # Not as the result of the task: asyncio shows that as text when it puts Ctrl-C back, a whole plan as text.
            found.append(await work)
        finally:
            heed()

    try:
        asyncio.run(stoppable())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    return found[0]


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
