"""Many WHMCS databases on one MariaDB, and imports of them without a process of their own."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

from testbed import unprivileged
from testbed.whmcs import load, mariadb
from testbed.whmcs.mariadb import Account, Server
from testbed.whmcs.world import World
from whmcs_import.__main__ import main

MAPPING = Path(load.__file__).with_name("mapping.yaml")


class _Everywhere(Account):
    """An account with its privileges in every database."""

    def statements(self, database: str) -> list[str]:
        return super().statements("*")


@dataclass(frozen=True, slots=True)
class Shop:
    """One database: `dsn` may only read."""

    server: Server
    owner: Account
    reader: Account
    name: str

    @property
    def dsn(self) -> str:
        return self.server.dsn(self.reader, self.name)

    @property
    def owner_dsn(self) -> str:
        return self.server.dsn(self.owner, self.name)

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """What the last statement answers."""
        connection = mariadb.connect(self.server.port, self.owner, self.name)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                rows = list(cursor.fetchall())
            connection.commit()
            return rows
        finally:
            connection.close()


class Shops:
    """The server; `open` makes one more database on it."""

    def __init__(self, server: Server, owner: Account, reader: Account):
        self._server = server
        self._owner = owner
        self._reader = reader
        self._numbers = count(1)

    @contextmanager
    def open(self, world: World, schema: str) -> Iterator[Shop]:
        """A database of *schema* with the rows of *world*, gone afterwards."""
        shop = Shop(self._server, self._owner, self._reader, f"shop_{next(self._numbers)}")
        connection = mariadb.connect(self._server.port, self._owner, "")
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {shop.name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
                cursor.execute(f"USE {shop.name}")
                load.insert(connection, world, load.create_tables(connection, schema, world))
                yield shop
                cursor.execute(f"DROP DATABASE {shop.name}")
        finally:
            connection.close()


@contextmanager
def running() -> Iterator[Shops]:
    """A MariaDB of this test process alone."""
    home = Path(tempfile.mkdtemp(prefix="hostler-shops-"))
    home.chmod(0o711)
    data = unprivileged.home_for(home / "mariadb")
    owner = _Everywhere("owner", secrets.token_hex(8), "ALL PRIVILEGES")
    reader = _Everywhere("reader", secrets.token_hex(8), "SELECT")
    try:
        mariadb.install(data, unsafe=True)
        with mariadb.running(data, mariadb.free_port(), "whmcs", [owner, reader], settings=mariadb.UNSAFE) as server:
            yield Shops(server, owner, reader)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def run(shop: Shop, database_url: str, folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """`whmcs-import` in this process: its exit code, and its report as far as it came to one."""
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    usual = ["--source", shop.dsn, "--mapping", str(MAPPING), "--report", str(report), "--quiet"]
    outer = {name: value for name, value in os.environ.items() if not name.startswith("HOSTLER_")}
    before = signal.getsignal(signal.SIGTERM)
    try:
        with mock.patch.dict(os.environ, {**outer, "HOSTLER_DATABASE_URL": database_url}, clear=True):
            code = main([*usual, *arguments])
    finally:
        signal.signal(signal.SIGTERM, before)
    return code, json.loads(report.read_text()) if report.exists() else {}
