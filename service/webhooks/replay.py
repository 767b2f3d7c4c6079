"""An endpoint is told again from a position of the log on: page after page, by any process, each page once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from domain.record import Recorded
from eventstore.codec import UnknownEvent
from eventstore.database import FAILED
from eventstore.positions import Position
from eventstore.queries import Queries
from eventstore.store import EventStore
from eventstore.tail import LogReader
from runtime.ring import Ring
from service.live.unfold import Unfolder
from service.webhooks.messages import Message, messages
from service.webhooks.tell import told_of, wanted, write

SQL = Queries("service.webhooks")
PAGE, AT_ONCE, POLL_SECONDS = 100, 10, 5.0
log = structlog.get_logger()


class Replayer:
    """Takes replays further. `sending` wakes whoever sends."""

    def __init__(self, store: EventStore, log_id: UUID, sending: Ring):
        self._store, self._log_id, self._sending = store, log_id, sending
        self._reader, self._unfolder = LogReader(store), Unfolder(store)
        self.ring = Ring()

    async def run(self) -> None:
        """Take them further for ever."""
        while True:
            try:
                while await self.page():
                    self._sending.ring()
            except FAILED as error:
                log.warning("replays wait", error=str(error) or type(error).__name__)
            except Exception as error:  # one replay that fails must not end all others for good
                log.error("replay failed", exc_info=error)
            await self.ring.wait(POLL_SECONDS)

    async def page(self) -> bool:
        """Take every replay one page further; False when there is none."""
        rows = await self._store.pool.fetch(SQL.webhook_replays, AT_ONCE)
        for row in rows:
            await self._further(row)
        return bool(rows)

    async def _further(self, row: asyncpg.Record) -> None:
        after, id = Position(row["tx"], row["pos"]), row["endpoint_id"]
        records, reached = await self._read(row, after, Position(row["until_tx"], row["until_pos"]))
        if reached is None:
            await self._store.pool.execute(SQL.end_webhook_replay, id, *after)
            return
        turns = await self._unfolder.turns(records)
        found = (m for turn in turns if told_of(turn.record) for m in messages(self._log_id, turn))
        await self._write(id, after, reached, wanted(found, row["events"]))

    async def _write(self, id: UUID, after: Position, reached: Position, told: list[Message]) -> None:
        async with self._store.pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(SQL.webhook_replayed, id, *after, *reached) is None:
                return  # another process was faster
            for message in told:
                if await connection.fetchval(SQL.webhook_lane_again, id, message.resource_id) is not None:
                    await write(connection, [id], message)

    async def _read(
        self, row: asyncpg.Record, after: Position, until: Position
    ) -> tuple[list[Recorded[Any]], Position | None]:
        """The next events, and how far they go; no position when there are no more."""
        if row["account_id"] is None:
            batch = await self._reader.read(after, PAGE)
            records = [record for record in batch.events if Position(record.tx, record.pos) <= until]
            return records, min(batch.position, until) if batch.position is not None and after < until else None
        rows = await self._store.pool.fetch(SQL.happened_to_account, row["account_id"], *after, *until, PAGE)
        return list(self._known(rows)), Position(rows[-1]["tx"], rows[-1]["pos"]) if rows else None

    def _known(self, rows: list[asyncpg.Record]) -> Iterator[Recorded[Any]]:
        for row in rows:
            try:
                yield self._store.recorded(row)
            except UnknownEvent as error:
                log.warning("event skipped", reason=str(error), tx=row["tx"], pos=row["pos"])
