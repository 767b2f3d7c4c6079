"""Appends per second, one event and one wake each: 32 callers of the coalescer.

The peers: pgbench with the same rows, and the eventsourcing library (which has no wake), saving in 32 threads.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from bench import peer
from bench.measure import by_turns, created, migrated, report, server
from domain.record import Actor, Meta
from domain.registry import EVENTS
from domain.server.events import PowerObserved
from eventstore.coalescer import Coalescer
from eventstore.codec import Codec, encode_meta
from eventstore.store import Entry, Wake
from testbed.postgres import Postgres

CALLERS = 32
SECONDS = 2.0
META = Meta(actor=Actor(type="system"), request_id="bench")
EVENT = PowerObserved(power="running")


async def main() -> None:
    """Print the figures."""
    with server() as postgres:
        url = await migrated(postgres, "append")
        async with Coalescer(url, Codec(EVENTS)) as coalescer:
            figures = await by_turns(lambda: _ours(coalescer), lambda: _pgbench(postgres, url))
            report("append", figures, "pgbench, one row per transaction", "appends/s", CALLERS)
            if peer.missing("append_library"):
                return
            theirs = await created(postgres, "peer")
            figures = await by_turns(lambda: _ours(coalescer), lambda: _library(theirs))
            report("append_library", figures, "eventsourcing, one aggregate per save", "appends/s", CALLERS)


async def _ours(coalescer: Coalescer) -> float:
    end = time.perf_counter() + SECONDS
    counts = await asyncio.gather(*(_caller(coalescer, end) for _ in range(CALLERS)))
    return sum(counts) / SECONDS


async def _caller(coalescer: Coalescer, end: float) -> int:
    count = 0
    while time.perf_counter() < end:
        id = uuid4()
        await coalescer.append([Entry(id, 1, EVENT, META)], [Wake(id, "bench")])
        count += 1
    return count


async def _pgbench(postgres: Postgres, url: str) -> float:
    text = Codec(EVENTS).encode(EVENT)
    script = (
        "WITH appended AS (INSERT INTO event (stream_id, version, type, schema_v, data, meta)"
        f" VALUES (gen_random_uuid(), 1, '{text.type}', {text.schema_v}, '{text.data}', '{encode_meta(META)}')"
        " RETURNING stream_id, tx, pos)"
        " INSERT INTO outbox (stream_id, category, tx, pos, due)"
        " SELECT stream_id, 'bench', tx, pos, now() FROM appended;"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        out = await _run(postgres.binaries / "pgbench", url, file.name)
    found = re.search(r"tps = ([\d.]+)", out)
    assert found is not None, out
    return float(found[1])


async def _library(url: str) -> float:
    return float(await peer.ask("peer_eventsourcing.py", url, "append", str(CALLERS), str(SECONDS)))


async def _run(pgbench: Path, url: str, script: str) -> str:
    parts = urlsplit(url)
    where = ["-h", parts.hostname or "", "-p", str(parts.port), "-U", parts.username or ""]
    load = ["-n", "-M", "prepared", "-c", str(CALLERS), "-j", "2", "-T", str(int(SECONDS)), "-f", script]
    process = await asyncio.create_subprocess_exec(
        pgbench,
        *where,
        *load,
        parts.path[1:],
        env=os.environ | {"PGPASSWORD": parts.password or ""},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return out.decode()
