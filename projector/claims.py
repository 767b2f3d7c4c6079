"""What the claims must be, derived from the log: VMIDs, addresses, memory, operations, imported rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any
from uuid import UUID

from domain.account import events as a
from domain.cluster import events as c
from domain.record import Recorded
from domain.server import events as e
from eventstore.database import Connection
from eventstore.queries import Queries

SQL = Queries("projector")
Claim = tuple[Any, ...]


class Claims:
    """The claims the events so far have made, as rows of the claim tables."""

    def __init__(self) -> None:
        self._owned: dict[UUID, tuple[str, int]] = {}
        self._released: set[Claim] = set()
        self._sold: dict[UUID, Iterable[e.Address]] = {}  # addresses of imported servers
        self._plans: dict[UUID, e.Plan] = {}
        self._actual: dict[UUID, dict[str, int]] = {}  # the size found at adoption, until the plan is changed
        self._differing: dict[tuple[UUID, str], dict[str, Any]] = {}  # sizes that were found otherwise
        self._addresses: dict[UUID, set[str]] = {}
        self._closed: set[Claim] = set()
        self._memory: dict[UUID, Claim] = {}
        self._capacity: dict[UUID, dict[str, int]] = {}
        self._reserved: dict[UUID, UUID] = {}  # the operation that reserved memory for a larger plan
        self._operations: set[Claim] = set()
        self._sources: set[Claim] = set()
        self._imported: dict[UUID, Claim] = {}  # the source row of each imported stream
        self._maintenance: set[Claim] = set()
        self._modes: dict[str, str] = {}

    def fold(self, record: Recorded[Any]) -> None:
        """One more event."""
        event, id = record.event, record.stream_id
        match event:
            case e.ServerRequested():
                self._plans[id] = event.plan
                self._operations.add((event.operation_id, id))
            case e.OperationRequested():
                self._operations.add((event.operation_id, id))
            case e.ServerPlaced():
                self._owned[id] = (event.cluster, event.vmid)  # one promised before is burned
                self._addresses[id] = _held(event)
                self._capacity[id] = event.promises
                self._memory[id] = (event.cluster, event.node, self._plans[id].memory_mib)
            case e.ServerImported():
                self._sold[id], self._plans[id] = event.addresses, event.plan
                self._imported[id] = (event.source, "service", event.source_id, id)
                self._sources.add(self._imported[id])
            case e.ImportUpdated():
                self._sold[id], self._plans[id] = event.addresses, event.plan
                self._sources.add(self._imported[id])
            case e.ImportReverted():
                self._forget(id)
                self._owned.pop(id, None)
                self._release(id)
            case e.ServerAdopted():
                self._owned[id] = (event.cluster, event.vmid)
                self._addresses[id] = _hosts(self._sold[id])
                self._found(id, event)
            case e.GuestMoved() if event.promised:
                self._move(id, event.node)
            case e.DriftFound():
                self._differing[id, event.kind] = event.facts
            case e.DriftEnded() if event.how == "adopted":
                self._take_over(id, event, self._differing.get((id, event.kind), {}))
            case e.CapacityReserved():
                self._reserve(id, event)
            case e.PlanChanged():
                self._plans[id], self._actual[id] = event.plan, {}
                self._unreserve(id, event.operation_id)
            case e.OperationFailed() | e.OperationCancelled():
                self._unreserve(id, event.operation_id)
            case e.ServerDestroyed():
                self._release(id)
            case c.MaintenanceBegun():
                self._maintenance.add((event.cluster, event.node or ""))
            case c.MaintenanceEnded():
                self._maintenance.discard((event.cluster, event.node or ""))
            case c.ClusterModeChanged():
                self._modes[event.cluster] = event.mode
            case a.AccountImported():
                self._imported[id] = (event.source, "client", event.source_id, id)
                self._sources.add(self._imported[id])
            case a.UserImported():
                self._imported[id] = (event.source, "user", event.source_id, id)
                self._sources.add(self._imported[id])
            case a.AccountReverted() | a.UserReverted():
                self._forget(id)

    def _forget(self, id: UUID) -> None:
        """An import was taken back: its row may be imported again."""
        self._sources.discard(self._imported[id])

    def _found(self, id: UUID, event: e.ServerAdopted) -> None:
        """What a guest that was adopted has already."""
        self._actual[id] = event.actual
        if event.promises:
            self._memory[id] = (event.cluster, event.node, event.actual["memory_mib"])
            self._capacity[id] = event.promises

    def _move(self, id: UUID, node: str) -> None:
        """What was promised goes with the guest."""
        if id in self._memory:
            cluster, _, memory = self._memory[id]
            self._memory[id] = (cluster, node, memory)
        if id in self._capacity:
            self._capacity[id] = {_at(name, node): amount for name, amount in self._capacity[id].items()}

    def _take_over(self, id: UUID, event: e.DriftEnded, facts: dict[str, Any]) -> None:
        """The log takes over the size that was found, and promises it where the event says so."""
        found: dict[str, Any] = {size: facts[size] for size in ("vcpus", "memory_mib", "disk_gib") if size in facts}
        sizes = dict[str, Any](event.size) or found
        if sizes:
            self._plans[id], self._actual[id] = replace(self._plans[id], **sizes), {}
        if event.size and id in self._memory:
            self._promise_exactly(id)

    def _size(self, id: UUID) -> dict[str, int]:
        plan = self._plans[id]
        held = {"vcpus": plan.vcpus, "memory_mib": plan.memory_mib, "disk_gib": plan.disk_gib}
        return held | self._actual.get(id, {})

    def _reserve(self, id: UUID, event: e.CapacityReserved) -> None:
        if id in self._memory:
            cluster, node, memory = self._memory[id]
            self._memory[id] = (cluster, node, max(memory, event.plan.memory_mib))
            self._capacity[id] = {
                name: max(held, event.plan.vcpus if _is_cpu(name) else event.plan.disk_gib)
                for name, held in self._capacity[id].items()
            }
            self._reserved[id] = event.operation_id

    def _unreserve(self, id: UUID, operation: UUID) -> None:
        if self._reserved.get(id) == operation:
            del self._reserved[id]
            self._promise_exactly(id)

    def _promise_exactly(self, id: UUID) -> None:
        (cluster, node, _), size = self._memory[id], self._size(id)
        self._memory[id] = (cluster, node, size["memory_mib"])
        self._capacity[id] = {
            name: size["vcpus" if _is_cpu(name) else "disk_gib"] for name in self._capacity.get(id, {})
        }

    def _release(self, id: UUID) -> None:
        if id in self._owned:
            self._released.add((*self._owned.pop(id), id, "released"))
        self._closed.update((address, id, "closed") for address in self._addresses.pop(id, set()))
        self._memory.pop(id, None)
        self._capacity.pop(id, None)
        self._reserved.pop(id, None)

    def tables(self) -> dict[str, set[Claim]]:
        """Table name → rows, in the columns of the `claimed_…` statements."""
        owned = {(*place, id, "owned") for id, place in self._owned.items()}
        held = {(address, id, "open") for id, addresses in self._addresses.items() for address in addresses}
        return {
            "vmid": owned | self._released,
            "address": held | self._closed,
            "memory_promise": {(id, *promise) for id, promise in self._memory.items()},
            "capacity_promise": {(id, *one) for id, promises in self._capacity.items() for one in promises.items()},
            "operation_stream": self._operations,
            "source_key": self._sources,
            "maintenance": self._maintenance,
            "cluster_mode": set(self._modes.items()),
        }


STATEMENTS = {
    "vmid": SQL.claimed_vmids,
    "address": SQL.claimed_addresses,
    "memory_promise": SQL.claimed_memory,
    "capacity_promise": SQL.claimed_capacity,
    "operation_stream": SQL.claimed_operations,
    "source_key": SQL.claimed_sources,
    "maintenance": SQL.claimed_maintenance,
    "cluster_mode": SQL.claimed_cluster_modes,
}


async def differences(connection: Connection, claims: Claims) -> list[str]:
    """Claims that only the log or only the tables know, one line each."""
    lines = []
    for table, derived in claims.tables().items():
        stored = {tuple(row) for row in await connection.fetch(STATEMENTS[table])}
        lines += [f"{table}: the log claims {_shown(row)}, the table does not" for row in _sorted(derived - stored)]
        lines += [f"{table}: the table claims {_shown(row)}, the log does not" for row in _sorted(stored - derived)]
    return lines


def _is_cpu(resource: str) -> bool:
    return resource.startswith("cpu/")


def _at(resource: str, node: str) -> str:
    """The same on another node; a shared storage is one for all."""
    kind, cluster, *rest = resource.split("/")
    return "/".join((kind, cluster, *rest[:-1], node)) if len(rest) == (1 if kind == "cpu" else 2) else resource


def _held(placed: e.ServerPlaced) -> set[str]:
    """Its own prefixes, and the addresses outside of them."""
    networks = [ip_network(text) for text in placed.networks]
    return {text for text in _hosts(placed.addresses) if not any(_inside(text, network) for network in networks)} | set(
        placed.networks
    )


def _inside(text: str, network: IPv4Network | IPv6Network) -> bool:
    address = ip_address(text)
    return address.version == network.version and address in network


def _hosts(addresses: Iterable[e.Address]) -> set[str]:
    return {str(ip_address(address.address)) for address in addresses}


def _sorted(rows: Iterable[Claim]) -> list[Claim]:
    return sorted(rows, key=lambda row: [str(value) for value in row])


def _shown(row: Claim) -> str:
    return " ".join(str(value) for value in row)
