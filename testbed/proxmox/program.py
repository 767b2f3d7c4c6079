"""`hostler-testbed proxmox`: options, start, the ready line, a clean end."""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from testbed.proxmox import api as _registered  # noqa: F401 - importing it registers the calls
from testbed.proxmox import seed
from testbed.proxmox.access import ROOT
from testbed.proxmox.control import Control
from testbed.proxmox.errors import ApiError
from testbed.proxmox.faults import Faults
from testbed.proxmox.http_server import HttpServer
from testbed.proxmox.node import Node
from testbed.proxmox.server import Api
from testbed.proxmox.tls import certificate

HOST = "127.0.0.1"
NODE = "pve1"
TOKEN = "hostler"


class Refused(Exception):
    """The program cannot start; one line that names the thing and the mend."""


def run(argv: list[str]) -> int:
    """Run until SIGTERM or SIGINT; the exit code."""
    options = _options(argv)
    try:
        _check(options)
        asyncio.run(_in_directory(options))
    except (Refused, seed.InventoryError, ApiError) as error:
        print(f"hostler-testbed proxmox: {error}", file=sys.stderr)
        return 1
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hostler-testbed proxmox", description="A Proxmox VE testbed.")
    parser.add_argument("--port", type=int, default=0, help="HTTPS port on loopback; 0 picks a free one")
    parser.add_argument("--control-port", type=int, default=0, help="port of the control interface")
    parser.add_argument("--nodes", type=int, default=1, help="number of nodes")
    parser.add_argument("--guests", choices=("sim", "qemu"), default="sim", help="kind of the templates' guests")
    parser.add_argument("--state", type=Path, help="state directory; a temporary one if omitted")
    parser.add_argument("--pve", choices=("8", "9"), default="8", help="major release to speak like")
    parser.add_argument("--faults", type=Path, help="JSON file with faults to begin with")
    parser.add_argument("--inventory", type=Path, help="JSON file with VMs for a new state directory")
    return parser.parse_args(argv)


def _check(options: argparse.Namespace) -> None:
    if options.nodes != 1:
        raise Refused(f"--nodes {options.nodes} is not possible yet; leave it out for a single node")
    if options.pve != "8":
        raise Refused(f"--pve {options.pve} is not possible yet; leave it out for 8.4")


async def _in_directory(options: argparse.Namespace) -> None:
    if options.state is None:
        with tempfile.TemporaryDirectory(prefix="hostler-pve-", ignore_cleanup_errors=True) as directory:
            await _serve(options, Path(directory))
        return
    try:
        options.state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"--state {options.state}: {error.strerror}; name a directory that can be written") from None
    await _serve(options, options.state)


async def _serve(options: argparse.Namespace, directory: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    faults = _faults(options.faults)
    inventory = seed.read_inventory(options.inventory) if options.inventory else []
    async with AsyncExitStack() as stack:
        node = Node(NODE, directory, options.guests)
        stack.push_async_callback(node.close)
        context, node.fingerprint = certificate(directory, NODE)
        await node.adopt()
        await seed.first_start(node, inventory)
        calls = Api(node, faults)
        stack.push_async_callback(calls.close)
        front = await _listening(stack, HttpServer(calls.handle, context), options.port, "--port")
        control = Control(node, calls, faults, front)
        back = await _listening(stack, HttpServer(control.handle), options.control_port, "--control-port")
        node.soon(node.stats.run())
        print(json.dumps(_ready(node, front.port, back.port)), flush=True)
        await stop.wait()


def _faults(path: Path | None) -> Faults:
    faults = Faults()
    if path:
        try:
            faults.add(json.loads(path.read_text()))
        except (OSError, ValueError, ApiError) as error:
            raise Refused(f"--faults {path}: {error}") from None
    return faults


async def _listening(stack: AsyncExitStack, server: HttpServer, port: int, option: str) -> HttpServer:
    try:
        await server.start(HOST, port)
    except OSError:
        raise Refused(f"port {port} is in use; choose another with {option}") from None
    stack.push_async_callback(server.stop)
    return server


def _ready(node: Node, port: int, control_port: int) -> dict[str, object]:
    name = f"{ROOT}!{TOKEN}"
    if name not in node.access.tokens:
        node.access.new_token(ROOT, TOKEN, privsep=0)
    return {
        "url": f"https://{HOST}:{port}",
        "node": node.name,
        "user": ROOT,
        "password": node.access.users[ROOT]["password"],
        "token_id": name,
        "token_secret": node.access.tokens[name]["value"],
        "template_vmid": seed.TEMPLATES[0][0],
        "control_url": f"http://{HOST}:{control_port}",
    }
