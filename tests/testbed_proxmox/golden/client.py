"""A client that sees every byte: one connection for each exchange."""

import asyncio
import json
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

#: Longer than any answer takes; seconds.
PATIENCE = 120.0
CLOSED, OPEN = "closed by server", "still open"


@dataclass(frozen=True)
class Answer:
    """One response; header names are in lower case."""

    version: str
    status: int
    reason: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body, None if it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Client:
    """Sends bytes to one port on loopback."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._trusting = ssl.create_default_context()
        self._trusting.check_hostname, self._trusting.verify_mode = False, ssl.CERT_NONE

    async def connect(self, tls: bool = True) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self._trusting if tls else None)

    async def ask(self, request: bytes) -> Answer | None:
        """The answer to one request; None if none comes before the connection ends, or in time."""
        reader, writer = await self.connect()
        writer.write(request)
        try:
            async with asyncio.timeout(PATIENCE):
                return await read_answer(reader)
        except TimeoutError:
            return None
        finally:
            writer.close()

    async def call(
        self, method: str, path: str, params: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Answer | None:
        """One call of the API, its parameters in the query or as a form."""
        form = urlencode(params)
        posted = form if method in ("POST", "PUT") else ""
        query = f"?{form}" if form and not posted else ""
        lines = [f"{method} /api2/json{path}{query} HTTP/1.1", "Host: localhost", f"Content-Length: {len(posted)}"]
        lines += ["Content-Type: application/x-www-form-urlencoded"] if posted else []
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return await self.ask("\r\n".join([*lines, "", posted]).encode())

    async def listen(self, request: bytes, patience: float, tls: bool = True) -> tuple[bytes, str]:
        """All that comes within `patience` seconds, and whether the server closed the connection."""
        reader, writer = await self.connect(tls)
        received = bytearray()
        try:
            writer.write(request)
            async with asyncio.timeout(patience):
                while chunk := await _chunk(reader):
                    received += chunk
            return bytes(received), CLOSED
        except TimeoutError:
            return bytes(received), OPEN
        finally:
            writer.close()

    async def repeat(self, request: bytes) -> tuple[int, Answer | None]:
        """How many answers one connection gives to the same request, and the last of them."""
        reader, writer = await self.connect()
        count, last = 0, None
        with suppress(ConnectionError):
            writer.write(request)
            while answer := await read_answer(reader):
                count, last = count + 1, answer
                writer.write(request)
        writer.close()
        return count, last


async def _chunk(reader: asyncio.StreamReader) -> bytes:
    with suppress(ConnectionError):
        return await reader.read(65536)
    return b""


async def read_answer(reader: asyncio.StreamReader) -> Answer | None:
    """One response from a connection; None at its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    version, status, reason, headers = parse_head(head)
    length = headers.get("content-length")
    body = await reader.readexactly(int(length)) if length else b""
    return Answer(version, status, reason, headers, body)


def parse_head(head: bytes) -> tuple[str, int, str, dict[str, str]]:
    """Version, status, reason phrase and headers of a response's head."""
    line, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    version, status, reason = [*line.split(" ", 2), ""][:3]
    pairs = [entry.partition(":") for entry in rest]
    return version, int(status), reason, {name.lower(): value.strip() for name, _, value in pairs}


def split_answers(received: bytes) -> list[Answer]:
    """The responses in a stream of bytes, one after the other; what follows a 101 is its body."""
    answers = []
    while received.startswith(b"HTTP/"):
        head, _, rest = received.partition(b"\r\n\r\n")
        version, status, reason, headers = parse_head(head)
        length = len(rest) if status == 101 else int(headers.get("content-length", 0))
        answers.append(Answer(version, status, reason, headers, rest[:length]))
        received = rest[length:]
    return answers
