"""A whole testbed in this process, reached over real ports."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from testbed.proxmox.cluster.cluster import Cluster
from testbed.proxmox.cluster.node import Node
from testbed.proxmox.running import Running, running

PATIENCE = 20.0
# Made once: the usual context reads every authority's certificate, which takes longer than most tests.
TRUSTING = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TRUSTING.check_hostname, TRUSTING.verify_mode = False, ssl.CERT_NONE
NODE = "pve1"


@dataclass
class Bed:
    """The cluster with its first node, and calls to that one as root@pam's API token unless other headers are given."""

    running: Running
    client: httpx.AsyncClient
    control: httpx.AsyncClient
    headers: dict[str, str]

    @property
    def cluster(self) -> Cluster:
        return self.running.cluster

    @property
    def node(self) -> Node:
        return self.running.node

    async def call(
        self, method: str, path: str, params: Any = None, headers: dict[str, str] | None = None, body: Any = None
    ) -> httpx.Response:
        """One call; parameters go into the query or the form, `body` goes as JSON."""
        headers = self.headers if headers is None else headers
        query = params if method in ("GET", "DELETE") else None
        form = params if method in ("POST", "PUT") else None
        return await self.client.request(
            method, f"/api2/json{path}", params=query, data=form, json=body, headers=headers
        )

    async def get(self, path: str, /, **params: Any) -> Any:
        """The data of a successful GET."""
        return (await self._good("GET", path, params))["data"]

    async def post(self, path: str, /, **params: Any) -> Any:
        """The data of a successful POST."""
        return (await self._good("POST", path, params))["data"]

    async def put(self, path: str, /, **params: Any) -> Any:
        """The data of a successful PUT."""
        return (await self._good("PUT", path, params))["data"]

    async def delete(self, path: str, /, **params: Any) -> Any:
        """The data of a successful DELETE."""
        return (await self._good("DELETE", path, params))["data"]

    async def _good(self, method: str, path: str, params: dict[str, Any]) -> dict[str, Any]:
        response = await self.call(method, path, params)
        assert response.status_code == 200, (method, path, response.status_code, response.text)
        found: dict[str, Any] = response.json()
        return found

    async def finished(self, upid: str) -> str:
        """The exit status of a task, once it has ended."""
        async with asyncio.timeout(PATIENCE):
            while True:
                status = await self.get(f"/nodes/{upid.split(':')[1]}/tasks/{upid}/status")
                if status["status"] == "stopped":
                    return str(status["exitstatus"])
                await asyncio.sleep(0.01)

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for a state."""
        async with asyncio.timeout(PATIENCE):
            while not reached():  # noqa: ASYNC110 - what is waited for has no event of its own
                await asyncio.sleep(0.01)

    def runs(self, vmid: int) -> bool:
        """Whether a VM's guest runs."""
        return self.node.running(self.node.vms.load(vmid))

    async def log(self, upid: str) -> list[str]:
        """The lines of a task's log."""
        return [line["t"] for line in await self.get(f"/nodes/{upid.split(':')[1]}/tasks/{upid}/log", limit=0)]

    async def run(self, method: str, path: str, /, **params: Any) -> str:
        """The exit status of the task that a call starts."""
        return await self.finished((await self._good(method, path, params))["data"])

    async def cloned(self, vmid: int, source: int = 9000, **params: Any) -> str:
        """The path of a fresh clone."""
        assert await self.run("POST", f"/nodes/{NODE}/qemu/{source}/clone", newid=vmid, **params) == "OK"
        return f"/nodes/{NODE}/qemu/{vmid}"

    async def login(self) -> dict[str, str]:
        """The headers of root@pam itself."""
        password = self.node.access.users["root@pam"]["password"]
        form = {"username": "root@pam", "password": password}
        data = (await self.call("POST", "/access/ticket", form, headers={})).json()["data"]
        cookie = f"PVEAuthCookie={data['ticket']}"
        return {"Cookie": cookie, "CSRFPreventionToken": data["CSRFPreventionToken"]}


@asynccontextmanager
async def bed_in(directory: Path, **options: Any) -> AsyncIterator[Bed]:
    """A testbed on the state in `directory`, with the options of `running`."""
    async with running(directory, **options) as testbed:
        testbed.node.knobs.login_delay_seconds = 0
        async with (
            httpx.AsyncClient(base_url=testbed.url, verify=TRUSTING, timeout=PATIENCE) as client,
            httpx.AsyncClient(base_url=testbed.control_url, verify=TRUSTING, timeout=PATIENCE) as control,
        ):
            token = f"PVEAPIToken=root@pam!hostler={testbed.token_secret}"
            yield Bed(testbed, client, control, {"Authorization": token})
