"""Rows of the cluster's overview, which also describe the members of pools (pve-manager API2Tools.pm)."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from testbed.proxmox.cluster.node import Node
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.schema import Pve
from testbed.proxmox.storage.storage import Storage
from testbed.proxmox.vm.vms import Vm

if TYPE_CHECKING:
    from testbed.proxmox.cluster.cluster import Cluster


def guest_row(cluster: "Cluster", vmid: int) -> Row | None:
    """A VM or container with the figures of the last broadcast; None if there is none of this id."""
    if vm := cluster.vms.get(vmid):
        node = cluster.nodes.get(vm.node)
        return vm_row(vm, node.stats.published() if node else {})
    if vmid in cluster.containers:
        return container_row(cluster.containers.row(vmid))
    return None


def vm_row(vm: Vm, published: Mapping[int, Row]) -> Row:
    """A VM: where it is, its figures as `published`."""
    row: Row = {"id": f"qemu/{vm.vmid}", "type": "qemu", "vmid": vm.vmid, "node": vm.node, "status": "unknown"}
    return row | published.get(vm.vmid, {})


def pool_row(name: str, members: Iterable[Row]) -> Row:
    """A pool with the sums of its running members, of any that are there."""
    row: Row = {"id": f"/pool/{name}", "type": "pool", "pool": name}
    running = [member for member in members if member.get("uptime")]
    if not running:
        return row
    processors = sum(member["maxcpu"] for member in running)
    busy = sum(member["cpu"] * member["maxcpu"] for member in running)
    sums = {key: sum(member[key] for member in running) for key in ("mem", "maxmem")}
    uptime = max(member["uptime"] for member in running)
    return row | sums | {"uptime": uptime, "maxcpu": processors, "cpu": busy / processors}


def network_row(node: Node, pve: Pve) -> Row:
    """A node's bridges, which from release 9 on are one network among others."""
    row: Row = {"node": node.name, "status": "ok"}
    if pve == "8":
        return row | {"id": f"sdn/{node.name}/localnetwork", "type": "sdn", "sdn": "localnetwork"}
    network = {"network": "localnetwork", "network-type": "zone"}
    return row | {"id": f"network/{node.name}/zone/localnetwork", "type": "network", **network}


def container_row(row: Row) -> Row:
    """A container."""
    return {"id": f"lxc/{row['vmid']}", "type": "lxc", "template": 0, **row, "maxcpu": row["cpus"]}


def storage_row(node: Node, storage: Storage) -> Row:
    """A storage as one node has it."""
    row: Row = {"id": f"storage/{node.name}/{storage.name}", "type": "storage", "storage": storage.name}
    row |= {"node": node.name, "plugintype": storage.type, "shared": int(storage.shared)}
    row["content"] = ",".join(storage.content)
    if not node.online:
        return row | {"status": "unknown"}
    return row | {"status": "available", "disk": node.volumes.used(storage), "maxdisk": storage.size}
