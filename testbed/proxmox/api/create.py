"""Making a VM from nothing (qemu-server API2/Qemu.pm create_vm)."""

from testbed.proxmox.access.access import ROOT
from testbed.proxmox.access.config_rights import ConfigRights
from testbed.proxmox.access.identities import pool_name
from testbed.proxmox.api import restore
from testbed.proxmox.api.power import start_task
from testbed.proxmox.calls import VMID, Call, everybody, route
from testbed.proxmox.cluster.locks import CREATE_TIMEOUT, vm_lock
from testbed.proxmox.cluster.quorum import check_quorum
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import Die, denied
from testbed.proxmox.formats import storage_id
from testbed.proxmox.schema import Param
from testbed.proxmox.storage import disks
from testbed.proxmox.vm import changes
from testbed.proxmox.vm.options import DISK_KEYS, NET_KEYS, OPTIONS
from testbed.proxmox.vm.vms import Config, Vm, creation_meta, is_disk, new_identity, pinned_machine

RESTORE = {
    "archive": Param(max_length=255),
    "force": Param("boolean", requires="archive"),
    "live-restore": Param("boolean"),
    "storage": Param(check=storage_id),
    "unique": Param("boolean", requires="archive"),
    "bwlimit": Param("integer", minimum=0),
    "import-working-storage": Param(check=storage_id),
    "ha-managed": Param("boolean", since="9"),
}
BEYOND_OPTIONS = ("vmid", "node", "start", "pool", *RESTORE)
PARAMETERS = {**OPTIONS, **RESTORE, "vmid": VMID, "start": Param("boolean"), "pool": Param(check=pool_name)}


@route("POST", "/nodes/{node}/qemu", everybody, PARAMETERS, protected=True)
async def create(call: Call) -> str:
    """Claim the id at once, make the disks in a task."""
    node, vmid = call.node, call.vmid
    options = {key: value for key, value in call.values.items() if key not in BEYOND_OPTIONS}
    changes.name_cdrom(options)
    if "archive" in call.values:
        return await restore.begin(call, options)
    _check_rights(call, options)
    disks.check_new_drives(node, options)
    options = changes.normalised(options)
    check_quorum(node.cluster)
    async with node.locks.hold(vm_lock(vmid), CREATE_TIMEOUT):
        if vm := node.cluster.vms.get(vmid):
            raise Die(f"unable to create VM {vmid} - VM {vmid} already exists on node '{vm.node}'")
        if vmid in node.containers:
            raise Die(f"unable to create VM {vmid} - CT {vmid} already exists on node '{node.containers.node(vmid)}'")
        node.vms.save(Vm(vmid, node.default_kind, {"lock": "create"}))
    autostart = call.flag("start")
    return node.tasks.start("qmcreate", str(vmid), call.who.id, lambda worker: _work(call, worker, options, autostart))


def _check_rights(call: Call, options: Config) -> None:
    access, who, vmid, pool = call.node.access, call.who, call.vmid, call.values.get("pool")
    if pool is not None:
        access.check_pool(pool)
    places = (f"/vms/{vmid}", *([f"/pool/{pool}"] if pool else []))
    if not any(access.may(who, place, "VM.Allocate") for place in places):
        raise denied()
    rights = ConfigRights(access, who, vmid, pool)
    rights.storages(options)
    rights.options(options)
    rights.devices(options)
    rights.bridges(options)
    rights.cpu(options.get("cpu"))
    if call.flag("start") and not access.release.old:
        rights.privilege("VM.PowerMgmt")


async def _work(call: Call, worker: Worker, options: Config, autostart: bool) -> None:
    node, vmid = call.node, call.vmid
    async with node.locks.hold(vm_lock(vmid), CREATE_TIMEOUT, say=worker.say):
        vm = node.vms.load(vmid)
        try:
            await disks.create_drives(node, vm, options, worker.say)
        except BaseException as error:
            if not worker.killed:
                node.vms.delete(vmid)
            if isinstance(error, Die):
                raise Die(f"unable to create VM {vmid} - {error.message}") from None
            raise
        vm.config = creation_meta() | new_identity() | options
        vm.config |= pinned_machine(options.get("machine"), options.get("ostype", ""))
        vm.config.setdefault("boot", _boot_order(options))
        node.vms.save(vm)
        if "pool" in call.values:
            node.access.join_pool(vmid, call.values["pool"])
    if call.flag("ha-managed"):
        node.cluster.ha.save(vmid, {"state": "started" if autostart else "stopped"})
    elif autostart:
        worker.say("Execute autostart")
        start_task(node, vmid, ROOT)


def _boot_order(options: Config) -> str:
    disk = [key for key in DISK_KEYS if is_disk(options.get(key))][:1]
    media = [key for key in DISK_KEYS if key in options and key not in disk and not is_disk(options[key])]
    net = [key for key in NET_KEYS if key in options][:1]
    order = [*disk, *media[:1], *net]
    return f"order={';'.join(order)}" if order else ""
