"""A small client of the remote framebuffer protocol, and one of WebSockets to carry it."""

import os
import struct
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol
from urllib.parse import quote

from testbed.proxmox.console.vnc import response
from testbed.proxmox.guests import Streams
from tests.testbed_proxmox.bed import Bed
from tests.testbed_proxmox.wire import connected

RAW, ZRLE = 0, 16
TILE = 64
#: 32 bits a pixel, little endian, red in the third byte.
FORMAT = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
Picture = list[bytes]


class Wire(Protocol):
    """A connection."""

    async def readexactly(self, n: int, /) -> bytes: ...

    def write(self, data: bytes, /) -> None: ...


class Wrong(Exception):
    """The server refused; its reason."""


class Line:
    """A connection without frames."""

    def __init__(self, streams: Streams) -> None:
        self._reader, self._writer = streams

    async def readexactly(self, n: int) -> bytes:
        return await self._reader.readexactly(n)

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    def close(self) -> None:
        """Go away."""
        self._writer.close()


class WebSocket:
    """A connection in frames. `head` is what the server answered to the handshake."""

    def __init__(self, reader: "Wire", writer: "Wire", head: str) -> None:
        self._reader, self._writer, self._buffer = reader, writer, b""
        self.head = head

    async def readexactly(self, n: int) -> bytes:
        while len(self._buffer) < n:
            first, size = await self._reader.readexactly(2)
            assert first == 0x82, "a binary frame"
            if size >= 126:
                layout = ">H" if size == 126 else ">Q"
                (size,) = struct.unpack(layout, await self._reader.readexactly(struct.calcsize(layout)))
            self._buffer += await self._reader.readexactly(size)
        taken, self._buffer = self._buffer[:n], self._buffer[n:]
        return taken

    def write(self, data: bytes) -> None:
        mask = os.urandom(4)
        assert len(data) <= 125
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self._writer.write(struct.pack(">BB", 0x82, 0x80 | len(data)) + mask + masked)


@asynccontextmanager
async def websocket(bed: Bed, vm: str, port: str, ticket: str, auth: str | None = None) -> AsyncIterator[WebSocket]:
    """A console through the API's port."""
    path = f"/api2/json{vm}/vncwebsocket?port={port}&vncticket={quote(ticket, safe='')}"
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: x",
        f"Authorization: {auth or bed.headers['Authorization']}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: binary",
        "Sec-WebSocket-Key: ry0ZE5f31aM/nwEu8RBspA==",
    ]
    async with connected(bed) as (reader, writer):
        writer.write("\r\n".join([*lines, "", ""]).encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        yield WebSocket(reader, writer, head)  # type: ignore[arg-type]


class Viewer:
    """One client. `picture` holds the pixels, three bytes each, once `look` was called."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._zlib = zlib.decompressobj()
        self.size = (0, 0)
        self.name = ""
        self.bells = 0
        self.picture: Picture = []

    async def enter(self, password: str, encodings: Sequence[int] = (RAW,)) -> None:
        """Authenticate and begin; raises `Wrong`."""
        assert await self._wire.readexactly(12) == b"RFB 003.008\n"
        self._wire.write(b"RFB 003.008\n")
        (kinds,) = await self._wire.readexactly(1)
        assert await self._wire.readexactly(kinds) == b"\x02"
        self._wire.write(b"\x02")
        self._wire.write(response(password, await self._wire.readexactly(16)))
        if (await self._number(">I")) != 0:
            raise Wrong((await self._wire.readexactly(await self._number(">I"))).decode())
        self._wire.write(b"\x01")
        self.size = struct.unpack(">HH", await self._wire.readexactly(4))
        await self._wire.readexactly(16)
        self.name = (await self._wire.readexactly(await self._number(">I"))).decode()
        self._wire.write(b"\0\0\0\0" + FORMAT)
        self._wire.write(struct.pack(f">BxH{len(encodings)}i", 2, len(encodings), *encodings))
        self.picture = [bytes(3 * self.size[0]) for _ in range(self.size[1])]

    async def _number(self, layout: str) -> int:
        (number,) = struct.unpack(layout, await self._wire.readexactly(struct.calcsize(layout)))
        return int(number)

    def press(self, *keys: int) -> None:
        """Press and release keys."""
        for key in keys:
            for down in (1, 0):
                self._wire.write(struct.pack(">BB2xI", 4, down, key))

    def type(self, text: str) -> None:
        """Press the keys of a text; a line end is Return."""
        self.press(*(0xFF0D if letter == "\n" else ord(letter) for letter in text))

    async def look(self, changes: bool = False) -> None:
        """Ask for the picture, or what `changes` on it, and take everything up to that."""
        self._wire.write(struct.pack(">BBHHHH", 3, changes, 0, 0, *self.size))
        while (kind := await self._number(">B")) != 0:
            assert kind == 2, "a bell"
            self.bells += 1
        for _ in range(await self._number(">xH")):
            x, y, width, height, encoding = struct.unpack(">HHHHi", await self._wire.readexactly(12))
            rows = await (self._raw if encoding == RAW else self._zrle)(width, height)
            self._paint(x, y, rows)

    def _paint(self, x: int, y: int, rows: Picture) -> None:
        for number, row in enumerate(rows, y):
            old = self.picture[number]
            self.picture[number] = old[: 3 * x] + row + old[3 * x + len(row) :]

    async def _raw(self, width: int, height: int) -> Picture:
        rows = [await self._wire.readexactly(4 * width) for _ in range(height)]
        return [b"".join(_rgb(row[n : n + 3]) for n in range(0, len(row), 4)) for row in rows]

    async def _zrle(self, width: int, height: int) -> Picture:
        data = self._zlib.decompress(await self._wire.readexactly(await self._number(">I")))
        rows = [b""] * height
        for top in range(0, height, TILE):
            for left in range(0, width, TILE):
                tile, data = _tile(data, min(TILE, width - left), min(TILE, height - top))
                for number, row in enumerate(tile, top):
                    rows[number] += row
        assert not data
        return rows


def _rgb(pixel: bytes) -> bytes:
    return pixel[::-1]


def _tile(data: bytes, width: int, height: int) -> tuple[Picture, bytes]:
    """A tile of one colour or of a packed palette; what follows it."""
    kind, data = data[0], data[1:]
    assert 1 <= kind <= 16
    palette = [_rgb(data[3 * n : 3 * n + 3]) for n in range(kind)]
    data = data[3 * kind :]
    if kind == 1:
        return [palette[0] * width] * height, data
    bits = 1 if kind == 2 else 2 if kind <= 4 else 4
    size = -(-width * bits // 8)
    rows = []
    for n in range(height):
        digits = "".join(f"{byte:08b}" for byte in data[n * size : (n + 1) * size])
        rows.append(b"".join(palette[int(digits[k * bits : (k + 1) * bits], 2)] for k in range(width)))
    return rows, data[height * size :]
