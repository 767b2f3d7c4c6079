"""Halting a VM, in memory or to disk, and letting it run on (qemu-server API2/Qemu.pm vm_suspend, vm_resume)."""

import time

from testbed.proxmox.api.power import BOOLEAN, GRACE, PATH, RIGHT, SKIPLOCK, check_root_only, check_running, start_vm
from testbed.proxmox.calls import Call, route
from testbed.proxmox.cluster.locks import CONFIG_TIMEOUT, vm_lock
from testbed.proxmox.cluster.node import Node, physical
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import Die
from testbed.proxmox.formats import storage_id
from testbed.proxmox.schema import Param
from testbed.proxmox.vm.vms import Vm, running_cpu, running_machine
from testbed.proxmox.vm.vmstate import allocate_state, state_storage

SUSPEND = {**SKIPLOCK, "todisk": BOOLEAN, "statestorage": Param(check=storage_id, requires="todisk")}
NO_PCI = (
    "cannot suspend VM to disk due to passed-through PCI device(s), which lack the possibility to save/restore their"
    " internal state"
)


@route("POST", PATH + "suspend", RIGHT, SUSPEND, protected=True)
async def suspend(call: Call) -> str:
    """Halt the guest, or save its memory to disk and stop it."""
    check_root_only(call)
    node, vmid, skip = call.node, call.vmid, call.flag("skiplock")
    vm = check_running(node, vmid)
    if not call.flag("todisk"):
        return node.tasks.start("qmpause", str(vmid), call.who.id, lambda worker: _pause(node, vmid, worker, skip))
    call.check(f"/vms/{vmid}", "VM.Config.Disk")
    if call.cluster.ha.wanted(vmid):
        raise Die("Cannot suspend HA managed VM to disk")
    if any(key.startswith("hostpci") for key in vm.config):
        raise Die(NO_PCI)
    storage = call.values.get("statestorage") or state_storage(node, vm.config)
    call.check(f"/storage/{storage}", "Datastore.AllocateSpace")

    async def work(worker: Worker) -> None:
        await _to_disk(node, vmid, worker, skip, storage)

    return node.tasks.start("qmsuspend", str(vmid), call.who.id, work)


async def _pause(node: Node, vmid: int, worker: Worker, skip: bool) -> None:
    async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
        vm = check_running(node, vmid)
        _check_lock(vm, skip)
        await physical(node.guests(vm).pause(vmid))


def _check_lock(vm: Vm, skip: bool) -> None:
    if not skip and vm.lock != "backup":
        vm.check_lock()


async def _to_disk(node: Node, vmid: int, worker: Worker, skip: bool, storage: str) -> None:
    name = time.strftime("suspend-%Y-%m-%d")
    async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
        vm = check_running(node, vmid)
        _check_lock(vm, skip)
        if vm.lock == "backup":
            raise Die("cannot suspend to disk during backup")
        state = await allocate_state(node, vm, name, worker.say, storage)
        running = {"runningmachine": running_machine(vm), "runningcpu": running_cpu(vm)}
        vm.config |= {"lock": "suspending", "vmstate": state.volid, **running}
        node.vms.save(vm)
    await physical(node.guests(vm).save_state(vmid, name))
    worker.say("State saved, quitting")
    async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
        if vm.lock != "suspending":
            raise Die("lock changed unexpectedly")
        await physical(node.guests(vm).stop(vmid))
        await node.wait_exit(vm, GRACE)
        vm.config["lock"] = "suspended"
        node.vms.save(vm)


@route("POST", PATH + "resume", RIGHT, {**SKIPLOCK, "nocheck": BOOLEAN}, protected=True)
async def resume(call: Call) -> str:
    """Let a halted VM run on, or start a suspended one."""
    check_root_only(call)
    node, vmid, skip = call.node, call.vmid, call.flag("skiplock")
    suspended = node.vms.check_exists(vmid).lock == "suspended"
    if not suspended:
        check_running(node, vmid)

    async def work(worker: Worker) -> None:
        async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
            if suspended:
                await start_vm(node, vmid, worker, skip)
            else:
                await _run_on(node, vmid, skip)

    return node.tasks.start("qmresume", str(vmid), call.who.id, work)


async def _run_on(node: Node, vmid: int, skip: bool) -> None:
    vm = check_running(node, vmid)
    if node.paused(vm):
        _check_lock(vm, skip)
        await physical(node.guests(vm).resume(vmid))
