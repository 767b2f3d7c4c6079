"""The command line of `hostler-replay` and `hostler-projector`, run as programs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from domain.registry import EVENTS
from eventstore.codec import Codec
from eventstore.database import open_pool
from eventstore.store import EventStore
from projector.loop import catch_up
from testbed.postgres import Postgres
from tests.given import created, happened, operated, requested
from tests.own_server import own_server
from tests.projector.stories import append_to, everything

pytestmark = pytest.mark.pg


def environment(url: str | None) -> dict[str, str]:
    rest = {name: value for name, value in os.environ.items() if not name.startswith("HOSTLER_")}
    return rest | ({"HOSTLER_DATABASE_URL": url} if url else {})


@asynccontextmanager
async def program(module: str, url: str | None, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program while it runs; killed at the end if it still does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        env=environment(url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def replay(url: str | None, *arguments: str) -> tuple[int | None, str, str]:
    """Exit code, stdout, stderr."""
    async with program("projector.replay", url, *arguments) as process:
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode, out.decode(), err.decode()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a state."""

    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110 - the state is in the database
            await asyncio.sleep(0.02)


async def test_check_says_so_when_nothing_differs_and_exits_1_otherwise(store: EventStore, database_url: str) -> None:
    await everything(store)
    await catch_up(store)
    assert await replay(database_url, "check") == (0, "no differences\n", "")
    await store.pool.execute("DELETE FROM user_view")
    code, out, _ = await replay(database_url, "check")
    assert (code, out.count("\n")) == (1, 2)
    assert out.endswith("1 difference\n")


async def test_rebuild_then_check(store: EventStore, database_url: str) -> None:
    await everything(store)
    code, out, _ = await replay(database_url, "rebuild")
    assert (code, out[:15]) == (0, "rebuilt 7 views")
    assert (await replay(database_url, "check"))[0] == 0


async def test_a_server_as_it_was(store: EventStore, database_url: str) -> None:
    id = await happened(store, created())
    then = await store.pool.fetchval("SELECT clock_timestamp()")
    await append_to(store, id, operated("stop"))

    async def at(time: datetime) -> tuple[int | None, Any, str]:
        code, out, err = await replay(database_url, "at", "--server", f"srv_{id.hex}", "--time", time.isoformat())
        return code, json.loads(out or "null"), err

    _, shown, _ = await at(then)
    assert (shown["server"]["version"], shown["operation"]["type"]) == (len(created()), "create")
    _, shown, _ = await at(then + timedelta(days=1))
    assert shown["operation"]["type"] == "stop"
    code, _, err = await at(then - timedelta(days=1))
    assert code == 1
    assert "did not exist at" in err


async def test_export_is_the_whole_log(store: EventStore, database_url: str) -> None:
    await everything(store)
    code, out, _ = await replay(database_url, "export")
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert len(events) == await store.pool.fetchval("SELECT count(*) FROM event")
    born = next(event for event in events if event["type"] == "server.requested")
    assert born["private"]["name"] == "web-1"
    assert born["data"]["plan"]["vcpus"] == 2
    assert born["subject_id"] == born["stream_id"]


async def test_tail_follows_without_personal_data(store: EventStore, database_url: str) -> None:
    id = await happened(store, [requested(), requested()])
    async with program("projector.replay", database_url, "tail", "-n", "1") as process:
        assert process.stdout is not None
        earlier = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        await append_to(store, id, [requested()])
        later = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    assert f"{id} 2 server.requested" in earlier
    assert f"{id} 3 server.requested" in later
    assert "web-1" not in later


@pytest.mark.parametrize("module", ["projector", "projector.replay"])
async def test_a_missing_setting_is_one_line(module: str) -> None:
    async with program(module, None, *(["check"] if module.endswith("replay") else [])) as process:
        _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert err.decode().splitlines()[-1].endswith("give postgresql://user:password@host:port/database")


@pytest.mark.parametrize("module", ["projector", "projector.replay"])
async def test_a_database_that_is_not_migrated_is_one_line(postgres: Postgres, module: str) -> None:
    url = postgres.url("postgres")
    async with program(module, url, *(["check"] if module.endswith("replay") else [])) as process:
        _, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    assert "the database is not migrated: run `hostler-admin migrate`" in err.decode()


@pytest.mark.parametrize("command", ["rebuild", "check"])
async def test_an_event_that_cannot_be_read_is_one_line(store: EventStore, database_url: str, command: str) -> None:
    id = await happened(store, [requested()])
    await catch_up(store)
    await store.pool.execute(
        "INSERT INTO event (stream_id, version, type, schema_v, data, meta) VALUES"
        ' ($1, 2, \'server.power_observed\', 1, \'{"power": 1}\', \'{"actor": {"type": "system"}}\')',
        id,
    )
    await store.pool.execute("UPDATE checkpoint SET (tx, pos) = (SELECT max(tx), max(pos) FROM event)")
    code, _, err = await replay(database_url, command)
    assert (code, len(err.splitlines())) == (1, 1)
    assert f"'server.power_observed' version 2 of stream {id}" in err
    assert (await store.pool.fetchval("SELECT count(*) FROM server_view")) == 1


async def test_an_unreachable_database_is_one_line() -> None:
    code, out, err = await replay("postgresql://nobody@127.0.0.1:1/none", "check")
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert "127.0.0.1:1" in err


async def test_a_time_without_a_zone_is_refused(database_url: str) -> None:
    code, _, err = await replay(database_url, "at", "--server", "srv_" + "0" * 32, "--time", "2026-03-03T14:05:00")
    assert code == 2
    assert "has no zone" in err


async def test_the_projector_follows_and_stops_on_sigterm(store: EventStore, database_url: str) -> None:
    async with program("projector", database_url) as process:
        id = await happened(store, created())
        await until(lambda: is_at(store, id, len(created())))
        await append_to(store, id, operated("stop"))
        await until(lambda: is_at(store, id, len(created()) + len(operated("stop"))))
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_a_second_projector_takes_over(store: EventStore, database_url: str) -> None:
    async with program("projector", database_url) as first, program("projector", database_url):
        id = await happened(store, [requested()])
        await until(lambda: is_at(store, id, 1))
        first.kill()
        await first.wait()
        await append_to(store, id, operated("stop"))
        await until(lambda: is_at(store, id, 6))


async def test_the_projector_survives_losing_its_connections(store: EventStore, database_url: str) -> None:
    async with program("projector", database_url) as process:
        id = await happened(store, [requested()])
        await until(lambda: is_at(store, id, 1))
        ended = await store.pool.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert ended >= 2
        await append_again(store, id)
        await until(lambda: is_at(store, id, 6))
        assert process.returncode is None


async def test_the_projector_survives_a_crash_of_the_server() -> None:
    with own_server() as server:
        url = server.url("postgres")
        async with program("projector", url) as process, opened(url) as store:
            id = await happened(store, [requested()])
            await until(lambda: is_at(store, id, 1))
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
            await append_again(store, id)
            await until(lambda: is_at(store, id, 6))
            assert process.returncode is None


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[EventStore]:
    pool = await open_pool(url)
    yield EventStore(pool, Codec(EVENTS))
    pool.terminate()


async def append_again(store: EventStore, id: Any) -> None:
    """Append through connections that may have died: those of the pool are replaced one by one."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await append_to(store, id, operated("stop"))
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await asyncio.sleep(0.02)


async def is_at(store: EventStore, id: Any, version: int) -> bool:
    return bool(await store.pool.fetchval("SELECT version FROM server_view WHERE server_id = $1", id) == version)
