"""Starting and stopping all VMs of a node in their order (pve-manager API2/Nodes.pm startall, stopall)."""

import asyncio
from collections.abc import Collection, Iterable

from testbed.proxmox.access.access import ROOT
from testbed.proxmox.api.power import shutdown_task, start_task
from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.errors import denied
from testbed.proxmox.formats import each, split_list, vmid
from testbed.proxmox.schema import Param
from testbed.proxmox.vm import devices
from testbed.proxmox.vm.vms import Vm

LAST = 2**31
#: Between two starts, unless a VM has a delay of its own; seconds.
DELAY = 3
STOP_TIMEOUT = 180
VMS = Param(check=each(vmid), listed=True)
START = {"force": Param("boolean"), "vms": VMS}
STOP = {"force-stop": Param("boolean"), "timeout": Param("integer", minimum=0, maximum=7200), "vms": VMS}


def _check(call: Call) -> None:
    """Raise 403 unless the caller may switch all VMs, or each of those that are named."""
    if call.node.access.may(call.who, "/", "VM.PowerMgmt"):
        return
    named = split_list(call.values.get("vms", ""))
    if not named:
        raise denied("/, VM.PowerMgmt")
    for number in named:
        call.check(f"/vms/{number}", "VM.PowerMgmt")


def _startup(vm: Vm) -> dict[str, int]:
    return devices.startup_order(vm.config.get("startup", ""))


def _named(call: Call) -> set[int]:
    return {int(number) for number in split_list(call.values.get("vms", ""))}


def _chosen(node: Node, named: Collection[int], onboot: bool) -> list[Vm]:
    """The node's VMs by their order, templates left out; with `onboot` those that start with the node.

    What high availability looks after is its own business, unless it is named.
    """
    others = [vm for vm in node.vms if not vm.template and (named or not onboot or not node.cluster.ha.wanted(vm.vmid))]
    vms: Iterable[Vm] = (vm for vm in others if not named or vm.vmid in named)
    return sorted(
        (vm for vm in vms if vm.flag("onboot") or not onboot), key=lambda vm: (_startup(vm).get("order", LAST), vm.vmid)
    )


@route("POST", "/nodes/{node}/startall", everybody, START, protected=True)
async def startall(call: Call) -> str:
    """Start those that start with the node, or with `force` all, one after the other."""
    _check(call)
    return start_all(call.node, call.who.id, _named(call), onboot=not call.flag("force"))


def start_all(node: Node, user: str, named: Collection[int] = (), onboot: bool = True) -> str:
    """Start a node's VMs in a task, those that are named if any are; the UPID."""

    async def work(worker: Worker) -> None:
        await _quorum(node, worker)
        _forget_backups(node, worker)
        for vm in _chosen(node, named, onboot):
            if not node.running(vm):
                await _start(node, vm, user, worker)

    return node.tasks.start("startall", "", user, work)


def resume_service(node: Node) -> None:
    """What the node's `pve-guests` does as it begins: start whatever starts with the node, if anything is missing."""
    if any(vm.flag("onboot") and not vm.template and not node.running(vm) for vm in node.vms):
        start_all(node, ROOT)


async def _quorum(node: Node, worker: Worker) -> None:
    if node.cluster.quorate:
        return
    worker.say("waiting for quorum ...")
    while not node.cluster.quorate:  # noqa: ASYNC110 - nodes come and go without an event
        await asyncio.sleep(1)
    worker.say("got quorum")


def _forget_backups(node: Node, worker: Worker) -> None:
    """Backups that the node's end cut short have left their locks."""
    if any(task.type == "vzdump" for task in node.tasks.active()):
        return
    for vm in [vm for vm in node.vms if vm.lock == "backup"]:
        del vm.config["lock"]
        node.vms.save(vm)
        worker.say(f"removed left over backup lock from '{vm.vmid}'!")


async def _start(node: Node, vm: Vm, user: str, worker: Worker) -> None:
    worker.say(f"Starting VM {vm.vmid}")
    task = node.tasks.find(start_task(node, vm.vmid, user))
    while not await node.tasks.ended(task.upid, 1):
        pass
    if task.failed:
        worker.say(f"Starting VM {vm.vmid} failed: {task.exitstatus}")
        return
    delay = _startup(vm).get("up", DELAY)
    if "up" in _startup(vm) and delay:
        worker.say(f"Waiting for {delay} seconds (startup delay)")
    await asyncio.sleep(delay * node.knobs.lock_timeout_factor)


@route("POST", "/nodes/{node}/stopall", everybody, STOP, protected=True)
async def stopall(call: Call) -> str:
    """Shut all down in the reverse order, those of one place in it together."""
    _check(call)
    patience, force = call.number("timeout", STOP_TIMEOUT), call.flag("force-stop", default=True)
    return stop_all(call.node, call.who.id, _named(call), patience, force)


def stop_all(
    node: Node, user: str, named: Collection[int] = (), patience: int = STOP_TIMEOUT, force: bool = True
) -> str:
    """Stop a node's VMs in a task, each within `patience` seconds unless it has its own; the UPID."""

    async def work(worker: Worker) -> None:
        waiting: dict[int, list[str]] = {}
        for vm in reversed(_chosen(node, named, onboot=False)):
            place = _startup(vm).get("order", LAST)
            await _all_ended(node, [upid for order, upids in waiting.items() if order != place for upid in upids])
            if node.running(vm):
                timeout = _startup(vm).get("down", patience)
                worker.say(f"Stopping VM {vm.vmid} (timeout = {timeout} seconds)")
                upid = shutdown_task(node, vm.vmid, user, timeout=timeout, force=force)
                waiting.setdefault(place, []).append(upid)
        await _all_ended(node, [upid for upids in waiting.values() for upid in upids])

    return node.tasks.start("stopall", "", user, work)


COMMAND = {"command": Param(optional=False, enum=("reboot", "shutdown"))}


@route("POST", "/nodes/{node}/status", perm("/nodes/{node}", "Sys.PowerMgmt"), COMMAND, protected=True)
async def command(call: Call) -> None:
    """Shut the node down with its VMs, and perhaps have it again; what happens comes after the answer."""
    call.node.soon(_shut_down(call.node, again=call.values["command"] == "reboot"))


async def _shut_down(node: Node, again: bool) -> None:
    await _all_ended(node, [stop_all(node, ROOT)])
    await node.cluster.switch(node, "off")
    if again:
        await asyncio.sleep(node.knobs.restart_seconds)
        await node.cluster.switch(node, "up")


async def _all_ended(node: Node, upids: list[str]) -> None:
    for upid in upids:
        while not await node.tasks.ended(upid, 1):
            pass
