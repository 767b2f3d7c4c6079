"""What can be done with a VM's disks, and on which nodes (qemu-server API2/Qemu.pm vm_feature)."""

from typing import Any

from testbed.proxmox import formats
from testbed.proxmox.calls import Call, perm, route
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.schema import Param
from testbed.proxmox.vm.features import all_have
from testbed.proxmox.vm.vms import Config, drives

PARAMETERS = {
    "feature": Param(optional=False, enum=("snapshot", "clone", "copy")),
    "snapname": Param(max_length=40, check=formats.config_id),
}


@route("GET", "/nodes/{node}/qemu/{vmid}/feature", perm("/vms/{vmid}", "VM.Audit"), PARAMETERS, protected=True)
async def feature(call: Call) -> dict[str, Any]:
    """Whether all disks of the VM, or of a snapshot of it, have a feature, and the nodes that reach them all."""
    vm, name = call.node.vms.load(call.vmid), call.values.get("snapname")
    config = vm.snapshot(name) if name else vm.config
    has = all_have(call.node, config, call.values["feature"], bool(name))
    return {"hasFeature": int(has), "nodes": reaching(call.node, config)}


def reaching(node: Node, config: Config) -> list[str]:
    """The nodes that have all storages of a configuration (qemu-server QemuServer.pm shared_nodes)."""
    names = list(node.cluster.nodes)
    for _, drive in drives(config):
        storage = node.cluster.storages.get(drive["file"].partition(":")[0])
        if storage is None:
            continue
        if not storage.enabled:
            return []
        if storage.nodes:
            names = [name for name in names if storage.on(name)]
        elif not storage.shared:
            names = [name for name in names if name == node.name]
    return names
