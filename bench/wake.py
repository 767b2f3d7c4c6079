"""Wake latency: from the call that appends until another process holds the work, against procrastinate's defer → start.

The peer lives in an environment of its own, `var/bench-venv`; where it cannot be installed the figure is left out.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import uvloop

from bench.measure import by_turns, migrated, report, server
from domain.record import Actor, Meta
from domain.registry import EVENTS
from domain.server.events import PowerObserved
from eventstore import outbox
from eventstore.codec import Codec
from eventstore.database import connect, open_pool
from eventstore.store import Entry, EventStore, Wake
from eventstore.tail import WAKES, Doorbell

REPOSITORY = Path(__file__).resolve().parents[1]
PEER = REPOSITORY / "var" / "bench-venv"
PEER_VERSION = "procrastinate==3.10.0"
SAMPLES = 60
META = Meta(actor=Actor(type="system"))


async def main() -> None:
    """Print the figure, or why there is none."""
    why_not = _install_peer()
    if why_not:
        print(f"wake: left out, {PEER_VERSION} cannot be installed: {why_not}", file=sys.stderr)
        return
    with server() as postgres:
        url = await migrated(postgres, "wake")
        peer_url = await migrated(postgres, "peer")
        await _peer(peer_url, "schema")
        pool = await open_pool(url)
        store = EventStore(pool, Codec(EVENTS))
        figures = await by_turns(lambda: _ours(store, url), lambda: _peer_median(peer_url))
        pool.terminate()
    report("wake", figures, "procrastinate, defer to start", "ms p50", SAMPLES)


def _install_peer() -> str | None:
    if (PEER / "bin" / "python").exists() and not _quiet([PEER / "bin" / "python", "-c", "import procrastinate"]):
        return None
    failed = _quiet([sys.executable, "-m", "venv", "--clear", PEER])
    return failed or _quiet([PEER / "bin" / "python", "-m", "pip", "install", "-q", PEER_VERSION, "psycopg[binary]"])


def _quiet(command: list[str | Path]) -> str | None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stderr.strip() or "failed").splitlines()[-1] if done.returncode else None


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


async def _peer_median(url: str) -> float:
    return float(await _peer(url, "measure", str(SAMPLES)))


async def _peer(url: str, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        PEER / "bin" / "python",
        REPOSITORY / "bench" / "peer_procrastinate.py",
        *arguments,
        env=os.environ | {"PEER_DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


if __name__ == "__main__":
    uvloop.run(_work(sys.argv[1]))
