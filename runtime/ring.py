"""A bell for one who waits: rung when there may be something to do."""

from __future__ import annotations

import asyncio
import contextlib


class Ring:
    """Remembers that it was rung until somebody waits."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake whoever waits, now or next."""
        self._rung.set()

    async def wait(self, timeout: float) -> None:
        """Return when it was rung, after `timeout` seconds at the latest."""
        # Not `wait_for`: before Python 3.12 it can swallow a cancellation that comes together with the ring.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        self._rung.clear()
