"""The log and its connections over tables in memory; what a cut connection does to a statement is done here too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import asyncpg

from domain.record import Recorded
from domain.registry import EVENTS
from eventstore.codec import Codec
from eventstore.positions import Position
from eventstore.store import Claims, Conflict, Entry, EventStore, Name, Wake, claimed
from tests.orchestrator.storm.process import RUNNING
from tests.orchestrator.storm.tables import Row, Tables

CODEC = Codec(EVENTS)


class Wire:
    """The way to the database: how long it takes, and whether the connection lasts. All processes share one."""

    def __init__(self, *, seconds: Callable[[], float] = lambda: 0.0):
        self._seconds = seconds
        self.away = False
        # None, or what becomes of the next statement: the connection is cut "before" or "after" it took effect.
        self.cut: Callable[[], str | None] = lambda: None

    async def carry(self, effect: Callable[[], Any]) -> Any:
        """Send a statement and bring its answer, for a process that may die or freeze on the way."""
        process = RUNNING.get()
        await process.breathe()
        await self._travel()
        if not process.alive:
            await process.breathe()
        fate = self.fate()
        if fate == "before":
            raise _cut()
        try:
            found = effect()
        finally:
            if not process.alive:
                await process.breathe()
        if fate == "after":
            raise _cut()
        await self._travel()
        await process.breathe()
        return found

    def fate(self) -> str | None:
        """What becomes of the next statement."""
        return "before" if self.away else self.cut()

    async def _travel(self) -> None:
        seconds = self._seconds()
        if seconds:
            await asyncio.sleep(seconds)


def _cut() -> Exception:
    return asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


class Inside:
    """A connection within a transaction: nothing comes between its statements."""

    def __init__(self, tables: Tables):
        self._tables = tables

    async def execute(self, statement: str, *arguments: Any) -> None:
        self._tables.run(statement, arguments)

    async def fetch(self, statement: str, *arguments: Any) -> list[Row]:
        return self._tables.run(statement, arguments)

    async def fetchrow(self, statement: str, *arguments: Any) -> Row | None:
        return next(iter(self._tables.run(statement, arguments)), None)

    async def fetchval(self, statement: str, *arguments: Any) -> Any:
        row = await self.fetchrow(statement, *arguments)
        return None if row is None else next(iter(row.values()))


class Connection(Inside):
    """A connection, or a pool of them; each statement is a transaction."""

    def __init__(self, tables: Tables, wire: Wire):
        super().__init__(tables)
        self._wire = wire
        self._inside = False

    async def execute(self, statement: str, *arguments: Any) -> None:
        await self.fetch(statement, *arguments)

    async def fetch(self, statement: str, *arguments: Any) -> list[Row]:
        def effect() -> list[Row]:
            return self._tables.run(statement, arguments)

        if self._inside:
            return effect()
        found: list[Row] = await self._wire.carry(effect)
        return found

    async def fetchrow(self, statement: str, *arguments: Any) -> Row | None:
        return next(iter(await self.fetch(statement, *arguments)), None)

    async def cursor(self, statement: str, *arguments: Any, prefetch: int = 0) -> AsyncIterator[Row]:
        for row in await self.fetch(statement, *arguments):
            yield row

    async def close(self, timeout: float = 0) -> None:
        return None

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        yield Connection(self._tables, self._wire)

    @asynccontextmanager
    async def transaction(self, *, readonly: bool = False) -> AsyncIterator[None]:
        """Nothing comes between its statements, and all of them take effect or none."""
        await self._wire.carry(lambda: None)
        self._inside = True
        try:
            with self._tables.transaction():
                yield
                fate = self._wire.fate()
                if fate == "before":
                    raise _cut()
        finally:
            self._inside = False
        if fate == "after":
            raise _cut()
        await RUNNING.get().breathe()


class MemoryStore(EventStore):
    """The log, with the laws of the real one: expected versions, claims in the same transaction, wakes."""

    def __init__(self, tables: Tables, wire: Wire):
        super().__init__(cast(Any, Connection(tables, wire)), CODEC)
        self.tables = tables
        self._wire = wire
        # Told of every append, before and after it took effect.
        self.before: Callable[[Sequence[Entry]], None] = lambda entries: None
        self.after: Callable[[Sequence[Entry]], None] = lambda entries: None
        self.bells: list[Bell] = []
        self.tables.ring = self.ring

    async def read_stream(self, stream_id: UUID, after: int = 0) -> list[Recorded[Any]]:
        def effect() -> list[Recorded[Any]]:
            return self.tables.streams.get(stream_id, [])[after:]

        found: list[Recorded[Any]] = await self._wire.carry(effect)
        return found

    async def append(
        self,
        entries: Sequence[Entry],
        wakes: Sequence[Wake] = (),
        *,
        names: Sequence[Name] = (),
        claims: Claims | None = None,
    ) -> Position:
        last = (await self.record(entries, wakes, names=names, claims=claims))[-1]
        return Position(last.tx, last.pos)

    async def record(
        self,
        entries: Sequence[Entry],
        wakes: Sequence[Wake] = (),
        *,
        names: Sequence[Name] = (),
        claims: Claims | None = None,
    ) -> list[Recorded[Any]]:
        def effect() -> list[Recorded[Any]]:
            self.before(entries)
            records = self.put(entries, wakes, claims, names)
            self.after(entries)
            return records

        records: list[Recorded[Any]] = await self._wire.carry(effect)
        await RUNNING.get().breathe()
        return records

    def put(
        self,
        entries: Sequence[Entry],
        wakes: Sequence[Wake],
        claims: Claims | None = None,
        names: Sequence[Name] = (),
    ) -> list[Recorded[Any]]:
        """All of it, or an error and nothing."""
        grown = {id: len(self.tables.streams.get(id, [])) for id in {entry.stream_id for entry in entries}}
        for entry in entries:
            grown[entry.stream_id] += 1
            if entry.version != grown[entry.stream_id]:
                raise Conflict(f"version {entry.version} of {entry.stream_id}")
        named = self.tables.table("operation_stream")
        for name in names:
            if name.operation_id in named:
                raise Conflict(f"operation {name.operation_id}")
        with self.tables.transaction():
            named.update({name.operation_id: {"stream_id": name.stream_id} for name in names})
            if claims is not None:
                _at_once(claimed(claims(cast(Any, Inside(self.tables)))))
            return self._grow(entries, wakes)

    def _grow(self, entries: Sequence[Entry], wakes: Sequence[Wake]) -> list[Recorded[Any]]:
        self.tables.tx += 1
        tx, at = self.tables.tx, self.tables.clock()
        records = [
            Recorded(entry.event, entry.stream_id, entry.version, tx, tx * 1000 + pos, at, entry.meta)
            for pos, entry in enumerate(entries, start=1)
        ]
        for record in records:
            self.tables.streams.setdefault(record.stream_id, []).append(record)
        for wake in wakes:
            self.tables.wake(wake.stream_id, wake.category, records[-1].pos)
        if wakes:
            self.ring()
        return records

    def ring(self) -> None:
        """Somebody's wake is due."""
        for bell in self.bells:
            bell.ring()


def _at_once(writing: Any) -> None:
    """Run what never waits."""
    try:
        writing.send(None)
    except StopIteration:
        return
    raise AssertionError("a claim waited for something")


class Bell:
    """What LISTEN is for one process."""

    def __init__(self, store: MemoryStore):
        self._store = store
        self._rung = asyncio.Event()

    async def __aenter__(self) -> Bell:
        self._store.bells.append(self)
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self in self._store.bells:
            self._store.bells.remove(self)

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, timeout: float = 1.0) -> None:
        try:
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        except TimeoutError:
            pass
        self._rung.clear()
