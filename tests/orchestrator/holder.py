"""A worker in a process of its own, whose work stands still until the test lets it go on: `python -m … URL NAME`.

What it does is told in the table `told`: "holds" when it has the wake, "acted" when it has changed a guest.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from domain.registry import EVENTS
from eventstore import outbox
from eventstore.codec import Codec
from eventstore.database import Pool, open_pool
from eventstore.outbox import Lease
from eventstore.store import EventStore
from hypervisor.fake import FakeHypervisor
from hypervisor.fake_world import FakeGuest, FakeWorld
from orchestrator import worker
from orchestrator.work import Tools, Work
from orchestrator.worker import Worker
from runtime.program import Stop, run
from runtime.sealing import Seal
from runtime.settings import Auth, Config

LEASE_SECONDS = 2.0


async def _main(url: str, name: str, stop: Stop) -> None:
    pool = await open_pool(url, size=4)
    world = FakeWorld()
    world.add_guest(FakeGuest(105, "pve1"))
    config = Config(auth=Auth(signing_key_file=Path("s"), secret_key_file=Path("k")))
    tools = Tools(EventStore(pool, Codec(EVENTS)), config, {"demo": FakeHypervisor(world)}, Seal(bytes(32)), stop)

    async def handler(tools: Tools, lease: Lease) -> Any:
        work = await Work.load(tools, lease.stream_id)
        await _tell(pool, name, "holds")
        while not await pool.fetchval("SELECT count(*) FROM told WHERE what = 'go on'"):
            if stop.is_set():
                return lease.position, 0.0
            await asyncio.sleep(0.01)
        await work.hypervisor.start("pve1", 105)
        await _tell(pool, name, "acted")
        return work.position, None

    await Worker(tools, {"server": handler}, url).run(stop)
    await pool.close()


async def _tell(pool: Pool, name: str, what: str) -> None:
    await pool.execute("INSERT INTO told VALUES ($1, $2)", name, what)


if __name__ == "__main__":
    outbox.LEASE_SECONDS = LEASE_SECONDS
    worker.HEARTBEAT_SECONDS, worker.SURE_SECONDS = LEASE_SECONDS / 4, LEASE_SECONDS * 2 / 3
    sys.exit(run(sys.argv[2], lambda stop: _main(sys.argv[1], sys.argv[2], stop), expected=()))
