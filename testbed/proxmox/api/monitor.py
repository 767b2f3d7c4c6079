"""QEMU's monitor and keyboard (qemu-server API2/Qemu.pm monitor, vm_sendkey)."""

import re
from collections.abc import Mapping

from testbed.proxmox.access.access import Access
from testbed.proxmox.access.identities import Identity
from testbed.proxmox.calls import Call, fill, perm, route
from testbed.proxmox.cluster.locks import CONFIG_TIMEOUT, vm_lock
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.errors import Die, only_root
from testbed.proxmox.guests import GuestError
from testbed.proxmox.schema import Param
from testbed.proxmox.vm.vms import Vm

PATH = "/nodes/{node}/qemu/{vmid}/"
READ_ONLY = re.compile(r"\s*info(\s.*)?|\s*help\s*", re.DOTALL)
KEY = {"key": Param(optional=False), "skiplock": Param("boolean")}


def _monitoring(access: Access, who: Identity, values: Mapping[str, str]) -> None:
    """`VM.Monitor`, which release 9 no longer has."""
    path = fill("/vms/{vmid}", values)
    if access.release.old:
        access.check(who, path, "VM.Monitor")
    else:
        access.check_any(who, path, "Sys.Audit", "Sys.Modify")


@route("POST", PATH + "monitor", _monitoring, {"command": Param(optional=False)}, protected=True)
async def monitor(call: Call) -> str:
    """What a command prints; its failure is an answer too."""
    command = call.values["command"]
    if not READ_ONLY.fullmatch(command):
        call.check("/", "Sys.Modify")
    try:
        return await _told(call.node, call.node.vms.load(call.vmid), command)
    except Die as error:
        return f"ERROR: {error.message}\n"


async def _told(node: Node, vm: Vm, command: str) -> str:
    if not node.running(vm):
        raise Die(f"VM {vm.vmid} not running")
    try:
        return await node.guests(vm).monitor(vm.vmid, command)
    except GuestError as error:
        raise Die(str(error)) from None


@route("PUT", PATH + "sendkey", perm("/vms/{vmid}", "VM.Console"), KEY, protected=True)
async def send_key(call: Call) -> None:
    """Press keys together, such as `ctrl-alt-delete`."""
    if call.flag("skiplock") and not call.who.root:
        raise only_root("skiplock")
    async with call.node.locks.hold(vm_lock(call.vmid), CONFIG_TIMEOUT):
        vm = call.node.vms.load(call.vmid)
        answer = await _told(call.node, vm, f"sendkey {call.values['key']}")
    if answer:
        raise Die(answer.rstrip())
