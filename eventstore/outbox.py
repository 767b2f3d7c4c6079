"""Wakes: claim due ones, keep the lease, finish or postpone. A random token guards every advance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from eventstore.database import Connection, Pool
from eventstore.positions import Position
from eventstore.queries import Queries

SQL = Queries("eventstore")
LEASE_SECONDS = 15.0  # how long the work of a worker that died is left alone


@dataclass(frozen=True, slots=True)
class Lease:
    """A wake held by this worker until its lease runs out."""

    stream_id: UUID
    category: str
    position: Position
    token: UUID
    attempts: int


async def claim(connection: Connection, categories: Sequence[str], limit: int) -> list[Lease]:
    """Up to `limit` due wakes. The connection may commit asynchronously: losing a claim means claiming again."""
    rows = await connection.fetch(SQL.claim, list(categories), limit, LEASE_SECONDS)
    return [
        Lease(row["stream_id"], row["category"], Position(row["tx"], row["pos"]), row["token"], row["attempts"])
        for row in rows
    ]


async def extend(pool: Pool, lease: Lease) -> bool:
    """Keep the lease for another term; False when it was lost."""
    return await pool.fetchval(SQL.extend, lease.stream_id, lease.token, LEASE_SECONDS) is not None


async def finish(pool: Pool, lease: Lease, handled: Position) -> bool:
    """Everything up to `handled` is done; a later append makes the stream due again: whether there was one."""
    return bool(await pool.fetchval(SQL.finish, lease.stream_id, lease.token, handled.tx, handled.pos))


async def postpone(
    pool: Pool,
    lease: Lease,
    handled: Position,
    seconds: float,
    *,
    error: str | None = None,
    progress: bool = True,
) -> bool:
    """Look again in `seconds`, or at once when something was appended after `handled`: whether it is due now."""
    arguments = (lease.stream_id, lease.token, handled.tx, handled.pos, seconds, error, progress)
    return bool(await pool.fetchval(SQL.postpone, *arguments))


async def next_due(connection: Connection, categories: Sequence[str]) -> float | None:
    """Seconds until the next wake is due, or None when there is none."""
    seconds: float | None = await connection.fetchval(SQL.next_due, list(categories))
    return seconds
