"""Where a new server goes: pure, explained, and the same for the same inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from domain.server.events import Address
from hypervisor.port import GuestRow, Node
from runtime.settings import Cluster, Pool


@dataclass(frozen=True, slots=True)
class Room:
    """What a node has: its limit for promises, what is promised, what guests of others take (MiB)."""

    node: str
    limit_mib: int
    promised_mib: int

    @property
    def free_mib(self) -> int:
        """What may still be promised."""
        return self.limit_mib - self.promised_mib


@dataclass(frozen=True, slots=True)
class Choice:
    """The node, and why it and not the others."""

    room: Room
    explanation: dict[str, Any]


def rooms(
    cluster: Cluster,
    nodes: Iterable[Node],
    guests: Iterable[GuestRow],
    owned: frozenset[int],
    promised: Mapping[str, int],
) -> list[Room]:
    """What each usable node has; memory of running guests that Hostler did not promise counts as gone."""
    foreign: dict[str, int] = {}
    for guest in guests:
        if guest.vmid not in owned and not guest.template and guest.status != "stopped":
            foreign[guest.node] = foreign.get(guest.node, 0) + guest.memory_mib
    return [
        Room(
            node.name,
            int(node.memory_mib * cluster.memory_overcommit) - foreign.get(node.name, 0),
            promised.get(node.name, 0),
        )
        for node in sorted(nodes, key=lambda node: node.name)
        if node.online and node.name not in cluster.ignored_nodes
    ]


def choose(candidates: Iterable[Room], memory_mib: int, template_nodes: frozenset[str]) -> Choice | None:
    """The node with the template and the most room; None when none has room enough."""
    known = list(candidates)
    refused = {room.node: reason for room in known if (reason := _unfit(room, memory_mib, template_nodes))}
    fit = [room for room in known if room.node not in refused]
    if not fit:
        return None
    best = max(fit, key=lambda room: (room.free_mib, room.node))
    explanation = {
        "chosen": best.node,
        "because": f"most memory free to promise: {best.free_mib} MiB",
        "free_mib": {room.node: room.free_mib for room in known},
        "not": refused,
    }
    return Choice(best, explanation)


def _unfit(room: Room, memory_mib: int, template_nodes: frozenset[str]) -> str | None:
    if room.node not in template_nodes:
        return "the image is not there"
    if room.free_mib < memory_mib:
        return f"only {room.free_mib} MiB free to promise"
    return None


def next_address(pool: Pool, taken: frozenset[str]) -> Address | None:
    """The lowest address of the pool that nobody has."""
    first, last = ip_address(str(pool.first)), ip_address(str(pool.last))
    for number in range(int(first), int(last) + 1):
        candidate = str(type(first)(number))
        if candidate not in taken and candidate != str(pool.gateway):
            return Address(
                address=candidate,
                prefix=pool.network.prefixlen,
                gateway=str(pool.gateway),
                family=first.version,
                primary=True,
            )
    return None
