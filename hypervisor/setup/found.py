"""What an administrator's look at a cluster finds, as far as setting up is concerned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypervisor.errors import Refused
from hypervisor.setup.client import Client
from hypervisor.setup.privileges import Release, release_of

Row = Mapping[str, Any]


class Unsuitable(Exception):
    """The cluster, or what was asked for, cannot work; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """The state of a cluster. `node` is the one that was asked.

    `addresses` are the nodes' own, by name; `tokens` are those of Hostler's user, by name; `zones` are those of
    virtual networks (SDN), by network.
    """

    version: str
    release: Release
    node: str
    addresses: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    users: Mapping[str, Row] = field(default_factory=dict)
    tokens: Mapping[str, Row] = field(default_factory=dict)
    acl: Sequence[Row] = ()
    pools: frozenset[str] = frozenset()
    storages: Mapping[str, Row] = field(default_factory=dict)
    bridges: frozenset[str] = frozenset()
    zones: Mapping[str, str] = field(default_factory=dict)


async def look(client: Client, user: str) -> Found:
    """Read everything that `user`'s setting-up depends on. Raises HypervisorError, Unsuitable."""
    version = str((await client.get("version"))["version"])
    release = release_of(version)
    if release is None:
        raise Unsuitable(f"Proxmox VE {version} is not supported: Hostler needs release 8 or 9")
    nodes = [row for row in await client.get("cluster", "status") if row["type"] == "node"]
    node = next((str(row["name"]) for row in nodes if row.get("local")), str(nodes[0]["name"]))
    users = {str(row["userid"]): row for row in await client.get("access", "users")}
    tokens = await client.get("access", "users", user, "token") if user in users else []
    return Found(
        version=version,
        release=release,
        node=node,
        addresses={str(row["name"]): str(row.get("ip") or row["name"]) for row in nodes},
        roles={str(row["roleid"]): _privileges(row) for row in await client.get("access", "roles")},
        users=users,
        tokens={str(row["tokenid"]): row for row in tokens},
        acl=await client.get("access", "acl"),
        pools=frozenset(str(row["poolid"]) for row in await client.get("pools")),
        storages={str(row["storage"]): row for row in await client.get("nodes", node, "storage")},
        bridges=frozenset(str(row["iface"]) for row in await client.get("nodes", node, "network", type="any_bridge")),
        zones=await zones(client),
    )


async def zones(client: Client) -> dict[str, str]:
    """The zone of each virtual network that may be seen."""
    try:
        return {str(row["vnet"]): str(row["zone"]) for row in await client.get("cluster", "sdn", "vnets")}
    except Refused:  # not installed: optional before 8.1
        return {}


def _privileges(role: Row) -> frozenset[str]:
    return frozenset(str(role.get("privs") or "").split(",")) - {""}
