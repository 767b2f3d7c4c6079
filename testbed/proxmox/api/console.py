"""Consoles of VMs (qemu-server API2/Qemu.pm vncproxy, termproxy, vncwebsocket; pve-access-control vncticket).

They are on the node that was asked, whichever node runs the VM.
"""

import asyncio
from typing import Any

from testbed.proxmox.access.identities import Identity
from testbed.proxmox.calls import Call, everybody, perm, route
from testbed.proxmox.cluster.node import Node, physical
from testbed.proxmox.cluster.stats import Row
from testbed.proxmox.cluster.tasks import Worker
from testbed.proxmox.console import termproxy, vncterm
from testbed.proxmox.console.consoles import HOST, Door, new_password, relay
from testbed.proxmox.errors import ApiError, Die
from testbed.proxmox.formats import split_list
from testbed.proxmox.guests import Streams
from testbed.proxmox.http.tls import public_part, server_context
from testbed.proxmox.http.websocket import Tunnel
from testbed.proxmox.schema import Param
from testbed.proxmox.vm.options import SERIAL_KEYS
from testbed.proxmox.vm.vms import Vm

RIGHT = perm("/vms/{vmid}", "VM.Console")
PATH = "/nodes/{node}/qemu/{vmid}/"
VNC = {"websocket": Param("boolean"), "generate-password": Param("boolean")}


def _serial_display(vm: Vm) -> str | None:
    """The serial port that a VM has in place of a display."""
    kind = vm.config.get("vga", "").split(",")[0].removeprefix("type=")
    return kind if kind in SERIAL_KEYS else None


@route("POST", PATH + "vncproxy", RIGHT, VNC, protected=True, at_entry=True)
async def vnc_proxy(call: Call) -> Row:
    """A port on which the VM's display waits for one client."""
    vm = call.node.vms.load(call.vmid)
    serial, for_websocket = _serial_display(vm), call.flag("websocket")
    door = Door(call.entry.ports.take(), None if for_websocket else server_context(call.entry.directory))
    ticket = call.node.access.tickets.vnc(call.who.id, f"/vms/{call.vmid}", door.port)
    password = None if serial and not (for_websocket or call.flag("generate-password")) else new_password()

    async def work(worker: Worker) -> None:
        if serial:
            await _show_serial(call, vm, serial, door, password or ticket)
        else:
            await _show_display(call, vm, door, password or ticket, worker)

    upid = call.entry.tasks.start("vncproxy", str(call.vmid), call.who.id, work)
    return {
        "user": call.who.id,
        "ticket": f"{password}:{ticket}" if password else ticket,
        "port": str(door.port),
        "upid": upid,
        "cert": public_part(call.entry.directory),
        **({"password": password} if password else {}),
    }


async def _show_display(call: Call, vm: Vm, door: Door, password: str, worker: Worker) -> None:
    try:
        client = await door.enter(call.node.knobs.console_wait_seconds)
    except TimeoutError:
        raise Die("connection timed out") from None
    try:
        if not call.node.online:
            raise Die(f"ssh: connect to host {call.node.address} port 22: No route to host")
        screen = await physical(call.node.guests(vm).screen(vm.vmid, password))
    except Die as error:
        client[1].close()
        worker.say(error.message)
        raise Die("Failed to run vncproxy.") from None
    await relay(client, screen)


async def _show_serial(call: Call, vm: Vm, serial: str, door: Door, password: str) -> None:
    command = f"/usr/bin/vncterm -rfbport {door.port} -timeout 10 -authpath /vms/{vm.vmid} -perm Sys.Console"
    command += f" -verify-port -notls -listen localhost -c /usr/sbin/qm terminal {vm.vmid} -iface {serial} -escape 0"
    try:
        client = await door.enter(call.node.knobs.console_wait_seconds)
        await vncterm.show(client, await _terminal(call.node, vm, serial), f"VM {vm.vmid} ({serial})", password)
    except (TimeoutError, Die):
        raise Die(f"command '{command}' failed: exit code 1") from None


async def _terminal(node: Node, vm: Vm, port: str | None) -> Streams:
    """A serial line of a VM, the first one unless named; raises `Die` as `qm terminal` does."""
    found = [name for name in SERIAL_KEYS if vm.config.get(name) == "socket"]
    if port and port not in vm.config:
        raise Die(f"serial interface '{port}' is not configured")
    if port and port not in found:
        raise Die(f"wrong serial type on interface '{port}'")
    if not found:
        raise Die("unable to find a serial interface")
    if not node.running(vm):
        raise Die(f"VM {vm.vmid} not running")
    return await physical(node.guests(vm).serial(vm.vmid, port or found[0]))


TERMINAL = {"serial": Param(enum=tuple(sorted(SERIAL_KEYS)))}


@route("POST", PATH + "termproxy", RIGHT, TERMINAL, protected=True, at_entry=True)
async def term_proxy(call: Call) -> Row:
    """A port on which a serial line of the VM waits for one client."""
    vm = call.node.vms.load(call.vmid)
    serial = call.values.get("serial") or _serial_display(vm)
    door = Door(call.entry.ports.take())
    ticket = call.node.access.tickets.vnc(call.who.id, f"/vms/{call.vmid}", door.port)

    async def work(worker: Worker) -> None:
        try:
            await _serve_terminal(call, vm, serial, door, ticket, worker)
        except termproxy.Failed as error:
            worker.say(str(error))
            raise Die(f"command '{_command(vm, serial, door.port)}' failed: exit code 1") from None

    upid = call.entry.tasks.start("vncproxy", str(call.vmid), call.who.id, work)
    return {"user": call.who.id, "ticket": ticket, "port": str(door.port), "upid": upid}


def _command(vm: Vm, serial: str | None, port: int) -> str:
    command = f"/usr/bin/termproxy {port} --path /vms/{vm.vmid} --perm VM.Console --vncticket-endpoint --verify-port"
    terminal = f"/usr/sbin/qm terminal {vm.vmid} -escape 0" + (f" -iface {serial}" if serial else "")
    return f"{command} --ticket-fd 9 -- {terminal}"


async def _serve_terminal(call: Call, vm: Vm, serial: str | None, door: Door, ticket: str, worker: Worker) -> None:
    seconds = call.node.knobs.console_wait_seconds
    try:
        client = await door.enter(seconds)
    except TimeoutError:
        raise termproxy.Failed("failed waiting for client: timed out") from None
    try:
        host, port = client[1].get_extra_info("peername")
        worker.say(f"client connection: {host}:{port}")

        def verify(user: str, given: str) -> None:
            _verify(call.node, user, given, f"/vms/{vm.vmid}", door.port, ["VM.Console"])

        await termproxy.admit(client, ticket, verify, seconds)
        await _carry_terminal(call.node, vm, serial, client)
    finally:
        client[1].close()


async def _carry_terminal(node: Node, vm: Vm, serial: str | None, client: Streams) -> None:
    try:
        line = await _terminal(node, vm, serial)
    except Die as error:
        client[1].write(f"{error.message}\r\n".encode())
        raise termproxy.Failed("error reading from pty: Input/output error (os error 5)") from None
    name = serial or next(name for name in SERIAL_KEYS if vm.config.get(name) == "socket")
    client[1].write(f"starting serial terminal on interface {name}\r\n".encode())
    if not await termproxy.converse(client, line):
        raise termproxy.Failed("error reading from pty: Input/output error (os error 5)")


WEBSOCKET = {
    "vncticket": Param(optional=False, max_length=512),
    "port": Param("integer", optional=False, minimum=5900, maximum=5999),
}


@route("GET", PATH + "vncwebsocket", RIGHT, WEBSOCKET, at_entry=True)
async def vnc_websocket(call: Call) -> Tunnel:
    """The way to such a port through a WebSocket, for who has its ticket."""
    port = call.number("port", 0)
    call.node.access.tickets.verify_vnc(call.values["vncticket"], call.who.id, f"/vms/{call.vmid}", port)
    call.node.vms.load(call.vmid)
    return Tunnel({"port": call.values["port"]}, lambda: asyncio.open_connection(HOST, port))


TICKET = {
    "authid": Param(optional=False, max_length=64),
    "vncticket": Param(optional=False),
    "path": Param(optional=False, max_length=64),
    "privs": Param(optional=False, max_length=64),
    "port": Param("integer"),
}


@route("POST", "/access/vncticket", everybody, TICKET, protected=True, world=True)
async def check_ticket(call: Call) -> Any:
    """Whether somebody has a console's ticket, and privileges; the refusal does not tell what is wrong."""
    values = call.values
    port = call.number("port", 0) if "port" in values else None
    try:
        _verify(call.node, values["authid"], values["vncticket"], values["path"], port, split_list(values["privs"]))
    except ApiError:
        raise ApiError(401, "authentication failure") from None


def _verify(node: Node, who: str, ticket: str, path: str, port: int | None, privileges: list[str]) -> None:
    """Raise `ApiError` unless the ticket is `who`'s, who has the privileges too."""
    node.access.tickets.verify_vnc(ticket, who, path, port)
    if not privileges:
        raise Die("no permission")
    node.access.check(Identity(who), path, *privileges)
