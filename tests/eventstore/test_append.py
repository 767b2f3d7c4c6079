"""Appending: versions, the guard, claims, and what is kept beside the log."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from domain.account.events import MemberAdded
from domain.server import events as e
from eventstore.bulk import append_chunk
from eventstore.database import Connection
from eventstore.store import ClaimLost, Conflict, Entry, EventStore, NotFirstWrite, Wake, append
from tests.given import META, account, created, entries, happened, plan, requested

pytestmark = pytest.mark.pg

PAUSED = e.PowerObserved(power="paused")


async def test_what_was_appended_is_read_back(store: EventStore) -> None:
    events = created()
    id = await happened(store, events)
    read = await store.read_stream(id)
    assert [record.event for record in read] == events
    assert [record.version for record in read] == list(range(1, len(events) + 1))
    assert all(record.meta == META and record.at.tzinfo is not None for record in read)


async def test_a_stream_can_be_read_from_a_version(store: EventStore) -> None:
    events = created()
    id = await happened(store, events)
    last = len(events)
    assert [record.version for record in await store.read_stream(id, after=last - 2)] == [last - 1, last]


async def test_who_comes_second_is_told(store: EventStore) -> None:
    id = await happened(store, [requested()])
    with pytest.raises(Conflict):
        await happened(store, [PAUSED], id)
    assert len(await store.read_stream(id)) == 1


async def test_of_many_at_once_one_wins(store: EventStore) -> None:
    id = uuid4()
    results = await asyncio.gather(*(happened(store, [requested()], id) for _ in range(8)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Conflict"] * 7 + ["UUID"]


async def test_an_append_of_several_streams_is_all_or_nothing(store: EventStore) -> None:
    known, new = await happened(store, [requested()]), uuid4()
    with pytest.raises(Conflict):
        await store.append([*entries(new, [requested()]), *entries(known, [requested()])])
    assert await store.read_stream(new) == []


async def test_an_append_must_be_the_first_write_of_its_transaction(store: EventStore) -> None:
    for first in ("INSERT INTO login_attempt VALUES ('x', 1, now())", "SELECT * FROM log FOR UPDATE"):
        async with store.pool.acquire() as connection:
            with pytest.raises(NotFirstWrite):
                await written_late(connection, store, first)
    assert await store.pool.fetchval("SELECT count(*) FROM event") == 0
    assert await store.pool.fetchval("SELECT count(*) FROM event_private") == 0


async def written_late(connection: Connection, store: EventStore, first: str) -> None:
    async with connection.transaction():
        await connection.execute(first)
        await append(connection, store.codec, entries(uuid4(), [requested()]))


async def test_a_read_before_the_append_does_no_harm(store: EventStore) -> None:
    async with store.pool.acquire() as connection, connection.transaction():
        await connection.fetch("SELECT * FROM log")
        await append_chunk(connection, entries(uuid4(), [requested()]))
    assert await store.pool.fetchval("SELECT count(*) FROM event") == 1


async def test_claims_are_written_with_the_events_or_neither_is(store: EventStore) -> None:
    first, second = uuid4(), uuid4()

    async def promised(connection: Connection) -> None:
        await connection.execute("INSERT INTO vmid VALUES ('demo', 100, $1, 'owned')", first)

    async def refused(connection: Connection) -> None:
        await connection.execute("INSERT INTO vmid VALUES ('demo', 100, $1, 'owned')", second)

    await store.append(entries(first, [requested()]), claims=promised)
    with pytest.raises(ClaimLost) as lost:
        await store.append(entries(second, [requested()]), [Wake(second, "server")], claims=refused)
    assert lost.value.constraint == "vmid_pkey"
    assert await store.read_stream(second) == []
    assert await store.pool.fetchval("SELECT count(*) FROM outbox") == 0


@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        ("address_once", "INSERT INTO address VALUES ('10.0.0.1', $1, tstzrange(now(), NULL))"),
        ("node_promise_fits", "INSERT INTO node_promise VALUES (CAST($1::uuid AS text), 'pve1', 10, 11)"),
        ("login_name_pkey", "INSERT INTO login_name VALUES ('a@example.com', $1)"),
    ],
)
async def test_a_lost_claim_names_its_constraint(store: EventStore, constraint: str, statement: str) -> None:
    async def take(connection: Connection) -> None:
        await connection.execute(statement, uuid4())

    if constraint != "node_promise_fits":
        await store.append(entries(uuid4(), [requested()]), claims=take)
    with pytest.raises(ClaimLost) as lost:
        await store.append(entries(uuid4(), [requested()]), claims=take)
    assert lost.value.constraint == constraint


async def test_personal_data_is_not_in_the_log(store: EventStore) -> None:
    id = await happened(store, [account()])
    data = await store.pool.fetchval("SELECT data::text FROM event")
    row = await store.pool.fetchrow("SELECT stream_id, version, subject_id, data::text FROM event_private")
    assert row is not None
    assert "Ada" not in data
    assert "ada@example.com" in row["data"]
    assert (row["stream_id"], row["version"], row["subject_id"]) == (id, 1, id)


async def test_erased_personal_data_reads_as_erased(store: EventStore) -> None:
    id = await happened(store, [account()])
    await store.pool.execute("DELETE FROM event_private WHERE subject_id = $1", id)
    (record,) = await store.read_stream(id)
    assert (record.event.name, record.event.email, record.event.profile) == ("(erased)", "(erased)", {})
    assert record.event.members == account().members


async def test_personal_data_without_a_subject_is_refused(store: EventStore) -> None:
    with pytest.raises(ValueError, match="subject_id"):
        await store.append([Entry(uuid4(), 1, account(), META)])


async def test_events_without_personal_data_need_no_subject(store: EventStore) -> None:
    await store.append(
        [Entry(uuid4(), 1, plan(), META), Entry(uuid4(), 1, MemberAdded(user_id=uuid4(), role="owner"), META)]
    )
    assert await store.pool.fetchval("SELECT count(*) FROM event_private") == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET data = '{}'",
        "UPDATE event SET version = version WHERE false",
        "DELETE FROM event",
        "TRUNCATE event",
        "INSERT INTO event (stream_id, version, type, schema_v, data, meta) SELECT stream_id, version, type, schema_v,"
        " data, meta FROM event ON CONFLICT (stream_id, version) DO UPDATE SET type = 'x'",
    ],
)
async def test_the_database_refuses_to_change_events(store: EventStore, statement: str) -> None:
    await happened(store, [requested()])
    with pytest.raises(asyncpg.RestrictViolationError, match="events are never changed"):
        await store.pool.execute(statement)


async def test_a_wake_belongs_to_the_append(store: EventStore) -> None:
    id, other = uuid4(), uuid4()
    position = await store.append(entries(id, [requested()]), [Wake(id, "server"), Wake(other, "server")])
    (row,) = await store.pool.fetch("SELECT stream_id, category, tx, pos, token FROM outbox")
    assert tuple(row) == (id, "server", *position, None)
