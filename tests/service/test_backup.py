"""A backup holds all that cannot be built anew; what is restored from it is what it was made of, or nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from eventstore.database import Pool, open_pool
from eventstore.store import Entry, Name
from projector.check import check
from projector.views import tables as views
from runtime.ids import new_id
from runtime.settings import Settings
from service.command.archive import BadArchive
from service.command.backup import LEFT_OUT, backup, tables
from service.command.restore import CannotRestore, Restored, restore
from service.deps import opened
from testbed.postgres import Postgres
from tests.given import created
from tests.service.test_archive import lose_a_row, write_otherwise
from tests.service.world import PASSWORD, SYSTEM, Person, World

pytestmark = pytest.mark.pg
Back = Callable[..., Any]


@pytest.fixture
async def file(world: World, as_ann: httpx.AsyncClient, order: Back, tmp_path: Path) -> Path:
    """A backup of an installation in which a customer has ordered a server."""
    answer = await as_ann.post("/v1/servers", json=order(), headers={"Idempotency-Key": "once"})
    assert answer.status_code == 202
    await world.project()
    async with world.store.pool.acquire() as connection:
        await backup(connection, tmp_path / "backup")
    return tmp_path / "backup"


@pytest.fixture
def back(other_database_url: str, settings: Settings, postgres: Postgres) -> Back:
    """Restore a file into the second database."""

    async def run(file: Path, *, url: str = other_database_url, replace_all: bool = False) -> Restored:
        search = f"{postgres.binaries}:{os.environ['PATH']}"
        return await restore(url, file, settings.config, replace_all=replace_all, search=search)

    return run


@pytest.fixture
async def other(other_database_url: str) -> AsyncIterator[Pool]:
    """Connections to the second database that are no program's of Hostler."""
    opened = await asyncpg.create_pool(other_database_url, min_size=0, server_settings={"application_name": "test"})
    yield opened
    opened.terminate()


async def contents(pool: Pool) -> dict[str, list[Any]]:
    """Every row that a backup has to hold, in words that are the same in both databases."""
    async with pool.acquire() as connection:
        told = ("event", "outbox", "destroy_guard", "effects_switch")
        kept = [table for table in await tables(connection) if table.name not in told]
        rows = {t.name: await connection.fetch(f"SELECT t::text FROM {t.name} t ORDER BY 1") for t in kept}
        columns = "stream_id, version, type, schema_v, data::text, meta::text, at"
        rows["event"] = await connection.fetch(f"SELECT {columns} FROM event ORDER BY tx, pos")
        rows["outbox"] = await connection.fetch("SELECT stream_id, category FROM outbox ORDER BY 1")
    return {name: [tuple(row) for row in found] for name, found in rows.items()}


async def test_what_is_restored_is_what_was_backed_up(world: World, file: Path, back: Back, other: Pool) -> None:
    """But the order that was under way waits for staff."""
    before = await contents(world.store.pool)
    done = await back(file)
    after = await contents(other)
    *events, restored, held = after.pop("event")
    assert (done.held, done.events, held[2]) == (1, len(events), "server.attention_raised")
    assert restored[2] == "installation.restored"
    assert len(after["event_private"]) == len(before["event_private"]) + 1  # who restored it
    after["event_private"] = before["event_private"]
    assert after.pop("vmid") == [("(demo,10009999,,burned)",)]
    assert after | {"event": events, "vmid": []} == before
    assert before["idempotency_key"]
    assert before["event_private"]
    *places, told, last = await other.fetch("SELECT tx::text, pos FROM event ORDER BY tx, pos")
    assert [tuple(place) for place in places] == [("1", n) for n in range(1, done.events + 1)]
    assert (told["pos"], last["pos"]) == (done.events + 1, done.events + 2)
    assert await other.fetchval("SELECT log_id FROM log") == done.log_id != await world.store.log_id()


async def test_people_sign_in_again_and_see_what_they_had(
    file: Path, back: Back, ann: Person, tmp_path: Path, other_database_url: str
) -> None:
    await back(file)
    environment = {"HOSTLER_DATABASE_URL": other_database_url, "HOSTLER_CONFIG": str(tmp_path / "hostler.toml")}
    async with opened(Settings(environment)) as deps, World(deps, other_database_url).anonymous() as client:
        answer = await client.post("/v1/login", json={"email": ann.email, "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        (server,) = (await client.get("/v1/servers")).json()["data"]
        operation = (await client.get(f"/v1/operations/{server['current_operation']}")).json()
    assert (server["name"], operation["status"], operation["error"]["code"]) == ("web-1", "needs_attention", "restored")


async def test_views_and_claims_of_a_restored_log_are_what_it_says(file: Path, back: Back, other: Pool) -> None:
    await back(file)
    async with other.acquire() as connection:
        assert [line async for line in check(connection, patience=0)] == []  # before any program runs


async def test_a_database_without_tables_gets_those_of_the_backup(
    file: Path, back: Back, bare_database_url: str
) -> None:
    done = await back(file, url=bare_database_url)
    pool = await open_pool(bare_database_url)
    try:
        assert await pool.fetchval("SELECT count(*) FROM event") == done.events + 2
    finally:
        pool.terminate()


async def test_what_happens_during_a_backup_is_in_it_whole_or_not_at_all(world: World, tmp_path: Path) -> None:
    """Tables are copied one after the other, while the programs go on."""
    store, first = world.store, await world.store.pool.fetchval("SELECT count(*) FROM event")

    async def create() -> None:
        id, operation = new_id(), new_id()
        entries = [Entry(id, n, event, SYSTEM, id) for n, event in enumerate(created(operation), 1)]
        await store.append(entries, names=[Name(operation, id)])

    async def go_on() -> None:
        while not (tmp_path / "backup").exists():
            await create()

    async with asyncio.TaskGroup() as group, store.pool.acquire() as connection:
        await create()
        group.create_task(go_on())
        rows, _ = await backup(connection, tmp_path / "backup")
    assert rows["event"] - first == len(created()) * rows["operation_stream"]


async def test_a_database_that_is_not_empty_is_left_as_it_is(file: Path, back: Back, other: Pool) -> None:
    await back(file)
    await other.execute("UPDATE effects_switch SET paused = true")
    before = await contents(other)
    with pytest.raises(CannotRestore, match="not empty"):
        await back(file)
    assert await contents(other) == before
    await back(file, replace_all=True)
    assert not await other.fetchval("SELECT paused FROM effects_switch")
    with pytest.raises(asyncpg.RestrictViolationError):
        await other.execute("DELETE FROM event")


async def test_programs_must_be_stopped(file: Path, back: Back, other_database_url: str) -> None:
    running = await open_pool(other_database_url, application="hostler-projector")
    try:
        with pytest.raises(CannotRestore, match="in use by hostler-projector"):
            await back(file)
    finally:
        running.terminate()


async def test_a_backup_that_lacks_something_restores_nothing(file: Path, back: Back, other: Pool) -> None:
    before = await contents(other)
    lose_a_row(file)
    with pytest.raises(BadArchive, match="rows are missing"):
        await back(file)
    assert await contents(other) == before


@pytest.mark.parametrize(("schema", "said"), [("what_comes_later", "newer version"), ("event", "schema event")])
async def test_a_backup_of_another_schema_is_refused(file: Path, back: Back, schema: str, said: str) -> None:
    write_otherwise(schema=schema)(file)
    with pytest.raises(CannotRestore, match=said):
        await back(file)


async def test_a_backup_is_never_written_over_another_one(world: World, file: Path) -> None:
    async with world.store.pool.acquire() as connection:
        with pytest.raises(FileExistsError):
            await backup(connection, file)


async def test_every_table_is_backed_up_or_known_not_to_be(world: World) -> None:
    """Whoever adds a table has it backed up without a word; one that is left out says why."""
    async with world.store.pool.acquire() as connection:
        kept = {table.name for table in await tables(connection)}
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        references = await connection.fetch(
            "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint"
        )
        counted = await connection.fetch("SELECT attrelid::regclass::text FROM pg_attribute WHERE attidentity <> ''")
    assert {row["tablename"] for row in rows} == kept | set(LEFT_OUT) | {table.name for table in views()}
    assert kept.isdisjoint(LEFT_OUT)
    assert [row for row in references if row[0] in kept and row[1] in LEFT_OUT] == []
    assert [row[0] for row in counted] == ["event"]
