"""Volumes that a removed server left behind are deleted where staff, or the operator's policy, ask for it.

Every look asks anew whether they may go: the number is one that was given back and nobody has it, and no configuration
names them. What is deleted is in the log before; whether it is gone is seen, not believed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

from domain import ids
from domain.cluster.events import ClusterEvent, RemovalIntended, RemovalRefused, StrayEnded
from domain.cluster.state import Stray, fold
from domain.record import Meta
from eventstore.outbox import Lease
from eventstore.positions import Position
from eventstore.store import Conflict, Entry
from hypervisor.errors import Denied, HypervisorError, Invalid, Refused, Unreachable
from hypervisor.port import GuestRow, Hypervisor
from orchestrator import fence
from orchestrator.destroys import permitted
from orchestrator.guard import guarded
from orchestrator.work import ACTOR, SQL, Tools, observed_clusters

AGAIN_SECONDS, POLL_SECONDS, POLLS = 5.0, 0.2, 50
CONFIGS_AT_ONCE = 8
OBSERVED = "The cluster is only observed: nothing is changed there."
NOT_RELEASED = "The number is not one that a removed server gave back: nothing was deleted."
TAKEN = "A virtual machine has this number: nothing was deleted. Look at it first."
IN_USE = "The configuration of virtual machine {vmid} names one of the volumes: nothing was deleted."
DENIED = "Hostler may not delete volumes there: it lacks Datastore.Allocate on the storage. Nothing more was deleted."
FAILED = "The hypervisor did not delete it. What is left stays as it is."


@dataclass
class No(Exception):
    """It is not done; the message is for staff."""

    code: str
    detail: str
    debug: str = ""


class Wait(Exception):
    """It cannot be done now."""


async def remove_leftovers(tools: Tools, lease: Lease) -> tuple[Position, float | None]:
    """Handle the wake of a cluster: one look at each removal that goes on."""
    records = await tools.store.read_stream(lease.stream_id)
    state, position = fold(records), Position(records[-1].tx, records[-1].pos)
    name = next((c.name for c in tools.config.cluster if ids.cluster(c.name) == lease.stream_id), None)
    going_on = [stray for stray in state.strays.values() if stray.removal is not None] if name is not None else []
    for stray in going_on:
        assert name is not None
        if event := await _look(_Removal(tools, name, stray)):
            entry = Entry(lease.stream_id, state.version + 1, event, Meta(actor=ACTOR), lease.stream_id)
            try:
                return await tools.store.append([entry]), 0.0
            except Conflict:
                return position, 0.0
    return position, AGAIN_SECONDS if going_on else None


async def _look(removal: _Removal) -> ClusterEvent | None:
    """What is to be recorded; None to look again later."""
    try:
        return await removal.look()
    except No as no:
        return RemovalRefused(**removal.about, code=no.code, detail=no.detail, debug=no.debug)
    except Denied as error:
        return RemovalRefused(**removal.about, code="denied", detail=DENIED, debug=str(error))
    except (Refused, Invalid) as error:
        return RemovalRefused(**removal.about, code="refused", detail=FAILED, debug=str(error))
    except (Wait, HypervisorError):
        return None


class _Removal:
    """One removal, at one look."""

    def __init__(self, tools: Tools, cluster: str, stray: Stray):
        self._tools, self._cluster, self._stray = tools, cluster, stray
        self._hypervisor: Hypervisor = guarded(tools.clusters[cluster], fence.check)
        self._storage = tools.config.cluster_named(cluster).storage
        assert stray.removal is not None
        self._id = stray.removal
        self.about: dict[str, Any] = {
            "cluster": cluster,
            "kind": stray.kind,
            "vmid": stray.vmid,
            "removal_id": stray.removal,
        }

    async def look(self) -> ClusterEvent:
        """One step on.

        Raises:
            No: it must not be done, or was not.
            Wait: it cannot be done now.
            HypervisorError: it could not be found out.
        """
        await self._check_number()
        places = await self._places()
        if not places:
            return self._ended("repaired" if self._stray.removing else "gone")
        await self._check_unused(places)
        if await permitted(self._tools, self._id) is not None:
            raise Wait
        for node in ("", *places.values()):
            await self._check_allowed(node)
        if not places.keys() <= set(self._stray.removing):
            return RemovalIntended(**self.about, volumes=sorted(places))
        for volume, node in places.items():
            await self._delete(volume, node)
        if await self._places():
            raise Wait
        return self._ended("repaired")

    def _ended(self, how: str) -> StrayEnded:
        return StrayEnded(cluster=self._cluster, kind=self._stray.kind, vmid=self._stray.vmid, how=how)

    async def _check_number(self) -> None:
        if await observed_clusters(self._tools, [self._cluster]):
            raise No("observe_only", OBSERVED)
        vmid = self._stray.vmid
        rows = await self._tools.store.pool.fetch(SQL.vmid_states, self._cluster, [vmid])
        if [row["state"] for row in rows] != ["released"]:
            raise No("not_released", NOT_RELEASED)
        if not await self._hypervisor.quorate():
            raise Wait
        if await self._hypervisor.vmid_taken(vmid):
            raise No("vmid_taken", TAKEN)

    async def _places(self) -> dict[str, str]:
        """Those of the volumes that staff were told of which still exist, and the nodes that have them."""
        told, places = self._stray.facts["volumes"], dict[str, str]()
        for node in await self._hypervisor.nodes():
            if not node.online:
                raise Unreachable(f"{node.name} is offline", call="volumes")
            found = await self._hypervisor.volumes(node.name, self._storage, self._stray.vmid)
            places |= {volume: node.name for volume in found if volume in told}
        return places

    async def _check_unused(self, places: dict[str, str]) -> None:
        gate = asyncio.Semaphore(CONFIGS_AT_ONCE)

        async def names(row: GuestRow) -> bool:
            async with gate:
                mentions = partial(self._hypervisor.mentions, row.node, row.vmid)
                return any([await mentions(volume) for volume in places])

        rows = [row for row in await self._hypervisor.guests() if row.kind == "qemu"]
        used = await asyncio.gather(*(names(row) for row in rows))
        if user := next((row for row, uses in zip(rows, used, strict=True) if uses), None):
            raise No("in_use", IN_USE.format(vmid=user.vmid))

    async def _check_allowed(self, node: str) -> None:
        row = await self._tools.store.pool.fetchrow(SQL.hindrances, self._cluster, node)
        assert row is not None
        if row["paused"] is not None or row["maintenance"] is not None:
            raise Wait

    async def _delete(self, volume: str, node: str) -> None:
        upid = await self._hypervisor.delete_volume(node, self._storage, volume)
        for _ in range(POLLS if upid is not None else 0):
            task = await self._hypervisor.task(upid or "")
            if task.state == "failed":
                raise No("failed", FAILED, task.text)
            if task.state != "running":
                return
            await asyncio.sleep(POLL_SECONDS)
