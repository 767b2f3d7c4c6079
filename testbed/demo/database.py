"""What the demo itself asks PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from eventstore.queries import Queries
from testbed.postgres import Postgres

QUERIES = Queries("testbed.demo")
NAME = "hostler"


def create(server: Postgres) -> None:
    """Make the empty database, once."""
    if not _fetch(server.url("postgres"), QUERIES.database_exists, NAME)[0][0]:
        _fetch(server.url("postgres"), f"CREATE DATABASE {NAME}")


def login_exists(url: str, email: str) -> bool:
    """Whether somebody signs in with this address."""
    return bool(_fetch(url, QUERIES.login_exists, email)[0][0])


def servers_by_status(url: str) -> dict[str, int]:
    """How many servers stand how; nothing while the database is away."""
    try:
        return {row["status"]: row["number"] for row in _fetch(url, QUERIES.servers_by_status)}
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
        return {}


def imports_settled(url: str) -> bool:
    """Whether every imported server has been looked for on its cluster."""
    return bool(_fetch(url, QUERIES.unsettled_imports)[0][0] == 0)


def _fetch(url: str, statement: str, *arguments: Any) -> list[asyncpg.Record]:
    async def run() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url, timeout=5, server_settings={"application_name": "hostler-demo"})
        try:
            return await connection.fetch(statement, *arguments, timeout=5)
        finally:
            await connection.close()

    return asyncio.run(run())
