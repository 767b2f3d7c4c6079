"""Rows of the cluster's overview, which also describe the members of pools (pve-manager API2Tools.pm)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from testbed.proxmox.node import Node
from testbed.proxmox.stats import Row
from testbed.proxmox.storage import Storage
from testbed.proxmox.vms import Vm

if TYPE_CHECKING:
    from testbed.proxmox.cluster import Cluster


def guest_row(cluster: "Cluster", vmid: int) -> Row | None:
    """A VM or container with the figures of the last broadcast; None if there is none of this id."""
    if vm := cluster.vms.get(vmid):
        node = cluster.nodes.get(vm.node)
        return vm_row(vm, node.stats.published() if node else {})
    if vmid in cluster.containers:
        return container_row(cluster.containers.row(vmid))
    return None


def vm_row(vm: Vm, published: Mapping[int, Row]) -> Row:
    """A VM: where it is, its lock and tags as they are, its figures as `published`."""
    row: Row = {"id": f"qemu/{vm.vmid}", "type": "qemu", "vmid": vm.vmid, "node": vm.node, "status": "unknown"}
    row |= published.get(vm.vmid, {})
    return row | {key: vm.config[key] for key in ("lock", "tags") if key in vm.config}


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
