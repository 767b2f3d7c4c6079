"""An application on a port of its own, where a real connection is what is tested."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from service.__main__ import Server
from testbed.postgres import free_port


@asynccontextmanager
async def listening(app: Any, port: int | None = None, **options: Any) -> AsyncIterator[int]:
    """Serve it for a while; the port it listens on. `options` are further ones of the server."""
    server = _Telling(uvicorn.Config(app, port=port or free_port(), lifespan="off", log_config=None, **options))
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(10):
            await server.ready.wait()
        yield server.config.port
    finally:
        server.should_exit = True
        await serving


class _Telling(Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config):
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()
