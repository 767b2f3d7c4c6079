"""Moving a disk to another storage or to another VM (qemu-server API2/Qemu.pm move_vm_disk)."""

from testbed.proxmox.access.config_rights import ConfigRights
from testbed.proxmox.calls import VMID, Call, perm, route
from testbed.proxmox.cluster.locks import CONFIG_TIMEOUT, vm_lock
from testbed.proxmox.cluster.node import Node, physical
from testbed.proxmox.cluster.tasks import Worker, interrupted_text
from testbed.proxmox.errors import ApiError, Die, denied, parameter_errors
from testbed.proxmox.formats import format_size, split_list, storage_id
from testbed.proxmox.schema import Param
from testbed.proxmox.storage import disks
from testbed.proxmox.storage.storage import Volume, storage_of
from testbed.proxmox.vm import devices, drive_formats, pending_changes, unused
from testbed.proxmox.vm.changes import Change
from testbed.proxmox.vm.features import volume_has
from testbed.proxmox.vm.options import RESIZABLE, UNUSED_KEYS
from testbed.proxmox.vm.vms import Vm, drive_file, is_cdrom, is_cloud_init

KEYS = (*RESIZABLE, *UNUSED_KEYS)
DIGEST = Param(max_length=40)
PARAMETERS = {
    "disk": Param(optional=False, enum=KEYS),
    "target-vmid": Param("integer", check=VMID.check),
    "storage": Param(check=storage_id),
    "format": Param(enum=("raw", "qcow2", "vmdk")),
    "delete": Param("boolean"),
    "digest": DIGEST,
    "bwlimit": Param("integer", minimum=0),
    "target-disk": Param(enum=KEYS),
    "target-digest": DIGEST,
}
MODIFIED = "detected modified configuration - file changed by other user? Try again."
ALLOCATE = "Datastore.AllocateSpace"


@route(
    "POST",
    "/nodes/{node}/qemu/{vmid}/move_disk",
    perm("/vms/{vmid}", "VM.Config.Disk"),
    PARAMETERS,
    protected=True,
)
async def move_disk(call: Call) -> str:
    """Check, then move in a task."""
    storage, target = call.values.get("storage"), call.values.get("target-vmid")
    if storage and target:
        raise _both("either set 'storage' or 'target-vmid', but not both")
    if storage:
        call.check(f"/storage/{storage}", ALLOCATE)
        _checked_move(call)
        return call.node.tasks.start("qmmove", str(call.vmid), call.who.id, lambda worker: _move(call, worker))
    if target:
        return _reassign_task(call, int(target))
    raise _both("both 'storage' and 'target-vmid' missing, either needs to be set")


def _both(text: str) -> ApiError:
    return parameter_errors({"target-vmid": text, "storage": text})


# To another storage


def _checked_move(call: Call) -> tuple[Vm, Volume, bool]:
    """The VM, the disk's volume, and whether snapshots hold it too."""
    node, disk, storage = call.node, call.values["disk"], call.values["storage"]
    vm = node.vms.load(call.vmid)
    vm.check_lock()
    if call.values.get("digest", vm.digest) != vm.digest:
        raise Die(MODIFIED)
    if disk not in vm.config:
        raise Die(f"disk '{disk}' does not exist")
    if is_cdrom(vm.config[disk]) and not is_cloud_init(vm.config[disk]):
        raise Die("you can't move a cdrom")
    file, wanted = drive_file(vm.config[disk]), call.values.get("format")
    volume = node.volumes.load(file)
    if storage_of(file) == storage and wanted in (None, volume.format):
        raise Die("you can't move to the same storage with same format")
    node.cluster.storages.check_enabled(storage, node.name)
    disks.check_images(node, storage)
    snapshotted = unused.in_use(vm, file, disk)
    if snapshotted and call.flag("delete"):
        raise Die("you can't move a disk with snapshots and delete the source")
    return vm, volume, snapshotted


async def _move(call: Call, worker: Worker) -> None:
    node = call.node
    async with node.locks.hold(vm_lock(call.vmid), CONFIG_TIMEOUT, say=worker.say):
        vm, old, snapshotted = _checked_move(call)
        if snapshotted:
            worker.say("moving disk with snapshots, snapshots will not be moved!")
        before = {volume.key for volume in node.volumes.of(vm.vmid)}
        try:
            await _copy(call, worker, vm, old)
        except BaseException as error:
            if worker.killed:
                raise
            await _free_new(node, vm, before)
            raise Die(f"storage migration failed: {interrupted_text(error)}") from None
        if call.flag("delete"):
            await disks.free(node, old)


async def _copy(call: Call, worker: Worker, vm: Vm, old: Volume) -> None:
    node, disk = call.node, call.values["disk"]
    if vm.kind == "qemu" and node.running(vm) and disk == vm.boot_disk:
        raise Die("the testbed cannot move the disk that a real guest runs from")
    drive = drive_formats.DRIVE.parse(vm.config[disk])
    worker.say(f"create full clone of drive {disk} ({old.volid})")
    storage, extension, limit = call.values["storage"], call.values.get("format"), call.number("bwlimit", 0)
    if old.cloud_init:
        new = await disks.allocate_cloudinit(node, vm.vmid, vm.kind, worker.say, storage, extension or old.format)
    else:
        new = await disks.full_copy(node, old, vm.vmid, vm.kind, worker.say, limit, extension, storage)
    drive |= {"file": new.volid}
    if disk not in UNUSED_KEYS:
        drive["size"] = format_size(new.size)
    vm.config[disk] = drive_formats.printed(drive)
    if not call.flag("delete"):
        unused.add(vm, old.volid)
    node.vms.save(vm)


async def _free_new(node: Node, vm: Vm, before: set[str]) -> None:
    for volume in node.volumes.of(vm.vmid):
        if volume.key not in before:
            await disks.free(node, volume)


# To another VM


def _reassign_task(call: Call, target: int) -> str:
    if not call.who.root and not call.node.access.may(call.who, f"/vms/{target}", "VM.Config.Disk"):
        raise denied(f"/vms/{target}, VM.Config.Disk")
    if target == call.vmid:
        raise parameter_errors({"target-vmid": "must be different than source VMID to reassign disk"})
    vm, _ = _checked_reassignment(call, target)
    disk = call.values["disk"]
    call.check(f"/storage/{storage_of(drive_file(vm.config[disk]))}", ALLOCATE)
    identifier = f"{call.vmid}-{disk}>{target}-{call.values.get('target-disk', disk)}"
    return call.node.tasks.start("qmmove", identifier, call.who.id, lambda worker: _reassign(call, worker, target))


def _checked_reassignment(call: Call, target: int) -> tuple[Vm, Vm]:
    everywhere = call.cluster.vms
    if call.vmid not in everywhere:
        raise Die(f"could not find VM {call.vmid}")
    if target not in everywhere:
        raise Die(f"could not find target VM {target}")
    vm, other = everywhere.get(call.vmid), everywhere.get(target)
    assert vm
    assert other
    if vm.node != other.node:
        raise Die(f"Both VMs need to be on the same node ({vm.node} != {other.node})")
    vm.check_lock()
    other.check_lock()
    if vm.template or other.template:
        raise Die("Can't move disks from or to template VMs")
    for one, name in ((vm, "digest"), (other, "target-digest")):
        if call.values.get(name, one.digest) != one.digest:
            raise Die(f"VM {one.vmid}: {MODIFIED}")
    _check_disk(call, vm, other)
    return vm, other


def _check_disk(call: Call, vm: Vm, other: Vm) -> None:
    disk = call.values["disk"]
    key = call.values.get("target-disk", disk)
    if disk not in vm.config:
        raise Die(f"Disk '{disk}' for VM '{vm.vmid}' does not exist")
    if key in other.config:
        raise Die(f"Target disk key '{key}' is already in use for VM '{other.vmid}'")
    file = drive_file(vm.config[disk])
    if is_cdrom(vm.config[disk]) and not is_cloud_init(vm.config[disk]):
        raise Die("CD drive contents can't be moved to another VM")
    if ":" not in file:
        raise Die(f"Volume '{file}' not managed by PVE")
    if unused.in_use(vm, file, disk):
        raise Die("Can't move disk used by a snapshot to another VM")
    if not volume_has(call.node, call.node.volumes.load(file), "rename"):
        raise Die("Storage does not support moving of this disk to another VM")
    if call.node.running(vm) and disk not in UNUSED_KEYS:
        raise Die("Cannot move disk to another VM while the source VM is running - detach first")


async def _reassign(call: Call, worker: Worker, target: int) -> None:
    locks, node = call.node.locks, call.node
    async with (
        locks.hold(vm_lock(call.vmid), CONFIG_TIMEOUT, say=worker.say),
        locks.hold(vm_lock(target), CONFIG_TIMEOUT, say=worker.say),
    ):
        vm, other = _checked_reassignment(call, target)
        disk = call.values["disk"]
        key = call.values.get("target-disk", disk)
        worker.say(f"moving disk '{disk}' from VM '{vm.vmid}' to '{target}'")
        drive = drive_formats.DRIVE.parse(vm.config[disk])
        drive["file"] = await _renamed(node, node.volumes.load(drive["file"]), target)
        _leave_boot_order(vm, disk, worker)
        del vm.config[disk]
        worker.say(f"removing disk '{disk}' from VM '{vm.vmid}' config")
        node.vms.save(vm)
        if key in UNUSED_KEYS:
            other.config[key] = drive["file"]
            node.vms.save(other)
            return
        text = drive_formats.printed(drive)
        change = Change({key: text}, rights=ConfigRights(node.access, call.who, target), asked={key: text})
        worker.say(f"update VM {target}: {change.summary}")
        await pending_changes.apply(node, other, change, worker.say)


async def _renamed(node: Node, volume: Volume, owner: int) -> str:
    before = volume.file
    node.volumes.delete(volume)
    volume.vmid = owner
    volume.name = node.volumes.next_disk(owner, volume.format, volume.storage)
    node.volumes.save(volume)
    await physical(node.guests(volume.kind).rename_disk(before, volume.file))
    return volume.volid


def _leave_boot_order(vm: Vm, disk: str, worker: Worker) -> None:
    order = split_list(devices.BOOT.parse(vm.config.get("boot", "")).get("order", ""))
    if disk in order:
        worker.say(f"removing disk '{disk}' from boot order config")
        order.remove(disk)
        vm.config["boot"] = f"order={';'.join(order)}" if order else " "
