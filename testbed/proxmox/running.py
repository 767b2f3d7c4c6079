"""A whole testbed in the running event loop, as the program and the tests start it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed.proxmox import api as _registered  # noqa: F401 - importing it registers the calls
from testbed.proxmox import seed
from testbed.proxmox.access import ROOT
from testbed.proxmox.control import Control
from testbed.proxmox.faults import Faults
from testbed.proxmox.guests import GuestKind
from testbed.proxmox.http_server import HttpServer
from testbed.proxmox.node import Node
from testbed.proxmox.server import Api
from testbed.proxmox.tls import certificate

HOST = "127.0.0.1"
NODE = "pve1"
TOKEN = "hostler"


class PortInUse(Exception):
    """A port is taken; one line."""


@dataclass(frozen=True, slots=True)
class Running:
    """A testbed that answers. `token_secret` belongs to the API token `root@pam!hostler`, which may do everything."""

    node: Node
    api: Api
    url: str
    control_url: str
    password: str
    token_secret: str

    def ready(self) -> dict[str, object]:
        """What a client has to know, as the program prints it."""
        return {
            "url": self.url,
            "node": self.node.name,
            "user": ROOT,
            "password": self.password,
            "token_id": f"{ROOT}!{TOKEN}",
            "token_secret": self.token_secret,
            "template_vmid": seed.TEMPLATES[0][0],
            "control_url": self.control_url,
        }


@asynccontextmanager
async def running(
    directory: Path,
    *,
    kind: GuestKind = "sim",
    port: int = 0,
    control_port: int = 0,
    faults: Faults | None = None,
    inventory: Sequence[seed.Machine] = (),
    templates: bool = True,
) -> AsyncIterator[Running]:
    """Run a testbed on the state in `directory`; raises `PortInUse`.

    A new directory gets the templates and the machines of `inventory` first; `kind` is that of the templates.
    """
    async with AsyncExitStack() as stack:
        node = Node(NODE, directory, kind)
        stack.push_async_callback(node.close)
        context, node.fingerprint = certificate(directory, NODE)
        await node.adopt()
        await seed.first_start(node, inventory, templates)
        calls = Api(node, faults or Faults())
        stack.push_async_callback(calls.close)
        front = await _listening(stack, HttpServer(calls.handle, context, calls.gate), port, "--port")
        back = await _listening(stack, HttpServer(Control(node, calls, front).handle), control_port, "--control-port")
        node.soon(node.stats.run())
        urls = f"https://{HOST}:{front.port}", f"http://{HOST}:{back.port}"
        yield Running(node, calls, *urls, node.access.users[ROOT]["password"], _token(node))


async def _listening(stack: AsyncExitStack, server: HttpServer, port: int, option: str) -> HttpServer:
    try:
        await server.start(HOST, port)
    except OSError:
        raise PortInUse(f"port {port} is in use; choose another with {option}") from None
    stack.push_async_callback(server.stop)
    return server


def _token(node: Node) -> str:
    name = f"{ROOT}!{TOKEN}"
    if name not in node.access.tokens:
        node.access.new_token(ROOT, TOKEN, privsep=0)
    return str(node.access.tokens[name]["value"])
