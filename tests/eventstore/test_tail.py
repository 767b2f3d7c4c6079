"""Reading the log in order: nothing missed, nothing twice, nothing out of order, whatever commits when."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import pytest

from domain.server import events as e
from eventstore.database import Connection, Pool, connect, open_pool
from eventstore.positions import START, Position
from eventstore.store import Conflict, EventStore, append
from eventstore.tail import SQL, Doorbell, LogReader
from testbed.postgres import Postgres
from tests.given import entries, happened, requested

pytestmark = pytest.mark.pg

PAUSED = e.PowerObserved(power="paused")
WRITERS = 16
MANY, CHUNK = 1_000_000, 250


async def read_all(reader: LogReader, after: Position = START, page: int = 1000) -> list[tuple[UUID, int]]:
    seen: list[tuple[UUID, int]] = []
    while (batch := await reader.read(after, page)).position is not None:
        seen += [(record.stream_id, record.version) for record in batch.events]
        after = batch.position
    return seen


async def until_read(reader: LogReader, count: int, after: Position = START) -> list[tuple[UUID, int]]:
    """Follow the log until that many events were seen."""
    seen: list[tuple[UUID, int]] = []
    async with asyncio.timeout(60):
        while len(seen) < count:
            batch = await reader.read(after, 100)
            seen += [(record.stream_id, record.version) for record in batch.events]
            after = batch.position or after
            await asyncio.sleep(0)
    return seen


@asynccontextmanager
async def holding_a_transaction(url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """Somebody else writes something for a long time."""
    connection = await connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.fetchval("SELECT pg_current_xact_id()")
    yield connection
    await transaction.rollback()
    await connection.close()


@asynccontextmanager
async def appending(store: EventStore) -> AsyncIterator[UUID]:
    """An append whose transaction has not ended yet; its stream."""
    id = uuid4()
    async with store.pool.acquire() as connection, connection.transaction():
        await append(connection, store.codec, entries(id, [requested()]))
        yield id


async def test_a_late_commit_is_neither_missed_nor_overtaken(store: EventStore) -> None:
    reader = LogReader(store)
    async with appending(store) as slow:
        fast = await happened(store, [requested()])
        assert await read_all(reader) == []
        assert reader.waiting
    assert await read_all(reader) == [(slow, 1), (fast, 1)]
    assert not reader.waiting


async def test_a_rollback_leaves_no_gap_to_wait_for(store: EventStore) -> None:
    reader = LogReader(store)
    async with store.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await append(connection, store.codec, entries(uuid4(), [requested()]))
        after = await happened(store, [requested()])
        await transaction.rollback()
    assert await read_all(reader) == [(after, 1)]


@pytest.mark.parametrize("database", ["the same", "postgres"])
async def test_a_foreign_transaction_holds_nobody_up(
    store: EventStore, database_url: str, postgres: Postgres, database: str
) -> None:
    reader = LogReader(store)
    async with holding_a_transaction(database_url if database == "the same" else postgres.url(database)):
        id = await happened(store, [requested(), PAUSED])
        assert await until_read(reader, 2) == [(id, 1), (id, 2)]


async def test_behind_a_foreign_transaction_a_late_commit_is_still_not_overtaken(
    store: EventStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventstore.tail.STALL_SECONDS", 0)
    reader = LogReader(store)
    async with holding_a_transaction(database_url):
        before = await happened(store, [requested()])
        async with appending(store) as slow:
            after = await happened(store, [requested()])
            for _ in range(5):
                assert await read_all(reader) == [(before, 1)]
        assert await read_all(reader) == [(before, 1), (slow, 1), (after, 1)]


async def test_what_settles_after_the_read_found_nothing_is_known_to_wait(database_url: str, store: EventStore) -> None:
    """Whoever reads until nothing waits has read all that was committed before."""
    id, reader = uuid4(), LogReader(store)
    async with AsyncExitStack() as held:
        await held.enter_async_context(holding_a_transaction(database_url))
        await store.append(entries(id, [requested()]))
        source = SimpleNamespace(fetchval=store.pool.fetchval)

        async def fetch(*arguments: Any) -> Any:
            rows = await store.pool.fetch(*arguments)
            await held.aclose()
            return rows

        source.fetch = fetch
        assert (await reader.read(START, 10, cast("Connection", source))).position is None
        assert reader.waiting
    assert await read_all(reader) == [(id, 1)]


async def test_an_append_that_began_after_the_snapshot_raises_no_watermark(store: EventStore) -> None:
    async with store.pool.acquire() as reading, reading.transaction(isolation="repeatable_read"):
        end = await reading.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())")
        async with appending(store):
            assert await reading.fetchval(SQL.appending_below) == end


async def test_order_holds_when_transaction_ids_grow_a_digit(store: EventStore) -> None:
    ids = [await happened(store, [requested()])]
    now = int(await store.pool.fetchval("SELECT pg_current_xact_id()::text"))
    brink = 10 ** len(str(now)) - 3
    await store.pool.execute(
        f"DO $$ BEGIN WHILE pg_current_xact_id()::text::bigint < {brink} LOOP COMMIT; END LOOP; END $$"
    )
    ids += [await happened(store, [requested()]) for _ in range(6)]
    digits = await store.pool.fetch("SELECT DISTINCT length(tx::text) AS digits FROM event")
    assert len(digits) >= 2
    assert await read_all(LogReader(store), page=1) == [(id, 1) for id in ids]


@pytest.mark.parametrize("foreign", [False, True])
async def test_sixteen_writers_and_a_reader_that_starts_again_all_the_time(
    database_url: str, store: EventStore, foreign: bool
) -> None:
    pool = await open_pool(database_url, size=WRITERS)
    writers = EventStore(pool, store.codec)
    shared = [uuid4() for _ in range(4)]
    random.seed(7)
    tasks = [asyncio.create_task(write(writers, shared, 20)) for _ in range(WRITERS)]
    if foreign:
        async with holding_a_transaction(database_url):
            seen = await follow(store, tasks)
    else:
        seen = await follow(store, tasks)
    rows = await pool.fetch("SELECT stream_id, version FROM event ORDER BY tx, pos")
    assert seen == [tuple(row) for row in rows]
    assert len(seen) > WRITERS
    for id in {id for id, _ in seen}:
        versions = [version for stream, version in seen if stream == id]
        assert versions == list(range(1, len(versions) + 1))
    pool.terminate()


async def write(store: EventStore, shared: list[UUID], times: int) -> None:
    """Appends to streams that others append to as well; some transactions linger, some are rolled back."""
    for _ in range(times):
        id = random.choice(shared)
        known = await store.pool.fetchval("SELECT coalesce(max(version), 0) FROM event WHERE stream_id = $1", id)
        try:
            await write_once(store, id, known)
        except Conflict:
            continue


async def write_once(store: EventStore, id: UUID, known: int) -> None:
    async with store.pool.acquire() as connection, connection.transaction():
        await append(connection, store.codec, entries(id, [requested() if known == 0 else PAUSED], after=known))
        await connection.execute("SELECT pg_sleep($1)", random.random() / 200)
        if random.random() < 0.2:
            raise Conflict


async def follow(store: EventStore, tasks: list[asyncio.Task[None]]) -> list[tuple[UUID, int]]:
    """Read until the writers are done and the end is reached, now and then with a new reader from the checkpoint."""
    seen: list[tuple[UUID, int]] = []
    reader, after = LogReader(store), START
    while True:
        finished = all(task.done() for task in tasks)
        batch = await reader.read(after, random.randint(1, 20))
        seen += [(record.stream_id, record.version) for record in batch.events]
        after = batch.position or after
        if finished and batch.position is None and not reader.waiting:
            await asyncio.gather(*tasks)
            return seen
        if random.random() < 0.1:
            reader = LogReader(store)


@pytest.mark.long
async def test_of_a_million_events_none_is_missed(database_url: str, store: EventStore) -> None:
    """Beside sixteen writers somebody else's transactions last four seconds each, one after the other."""
    pool = await open_pool(database_url, size=WRITERS)
    tasks = [asyncio.create_task(write_chunks(pool, store, MANY // WRITERS // CHUNK)) for _ in range(WRITERS)]
    foreign = asyncio.create_task(hold_again_and_again(database_url))
    assert sum((await last_versions(store, tasks)).values()) == MANY
    foreign.cancel()
    pool.terminate()


async def last_versions(store: EventStore, tasks: list[asyncio.Task[None]]) -> dict[UUID, int]:
    """Read until the writers are done and the end is reached; what was the last of each stream, none left out."""
    versions: dict[UUID, int] = {}
    reader, after = LogReader(store), START
    while True:
        finished = all(task.done() for task in tasks)
        batch = await reader.read(after, 5000)
        for record in batch.events:
            assert record.version == versions.get(record.stream_id, 0) + 1
            versions[record.stream_id] = record.version
        after = batch.position or after
        if finished and batch.position is None and not reader.waiting:
            await asyncio.gather(*tasks)
            return versions


async def write_chunks(pool: Pool, store: EventStore, times: int) -> None:
    """One stream, chunk by chunk; now and then a transaction ends late."""
    id = uuid4()
    for number in range(times):
        async with pool.acquire() as connection, connection.transaction():
            await append(connection, store.codec, entries(id, [PAUSED] * CHUNK, after=number * CHUNK))
            if random.random() < 0.1:
                await connection.execute("SELECT pg_sleep($1)", random.random() / 20)


async def hold_again_and_again(url: str) -> None:
    """Until it is cancelled."""
    while True:
        async with holding_a_transaction(url) as connection:
            await connection.execute("SELECT pg_sleep(4)")


async def test_events_of_a_newer_version_are_left_out(store: EventStore) -> None:
    id = await happened(store, [requested()])
    await store.pool.execute(
        "INSERT INTO event (stream_id, version, type, schema_v, data, meta)"
        " VALUES ($1, 2, 'server.sang', 1, '{}', '{\"actor\": {\"type\": \"system\"}}')",
        id,
    )
    batch = await LogReader(store).read(START, 10)
    last = await store.pool.fetchrow("SELECT tx, pos FROM event WHERE version = 2")
    assert last is not None
    assert [record.version for record in batch.events] == [1]
    assert batch.position == tuple(last)


async def listeners(pool: Pool) -> list[int]:
    rows = await pool.fetch("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^LISTEN'")
    return [row["pid"] for row in rows]


async def listening(pool: Pool, *, but: int = 0) -> int:
    """Wait for a listener's connection to be there; its process id."""
    async with asyncio.timeout(30):
        while not (found := [pid for pid in await listeners(pool) if pid != but]):  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.01)
    return found[0]


async def test_the_doorbell_rings_at_every_append(store: EventStore, database_url: str) -> None:
    async with asyncio.timeout(30), Doorbell(database_url) as bell:
        await bell.wait(60)  # it rings once when it listens
        for _ in range(3):
            waiting = asyncio.create_task(bell.wait(60))
            await happened(store, [requested()])
            await waiting


async def test_the_doorbell_listens_again_after_losing_its_connection(store: EventStore, database_url: str) -> None:
    async with asyncio.timeout(30), Doorbell(database_url) as bell:
        await bell.wait(60)
        first = await listening(store.pool)
        await store.pool.execute("SELECT pg_terminate_backend($1)", first)
        await bell.wait(60)  # the loss rings: something may have been missed
        await listening(store.pool, but=first)
        await bell.wait(60)  # and so does the new connection
        waiting = asyncio.create_task(bell.wait(60))
        await happened(store, [requested()])
        await waiting


async def test_the_doorbell_polls_without_a_database() -> None:
    async with asyncio.timeout(30), Doorbell("postgresql://nobody@127.0.0.1:1/none") as bell:
        await bell.wait(0.01)
        await bell.wait(0.01)
