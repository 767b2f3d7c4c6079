"""Gathered appends: fewer transactions, and still every caller gets the truth about its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from domain.registry import EVENTS
from domain.server import events as e
from eventstore.coalescer import Coalescer
from eventstore.codec import Codec
from eventstore.database import Connection, DatabaseUnavailable
from eventstore.positions import Position
from eventstore.store import Conflict, EventStore, Name, Wake
from tests.eventstore.proxy import Proxy
from tests.given import entries, requested

pytestmark = pytest.mark.pg

CODEC = Codec(EVENTS)
PAUSED = e.PowerObserved(power="paused")


@pytest.fixture(params=[1, 2])
async def coalescer(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Coalescer]:
    async with Coalescer(database_url, CODEC, lanes=request.param) as opened:
        yield opened


async def written(store: EventStore) -> dict[UUID, int]:
    rows = await store.pool.fetch("SELECT stream_id, count(*) AS events FROM event GROUP BY stream_id")
    return {row["stream_id"]: row["events"] for row in rows}


async def transactions(store: EventStore) -> int:
    count: int = await store.pool.fetchval("SELECT count(DISTINCT tx) FROM event")
    return count


async def test_appends_at_once_share_transactions(coalescer: Coalescer, store: EventStore) -> None:
    ids = [uuid4() for _ in range(100)]
    await asyncio.gather(*(coalescer.append(entries(id, [requested(), PAUSED])) for id in ids))
    assert await written(store) == dict.fromkeys(ids, 2)
    assert await transactions(store) < 20


async def test_everybody_learns_a_position_that_covers_their_events(coalescer: Coalescer, store: EventStore) -> None:
    ids = [uuid4() for _ in range(20)]
    positions = await asyncio.gather(*(coalescer.append(entries(id, [requested()])) for id in ids))
    for id, position in zip(ids, positions, strict=True):
        (record,) = await store.read_stream(id)
        assert record.tx == position.tx
        assert Position(record.tx, record.pos) <= position


async def test_wakes_come_with_their_events(coalescer: Coalescer, store: EventStore) -> None:
    ids = [uuid4() for _ in range(5)]
    await asyncio.gather(*(coalescer.append(entries(id, [requested()]), [Wake(id, "server")]) for id in ids))
    assert {row["stream_id"] for row in await store.pool.fetch("SELECT stream_id FROM outbox")} == set(ids)


async def test_names_come_with_their_events(coalescer: Coalescer, store: EventStore) -> None:
    named = {uuid4(): uuid4() for _ in range(5)}
    writes = [coalescer.write(entries(id, [requested()]), names=[Name(name, id)]) for name, id in named.items()]
    await asyncio.gather(*writes)
    rows = await store.pool.fetch("SELECT operation_id, stream_id FROM operation_stream")
    assert {row["operation_id"]: row["stream_id"] for row in rows} == named


async def test_a_name_that_another_has_is_a_conflict(coalescer: Coalescer, store: EventStore) -> None:
    name, first, second = uuid4(), uuid4(), uuid4()
    await coalescer.write(entries(first, [requested()]), names=[Name(name, first)])
    with pytest.raises(Conflict):
        await coalescer.write(entries(second, [requested()]), names=[Name(name, second)])
    assert await written(store) == {first: 1}


async def test_one_conflict_among_many_is_one_callers_alone(coalescer: Coalescer, store: EventStore) -> None:
    known = uuid4()
    await coalescer.append(entries(known, [requested()]))
    ids = [uuid4() for _ in range(10)]
    appends = [coalescer.append(entries(id, [requested()])) for id in [*ids[:5], known, *ids[5:]]]
    results = await asyncio.gather(*appends, return_exceptions=True)
    assert [index for index, result in enumerate(results) if isinstance(result, Conflict)] == [5]
    assert await written(store) == dict.fromkeys([*ids, known], 1)


async def test_values_the_database_refuses_are_one_callers_alone(coalescer: Coalescer, store: EventStore) -> None:
    fine, bad = [uuid4() for _ in range(4)], uuid4()
    appends = [coalescer.append(entries(id, [requested()])) for id in fine]
    appends.append(coalescer.append(entries(bad, [requested()], after=-5)))  # versions begin at 1
    results = await asyncio.gather(*appends, return_exceptions=True)
    assert [type(result) for result in results[:4]] == [Position] * 4
    assert isinstance(results[4], Exception)
    assert set(await written(store)) == set(fine)


async def test_an_event_that_cannot_be_encoded_never_reaches_the_others(
    coalescer: Coalescer, store: EventStore
) -> None:
    fine = uuid4()
    anonymous = [replace(entry, subject_id=None) for entry in entries(uuid4(), [requested()])]
    results = await asyncio.gather(
        coalescer.append(entries(fine, [requested()])), coalescer.append(anonymous), return_exceptions=True
    )
    assert isinstance(results[1], ValueError)
    assert await written(store) == {fine: 1}


async def test_appends_to_one_stream_follow_each_other(database_url: str, store: EventStore) -> None:
    id = uuid4()
    async with Coalescer(database_url, CODEC) as coalescer:
        appends = [coalescer.append(entries(id, [PAUSED if n else requested()], after=n)) for n in range(5)]
        await asyncio.gather(*appends)
    assert await written(store) == {id: 5}
    assert await transactions(store) == 5


async def test_of_two_with_the_same_version_one_wins(coalescer: Coalescer, store: EventStore) -> None:
    id = uuid4()
    appends = (coalescer.append(entries(id, [requested(uuid4())])) for _ in range(2))
    results = await asyncio.gather(*appends, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "Position"]


async def test_a_caller_that_gives_up_takes_nobody_along(coalescer: Coalescer, store: EventStore) -> None:
    ids = [uuid4() for _ in range(10)]
    tasks = [asyncio.create_task(coalescer.append(entries(id, [requested()]))) for id in ids]
    await asyncio.sleep(0)
    tasks[3].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for n, result in enumerate(results) if n != 3] == [Position] * 9
    assert set(ids) - set(await written(store)) <= {ids[3]}


async def test_batches_with_the_same_streams_in_any_order_all_get_through(database_url: str, store: EventStore) -> None:
    ids = [uuid4() for _ in range(30)]
    async with Coalescer(database_url, CODEC) as one, Coalescer(database_url, CODEC) as two:
        appends = [one.append(entries(id, [requested(uuid4())])) for id in ids]
        appends += [two.append(entries(id, [requested(uuid4())])) for id in reversed(ids)]
        results = await asyncio.gather(*appends, return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Conflict"] * 30 + ["Position"] * 30
    assert await written(store) == dict.fromkeys(ids, 1)


async def test_a_lost_answer_is_looked_up(database_url: str, store: EventStore) -> None:
    async with Proxy(database_url) as proxy, Coalescer(proxy.url, CODEC) as coalescer:
        await coalescer.append(entries(uuid4(), [requested()]))
        ids = [uuid4() for _ in range(5)]
        proxy.lose_next_answer()
        async with asyncio.timeout(30):
            positions = await asyncio.gather(*(coalescer.append(entries(id, [requested(), PAUSED])) for id in ids))
        assert proxy.lost == 1
    for id, position in zip(ids, positions, strict=True):
        records = await store.read_stream(id)
        assert [record.version for record in records] == [1, 2]
        assert position >= Position(records[-1].tx, records[-1].pos)


async def test_after_a_lost_answer_a_conflict_with_others_is_still_one(database_url: str, store: EventStore) -> None:
    id = uuid4()
    await store.append(entries(id, [requested(uuid4())]))
    async with Proxy(database_url) as proxy, Coalescer(proxy.url, CODEC) as coalescer:
        await coalescer.append(entries(uuid4(), [requested()]))
        proxy.lose_next_answer()
        with pytest.raises(Conflict):
            await coalescer.append(entries(id, [requested(uuid4())]))
        assert proxy.lost == 1


async def test_a_database_that_is_away_is_said_so() -> None:
    async with Coalescer("postgresql://nobody@127.0.0.1:1/none", CODEC, patience=0.1) as coalescer:
        with pytest.raises(DatabaseUnavailable):
            await coalescer.append(entries(uuid4(), [requested()]))


async def test_the_store_appends_through_it(coalescer: Coalescer, store: EventStore) -> None:
    through = EventStore(store.pool, CODEC, coalescer)
    ids = [uuid4() for _ in range(30)]
    await asyncio.gather(*(through.append(entries(id, [requested()])) for id in ids))
    assert await transactions(store) < 15


@pytest.mark.parametrize("claimed", [False, True])
@pytest.mark.parametrize("gathered", [False, True])
async def test_what_was_appended_comes_back_as_it_is_read(
    coalescer: Coalescer, store: EventStore, gathered: bool, claimed: bool
) -> None:
    """Times, places and private parts too, whoever else appends at the same moment."""
    through = EventStore(store.pool, CODEC, coalescer) if gathered else store

    async def claims(connection: Connection) -> None:
        await connection.execute("SELECT 1")

    ids = [uuid4() for _ in range(10)]
    told = await asyncio.gather(
        *(through.record(entries(id, [requested(), PAUSED]), claims=claims if claimed else None) for id in ids)
    )
    assert told == [await store.read_stream(id) for id in ids]
    assert told[0][0].event.name == requested().name


async def test_what_was_appended_comes_back_although_its_answer_was_lost(database_url: str, store: EventStore) -> None:
    id = uuid4()
    async with Proxy(database_url) as proxy, Coalescer(proxy.url, CODEC) as coalescer:
        through = EventStore(store.pool, CODEC, coalescer)
        await through.append(entries(uuid4(), [requested()]))
        proxy.lose_next_answer()
        told = await through.record(entries(id, [requested(), PAUSED]))
        assert proxy.lost == 1
    assert told == await store.read_stream(id)
