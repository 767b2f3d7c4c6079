"""Turning a VM into a template (qemu-server API2/Qemu.pm template)."""

from testbed.proxmox.calls import Call, perm, route
from testbed.proxmox.cluster.locks import CONFIG_TIMEOUT, vm_lock
from testbed.proxmox.cluster.node import Node, physical
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import Die
from testbed.proxmox.schema import Param
from testbed.proxmox.storage.storage import Volume
from testbed.proxmox.vm import drive_formats
from testbed.proxmox.vm.features import volume_has
from testbed.proxmox.vm.options import RESIZABLE
from testbed.proxmox.vm.vms import Vm, drives_in_order, is_disk


@route(
    "POST",
    "/nodes/{node}/qemu/{vmid}/template",
    perm("/vms/{vmid}", "VM.Allocate"),
    {"disk": Param(enum=RESIZABLE)},
    protected=True,
)
async def template(call: Call) -> str:
    """Convert in a task; there is no way back."""
    node, vmid = call.node, call.vmid
    async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT):
        _checked(node, vmid, call.values.get("disk"))

    async def work(worker: Worker) -> None:
        async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
            await convert(node, _checked(node, vmid, call.values.get("disk")), call.values.get("disk"))

    return node.tasks.start("qmtemplate", str(vmid), call.who.id, work)


def _checked(node: Node, vmid: int, disk: str | None) -> Vm:
    vm = node.vms.load(vmid)
    vm.check_lock()
    if vm.snapshots:
        raise Die("unable to create template, because VM contains snapshots")
    if vm.template and disk is None:
        raise Die("you can't convert a template to a template")
    if node.running(vm):
        raise Die("you can't convert a VM to template if VM is running")
    return vm


async def convert(node: Node, vm: Vm, only: str | None = None) -> None:
    """Mark a VM as template and make its disks base volumes, as far as their storages have such."""
    vm.config["template"] = "1"
    for key, drive in list(drives_in_order(vm.config)):
        volume = node.volumes.get(drive["file"]) if is_disk(vm.config[key]) and only in (None, key) else None
        if volume and volume_has(node, volume, "template"):
            before = volume.file
            node.volumes.rename(volume, base_name(node, volume))
            await physical(node.guests(volume.kind).rename_disk(before, volume.file))
            vm.config[key] = drive_formats.printed(drive | {"file": volume.volid})
            node.vms.save(vm)
    node.vms.save(vm)


def base_name(node: Node, volume: Volume) -> str:
    """What a volume is called as the base of others; thick LVM has no bases."""
    plugin = node.cluster.storages.load(volume.storage).plugin
    return volume.name.replace(f"vm-{volume.vmid}-", f"base-{volume.vmid}-") if plugin.linked else volume.name
