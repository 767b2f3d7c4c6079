"""A PostgreSQL for one test alone, migrated, that may be killed: it keeps what it has promised."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from testbed.postgres import Postgres
from tests.databases import deploy


@contextmanager
def own_server() -> Iterator[Postgres]:
    """The server, with the schema in its database `postgres`; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="hostler-test-"))
    folder.chmod(0o755)  # the server runs as another user when the tests run as root
    server = Postgres(folder / "pg")
    server.start()
    try:
        with psycopg.connect(server.url("postgres")) as connection:
            deploy(connection)
        yield server
    finally:
        if server.alive():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
