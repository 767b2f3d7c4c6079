"""Read and append: the only code that writes the log.

AppendError
├── Conflict          somebody appended first: load again, decide again
├── ClaimLost         a claim written with the events is taken: choose again
└── NotFirstWrite     a bug: the append was not the first write of its transaction
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeAlias
from uuid import UUID

import asyncpg

from domain.record import Meta, Recorded
from eventstore.codec import Codec, Encoded, decode_meta, encode_meta
from eventstore.database import Connection, Pool
from eventstore.positions import Position
from eventstore.queries import Queries

SQL = Queries("eventstore")
Claims = Callable[[Connection], Awaitable[object]]
TellingClaims = Callable[[Connection, Sequence[Recorded[Any]]], Awaitable[object]]
LogRow: TypeAlias = "asyncpg.Record | Mapping[str, Any]"  # the columns of `read_log`


class AppendError(Exception):
    """Nothing was written."""


class Conflict(AppendError):
    """The stream has grown since it was read."""


class ClaimLost(AppendError):
    """A unique name, number or share was taken by another; `constraint` names which."""

    def __init__(self, constraint: str):
        super().__init__(constraint)
        self.constraint = constraint


class NotFirstWrite(AppendError):
    """The append must be the first write of its transaction, or versions and positions could disagree."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event to append at `version` of its stream; `subject_id` is whose personal data it may hold."""

    stream_id: UUID
    version: int
    event: object
    meta: Meta
    subject_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Wake:
    """Make a stream due for the workers of `category`."""

    stream_id: UUID
    category: str


@dataclass(frozen=True, slots=True)
class Name:
    """The id of an operation, by which its stream is found too: a claim that is part of the append itself."""

    operation_id: UUID
    stream_id: UUID


class Row(NamedTuple):
    """An entry as the append statement takes it, column by column."""

    stream_id: UUID
    version: int
    type: str
    schema_v: int
    data: str
    meta: str
    private: str | None
    subject_id: UUID | None


@dataclass(frozen=True, slots=True)
class Written:
    """What one statement wrote: its rows by stream and version, their places in the log, and their times."""

    position: Position  # at or after the last of them, in their transaction
    rows: Sequence[Row]
    places: Sequence[int]
    times: Sequence[datetime]

    def recorded(self, codec: Codec, stream_ids: Collection[UUID]) -> list[Recorded[Any]]:
        """The events of some streams, as they will be read back."""
        return [
            _read_back(codec, row, Position(self.position.tx, pos), at)
            for row, pos, at in zip(self.rows, self.places, self.times, strict=True)
            if row.stream_id in stream_ids
        ]


def _read_back(codec: Codec, row: Row, place: Position, at: datetime) -> Recorded[Any]:
    event = codec.decode(row.type, row.schema_v, row.data, row.private)
    return Recorded(event, row.stream_id, row.version, *place, at, decode_meta(row.meta))


@dataclass(slots=True)
class Batch:
    """A page of the log and the position it ends at; `full` when more may follow at once."""

    events: list[Recorded[Any]] = field(default_factory=list)
    position: Position | None = None
    full: bool = False


class Appender(Protocol):
    """Another way to append events and wakes that come without claims."""

    async def write(
        self, entries: Sequence[Entry], wakes: Sequence[Wake] = (), names: Sequence[Name] = ()
    ) -> Written: ...


class EventStore:
    """The log of one database; appends without claims go through `appender` when there is one."""

    def __init__(self, pool: Pool, codec: Codec, appender: Appender | None = None):
        self.pool = pool
        self.codec = codec
        self._appender = appender

    async def log_id(self) -> UUID:
        """The identity of this log."""
        found: UUID = await self.pool.fetchval(SQL.log_id)
        return found

    async def read_stream(self, stream_id: UUID, after: int = 0) -> list[Recorded[Any]]:
        """A stream's events after a version, oldest first."""
        return [self.recorded(row) for row in await self.pool.fetch(SQL.read_stream, stream_id, after)]

    async def append(
        self,
        entries: Sequence[Entry],
        wakes: Sequence[Wake] = (),
        *,
        names: Sequence[Name] = (),
        claims: Claims | None = None,
    ) -> Position:
        """Append events, wakes and names in one statement; `claims` writes more in the same transaction, after it.

        Raises:
            Conflict: one of the streams has grown.
            ClaimLost: a claim is taken.
        """
        return (await self.write(entries, wakes, names, claims)).position

    async def record(
        self,
        entries: Sequence[Entry],
        wakes: Sequence[Wake] = (),
        *,
        names: Sequence[Name] = (),
        claims: Claims | None = None,
    ) -> list[Recorded[Any]]:
        """`append`, and the events as they will be read back: who folds them need not ask for them.

        Raises:
            Conflict: one of the streams has grown.
            ClaimLost: a claim is taken.
        """
        written = await self.write(entries, wakes, names, claims)
        return written.recorded(self.codec, {entry.stream_id for entry in entries})

    async def record_with(
        self, entries: Sequence[Entry], wakes: Sequence[Wake], names: Sequence[Name], claims: TellingClaims
    ) -> list[Recorded[Any]]:
        """`record`, with claims that turn on what the events have become. Raises as it does."""
        rows, streams = encoded(self.codec, entries), {entry.stream_id for entry in entries}
        async with self.pool.acquire() as connection, connection.transaction():
            records = (await append_rows(connection, rows, wakes, names)).recorded(self.codec, streams)
            await claimed(claims(connection, records))
        return records

    async def write(
        self, entries: Sequence[Entry], wakes: Sequence[Wake], names: Sequence[Name], claims: Claims | None
    ) -> Written:
        """What both of them do. Raises as they do."""
        if claims is None and self._appender is not None:
            return await self._appender.write(entries, wakes, names)
        rows = encoded(self.codec, entries)
        async with self.pool.acquire() as connection:
            if claims is None:
                return await append_rows(connection, rows, wakes, names)
            async with connection.transaction():
                written = await append_rows(connection, rows, wakes, names)
                await claimed(claims(connection))
        return written

    def recorded(self, row: asyncpg.Record) -> Recorded[Any]:
        """A row of the log as an event.

        Raises:
            UnknownEvent: this version does not know it.
        """
        return recorded(self.codec, row)


def recorded(codec: Codec, row: LogRow) -> Recorded[Any]:
    """A row of the log as an event.

    Raises:
        UnknownEvent: this version does not know it.
    """
    event = codec.decode(row["type"], row["schema_v"], row["data"], row["private"])
    meta = decode_meta(row["meta"])
    return Recorded(event, row["stream_id"], row["version"], row["tx"], row["pos"], row["at"], meta)


async def append(
    connection: Connection, codec: Codec, entries: Sequence[Entry], wakes: Sequence[Wake] = ()
) -> Position:
    """Append on a connection of the caller's, as the first write of its transaction.

    Raises:
        Conflict: one of the streams has grown.
        NotFirstWrite: the transaction has written already.
    """
    return (await append_rows(connection, encoded(codec, entries), wakes)).position


async def append_rows(
    connection: Connection, rows: Sequence[Row], wakes: Sequence[Wake] = (), names: Sequence[Name] = ()
) -> Written:
    """`append` of entries that are encoded already, and all that is known of them then.

    Raises:
        Conflict: one of the streams has grown, or another has such a name.
        NotFirstWrite: the transaction has written already.
    """
    ordered = in_order(rows)
    columns = [list(column) for column in zip(*ordered, strict=True)]
    streams, categories = [wake.stream_id for wake in wakes], [wake.category for wake in wakes]
    operations, theirs = [name.operation_id for name in names], [name.stream_id for name in names]
    try:
        row = await connection.fetchrow(SQL.append, *columns, streams, categories, operations, theirs)
    except asyncpg.UniqueViolationError as error:
        raise Conflict(str(error)) from error
    if row is None:
        raise NotFirstWrite("the append was not the first write of its transaction")
    places: list[int] = row["places"]
    return Written(Position(row["tx"], places[-1]), ordered, places, row["times"])


def encoded(codec: Codec, entries: Sequence[Entry]) -> list[Row]:
    """Entries as the append statement takes them.

    Raises:
        ValueError: an event holds personal data and does not say whose.
    """
    metas: dict[int, str] = {id(entry.meta): encode_meta(entry.meta) for entry in entries}
    return [_row(entry, codec.encode(entry.event), metas[id(entry.meta)]) for entry in entries]


def _row(entry: Entry, text: Encoded, meta: str) -> Row:
    if text.private is not None and entry.subject_id is None:
        raise ValueError(f"{text.type} holds personal data: say whose (subject_id)")
    return Row(
        entry.stream_id, entry.version, text.type, text.schema_v, text.data, meta, text.private, entry.subject_id
    )


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Rows as they are written: by stream, so that two batches never deadlock, then by version."""
    return sorted(rows, key=_place)


def _place(row: Row) -> tuple[bytes, int]:
    return row.stream_id.bytes, row.version


async def claimed(writing: Awaitable[object]) -> None:
    """Write claims; a constraint that refuses them means: choose again.

    Raises:
        ClaimLost: naming the constraint.
    """
    try:
        await writing
    except (
        asyncpg.UniqueViolationError,
        asyncpg.ExclusionViolationError,
        asyncpg.CheckViolationError,
        asyncpg.DeadlockDetectedError,
    ) as error:
        raise ClaimLost(getattr(error, "constraint_name", None) or "deadlock") from error
