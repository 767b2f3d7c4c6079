"""The schema goes up, down and up again, and is the same as before; on every supported server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from domain.registry import EVENTS
from eventstore.codec import Codec
from eventstore.database import NEWEST_CHANGE, NotMigrated, check_migrated, connect, open_pool
from eventstore.store import EventStore
from projector.check import check
from projector.loop import catch_up
from projector.rebuild import rebuild
from testbed.postgres import Postgres
from tests.projector.stories import dump, everything

pytestmark = pytest.mark.pg

REPOSITORY = Path(__file__).resolve().parents[2]
PLAN = [line.split()[0] for line in (REPOSITORY / "sqitch.plan").read_text().splitlines() if line and line[0] != "%"]


@pytest.fixture
async def empty(server: Postgres) -> AsyncIterator[str]:
    """A database without anything in it."""
    name = f"test_{uuid4().hex}"
    await administer(server, f"CREATE DATABASE {name}")
    yield server.url(name)
    await administer(server, f"DROP DATABASE {name} WITH (FORCE)")


async def administer(server: Postgres, statement: str) -> None:
    connection = await asyncpg.connect(server.url("postgres"))
    await connection.execute(statement)
    await connection.close()


def sqitch(url: str, server: Postgres, *command: str) -> str:
    parts = urlsplit(url)
    environment = os.environ | {
        "PGPASSWORD": parts.password or "",
        "PATH": f"{server.binaries}:{os.environ['PATH']}",
        "SQITCH_FULLNAME": "Hostler",
        "SQITCH_EMAIL": "hostler@example.invalid",
    }
    target = f"db:pg://{parts.username}@{parts.hostname}:{parts.port}{parts.path}"
    done = subprocess.run(
        ["sqitch", *command, target], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def schema(url: str) -> list[tuple[str, ...]]:
    """Every object of ours: what it is, its name, its definition."""
    connection = await connect(url)
    rows = await connection.fetch(
        "SELECT 'column' AS kind, attrelid::regclass || '.' || attname AS name,"
        "       format_type(atttypid, atttypmod) || ' ' || attnotnull AS definition FROM pg_attribute a"
        "  JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'public'::regnamespace AND attnum > 0"
        " UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)"
        "  FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        " UNION ALL SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
        "    AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
        " UNION ALL SELECT 'default privileges', defaclobjtype::text, defaclacl::text FROM pg_default_acl"
        " ORDER BY 1, 2, 3"
    )
    await connection.close()
    return [tuple(row) for row in rows]


async def test_deploy_verify_revert_deploy_and_everything_works(empty: str, server: Postgres) -> None:
    sqitch(empty, server, "deploy", "--verify")
    first = await schema(empty)
    assert "Verify successful" in sqitch(empty, server, "verify")
    sqitch(empty, server, "revert", "-y")
    assert await schema(empty) == []
    sqitch(empty, server, "deploy", "--verify")
    assert await schema(empty) == first
    await the_log_its_views_and_their_rebuild_work(empty)


async def test_a_half_deployed_database_counts_as_not_migrated(database_url: str) -> None:
    connection = await connect(database_url)
    function = await connection.fetchval("SELECT to_regproc($1) IS NOT NULL", NEWEST_CHANGE)
    kind = "FUNCTION" if function else "TABLE"  # of an index, too
    await connection.execute(f"ALTER {kind} {NEWEST_CHANGE} RENAME TO gone")
    with pytest.raises(NotMigrated, match="hostler-admin migrate"):
        await check_migrated(connection)
    await connection.close()


def test_the_newest_change_is_the_last_of_the_plan() -> None:
    assert PLAN[-1] == NEWEST_CHANGE


async def test_the_reading_role_reads_and_writes_nothing(database_url: str) -> None:
    connection = await connect(database_url)
    await connection.execute("SET ROLE hostler_reader")
    assert await connection.fetchval("SELECT count(*) FROM event") == 0
    for statement in ("INSERT INTO login_attempt VALUES ('x', 1, now())", "CREATE TABLE t ()", "DELETE FROM outbox"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


async def the_log_its_views_and_their_rebuild_work(url: str) -> None:
    pool = await open_pool(url)
    store = EventStore(pool, Codec(EVENTS))
    await everything(store)
    await catch_up(store)
    before, names = await dump(pool), await schema(url)
    connection = await connect(url)
    await rebuild(connection, url)
    assert (await dump(pool), await schema(url)) == (before, names)
    assert [line async for line in check(connection, patience=0)] == []
    await connection.close()
    pool.terminate()
