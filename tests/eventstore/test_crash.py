"""Nothing acknowledged is lost when the database server crashes under load."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from domain.registry import EVENTS
from domain.server import events as e
from eventstore.coalescer import Coalescer
from eventstore.codec import Codec
from eventstore.database import DatabaseUnavailable, open_pool
from eventstore.store import Conflict, EventStore
from testbed.postgres import Postgres
from tests.given import entries, requested
from tests.own_server import own_server

pytestmark = pytest.mark.pg

CODEC = Codec(EVENTS)
WRITERS = 8


class Writer:
    """Appends to one stream for as long as it is asked to, and remembers what was acknowledged."""

    def __init__(self) -> None:
        self.id: UUID = uuid4()
        self.acknowledged = 0

    async def run(self, coalescer: Coalescer, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._append(coalescer)
            self.acknowledged += 1

    async def _append(self, coalescer: Coalescer) -> None:
        """Until it is written: who is told that the database was away asks again, and may find it written already."""
        event = e.PowerObserved(power="paused") if self.acknowledged else requested()
        told_away = False
        while True:
            try:
                await coalescer.append(entries(self.id, [event], after=self.acknowledged))
            except DatabaseUnavailable:
                told_away = True
                await asyncio.sleep(0.05)
            except Conflict:
                assert told_away
                return
            else:
                return


async def test_nothing_acknowledged_is_lost_when_the_server_crashes() -> None:
    with own_server() as server:
        await crash_under_load(server)


async def crash_under_load(server: Postgres) -> None:
    url = server.url("postgres")
    writers, stop = [Writer() for _ in range(WRITERS)], asyncio.Event()
    async with asyncio.timeout(90), Coalescer(url, CODEC) as coalescer:
        tasks = [asyncio.create_task(writer.run(coalescer, stop)) for writer in writers]
        await reach(writers, 10, tasks)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        await reach(writers, max(writer.acknowledged for writer in writers) + 10, tasks)
        stop.set()
        await asyncio.gather(*tasks)
    pool = await open_pool(url)
    store = EventStore(pool, CODEC)
    for writer in writers:
        versions = [record.version for record in await store.read_stream(writer.id)]
        assert versions == list(range(1, writer.acknowledged + 1))
    pool.terminate()


async def reach(writers: list[Writer], count: int, tasks: list[asyncio.Task[None]]) -> None:
    while min(writer.acknowledged for writer in writers) < count:
        for task in tasks:
            if task.done():
                task.result()  # a writer never ends by itself: this says why one did
        await asyncio.sleep(0.01)
