"""A whole testbed in the running event loop, as the program and the tests start it."""

from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from testbed.proxmox import seed
from testbed.proxmox.access.access import ROOT
from testbed.proxmox.api.ha_services import look_after
from testbed.proxmox.api.startall import resume_service
from testbed.proxmox.cluster.cluster import Cluster
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.control import Control
from testbed.proxmox.errors import Die
from testbed.proxmox.faults.faults import Faults
from testbed.proxmox.faults.worker_faults import striking
from testbed.proxmox.guests import GuestKind
from testbed.proxmox.http.http_server import HttpServer, Request
from testbed.proxmox.http.tls import certificate
from testbed.proxmox.schema import Pve
from testbed.proxmox.server import REMEMBERED_REQUESTS, Api
from testbed.proxmox.storage import snippets
from testbed.proxmox.storage.storage import NAME

HOST = "127.0.0.1"
TOKEN = "hostler"


class PortInUse(Exception):
    """A port is taken; one line."""


@dataclass(frozen=True, slots=True)
class Running:
    """A testbed that answers. `token_secret` belongs to the API token `root@pam!hostler`, which may do everything.

    `urls` are the nodes' addresses by name; `url` is the first one's.
    """

    cluster: Cluster
    urls: dict[str, str]
    control_url: str
    password: str
    token_secret: str

    @property
    def node(self) -> Node:
        return self.cluster.first

    @property
    def url(self) -> str:
        return self.urls[self.node.name]

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
            "snippets": self._snippets(),
            "nodes": [{"name": name, "url": url} for name, url in self.urls.items()],
        }

    def _snippets(self) -> dict[str, str]:
        """The folder in which the first node's own storage looks for snippets, made if it is not there."""
        folder = snippets.folder(self.node, self.cluster.storages.load(NAME)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        return {"storage": NAME, "path": str(folder)}


@asynccontextmanager
async def running(
    directory: Path,
    *,
    nodes: int = 1,
    kind: GuestKind = "sim",
    pve: Pve = "8",
    port: int = 0,
    control_port: int = 0,
    faults: Faults | None = None,
    calls: Sequence[Mapping[str, Any]] = (),
    inventory: Sequence[seed.Machine] = (),
    templates: bool = True,
) -> AsyncIterator[Running]:
    """Run a testbed of some nodes on the state in `directory`; raises `PortInUse`, and `Die` for a call that fails.

    The first node listens on `port`, the others on those after it; 0 picks free ones. A new directory gets the
    templates and the machines of `inventory` first; `kind` is that of the templates. `calls` of the control
    interface (`{"method", "path", "body"}`) are made before anything else.
    """
    async with AsyncExitStack() as stack:
        cluster = Cluster(directory, nodes, kind, pve)
        stack.push_async_callback(cluster.close)
        await cluster.adopt()
        await seed.first_start(cluster, inventory, templates)
        faults, requests = faults or Faults(), deque[dict[str, Any]](maxlen=REMEMBERED_REQUESTS)
        apis = [Api(node, faults, requests) for node in cluster.nodes.values()]
        fronts = {
            node.name: await _front(stack, one, node, port and port + node.number - 1)
            for node, one in zip(cluster.nodes.values(), apis, strict=True)
        }
        for node in cluster.nodes.values():
            node.tasks.reached = striking(faults)
        control = Control(cluster, fronts, faults, requests)
        for one in apis:
            one.outside = control.handle
        back = await _listening(stack, HttpServer(control.handle), control_port, "--control-port")
        for node in cluster.nodes.values():
            cluster.soon(node.stats.run())
            resume_service(node)
        cluster.soon(look_after(cluster))
        for call in calls:
            await _made(control, call)
        urls = {name: f"https://{HOST}:{front.port}" for name, front in fronts.items()}
        yield Running(
            cluster, urls, f"http://{HOST}:{back.port}", cluster.access.users[ROOT]["password"], _token(cluster)
        )


async def _front(stack: AsyncExitStack, calls: Api, node: Node, port: int) -> HttpServer:
    context, node.fingerprint = certificate(node.directory, node.name)
    stack.push_async_callback(calls.close)
    return await _listening(stack, HttpServer(calls.handle, context, calls.gate, node.clock), port, "--port")


async def _listening(stack: AsyncExitStack, server: HttpServer, port: int, option: str) -> HttpServer:
    try:
        await server.start(HOST, port)
    except OSError:
        raise PortInUse(f"port {port} is in use; choose another with {option}") from None
    stack.push_async_callback(server.stop)
    return server


async def _made(control: Control, call: Mapping[str, Any]) -> None:
    body = msgspec.json.encode(call.get("body", {}))
    answer = await control.handle(Request(call.get("method", "POST"), str(call.get("path")), {}, "1.1", body))
    if answer.status != 200:
        raise Die(f"{call.get('path')}: {answer.body.decode()}")


def _token(cluster: Cluster) -> str:
    name = f"{ROOT}!{TOKEN}"
    if name not in cluster.access.tokens:
        cluster.access.new_token(ROOT, TOKEN, privsep=0)
    return str(cluster.access.tokens[name]["value"])
