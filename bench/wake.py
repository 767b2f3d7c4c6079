"""Wake latency: from the call that appends until another process holds the work, against procrastinate's defer → start.

Then how many wakes of as many streams one worker takes up and finishes in a second, against procrastinate's jobs with a
lock each and ten at once. Where the peer cannot be installed both are left out.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from uuid import uuid4

import uvloop

from bench import peer
from bench.measure import by_turns, migrated, report, server
from domain.record import Actor, Meta
from domain.registry import EVENTS
from domain.server.events import PowerObserved
from eventstore import outbox
from eventstore.bulk import append_chunk
from eventstore.codec import Codec
from eventstore.database import connect, open_pool
from eventstore.outbox import Lease
from eventstore.store import Entry, EventStore, Wake
from eventstore.tail import WAKES, Doorbell
from orchestrator.work import Tools
from orchestrator.worker import Handled, Worker

REPOSITORY = Path(__file__).resolve().parents[1]
PEER = "peer_procrastinate.py"
SAMPLES, JOBS = 60, 1500
META = Meta(actor=Actor(type="system"))


async def main() -> None:
    """Print the figures, or why there are none."""
    if peer.missing("wake"):
        return
    with server() as postgres:
        url = await migrated(postgres, "wake")
        peer_url = await migrated(postgres, "peer")
        await peer.ask(PEER, peer_url, "schema")
        pool = await open_pool(url)
        store = EventStore(pool, Codec(EVENTS))
        woken = await by_turns(lambda: _ours(store, url), lambda: _theirs(peer_url, "measure", SAMPLES))
        finished = await by_turns(lambda: _finished(store, url), lambda: _theirs(peer_url, "finish", JOBS))
        pool.terminate()
    report("wake", woken, "procrastinate, defer to start", "ms p50", SAMPLES)
    report("wake_finish", finished, "procrastinate, a lock per stream, 10 at once", "wakes/s", JOBS)


async def _ours(store: EventStore, url: str) -> float:
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.wake", url, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE
    )
    assert worker.stdout is not None
    assert await worker.stdout.readline() == b"ready\n"
    latencies = []
    for _ in range(SAMPLES):
        id = uuid4()
        called = time.monotonic()
        await store.append([Entry(id, 1, PowerObserved(power="running"), META)], [Wake(id, "bench")])
        latencies.append(float(await worker.stdout.readline()) - called)
    worker.terminate()
    await worker.wait()
    return statistics.median(latencies) * 1000


async def _work(url: str) -> None:
    """The other process: say when each wake is held."""
    pool = await open_pool(url)
    claiming = await connect(url, synchronous_commit="off")
    async with Doorbell(url, WAKES) as bell:
        await bell.wait(60)
        print("ready", flush=True)
        while True:
            leases = await outbox.claim(claiming, ["bench"], 10)
            held = time.monotonic()
            for lease in leases:
                print(held, flush=True)
                await outbox.finish(pool, lease, lease.position)
            if not leases:
                await bell.wait()


async def _finished(store: EventStore, url: str) -> float:
    """Wakes per second of the worker as it runs in the orchestrator, when nothing is left to do for any."""
    ids = [uuid4() for _ in range(JOBS)]
    async with store.pool.acquire() as connection, connection.transaction():
        entries = [Entry(id, 1, PowerObserved(power="running"), META) for id in ids]
        await append_chunk(connection, entries, [Wake(id, "finish") for id in ids])
    stop, left = asyncio.Event(), set(ids)

    async def nothing(_: Tools, lease: Lease) -> Handled:
        left.discard(lease.stream_id)
        if not left:
            stop.set()
        return lease.position, None

    # All that a worker itself needs of what its handlers may use.
    tools = cast("Tools", SimpleNamespace(store=store, stopping=asyncio.Event()))
    started = time.perf_counter()
    await Worker(tools, {"finish": nothing}, url).run(stop)
    return JOBS / (time.perf_counter() - started)


async def _theirs(url: str, command: str, count: int) -> float:
    return float(await peer.ask(PEER, url, command, str(count)))


if __name__ == "__main__":
    uvloop.run(_work(sys.argv[1]))
