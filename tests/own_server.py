"""A PostgreSQL for one test alone, migrated, that may be killed: it keeps what it has promised."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.command.migrate import deploy
from testbed.postgres import Postgres


@contextmanager
def own_server() -> Iterator[Postgres]:
    """The server, with the schema in its database `postgres`; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="hostler-test-"))
    folder.chmod(0o755)  # the server runs as another user when the tests run as root
    server = Postgres(folder / "pg")
    server.start()
    try:
        deploy(server.url("postgres"), path=f"{server.binaries}:{os.environ['PATH']}")
        yield server
    finally:
        if server.alive():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
