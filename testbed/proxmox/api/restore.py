"""The part of making a VM that restores a backup (qemu-server API2/Qemu.pm create_vm)."""

from testbed.proxmox.access.access import ROOT
from testbed.proxmox.access.config_rights import ConfigRights
from testbed.proxmox.api.power import start_task
from testbed.proxmox.api.template import convert
from testbed.proxmox.calls import Call
from testbed.proxmox.cluster.locks import CREATE_TIMEOUT, vm_lock
from testbed.proxmox.cluster.quorum import check_quorum
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import Die, denied, parameter_errors
from testbed.proxmox.storage.restore import Wanted, restore
from testbed.proxmox.storage.storage import Volume
from testbed.proxmox.vm import changes
from testbed.proxmox.vm.options import RESIZABLE
from testbed.proxmox.vm.vms import Config, Vm


async def begin(call: Call, overrides: Config) -> str:
    """Check, claim the id, restore in a task."""
    _check_rights(call, overrides)
    for name in sorted(overrides):
        if name in RESIZABLE:
            raise parameter_errors({name: "option conflicts with option 'archive'"})
    wanted = Wanted(
        _archive(call), changes.normalised(overrides), call.values.get("storage"), unique=call.flag("unique")
    )
    check_quorum(call.cluster)
    await _claim(call)
    return call.node.tasks.start("qmrestore", str(call.vmid), call.who.id, lambda worker: _work(call, worker, wanted))


def _check_rights(call: Call, overrides: Config) -> None:
    access, who, vmid, pool = call.node.access, call.who, call.vmid, call.values.get("pool")
    if pool is not None:
        access.check_pool(pool)
    if "storage" in call.values:
        call.check(f"/storage/{call.values['storage']}", "Datastore.AllocateSpace")
    places = (f"/vms/{vmid}", *([f"/pool/{pool}"] if pool else []))
    over = call.flag("force") and vmid in call.node.vms and access.may(who, f"/vms/{vmid}", "VM.Backup")
    if not over and not any(access.may(who, place, "VM.Allocate") for place in places):
        raise denied()
    rights = ConfigRights(access, who, vmid, pool)
    rights.volume(call.values["archive"], "backup")
    rights.options(overrides)
    rights.bridges(overrides)


def _archive(call: Call) -> Volume:
    volume = call.node.volumes.get(call.values["archive"])
    if volume is None or volume.content != "backup":
        raise Die(f"can't find archive '{call.values['archive']}'")
    return volume


def _prefix(call: Call) -> str:
    return f"unable to restore VM {call.vmid} -"


async def _claim(call: Call) -> None:
    """Lock an existing VM that is to be replaced, or make a placeholder."""
    node, vmid = call.node, call.vmid
    async with node.locks.hold(vm_lock(vmid), CREATE_TIMEOUT):
        vm = node.cluster.vms.get(vmid)
        if vmid in node.containers:
            raise Die(f"{_prefix(call)} CT {vmid} already exists on node '{node.containers.node(vmid)}'")
        if vm and (not call.flag("force") or vm.node != node.name):
            raise Die(f"{_prefix(call)} VM {vmid} already exists on node '{vm.node}'")
        if vm is None:
            vm = Vm(vmid, node.default_kind)
        elif vm.lock:
            raise Die(f"{_prefix(call)} VM is locked ({vm.lock})")
        vm.config["lock"] = "create"
        node.vms.save(vm)


async def _work(call: Call, worker: Worker, wanted: Wanted) -> None:
    node, vmid = call.node, call.vmid
    try:
        vm = _checked(call)
        async with node.locks.hold(vm_lock(vmid), CREATE_TIMEOUT, say=worker.say):
            await restore(node, worker, vm, wanted)
            if vm.template:
                worker.say("Convert to template.")
                await convert(node, vm)
            if "pool" in call.values:
                node.access.join_pool(vmid, call.values["pool"])
    except BaseException:
        if not worker.killed:
            _unlock(call)
            what = "error before or during data restore, some or all disks were not completely restored."
            worker.say(f"{what} VM {vmid} state is NOT cleaned up.")
        raise
    if call.flag("start"):
        worker.say("Execute autostart")
        start_task(node, vmid, ROOT)


def _checked(call: Call) -> Vm:
    vm = call.node.vms.load(call.vmid)
    vm.check_protection(f"{_prefix(call)} ".rstrip())
    if call.node.running(vm):
        raise Die(f"{_prefix(call)} vm is running")
    if call.flag("live-restore"):
        raise Die("live-restore is only compatible with backup images from a Proxmox Backup Server")
    return vm


def _unlock(call: Call) -> None:
    vm = call.node.vms.get(call.vmid)
    if vm and vm.lock == "create":
        vm.config.pop("lock")
        call.node.vms.save(vm)
