"""What has to go by itself: secrets that nobody came back for."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from eventstore.database import FAILED, Pool
from orchestrator.work import SQL
from runtime.program import Stop

log = structlog.get_logger()
EVERY_SECONDS = 600.0


async def keep_house(pool: Pool, stop: Stop) -> None:
    """Delete old secrets every few minutes, until `stop`."""
    while not stop.is_set():
        try:
            await pool.execute(SQL.forget_old_secrets)
        except FAILED as error:
            log.warning("database lost, tidying up later", error=str(error))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EVERY_SECONDS):
                await stop.wait()
