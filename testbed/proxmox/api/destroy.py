"""Destroying a VM (qemu-server API2/Qemu.pm destroy_vm)."""

from testbed.proxmox.calls import Call, perm, route
from testbed.proxmox.cluster.locks import CONFIG_TIMEOUT, vm_lock
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import Die, only_root
from testbed.proxmox.firewall import firewall
from testbed.proxmox.schema import Param
from testbed.proxmox.storage import disks
from testbed.proxmox.storage.storage import Volume
from testbed.proxmox.vm.vms import Vm

BOOLEAN = Param("boolean")
PARAMETERS = {"purge": BOOLEAN, "destroy-unreferenced-disks": BOOLEAN, "skiplock": BOOLEAN}


@route("DELETE", "/nodes/{node}/qemu/{vmid}", perm("/vms/{vmid}", "VM.Allocate"), PARAMETERS, protected=True)
async def destroy(call: Call) -> str:
    """Check, then remove in a task."""
    if call.flag("skiplock") and not call.who.root:
        raise only_root("skiplock")
    _checked(call.node, call.vmid)
    if call.vmid in call.cluster.ha.resources and not call.flag("purge"):
        raise Die(f"unable to remove VM {call.vmid} - used in HA resources and purge parameter not set.")
    return call.node.tasks.start("qmdestroy", str(call.vmid), call.who.id, lambda worker: _work(call, worker))


def _checked(node: Node, vmid: int) -> Vm:
    vm = node.vms.load(vmid)
    if vm.flag("protection"):
        raise Die(f"can't remove VM {vmid} - protection mode enabled")
    if node.running(vm):
        raise Die(f"VM {vmid} is running - destroy failed")
    return vm


async def _work(call: Call, worker: Worker) -> None:
    node, vmid = call.node, call.vmid
    async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
        vm = _checked(node, vmid)
        if vm.lock != "suspended" and not call.flag("skiplock"):
            vm.check_lock()
        await _remove_disks(node, vm, call.flag("destroy-unreferenced-disks"), worker)
        if call.flag("purge"):
            worker.say(f"purging VM {vmid} from related configurations..")
            if vmid in call.cluster.ha.resources:
                call.cluster.ha.delete(vmid)
                worker.say(f"removing VM {vmid} from HA")
        firewall.remove(node.store, vmid)
        node.access.forget_vm(vmid)
        node.vms.delete(vmid)


async def _remove_disks(node: Node, vm: Vm, unreferenced: bool, worker: Worker) -> None:
    volumes = node.volumes.of(vm.vmid) if unreferenced else _referenced(node, vm)
    for volume in volumes:
        if node.volumes.children(volume):
            raise Die(f"base volume '{volume.volid}' is still in use by linked cloned")
    vm.config = {"lock": "destroyed"}
    vm.pending.clear()
    vm.snapshots.clear()
    for volume in volumes:
        try:
            await disks.free(node, volume)
        except Die as error:
            worker.warn(f"Could not remove disk '{volume.volid}', check manually: {error.text}")
    node.vms.save(vm)


def _referenced(node: Node, vm: Vm) -> list[Volume]:
    states = [{"vmstate": snapshot["vmstate"]} for snapshot in vm.snapshots.values() if "vmstate" in snapshot]
    configs = [vm.config, *states, vm.pending]
    return list({volume.name: volume for config in configs for volume in disks.owned(node, vm, config)}.values())
