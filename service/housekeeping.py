"""What nobody will ask for again is taken away, once an hour, by one process at a time."""

from __future__ import annotations

import asyncio

import structlog

from eventstore.database import FAILED, Pool
from service.reads import SQL

PAUSE_SECONDS = 3600.0
log = structlog.get_logger()


async def tidy_hourly(pool: Pool) -> None:
    """Tidy for ever."""
    while True:
        try:
            await tidy(pool)
        except FAILED as error:
            log.warning("not tidied", error=str(error) or type(error).__name__)
        await asyncio.sleep(PAUSE_SECONDS)


async def tidy(pool: Pool) -> None:
    """Take away what is of no use any more; nothing that tells who did what."""
    async with pool.acquire() as connection, connection.transaction():
        if await connection.fetchval(SQL.tidying):
            await connection.execute(SQL.tidy)
