"""A WHMCS with its sample, and a way to run the import as its users do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest

from testbed.whmcs import sample
from tests.testbed_whmcs.running import Testbed, spawn
from tests.whmcs_import import shops
from tests.whmcs_import.shops import Shops

ROOT = Path(__file__).parents[2]
MAPPING = ROOT / "testbed" / "whmcs" / "mapping.yaml"
Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
# Of this database: others on the same server have locks of their own.
LOCKS = (
    "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
    " WHERE locktype = 'advisory' AND d.datname = current_database() AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of the command said."""

    code: int
    stdout: str
    stderr: str

    @property
    def report(self) -> dict[str, Any]:
        """The report, of a run with `--format json`."""
        read: dict[str, Any] = json.loads(self.stdout)
        return read

    def counts(self, entity: str) -> tuple[int, int, int]:
        """How many rows were created, updated, unchanged."""
        tally = self.report["entities"][entity]
        return tally["create"], tally["update"], tally["unchanged"]


async def until_held(database: Database, importing: subprocess.Popen[str]) -> None:
    """An import waits for the lock that a test holds."""
    while not await database.fetchval(f"{LOCKS} AND NOT granted"):
        assert importing.poll() is None, importing.communicate()


async def until_gone(database: Database) -> None:
    """A killed import's session holds its own lock until its server process notices."""
    while await database.fetchval(LOCKS):
        pass


@dataclass(frozen=True, slots=True)
class Importer:
    """The command with its usual arguments."""

    source: str
    database_url: str
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: str) -> list[str]:
        usual = ["--source", self.source, "--mapping", str(MAPPING), "--format", "json", "--quiet"]
        return [sys.executable, "-m", "whmcs_import", *usual, *arguments]

    @property
    def environ(self) -> dict[str, str]:
        outer = {name: value for name, value in os.environ.items() if not name.startswith("HOSTLER_")}
        return {**outer, "HOSTLER_DATABASE_URL": self.database_url, **self.environment}

    def run(self, *arguments: str) -> Run:
        done = subprocess.run(
            self.command(*arguments), cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False
        )
        return Run(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=ROOT,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture(scope="session")
def whmcs() -> Iterator[Testbed]:
    """A WHMCS with its sample; do not change it."""
    running = spawn("--cases", "demo")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def shops_server() -> Iterator[Shops]:
    """A MariaDB for as many databases as tests want."""
    with shops.running() as server:
        yield server


@pytest.fixture
def changing(shops_server: Shops, whmcs: Testbed) -> Iterator[Testbed]:
    """A WHMCS of this test alone."""
    with shops_server.open(sample.make(sample.SEED, 5), "v8.3") as shop:
        yield Testbed(whmcs.process, {"dsn": shop.owner_dsn, "readonly_dsn": shop.dsn})


@pytest.fixture(scope="session")
def truth(whmcs: Testbed) -> dict[str, Any]:
    """What a right import makes of the sample."""
    read: dict[str, Any] = json.loads(Path(whmcs.ready["truth"]).read_text())
    return read


@pytest.fixture
def importer(whmcs: Testbed, database_url: str) -> Importer:
    """The command on the sample and this test's database."""
    return Importer(whmcs.ready["readonly_dsn"], database_url)


@pytest.fixture
def importer_of(database_url: str) -> Callable[[Testbed], Importer]:
    """The command on some WHMCS and this test's database."""
    return lambda testbed: Importer(testbed.ready["readonly_dsn"], database_url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection to this test's database."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def before_8() -> Callable[[Testbed], None]:
    """Make a WHMCS one from before there were users: clients sign in, and so does one contact of the first of them."""

    def age(testbed: Testbed) -> None:
        for sql in (
            "UPDATE tblclients c JOIN tblusers_clients m ON m.client_id = c.id AND m.owner = 1"
            " JOIN tblusers u ON u.id = m.auth_user_id SET c.password = u.password",
            "DROP TABLE tblusers",
            "DROP TABLE tblusers_clients",
            "DELETE FROM tblcontacts",
            "INSERT IGNORE INTO tblcontacts (userid, email, subaccount, password, permissions)"
            " SELECT min(id), 'sub@example.net', 1, MD5('let me in'), 'products,tickets' FROM tblclients",
            "INSERT IGNORE INTO tblcontacts (userid, email, subaccount)"
            " SELECT min(id), 'plain@example.net', 0 FROM tblclients",
        ):
            testbed.rows(sql, "dsn")

    return age
