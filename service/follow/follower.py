"""One reader of the log for all processes: what it leads to is written with how far it read, in one transaction.

Every process reads; whoever is first writes, and the others find that the place has moved on. So nothing is told twice
and nothing is left out, whichever process is killed.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence

import structlog

from domain.record import Recorded
from eventstore.database import FAILED, Connection
from eventstore.positions import Position
from eventstore.queries import Queries
from eventstore.store import EventStore
from eventstore.tail import LogReader, end_of_log
from runtime.ring import Ring
from service.live.unfold import Turn, Unfolder

SQL = Queries("service.follow")
NAME, PAGE, POLL_SECONDS = "told", 200, 1.0
GATHER_SECONDS = 0.1  # letters and calls have the time, and the disk need not be waited for after each event
Write = Callable[[Connection], Awaitable[None]]
log = structlog.get_logger()


class Teller(ABC):
    """Tells somebody of what happens."""

    @abstractmethod
    def wants(self, event: object) -> bool:
        """Whether it can have anything to tell of such an event."""

    async def is_heard(self) -> bool:
        """Whether anybody would hear now what it tells."""
        return True

    @abstractmethod
    async def tell(self, turn: Turn) -> Sequence[Write]:
        """What to write so that somebody is told of an event."""

    def told(self) -> None:  # noqa: B027 - most have nothing to do then
        """It is written."""


class Follower:
    """Follows the log on behalf of tellers. `ring` is rung when it has grown."""

    def __init__(self, store: EventStore, tellers: Sequence[Teller], ring: Ring | None = None):
        self._store, self._tellers, self._ring = store, tellers, ring or Ring()
        self._reader, self._unfolder = LogReader(store), Unfolder(store)

    async def run(self) -> None:
        """Follow for ever."""
        while True:
            try:
                while await self.page():
                    pass
            except FAILED as error:
                log.warning("nobody is told", error=str(error) or type(error).__name__)
            except Exception as error:  # the next look may find things as they should be
                log.error("nobody is told", exc_info=error)
            await self._ring.wait(0.05 if self._reader.waiting else POLL_SECONDS)
            await asyncio.sleep(GATHER_SECONDS)

    async def begin(self) -> None:
        """What happened before the very first call is not told."""
        await self._place()

    async def page(self) -> bool:
        """Read on, and write what that leads to; whether more may follow at once."""
        after = await self._place()
        batch = await self._reader.read(after, PAGE)
        if batch.position is None:
            return False
        heard = [teller for teller in self._tellers if await teller.is_heard()]
        writes = [write for record in batch.events for write in await self._told(record, heard)]
        async with self._store.pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(SQL.followed, NAME, *after, *batch.position) is not None:
                for write in writes:
                    await write(connection)
        if writes:
            for teller in self._tellers:
                teller.told()
        return batch.full

    async def _place(self) -> Position:
        row = await self._store.pool.fetchrow(SQL.follower, NAME)
        if row is None:
            await self._store.pool.execute(SQL.begin_following, NAME, *await end_of_log(self._store.pool))
            row = await self._store.pool.fetchrow(SQL.follower, NAME)
        assert row is not None
        return Position(row["tx"], row["pos"])

    async def _told(self, record: Recorded[object], heard: Sequence[Teller]) -> list[Write]:
        """What an import brings, and what it corrects, is told to nobody."""
        wanting = [teller for teller in heard if teller.wants(record.event)]
        if not wanting or record.meta.actor.type == "import":
            return []
        try:
            turns = await self._unfolder.turns([record])
            return [write for turn in turns for teller in wanting for write in await teller.tell(turn)]
        except FAILED:
            raise
        except Exception as error:  # one bad event must not silence all that follow
            log.error("nobody is told of an event that is not understood", exc_info=error, tx=record.tx, pos=record.pos)
            return []
