"""The catch against removing many guests at once, whatever asks for it: beyond a number in a time, staff must agree.

It is counted in the database, over all orchestrators. Once it has caught, every further removal waits until staff let
them through, also when the time has passed.
"""

from __future__ import annotations

from uuid import UUID

import structlog

from orchestrator.outcome import Later
from orchestrator.work import SQL, Tools, Work

log = structlog.get_logger()
ASK_AGAIN_SECONDS = 10.0
WAITS = "Many servers are being removed at once, so staff are asked first. Nothing of this one is removed yet."


async def let_through(work: Work) -> Later | None:
    """None when this removal may go on; otherwise what it waits for."""
    return await permitted(work.tools, work.operation.id)


async def permitted(tools: Tools, operation: UUID) -> Later | None:
    """The same for what is removed without a server."""
    policy = tools.config.policy
    async with tools.store.pool.acquire() as connection, connection.transaction():
        await connection.execute(SQL.lock_destroy_guard)
        if await connection.fetchval(SQL.let_destroy, operation, policy.destroy_window, policy.destroy_limit):
            return None
        await connection.execute(SQL.trip_destroy_guard)
    log.warning("a removal waits for staff: hostler-admin allow-destroys", operation=operation.hex)
    debug = f"more than {policy.destroy_limit} in {policy.destroy_window} s; hostler-admin allow-destroys"
    return Later(ASK_AGAIN_SECONDS, "destroy_guard", WAITS, debug, settled=True)
