"""A program that can be killed or frozen between any two things it does."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar


class Process:
    """One orchestrator. It meets the world only through `breathe`, which a dead one never leaves."""

    def __init__(self, name: str):
        self.name = name
        self.alive = True
        self._thawed = asyncio.Event()
        self._thawed.set()

    async def breathe(self) -> None:
        """Go on, unless dead; not before a frozen one is woken."""
        while self.alive and not self._thawed.is_set():
            await self._thawed.wait()
        if not self.alive:
            await asyncio.get_running_loop().create_future()

    def kill(self) -> None:
        """SIGKILL."""
        self.alive = False
        self._thawed.set()

    def freeze(self) -> None:
        """SIGSTOP."""
        self._thawed.clear()

    def thaw(self) -> None:
        """SIGCONT."""
        self._thawed.set()


RUNNING: ContextVar[Process] = ContextVar("RUNNING")
