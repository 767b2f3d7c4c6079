"""A few connections of a pool are kept at hand for single reads: to borrow one takes as long as the read itself."""

from __future__ import annotations

from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from eventstore.database import Pool

KEPT = 4  # of a pool's connections; the others are for transactions, and for who comes when these are in use


class AtHand:
    """Single statements that read, each on a connection that nobody else uses meanwhile."""

    def __init__(self, pool: Pool):
        self._pool = pool
        self._idle: list[PoolConnectionProxy[asyncpg.Record]] = []

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """The rows of a statement. Raises as `asyncpg.Pool.fetch`."""
        connection = await self._taken()
        try:
            rows: list[asyncpg.Record] = await connection.fetch(query, *args)
        except BaseException:
            await self._pool.release(connection)  # which sees to a statement that was left half-way
            raise
        if len(self._idle) < KEPT:
            self._idle.append(connection)
        else:
            await self._pool.release(connection)
        return rows

    async def _taken(self) -> PoolConnectionProxy[asyncpg.Record]:
        """One that is at hand and was not lost meanwhile, else one more of the pool."""
        while self._idle:
            connection = self._idle.pop()
            if _whole(connection):
                return connection
            await self._pool.release(connection)
        return await self._pool.acquire()


def _whole(connection: PoolConnectionProxy[asyncpg.Record]) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:  # it broke, and the pool has taken it back
        return False
