"""Volumes for the memory of a halted guest (qemu-server QemuConfig.pm __snapshot_save_vmstate)."""

from testbed.proxmox import disks
from testbed.proxmox.node import Node
from testbed.proxmox.storage import Volume
from testbed.proxmox.vms import Vm

#: Beside twice the memory, for the devices; MiB.
DEVICES_MIB = 500


async def allocate_state(node: Node, vm: Vm, name: str, say: disks.Say) -> Volume:
    """A new volume for what `name` saves."""
    size, used = (vm.memory_mib * 2 + DEVICES_MIB) * 1024**2, vm.memory_mib * 1024**2 // 4
    async with disks.storage_locked(node):
        name = f"{vm.vmid}/vm-{vm.vmid}-state-{name}.raw"
        volume = Volume(name, vm.vmid, size, used, vm.kind)
        node.volumes.save(volume)
    say(disks.formatting(volume))
    return volume
