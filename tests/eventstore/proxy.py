"""A TCP relay in front of PostgreSQL that can lose an answer after the request has taken effect."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Relays to the server of a URL; `lose_next_answer()` cuts the connection instead of passing the answer on."""

    def __init__(self, url: str):
        self._parts = urlsplit(url)
        self._losing = False
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self.lost = 0

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    @property
    def url(self) -> str:
        """The database through this relay."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        account = self._parts.netloc.rpartition("@")[0]
        return urlunsplit(self._parts._replace(netloc=f"{account}@127.0.0.1:{port}"))

    def lose_next_answer(self) -> None:
        """The next thing the server says is not passed on: the connection ends instead."""
        self._losing = True

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._relays.add(task)
        task.add_done_callback(self._relays.discard)
        up_reader, up_writer = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        try:
            await asyncio.gather(self._up(reader, up_writer), self._down(up_reader, writer))
        finally:
            for end in (writer, up_writer):
                end.close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                if self._losing:
                    self._losing, self.lost = False, self.lost + 1
                    break
                writer.write(data)
        writer.close()
