"""pvedaemon's workers: each executes one protected call at a time and is blocked meanwhile.

Facts from pve-manager Service/pvedaemon.pm (three workers) and pve-http-server AnyEvent.pm: a request that finds
all of them busy waits its turn, and is executed even if the client has long been answered 596.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from testbed.proxmox.errors import ApiError
from testbed.proxmox.knobs import Knobs

#: How soon the number of workers, turned by hand, is noticed by those who wait.
LOOK_AGAIN_SECONDS = 0.05


class Daemon:
    """Hands out as many workers as the knob `pvedaemon_workers` says, in the order of asking.

    While it is `frozen` (stopped by a signal) it hands out none, and who asks waits.
    """

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self._queue: deque[object] = deque()
        self._busy: set[asyncio.Task[object] | None] = set()
        self._killed: set[asyncio.Task[object] | None] = set()
        self._freed = asyncio.Event()
        self.frozen = False

    def kill_workers(self) -> int:
        """End the calls under way where they are, as SIGKILL does; how many there were. Tasks survive."""
        self._killed |= self._busy
        for task in self._busy:
            if task:
                task.cancel()
        return len(self._busy)

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """Have a worker for a while; raises `ApiError` 596 if it is killed meanwhile."""
        await self._turn()
        task = asyncio.current_task()
        self._busy.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if task is None or task not in self._killed:
                raise
            task.uncancel()
            raise ApiError(596, "Broken pipe") from None
        finally:
            self._busy.discard(task)
            self._killed.discard(task)
            self._freed.set()

    @property
    def _full(self) -> bool:
        return self.frozen or len(self._busy) >= self._knobs.pvedaemon_workers

    async def _turn(self) -> None:
        ticket = object()
        self._queue.append(ticket)
        try:
            while self._queue[0] is not ticket or self._full:
                self._freed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._freed.wait(), LOOK_AGAIN_SECONDS)
        finally:
            self._queue.remove(ticket)
            self._freed.set()
