"""Follow the log: pages below the watermark, woken by NOTIFY, with a poll behind it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import Any, Protocol

import asyncpg
import structlog

from domain.record import Recorded
from eventstore.codec import UnknownEvent
from eventstore.database import FAILED, Connection, Pool, connect
from eventstore.positions import START, Position
from eventstore.queries import Queries
from eventstore.store import Batch, EventStore
from runtime.background import cancelled
from runtime.ring import Ring

SQL = Queries("eventstore")
STALL_SECONDS = 0.05
POLL_SECONDS = 1.0
CHECK_SECONDS = 15.0
APPENDS, WAKES = "hostler", "hostler_wakes"  # told of every append, and of those that make a stream due
log = structlog.get_logger()


async def end_of_log(source: Connection | Pool) -> Position:
    """The last position that every reader may have reached by now."""
    row = await source.fetchrow(SQL.end_of_log)
    return Position(row["tx"], row["pos"]) if row else START


class SettledRows:
    """Raw rows of the log after a position, nothing missed, nothing twice.

    Order and checkpoint are the pair (tx, pos) and only settled transactions are read. When a foreign transaction
    holds the plain watermark back for more than 50 ms, the locks on the log tell which transactions can still append.
    """

    def __init__(self) -> None:
        self._stalled_since: float | None = None

    async def read(self, source: Connection | Pool, after: Position, limit: int) -> list[asyncpg.Record]:
        """The next page; empty when nothing settled is there."""
        rows = await source.fetch(SQL.read_log, *after, limit)
        if not rows and await self._is_stalled(source, after):
            watermark = await source.fetchval(SQL.appending_below)
            # A statement of its own: it must see what committed before the watermark was found.
            rows = await source.fetch(SQL.read_log_below, *after, limit, watermark)
        if rows:
            self._stalled_since = None
        return rows

    async def _is_stalled(self, source: Connection | Pool, after: Position) -> bool:
        if not await source.fetchval(SQL.stalled, *after):
            self._stalled_since = None
            return False
        now = time.monotonic()
        if self._stalled_since is None:
            self._stalled_since = now
        return now - self._stalled_since >= STALL_SECONDS

    @property
    def waiting(self) -> bool:
        """Whether committed events wait behind the watermark: read again soon, no NOTIFY will come for them."""
        return self._stalled_since is not None


class LogReader:
    """Pages of the log after a position, decoded. Events of a newer version of Hostler are left out and logged."""

    def __init__(self, store: EventStore):
        self._store = store
        self._rows = SettledRows()

    async def read(self, after: Position, limit: int, connection: Connection | None = None) -> Batch:
        """The next page; empty when nothing settled is there."""
        rows = await self._rows.read(connection or self._store.pool, after, limit)
        if not rows:
            return Batch()
        return Batch(list(self._known(rows)), Position(rows[-1]["tx"], rows[-1]["pos"]), len(rows) == limit)

    def _known(self, rows: list[asyncpg.Record]) -> Iterator[Recorded[Any]]:
        for row in rows:
            try:
                yield self._store.recorded(row)
            except UnknownEvent as error:
                log.warning("event skipped", reason=str(error), tx=row["tx"], pos=row["pos"])

    @property
    def waiting(self) -> bool:
        """Whether committed events wait behind the watermark: read again soon, no NOTIFY will come for them."""
        return self._rows.waiting


class Ear(Protocol):
    """Who hears what is said on another channel."""

    channel: str

    def hears(self, hears: bool) -> None:
        """Whether from now on everything said is heard."""

    def heard(self, payload: str) -> None:
        """Something was said."""


class Doorbell:
    """One listening connection per process: `wait()` returns on NOTIFY, on the poll, or after a reconnect.

    A lost connection degrades to polling and is opened again; nothing depends on a NOTIFY arriving. An `ear` hears
    another channel over the same connection, and is told whenever that begins and ceases to work.
    """

    def __init__(self, url: str, channel: str = APPENDS, ear: Ear | None = None):
        self._url = url
        self._channel = channel
        self._ear = ear
        self._ring = Ring()
        self._rings = [self._ring]
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Doorbell:
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._task is not None
        await cancelled(self._task)

    def ring(self) -> None:
        """Wake whoever waits."""
        for ring in self._rings:
            ring.ring()

    def another(self) -> Ring:
        """What is rung at the same times, for somebody else who waits."""
        ring = Ring()
        self._rings.append(ring)
        return ring

    async def wait(self, timeout: float = POLL_SECONDS) -> None:
        """Return when something may be there, after `timeout` seconds at the latest."""
        await self._ring.wait(timeout)

    async def _listen(self) -> None:
        while True:
            try:
                await self._session()
            except FAILED as error:
                log.warning("listener lost, polling", error=str(error))
            self.ring()
            await asyncio.sleep(POLL_SECONDS)

    async def _session(self) -> None:
        connection = await connect(self._url, tcp_user_timeout="15000")
        try:
            gone = asyncio.Event()
            connection.add_termination_listener(lambda *_: gone.set())
            await connection.add_listener(self._channel, lambda *_: self.ring())
            if self._ear is not None:
                await connection.add_listener(self._ear.channel, lambda *message: self._hear(message[-1]))
                self._ear.hears(True)
            self.ring()  # what was appended before LISTEN took hold
            while not gone.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CHECK_SECONDS):
                        await gone.wait()
                if not gone.is_set():
                    await connection.fetchval("SELECT 1", timeout=CHECK_SECONDS)
        finally:
            if self._ear is not None:
                self._ear.hears(False)
            with contextlib.suppress(*FAILED):
                await connection.close(timeout=1)

    def _hear(self, payload: object) -> None:
        if self._ear is not None:
            self._ear.heard(str(payload))
