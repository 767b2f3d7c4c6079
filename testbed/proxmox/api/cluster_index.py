"""Indexes and lists of cluster-wide things that are empty here (pve-manager API2/Cluster.pm and below)."""

import hashlib
from collections.abc import Callable

from testbed.proxmox.calls import Call, Right, everybody, perm, route
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import ApiError
from testbed.proxmox.schema import Param, Schema

AUDIT = perm("/", "Sys.Audit")
AREAS = (
    *("acme", "backup", "backup-info", "ceph", "config", "firewall", "ha", "jobs", "log", "mapping", "metrics"),
    *("notifications", "nextid", "options", "replication", "resources", "status", "tasks", "sdn"),
)
CONFIG = ("nodes", "totem", "join", "qdevice", "apiversion")


def _fixed(path: str, right: Right, answer: Callable[[], object], parameters: Schema | None = None) -> None:
    @route("GET", path, right, parameters)
    async def fixed(_call: Call) -> object:
        return answer()


def _index(path: str, key: str, names: tuple[str, ...], right: Right = everybody) -> None:
    _fixed(path, right, lambda: [{key: name} for name in names])


_index("/cluster", "name", AREAS)
_index("/cluster/config", "name", CONFIG, AUDIT)
_index("/cluster/backup-info", "subdir", ("not-backed-up",))
_index("/cluster/jobs", "subdir", ("schedule-analyze", "realm-sync"))
_index("/cluster/mapping", "name", ("dir", "pci", "usb"))
_index("/cluster/metrics", "name", ("server",))
_index("/cluster/acme", "name", ("account", "tos", "meta", "plugins", "directories", "challenge-schema"))

_EMPTY: dict[str, tuple[Right, Schema]] = {
    "/cluster/replication": (everybody, {}),
    "/cluster/metrics/server": (AUDIT, {}),
    "/cluster/acme/account": (everybody, {}),
    "/cluster/jobs/realm-sync": (AUDIT, {}),
    **{f"/cluster/mapping/{kind}": (everybody, {"check-node": Param()}) for kind in ("dir", "pci", "usb")},
}
for _path, (_right, _parameters) in _EMPTY.items():
    _fixed(_path, _right, list, _parameters)
_fixed("/cluster/config/totem", AUDIT, dict)
_fixed("/cluster/config/qdevice", AUDIT, dict)
_fixed("/cluster/config/apiversion", AUDIT, lambda: 1)


@route("GET", "/cluster/config/nodes", AUDIT)
async def config_nodes(call: Call) -> list[Row]:
    """The nodes of corosync's configuration; a node on its own has none."""
    return [_member(node) for node in call.cluster.nodes.values()] if call.cluster.name else []


def _member(node: Node) -> Row:
    number = str(node.number)
    row: Row = {"node": node.name, "name": node.name, "nodeid": number, "quorum_votes": "1"}
    return row | {"ring0_addr": node.address}


@route("GET", "/cluster/config/join", AUDIT, {"node": Param()})
async def join(call: Call) -> Row:
    """What another node needs in order to join."""
    if call.cluster.name is None:
        raise ApiError(424, "node is not in a cluster, no join info available!")
    nodes = [
        _member(node) | {"pve_addr": node.address, "pve_fp": node.fingerprint} for node in call.cluster.nodes.values()
    ]
    totem = {"cluster_name": call.cluster.name, "config_version": str(len(nodes)), "version": "2", "secauth": "on"}
    digest = hashlib.sha1(repr(nodes).encode(), usedforsecurity=False).hexdigest()
    return {"nodelist": nodes, "preferred_node": call.entry.name, "totem": totem, "config_digest": digest}
