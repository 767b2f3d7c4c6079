"""Build the views anew beside the live ones, then put them in their place in one short transaction.

Readers keep the old tables until then. The swap holds the live checkpoint, so no runner writes meanwhile; one that
folded a page from the old tables finds the checkpoint moved and drops it.
"""

from __future__ import annotations

import asyncio

import asyncpg
import structlog

from domain.registry import EVENTS
from eventstore.codec import Codec
from eventstore.database import Connection
from eventstore.positions import Position
from eventstore.queries import Queries
from eventstore.tail import end_of_log
from projector import write
from projector.loop import SOON, Projection
from projector.poison import fold_all, known
from projector.scan import scan
from projector.share import fold_shares, shares
from projector.tables import LIVE, NEW, Table, Target
from projector.views import CODE_VERSION, Views, tables

SQL = Queries("projector")
CLOSE = 1000  # events: the rest is folded while the live checkpoint is held
LOCK_TIMEOUT = "2s"
RETRY_SECONDS = 0.5
log = structlog.get_logger()


class RebuildRuns(Exception):
    """Another rebuild is at work."""


async def rebuild(connection: Connection, url: str) -> int:
    """Rebuild all views on a connection of its own and others to the same URL; the number of events folded.

    Raises:
        RebuildRuns: another rebuild is at work.
        Parked: an event cannot be projected.
        ShareLost: a process that helped was killed.
    """
    if not await connection.fetchval(SQL.only_rebuild):
        raise RebuildRuns("another `hostler-replay rebuild` is running: wait for it")
    codec = Codec(EVENTS)
    await _prepare(connection)
    count = await _fold_all(connection, url)
    projection = Projection(codec, NEW)
    count += await _approach(connection, projection)
    await _swap_patiently(connection, codec)
    return count


async def outdated(connection: Connection) -> bool:
    """Whether the live views were built by older code, so that no projector goes on with them."""
    row = await connection.fetchrow(SQL.checkpoint, LIVE.projection)
    return row is not None and row["code_v"] < CODE_VERSION


async def _prepare(connection: Connection) -> None:
    async with connection.transaction():
        await connection.execute(SQL.forget_checkpoint, NEW.projection)
        for table in tables():
            await connection.execute(SQL.drop_table.format(table=NEW.name(table)))
            await connection.execute(SQL.create_like.format(new=NEW.name(table), table=LIVE.name(table)))
            for grant in await connection.fetch(SQL.grants.format(table=NEW.name(table)), LIVE.name(table)):
                await connection.execute(grant["statement"])


async def _fold_all(connection: Connection, url: str) -> int:
    end = await end_of_log(connection)
    count = await fold_shares(url, connection, await shares(connection, end))
    await connection.execute(SQL.set_checkpoint, NEW.projection, *end, CODE_VERSION)
    for table in tables():
        await connection.execute(SQL.analyze.format(table=NEW.name(table)))
    return count


async def _approach(connection: Connection, projection: Projection) -> int:
    """Follow the log until its end is close; how many events that was."""
    count = 0
    while True:
        read = await projection.step(connection)
        count += read
        if read < CLOSE and not projection.waiting:
            return count
        if not read:
            await asyncio.sleep(SOON)


async def _swap_patiently(connection: Connection, codec: Codec) -> None:
    while True:
        try:
            async with connection.transaction():
                await connection.execute(SQL.short_locks)
                await _swap(connection, codec)
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            log.info("readers hold the live views, trying again", seconds=RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)
            await _approach(connection, Projection(codec, NEW))


async def _swap(connection: Connection, codec: Codec) -> None:
    await connection.execute(SQL.begin_checkpoint, LIVE.projection, CODE_VERSION)
    live = await _held(connection, LIVE)
    new = await _held(connection, NEW)
    await _fold_rest(connection, codec, new, live)
    for table in tables():
        await _replace(connection, table)
    await connection.execute(SQL.set_checkpoint, LIVE.projection, *max(live, new), CODE_VERSION)
    await connection.execute(SQL.forget_checkpoint, NEW.projection)
    await connection.execute(SQL.ring)


async def _held(connection: Connection, target: Target) -> Position:
    row = await connection.fetchrow(SQL.hold_checkpoint, target.projection)
    assert row is not None, f"checkpoint {target.projection} vanished"
    return Position(row["tx"], row["pos"])


async def _fold_rest(connection: Connection, codec: Codec, after: Position, upto: Position) -> None:
    """Readers must never see a view go back: the new ones reach at least as far as the live ones."""
    async for rows in scan(connection, upto=upto, after=after):
        records = known(codec, rows)
        views = Views()
        await views.load(connection, NEW, records)
        fold_all(views.fold, records)
        await write.merge(connection, NEW, views.changes())


async def _replace(connection: Connection, table: Table) -> None:
    old, new = LIVE.name(table), NEW.name(table)
    indexes = await connection.fetch(SQL.index_names, old, new)
    constraints = await connection.fetch(SQL.constraint_names, old, new)
    await connection.execute(SQL.drop_table.format(table=old))
    await connection.execute(SQL.rename_table.format(table=new, name=table.name))
    for names in indexes:
        await connection.execute(SQL.rename_index.format(index=f"{LIVE.schema}.{names['new']}", name=names["old"]))
    for names in constraints:
        statement = SQL.rename_constraint.format(table=old, constraint=names["new"], name=names["old"])
        await connection.execute(statement)
