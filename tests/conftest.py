"""A PostgreSQL server per test process, and a freshly migrated database per test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from domain.registry import EVENTS
from eventstore.codec import Codec
from eventstore.database import Pool, open_pool
from eventstore.store import EventStore
from testbed.postgres import Postgres
from tests.databases import REPOSITORY, Databases

# Files that take a minute and more: workers that share the files out in this order end at about the same time.
SLOWEST = (
    *("tests/orchestrator/storm/test_storm.py", "tests/whmcs_import/test_import.py", "tests/service/test_openapi.py"),
    *("tests/testbed_qemu/test_guests.py", "tests/service/test_proxmox_admin.py", "tests/sql/test_migrations.py"),
    *("tests/hypervisor/test_contract_copies.py", "tests/hypervisor/test_contract.py"),
    *("tests/projector/test_replay.py", "tests/whmcs_import/test_command.py", "tests/service/test_program.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slowest files come first. Whatever uses the server is marked as such, so that `scripts/test --quick` can
    leave it out.
    """
    rank = {REPOSITORY / path: number for number, path in enumerate(SLOWEST)}
    items.sort(key=lambda item: rank.get(item.path, len(rank)))
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
def databases(postgres: Postgres) -> Databases:
    """The databases of the server, migrated without sqitch (tests/sql has sqitch deploy the changes)."""
    return Databases(postgres)


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated, empty database of this test alone."""
    with databases.lease() as url:
        yield url


@pytest.fixture
def other_database_url(databases: Databases) -> Iterator[str]:
    """A second migrated, empty database."""
    with databases.lease() as url:
        yield url


@pytest.fixture
def bare_database_url(databases: Databases) -> Iterator[str]:
    """A database without tables."""
    with databases.bare() as url:
        yield url


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
