"""Connections to PostgreSQL: a pool for statements, single connections for listening and leases."""

from __future__ import annotations

from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

NEWEST_CHANGE = "event_decision"  # the last object of sqitch.plan: there only when every change is deployed


class DatabaseUnavailable(Exception):
    """PostgreSQL cannot be reached; the message names where and why."""


class NotMigrated(Exception):
    """The database lacks Hostler's tables; run `hostler-admin migrate`."""


# What a connection raises that went away, in the middle of whatever it was doing. asyncpg tells of some ends as errors
# of its own state machine (InternalClientError): a statement that was sent just as the server's last word came in.
LOST: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    DatabaseUnavailable,
)
# The same, and whatever else PostgreSQL refuses: for loops that try again in any case.
FAILED: tuple[type[Exception], ...] = (*LOST, asyncpg.PostgresError)


async def _no_reset(connection: Any) -> None:
    """Statements on pool connections leave nothing behind (no SET, no LISTEN, no session locks): nothing to reset."""


async def connect(url: str, **settings: str) -> asyncpg.Connection[asyncpg.Record]:
    """One connection.

    Raises:
        DatabaseUnavailable: PostgreSQL did not answer or refused.
    """
    try:
        return await asyncpg.connect(url, timeout=10, server_settings={"application_name": "hostler", **settings})
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, ValueError) as error:
        raise DatabaseUnavailable(f"PostgreSQL at {_place(url)} cannot be used: {error or 'timed out'}") from error


async def open_pool(url: str, *, size: int = 10, application: str = "hostler") -> Pool:
    """A pool whose database has been migrated.

    Raises:
        DatabaseUnavailable: PostgreSQL did not answer or refused.
        NotMigrated: tables are missing.
    """
    connection = await connect(url)
    try:
        await check_migrated(connection)
    finally:
        await connection.close()
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        timeout=10,
        command_timeout=60,
        reset=_no_reset,
        server_settings={"application_name": application, "idle_in_transaction_session_timeout": "60000"},
    )


async def is_migrated(source: Connection | Pool, seconds: float | None = None) -> bool:
    """Whether the newest relation, or function, is there, asked for so many seconds at most."""
    newest = "SELECT coalesce(to_regclass($1)::oid, to_regproc($1)::oid)"
    return await source.fetchval(newest, NEWEST_CHANGE, timeout=seconds) is not None


async def check_migrated(connection: Connection) -> None:
    """Make sure that it is.

    Raises:
        NotMigrated: it is not.
    """
    if not await is_migrated(connection):
        raise NotMigrated("the database is not migrated: run `hostler-admin migrate`")


def _place(url: str) -> str:
    return url.rsplit("@", 1)[-1]
