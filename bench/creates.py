"""`bench/creates.py --servers N --scale X`: so many creations at once, on storages that each copy locks for long.

With the scale 1 a copy holds its storage's lock for 10 s and who waits for it gives up as on a real cluster; smaller
scales make both shorter alike. The last line is JSON: `{servers, running, failed, seconds, crowded, slots{…:n}}`:
how often a task gave up on a lock, and how many at once were learned to be borne.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.storm import states
from bench.storm_place import Storming, email, signed_in, storming
from domain.registry import EVENTS
from domain.server.state import Server
from eventstore.codec import Codec
from eventstore.database import Pool, open_pool
from eventstore.store import EventStore

LOCKED_SECONDS = 10.0
ORDER = {"name": "web", "plan": "vps-s", "image": "debian-12", "location": "fra1"}


async def measure(place: Storming, servers: int, scale: float) -> dict[str, Any]:
    """Order all of them at once; the figures when each has come to its end."""
    async with place.control() as control:
        knobs = {"storage_hold_seconds": LOCKED_SECONDS * scale, "lock_timeout_factor": scale}
        (await control.post("/knobs", json=knobs)).raise_for_status()
    began = time.monotonic()
    await _order(place, servers)
    pool = await open_pool(place.database_url)
    try:
        ended = await _ended(EventStore(pool, Codec(EVENTS)), began + servers * LOCKED_SECONDS * scale * 4 + 300)
        learned = await _learned(pool)
    finally:
        pool.terminate()
    status = Counter(server.status for server in ended)
    seconds = round(time.monotonic() - began, 1)
    failed = servers - status["running"]
    return {"servers": servers, "running": status["running"], "failed": failed, "seconds": seconds} | learned


async def _order(place: Storming, servers: int) -> None:
    async with signed_in(place, email(0)) as client:
        answers = await asyncio.gather(*(client.post("/v1/servers", json=ORDER) for _ in range(servers)))
    for answer in answers:
        assert answer.status_code == 202, answer.text


async def _learned(pool: Pool) -> dict[str, Any]:
    crowded = "SELECT count(*) FROM event WHERE type = 'server.step_held' AND data->>'code' = 'busy'"
    limits = await pool.fetch("SELECT resource, floor(allowed)::int AS allowed FROM slot_limit ORDER BY resource")
    slots = {row["resource"]: row["allowed"] for row in limits}
    return {"crowded": await pool.fetchval(crowded), "slots": slots}


async def _ended(store: EventStore, deadline: float) -> list[Server]:
    while True:
        servers = await states(store)
        if time.monotonic() > deadline or not any(server.current for server in servers):
            return servers
        await asyncio.sleep(2)


def main() -> int:
    """1 when one of them does not run."""
    parser = argparse.ArgumentParser(description="Many creations at once.")
    parser.add_argument("--servers", type=int, default=500)
    parser.add_argument("--scale", type=float, default=0.05)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with storming(orchestrators=2, nodes=3, customers=1) as place:
        figures = asyncio.run(measure(place, options.servers, options.scale))
    print(json.dumps(figures), flush=True)
    return 1 if figures["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
