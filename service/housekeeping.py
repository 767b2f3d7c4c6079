"""What nobody will ask for again is taken away, once an hour, by one process at a time."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from eventstore.database import FAILED, Pool
from service.reads import SQL

PAUSE_SECONDS = 3600.0
log = structlog.get_logger()


class Housekeeping:
    """Tidies for as long as it is open."""

    def __init__(self, pool: Pool):
        self._pool = pool
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Housekeeping:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            try:
                await tidy(self._pool)
            except FAILED as error:
                log.warning("not tidied", error=str(error) or type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)


async def tidy(pool: Pool) -> None:
    """Take away what is of no use any more; nothing that tells who did what."""
    async with pool.acquire() as connection, connection.transaction():
        if await connection.fetchval(SQL.tidying):
            await connection.execute(SQL.tidy)
