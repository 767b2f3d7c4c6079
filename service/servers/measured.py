"""What was measured of servers, kept for some seconds: a page that is looked at by many asks the hypervisor once."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from uuid import UUID

from hypervisor.port import Sample, Timeframe

SECONDS = 10.0
SIZE = 1_000
Key = tuple[UUID, Timeframe]


class Measured:
    """Series by server and timeframe."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, tuple[list[Sample], float]] = OrderedDict()
        self._asked: dict[Key, asyncio.Task[list[Sample]]] = {}

    async def series(self, key: Key, ask: Callable[[], Awaitable[list[Sample]]]) -> list[Sample]:
        """The series kept under a key, else the answer; who comes meanwhile waits for the same one."""
        kept, until = self._kept.get(key, ([], 0.0))
        if time.monotonic() < until:
            return kept
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._ask(key, ask))
        return await asyncio.shield(self._asked[key])

    async def _ask(self, key: Key, ask: Callable[[], Awaitable[list[Sample]]]) -> list[Sample]:
        try:
            found = await ask()
        finally:
            del self._asked[key]
        self._kept[key] = found, time.monotonic() + SECONDS
        self._kept.move_to_end(key)
        if len(self._kept) > SIZE:
            self._kept.popitem(last=False)
        return found
