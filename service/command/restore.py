"""Fill a database from a backup, and see to it that nothing which has happened since is undone by it.

Proxmox has moved on since the backup was made. So what was under way waits for staff, the time to undo a termination
begins anew, removals wait for staff, and numbers of guests that were made since are never given again.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import asyncpg

from domain.installation.events import InstallationRestored
from domain.record import Actor, Meta
from domain.registry import EVENTS
from domain.server import events as e
from domain.server.evolve import fold
from domain.server.state import Server
from eventstore.codec import Codec
from eventstore.database import Connection, connect, open_pool
from eventstore.queries import Queries
from eventstore.store import Entry, EventStore, Wake
from runtime.settings import Config
from service.command import migrate
from service.command.archive import BadArchive, Header, Reader, Table
from service.command.backup import newest_change
from service.command.operator import operator
from service.decisions.record import decide
from service.reads import SQL as SERVICE

SQL = Queries("service.command")
META = Meta(actor=Actor(type="system", id="hostler-admin restore"))
Switch: TypeAlias = tuple[bool, str | None, UUID | None]  # whether effects are paused, why, and by whom
SKIPPED_VMIDS = 10_000  # as many servers may have been made between backup and restore
UNFINISHED = "A restore of the database is not finished: run it again."
HELD = (
    "The records of this server were restored from a backup while this was under way. What became of it since is not"
    " known, so nothing more was done; staff will look."
)


class CannotRestore(Exception):
    """Nothing was restored; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done: the events, and the servers whose operations or removals wait."""

    header: Header
    events: int
    log_id: UUID
    held: int = 0
    postponed: int = 0


async def restore(url: str, path: Path, config: Config, *, replace_all: bool, search: str | None = None) -> Restored:
    """Fill the database; with `replace_all` even if it has events, which are lost. `search` overrides PATH.

    Raises:
        BadArchive: the file is no whole backup.
        CannotRestore: this database cannot take it.
        MigrationFailed: its schema could not be made.
    """
    reader = Reader(path)
    try:
        await _make_schema(url, reader.header, search)
        connection = await connect(url, application_name="hostler-admin")
        try:
            restored, effects = await _fill(connection, reader, replace_all=replace_all)
        finally:
            await connection.close()
    finally:
        reader.close()
    if reader.header.schema != migrate.changes()[-1]:
        await asyncio.to_thread(migrate.deploy, url, path=search)
    await _record(url, restored)
    await asyncio.to_thread(_rebuild_views, url)
    done = await _settle(url, restored, config, effects)
    if done.held or done.postponed:  # the views end where the log does
        await asyncio.to_thread(_rebuild_views, url)
    return done


async def _record(url: str, restored: Restored) -> None:
    """The log says itself that it comes from a backup, and who restored it."""
    at = datetime.fromisoformat(restored.header.at)
    pool = await open_pool(url, size=1, application="hostler-admin")
    try:
        event = InstallationRestored(backup_at=at, events=restored.events, operator=operator())
        await decide(EventStore(pool, Codec(EVENTS)), META, event)
    finally:
        await pool.close()


async def _make_schema(url: str, header: Header, search: str | None) -> None:
    """An empty database gets the tables of the backup's time; one that has tables must be of that time."""
    if header.schema not in migrate.changes():
        raise CannotRestore("the backup was made by a newer version of Hostler: restore it with that one")
    connection = await connect(url)
    try:
        there = await connection.fetchval(SQL.has_tables)
        newest = await newest_change(connection) if there else None
    finally:
        await connection.close()
    if newest is None:
        await asyncio.to_thread(migrate.deploy, url, path=search, to=header.schema)
    elif newest != header.schema:
        raise CannotRestore(
            f"the backup has the schema {header.schema}, this database {newest}: restore into a database without tables"
        )


async def _fill(connection: Connection, reader: Reader, *, replace_all: bool) -> tuple[Restored, Switch]:
    """All or nothing; effects are switched off until everything is settled. The switch as it was is given back."""
    async with connection.transaction():
        await _check_free(connection, replace_all=replace_all)
        await connection.execute(SQL.plain_text)
        await _empty(connection)
        for table in reader.tables():
            await _load(connection, reader, table)
        events = reader.rows["event"]
        await connection.execute(SQL.count_on.format(next=events + 1))
        log_id = await connection.fetchval(SQL.become_another_log)
        effects = await connection.fetchrow(SQL.effects)
        assert effects is not None
        await connection.execute(SERVICE.switch_effects, True, UNFINISHED, None)
    return Restored(reader.header, events, log_id), (effects["paused"], effects["reason"], effects["switched_by"])


async def _check_free(connection: Connection, *, replace_all: bool) -> None:
    programs = [row["application_name"] for row in await connection.fetch(SQL.connected_programs)]
    if programs:
        raise CannotRestore(f"stop every program first: this database is in use by {', '.join(programs)}")
    await connection.execute(SQL.lock_log)
    if await connection.fetchval(SQL.has_events) and not replace_all:
        raise CannotRestore("the database is not empty: --replace loses all that is in it, for ever")


async def _empty(connection: Connection) -> None:
    """Also rows that a migration put there: the backup has its own of them."""
    names = [row["name"] for row in await connection.fetch(SQL.all_tables)]
    await connection.execute(SQL.allow_emptying)
    await connection.execute(SQL.empty.format(tables=", ".join(names)))
    await connection.execute(SQL.forbid_emptying)


async def _load(connection: Connection, reader: Reader, table: Table) -> None:
    async def contents() -> AsyncIterator[bytes]:
        for chunk in reader.contents(table):
            yield chunk

    try:
        await connection.copy_to_table(table.name, source=contents(), columns=table.columns)
    except asyncpg.PostgresError as error:
        raise BadArchive(f"{reader.path}: table {table.name} cannot be restored: {error}") from error


async def _settle(url: str, restored: Restored, config: Config, effects: Switch) -> Restored:
    """What was under way or due waits, numbers are skipped; then effects are allowed as before."""
    pool = await open_pool(url, size=1, application="hostler-admin")
    try:
        await pool.execute(SQL.hold_removals)
        for cluster in config.cluster:
            place = (cluster.name, cluster.vmid_first, cluster.vmid_last)
            await pool.execute(SQL.skip_vmids, *place, SKIPPED_VMIDS)
        store = EventStore(pool, Codec(EVENTS))
        done = await _settle_servers(store, timedelta(seconds=config.policy.undo_window))
        await pool.execute(SERVICE.switch_effects, *effects)
    finally:
        await pool.close()
    return replace(restored, held=done[e.AttentionRaised], postponed=done[e.TerminationScheduled])


async def _settle_servers(store: EventStore, window: timedelta) -> Counter[type]:
    done: Counter[type] = Counter()
    for row in await store.pool.fetch(SQL.servers_to_settle):
        state = fold(None, await store.read_stream(row["server_id"]))
        event = _settling(state, datetime.now(UTC) + window) if state is not None else None
        if state is not None and event is not None:
            entry = Entry(state.id, state.version + 1, event, META, state.account_id)
            await store.append([entry], [Wake(state.id, "server")])
            done[type(event)] += 1
    return done


def _settling(state: Server, purge_at: datetime) -> e.ServerEvent | None:
    current, newest = state.current, state.operation
    if current is not None:
        known = current.status == "needs_attention"
        return None if known else e.AttentionRaised(operation_id=current.id, code="restored", message=HELD)
    if state.purge_at is None or newest is None:
        return None
    return e.TerminationScheduled(
        operation_id=newest.id, purge_at=max(state.purge_at, purge_at), power_before=state.power_before
    )


def _rebuild_views(url: str) -> None:
    """By the program whose they are: nobody else writes them."""
    command = [sys.executable, "-m", "projector.replay", "rebuild"]
    environment = {**os.environ, "HOSTLER_DATABASE_URL": url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise CannotRestore(f"the views cannot be built ({reason}): effects stay paused until it is restored again")
