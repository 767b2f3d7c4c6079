"""The check finds every difference between the log and what was derived from it, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from domain.server import events as e
from eventstore.database import connect
from eventstore.store import EventStore
from projector.check import check
from projector.loop import catch_up
from tests.given import happened, placed, requested
from tests.projector.stories import append_to, dump, everything

pytestmark = pytest.mark.pg


@pytest.fixture
async def checker(database_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await connect(database_url)
    yield connection
    await connection.close()


async def found(checker: asyncpg.Connection[asyncpg.Record]) -> list[str]:
    return [line async for line in check(checker, patience=0)]


async def test_views_and_claims_that_follow_from_the_log_differ_in_nothing(
    store: EventStore, checker: asyncpg.Connection[asyncpg.Record]
) -> None:
    await everything(store)
    await catch_up(store)
    assert await found(checker) == []


async def test_an_empty_log_differs_in_nothing(checker: asyncpg.Connection[asyncpg.Record]) -> None:
    assert await found(checker) == []


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        ("UPDATE server_view SET status = 'paused' WHERE vmid = 101", 'status is "paused", the log says "running"'),
        (
            "UPDATE server_view SET state = jsonb_set(state::jsonb, '{name}', '\"x\"') WHERE vmid = 101",
            'state.name is "x"',
        ),
        ("UPDATE server_view SET state = state::jsonb WHERE vmid = 101", "the stored state is written differently"),
        ("DELETE FROM operation_view WHERE type = 'create' AND status = 'succeeded'", "missing, the log says"),
        ("INSERT INTO member_view VALUES (gen_random_uuid(), gen_random_uuid(), 'owner')", "nothing in the log"),
        ("DELETE FROM member_view", "00000000-0000-0000-0000-00000000001e: missing"),
        ("UPDATE catalogue_view SET listed = false", "listed is false, the log says true"),
        ("UPDATE user_view SET email = 'eve@example.com'", 'email is "eve@example.com"'),
        ("UPDATE vmid SET state = 'owned' WHERE state = 'released'", "the log claims demo 10000001"),
        ("INSERT INTO vmid VALUES ('demo', 555, gen_random_uuid(), 'owned')", "vmid: the table claims demo 555"),
        ("DELETE FROM address WHERE address = '203.0.113.10'", "address: the log claims 203.0.113.10"),
        ("UPDATE address SET during = tstzrange(lower(during), NULL)", "address: the log claims 10.99.0.101"),
        ("UPDATE memory_promise SET memory_mib = 1", "demo pve1 2048, the table does not"),
        ("UPDATE capacity_promise SET amount = 1", "cpu/demo/pve1 2, the table does not"),
        ("DELETE FROM maintenance", "maintenance: the log claims demo pve2"),
        ("DELETE FROM cluster_mode", "cluster_mode: the log claims demo observe"),
        ("DELETE FROM operation_stream", "operation_stream: the log claims"),
        ("DELETE FROM source_key WHERE entity = 'client'", "source_key: the log claims whmcs client 3"),
    ],
)
async def test_damage_is_found(
    store: EventStore, checker: asyncpg.Connection[asyncpg.Record], damage: str, expected: str
) -> None:
    await everything(store)
    await catch_up(store)
    await store.pool.execute(damage)
    lines = await found(checker)
    assert any(expected in line for line in lines), lines


async def test_burned_vmids_are_nobodys(store: EventStore, checker: asyncpg.Connection[asyncpg.Record]) -> None:
    operation = uuid4()
    id = await happened(store, [requested(operation), placed(operation, vmid=10_000_005)])
    await append_to(store, id, [placed(operation, vmid=10_000_006)])
    await catch_up(store)
    await store.pool.execute("INSERT INTO vmid VALUES ('demo', 10000005, NULL, 'burned')")
    await store.pool.execute("INSERT INTO vmid VALUES ('demo', 10000006, $1, 'owned')", id)
    await store.pool.execute("INSERT INTO address VALUES ('10.99.0.100', $1, tstzrange(now(), NULL))", id)
    await store.pool.execute("INSERT INTO memory_promise VALUES ($1, 'demo', 'pve1', 2048)", id)
    await store.pool.execute("INSERT INTO capacity_promise VALUES ($1, $1, 'cpu/demo/pve1', 2)", id)
    await store.pool.execute("INSERT INTO operation_stream VALUES ($1, $2)", operation, id)
    assert await found(checker) == []


async def test_views_that_are_behind_are_named_and_compared_where_they_stand(
    store: EventStore, checker: asyncpg.Connection[asyncpg.Record]
) -> None:
    ids = await everything(store)
    await catch_up(store)
    await append_to(store, ids["bought"], [e.PowerObserved(power="paused")])
    (line,) = await found(checker)
    assert "is hostler-projector running?" in line


async def test_erased_personal_data_must_leave_the_views(
    store: EventStore, checker: asyncpg.Connection[asyncpg.Record]
) -> None:
    await everything(store)
    await catch_up(store)
    await store.pool.execute("DELETE FROM event_private")
    assert any('name is "web-1", the log says "(erased)"' in line for line in await found(checker))


async def test_a_check_changes_nothing(store: EventStore, checker: asyncpg.Connection[asyncpg.Record]) -> None:
    await everything(store)
    await catch_up(store)
    await store.pool.execute("UPDATE server_view SET name = 'wrong'")
    before = await dump(store.pool), await schemas(store)
    await found(checker)
    assert (await dump(store.pool), await schemas(store)) == before


async def schemas(store: EventStore) -> list[UUID]:
    return [row["nspname"] for row in await store.pool.fetch("SELECT nspname FROM pg_namespace ORDER BY 1")]
