"""The log read stream by stream: whatever is in it and however it arrives, it is what the log holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from domain.account.events import AccountOpened
from eventstore.database import Pool, connect
from eventstore.store import EventStore, LogRow
from eventstore.tail import end_of_log
from projector.loop import catch_up
from projector.rebuild import rebuild
from projector.streams import Cutter, streams
from tests.given import created, happened, requested
from tests.projector.stories import append_to, dump, everything

pytestmark = pytest.mark.pg
NAMES = [
    r"C:\new\table",
    "tab\there",
    "two\nlines",
    'a "quoted" one',
    "Zoë 🐧",
    "\x7f\u2028",
    r"\N",
    r"\.",
    "\r\n",
    "\\",
]
ROWS = """
SELECT e.stream_id, e.version, e.tx, e.pos, e.type, e.schema_v, e.at, e.data, e.meta, p.data AS private
  FROM event e LEFT JOIN event_private p USING (stream_id, version) ORDER BY e.stream_id, e.version"""


@pytest.fixture
async def worker(database_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await connect(database_url, timezone="Asia/Kathmandu", datestyle="German")
    yield connection
    await connection.close()


async def read(worker: asyncpg.Connection[asyncpg.Record], pool: Pool) -> list[list[LogRow]]:
    """The pages `streams` gives."""
    pages: list[list[LogRow]] = []
    async with worker.transaction(readonly=True):
        await streams(worker, await end_of_log(pool), pages.append)
    return pages


async def test_every_event_comes_once_as_it_was_written(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record]
) -> None:
    await everything(store)
    for name in NAMES:
        await happened(store, [requested(name=name, labels={name: name}), *created()[1:]])
    rows = [row for page in await read(worker, store.pool) for row in page]
    assert [dict(row) for row in rows] == [dict(row) for row in await store.pool.fetch(ROWS)]


async def test_a_rebuild_keeps_every_character(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record], database_url: str
) -> None:
    for name in NAMES:
        await happened(store, [requested(name=name, labels={name: name})])
        await happened(store, [AccountOpened(name=name)])
    await catch_up(store)
    before = await dump(store.pool)
    assert await rebuild(worker, database_url) == 2 * len(NAMES)
    assert await dump(store.pool) == before


async def test_an_empty_log_has_no_streams(store: EventStore, worker: asyncpg.Connection[asyncpg.Record]) -> None:
    assert await read(worker, store.pool) == []


async def test_what_comes_after_the_position_is_left_out(
    store: EventStore, worker: asyncpg.Connection[asyncpg.Record]
) -> None:
    id = await happened(store, [requested()])
    end = await end_of_log(store.pool)
    await append_to(store, id, created()[1:])
    pages: list[list[LogRow]] = []
    async with worker.transaction(readonly=True):
        await streams(worker, end, pages.append)
    assert [[row["version"] for row in page] for page in pages] == [[1]]


@pytest.mark.parametrize("size", [1, 7, 100, 1000, 100_000])
async def test_a_stream_is_whole_however_it_is_cut(size: int) -> None:
    """Three streams of five events each, in pieces that respect neither lines nor characters."""
    ids = sorted(str(uuid4()) for _ in range(3))
    fields = "1\t2\tserver.x\t1\t2026-03-03 12:00:00.5+00\t{}\t{}\t{}"
    text = "".join(f"{id}\t{n}\t{fields.format(*[chr(34) + 'ë' + chr(34)] * 3)}\n" for id in ids for n in range(1, 6))
    pages: list[list[LogRow]] = []
    cutter, sent = Cutter(pages.append), text.encode()
    for at in range(0, len(sent), size):
        await cutter.feed(sent[at : at + size])
    cutter.finish()
    assert [(str(row["stream_id"]), row["version"]) for page in pages for row in page] == [
        (id, n) for id in ids for n in range(1, 6)
    ]
    assert all(page[0]["version"] == 1 and page[-1]["version"] == 5 for page in pages)
    assert {row["data"] for page in pages for row in page} == {'"ë"'}
