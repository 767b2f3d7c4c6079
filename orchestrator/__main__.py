"""`hostler-orchestrator`: drives Proxmox. Run as many as you like against one PostgreSQL."""

from __future__ import annotations

import asyncio
import sys

from domain.registry import EVENTS
from eventstore.coalescer import Coalescer
from eventstore.codec import Codec
from eventstore.database import DatabaseUnavailable, NotMigrated, open_pool
from eventstore.outbox import Lease
from eventstore.positions import Position
from eventstore.store import EventStore
from hypervisor.clusters import open_clusters
from orchestrator.drift.leftovers import remove_leftovers
from orchestrator.housekeeping import keep_house
from orchestrator.link import link_import
from orchestrator.observer import Observer
from orchestrator.reconcile import reconcile
from orchestrator.snippets import open_snippets
from orchestrator.work import Tools, Work
from orchestrator.worker import Worker
from runtime.program import Stop, run
from runtime.sealing import load_seal
from runtime.settings import Settings, SettingsError

POOL_SIZE = 12
CODEC = Codec(EVENTS)


async def reconcile_server(tools: Tools, lease: Lease) -> tuple[Position, float | None]:
    """Handle the wake of a server."""
    work = await Work.load(tools, lease.stream_id)
    seconds = await reconcile(work)
    return work.position, seconds


HANDLERS = {"server": reconcile_server, "import": link_import, "cluster": remove_leftovers}


async def orchestrate(settings: Settings, stop: Stop) -> None:
    """Work until `stop`.

    Raises:
        SettingsError, DatabaseUnavailable, NotMigrated: it cannot begin; the message says why.
    """
    config = settings.config
    seal, clusters = load_seal(config.auth.secret_key_file), open_clusters(config.cluster)
    snippets = open_snippets(config.cluster)
    pool = await open_pool(settings.database_url, size=POOL_SIZE, application="hostler-orchestrator")
    try:
        async with Coalescer(settings.database_url, CODEC) as coalescer:
            tools = Tools(EventStore(pool, CODEC, coalescer), config, clusters, seal, stop, snippets=snippets)
            await _work(tools, settings.database_url, stop)
    finally:
        for cluster in clusters.values():
            await cluster.close()
        await pool.close()


async def _work(tools: Tools, url: str, stop: Stop) -> None:
    async with asyncio.TaskGroup() as group:
        for cluster in tools.clusters.values():
            group.create_task(Observer(tools, cluster).run(stop))
        group.create_task(keep_house(tools.store.pool, stop))
        group.create_task(Worker(tools, HANDLERS, url).run(stop))


def main() -> None:
    """The command."""
    settings = Settings()
    expected = (SettingsError, DatabaseUnavailable, NotMigrated)
    sys.exit(run("hostler-orchestrator", lambda stop: orchestrate(settings, stop), expected=expected))


if __name__ == "__main__":
    main()
