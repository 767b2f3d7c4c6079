"""The database an import writes to: what it holds already, read without being able to write."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from eventstore import database
from eventstore.database import Connection
from eventstore.queries import Queries
from whmcs_import.planning.plan import Earlier

SQL = Queries("whmcs_import")
READER = "hostler_reader"
CHOSEN = {"server.renamed": "name", "server.plan_changed": "plan", "server.image_changed": "image"}


class TargetError(Exception):
    """PostgreSQL cannot be used; the message is one line that names the mend."""


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection to a migrated database, closed on the way out.

    Raises:
        TargetError: it cannot be reached, is not migrated, or fails on the way.
    """
    try:
        # Mapping may take a minute, during which the reading transaction rests.
        connection = await database.connect(url, idle_in_transaction_session_timeout="0")
        try:
            await database.check_migrated(connection)
            yield connection
        finally:
            await connection.close()
    except (database.DatabaseUnavailable, database.NotMigrated) as error:
        raise TargetError(str(error)) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise TargetError(f"PostgreSQL did not go on ({error}): run again, nothing is imported twice") from None


@asynccontextmanager
async def reading(connection: Connection) -> AsyncIterator[None]:
    """One transaction that can only read, under a role that can only read.

    Raises:
        TargetError: the role is missing or may not be used.
    """
    try:
        await connection.execute(f"SET ROLE {READER}")
    except asyncpg.PostgresError as error:
        raise TargetError(f"the role {READER} cannot be used ({error}): run `hostler-admin migrate`") from None
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield
    finally:
        await connection.execute("RESET ROLE")


async def lock(source: str, first: Connection, second: Connection | None = None) -> None:
    """Make this the only import of the source until both connections have ended: what a killed one still writes is
    nothing to begin beside.

    Raises:
        TargetError: another one runs.
    """
    locked = await first.fetchval(SQL.try_lock, source)
    if not locked or not await (second or first).fetchval(SQL.try_lock, f"{source}:second"):
        raise TargetError(f"another import of {source!r} is running: wait until it ends")


async def earlier(connection: Connection, source: str) -> Earlier:
    """What earlier runs left, and who signs in here."""
    keys = await connection.fetch(SQL.source_keys, source)
    return Earlier(
        {(row["entity"], row["source_id"]): row["content_hash"] for row in keys},
        await logins(connection),
        await erased(connection, source),
    )


async def erased(connection: Connection, source: str) -> frozenset[tuple[str, str]]:
    """The (entity, source id) of what was imported once and has been erased since."""
    entities = {"account": "client", "user": "user", "server": "service"}
    rows = await connection.fetch(SQL.erased_rows, source)
    return frozenset((entities[row["kind"]], row["source_id"]) for row in rows)


async def logins(connection: Connection) -> dict[str, UUID]:
    """Who signs in here, by address."""
    return {row["email"]: row["user_id"] for row in await connection.fetch(SQL.logins)}


async def accounts_of(connection: Connection, servers: list[UUID]) -> dict[UUID, UUID]:
    """The account each imported server belongs to, as last recorded."""
    rows = await connection.fetch(SQL.accounts_of_servers, servers)
    return {row["stream_id"]: row["account_id"] for row in rows}


async def imported_ids(connection: Connection, source: str, entity: str) -> set[str]:
    """The source ids of what is here."""
    return {row["source_id"] for row in await connection.fetch(SQL.imported_ids, source, entity)}


async def imported_now(
    connection: Connection, source: str, entity: str, source_ids: list[str], *types: str
) -> dict[str, dict[str, Any]]:
    """What the source said last about some rows, by source id; personal data that was erased is missing."""
    rows = await connection.fetch(SQL.imported_now, source, entity, list(types), source_ids)
    return {
        row["source_id"]: {**json.loads(row["data"]), **(json.loads(row["private"]) if row["private"] else {})}
        for row in rows
    }


async def set_aside(connection: Connection, source: str) -> tuple[set[str], int]:
    """The services that the last run set aside, of which its log names the first, and how many they were."""
    row = await connection.fetchrow(SQL.last_report, source)
    if row is None:
        return set(), 0
    rows, counts = json.loads(row["quarantined"] or "[]"), json.loads(row["counts"] or "{}")
    return {entry["source_id"] for entry in rows if entry["entity"] == "servers"}, sum(counts.values())


async def credentials(connection: Connection, users: list[UUID]) -> dict[UUID, tuple[str, str]]:
    """Scheme and hash of the passwords of some users."""
    return {row["user_id"]: (row["scheme"], row["hash"]) for row in await connection.fetch(SQL.credentials, users)}


async def changes_of(connection: Connection, servers: list[UUID]) -> list[asyncpg.Record]:
    """What was said about the name, plan and image of imported servers, in the order in which it was said."""
    return await connection.fetch(SQL.changes_of_servers, servers)


async def members_added(connection: Connection, accounts: list[UUID]) -> list[asyncpg.Record]:
    """Who was let into imported accounts by people here."""
    return await connection.fetch(SQL.members_added, accounts)


async def last_mapping(connection: Connection, source: str) -> str | None:
    """The digest of the mapping with which a source was imported last; None when it never was."""
    digest: str | None = await connection.fetchval(SQL.last_mapping, source)
    return digest


async def chosen_here(connection: Connection, servers: list[UUID]) -> dict[UUID, set[str]]:
    """Which of name, plan and image people here chose for imported servers."""
    chosen: dict[UUID, set[str]] = {}
    for row in await connection.fetch(SQL.chosen_here, servers):
        chosen.setdefault(row["stream_id"], set()).add(CHOSEN[row["type"]])
    return chosen


async def has_runs(connection: Connection, source: str) -> bool:
    """Whether any run ever began to import a source."""
    found: bool = await connection.fetchval(SQL.has_runs, source)
    return found


async def versions(connection: Connection, streams: list[UUID]) -> dict[UUID, int]:
    """How long streams are; one without events is not among them."""
    return {row["stream_id"]: row["version"] for row in await connection.fetch(SQL.versions, streams)}


async def catalogue_names(connection: Connection, items: list[UUID]) -> dict[UUID, str]:
    """What images and locations are called here."""
    return {row["stream_id"]: row["name"] for row in await connection.fetch(SQL.catalogue_names, items)}
