"""WebSockets: the handshake, the relay both ways, and the frames that are not taken."""

import asyncio
import os
import struct
from collections.abc import AsyncIterator

import pytest

from testbed.proxmox.calls import Call, everybody, route
from testbed.proxmox.http.websocket import Tunnel
from tests.testbed_proxmox.bed import Bed
from tests.testbed_proxmox.wire import connected

pytestmark = pytest.mark.pve
PATH = "/api2/json/tests/websocket"
BINARY, PING, CLOSE = 2, 9, 8
target = {"port": 0}


@route("GET", "/tests/websocket", everybody)
async def _tunnel(_call: Call) -> Tunnel:
    return Tunnel({"port": target["port"]}, lambda: asyncio.open_connection("127.0.0.1", target["port"]))


@pytest.fixture
async def echo() -> AsyncIterator[None]:
    """A server that sends back what it gets."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    target["port"] = server.sockets[0].getsockname()[1]
    yield
    server.close()


def handshake(bed: Bed, **headers: str) -> bytes:
    upgrade = {
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "binary",
        "Sec-WebSocket-Key": "ry0ZE5f31aM/nwEu8RBspA==",
    } | headers
    lines = [f"GET {PATH} HTTP/1.1", "Host: x", f"Authorization: {bed.headers['Authorization']}"]
    lines += [f"{name}: {value}" for name, value in upgrade.items() if value]
    return "\r\n".join([*lines, "", ""]).encode()


def client_frame(payload: bytes, opcode: int = BINARY, first: int = 0x80, mask: bytes | None = None) -> bytes:
    mask = os.urandom(4) if mask is None else mask
    size = len(payload)
    head = struct.pack(">BBQ", first | opcode, 0x80 | 127, size)
    if size <= 125:
        head = struct.pack(">BB", first | opcode, 0x80 | size)
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


async def server_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, size = await reader.readexactly(2)
    if size >= 126:
        layout = ">H" if size == 126 else ">Q"
        (size,) = struct.unpack(layout, await reader.readexactly(struct.calcsize(layout)))
    return first, await reader.readexactly(size)


async def test_the_handshake_is_answered_as_recorded(bed: Bed, echo: None) -> None:
    async with connected(bed) as (reader, writer):
        writer.write(handshake(bed))
        assert await reader.readuntil(b"\r\n\r\n") == (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
            b"Sec-WebSocket-Accept: O95qMucu/vqsZoSEWDjujoQ5VLk=\r\nSec-WebSocket-Protocol: binary\r\n\r\n"
        )


async def test_bytes_go_both_ways_in_frames_of_at_most_128_kib(bed: Bed, echo: None) -> None:
    async with connected(bed) as (reader, writer):
        writer.write(handshake(bed))
        await reader.readuntil(b"\r\n\r\n")
        sent = os.urandom(128 * 1024)
        writer.write(client_frame(sent, mask=bytes(4)) + client_frame(b"and more"))
        received = b""
        while len(received) < len(sent) + 8:
            first, payload = await server_frame(reader)
            assert first == 0x82
            assert len(payload) <= 128 * 1024
            received += payload
        assert received == sent + b"and more"


async def test_a_ping_is_answered_and_a_close_ends_it(bed: Bed, echo: None) -> None:
    async with connected(bed) as (reader, writer):
        writer.write(handshake(bed))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(client_frame(b"there?", PING))
        assert await server_frame(reader) == (0x8A, b"there?")
        writer.write(client_frame(struct.pack(">H", 1000), CLOSE))
        assert await reader.read() == b""


@pytest.mark.parametrize(
    "frame",
    [
        client_frame(b"part", first=0),
        client_frame(b"reserved", first=0xC0),
        bytes((0x82, 1, 65)),
        client_frame(b"what", opcode=3),
        struct.pack(">BBQ", 0x82, 0xFF, 128 * 1024 + 1),
    ],
    ids=["fragmented", "reserved", "unmasked", "opcode", "too-large"],
)
async def test_other_frames_end_the_connection(bed: Bed, echo: None, frame: bytes) -> None:
    async with connected(bed) as (reader, writer):
        writer.write(handshake(bed))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(frame + client_frame(b"later"))
        assert await reader.read() == b""


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"Upgrade": "h2c"}, "unable to upgrade to protocol 'h2c'"),
        ({"Sec-WebSocket-Version": "8"}, "unsupported websocket-version '8'"),
        ({"Sec-WebSocket-Key": ""}, "missing websocket-key"),
    ],
)
async def test_what_is_wrong_with_a_handshake_is_said(bed: Bed, headers: dict[str, str], text: str) -> None:
    async with connected(bed) as (reader, writer):
        writer.write(handshake(bed, **headers))
        answer = await reader.read()
        assert answer.startswith(f"HTTP/1.1 500 {text}\r\n".encode())
        assert answer.endswith(f"\r\n\r\n{text}\n".encode())


async def test_without_an_upgrade_the_call_is_an_ordinary_one(bed: Bed, echo: None) -> None:
    assert await bed.get("/tests/websocket") == {"port": target["port"]}
