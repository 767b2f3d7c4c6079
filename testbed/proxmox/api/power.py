"""Power: start, stop, shutdown, reboot, reset (qemu-server API2/Qemu.pm vm_*, QemuServer.pm)."""

import asyncio
from typing import Any

from testbed.proxmox import formats
from testbed.proxmox.access.access import ROOT
from testbed.proxmox.calls import Call, perm, route
from testbed.proxmox.cluster import interfaces
from testbed.proxmox.cluster.locks import CONFIG_TIMEOUT, vm_lock
from testbed.proxmox.cluster.node import Node, physical
from testbed.proxmox.cluster.quorum import check_quorum
from testbed.proxmox.cluster.tasks import Work, Worker
from testbed.proxmox.errors import Die, only_root, parameter_errors
from testbed.proxmox.formats import cidr, id_pairs, node_name, storage_id
from testbed.proxmox.guests import GuestError
from testbed.proxmox.schema import Param
from testbed.proxmox.storage import snippets
from testbed.proxmox.vm import devices, pending_changes, start_checks
from testbed.proxmox.vm.options import NET_KEYS, OPTIONS
from testbed.proxmox.vm.vms import Vm, cloud_init_drive
from testbed.proxmox.vm.vmstate import forget_state, state_name

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
    "targetstorage": Param(check=id_pairs(storage_id), listed=True),
    "with-conntrack-state": Param("boolean", since="9"),
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
#: Refused to all but root@pam itself.
ROOT_ONLY = ("skiplock", *MIGRATION, "keepActive", "nocheck")
GRACE = 10
#: How long QEMU runs before it learns that a network card cannot be plugged in.
BRIDGE_SCRIPT_SECONDS = 0.2


def check_root_only(call: Call) -> None:
    """Raise 400 for what only root@pam itself may ask."""
    for option in ROOT_ONLY:
        if call.values.get(option, "0") not in ("", "0") and not call.who.root:
            raise only_root(option)


def check_running(node: Node, vmid: int) -> Vm:
    """A VM that runs; raises `Die`."""
    vm = node.vms.check_exists(vmid)
    if not node.running(vm):
        raise Die(f"VM {vmid} not running")
    return vm


@route("POST", PATH + "start", RIGHT, START, protected=True)
async def start(call: Call) -> str:
    """Start in a task; all errors but a lack of quorum are the task's."""
    check_root_only(call)
    if "targetstorage" in call.values and "migratedfrom" not in call.values:
        raise parameter_errors({"targetstorage": "targetstorage can only by used with migratedfrom."})
    check_quorum(call.cluster)
    if (ha := call.cluster.ha).wanted(call.vmid):
        asked = f"start for VM {call.vmid}"
        return ha.request(call.node, "hastart", call.vmid, call.who.id, asked, lambda: ha.want(call.vmid, "started"))
    return start_task(call.node, call.vmid, call.who.id, call.flag("skiplock"))


def start_task(node: Node, vmid: int, user: str, skip_lock: bool = False) -> str:
    """Start a VM in a task of its own; the UPID."""

    async def work(worker: Worker) -> None:
        async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
            await start_vm(node, vmid, worker, skip_lock)

    return node.tasks.start("qmstart", str(vmid), user, work)


async def start_vm(node: Node, vmid: int, worker: Worker, skip_lock: bool) -> None:
    """Start a VM within a task that holds its lock; one whose memory was saved runs on. Raises `Die`."""
    vm = node.vms.load(vmid)
    if vm.template:
        raise Die("you can't start a vm if it's a template")
    running = node.running(vm)
    if running and vm.lock == "backup":
        await physical(node.guests(vm).resume(vmid))
        return
    if not (skip_lock or vm.lock == "suspended"):
        vm.check_lock()
    if running:
        raise Die(f"VM {vmid} already running")
    await pending_changes.apply_cold(node, vm)
    vendor_data = snippets.vendor_data(node, vm)
    if cloud_init_drive(vm.config):
        worker.say("generating cloud-init ISO")
        vm.cloudinit.clear()
    state = state_name(vm.config)
    if state or vm.lock == "suspended":
        worker.say("Resuming suspended VM")
    start_checks.check(node, vm, worker)
    await _start_process(node, vm, worker, state, vendor_data)
    if state or vm.lock == "suspended":
        await forget_state(node, vm)


async def _start_process(node: Node, vm: Vm, worker: Worker, state: str | None, vendor_data: str) -> None:
    node.starting.add(vm.vmid)
    try:
        await node.start(vm, state, vendor_data)
        await asyncio.sleep(node.knobs.start_seconds if vm.kind == "sim" else 0)
    finally:
        node.starting.discard(vm.vmid)
    await _plug_cards(node, vm, worker)


async def _plug_cards(node: Node, vm: Vm, worker: Worker) -> None:
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


@route("POST", PATH + "stop", RIGHT, STOP, protected=True)
async def stop(call: Call) -> str:
    """Cut the power in a task; a VM that is off is fine."""
    check_root_only(call)
    if call.cluster.ha.wanted(call.vmid):
        if call.flag("overrule-shutdown"):
            raise parameter_errors({"overrule-shutdown": "not applicable for HA resources."})
        return _ask_ha_to_stop(call, patience=0)

    async def before(worker: Worker) -> None:
        if call.flag("overrule-shutdown"):
            await _overrule(call, worker)

    return stop_task(call.node, call.vmid, call.who.id, before, call.flag("skiplock"))


def _ask_ha_to_stop(call: Call, patience: int) -> str:
    ha, asked = call.cluster.ha, f"stop for VM {call.vmid}"
    return ha.request(
        call.node, "hastop", call.vmid, call.who.id, asked, lambda: ha.want(call.vmid, "stopped", patience)
    )


async def _nothing(_worker: Worker) -> None:
    """What comes before most tasks."""


def stop_task(node: Node, vmid: int, user: str, before: Work = _nothing, skip_lock: bool = False) -> str:
    """Cut a VM's power in a task of its own, after something else; the UPID."""

    async def work(worker: Worker) -> None:
        await before(worker)
        await _stop(node, vmid, worker, skip_lock)

    return node.tasks.start("qmstop", str(vmid), user, work)


async def _stop(node: Node, vmid: int, worker: Worker, skip_lock: bool) -> None:
    async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
        vm = node.vms.check_exists(vmid)
        if node.running(vm):
            if not skip_lock:
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
    check_root_only(call)
    timeout = int(call.values["timeout"]) if "timeout" in call.values else None
    if call.cluster.ha.wanted(call.vmid):
        return _ask_ha_to_stop(call, SHUTDOWN_TIMEOUT if timeout is None else timeout)
    flags = {"force": call.flag("forceStop"), "skip_lock": call.flag("skiplock")}
    return shutdown_task(call.node, call.vmid, call.who.id, timeout=timeout, **flags)


def shutdown_task(
    node: Node, vmid: int, user: str, *, timeout: int | None, force: bool, skip_lock: bool = False
) -> str:
    """Shut a VM down in a task of its own, with `force` by cutting its power after `timeout` seconds; the UPID.

    Raises `Die` for a halted VM, which would not hear it.
    """
    halted = (found := node.vms.get(vmid)) is not None and node.paused(found)
    if halted and not force:
        raise Die("VM is paused - cannot shutdown")

    async def work(worker: Worker) -> None:
        async with node.locks.hold(vm_lock(vmid), CONFIG_TIMEOUT, say=worker.say):
            vm = node.vms.check_exists(vmid)
            if node.running(vm):
                if not skip_lock:
                    vm.check_lock()
                await _shut_down(node, vm, worker, _patience(vm, timeout), force, halted)

    return node.tasks.start("qmshutdown", str(vmid), user, work)


def _patience(vm: Vm, timeout: int | None) -> int:
    """Seconds to wait: as asked for, or as the VM's start and stop order says."""
    down = devices.startup_order(vm.config.get("startup", "")).get("down")
    return timeout if timeout is not None else down or SHUTDOWN_TIMEOUT


async def _shut_down(node: Node, vm: Vm, worker: Worker, timeout: int, force: bool, at_once: bool = False) -> None:
    if not at_once:
        problem = await _ask_to_go(node, vm, timeout)
        if problem is None:
            await pending_changes.apply_cold(node, vm)
            return
        if not force:
            raise Die(f"VM quit/powerdown failed{problem}")
        what = "still running" if problem else "quit/powerdown failed"
        worker.say(f"VM {what} - terminating now with SIGTERM")
    await physical(node.guests(vm).stop(vm.vmid))
    await node.wait_exit(vm, GRACE)
    await pending_changes.apply_cold(node, vm)


async def _ask_to_go(node: Node, vm: Vm, timeout: int) -> str | None:
    """Through the agent if it answers, or else by the power button; what went wrong, None when the guest is gone."""
    guests = node.guests(vm)
    asking: asyncio.Future[Any] | None = None
    try:
        if vm.agent and await guests.agent_ping(vm.vmid):
            asking = asyncio.ensure_future(guests.ask_agent(vm.vmid, "guest-shutdown", {}, timeout))
        else:
            await guests.powerdown(vm.vmid)
    except GuestError:
        return ""
    gone = await node.wait_exit(vm, timeout)
    if asking:
        asking.cancel()
        await asyncio.wait([asking])
    return None if gone else " - got timeout"


@route("POST", PATH + "reboot", RIGHT, {"timeout": TIMEOUT}, protected=True)
async def reboot(call: Call) -> str:
    """Shut down in a task; another task of root@pam then starts the VM again."""
    node = call.node
    if node.paused(check_running(node, call.vmid)):
        raise Die("VM is paused - cannot shutdown")
    timeout = int(call.values["timeout"]) if "timeout" in call.values else None

    async def work(worker: Worker) -> None:
        async with node.locks.hold(vm_lock(call.vmid), CONFIG_TIMEOUT, say=worker.say):
            vm = check_running(node, call.vmid)
            vm.check_lock()
            await _shut_down(node, vm, worker, _patience(vm, timeout), force=False)
        node.soon(_start_again(node, call.vmid))

    return node.tasks.start("qmreboot", str(call.vmid), call.who.id, work)


async def _start_again(node: Node, vmid: int) -> None:
    await asyncio.sleep(node.knobs.restart_seconds)
    start_task(node, vmid, ROOT)


@route("POST", PATH + "reset", RIGHT, SKIPLOCK, protected=True)
async def reset(call: Call) -> str:
    """Press the reset button in a task."""
    check_root_only(call)
    node = call.node
    check_running(node, call.vmid)

    async def work(worker: Worker) -> None:
        async with node.locks.hold(vm_lock(call.vmid), CONFIG_TIMEOUT, say=worker.say):
            vm = check_running(node, call.vmid)
            if not call.flag("skiplock"):
                vm.check_lock()
            await physical(node.guests(vm).reset(call.vmid))

    return node.tasks.start("qmreset", str(call.vmid), call.who.id, work)
