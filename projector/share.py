"""Fold the log's streams into new views: in this process, or in several at once, each with its share of them."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import msgspec

from domain.registry import EVENTS
from eventstore.codec import Codec
from eventstore.database import FAILED, Connection, connect
from eventstore.positions import Position
from eventstore.queries import Queries
from eventstore.store import LogRow
from projector.poison import Parked, fold_all, known
from projector.spool import Spool, load
from projector.streams import FIRST, LAST, streams
from projector.tables import NEW
from projector.views import Views, tables

SQL = Queries("projector")
MOST = 8  # processes; beyond that PostgreSQL is what is waited for
WORTH = 500  # sampled events, so fifty thousand in all: fewer are folded before another process has begun


class ShareLost(Exception):
    """A process that folded a share ended without saying why."""


@dataclass(frozen=True, slots=True)
class Share:
    """The streams with ids above `after` up to `last`, up to a settled position."""

    upto: Position
    after: UUID
    last: UUID


async def shares(connection: Connection, upto: Position) -> list[Share]:
    """The log cut into about equal parts, as many as there are processors; a small log is one part."""
    count = min(len(os.sched_getaffinity(0)), MOST)
    parts = [n / count for n in range(1, count)]
    bounds = [row["stream_id"] for row in await connection.fetch(SQL.bounds, parts, WORTH)]
    edges = [FIRST, *sorted(bounds), LAST]
    return [Share(upto, edges[n], edges[n + 1]) for n in range(len(edges) - 1)]


async def fold_shares(url: str, connection: Connection, parts: list[Share]) -> int:
    """Fold all shares; how many events that was. A single one is folded here, on the connection.

    Raises:
        Parked: an event cannot be projected.
        ShareLost: another process was killed.
    """
    if len(parts) == 1:
        return await fold(connection, parts[0])
    running = [asyncio.create_task(_elsewhere(url, part)) for part in parts]
    try:
        return sum(await asyncio.gather(*running))
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running)


async def fold(connection: Connection, share: Share) -> int:
    """Fold one share on a connection and write its rows to the new views; how many events that was.

    They are written when all are folded: until then the connection is what they are read on.
    """
    with TemporaryDirectory(prefix="hostler-rebuild-") as folder:
        with Spool(Path(folder)) as spool, _uncollected():
            folding = _Folding(Codec(EVENTS), spool)
            async with connection.transaction(readonly=True):
                await streams(connection, share.upto, folding.take, share.after, share.last)
        await load(connection, NEW, tables(), Path(folder))
    return folding.count


class _Folding:
    """Folds streams into rows; nothing of a stream is kept when it is folded."""

    def __init__(self, codec: Codec, spool: Spool):
        self._codec = codec
        self._spool = spool
        self.count = 0

    def take(self, rows: list[LogRow]) -> None:
        views = Views()
        fold_all(views.fold, known(self._codec, rows))
        self._spool.add(views.changes())
        self.count += len(rows)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Folding makes no cycles: looking for them would take a sixth of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


async def _elsewhere(url: str, share: Share) -> int:
    """Have another process fold a share. The URL goes by its standard input, where nobody else can read it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        told, _ = await process.communicate(msgspec.json.encode(_Order(url, share)))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if not told:
        raise ShareLost(f"a process that folded a part of the log ended with code {process.returncode}: try again")
    answer = msgspec.json.decode(told, type=_Answer)
    if answer.parked:
        raise Parked(answer.parked)
    return answer.count


@dataclass(frozen=True, slots=True)
class _Order:
    url: str
    share: Share


@dataclass(frozen=True, slots=True)
class _Answer:
    count: int = 0
    parked: str = ""


async def _serve(order: _Order) -> _Answer:
    connection = await connect(order.url, application_name="hostler-replay")
    try:
        return _Answer(count=await fold(connection, order.share))
    except Parked as error:
        return _Answer(parked=str(error))
    finally:
        await connection.close(timeout=2)


def main() -> int:
    """Fold the share that stands on standard input; 0 done or parked, 1 the database failed."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=_Order, dec_hook=lambda kind, value: kind(value))
    try:
        answer = asyncio.run(_serve(order))
    except FAILED as error:
        print(f"hostler-replay: {error}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
