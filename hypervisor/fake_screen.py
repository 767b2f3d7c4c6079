"""The screen of a guest in memory: a server that greets, and then says again what it is told."""

from __future__ import annotations

import asyncio
import struct

WIDTH, HEIGHT = 640, 400
PIXELS = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)


class FakeScreen:
    """A session that begins with the viewer's ClientInit; tests may `hang_up` as a guest does that is switched off."""

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self._said: asyncio.Queue[bytes] = asyncio.Queue()
        self._greeted = False
        self.closed = asyncio.Event()

    async def read(self) -> bytes:
        """The next piece; b"" at the end."""
        if self.closed.is_set() and self._said.empty():
            return b""
        return await self._said.get()

    async def write(self, data: bytes) -> None:
        """Take what a viewer says."""
        if not self._greeted:
            self._greeted, data = True, data[1:]
            size = struct.pack(">HH", WIDTH, HEIGHT)
            self._said.put_nowait(size + PIXELS + struct.pack(">I", len(self._name)) + self._name)
        if data:
            self._said.put_nowait(data)

    async def close(self) -> None:
        """Go away."""
        self.hang_up()

    def hang_up(self) -> None:
        """The guest is off."""
        self.closed.set()
        self._said.put_nowait(b"")
