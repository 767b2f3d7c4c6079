"""What the guest agent says (qemu-server API2/Qemu/Agent.pm)."""

import asyncio
from typing import Any

from testbed.proxmox.calls import Call, perm, route
from testbed.proxmox.errors import Die
from testbed.proxmox.guests import Interface
from testbed.proxmox.node import Node, physical
from testbed.proxmox.stats import Row
from testbed.proxmox.vms import Vm

RIGHT = perm("/vms/{vmid}", "VM.Monitor")
PATH = "/nodes/{node}/qemu/{vmid}/agent"
COMMANDS = ("get-host-name", "get-osinfo", "network-get-interfaces", "ping")
COUNTERS = ("rx-bytes", "rx-packets", "rx-errs", "rx-dropped", "tx-bytes", "tx-packets", "tx-errs", "tx-dropped")


async def _answering(call: Call) -> Vm:
    node = call.node
    vm = node.vms.load(call.vmid)
    if not vm.agent:
        raise Die("No QEMU guest agent configured")
    if not node.running(vm):
        raise Die(f"VM {call.vmid} is not running")
    if not await _pings(node, vm):
        raise Die("QEMU guest agent is not running")
    return vm


async def _pings(node: Node, vm: Vm) -> bool:
    """Whether the agent answers in time; one that comes up meanwhile does."""
    try:
        async with asyncio.timeout(node.knobs.agent_patience_seconds):
            while not await physical(node.guests(vm).agent_ping(vm.vmid)):  # noqa: ASYNC110 - only asking again tells
                await asyncio.sleep(0.1)
    except TimeoutError:
        return False
    return True


@route("GET", PATH, RIGHT)
async def index(_call: Call) -> list[Row]:
    """What the agent can be asked."""
    return [{"name": name} for name in COMMANDS]


@route("POST", PATH + "/ping", RIGHT, protected=True)
async def ping(call: Call) -> Row:
    """Whether it answers."""
    await _answering(call)
    return {"result": {}}


@route("GET", PATH + "/network-get-interfaces", RIGHT, protected=True)
async def interfaces(call: Call) -> Row:
    """The guest's network interfaces."""
    vm = await _answering(call)
    found = await physical(call.node.guests(vm).interfaces(call.vmid))
    return {"result": [_interface(one) for one in found]}


def _interface(one: Interface) -> dict[str, Any]:
    row: dict[str, Any] = {"name": one.name, "hardware-address": one.mac}
    row["statistics"] = dict.fromkeys(COUNTERS, 0)
    if one.addresses:
        row["ip-addresses"] = [
            {"ip-address": address, "ip-address-type": "ipv6" if ":" in address else "ipv4", "prefix": prefix}
            for address, prefix in one.addresses
        ]
    return row


@route("GET", PATH + "/get-osinfo", RIGHT, protected=True)
async def osinfo(call: Call) -> Row:
    """The guest's operating system."""
    vm = await _answering(call)
    return {"result": await physical(call.node.guests(vm).osinfo(call.vmid))}


@route("GET", PATH + "/get-host-name", RIGHT, protected=True)
async def host_name(call: Call) -> Row:
    """The guest's host name, as the cloud-init drive of its start gave it."""
    vm = await _answering(call)
    return {"result": {"host-name": vm.guest.cloud_init.hostname if vm.guest else ""}}
