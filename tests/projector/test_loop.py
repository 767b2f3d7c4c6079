"""The live projection: events become rows, once, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from domain.account.events import Member, MemberAdded
from domain.server.evolve import fold
from domain.server.state import Operation, Server
from eventstore import snapshot
from eventstore.database import Pool, connect
from eventstore.store import EventStore
from projector import write
from projector.loop import Fenced, OtherCode, Projection, catch_up
from projector.poison import Parked
from projector.tables import LIVE
from projector.views import tables
from tests.given import (
    account,
    adopted,
    created,
    entries,
    happened,
    imported,
    one_by_one,
    operated,
    plan,
    requested,
    user,
)

pytestmark = pytest.mark.pg


async def server_row(pool: Pool, id: UUID) -> asyncpg.Record:
    row = await pool.fetchrow("SELECT * FROM server_view WHERE server_id = $1", id)
    assert row is not None
    return row


async def dump(pool: Pool) -> dict[str, list[tuple[Any, ...]]]:
    rows = {}
    for table in tables():
        found = await pool.fetch(f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)}")
        rows[table.name] = [tuple(row) for row in found]
    return rows


async def poison(pool: Pool, stream_id: UUID, version: int, type: str, data: str, schema_v: int = 1) -> None:
    """What no codec of ours writes."""
    await pool.execute(
        "INSERT INTO event (stream_id, version, type, schema_v, data, meta) VALUES ($1, $2, $3, $4, $5, $6)",
        stream_id,
        version,
        type,
        schema_v,
        data,
        '{"actor": {"type": "system"}}',
    )


async def test_a_view_row_is_the_folded_stream(store: EventStore) -> None:
    events = created()
    id = await happened(store, events)
    await catch_up(store)
    row = await server_row(store.pool, id)
    folded = fold(None, await store.read_stream(id))
    assert snapshot.decode(Server, row["state"]) == folded
    assert folded is not None
    assert (row["status"], row["vmid"], row["power"], row["version"]) == ("running", 10_000_000, "running", len(events))
    assert row["search"] == "web-1 10.99.0.100"


async def test_every_operation_of_a_server_keeps_its_row(store: EventStore) -> None:
    first, second = uuid4(), uuid4()
    id = await happened(store, [*created(first), *operated("reboot", second)])
    await catch_up(store)
    rows = await store.pool.fetch("SELECT * FROM operation_view WHERE server_id = $1 ORDER BY version", id)
    assert [(row["operation_id"], row["type"], row["status"]) for row in rows] == [
        (first, "create", "succeeded"),
        (second, "reboot", "succeeded"),
    ]
    assert snapshot.decode(Operation, rows[1]["state"]).version == rows[1]["version"]


async def test_accounts_members_users_and_the_catalogue_have_rows(store: EventStore) -> None:
    new = UUID(int=31)
    id = await happened(store, [account(), MemberAdded(user_id=new, role="viewer")])
    await happened(store, [user()])
    await happened(store, [plan(), plan(name="S2", listed=False)])
    await catch_up(store)
    members = await store.pool.fetch("SELECT user_id, role FROM member_view WHERE account_id = $1 ORDER BY 1", id)
    assert [tuple(row) for row in members] == [(UUID(int=30), "owner"), (new, "viewer")]
    assert await store.pool.fetchval("SELECT email FROM user_view") == "ada@example.com"
    assert await store.pool.fetchval("SELECT state->'declared'->>'name' FROM catalogue_view WHERE NOT listed") == "S2"


async def test_a_member_who_left_loses_the_row(store: EventStore) -> None:
    id = await happened(store, [account()])
    await catch_up(store)
    await happened(store, [account(members=[Member(user_id=UUID(int=99), role="owner")])], id, after=1)
    await catch_up(store)
    assert await store.pool.fetchval("SELECT array_agg(user_id) FROM member_view") == [UUID(int=99)]


@pytest.mark.parametrize("page", [1, 3, 1000])
async def test_the_size_of_pages_does_not_show(store: EventStore, page: int) -> None:
    await lives(store, 5)
    await catch_up(store)
    expected = await dump(store.pool)
    await forget(store.pool)
    projection = Projection(store.codec, page=page)
    async with store.pool.acquire() as connection:
        while await projection.step(connection):
            pass
    assert await dump(store.pool) == expected


async def test_copied_pages_write_the_same_rows_as_small_ones(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lives(store, 5)
    await catch_up(store)
    expected = await dump(store.pool)
    await forget(store.pool)
    monkeypatch.setattr(write, "SMALL", 0)
    await catch_up(store)
    assert await dump(store.pool) == expected
    await store.pool.execute("UPDATE checkpoint SET tx = '0', pos = 0")
    await catch_up(store)
    assert await dump(store.pool) == expected


async def test_an_older_row_never_replaces_a_newer_one(store: EventStore) -> None:
    id = await happened(store, created())
    await catch_up(store)
    await store.pool.execute("UPDATE server_view SET version = 1000, name = 'newer'")
    await happened(store, operated("stop"), id, after=len(created()))
    await catch_up(store)
    assert (await server_row(store.pool, id))["name"] == "newer"


async def test_a_second_runner_is_fenced_and_writes_nothing(store: EventStore) -> None:
    id = await happened(store, [requested()])
    slow, fast = Projection(store.codec), Projection(store.codec)
    async with store.pool.acquire() as one, store.pool.acquire() as two:
        position = await slow._checkpoint(one)
        rows = await slow._settled.read(one, position, 10)
        assert await fast.step(two)
        await store.pool.execute("UPDATE server_view SET name = 'by the fast one'")
        with pytest.raises(Fenced):
            await slow._project(one, position, rows)
    assert (await server_row(store.pool, id))["name"] == "by the fast one"


async def test_views_of_another_code_version_are_not_touched(store: EventStore) -> None:
    await happened(store, [requested()])
    await catch_up(store)
    await store.pool.execute("UPDATE checkpoint SET code_v = code_v - 1")
    with pytest.raises(OtherCode, match="hostler-replay rebuild"):
        await catch_up(store)


async def test_a_type_of_a_newer_version_is_skipped(store: EventStore) -> None:
    id = await happened(store, [requested()])
    await poison(store.pool, id, 2, "server.sang", "{}")
    await poison(store.pool, id, 3, "server.power_observed", '{"power": "running"}', schema_v=99)
    await happened(store, [adopted(power="stopped")], id, after=3)
    await catch_up(store)
    row = await server_row(store.pool, id)
    assert (row["version"], row["power"]) == (4, "stopped")


async def test_the_projection_parks_before_an_event_it_cannot_read(store: EventStore) -> None:
    before = await happened(store, [requested()])
    await poison(store.pool, before, 2, "server.power_observed", '{"power": "singing"}')
    after = await happened(store, [requested()])
    with pytest.raises(Parked, match=r"'server\.power_observed' version 2 of stream"):
        await catch_up(store)
    assert (await server_row(store.pool, before))["version"] == 1
    assert await store.pool.fetchval("SELECT count(*) FROM server_view WHERE server_id = $1", after) == 0


async def test_the_projection_parks_before_values_the_database_refuses(store: EventStore) -> None:
    fine = await happened(store, [imported()])
    await happened(store, [imported(), adopted(vmid=2**40)])
    with pytest.raises(Parked, match=r"'server\.adopted'"):
        await catch_up(store)
    assert (await server_row(store.pool, fine))["status"] == "unlinked"


async def test_who_waits_for_the_views_is_told(store: EventStore, database_url: str) -> None:
    rung = asyncio.Event()
    listener = await connect(database_url)
    await listener.add_listener("hostler_views", lambda *_: rung.set())
    await happened(store, [requested()])
    await catch_up(store)
    await asyncio.wait_for(rung.wait(), 10)
    await listener.close()


async def test_catching_up_waits_for_a_foreign_transaction_no_longer_than_needed(store: EventStore) -> None:
    async with store.pool.acquire() as foreign, foreign.transaction():
        await foreign.execute("SELECT pg_current_xact_id()")
        id = await happened(store, [requested()])
        await asyncio.wait_for(catch_up(store), 10)
        assert (await server_row(store.pool, id))["version"] == 1


async def test_table_descriptions_match_the_database(store: EventStore) -> None:
    for table in tables():
        rows = await store.pool.fetch(
            "SELECT attname, format_type(atttypid, NULL) AS type FROM pg_attribute"
            " WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            table.name,
        )
        names = {"timestamp with time zone": "timestamptz"}
        assert {row["attname"]: names.get(row["type"], row["type"]) for row in rows} == table.columns


async def lives(store: EventStore, count: int) -> None:
    """Some servers, interleaved, and everything else there is."""
    streams: list[tuple[UUID, Sequence[Any]]] = [(uuid4(), [*created(), *operated("stop")]) for _ in range(count)]
    for n in range(max(len(events) for _, events in streams)):
        await store.append([entry for id, events in streams for entry in entries(id, events)[n : n + 1]])
    await happened(store, [imported(), adopted()])
    await happened(store, [account(), account(members=[])])
    await one_by_one(store, uuid4(), [user(), user(name="Ada L.")])
    await happened(store, [plan(), plan(name="S2")])


async def forget(pool: Pool) -> None:
    for table in tables():
        await pool.execute(f"TRUNCATE {table.name}")
    await pool.execute("DELETE FROM checkpoint")


def test_live_tables_are_the_ones_readers_know() -> None:
    assert [LIVE.name(table) for table in tables()] == [
        "public.server_view",
        "public.operation_view",
        "public.drift_view",
        "public.account_view",
        "public.member_view",
        "public.user_view",
        "public.catalogue_view",
    ]
