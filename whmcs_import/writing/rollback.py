"""Take back what one run brought, where nobody has touched it since. Nothing is done to any guest.

What the run created is marked as taken back and can be imported again; what it changed becomes what it was before, and
so does the address with which a user signs in. A password that came with the run stays: nobody keeps the one before.
Whatever people, or a later run, have done something with stays, and is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from domain import ids
from domain.account.events import AccountImported, AccountReverted, UserImported, UserReverted
from domain.record import Actor, Meta
from domain.registry import EVENTS
from domain.server.events import ImportReverted, ImportUpdated, ModeChanged, ServerImported
from eventstore.bulk import Entry, append_chunk
from eventstore.codec import Codec
from eventstore.database import Connection
from eventstore.store import Conflict
from whmcs_import.planning import target
from whmcs_import.planning.target import SQL, TargetError

CHUNK = 500
EXAMPLES = 3
IMPORTS = (ServerImported, ImportUpdated, AccountImported, UserImported)
REVERTS = (ImportReverted, AccountReverted, UserReverted)
REVERT = {"service": ImportReverted, "client": AccountReverted, "user": UserReverted}
# What is seen of a guest, or found out about it, is nobody's work.
OBSERVED = {
    *("server.adopted", "server.adoption_declined", "server.power_observed", "server.guest_identified"),
    *("server.guest_moved", "server.drift_found", "server.drift_ended"),
}
_codec = Codec(EVENTS)


@dataclass(frozen=True, slots=True)
class Row:
    """A source row that is here, and the run that wrote it last."""

    entity: str
    source_id: str
    stream: UUID
    run: UUID


@dataclass(slots=True)
class Undone:
    """What a rollback did: counts by entity, and what stays and why."""

    run: str
    dry_run: bool = False
    reverted: Counter[str] = field(default_factory=Counter)
    restored: Counter[str] = field(default_factory=Counter)
    kept: list[dict[str, str]] = field(default_factory=list)

    def keep(self, row: Row, reason: str) -> None:
        """Name a row that stays."""
        self.kept.append({"entity": row.entity, "source_id": row.source_id, "reason": reason})

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        counts = {"reverted": self.reverted, "restored": self.restored}
        return {"run_id": self.run, "dry_run": self.dry_run, **counts, "kept": self.kept}

    def as_text(self) -> str:
        """For people."""
        lines = [f"Rollback of {self.run}" + (", dry run: nothing is written" if self.dry_run else "")]
        lines += [
            f"  {count} of entity {entity} taken back" for entity, count in sorted(self.reverted.items()) if count
        ]
        lines += [f"  {count} of entity {entity} as before" for entity, count in sorted(self.restored.items()) if count]
        reasons: dict[tuple[str, str], list[str]] = {}
        for kept in self.kept:
            reasons.setdefault((kept["entity"], kept["reason"]), []).append(kept["source_id"])
        for (entity, reason), found in sorted(reasons.items()):
            some = ", ".join(found[:EXAMPLES]) + (" …" if len(found) > EXAMPLES else "")
            lines.append(f"  {len(found)} of entity {entity} stay, such as {some}: {reason}")
        return "\n".join(lines)


async def rollback(connection: Connection, run: UUID, *, dry_run: bool = False) -> Undone:
    """Take back what `run` brought; with `dry_run` only say what that would be.

    Raises:
        TargetError: there was no such run, another import runs, or somebody changes the same rows at this moment.
    """
    source = await connection.fetchval(SQL.source_of_run, run)
    if source is None:
        raise TargetError(f"{ids.show(ids.RUN, run)} is no run of this database: its id stands in the import's report")
    if dry_run:
        async with target.reading(connection):
            return await _Rollback(connection, run, source, dry_run=True).go()
    await target.lock(source, connection)
    try:
        return await _Rollback(connection, run, source).go()
    except Conflict as error:
        raise TargetError(f"somebody changes what is to be taken back ({error}): run again") from None


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What becomes of a row: the event that takes it back, or why it stays."""

    row: Row
    version: int
    event: object | None
    subject: UUID | None = None
    kept: str = ""

    @property
    def restores(self) -> bool:
        return isinstance(self.event, IMPORTS)


def touched_by(events: Sequence[tuple[str, object]]) -> str | None:
    """The type of the first thing that people did to a row, of events and their types; None when they did nothing.

    That a server was to be managed is nothing that was done to it, once it is only observed again.
    """
    modes = [event.mode for _, event in events if isinstance(event, ModeChanged)]
    nothing = OBSERVED | {"server.mode_changed"} if modes[-1:] == ["observe"] else OBSERVED
    return next((type for type, _ in events if type not in nothing), None)


class _Rollback:
    def __init__(self, connection: Connection, run: UUID, source: str, *, dry_run: bool = False):
        self._connection = connection
        self._run = run
        self._source = source
        self._undone = Undone(ids.show(ids.RUN, run), dry_run)
        shown = ids.show(ids.RUN, run)
        self._meta = Meta(actor=Actor(type="import", id=shown), correlation=shown)
        self._logins: dict[str, UUID] = {}  # who signs in with which address
        self._busy: dict[str, set[UUID]] = {"service": set(), "client": set(), "user": set()}  # what must stay

    async def go(self) -> Undone:
        rows = [Row(*row) for row in await self._connection.fetch(SQL.rows_of_source, self._source)]
        mine = {e: [row for row in rows if row.entity == e and row.run == self._run] for e in REVERT}
        others = [row for row in rows if row.run != self._run]
        self._logins = await target.logins(self._connection)
        await self._note_members([row for row in others if row.entity == "client"])
        await self._note_accounts([row.stream for row in others if row.entity == "service"])
        for entity in REVERT:
            for chunk in _chunks(mine[entity]):
                await self._chunk(entity, chunk)
        for row in rows:
            if row.entity == "product" and row.run == self._run:
                self._undone.keep(row, "plans stay in the catalogue")
        return self._undone

    async def _chunk(self, entity: str, rows: list[Row]) -> None:
        histories: dict[UUID, list[asyncpg.Record]] = {}
        for record in await self._connection.fetch(SQL.histories, [row.stream for row in rows]):
            histories.setdefault(record["stream_id"], []).append(record)
        signed_in = {row["user_id"] for row in await self._connection.fetch(SQL.signed_in, [r.stream for r in rows])}
        verdicts = [self._verdict(row, histories[row.stream], signed_in) for row in rows]
        for verdict in verdicts:
            if verdict.kept:
                self._undone.keep(verdict.row, verdict.kept)
        await self._note([v for v in verdicts if v.kept or v.restores], histories)
        await self._write(entity, [v for v in verdicts if v.event is not None])

    def _verdict(self, row: Row, history: list[asyncpg.Record], signed_in: set[UUID]) -> _Verdict:
        version = history[-1]["version"] + 1
        if row.stream in signed_in:
            return _Verdict(row, version, None, kept="signed in since")
        events = [(record, _decoded(record)) for record in history]
        last = max(n for n, (_, event) in enumerate(events) if isinstance(event, IMPORTS))
        if (touched := touched_by([(record["type"], event) for record, event in events[last + 1 :]])) is not None:
            return _Verdict(row, version, None, kept=f"changed since: {touched}")
        before = _before([event for _, event in events[:last]])
        if before is None and row.stream in self._busy[row.entity]:
            return _Verdict(row, version, None, kept="something that stays belongs to it")
        if before is None:
            return _Verdict(row, version, REVERT[row.entity](run_id=self._run))
        if isinstance(before, UserImported) and self._logins.get(before.email, row.stream) != row.stream:
            return _Verdict(row, version, None, kept="its address signs in somebody else since")
        return _Verdict(row, version, _again(before, self._run), _subject(row, before))

    async def _note(self, staying: list[_Verdict], histories: dict[UUID, list[asyncpg.Record]]) -> None:
        """Whoever owns or may act for what stays, stays."""
        for verdict in staying:
            events = [_decoded(record) for record in histories[verdict.row.stream]]
            for event in [verdict.event] if verdict.restores else events:
                if isinstance(event, ServerImported | ImportUpdated):
                    self._busy["client"].add(event.account_id)
                if isinstance(event, AccountImported):
                    self._busy["user"].update(member.user_id for member in event.members)

    async def _note_accounts(self, servers: list[UUID]) -> None:
        accounts = await target.accounts_of(self._connection, servers)
        self._busy["client"].update(accounts.values())

    async def _note_members(self, accounts: list[Row]) -> None:
        for chunk in _chunks(accounts):
            records = await self._connection.fetch(SQL.histories, [row.stream for row in chunk])
            for event in map(_decoded, records):
                if isinstance(event, AccountImported):
                    self._busy["user"].update(member.user_id for member in event.members)

    async def _write(self, entity: str, verdicts: list[_Verdict]) -> None:
        entries = [Entry(v.row.stream, v.version, v.event, self._meta, v.subject) for v in verdicts]
        gone = [v.row.stream for v in verdicts if not v.restores]
        restored = [v.row.stream for v in verdicts if v.restores]
        if not entries:
            return
        self._undone.reverted[entity] += len(gone)
        self._undone.restored[entity] += len(restored)
        if self._undone.dry_run:
            return
        async with self._connection.transaction():
            await append_chunk(self._connection, entries)
            await self._connection.execute(SQL.forget_rows, gone)
            await self._connection.execute(SQL.doubt_rows, restored)
            if entity == "service":
                await self._connection.execute(SQL.let_go_guests, gone)
                await self._connection.execute(SQL.let_go_addresses, gone)
                await self._connection.execute(SQL.let_go_memory, gone)
                await self._connection.execute(SQL.let_go_capacity, gone)
            elif entity == "user":
                await self._connection.execute(SQL.close_logins, [*gone, *restored])
                await self._connection.execute(SQL.forget_credentials, gone)
                await self._sign_in([v for v in verdicts if v.restores])

    async def _sign_in(self, restored: list[_Verdict]) -> None:
        """Whoever signed in before the run does so again, with the address of that time."""
        users = [(v.event.email, v.row.stream) for v in restored if isinstance(v.event, UserImported) and v.event.login]
        await self._connection.execute(SQL.open_logins, [email for email, _ in users], [user for _, user in users])


def _before(events: Iterable[object]) -> object | None:
    """What was imported before the run, unless that was taken back too."""
    before: object | None = None
    for event in events:
        if isinstance(event, IMPORTS):
            before = event
        elif isinstance(event, REVERTS):
            before = None
    return before


def _again(event: Any, run: UUID) -> object:
    """An earlier import as the event that makes it hold again."""
    kind = ImportUpdated if isinstance(event, ServerImported) else type(event)
    return msgspec.convert({**msgspec.to_builtins(event), "run_id": str(run)}, kind)


def _subject(row: Row, event: Any) -> UUID:
    account: UUID = event.account_id if row.entity == "service" else row.stream
    return account


def _decoded(record: asyncpg.Record) -> object:
    return _codec.decode(record["type"], record["schema_v"], record["data"], record["private"])


def _chunks(rows: list[Row]) -> Iterator[list[Row]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]
