"""Look at a cluster in bulk, once every few seconds and by one process: what changed outside becomes an event."""

from __future__ import annotations

import asyncio
import contextlib
from uuid import UUID

import structlog

from domain.server import events as e
from eventstore.database import FAILED
from eventstore.store import Conflict
from hypervisor.errors import HypervisorError, Missing
from hypervisor.port import GuestRow, Hypervisor
from orchestrator.work import SQL, NoSuchStream, Tools, Work
from runtime.ids import new_id
from runtime.program import Stop

log = structlog.get_logger()
LEASE_INTERVALS = 4


class Observer:
    """Watches one cluster while it holds the cluster's lease."""

    def __init__(self, tools: Tools, cluster: Hypervisor):
        self._tools = tools
        self._cluster = cluster
        self._token = new_id()
        self._every = tools.config.policy.observe_every

    async def run(self, stop: Stop) -> None:
        """Look, rest, look again, until `stop`."""
        while not stop.is_set():
            try:
                await self.look()
            except FAILED as error:
                log.warning("database lost, looking again later", error=str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await stop.wait()

    async def look(self) -> None:
        """One look, if no other process is the one who looks."""
        pool, name = self._tools.store.pool, self._cluster.cluster
        lease = self._every * LEASE_INTERVALS + 10
        if await pool.fetchval(SQL.lease_cluster, name, self._token, lease) is None:
            return
        try:
            guests = {row.vmid: row for row in await self._cluster.guests()}
        except HypervisorError as error:
            await pool.execute(SQL.missed_cluster, name, self._token, str(error)[:500])
            return
        await pool.execute(SQL.saw_cluster, name, self._token)
        for row in await pool.fetch(SQL.guests_in_views, name):
            guest = guests.get(row["vmid"])
            if guest is not None and _differs(guest, row["power"], row["node"]):
                await self._follow(row["server_id"], guest)

    async def _follow(self, server_id: UUID, guest: GuestRow) -> None:
        """The bulk read is seconds old: ask for the guest itself before anything is recorded."""
        try:
            work = await Work.load(self._tools, server_id)
            status = await self._cluster.status(guest.node, guest.vmid)
            if work.state.current is not None or work.state.destroyed or not work.state.adopted:
                return
            events: list[e.ServerEvent] = []
            if work.state.node != guest.node:
                events.append(e.GuestMoved(node=guest.node))
            if work.state.power != status.power:
                events.append(e.PowerObserved(power=status.power))
            if events:
                await work.record(*events)
        except (HypervisorError, Missing, Conflict, NoSuchStream) as error:
            log.info("not followed this time", server=server_id.hex, reason=str(error))


def _differs(guest: GuestRow, power: str | None, node: str | None) -> bool:
    return guest.node != node or (guest.status != "unknown" and guest.status != power)
