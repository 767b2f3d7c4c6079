"""An application on a port of its own, where a real connection is what is tested."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from service.__main__ import Server
from testbed.postgres import free_port


@asynccontextmanager
async def listening(app: Any, port: int | None = None, **options: Any) -> AsyncIterator[int]:
    """Serve it for a while; the port it listens on. `options` are further ones of the server."""
    chosen = port or free_port()
    server = Server(uvicorn.Config(app, port=chosen, lifespan="off", log_config=None, **options))
    serving = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(10):
            while not server.started:  # noqa: ASYNC110 - there is nothing else to wait for
                await asyncio.sleep(0.01)
        yield chosen
    finally:
        server.should_exit = True
        await serving
