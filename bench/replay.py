"""Events per second of a full rebuild of all views, and of following the log from its beginning with the live views.

The peers: a bare scan of the log in the same order, and the eventsourcing library's runner with a view of one row per
stream. The runner keeps its pace however long the log is, so it is given a short one.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from bench import peer
from bench.measure import by_turns, created, migrated, report, server
from domain.record import Actor, Meta
from domain.registry import EVENTS
from domain.server import events as e
from domain.server.operations import OPERATIONS
from eventstore.bulk import append_chunk
from eventstore.codec import Codec
from eventstore.database import Connection, connect
from eventstore.positions import START, Position
from eventstore.queries import Queries
from eventstore.store import Entry
from projector.loop import Projection
from projector.rebuild import rebuild
from projector.tables import LIVE
from projector.views import tables
from testbed.postgres import Postgres

STREAMS = 12_000
CHUNK = 200  # streams in one transaction
PAGE = 20_000
FOLLOWED, SHORT, EACH = 2_400, 100, 34  # streams: of ours, of the peer's; events of one of the peer's
PEER = "peer_eventsourcing.py"
META = Meta(actor=Actor(type="user", id="usr_bench"), request_id="bench")


async def main() -> None:
    """Print the figures."""
    with server() as postgres:
        url = await migrated(postgres, "replay")
        connection = await connect(url)
        count = await _fill(connection, STREAMS)
        figures = await by_turns(lambda: _rebuild(connection, url, count), lambda: _scan(connection, count), 3)
        report("replay", figures, "bare ordered scan", "events/s", count)
        if not peer.missing("replay_library"):
            await _beside_library(postgres, connection, url, count)
        await connection.close()


async def _beside_library(postgres: Postgres, connection: Connection, url: str, count: int) -> None:
    theirs, runs = await created(postgres, "peer"), itertools.count()
    await peer.ask(PEER, theirs, "fill", str(SHORT), str(EACH))

    async def runner() -> float:
        return float(await peer.ask(PEER, theirs, "project", f"Shown{next(runs)}"))

    figures = await by_turns(lambda: _rebuild(connection, url, count), runner, 3)
    report("replay_library", figures, "eventsourcing, its runner", "events/s", count)
    short = await connect(await migrated(postgres, "follow"))
    followed = await _fill(short, FOLLOWED)
    figures = await by_turns(lambda: _follow(short, followed), runner, 3)
    await short.close()
    report("follow_library", figures, "eventsourcing, its runner", "events/s", followed)


async def _follow(connection: Connection, count: int) -> float:
    """The projector's own pace, from the beginning of the log."""
    for table in tables():
        await connection.execute(f"TRUNCATE {LIVE.name(table)}")
    await connection.execute(Queries("projector").forget_checkpoint, LIVE.projection)
    projection, seen = Projection(Codec(EVENTS)), 0
    started = time.perf_counter()
    while read := await projection.step(connection):
        seen += read
    assert seen == count
    return count / (time.perf_counter() - started)


async def _rebuild(connection: Connection, url: str, count: int) -> float:
    started = time.perf_counter()
    assert await rebuild(connection, url) == count
    return count / (time.perf_counter() - started)


async def _scan(connection: Connection, count: int) -> float:
    statement, after, seen = Queries("eventstore").read_log, START, 0
    started = time.perf_counter()
    while rows := await connection.fetch(statement, *after, PAGE):
        after, seen = Position(rows[-1]["tx"], rows[-1]["pos"]), seen + len(rows)
    assert seen == count
    return count / (time.perf_counter() - started)


async def _fill(connection: Connection, streams: int) -> int:
    """Servers that were created and then stopped and started."""
    count = 0
    for _ in range(0, streams, CHUNK):
        entries = [entry for _ in range(CHUNK) for entry in _life(uuid4())]
        await append_chunk(connection, entries)
        count += len(entries)
    await connection.execute("ANALYZE event")
    return count


def _life(id: UUID) -> Iterator[Entry]:
    events = [*_created(uuid4()), *_operated(uuid4(), "stop"), *_operated(uuid4(), "start")]
    return (Entry(id, version, event, META, id) for version, event in enumerate(events, start=1))


def _created(operation: UUID) -> Iterator[Any]:
    yield e.ServerRequested(
        operation_id=operation,
        account_id=UUID(int=1),
        plan=e.Plan(id=UUID(int=2), name="S", vcpus=2, memory_mib=2048, disk_gib=20),
        image=e.Image(id=UUID(int=3), name="Debian 12", template="debian-12"),
        location=e.Location(id=UUID(int=4), name="Frankfurt", key="fra1"),
        steps=list(OPERATIONS["create"].steps),
        name="web-1.example.com",
    )
    yield from _steps(operation, OPERATIONS["create"].steps)
    yield e.PowerObserved(power="running")
    yield e.OperationSucceeded(operation_id=operation)


def _operated(operation: UUID, type: str) -> Iterator[Any]:
    yield e.OperationRequested(operation_id=operation, type=type, steps=list(OPERATIONS[type].steps))
    yield from _steps(operation, OPERATIONS[type].steps)
    yield e.OperationSucceeded(operation_id=operation)


def _steps(operation: UUID, steps: tuple[str, ...]) -> Iterator[Any]:
    for step in steps:
        yield e.EffectIntended(
            operation_id=operation,
            step=step,
            attempt=1,
            verb=step,
            cluster="demo",
            node="pve1",
            vmid=10_000_000,
            since=1_772_539_200,
        )
        yield e.TaskAccepted(operation_id=operation, step=step, upid="UPID:pve1:00000001:00000002:69A6E000:qmstart::")
        yield e.StepCompleted(operation_id=operation, step=step)
