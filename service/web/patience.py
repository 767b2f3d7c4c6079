"""Connections are given so long, and so many bytes, to say what they want: no endless head holds one for ever."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.web.cork import Corked

HEAD_SECONDS = 15.0
HEAD_BYTES = 64 * 1024


class Patient(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn has it, which closes a connection whose head takes too long or grows too large."""

    _patience: asyncio.TimerHandle | None = None
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is there, and says something soon."""
        super().connection_made(transport)
        self.transport = Corked(transport, self.loop)  # type: ignore[assignment]
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._wait_no_longer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More was said: the rest of a head, or a body, which may be large."""
        self._head += len(data)
        super().data_received(data)
        if self._patience is not None and self._head > HEAD_BYTES:
            self.transport.abort()

    def handle_websocket_upgrade(self) -> None:
        """A console takes over the connection as it is."""
        assert isinstance(self.transport, Corked)
        self.transport.flush()
        self.transport = self.transport.whole
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        """The head of a request begins."""
        self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head was said."""
        self._wait_no_longer()
        super().on_headers_complete()

    def _wait(self) -> None:
        self._wait_no_longer()
        self._head = 0
        self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _wait_no_longer(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
