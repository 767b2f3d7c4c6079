"""The log folded in shares, by several processes at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from eventstore.database import Connection, connect
from eventstore.positions import Position
from eventstore.store import EventStore
from eventstore.tail import end_of_log
from projector import rebuild as rebuilding
from projector import share as sharing
from projector.loop import catch_up
from projector.poison import Parked
from projector.rebuild import rebuild
from projector.share import Share, ShareLost, fold_shares, shares
from projector.streams import FIRST, LAST
from tests.given import happened, requested
from tests.projector.stories import dump, everything

pytestmark = pytest.mark.pg


@pytest.fixture
async def worker(database_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await connect(database_url)
    yield connection
    await connection.close()


async def cut(connection: Connection, upto: Position) -> list[Share]:
    """A share for each of the first two streams, and one for all others."""
    rows = await connection.fetch("SELECT DISTINCT stream_id FROM event ORDER BY 1 LIMIT 2")
    edges = [FIRST, *(row["stream_id"] for row in rows), LAST]
    return [Share(upto, edges[n], edges[n + 1]) for n in range(3)]


async def test_shares_make_the_same_views_as_one(
    store: EventStore,
    worker: asyncpg.Connection[asyncpg.Record],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await everything(store)
    await catch_up(store)
    before = await dump(store.pool)
    monkeypatch.setattr(rebuilding, "shares", cut)
    assert await rebuild(worker, database_url) == await store.pool.fetchval("SELECT count(*) FROM event")
    assert await dump(store.pool) == before


async def test_a_log_of_many_pages_is_cut_at_streams(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(300):
        await happened(store, [requested(labels={"fill": "x" * 7000})])
    monkeypatch.setattr(sharing, "WORTH", 1)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(3))
    upto = await end_of_log(store.pool)
    found = [await shares(worker, upto) for _ in range(20)]
    assert max(map(len, found)) > 1  # which pages are sampled is chance
    for parts in found:
        assert (parts[0].after, parts[-1].last) == (FIRST, LAST)
        assert [part.last for part in parts[:-1]] == [part.after for part in parts[1:]]
        assert all(part.after < part.last for part in parts)


async def test_an_event_that_no_process_can_fold_is_named(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record], database_url: str
) -> None:
    id = await happened(store, [requested()])
    await store.pool.execute(
        "INSERT INTO event (stream_id, version, type, schema_v, data, meta)"
        " SELECT stream_id, 2, type, schema_v, '{}', meta FROM event"
    )
    upto = await end_of_log(store.pool)
    halves = [Share(upto, FIRST, UUID(int=1)), Share(upto, UUID(int=1), LAST)]
    with pytest.raises(Parked, match=f"version 2 of stream {id}"):
        await fold_shares(database_url, worker, halves)


async def test_a_process_that_fails_fails_the_whole(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record]
) -> None:
    await happened(store, [requested()])
    upto = await end_of_log(store.pool)
    halves = [Share(upto, FIRST, UUID(int=1)), Share(upto, UUID(int=1), LAST)]
    with pytest.raises(ShareLost, match="ended with code 1"):
        await fold_shares("postgresql://nobody@127.0.0.1:1/none", worker, halves)
