"""What stands in our range of VMIDs and belongs to no server: told to staff, its number put aside, never touched.

After an old copy of the database was restored, the guests made since are such strangers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from domain import ids
from domain.cluster import decide
from domain.cluster.events import ClusterEvent, RemovalRequested, StrayFound
from domain.cluster.state import Cluster, Stray, fold
from domain.record import Meta
from eventstore.store import Entry, Wake
from hypervisor.errors import HypervisorError
from hypervisor.port import GuestRow, Hypervisor
from orchestrator.work import ACTOR, SQL, Tools
from runtime.ids import new_id

STRANGER = "It stands in the range kept for Hostler and belongs to no server. Its number was put aside."
GHOST = "Its server was removed, yet a guest with its number is there."
LEFTOVER = "Volumes were left behind when its server was removed."
RELEASED_PER_LOOK = 2
OWNED = "owned"  # a VMID that a server has


class Strays:
    """The strays of one cluster, and the stream they are told in."""

    def __init__(self, tools: Tools, hypervisor: Hypervisor):
        self._tools, self._hypervisor = tools, hypervisor
        self._name = hypervisor.cluster
        self._stream = ids.cluster(self._name)
        self._state = Cluster()
        self._suspects: set[int] = set()
        self._swept = 0
        settings = next((c for c in tools.config.cluster if c.name == self._name), None)
        self._range = range(settings.vmid_first, settings.vmid_last + 1) if settings else range(0)
        self._ours = frozenset(settings.all_template_vmids if settings else ())

    async def look(self, rows: Mapping[int, GuestRow], known: Collection[int]) -> None:
        """Compare the guests in our range with our VMIDs; a suspect is one when it is still there at the next look."""
        self._state = fold(await self._tools.store.read_stream(self._stream, self._state.version), self._state)
        inside = {vmid for vmid in rows if vmid in self._range and vmid not in known} - self._ours
        states = await self._states(inside)
        suspects = {vmid for vmid in inside if states.get(vmid) != OWNED}
        for vmid in sorted(suspects & self._suspects):
            await self._found(rows[vmid], states.get(vmid))
        self._suspects = suspects
        for kind, vmid in list(self._state.strays):
            if kind in ("stranger", "ghost", "address") and (vmid not in rows or vmid in known):
                await self.over(kind, vmid)

    async def owned(self, vmids: Collection[int]) -> set[int]:
        """Those of these VMIDs that are a server's."""
        return {vmid for vmid, state in (await self._states(vmids)).items() if state == OWNED}

    async def _states(self, vmids: Collection[int]) -> dict[int, str]:
        if not vmids:
            return {}
        rows = await self._tools.store.pool.fetch(SQL.vmid_states, self._name, sorted(vmids))
        return {row["vmid"]: row["state"] for row in rows}

    async def _found(self, row: GuestRow, state: str | None) -> None:
        if state is None:
            await self._tools.store.pool.execute(SQL.burn_strangers, self._name, [row.vmid])
        kind, detail = ("ghost", GHOST) if state == "released" else ("stranger", STRANGER)
        await self.notice(kind, row.vmid, detail, {"node": row.node, "kind": row.kind})

    async def notice(self, kind: str, vmid: int, detail: str, facts: dict[str, Any]) -> None:
        """Tell of a stray, once."""
        found = StrayFound(cluster=self._name, kind=kind, vmid=vmid, detail=detail, facts=facts)
        if (known := self._state.strays.get((kind, vmid))) is not None and kind in ("stranger", "ghost"):
            found = StrayFound(cluster=self._name, kind=kind, vmid=vmid, detail=detail, facts=known.facts)
        events = decide.notice_stray(self._state, found)
        if events and kind == "leftover" and self._tools.config.policy.drift.leftover == "repair":
            asked = RemovalRequested(cluster=self._name, kind=kind, vmid=vmid, removal_id=new_id())
            return await self._append([*events, asked], wake=True)
        await self._append(events)

    def told(self, kind: str, vmid: int) -> Stray | None:
        """What staff were told of one, as of the last look."""
        return self._state.strays.get((kind, vmid))

    async def over(self, kind: str, vmid: int) -> None:
        """It is not there any more."""
        await self._append(decide.end_stray(self._state, self._name, kind, vmid, "gone"))

    async def _append(self, events: list[ClusterEvent], *, wake: bool = False) -> None:
        if not events:
            return
        version, meta = self._state.version, Meta(actor=ACTOR)
        entries = [Entry(self._stream, version + n, event, meta, self._stream) for n, event in enumerate(events, 1)]
        await self._tools.store.append(entries, [Wake(self._stream, "cluster")] if wake else [])
        self._state = fold(await self._tools.store.read_stream(self._stream, version), self._state)

    async def sweep(self, rows: Mapping[int, GuestRow], storage: str) -> None:
        """A few of the VMIDs that were given back, in turn: nothing of theirs should be left on the storage."""
        found = await self._tools.store.pool.fetch(SQL.released_vmids, self._name, self._swept, RELEASED_PER_LOOK)
        self._swept = found[-1]["vmid"] if found else 0
        for vmid in [row["vmid"] for row in found if row["vmid"] not in rows and not self._removed(row["vmid"])]:
            left = await self._volumes(storage, vmid)
            if left:
                await self.notice("leftover", vmid, LEFTOVER, {"volumes": left})
            elif left is not None:
                await self.over("leftover", vmid)

    def _removed(self, vmid: int) -> bool:
        """Whether somebody is at it."""
        known = self._state.strays.get(("leftover", vmid))
        return known is not None and known.removal is not None

    async def _volumes(self, storage: str, vmid: int) -> list[str] | None:
        """The volumes of a VMID on all nodes; None when a node could not be asked and no other has any."""
        left: set[str] = set()
        complete = True
        for node in await self._hypervisor.nodes():
            try:
                left |= set(await self._hypervisor.volumes(node.name, storage, vmid)) if node.online else set()
                complete = complete and node.online
            except HypervisorError:
                complete = False
        return sorted(left) if left or complete else None
