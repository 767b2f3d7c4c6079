"""A PostgreSQL server per test process, and a freshly migrated database per test."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from domain.registry import EVENTS
from eventstore.codec import Codec
from eventstore.database import Pool, open_pool
from eventstore.store import EventStore
from testbed.postgres import Postgres

TEMPLATE = "hostler_template"
REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever uses the server is marked as such, so that `scripts/test --quick` can leave it out."""
    for item in items:
        if "postgres" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.pg)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server of this test process alone: safe under xdist, gone when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="hostler-test-"))
    folder.chmod(0o755)  # the server runs as another user when the tests run as root
    server = Postgres(folder / "pg", unsafe=True)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(postgres: Postgres) -> str:
    """The name of a database with every change of the plan, that nobody is connected to. The changes are run in one
    session: what sqitch makes of them, without its process for each (tests/sql has sqitch deploy them).
    """
    _execute(postgres.url("postgres"), f"CREATE DATABASE {TEMPLATE}")
    plan = (REPOSITORY / "sqitch.plan").read_text().splitlines()
    changes = [line.split()[0] for line in plan if line and not line.startswith("%")]
    _execute(postgres.url(TEMPLATE), *((REPOSITORY / "deploy" / f"{name}.sql").read_text() for name in changes))
    return TEMPLATE


@pytest.fixture
def database_url(postgres: Postgres, template_database: str) -> Iterator[str]:
    """A migrated, empty database of this test alone."""
    yield from _database(postgres, f"TEMPLATE {template_database} STRATEGY FILE_COPY")


@pytest.fixture
def other_database_url(postgres: Postgres, template_database: str) -> Iterator[str]:
    """A second migrated, empty database."""
    yield from _database(postgres, f"TEMPLATE {template_database} STRATEGY FILE_COPY")


@pytest.fixture
def bare_database_url(postgres: Postgres) -> Iterator[str]:
    """A database without tables."""
    yield from _database(postgres)


def _database(postgres: Postgres, how: str = "") -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    _execute(postgres.url("postgres"), f"CREATE DATABASE {name} {how}")
    yield postgres.url(name)
    _execute(postgres.url("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A pool on this test's database."""
    opened = await open_pool(database_url)
    yield opened
    opened.terminate()


@pytest.fixture
def store(pool: Pool) -> EventStore:
    """The log of this test's database."""
    return EventStore(pool, Codec(EVENTS))


def _execute(url: str, *scripts: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            for script in scripts:
                await connection.execute(script)
        finally:
            await connection.close()

    asyncio.run(run())
