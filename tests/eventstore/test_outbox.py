"""Wakes: one per stream, leased, never lost, never done twice by two holders at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4

import asyncpg
import pytest

from domain.server import events as e
from eventstore import outbox
from eventstore.database import Connection, connect
from eventstore.outbox import Lease
from eventstore.positions import Position
from eventstore.store import EventStore, Wake
from tests.given import entries, requested

pytestmark = pytest.mark.pg

PAUSED = e.PowerObserved(power="paused")


@pytest.fixture
async def worker(database_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await connect(database_url, synchronous_commit="off")
    yield connection
    await connection.close()


async def woken(store: EventStore, id: UUID | None = None, after: int = 0) -> Position:
    id = id or uuid4()
    return await store.append(entries(id, [PAUSED if after else requested()], after=after), [Wake(id, "server")])


async def claim_one(worker: Connection) -> Lease:
    (lease,) = await outbox.claim(worker, ["server"], 10)
    return lease


async def expire(store: EventStore) -> None:
    await store.pool.execute("UPDATE outbox SET due = now() - interval '1 second'")


async def row(store: EventStore) -> asyncpg.Record | None:
    return await store.pool.fetchrow("SELECT *, due <= now() AS is_due FROM outbox")


async def test_a_wake_is_claimed_once(store: EventStore, worker: Connection) -> None:
    position = await woken(store)
    lease = await claim_one(worker)
    assert (lease.category, lease.position, lease.attempts) == ("server", position, 1)
    assert await outbox.claim(worker, ["server"], 10) == []


async def test_only_own_categories_are_claimed(store: EventStore, worker: Connection) -> None:
    await woken(store)
    assert await outbox.claim(worker, ["import"], 10) == []
    assert await outbox.next_due(worker, ["import"]) is None
    assert await outbox.next_due(worker, ["server", "import"]) == 0


async def test_many_claim_at_once_and_nobody_the_same(store: EventStore) -> None:
    for _ in range(30):
        await woken(store)

    async def claim() -> list[Lease]:
        async with store.pool.acquire() as connection:
            return await outbox.claim(connection, ["server"], 7)

    leases = [lease for claimed in await asyncio.gather(*(claim() for _ in range(6))) for lease in claimed]
    assert len(leases) == len({lease.stream_id for lease in leases}) == 30


async def test_the_oldest_wake_comes_first(store: EventStore, worker: Connection) -> None:
    first = await woken(store)
    second = await woken(store)
    (one,) = await outbox.claim(worker, ["server"], 1)
    (two,) = await outbox.claim(worker, ["server"], 1)
    assert (one.position, two.position) == (first, second)


async def test_a_finished_wake_is_gone(store: EventStore, worker: Connection) -> None:
    position = await woken(store)
    await outbox.finish(store.pool, await claim_one(worker), position)
    assert await row(store) is None


async def test_an_append_during_the_lease_makes_the_stream_due_again(store: EventStore, worker: Connection) -> None:
    id = uuid4()
    handled = await woken(store, id)
    lease = await claim_one(worker)
    later = await woken(store, id, after=1)
    assert await outbox.claim(worker, ["server"], 10) == []
    await outbox.finish(store.pool, lease, handled)
    again = await claim_one(worker)
    assert (again.position, again.attempts) == (later, 1)


async def test_an_append_during_the_lease_that_was_handled_too_is_done(store: EventStore, worker: Connection) -> None:
    id = uuid4()
    await woken(store, id)
    lease = await claim_one(worker)
    later = await woken(store, id, after=1)
    await outbox.finish(store.pool, lease, later)
    assert await row(store) is None


async def test_a_postponed_wake_is_due_later(store: EventStore, worker: Connection) -> None:
    position = await woken(store)
    await outbox.postpone(store.pool, await claim_one(worker), position, 60)
    assert await outbox.claim(worker, ["server"], 10) == []
    seconds = await outbox.next_due(worker, ["server"])
    assert seconds is not None
    assert 50 < seconds <= 60


async def test_an_append_wakes_a_postponed_stream_at_once(store: EventStore, worker: Connection) -> None:
    id = uuid4()
    position = await woken(store, id)
    await outbox.postpone(store.pool, await claim_one(worker), position, 60)
    await woken(store, id, after=1)
    assert await outbox.next_due(worker, ["server"]) == 0


async def test_an_append_during_the_lease_undoes_the_postponement(store: EventStore, worker: Connection) -> None:
    id = uuid4()
    handled = await woken(store, id)
    lease = await claim_one(worker)
    await woken(store, id, after=1)
    await outbox.postpone(store.pool, lease, handled, 60)
    assert await outbox.next_due(worker, ["server"]) == 0


async def test_attempts_count_until_there_is_progress(store: EventStore, worker: Connection) -> None:
    position = await woken(store)
    for attempt in (1, 2, 3):
        lease = await claim_one(worker)
        assert lease.attempts == attempt
        await outbox.postpone(store.pool, lease, position, 0, error="refused", progress=False)
    found = await row(store)
    assert found is not None
    assert (found["error"], found["attempts"]) == ("refused", 3)
    await outbox.postpone(store.pool, await claim_one(worker), position, 0)
    assert (await claim_one(worker)).attempts == 1


async def test_a_lease_that_ran_out_goes_to_another_and_the_first_holder_can_do_nothing(
    store: EventStore, worker: Connection
) -> None:
    position = await woken(store)
    first = await claim_one(worker)
    await expire(store)
    second = await claim_one(worker)
    assert second.token != first.token
    assert not await outbox.extend(store.pool, first)
    await outbox.finish(store.pool, first, position)
    await outbox.postpone(store.pool, first, position, 0)
    found = await row(store)
    assert found is not None
    assert (found["token"], found["is_due"]) == (second.token, False)


async def test_a_lease_can_be_kept(store: EventStore, worker: Connection) -> None:
    await woken(store)
    lease = await claim_one(worker)
    await expire(store)
    assert await outbox.extend(store.pool, lease)
    assert await outbox.claim(worker, ["server"], 10) == []


async def test_a_made_up_token_is_worth_nothing(store: EventStore, worker: Connection) -> None:
    position = await woken(store)
    lease = await claim_one(worker)
    await outbox.finish(store.pool, replace(lease, token=uuid4()), position)
    assert await row(store) is not None
