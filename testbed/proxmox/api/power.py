"""Power: start, stop, shutdown, reboot, reset, suspend, resume (qemu-server API2/Qemu.pm vm_*, QemuServer.pm)."""

import asyncio

from testbed.proxmox import disks, formats, interfaces, pending_changes
from testbed.proxmox.access import ROOT
from testbed.proxmox.calls import Call, perm, route
from testbed.proxmox.errors import Die, only_root, parameter_errors
from testbed.proxmox.formats import cidr, id_pairs, node_name, storage_id
from testbed.proxmox.locks import CONFIG_TIMEOUT, vm_lock
from testbed.proxmox.node import Node, physical
from testbed.proxmox.options import NET_KEYS, OPTIONS
from testbed.proxmox.quorum import check_quorum
from testbed.proxmox.schema import Param
from testbed.proxmox.storage import Volume
from testbed.proxmox.tasks import Worker
from testbed.proxmox.vms import Vm, cloud_init_drive
from testbed.proxmox.vmstate import state_storage

RIGHT = perm("/vms/{vmid}", "VM.PowerMgmt")
PATH = "/nodes/{node}/qemu/{vmid}/status/"
SHUTDOWN_TIMEOUT = 60
BOOLEAN = Param("boolean")
TIMEOUT = Param("integer", minimum=0)
SKIPLOCK = {"skiplock": BOOLEAN}
#: What migration passes to the other node's `start`.
MIGRATION = {
    "stateuri": Param(max_length=128),
    "migratedfrom": Param(check=node_name),
    "migration_type": Param(enum=("secure", "insecure")),
    "migration_network": Param(check=cidr),
    "targetstorage": Param(check=id_pairs(storage_id)),
    "force-cpu": Param(),
    "nets-host-mtu": Param(pattern=r"net\d+=\d+(,net\d+=\d+)*"),
}
START = {**MIGRATION, **SKIPLOCK, "timeout": TIMEOUT, "machine": OPTIONS["machine"]}
STOP = {
    **SKIPLOCK,
    "timeout": TIMEOUT,
    "migratedfrom": MIGRATION["migratedfrom"],
    "keepActive": BOOLEAN,
    "overrule-shutdown": BOOLEAN,
}
SHUTDOWN = {**SKIPLOCK, "timeout": TIMEOUT, "keepActive": BOOLEAN, "forceStop": BOOLEAN}
SUSPEND = {**SKIPLOCK, "todisk": BOOLEAN, "statestorage": Param(check=storage_id, requires="todisk")}
GRACE = 10
#: How long QEMU runs before it learns that a network card cannot be plugged in.
BRIDGE_SCRIPT_SECONDS = 0.2


def _check_root_only(call: Call) -> None:
    for option in (*MIGRATION, "skiplock", "keepActive", "nocheck"):
        if call.values.get(option, "0") not in ("", "0") and not call.who.root:
            raise only_root(option)


def _check_running(node: Node, vmid: int) -> Vm:
    vm = node.vms.check_exists(vmid)
    if not node.running(vm):
        raise Die(f"VM {vmid} not running")
    return vm


@route("POST", PATH + "start", RIGHT, START, protected=True)
async def start(call: Call) -> str:
    """Start in a task; all errors but a lack of quorum are the task's."""
    _check_root_only(call)
    if "targetstorage" in call.values and "migratedfrom" not in call.values:
        raise parameter_errors({"targetstorage": "targetstorage can only by used with migratedfrom."})
    check_quorum(call.cluster)
    return start_task(call.node, call.vmid, call.who.id, call.flag("skiplock"))


def start_task(node: Node, vmid: int, user: str, skip_lock: bool = False) -> str:
    """Start a VM in a task of its own; the UPID."""

    async def work(worker: Worker) -> None:
        async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
            await _start(node, vmid, worker, skip_lock)

    return node.tasks.start("qmstart", str(vmid), user, work)


async def _start(node: Node, vmid: int, worker: Worker, skip_lock: bool) -> None:
    vm = node.vms.load(vmid)
    if vm.template:
        raise Die("you can't start a vm if it's a template")
    suspended = vm.lock == "suspended"
    if not (suspended or skip_lock):
        vm.check_lock()
    if node.running(vm):
        raise Die(f"VM {vmid} already running")
    await pending_changes.apply_cold(node, vm)
    if cloud_init_drive(vm.config):
        worker.say("generating cloud-init ISO")
    await _start_process(node, vm, worker)
    if suspended:
        worker.say("Resuming suspended VM")
        await _forget_state(node, vm)


async def _start_process(node: Node, vm: Vm, worker: Worker) -> None:
    await node.start(vm)
    cards = {key: formats.NET.parse(vm.config[key]) for key in NET_KEYS if key in vm.config}
    astray = [key for key, card in cards.items() if card.get("bridge", "vmbr0") not in interfaces.bridges(node)]
    if not astray:
        return
    await asyncio.sleep(BRIDGE_SCRIPT_SECONDS)
    await physical(node.guests(vm).stop(vm.vmid))
    folder = "/var/lib/qemu-server" if node.cluster.pve == "8" else "/usr/libexec/qemu-server"
    number, card = astray[0].removeprefix("net"), cards[astray[0]]
    worker.say(f"bridge '{card['bridge']}' does not exist")
    tap = f"type=tap,id={astray[0]},ifname=tap{vm.vmid}i{number},script={folder}/pve-bridge"
    tap += f",downscript={folder}/pve-bridgedown" + (",vhost=on" if card["model"] == "virtio" else "")
    worker.say(f"kvm: -netdev {tap}: network script {folder}/pve-bridge failed with status 512")
    raise Die("start failed: QEMU exited with code 1")


async def _forget_state(node: Node, vm: Vm) -> None:
    state = node.volumes.get(vm.config.pop("vmstate", ""))
    if state:
        await disks.free(node, state)
    vm.config.pop("lock", None)
    node.vms.save(vm)


@route("POST", PATH + "stop", RIGHT, STOP, protected=True)
async def stop(call: Call) -> str:
    """Cut the power in a task; a VM that is off is fine."""
    _check_root_only(call)
    return call.node.tasks.start("qmstop", str(call.vmid), call.who.id, lambda worker: _stop(call, worker))


async def _stop(call: Call, worker: Worker) -> None:
    node, vmid = call.node, call.vmid
    if call.flag("overrule-shutdown"):
        await _overrule(call, worker)
    async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
        vm = node.vms.check_exists(vmid)
        if node.running(vm):
            if not call.flag("skiplock"):
                vm.check_lock()
            await physical(node.guests(vm).stop(vmid))
            await node.wait_exit(vm, GRACE)
            await pending_changes.apply_cold(node, vm)


async def _overrule(call: Call, worker: Worker) -> None:
    tasks, modify = call.node.tasks, call.node.access.may(call.who, f"/nodes/{call.node.name}", "Sys.Modify")
    upids = [
        task.upid
        for task in tasks.active()
        if task.type == "qmshutdown" and task.id == str(call.vmid) and (modify or task.user == call.who.id)
    ]
    for upid in upids:
        await tasks.stop(upid)
    if upids:
        worker.say(f"overruled qmshutdown tasks: {', '.join(upids)}")


@route("POST", PATH + "shutdown", RIGHT, SHUTDOWN, protected=True)
async def shutdown(call: Call) -> str:
    """Ask the guest to shut down, in a task that waits for it."""
    _check_root_only(call)
    node, force = call.node, call.flag("forceStop")
    vm = node.vms.get(call.vmid)
    paused = vm is not None and node.paused(vm)
    if paused and not force:
        raise Die("VM is paused - cannot shutdown")

    async def work(worker: Worker) -> None:
        async with node.locks.hold(vm_lock(call.vmid), CONFIG_TIMEOUT, say=worker.say):
            vm = node.vms.check_exists(call.vmid)
            if node.running(vm):
                if not call.flag("skiplock"):
                    vm.check_lock()
                await _shut_down(node, vm, worker, call.number("timeout", SHUTDOWN_TIMEOUT), force, paused)

    return node.tasks.start("qmshutdown", str(call.vmid), call.who.id, work)


async def _shut_down(node: Node, vm: Vm, worker: Worker, timeout: int, force: bool, at_once: bool = False) -> None:
    if not at_once:
        await physical(node.guests(vm).powerdown(vm.vmid))
        if await node.wait_exit(vm, timeout):
            await pending_changes.apply_cold(node, vm)
            return
        if not force:
            raise Die("VM quit/powerdown failed - got timeout")
        worker.say("VM still running - terminating now with SIGTERM")
    await physical(node.guests(vm).stop(vm.vmid))
    await node.wait_exit(vm, GRACE)
    await pending_changes.apply_cold(node, vm)


@route("POST", PATH + "reboot", RIGHT, {"timeout": TIMEOUT}, protected=True)
async def reboot(call: Call) -> str:
    """Shut down in a task; another task of root@pam then starts the VM again."""
    node = call.node
    if node.paused(_check_running(node, call.vmid)):
        raise Die("VM is paused - cannot shutdown")

    async def work(worker: Worker) -> None:
        async with node.locks.hold(vm_lock(call.vmid), CONFIG_TIMEOUT, say=worker.say):
            vm = _check_running(node, call.vmid)
            vm.check_lock()
            await _shut_down(node, vm, worker, call.number("timeout", SHUTDOWN_TIMEOUT), force=False)
        node.soon(_start_again(node, call.vmid))

    return node.tasks.start("qmreboot", str(call.vmid), call.who.id, work)


async def _start_again(node: Node, vmid: int) -> None:
    await asyncio.sleep(node.knobs.restart_seconds)
    start_task(node, vmid, ROOT)


@route("POST", PATH + "reset", RIGHT, SKIPLOCK, protected=True)
async def reset(call: Call) -> str:
    """Press the reset button in a task."""
    _check_root_only(call)
    node = call.node
    _check_running(node, call.vmid)

    async def work(worker: Worker) -> None:
        async with node.locks.hold(vm_lock(call.vmid), CONFIG_TIMEOUT, say=worker.say):
            vm = _check_running(node, call.vmid)
            if not call.flag("skiplock"):
                vm.check_lock()
            await physical(node.guests(vm).reset(call.vmid))

    return node.tasks.start("qmreset", str(call.vmid), call.who.id, work)


@route("POST", PATH + "suspend", RIGHT, SUSPEND, protected=True)
async def suspend(call: Call) -> str:
    """Pause, or save the memory to disk and stop."""
    _check_root_only(call)
    node = call.node
    _check_running(node, call.vmid)
    to_disk, storage = call.flag("todisk"), ""
    if to_disk:
        call.check(f"/vms/{call.vmid}", "VM.Config.Disk")
        config = call.node.vms.load(call.vmid).config
        storage = call.values.get("statestorage") or state_storage(node, config)
        call.check(f"/storage/{storage}", "Datastore.AllocateSpace")

    async def work(worker: Worker) -> None:
        async with node.locks.hold(vm_lock(call.vmid), CONFIG_TIMEOUT, say=worker.say):
            vm = _check_running(node, call.vmid)
            if not call.flag("skiplock"):
                vm.check_lock()
            if to_disk:
                await _save_state(node, vm, storage)
            else:
                await physical(node.guests(vm).pause(call.vmid))

    return node.tasks.start("qmsuspend" if to_disk else "qmpause", str(call.vmid), call.who.id, work)


async def _save_state(node: Node, vm: Vm, storage: str) -> None:
    found = node.cluster.storages.check_enabled(storage, node.name)
    name = found.disk_name(vm.vmid, f"vm-{vm.vmid}-state-suspend-{len(node.volumes.of(vm.vmid))}", "raw")
    size = vm.memory_mib * 2 * 1024**2
    volume = node.volumes.save(Volume(name, vm.vmid, size, size // 4, "sim", storage=storage))
    vm.config |= {"vmstate": volume.volid, "lock": "suspending"}
    node.vms.save(vm)
    await physical(node.guests(vm).stop(vm.vmid))
    await node.wait_exit(vm, GRACE)
    vm.config["lock"] = "suspended"
    node.vms.save(vm)


@route("POST", PATH + "resume", RIGHT, {**SKIPLOCK, "nocheck": BOOLEAN}, protected=True)
async def resume(call: Call) -> str:
    """Let a paused VM run on, or start a suspended one."""
    _check_root_only(call)
    node = call.node
    vm = node.vms.check_exists(call.vmid)
    suspended = vm.lock == "suspended"
    if not suspended:
        _check_running(node, call.vmid)

    async def work(worker: Worker) -> None:
        async with node.locks.hold(vm_lock(call.vmid), CONFIG_TIMEOUT, say=worker.say):
            if suspended:
                await _start(node, call.vmid, worker, skip_lock=False)
                return
            vm = _check_running(node, call.vmid)
            if not call.flag("skiplock"):
                vm.check_lock()
            await physical(node.guests(vm).resume(call.vmid))

    return node.tasks.start("qmresume", str(call.vmid), call.who.id, work)
