"""Whether and how a VM goes to another node (qemu-server API2/Qemu.pm migrate_vm_precondition, migrate_vm)."""

from typing import Any

from testbed.proxmox import formats
from testbed.proxmox.api.snapshot import migration_lock
from testbed.proxmox.calls import Call, perm, route
from testbed.proxmox.cluster.locks import CONFIG_TIMEOUT
from testbed.proxmox.cluster.migration import Migration, StorageMap, local_devices, local_volumes
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.cluster.quorum import check_quorum
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import Die, only_root, parameter_errors
from testbed.proxmox.schema import Param
from testbed.proxmox.storage.storage import storage_of
from testbed.proxmox.vm.vms import Vm, drives, is_cdrom

RIGHT = perm("/vms/{vmid}", "VM.Migrate")
NODE = Param(check=formats.node_name)
PARAMETERS = {
    "target": Param(optional=False, check=formats.node_name),
    "online": Param("boolean"),
    "force": Param("boolean"),
    "migration_type": Param(enum=("secure", "insecure")),
    "migration_network": Param(check=formats.cidr),
    "with-local-disks": Param("boolean"),
    "targetstorage": Param(check=formats.id_pairs(formats.storage_id), listed=True),
    "with-conntrack-state": Param("boolean", since="9"),
    "bwlimit": Param("integer", minimum=0),
}
ROOT_ONLY = ("force", "migration_type", "migration_network")


@route("GET", "/nodes/{node}/qemu/{vmid}/migrate", RIGHT, {"target": NODE}, protected=True)
async def preconditions(call: Call) -> dict[str, Any]:
    """The nodes that could take the VM, and what of it is local."""
    check_quorum(call.cluster)
    vm = call.node.vms.load(call.vmid)
    vm.check_lock()
    missing = {name: _missing_storages(call, vm, name) for name in call.cluster.nodes if name != call.node.name}
    return {
        "running": int(call.node.running(vm)),
        "allowed_nodes": [name for name, storages in missing.items() if not storages],
        "not_allowed_nodes": {name: {"unavailable_storages": found} for name, found in missing.items() if found},
        "local_disks": _local_disks(call.node, vm),
        "local_resources": local_devices(vm.config),
        "mapped-resources": [],
        "mapped-resource-info": {},
    }


def _missing_storages(call: Call, vm: Vm, node: str) -> list[str]:
    names = {storage_of(drive["file"]) for _, drive in drives(vm.config) if ":" in drive["file"]}
    found = [call.cluster.storages.load(name) for name in names]
    return sorted(storage.name for storage in found if not storage.enabled or not storage.on(node))


def _local_disks(node: Node, vm: Vm) -> list[Row]:
    attached = {drive["file"]: key for key, drive in drives(vm.config)}
    rows = []
    for volid in local_volumes(node, vm):
        key = attached.get(volid, "")
        row: Row = {"volid": volid, "replicate": 1, "shared": 0, "is_vmstate": 0, "is_tpmstate": 0}
        row |= {"cdrom": int(bool(key) and is_cdrom(vm.config[key])), "is_attached": int(bool(key))}
        row["is_unused"] = int(volid in [value for name, value in vm.config.items() if name.startswith("unused")])
        row |= {"drivename": key} if key else {}
        if volume := node.volumes.get(volid):
            row["size"] = volume.size
        rows.append(row)
    return rows


@route("POST", "/nodes/{node}/qemu/{vmid}/migrate", RIGHT, PARAMETERS, protected=True)
async def migrate(call: Call) -> str:
    """Check what can be checked beforehand, then migrate in a task."""
    node, vmid, values = call.node, call.vmid, call.values
    target = _target(call)
    for name in ROOT_ONLY:
        if name in values and not call.who.root:
            raise only_root(name)
    vm = node.vms.load(vmid)
    vm.check_lock()
    if node.running(vm) and not call.flag("online"):
        raise Die("can't migrate running VM without --online")
    storages = _storage_map(call, vm, target)
    if (ha := call.cluster.ha).wanted(vmid):
        asked = f"migration for VM {vmid} to node {target.name}"
        return ha.request(node, "hamigrate", vmid, call.who.id, asked, lambda: ha.move(vmid, target.name))
    local = call.flag("with-local-disks")
    return migrate_task(node, target, vmid, call.who.id, online=call.flag("online"), storages=storages, local=local)


def migrate_task(
    node: Node, target: Node, vmid: int, user: str, *, online: bool, storages: StorageMap, local: bool = False
) -> str:
    """Take a VM to another node in a task of its own, with `local` with its disks; the UPID."""

    async def work(worker: Worker) -> None:
        if online and not node.running(node.vms.load(vmid)):
            worker.say("VM isn't running. Doing offline migration instead.")
        async with node.locks.hold(migration_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
            await Migration(node, target, vmid, worker, online, local, storages).run()

    return node.tasks.start("qmigrate", str(vmid), user, work)


def _target(call: Call) -> Node:
    name = call.values["target"]
    if name == call.node.name:
        raise parameter_errors({"target": "target is local node."})
    check_quorum(call.cluster)
    if name not in call.cluster.nodes:
        raise Die(f"no such cluster node '{name}'")
    return call.cluster.nodes[name]


def _storage_map(call: Call, vm: Vm, target: Node) -> StorageMap:
    text = call.values.get("targetstorage")
    found = _parsed(text) if text else StorageMap()
    if text and text != "1":
        call.check(f"/vms/{vm.vmid}", "VM.Config.Disk")
    for name in [*found.entries.values(), *([found.default] if found.default else [])]:
        storage = call.cluster.storages.check_enabled(name, target.name)
        call.check(f"/storage/{name}", "Datastore.AllocateSpace")
        if "images" not in storage.content:
            raise Die(f"storage '{name}' does not support vm images")
    if not text or text == "1":
        _check_available(call, vm, target)
    return found


def _parsed(text: str) -> StorageMap:
    entries: dict[str, str] = {}
    default: str | None = None
    for item in formats.split_list(text):
        source, colon, name = item.partition(":")
        if colon:
            entries[source] = name
        elif item != "1":
            default = item
    return StorageMap(entries, default)


def _check_available(call: Call, vm: Vm, target: Node) -> None:
    for _, drive in drives(vm.config):
        if ":" in drive["file"]:
            name = storage_of(drive["file"])
            call.cluster.storages.check_enabled(name, call.node.name)
            call.cluster.storages.check_enabled(name, target.name)
