"""The projection `views`: page → load → fold → write and checkpoint in one transaction.

The checkpoint moves by compare-and-set inside the transaction that writes the rows, so each event takes effect exactly
once and a second runner is fenced.
"""

from __future__ import annotations

import asyncio
import time

import asyncpg
import structlog

from domain.registry import EVENTS
from eventstore.codec import Codec
from eventstore.database import FAILED, Connection, check_migrated, connect
from eventstore.positions import Position
from eventstore.queries import Queries
from eventstore.store import EventStore
from eventstore.tail import Doorbell, SettledRows
from projector import write
from projector.poison import POISON, Parked, blame, fold_all, known
from projector.tables import LIVE, Target
from projector.views import CODE_VERSION, Views

SQL = Queries("projector")
PAGE = 20_000
SOON = 0.02  # seconds: events wait behind the watermark, and no NOTIFY comes when it moves
STANDBY = 1.0
PARKED = 30.0
BACKOFF_FIRST, BACKOFF_LAST = 0.2, 5.0
log = structlog.get_logger()


class Fenced(Exception):
    """Another runner has moved the checkpoint: what was folded here is dropped."""


class OtherCode(Exception):
    """The views were built by another version of the folding code."""


class Projection:
    """The views of one target, followed page by page."""

    def __init__(self, codec: Codec, target: Target = LIVE, page: int = PAGE):
        self._codec = codec
        self._target = target
        self._page = page
        self._limit = page
        self._settled = SettledRows()

    @property
    def waiting(self) -> bool:
        """Whether committed events wait behind the watermark: try again soon."""
        return self._settled.waiting

    async def step(self, connection: Connection) -> int:
        """Project one page: how many events it read, 0 when nothing settled is there.

        Raises:
            Fenced: another runner was faster.
            OtherCode: the views must be rebuilt, or this program is the older one.
            Parked: the next event cannot be projected.
        """
        position = await self._checkpoint(connection)
        rows = await self._settled.read(connection, position, self._limit)
        if not rows:
            return 0
        try:
            await self._project(connection, position, rows)
        except (Parked, *POISON) as error:
            if len(rows) == 1 and isinstance(error, Parked):
                raise
            if len(rows) == 1:
                raise blame(rows[0], error) from error
            self._limit = len(rows) // 2  # closer to the event at fault
        else:
            self._limit = min(self._page, self._limit * 2)
        return len(rows)

    async def _checkpoint(self, connection: Connection) -> Position:
        row = await connection.fetchrow(SQL.checkpoint, self._target.projection)
        if row is None:
            await connection.execute(SQL.begin_checkpoint, self._target.projection, CODE_VERSION)
            return await self._checkpoint(connection)
        if row["code_v"] != CODE_VERSION:
            raise OtherCode(
                f"the views were built by code version {row['code_v']}, this is {CODE_VERSION}: "
                + ("run `hostler-replay rebuild`" if row["code_v"] < CODE_VERSION else "this program is outdated")
            )
        return Position(row["tx"], row["pos"])

    async def _project(self, connection: Connection, after: Position, rows: list[asyncpg.Record]) -> None:
        records = known(self._codec, rows)
        views = Views()
        await views.load(connection, self._target, records)
        fold_all(views.fold, records)
        changes = views.changes()
        to = Position(rows[-1]["tx"], rows[-1]["pos"])
        async with connection.transaction():
            # First, so that two runners meet here and not in the rows.
            if not await connection.fetchval(SQL.advance, self._target.projection, *after, *to, CODE_VERSION):
                raise Fenced
            await write.merge(connection, self._target, changes)
            await connection.execute(SQL.ring)


async def catch_up(store: EventStore) -> None:
    """Project everything that was committed before the call."""
    projection = Projection(store.codec)
    async with store.pool.acquire() as connection:
        while await _stepped(projection, connection) or projection.waiting:
            if projection.waiting:
                await asyncio.sleep(SOON)


async def _stepped(projection: Projection, connection: Connection) -> bool:
    try:
        return await projection.step(connection) > 0
    except Fenced:
        return True


async def follow(url: str, stop: asyncio.Event) -> None:
    """Keep the live views up to date until `stop`; a lost database is waited for.

    Raises:
        DatabaseUnavailable: PostgreSQL cannot be used at the start.
        NotMigrated: its tables are missing at the start.
    """
    await _first_look(url)
    backoff = BACKOFF_FIRST
    async with Doorbell(url) as bell:
        ringing = asyncio.create_task(_ring_at(stop, bell))
        while not stop.is_set():
            started = time.monotonic()
            try:
                await _session(url, bell, stop)
            except FAILED as error:
                backoff = BACKOFF_FIRST if time.monotonic() - started > BACKOFF_LAST else min(BACKOFF_LAST, backoff * 2)
                log.warning("database lost, trying again", error=str(error) or type(error).__name__, seconds=backoff)
                await _pause(stop, backoff)
        await ringing


async def _first_look(url: str) -> None:
    connection = await connect(url)
    try:
        await check_migrated(connection)
    finally:
        await connection.close()


async def _ring_at(stop: asyncio.Event, bell: Doorbell) -> None:
    await stop.wait()
    bell.ring()


async def _session(url: str, bell: Doorbell, stop: asyncio.Event) -> None:
    # A crash may lose the newest commits: rows and checkpoint together, and they are folded again.
    connection = await connect(url, application_name="hostler-projector", synchronous_commit="off")
    try:
        await _become_only_runner(connection, stop)
        projection = Projection(Codec(EVENTS))
        while not stop.is_set():
            await _round(projection, connection, bell, stop)
    finally:
        await connection.close(timeout=2)


async def _become_only_runner(connection: Connection, stop: asyncio.Event) -> None:
    while not stop.is_set() and not await connection.fetchval(SQL.only_runner, LIVE.projection):
        await _pause(stop, STANDBY)


async def _round(projection: Projection, connection: Connection, bell: Doorbell, stop: asyncio.Event) -> None:
    try:
        count = await projection.step(connection)
    except Fenced:
        log.warning("another runner moved the checkpoint")
    except (Parked, OtherCode) as error:
        log.error("projection waits", reason=str(error))
        await _pause(stop, PARKED)
    else:
        if count < PAGE:  # hardly more is there by now, unless the bell says so
            await bell.wait(SOON if count or projection.waiting else 1.0)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
