"""Making a VM from nothing (qemu-server API2/Qemu.pm create_vm)."""

from testbed.proxmox import changes, disks
from testbed.proxmox.access import ROOT
from testbed.proxmox.api.power import start_task
from testbed.proxmox.calls import VMID, Call, Right, route
from testbed.proxmox.errors import Die, denied
from testbed.proxmox.locks import CREATE_TIMEOUT, vm_lock
from testbed.proxmox.options import DISK_KEYS, NET_KEYS, OPTIONS
from testbed.proxmox.schema import Param
from testbed.proxmox.tasks import Worker
from testbed.proxmox.vms import Config, Vm, creation_meta, is_disk, new_identity

BEYOND_OPTIONS = ("vmid", "node", "start", "pool")


def _may_allocate() -> Right:
    def check(access, who, values) -> None:  # type: ignore[no-untyped-def]
        if "pool" in values:
            raise denied(f"pool '{values['pool']}' does not exist")
        if not access.may(who, f"/vms/{values.get('vmid', '')}", "VM.Allocate"):
            raise denied()

    return check


@route(
    "POST",
    "/nodes/{node}/qemu",
    _may_allocate(),
    {**OPTIONS, "vmid": VMID, "start": Param("boolean"), "pool": Param()},
    protected=True,
)
async def create(call: Call) -> str:
    """Claim the id at once, make the disks in a task."""
    node, vmid = call.node, call.vmid
    options = {key: value for key, value in call.values.items() if key not in BEYOND_OPTIONS}
    if not call.node.access.may(call.who, f"/vms/{vmid}", "VM.Allocate"):
        raise denied()
    disks.check_new_drives(node, options)
    for storage in disks.new_storages(options):
        call.check(f"/storage/{storage}", "Datastore.AllocateSpace")
    changes.check_options(call, f"/vms/{vmid}", list(options))
    options = changes.normalised(options)
    async with node.locks.hold(vm_lock(vmid), CREATE_TIMEOUT):
        if vm := node.cluster.vms.get(vmid):
            raise Die(f"unable to create VM {vmid} - VM {vmid} already exists on node '{vm.node}'")
        if vmid in node.containers:
            raise Die(f"unable to create VM {vmid} - CT {vmid} already exists on node '{node.containers.node(vmid)}'")
        node.vms.save(Vm(vmid, node.default_kind, {"lock": "create"}))
    autostart = call.flag("start")
    return node.tasks.start("qmcreate", str(vmid), call.who.id, lambda worker: _work(call, worker, options, autostart))


async def _work(call: Call, worker: Worker, options: Config, autostart: bool) -> None:
    node, vmid = call.node, call.vmid
    async with node.locks.hold(vm_lock(vmid), CREATE_TIMEOUT, say=worker.say):
        vm = node.vms.load(vmid)
        try:
            await disks.create_drives(node, vm, options, worker.say)
        except BaseException:
            if not worker.killed:
                node.vms.delete(vmid)
            raise
        vm.config = creation_meta() | new_identity() | options
        vm.config.setdefault("boot", _boot_order(options))
        node.vms.save(vm)
    if autostart:
        worker.say("Execute autostart")
        start_task(node, vmid, ROOT)


def _boot_order(options: Config) -> str:
    disk = [key for key in DISK_KEYS if is_disk(options.get(key))][:1]
    media = [key for key in DISK_KEYS if key in options and key not in disk and not is_disk(options[key])]
    cdrom = [key for key in media if "cloudinit" not in options[key]]
    net = [key for key in NET_KEYS if key in options][:1]
    return "order=" + ";".join([*disk, *cdrom[:1], *net])
