"""One server in hand: its state, its cluster, and the only way to record what happens to it."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any
from uuid import UUID

from domain.errors import Refused
from domain.record import Actor, Meta, Recorded
from domain.server.evolve import fold
from domain.server.state import Operation, Server, Step
from eventstore.positions import Position
from eventstore.queries import Queries
from eventstore.store import Claims, Entry, EventStore, Name, Wake
from hypervisor.clusters import Clusters
from hypervisor.errors import Missing
from hypervisor.port import GuestConfig, Hypervisor
from orchestrator import fence
from orchestrator.guard import guarded
from orchestrator.seen import Seen
from orchestrator.snippets import Snippets
from runtime.sealing import Seal
from runtime.settings import Config

SQL = Queries("orchestrator")
ACTOR = Actor(type="system", id="orchestrator")
GLIMPSE_SECONDS = 0.5
ALLOWED_SECONDS = 0.5  # how long after it was asked whether an effect may leave, it may


class NoSuchStream(Exception):
    """A wake names a stream without events."""


class ObserveOnly(Refused):
    """No effect may leave for Proxmox: the guest is only observed."""

    code = "observe_only"


class EffectsPaused(Exception):
    """The operator has switched all effects off; the message says why."""


class InMaintenance(Exception):
    """Nothing is changed there until the maintenance ends; the message says why."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every worker needs. `stopping`: hand over what is in hand at the next safe place. `snippets` are by cluster.

    `placing` is held per location: servers placed at once by one process would choose the same numbers, and all but one
    would choose again.
    """

    store: EventStore
    config: Config
    clusters: Clusters
    seal: Seal
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    seen: Seen = field(default_factory=Seen)
    placing: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    snippets: Mapping[str, Snippets] = field(default_factory=dict)


@dataclass(slots=True)
class Work:
    """A server's stream, folded, and the wish to move it on."""

    tools: Tools
    stream_id: UUID
    position: Position
    kept_slot: float = field(default=-inf)  # when it was told last that the task which holds a slot is looked at
    _state: Server | None = field(default=None)
    _mode: str | None = field(default=None)  # the cluster's, where staff have switched it
    _seen: tuple[float, GuestConfig] | None = field(default=None)  # the guest as it was read last, and when
    _touched: bool = field(default=False)  # something was asked of Proxmox since
    _allowed: tuple[str, float] | None = field(default=None)  # where effects may leave, and when that was asked
    _free: tuple[float, int] | None = field(default=None)  # the VMID that no guest had, and when

    @classmethod
    async def load(cls, tools: Tools, stream_id: UUID) -> Work:
        """Fold the stream.

        Raises:
            NoSuchStream: it has no events.
        """
        work = cls(tools, stream_id, Position(0, 0))
        await work.reload()
        return work

    @property
    def state(self) -> Server:
        """The server now."""
        assert self._state is not None
        return self._state

    @property
    def operation(self) -> Operation:
        """The operation that goes on."""
        assert self.state.current is not None
        return self.state.current

    @property
    def step(self) -> Step:
        """The step that is next."""
        assert self.operation.step is not None
        return self.operation.step

    @property
    def hypervisor(self) -> Hypervisor:
        """The server's cluster. Changes are refused where the guest is only observed, or the wake is lost."""
        assert self.state.cluster is not None
        return guarded(self.tools.clusters[self.state.cluster], self._about_to_change)

    @property
    def observed(self) -> bool:
        """Whether the guest, or its whole cluster, is only looked at."""
        cluster = self.tools.config.known_cluster(self.state.cluster)
        mode = self._mode or (cluster.mode if cluster is not None else "manage")
        return "observe" in (self.state.mode, mode)

    async def is_observed(self) -> bool:
        """The same, as staff have it now."""
        modes = await observed_clusters(self.tools, [self.state.cluster or ""])
        self._mode = "observe" if modes else "manage"
        return self.observed

    async def reload(self) -> None:
        """Fold what the stream has got since.

        Raises:
            NoSuchStream: it has no events.
        """
        version = self._state.version if self._state else 0
        self._fold(await self.tools.store.read_stream(self.stream_id, version))
        if self._state is None:
            raise NoSuchStream(str(self.stream_id))

    def _fold(self, records: Sequence[Recorded[Any]]) -> None:
        self._state = fold(self._state, records)
        if records:
            self.position = Position(records[-1].tx, records[-1].pos)

    async def record(
        self, *events: Any, operations: Iterable[UUID] = (), claims: Claims | None = None, wake: bool = False
    ) -> None:
        """Append at the version this state stands at, and fold what was appended; `operations` are those that it
        begins; `wake` whoever works on it.

        Raises:
            LeaseLost: another worker may have the stream by now.
            Conflict: the stream has grown meanwhile.
            ClaimLost: a claim is taken.
        """
        fence.check()
        meta, subject = self._meta(), self.state.account_id
        first = self.state.version + 1
        entries = [Entry(self.stream_id, first + n, event, meta, subject) for n, event in enumerate(events)]
        wakes = [Wake(self.stream_id, "server")] if wake else []
        names = [Name(operation, self.stream_id) for operation in operations]
        self._fold(await self.tools.store.record(entries, wakes, names=names, claims=claims))

    async def now(self) -> datetime:
        """The database's clock."""
        moment: datetime = await self.tools.store.pool.fetchval(SQL.now)
        return moment

    async def check_effects_allowed(self, node: str) -> None:
        """Before any effect on a node of the server's cluster: asked anew unless that was a moment ago.

        Raises:
            ObserveOnly: the server's guest is only observed.
            LeaseLost: another worker may have the stream by now.
            EffectsPaused: all effects are switched off.
            InMaintenance: the node or the cluster is under maintenance.
        """
        if self._allowed is None or self._allowed[0] != node or time.monotonic() - self._allowed[1] > ALLOWED_SECONDS:
            await self._ask_whether_allowed(node)
        self.check_may_change()

    async def _ask_whether_allowed(self, node: str) -> None:
        asked_at, self._allowed = time.monotonic(), None
        row = await self.tools.store.pool.fetchrow(SQL.hindrances, self.state.cluster, node)
        assert row is not None
        self._mode = row["mode"]
        self.check_may_change()
        if row["paused"] is not None:
            raise EffectsPaused(row["paused"])
        if row["maintenance"] is not None:
            raise InMaintenance(row["maintenance"])
        self._allowed = (node, asked_at)

    def check_may_change(self) -> None:
        """Right before anything is changed.

        Raises:
            ObserveOnly: the server's guest is only observed.
            LeaseLost: another worker may have the stream by now.
        """
        if self.observed:
            raise ObserveOnly("the guest is only observed")
        fence.check()

    def _about_to_change(self) -> None:
        self.check_may_change()
        self._touched = True

    async def glimpse(self) -> GuestConfig | None:
        """The guest as it was read a moment ago, where nothing was asked of Proxmox since; otherwise as `guest`."""
        return self._recent() if self._recent() and not self._touched else await self.guest()

    async def whereabouts(self) -> GuestConfig | None:
        """The guest where it was a moment ago, its configuration perhaps another by now; otherwise as `guest`."""
        return self._recent() or await self.guest()

    def _recent(self) -> GuestConfig | None:
        return self._seen[1] if self._seen is not None and _lately(self._seen[0]) else None

    async def guest(self) -> GuestConfig | None:
        """The guest's configuration, wherever it is now; None when no guest of the cluster has its VMID.

        Raises:
            HypervisorError: it could not be found out.
        """
        self._seen, self._touched = None, False
        found = await self._find_guest()
        if found is not None:
            self._seen = (asyncio.get_running_loop().time(), found)
        return found

    async def is_vmid_free(self, cluster: str, vmid: int) -> bool:
        """Whether no guest of the cluster has a VMID.

        Raises:
            HypervisorError: it could not be found out.
        """
        free = not await self.tools.clusters[cluster].vmid_taken(vmid)
        self._free = (asyncio.get_running_loop().time(), vmid) if free else None
        return free

    def was_free(self, vmid: int) -> bool:
        """Whether `is_vmid_free` said so a moment ago."""
        found = self._free
        return found is not None and found[1] == vmid and _lately(found[0])

    async def _find_guest(self) -> GuestConfig | None:
        node, vmid = self.state.node, self.state.vmid
        assert vmid is not None
        if node is not None:
            try:
                return await self.hypervisor.config(node, vmid)
            except Missing:
                pass  # perhaps it moved
        row = next((row for row in await self.hypervisor.guests() if row.vmid == vmid), None)
        if row is not None:  # a container that has its number is nobody's guest
            return await self.hypervisor.config(row.node, vmid) if row.kind == "qemu" else None
        if await self.hypervisor.vmid_taken(vmid):
            raise Missing("the VMID is taken, but its guest is not to be seen", call=f"find guest {vmid}")
        return None

    def _meta(self) -> Meta:
        operation = self.state.operation
        if operation is None:
            return Meta(actor=ACTOR)
        return Meta(actor=ACTOR, request_id=operation.request_id, correlation=operation.id.hex)


def _lately(at: float) -> bool:
    return asyncio.get_running_loop().time() - at <= GLIMPSE_SECONDS


async def observed_clusters(tools: Tools, names: Collection[str]) -> set[str]:
    """Those of the clusters that are only looked at: as staff have switched them, otherwise as the settings say."""
    modes = {cluster.name: cluster.mode for cluster in tools.config.cluster}
    rows = await tools.store.pool.fetch(SQL.cluster_modes, list(names))
    modes |= {row["cluster"]: row["mode"] for row in rows}
    return {name for name in names if modes.get(name) == "observe"}
