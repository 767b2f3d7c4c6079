"""Rebuilding the views while they are read and written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from eventstore.database import Pool, connect
from eventstore.store import EventStore
from projector import rebuild as rebuilding
from projector.loop import Fenced, OtherCode, Projection, catch_up
from projector.rebuild import RebuildRuns, rebuild
from projector.tables import LIVE
from tests.given import happened, operated, requested
from tests.projector.stories import append_to, dump, everything

pytestmark = pytest.mark.pg


@pytest.fixture
async def worker(database_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await connect(database_url)
    yield connection
    await connection.close()


async def names(pool: Pool) -> list[tuple[str, str, str]]:
    """Every relation, index and constraint of the schema, and what it is."""
    rows = await pool.fetch(
        "SELECT c.relkind::text AS kind, c.relname AS name, coalesce(pg_get_indexdef(i.indexrelid), '') AS definition"
        "  FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace"
        " UNION ALL SELECT contype::text, conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)"
        "  FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2, 3"
    )
    return [tuple(row) for row in rows]


async def test_a_rebuild_yields_the_same_rows(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record], database_url: str
) -> None:
    await everything(store)
    await catch_up(store)
    before = await dump(store.pool)
    assert await rebuild(worker, database_url) > 0
    assert await dump(store.pool) == before


async def test_a_rebuild_mends_what_was_damaged(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record], database_url: str
) -> None:
    await everything(store)
    await catch_up(store)
    before = await dump(store.pool)
    await store.pool.execute("UPDATE server_view SET name = 'wrong'")
    await store.pool.execute("DELETE FROM member_view")
    await rebuild(worker, database_url)
    assert await dump(store.pool) == before


async def test_a_rebuild_leaves_every_name_as_it_was(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record], database_url: str
) -> None:
    before = await names(store.pool)
    await rebuild(worker, database_url)
    assert await names(store.pool) == before
    assert await store.pool.fetchval("SELECT count(*) FROM checkpoint") == 1


async def test_a_rebuild_keeps_who_may_read(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record], database_url: str
) -> None:
    await store.pool.execute("GRANT UPDATE ON server_view TO hostler_reader")
    await rebuild(worker, database_url)
    granted = "SELECT has_table_privilege('hostler_reader', 'server_view', $1)"
    assert await store.pool.fetchval(granted, "SELECT")
    assert await store.pool.fetchval(granted, "UPDATE")


async def test_the_projection_goes_on_after_the_swap(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record], database_url: str
) -> None:
    ids = await everything(store)
    await catch_up(store)
    await rebuild(worker, database_url)
    await append_to(store, ids["bought"], operated("stop"))
    await catch_up(store)
    version = await store.pool.fetchval("SELECT version FROM server_view WHERE server_id = $1", ids["bought"])
    assert version == len(await store.read_stream(ids["bought"]))


async def test_leftovers_of_a_killed_rebuild_do_no_harm(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record], database_url: str
) -> None:
    await everything(store)
    await catch_up(store)
    await rebuilding._prepare(worker)
    await store.pool.execute("INSERT INTO server_view__new SELECT * FROM server_view")
    before = await dump(store.pool)
    await rebuild(worker, database_url)
    assert await dump(store.pool) == before


@pytest.mark.parametrize("phase", ["_prepare", "_fold_all", "_approach", "_swap", "_replace"])
async def test_a_rebuild_that_breaks_off_leaves_the_live_views_alone(
    store: EventStore,
    worker: asyncpg.Connection[asyncpg.Record],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    phase: str,
) -> None:
    ids = await everything(store)
    await catch_up(store)
    before = await dump(store.pool)

    async def breaks(*arguments: object) -> None:
        raise ConnectionAbortedError

    with monkeypatch.context() as patched:
        patched.setattr(rebuilding, phase, breaks)
        with pytest.raises(ConnectionAbortedError):
            await rebuild(worker, database_url)
    await worker.close()
    assert await dump(store.pool) == before
    await append_to(store, ids["bought"], operated("stop"))
    await catch_up(store)
    after = await dump(store.pool)
    again = await connect(database_url)
    await rebuild(again, database_url)
    await again.close()
    assert await dump(store.pool) == after


async def test_only_one_rebuild_at_a_time(
    store: EventStore, database_url: str, worker: asyncpg.Connection[asyncpg.Record]
) -> None:
    other = await connect(database_url)
    await other.fetchval("SELECT pg_advisory_lock(hashtext('hostler.rebuild'), 0)")
    with pytest.raises(RebuildRuns):
        await rebuild(worker, database_url)
    await other.close()


async def test_a_runner_that_folded_before_the_swap_is_fenced(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record], database_url: str
) -> None:
    await happened(store, [requested()])
    projection = Projection(store.codec)
    async with store.pool.acquire() as runner:
        position = await projection._checkpoint(runner)
        rows = await projection._settled.read(runner, position, 10)
        await rebuild(worker, database_url)
        with pytest.raises(Fenced):
            await projection._project(runner, position, rows)


async def test_a_rebuild_takes_views_over_from_older_code(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record], database_url: str
) -> None:
    await everything(store)
    await catch_up(store)
    await store.pool.execute("UPDATE checkpoint SET code_v = code_v - 1")
    with pytest.raises(OtherCode):
        await catch_up(store)
    assert await rebuilding.outdated(worker)
    await rebuild(worker, database_url)
    assert not await rebuilding.outdated(worker)
    await catch_up(store)


async def test_views_never_go_back_when_the_live_ones_are_ahead(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await everything(store)
    await catch_up(store)
    approach = rebuilding._approach

    async def overtaken(connection: asyncpg.Connection[asyncpg.Record], projection: Projection) -> int:
        count = await approach(connection, projection)
        await append_to(store, ids["bought"], operated("stop"))
        await catch_up(store)
        return count

    monkeypatch.setattr(rebuilding, "_approach", overtaken)
    await rebuild(worker, database_url)
    row = await store.pool.fetchrow("SELECT version FROM server_view WHERE server_id = $1", ids["bought"])
    assert row is not None
    assert row["version"] == len(await store.read_stream(ids["bought"]))
    checkpoint = await store.pool.fetchrow("SELECT tx, pos FROM checkpoint WHERE projection = $1", LIVE.projection)
    last = await store.pool.fetchrow("SELECT tx, pos FROM event ORDER BY tx DESC, pos DESC LIMIT 1")
    assert checkpoint == last


async def test_readers_and_writers_notice_nothing(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record], database_url: str
) -> None:
    ids = await everything(store)
    await catch_up(store)
    servers = await store.pool.fetchval("SELECT count(*) FROM server_view")
    done = asyncio.Event()

    async def read() -> int:
        seen, version = 0, 0
        while not done.is_set():
            row = await store.pool.fetchrow(
                "SELECT count(*) AS servers, max(version) FILTER (WHERE server_id = $1) AS version FROM server_view",
                ids["bought"],
            )
            assert row is not None
            assert row["servers"] == servers
            assert row["version"] >= version
            version, seen = row["version"], seen + 1
        return seen

    async def write() -> None:
        while not done.is_set():
            await append_to(store, ids["bought"], operated("reboot"))
            await catch_up(store)

    readers, writer = [asyncio.create_task(read()) for _ in range(2)], asyncio.create_task(write())
    for _ in range(3):
        await rebuild(worker, database_url)
    done.set()
    await writer
    assert min(await asyncio.gather(*readers)) > 0


async def test_the_swap_waits_for_a_long_reader_without_blocking_others(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await everything(store)
    await catch_up(store)
    monkeypatch.setattr(rebuilding, "RETRY_SECONDS", 0.01)
    tried = asyncio.Event()
    swap = rebuilding._swap

    async def watched(*arguments: object) -> None:
        try:
            await swap(*arguments)  # type: ignore[arg-type]
        except asyncpg.LockNotAvailableError:
            tried.set()
            raise

    monkeypatch.setattr(rebuilding, "_swap", watched)
    async with store.pool.acquire() as reader:
        async with reader.transaction():
            await reader.fetch("SELECT * FROM server_view")
            swapping = asyncio.create_task(rebuild(worker, database_url))
            await asyncio.wait_for(tried.wait(), 30)
            assert await asyncio.wait_for(store.pool.fetchval("SELECT count(*) FROM server_view"), 10) == 3
            assert not swapping.done()
        await asyncio.wait_for(swapping, 30)
