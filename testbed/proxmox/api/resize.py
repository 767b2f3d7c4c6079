"""Growing a disk (qemu-server API2/Qemu.pm resize_vm)."""

from testbed.proxmox import formats
from testbed.proxmox.calls import Call, perm, route
from testbed.proxmox.cluster.locks import CONFIG_TIMEOUT, vm_lock
from testbed.proxmox.cluster.node import physical
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import Die, only_root
from testbed.proxmox.schema import Param
from testbed.proxmox.storage.storage import storage_of
from testbed.proxmox.vm import drive_formats
from testbed.proxmox.vm.options import RESIZABLE
from testbed.proxmox.vm.vms import Vm, is_cdrom

PARAMETERS = {
    "disk": Param(optional=False, enum=RESIZABLE),
    "size": Param(optional=False, pattern=r"\+?\d+(\.\d+)?[KMGT]?"),
    "digest": Param(max_length=40),
    "skiplock": Param("boolean"),
}


@route(
    "PUT",
    "/nodes/{node}/qemu/{vmid}/resize",
    perm("/vms/{vmid}", "VM.Config.Disk"),
    PARAMETERS,
    protected=True,
)
async def resize(call: Call) -> str:
    """Everything, checks included, happens in the task."""
    if call.flag("skiplock") and not call.who.root:
        raise only_root("skiplock")
    return call.node.tasks.start("resize", str(call.vmid), call.who.id, lambda worker: _work(call, worker))


async def _work(call: Call, worker: Worker) -> None:
    node = call.node
    async with node.locks.hold(vm_lock(call.vmid), CONFIG_TIMEOUT, say=worker.say):
        vm = node.vms.load(call.vmid)
        vm.check_digest(call.values.get("digest"))
        if not call.flag("skiplock"):
            vm.check_lock()
        await _grow(call, worker, vm)


async def _grow(call: Call, worker: Worker, vm: Vm) -> None:
    node, disk = call.node, call.values["disk"]
    if disk not in vm.config:
        raise Die(f"disk '{disk}' does not exist")
    if is_cdrom(vm.config[disk]):
        raise Die("you can't resize a cdrom")
    drive = drive_formats.DRIVE.parse(vm.config[disk])
    call.check(f"/storage/{storage_of(drive['file'])}", "Datastore.AllocateSpace")
    volume = node.volumes.load(drive["file"])
    size = _wanted(call.values["size"], volume.size)
    if size < volume.size:
        raise Die("shrinking disks is not supported")
    if size == volume.size:
        return
    await physical(node.guests(volume.kind).resize_disk(volume.file, size))
    if not node.running(vm):
        worker.say("Image resized.")
    volume.size = size
    node.volumes.save(volume)
    vm.config[disk] = formats.PropertyString.format(drive | {"size": formats.format_size(size)}, "file")
    node.vms.save(vm)


def _wanted(text: str, now: int) -> int:
    size = formats.parse_size(text.removeprefix("+"))
    return now + size if text.startswith("+") else size
