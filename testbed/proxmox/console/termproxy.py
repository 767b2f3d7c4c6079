"""The terminal's side of a console: who comes says who it is, then data, sizes and pings in one stream.

Facts from pve-xtermjs termproxy/src/main.rs.
"""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress

from testbed.proxmox.console.consoles import CHUNK, first_of
from testbed.proxmox.errors import ApiError
from testbed.proxmox.guests import Streams

LONGEST_LINE = 8192
DATA, SIZE = b"0", b"1"
_DATA = re.compile(rb"0:(\d{1,20}):")
_SIZE = re.compile(rb"1:\d{1,20}:\d{1,20}:")
_UNFINISHED = re.compile(rb"[01](:\d{0,20}){0,2}\Z")

#: Raises `ApiError` unless the ticket is this user's.
Verify = Callable[[str, str], None]


class Failed(Exception):
    """The program ends with exit code 1 and this line."""


async def admit(client: Streams, ticket: str, verify: Verify, timeout: float) -> None:
    """Read `user:ticket` and answer OK; raises `Failed`."""
    try:
        line = await asyncio.wait_for(client[0].readuntil(b"\n"), timeout)
    except TimeoutError:
        raise Failed("failed reading ticket: timed out") from None
    except asyncio.LimitOverrunError:
        raise Failed("failed reading ticket: authentication data is incomplete") from None
    except (OSError, asyncio.IncompleteReadError):
        raise Failed("failed reading ticket: connection closed before authentication") from None
    user, colon, given = line[:-1].decode(errors="replace").partition(":")
    if not colon:
        raise Failed("failed reading ticket: authentication data is invalid")
    try:
        if given != ticket:
            raise Failed("authentication request failed")
        verify(user, given)
    except ApiError:
        raise Failed("authentication request failed") from None
    client[1].write(b"OK")


class Messages:
    """Takes the client's stream apart."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._left = 0

    def take(self, data: bytes) -> bytes:
        """What of the stream so far is typed; sizes, pings and nonsense are dropped."""
        self._buffer += data
        typed = bytearray()
        while self._buffer and (self._left or self._head()):
            part = self._buffer[: self._left]
            del self._buffer[: len(part)]
            self._left -= len(part)
            typed += part
        return bytes(typed)

    def _head(self) -> bool:
        """Take a message's beginning; whether there is more to take."""
        if match := _DATA.match(self._buffer):
            self._left = int(match[1])
        else:
            match = _SIZE.match(self._buffer)
        if match is None and _UNFINISHED.match(self._buffer):
            return False
        del self._buffer[: match.end() if match else 1]
        return bool(self._buffer)


async def converse(client: Streams, line: Streams) -> bool:
    """Carry both ways until either side ends; whether it was the client."""
    ended: list[bool] = []
    try:
        await first_of(
            asyncio.create_task(_inwards(client[0], line[1], ended)),
            asyncio.create_task(_outwards(line[0], client[1], ended)),
        )
    finally:
        line[1].close()
    return ended[:1] == [True]


async def _inwards(client: asyncio.StreamReader, line: asyncio.StreamWriter, ended: list[bool]) -> None:
    messages = Messages()
    with suppress(OSError):
        while data := await client.read(CHUNK):
            line.write(messages.take(data))
            await line.drain()
    ended.append(True)


async def _outwards(line: asyncio.StreamReader, client: asyncio.StreamWriter, ended: list[bool]) -> None:
    with suppress(OSError):
        while data := await line.read(CHUNK):
            client.write(data)
            await client.drain()
    ended.append(False)
