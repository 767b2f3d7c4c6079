"""Appends of one process, gathered: those that arrive while one is under way become one transaction.

One transaction for many appends is one flush to disk and one NOTIFY; an idle lane sends at once.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from eventstore.codec import Codec
from eventstore.database import LOST, DatabaseUnavailable, connect
from eventstore.positions import Position
from eventstore.queries import Queries
from eventstore.store import Conflict, Entry, Name, Row, Wake, Written, append_rows, encoded, in_order

SQL = Queries("eventstore")
CAP = 256  # appends in one transaction
STATEMENT_SECONDS = 30.0
PATIENCE = 15.0  # seconds to wait for a database that went away, before the caller is told
RETRY_SECONDS = 0.2
# The statement may have taken effect or not.
UNKNOWN: tuple[type[Exception], ...] = tuple(error for error in LOST if error is not DatabaseUnavailable)


@dataclass(slots=True, eq=False)
class _Append:
    """One caller's append, waiting for its answer."""

    rows: list[Row]
    wakes: Sequence[Wake]
    names: Sequence[Name]
    answer: asyncio.Future[Written]
    streams: frozenset[UUID] = field(init=False)

    def __post_init__(self) -> None:
        self.streams = frozenset(row.stream_id for row in self.rows)

    def succeed(self, written: Written) -> None:
        if not self.answer.done():  # a caller that was cancelled no longer asks
            self.answer.set_result(written)

    def fail(self, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Coalescer:
    """Appends through one or two connections of its own; every caller gets its own answer."""

    def __init__(self, url: str, codec: Codec, *, lanes: int = 1, patience: float = PATIENCE):
        self._codec = codec
        self._waiting: deque[_Append] = deque()
        self._idle = [_Lane(url, patience) for _ in range(lanes)]
        self._working: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Coalescer:
        return self

    async def __aexit__(self, *exc: object) -> None:
        while self._working:
            await asyncio.wait(self._working)
        for lane in self._idle:
            await lane.close()

    async def append(self, entries: Sequence[Entry], wakes: Sequence[Wake] = ()) -> Position:
        """Append events and wakes; the position is at or after the last of them, in their transaction.

        Raises:
            Conflict: one of the streams has grown.
            DatabaseUnavailable: the database went away; whether the events were written is not known.
        """
        return (await self.write(entries, wakes)).position

    async def write(self, entries: Sequence[Entry], wakes: Sequence[Wake] = (), names: Sequence[Name] = ()) -> Written:
        """`append`, with names, and all that was written with it, others' appends among it. Raises as `append`."""
        answer: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Append(encoded(self._codec, entries), wakes, names, answer))
        if self._idle:
            self._set_to_work(self._idle.pop())
        return await answer

    def _set_to_work(self, lane: _Lane) -> None:
        task = asyncio.create_task(self._work(lane))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _work(self, lane: _Lane) -> None:
        try:
            while batch := self._take():
                await lane.send(batch)
        finally:
            self._idle.append(lane)

    def _take(self) -> list[_Append]:
        """The oldest appends, no two of them to one stream; those to one stream stay in their order."""
        batch: list[_Append] = []
        later: list[_Append] = []
        touched: set[UUID] = set()
        while self._waiting and len(batch) < CAP:
            one = self._waiting.popleft()
            if not one.answer.cancelled():
                (later if one.streams & touched else batch).append(one)
                touched |= one.streams
        self._waiting.extendleft(reversed(later))
        return batch


class _Lane:
    """One connection, and what to do when a batch or the connection fails."""

    def __init__(self, url: str, patience: float):
        self._url, self._patience = url, patience
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close(timeout=2)

    async def send(self, batch: list[_Append]) -> None:
        """Answer every append of the batch; never raises."""
        try:
            written = await self._append(batch)
        except Exception as error:  # noqa: BLE001 - each caller is told on its own
            await self._apart(batch, error)
        else:
            for one in batch:
                one.succeed(written)

    async def _apart(self, batch: list[_Append], error: Exception) -> None:
        if isinstance(error, DatabaseUnavailable) or (len(batch) == 1 and not isinstance(error, UNKNOWN)):
            for one in batch:
                one.fail(error)
            return
        deadline = time.monotonic() + self._patience
        for one in batch:
            try:
                one.succeed(await self._alone(one, isinstance(error, UNKNOWN), deadline))
            except Exception as own:  # noqa: BLE001 - it is this caller's answer
                one.fail(own)

    async def _alone(self, one: _Append, unknown: bool, deadline: float) -> Written:
        """One append, again if need be, until the database has said what became of it."""
        while True:
            try:
                return await self._once(one, unknown)
            except LOST as error:
                unknown = True
                if time.monotonic() > deadline:
                    raise DatabaseUnavailable(f"whether the events were written is not known: {error}") from error
                await asyncio.sleep(RETRY_SECONDS)

    async def _once(self, one: _Append, unknown: bool) -> Written:
        """One append; after an unknown outcome, a conflict with ourselves is a success."""
        try:
            return await self._append([one])
        except Conflict:
            written = await self._ours(one) if unknown else None
            if written is None:
                raise
            return written

    async def _append(self, batch: Sequence[_Append]) -> Written:
        connection = await self._connected()
        rows = [row for one in batch for row in one.rows]
        wakes = [wake for one in batch for wake in one.wakes]
        names = [name for one in batch for name in one.names]
        try:
            async with asyncio.timeout(STATEMENT_SECONDS):
                return await append_rows(connection, rows, wakes, names)
        except UNKNOWN:
            connection.terminate()
            raise

    async def _ours(self, one: _Append) -> Written | None:
        """The append when it took effect although nobody said so."""
        connection, ordered, found = await self._connected(), in_order(one.rows), []
        for row in ordered:
            there = await connection.fetchrow(SQL.written, row.stream_id, row.version)
            if there is None or (there["type"], there["data"], there["meta"]) != (row.type, row.data, row.meta):
                return None
            found.append(there)
        places = [there["pos"] for there in found]
        return Written(Position(found[-1]["tx"], places[-1]), ordered, places, [there["at"] for there in found])

    async def _connected(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._url, application_name="hostler-append")
        return self._connection
