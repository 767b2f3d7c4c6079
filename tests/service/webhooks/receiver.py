"""A program that takes webhooks, written from the pages of Standard Webhooks alone."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Taken:
    """A message as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What it says."""
        return json.loads(self.body)

    @property
    def id(self) -> str:
        """By which the same message is known again."""
        return self.headers["webhook-id"]

    def signed_by(self, secret: str) -> bool:
        """Whether the holder of a secret has sent it."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        mark = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return f"v1,{mark}" in self.headers["webhook-signature"].split()


@dataclass
class Receiver:
    """Answers with `status`, and remembers."""

    port: int = 0
    status: int = 204
    said: bytes = b""
    more: str = ""
    taken: list[Taken] = field(default_factory=list)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hooks?from=hostler"

    @property
    def types(self) -> list[str]:
        """What the messages were about, in the order in which they came."""
        return [one.json["type"] for one in self.taken]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one message."""
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        self.taken.append(Taken(headers, await reader.readexactly(int(headers["content-length"]))))
        lines = f"HTTP/1.1 {self.status} OK\r\nContent-Length: {len(self.said)}\r\n{self.more}\r\n"
        writer.write(lines.encode() + self.said)
        await writer.drain()
        writer.close()
