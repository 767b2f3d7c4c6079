"""Read and append: the only code that writes the log.

AppendError
├── Conflict          somebody appended first: load again, decide again
├── ClaimLost         a claim written with the events is taken: choose again
└── NotFirstWrite     a bug: the append was not the first write of its transaction
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Batch:
    """A page of the log and the position it ends at."""

    events: list[Recorded[Any]] = field(default_factory=list)
    position: Position | None = None


class Appender(Protocol):
    """Another way to append events and wakes that come without claims."""

    async def append(self, entries: Sequence[Entry], wakes: Sequence[Wake] = ()) -> Position: ...


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
        self, entries: Sequence[Entry], wakes: Sequence[Wake] = (), *, claims: Claims | None = None
    ) -> Position:
        """Append events and wakes in one statement; `claims` writes more in the same transaction, after it.

        Raises:
            Conflict: one of the streams has grown.
            ClaimLost: a claim is taken.
        """
        if claims is None and self._appender is not None:
            return await self._appender.append(entries, wakes)
        async with self.pool.acquire() as connection:
            if claims is None:
                return await append(connection, self.codec, entries, wakes)
            async with connection.transaction():
                position = await append(connection, self.codec, entries, wakes)
                await claimed(claims(connection))
        return position

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
    return await append_rows(connection, encoded(codec, entries), wakes)


async def append_rows(connection: Connection, rows: Sequence[Row], wakes: Sequence[Wake] = ()) -> Position:
    """`append` of entries that are encoded already.

    Raises:
        Conflict: one of the streams has grown.
        NotFirstWrite: the transaction has written already.
    """
    # Sorted by stream, so that two batches never deadlock.
    columns = [list(column) for column in zip(*sorted(rows, key=_place), strict=True)]
    streams, categories = [wake.stream_id for wake in wakes], [wake.category for wake in wakes]
    try:
        row = await connection.fetchrow(SQL.append, *columns, streams, categories)
    except asyncpg.UniqueViolationError as error:
        raise Conflict(str(error)) from error
    if row is None:
        raise NotFirstWrite("the append was not the first write of its transaction")
    return Position(row["tx"], row["pos"])


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
