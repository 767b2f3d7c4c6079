"""pvedaemon's workers: each executes one protected call at a time and is blocked meanwhile.

Facts from pve-manager Service/pvedaemon.pm (three workers) and pve-http-server AnyEvent.pm: a request that finds
all of them busy waits its turn, and is executed even if the client has long been answered 596.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from testbed.proxmox.knobs import Knobs

#: How soon the number of workers, turned by hand, is noticed by those who wait.
LOOK_AGAIN_SECONDS = 0.05


class Daemon:
    """Hands out as many workers as the knob `pvedaemon_workers` says, in the order of asking."""

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self._queue: deque[object] = deque()
        self._busy = 0
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """Have a worker for a while."""
        await self._turn()
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            self._freed.set()

    async def _turn(self) -> None:
        ticket = object()
        self._queue.append(ticket)
        try:
            while self._queue[0] is not ticket or self._busy >= self._knobs.pvedaemon_workers:
                self._freed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._freed.wait(), LOOK_AGAIN_SECONDS)
        finally:
            self._queue.remove(ticket)
            self._freed.set()
