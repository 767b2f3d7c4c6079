"""Consoles between a guest and whoever asked for one: a port, ten seconds to come, then bytes both ways.

Facts from qemu-server API2/Qemu.pm (vncproxy, termproxy), CLI/qm.pm (vncproxy, terminal), pve-common Tools.pm
(next_vnc_port) and pve-xtermjs termproxy. Listeners stay on loopback, those with TLS too.
"""

import asyncio
import secrets
import socket
import ssl
import time
from contextlib import suppress

from testbed.proxmox.errors import Die
from testbed.proxmox.guests import Streams

HOST = "127.0.0.1"
FIRST_PORT, LAST_PORT = 5900, 5999
#: How long a port is not given out again, even if it is free.
RESERVED_SECONDS = 5
IDLE_SECONDS = 15 * 60
CHUNK = 4096
#: The letters of passwords: from "!" to "`".
LETTERS = [chr(code) for code in range(0x21, 0x61)]


def new_password() -> str:
    """A password for the remote framebuffer protocol, which looks at eight letters."""
    return "".join(secrets.choice(LETTERS) for _ in range(8))


class Ports:
    """The console ports of a node."""

    def __init__(self) -> None:
        self._reserved: dict[int, float] = {}

    def take(self) -> socket.socket:
        """A socket bound to the lowest port that is free; raises `Die`."""
        now = time.monotonic()
        for port in range(FIRST_PORT, LAST_PORT + 1):
            if now < self._reserved.get(port, 0):
                continue
            with suppress(OSError):
                bound = socket.create_server((HOST, port), backlog=1)
                self._reserved[port] = now + RESERVED_SECONDS
                return bound
        raise Die(f"unable to find free port ({FIRST_PORT}-{LAST_PORT + 1})")


class Door:
    """Lets one client in through a listening socket, with TLS if a context is given."""

    def __init__(self, bound: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        self._bound = bound
        self._tls = tls
        self.port: int = bound.getsockname()[1]
        self._came: asyncio.Future[Streams] = asyncio.get_running_loop().create_future()

    async def enter(self, timeout: float) -> Streams:
        """The client's connection; raises TimeoutError when nobody comes."""
        server = await asyncio.start_server(self._meet, sock=self._bound, ssl=self._tls)
        try:
            return await asyncio.wait_for(self._came, timeout)
        finally:
            server.close()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._came.done():
            writer.close()
        else:
            self._came.set_result((reader, writer))


async def relay(one: Streams, other: Streams) -> None:
    """Copy bytes both ways until either side ends or nothing happens for a quarter of an hour."""
    clock = _Clock()
    try:
        await first_of(
            asyncio.create_task(_copy(one[0], other[1], clock)),
            asyncio.create_task(_copy(other[0], one[1], clock)),
            asyncio.create_task(clock.silence()),
        )
    finally:
        for _, writer in (one, other):
            writer.close()


class _Clock:
    """Knows when something happened last."""

    def __init__(self) -> None:
        self.tick()

    def tick(self) -> None:
        self._last = time.monotonic()

    async def silence(self) -> None:
        """Return after a quarter of an hour without a tick."""
        while (left := self._last + IDLE_SECONDS - time.monotonic()) > 0:  # noqa: ASYNC110 - it is the clock that is waited for
            await asyncio.sleep(left)


async def first_of(*tasks: "asyncio.Task[None]") -> None:
    """Wait until one of the tasks ends, and end the others."""
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clock: _Clock) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK):
            clock.tick()
            writer.write(data)
            await writer.drain()
