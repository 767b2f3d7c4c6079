"""Files of user data of servers that the log does not know: after an old copy of the database was restored, those of
the servers made since. They can hold secrets, and nobody else would ever take them away.

Staff are told. Where the operator's policy is to remove what was left behind, they go as well: those that staff were
told of at an earlier look, that nobody has touched for a day, since another installation may share the folder, and that
no guest names, since it could not start without.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from uuid import UUID

import structlog

from domain.cluster.state import Stray
from hypervisor.port import GuestRow, Hypervisor
from orchestrator import fence
from orchestrator.drift.strays import Strays
from orchestrator.snippets import OutOfReach, name_of, volume_of
from orchestrator.work import SQL, Tools, observed_clusters

KIND, NUMBER = "snippet", 0  # it belongs to no VMID
LEFT = "Files of user data lie on the storage whose servers are not in the log: they can hold secrets."
EVERY_SECONDS, OLD_SECONDS = 300.0, 86_400.0
CONFIGS_AT_ONCE = 3
log = structlog.get_logger()


class Files:
    """The files of one cluster."""

    def __init__(self, tools: Tools, hypervisor: Hypervisor, strays: Strays):
        self._tools, self._hypervisor, self._strays = tools, hypervisor, strays
        self._name = hypervisor.cluster
        self._looked = -EVERY_SECONDS

    async def look(self, rows: Iterable[GuestRow]) -> None:
        """Tell of what is left, and remove what may go; every few minutes, by whoever looks at the cluster."""
        snippets = self._tools.snippets.get(self._name)
        if snippets is None or time.monotonic() - self._looked < EVERY_SECONDS:
            return
        self._looked = time.monotonic()
        try:
            found = await snippets.servers()
        except OutOfReach as error:
            log.info("files of user data not listed", cluster=self._name, reason=str(error))
            return
        known = await self._tools.store.pool.fetch(SQL.streams_known, list(found))
        left = {id: age for id, age in found.items() if id not in {row["stream_id"] for row in known}}
        told = self._strays.told(KIND, NUMBER)
        if left and told is not None and await self._allowed():
            left = await self._remove(left, told, [row for row in rows if row.kind == "qemu"])
        if left:
            facts = {"storage": snippets.storage, "files": sorted(map(name_of, left))}
            await self._strays.notice(KIND, NUMBER, LEFT, facts)
        else:
            await self._strays.over(KIND, NUMBER)

    async def _allowed(self) -> bool:
        if self._tools.config.policy.drift.leftover != "repair" or await observed_clusters(self._tools, [self._name]):
            return False
        row = await self._tools.store.pool.fetchrow(SQL.hindrances, self._name, "")
        return row is not None and row["paused"] is None and row["maintenance"] is None

    async def _remove(self, left: dict[UUID, float], told: Stray, guests: list[GuestRow]) -> dict[UUID, float]:
        """What is still there afterwards."""
        snippets, rest = self._tools.snippets[self._name], dict(left)
        for server, age in left.items():
            volume = volume_of(snippets.storage, server)
            if name_of(server) not in told.facts["files"] or age < OLD_SECONDS or await self._named(volume, guests):
                continue
            fence.check()
            try:
                await snippets.remove(name_of(server))
            except OutOfReach as error:
                log.warning("file of user data not removed", cluster=self._name, reason=str(error))
                break
            log.warning("file of user data removed", cluster=self._name, server=server.hex)
            del rest[server]
        return rest

    async def _named(self, volume: str, guests: Iterable[GuestRow]) -> bool:
        """Whether any guest names it; one that cannot be asked ends the look."""
        gate = asyncio.Semaphore(CONFIGS_AT_ONCE)

        async def names(row: GuestRow) -> bool:
            async with gate:
                return await self._hypervisor.mentions(row.node, row.vmid, volume)

        return any(await asyncio.gather(*map(names, guests)))
