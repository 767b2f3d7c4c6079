"""Look at a cluster in bulk, once every few seconds and by one process: what changed outside becomes an event."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import json
import random
import time
from collections.abc import Awaitable, Iterable
from uuid import UUID

import structlog

from eventstore.database import FAILED
from eventstore.store import Conflict
from hypervisor.errors import HypervisorError, Unreachable
from hypervisor.port import GuestRow, Hypervisor
from orchestrator.drift.closer import look_closer, report_gone, taken_addresses
from orchestrator.drift.files import Files
from orchestrator.drift.picture import Picture
from orchestrator.drift.strays import Strays
from orchestrator.offers import with_offers
from orchestrator.surroundings import inventory, see_around
from orchestrator.work import SQL, NoSuchStream, Tools
from runtime.ids import new_id
from runtime.program import Stop
from runtime.settings import Cluster

log = structlog.get_logger()
Suspect = tuple[UUID, GuestRow]
LEASE_INTERVALS = 4
CLOSER_AT_ONCE = 3  # half of what a cluster is asked at once is left to those who act
INVENTORY_SECONDS = 30.0  # how old at most what orders are checked against is
CLOSER_PER_LOOK = 200  # of those that seem to differ; the others have their turn at the next looks


class Observer:
    """Watches one cluster while it holds the cluster's lease."""

    def __init__(self, tools: Tools, cluster: Hypervisor):
        self._tools = tools
        self._cluster = cluster
        self._token = new_id()
        self._every = tools.config.policy.observe_every
        self._picture = Picture(cluster.cluster)
        self._strays = Strays(tools, cluster)
        self._files = Files(tools, cluster, self._strays)
        self._missing: set[int] = set()
        self._locked: dict[int, float] = {}  # since when a guest was seen with a lock
        self._listed = -INVENTORY_SECONDS  # when the nodes were last written down
        self._templates: dict[str, int | dict[str, int]] = {}  # the images that were looked for then
        self._turn = 0  # the VMID whose configuration was read last

    async def run(self, stop: Stop) -> None:
        """Look, rest, look again, until `stop`; then another process may look at once."""
        while not stop.is_set():
            try:
                await self.look()
            except FAILED as error:
                log.warning("database lost, looking again later", error=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await stop.wait()
        with contextlib.suppress(*FAILED):
            await self._tools.store.pool.execute(SQL.leave_cluster, self._cluster.cluster, self._token)

    async def look(self) -> None:
        """One look, if no other process is the one who looks."""
        pool, name = self._tools.store.pool, self._cluster.cluster
        lease = self._every * LEASE_INTERVALS + 10
        if await pool.fetchval(SQL.lease_cluster, name, self._token, lease) is None:
            return
        try:
            rows = await self._rows()
        except HypervisorError as error:
            await pool.execute(SQL.missed_cluster, name, self._token, str(error)[:500])
            return
        await pool.execute(SQL.saw_cluster, name, self._token)
        await self._picture.refresh(pool)
        await self._compare(rows)

    async def _rows(self) -> dict[int, GuestRow]:
        """The bulk read; without a quorum it is stale, and nothing is concluded from it."""
        if not await self._cluster.quorate():
            raise Unreachable("the node that answers has no quorum", call="look")
        return {row.vmid: row for row in await self._cluster.guests()}

    async def _compare(self, rows: dict[int, GuestRow]) -> None:
        self._watch_locks(rows.values())
        suspects = [(known.server_id, row) for known, row in self._picture.differing(rows.values())]
        if len(suspects) > CLOSER_PER_LOOK:
            suspects = random.sample(suspects, CLOSER_PER_LOOK)
        turn, strangers = self._in_turn(rows)
        closer = {row.vmid: (server_id, row) for server_id, row in [*suspects, *turn]}
        await self._each(self._look_closer(server_id, row) for server_id, row in closer.values())
        await self._gone(rows)
        await self._each([self._strays.look(rows, self._picture.vmids())])
        owned = await self._strays.owned([row.vmid for row in strangers])  # of a server that the views do not show yet
        await self._each(self._look_at_stranger(row) for row in strangers if row.vmid not in owned)
        await self._each([self._files.look(rows.values())])
        settings = (await with_offers(self._tools)).known_cluster(self._cluster.cluster)
        if settings is not None:
            await self._each([self._strays.sweep(rows, settings.storage), self._list_nodes(settings, rows)])

    async def _list_nodes(self, settings: Cluster, rows: dict[int, GuestRow]) -> None:
        if time.monotonic() - self._listed < INVENTORY_SECONDS and self._templates == settings.templates:
            return
        found = await inventory(self._tools, await see_around(self._tools, settings, rows.values()))
        await self._tools.store.pool.execute(SQL.saw_nodes, settings.name, json.dumps(found))
        self._listed, self._templates = time.monotonic(), settings.templates

    def _watch_locks(self, rows: Iterable[GuestRow]) -> None:
        now = time.monotonic()
        self._locked = {row.vmid: self._locked.get(row.vmid, now) for row in rows if row.lock is not None}

    def _in_turn(self, rows: dict[int, GuestRow]) -> tuple[list[Suspect], list[GuestRow]]:
        """A few guests of which nothing seems to differ, each after the other, strangers among them; a few that are
        known to differ; and those that have been locked for long.
        """
        count, policy = self._tools.config.policy.closer_looks, self._tools.config.policy
        turn = heapq.nsmallest(count, (vmid for vmid in rows if vmid > self._turn))
        self._turn = turn[-1] if len(turn) == count and turn else 0
        drifted = list(self._picture.drifted & rows.keys())
        turn += random.sample(drifted, min(count, len(drifted)))
        now = time.monotonic()
        turn += [vmid for vmid, since in self._locked.items() if now - since >= policy.lock_left_after][:count]
        known = [(guest.server_id, rows[vmid]) for vmid in turn if (guest := self._picture.get(vmid)) is not None]
        return known, [rows[vmid] for vmid in turn if self._picture.get(vmid) is None]

    async def _look_closer(self, server_id: UUID, row: GuestRow) -> None:
        since = self._locked.get(row.vmid)
        locked = -1.0 if since is None else time.monotonic() - since
        await look_closer(self._tools, self._cluster, server_id, row, locked)

    async def _look_at_stranger(self, row: GuestRow) -> None:
        """A guest that is none of ours may still use an address of ours."""
        if row.kind != "qemu" or row.template:
            return
        found = await taken_addresses(self._tools, await self._cluster.config(row.node, row.vmid), None)
        if found:
            await self._strays.notice("address", row.vmid, found[0].detail, found[0].facts)
        else:
            await self._strays.over("address", row.vmid)

    async def _gone(self, rows: dict[int, GuestRow]) -> None:
        """A guest that two looks have not got is asked for by itself."""
        missing = self._picture.missing(rows.keys())
        twice = sorted(missing & self._missing)[:CLOSER_PER_LOOK]
        self._missing = missing
        known = [(vmid, guest) for vmid in twice if (guest := self._picture.get(vmid)) is not None]
        await self._each(report_gone(self._tools, self._cluster, guest.server_id, vmid) for vmid, guest in known)

    async def _each(self, looks: Iterable[Awaitable[None]]) -> None:
        """A few at a time; what cannot be found out now is found out at another look."""
        gate = asyncio.Semaphore(CLOSER_AT_ONCE)

        async def look(awaited: Awaitable[None]) -> None:
            async with gate:
                try:
                    await awaited
                except (HypervisorError, Conflict, NoSuchStream) as error:
                    log.info("not compared this time", cluster=self._cluster.cluster, reason=str(error))

        await asyncio.gather(*(look(awaited) for awaited in looks))
