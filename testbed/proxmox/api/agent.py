"""What the guest agent is asked (qemu-server API2/Qemu/Agent.pm, QemuServer/Agent.pm)."""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import Any

from testbed.proxmox.access.access import Access, Identity
from testbed.proxmox.calls import Call, Right, everybody, fill, route
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.errors import ApiError, Die
from testbed.proxmox.guests import AgentError, GuestError
from testbed.proxmox.schema import Param
from testbed.proxmox.vm.vms import Vm

PATH = "/nodes/{node}/qemu/{vmid}/agent"
GET = (
    *("get-fsinfo", "get-host-name", "get-memory-block-info", "get-memory-blocks", "get-osinfo", "get-time"),
    *("get-timezone", "get-users", "get-vcpus", "info", "network-get-interfaces"),
)
FILE_SYSTEMS = ("fsfreeze-freeze", "fsfreeze-thaw", "fstrim")
POWER = ("shutdown", "suspend-disk", "suspend-hybrid", "suspend-ram")
POST = (*FILE_SYSTEMS, "fsfreeze-status", "ping", *POWER)
SIMPLE = tuple(sorted((*GET, *POST)))
WITH_PARAMETERS = ("exec", "exec-status", "file-read", "file-write", "set-user-password")
#: How long a command may take, in seconds (qemu-server QMPClient.pm cmd).
TIMEOUT = 5.0
TIMEOUTS = {
    "guest-fsfreeze-freeze": 3600.0,
    "guest-fsfreeze-thaw": 180.0,
    "guest-fstrim": 600.0,
    "guest-shutdown": 600.0,
}


def needs(*names: str, power: bool = False) -> Right:
    """`VM.Monitor` in release 8; in 9 one of the finer privileges, named short of their prefix."""

    def right(access: Access, who: Identity, values: Mapping[str, str]) -> None:
        wanted = access.release.agent(*names)
        if power and not access.release.old:
            wanted = ("VM.PowerMgmt", *wanted)
        access.check_any(who, fill("/vms/{vmid}", values), *wanted)

    return right


async def ask(node: Node, vm: Vm, command: str, timeout: float | None = None, **arguments: Any) -> Any:
    """The agent's answer, its refusals as a value; raises `Die` when it is silent."""
    patience = timeout or TIMEOUTS.get(command, TIMEOUT)
    try:
        return await node.guests(vm).ask_agent(vm.vmid, command, arguments, patience)
    except AgentError as refusal:
        return {"error": {"class": refusal.kind, "desc": str(refusal)}}
    except GuestError as error:
        channel = "qmp" if node.access.release.old else "qga"
        raise Die(f"VM {vm.vmid} {channel} command '{command}' failed - {error}") from None


async def answering(call: Call) -> Vm:
    """The VM, whose agent answers a ping within 3 s; raises `Die`."""
    vm = call.node.vms.load(call.vmid)
    if "agent" not in vm.config:
        raise Die("No QEMU guest agent configured")
    if not call.node.running(vm):
        raise Die(f"VM {call.vmid} is not running")
    try:
        await ask(call.node, vm, "guest-ping", call.node.knobs.agent_patience_seconds)
    except Die:
        raise Die("QEMU guest agent is not running") from None
    return vm


async def ask_or_die(call: Call, vm: Vm, command: str, complaint: str, **arguments: Any) -> Any:
    """The agent's answer; raises `Die` for its refusals, and what the original makes of those it cannot send."""
    result = await ask(call.node, vm, command, **arguments)
    if isinstance(result, dict) and "error" in result:
        await refuse(call.node, f"Agent error: {result['error']['desc']}")
    if result is None:
        raise Die(f"Agent error: {complaint}")
    return result


async def refuse(node: Node, text: str) -> None:
    """Raise `Die`; a text that is not Latin-1 breaks pvedaemon's answer, which pveproxy notices after 5 s."""
    if all(ord(letter) < 256 for letter in text):
        raise Die(text)
    await asyncio.sleep(node.knobs.broken_answer_seconds)
    raise ApiError(596, "Broken pipe")


def encoded(text: str) -> str:
    """Base 64 of text whose letters count as bytes; raises `Die` for those that do not fit into one."""
    try:
        return base64.b64encode(text.encode("latin-1")).decode()
    except UnicodeEncodeError:
        raise Die("Wide character in subroutine entry at /usr/share/perl5/PVE/API2/Qemu/Agent.pm") from None


def decoded(text: str) -> str:
    """The bytes of base 64, each as a letter: what the original answers is UTF-8 encoded twice."""
    try:
        return base64.b64decode(text).decode("latin-1")
    except binascii.Error:
        return text


@route("GET", PATH, everybody)
async def index(_call: Call) -> list[Row]:
    """What the agent can be asked."""
    return [{"name": name} for name in sorted((*SIMPLE, *WITH_PARAMETERS))]


@route("POST", PATH, needs(), {"command": Param(optional=False, enum=SIMPLE)}, protected=True)
async def generic(call: Call) -> Row:
    """Any command without parameters."""
    return await _simple(call, call.values["command"])


async def _simple(call: Call, name: str) -> Row:
    vm = await answering(call)
    return {"result": await ask(call.node, vm, f"guest-{name}")}


def _register(method: str, name: str, right: Right) -> None:
    async def handler(call: Call) -> Row:
        return await _simple(call, name)

    route(method, f"{PATH}/{name}", right, protected=True)(handler)


def _right(name: str) -> Right:
    if name in POWER:
        return needs(power=True)
    if name == "fsfreeze-status":
        return needs("Audit", "FileSystemMgmt")
    return needs("FileSystemMgmt" if name in FILE_SYSTEMS else "Audit")


for _method, _names in (("GET", GET), ("POST", POST)):
    for _name in _names:
        _register(_method, _name, _right(_name))
