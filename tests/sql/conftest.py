"""Both servers the schema must work on: the embedded one, and the oldest that is supported."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.postgres import Postgres

OLDEST = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="session")
def oldest() -> Iterator[Postgres]:
    """PostgreSQL 15 as Debian has it."""
    if not (OLDEST / "postgres").exists():
        pytest.skip(f"PostgreSQL 15 is not installed in {OLDEST}: install the package postgresql-15")
    folder = Path(tempfile.mkdtemp(prefix="hostler-test-"))
    folder.chmod(0o755)  # the server runs as another user when the tests run as root
    server = Postgres(folder / "pg", binaries=OLDEST, unsafe=True)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["embedded", "oldest"])
def server(request: pytest.FixtureRequest) -> Postgres:
    """Each of the two in turn."""
    found: Postgres = request.getfixturevalue("postgres" if request.param == "embedded" else "oldest")
    return found
