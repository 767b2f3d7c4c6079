"""WebSockets as pveproxy speaks them: a handshake, then the bytes of one connection in binary frames.

Facts from pve-http-server APIServer/AnyEvent.pm (handle_api2_request, websocket_proxy). No close frame is ever
sent: whatever ends the one connection ends the other, and so does a frame that is not taken.
"""

import asyncio
import base64
import hashlib
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from testbed.proxmox.http.http_server import Request, Takeover

MAX_PAYLOAD = 128 * 1024
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BINARY, PONG = 0x82, 0x8A
CONTINUED_BITS, RESERVED_BITS, MASKED = 0x80, 0x70, 0x80
DATA_OPCODES = (1, 2)
CLOSE_OPCODE, PING_OPCODE, PONG_OPCODE = 8, 9, 10

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Tunnel:
    """What a call that can become a WebSocket returns.

    `data` is the answer for those who ask without an upgrade; `connect` opens the connection whose bytes are
    relayed (for instance `lambda: asyncio.open_connection("127.0.0.1", port)`) and may raise OSError.
    """

    data: Any
    connect: Callable[[], Awaitable[Streams]]


class BadFrame(Exception):
    """A frame that pveproxy does not take."""


def wanted(request: Request, path: str) -> bool:
    """Whether a request asks for the upgrade at a path that may have one."""
    return request.method == "GET" and bool(request.headers.get("upgrade")) and path.endswith("websocket")


def objection(request: Request) -> str | None:
    """What is wrong with the headers of a handshake, as the original words it."""
    upgrade = request.headers["upgrade"].lower()
    version = request.headers.get("sec-websocket-version", "")
    if upgrade != "websocket":
        return f"unable to upgrade to protocol '{upgrade}'\n"
    if version != "13":
        return f"unsupported websocket-version '{version}'\n"
    return None if request.headers.get("sec-websocket-key") else "missing websocket-key\n"


def accepted(request: Request, tunnel: Tunnel) -> Takeover:
    """The handshake's answer and the relay that follows."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await tunnel.connect()
        except OSError:
            await _drained(reader)  # the original leaves the client without any answer
            return
        writer.write(_handshake(request))
        await _relay((reader, writer), (far_reader, far_writer))

    return Takeover(converse)


def _handshake(request: Request) -> bytes:
    key = request.headers["sec-websocket-key"]
    digest = hashlib.sha1(f"{key}{GUID}".encode("latin-1"), usedforsecurity=False).digest()
    protocol = request.headers.get("sec-websocket-protocol", "")
    lines = [
        f"HTTP/{request.version} 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: upgrade",
        f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}",
        *([f"Sec-WebSocket-Protocol: {protocol}"] if protocol else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def _relay(client: Streams, far: Streams) -> None:
    """Copy both ways until one side ends."""
    directions = [asyncio.create_task(_outwards(far[0], client[1])), asyncio.create_task(_inwards(client, far[1]))]
    try:
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for direction in directions:
            direction.cancel()
        await asyncio.gather(*directions, return_exceptions=True)
        far[1].close()


async def _outwards(far: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
    while data := await far.read(MAX_PAYLOAD):
        client.write(frame(data))
        await client.drain()


async def _inwards(client: Streams, far: asyncio.StreamWriter) -> None:
    reader, writer = client
    try:
        while await _one_frame(reader, writer, far):
            await far.drain()
    except (BadFrame, asyncio.IncompleteReadError):
        return


async def _one_frame(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, far: asyncio.StreamWriter) -> bool:
    """Take one frame; false after a close frame, which ends both connections."""
    opcode, payload = await read_frame(reader)
    if opcode in DATA_OPCODES:
        far.write(payload)
    elif opcode == PING_OPCODE:
        writer.write(frame(payload, PONG))
    elif opcode == CLOSE_OPCODE:
        return False
    elif opcode != PONG_OPCODE:
        raise BadFrame(f"received unhandled websocket opcode {opcode}")
    return True


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Opcode and unmasked payload of a client's frame; raises `BadFrame`, IncompleteReadError at the end."""
    first, second = await reader.readexactly(2)
    if not first & CONTINUED_BITS:
        raise BadFrame("received fragmented websocket frame")
    if first & RESERVED_BITS:
        raise BadFrame("received websocket frame with RSV flags")
    if not second & MASKED:
        raise BadFrame("received unmasked websocket frame from client")
    length = await _length(reader, second & 0x7F)
    if length > MAX_PAYLOAD:
        raise BadFrame(f"received too large websocket frame (len = {length})")
    mask = await reader.readexactly(4)
    return first & 0x0F, _unmasked(await reader.readexactly(length), mask)


async def _length(reader: asyncio.StreamReader, short: int) -> int:
    if short < 126:
        return short
    layout = ">H" if short == 126 else ">Q"
    (length,) = struct.unpack(layout, await reader.readexactly(struct.calcsize(layout)))
    return int(length)


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    pad = (mask * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload) ^ int.from_bytes(pad)).to_bytes(len(payload))


def frame(payload: bytes, first: int = BINARY) -> bytes:
    """One unmasked frame, binary unless another first byte is given."""
    size = len(payload)
    if size <= 125:
        return struct.pack(">BB", first, size) + payload
    if size <= 0xFFFF:
        return struct.pack(">BBH", first, 126, size) + payload
    return struct.pack(">BBQ", first, 127, size) + payload


async def _drained(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass
