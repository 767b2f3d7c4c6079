"""Volumes for the memory of a halted guest (qemu-server QemuConfig.pm __snapshot_save_vmstate)."""

import re

from testbed.proxmox.cluster.node import Node, physical
from testbed.proxmox.storage import disks
from testbed.proxmox.storage.storage import NAME, Volume, storage_of
from testbed.proxmox.vm.vms import Config, Vm, drive_file, drives, is_disk

#: Beside twice the memory, for the devices; MiB.
DEVICES_MIB = 500


def state_storage(node: Node, config: Config) -> str:
    """Where memory goes: to the storage configured for it, or that of the first shared disk, or of the first one."""
    if "vmstatestorage" in config:
        return config["vmstatestorage"]
    names = [storage_of(drive["file"]) for key, drive in drives(config) if is_disk(config[key])]
    shared = [name for name in names if name in node.cluster.storages and node.cluster.storages.load(name).shared]
    return [*shared, *names, NAME][0]


async def allocate_state(node: Node, vm: Vm, name: str, say: disks.Say, storage: str | None = None) -> Volume:
    """A new volume for what `name` saves; raises `Die` if the storage is not to be had."""
    storage = storage or state_storage(node, vm.config)
    size, used = (vm.memory_mib * 2 + DEVICES_MIB) * 1024**2, vm.memory_mib * 1024**2 // 4
    async with disks.storage_locked(node, storage, say):
        found = node.cluster.storages.check_enabled(storage, node.name)
        stem = f"vm-{vm.vmid}-state-{name}"
        volume = Volume(found.disk_name(vm.vmid, stem, "raw"), vm.vmid, size, used, vm.kind, storage=storage)
        node.volumes.save(volume)
    if text := disks.formatting(node, volume):
        say(text)
    return volume


def state_name(config: Config) -> str | None:
    """The name under which a VM's memory was saved, if it was."""
    match = re.search(r"-state-(.+?)(?:\.raw)?$", config.get("vmstate", ""))
    return match[1] if match else None


async def forget_state(node: Node, vm: Vm) -> None:
    """Remove what `allocate_state` made, once the guest runs again, and save the VM."""
    name, state = state_name(vm.config), node.volumes.get(vm.config.get("vmstate", ""))
    if state:
        await disks.free(node, state)
    disk = vm.boot_disk
    volume = node.volumes.get(drive_file(vm.config[disk])) if disk else None
    if volume and name and name not in volume.snapshots:
        await physical(node.guests(volume.kind).delete_disk_snapshot(volume.file, name))
    for key in ("lock", "vmstate", "runningmachine", "runningcpu"):
        vm.config.pop(key, None)
    node.vms.save(vm)
