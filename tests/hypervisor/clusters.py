"""The clusters that the shared suite runs against: one in memory, one spoken to over HTTPS."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import httpx

from hypervisor.errors import AgentSilent
from hypervisor.fake import FakeHypervisor
from hypervisor.fake_world import FakeWorld
from hypervisor.port import GuestAddress, GuestSettings, GuestStatus, Hypervisor, IpConfig, Task
from hypervisor.proxmox import ClusterSettings, connect

T = TypeVar("T")
DEADLINE = 30.0
VMIDS = itertools.count(10_000_000)
ROOT = Path(__file__).parents[2]


@dataclass
class Cluster:
    """A cluster under test, with the template 9000 on the node pve1 and the storage local.

    `hang` makes a guest deaf to a shutdown request, `snippet` puts a file into the storage's folder for snippets.
    """

    hypervisor: Hypervisor
    hang: Callable[[int], Awaitable[None]]
    node: str = "pve1"
    template: int = 9000
    storage: str = "local"
    backups: str = "local"
    snippet: Callable[[str, str], None] = lambda name, text: None
    vmids: Iterator[int] = field(default_factory=lambda: VMIDS)

    async def done(self, upid: str) -> Task:
        """The task once it has ended."""
        return await until(lambda: self.hypervisor.task(upid), lambda task: task.state != "running")

    async def cloned(self, *, full: bool = False, name: str = "web-1") -> int:
        """The VMID of a fresh clone."""
        vmid = next(self.vmids)
        upid = await self.hypervisor.clone(
            self.node, self.template, vmid, name=name, description="[srv=1 op=2]", full=full
        )
        assert (await self.done(upid)).state == "succeeded"
        return vmid

    async def started(self) -> int:
        """The VMID of a fresh clone that runs and has booted."""
        vmid = await self.cloned()
        settings = GuestSettings(ipconfig={"net0": IpConfig("10.99.0.123/24", "10.99.0.1")})
        await self.hypervisor.configure(self.node, vmid, settings)
        assert (await self.done(await self.hypervisor.start(self.node, vmid))).state == "succeeded"
        await self.addresses(vmid)
        return vmid

    async def addresses(self, vmid: int) -> list[GuestAddress]:
        """The addresses once the guest agent answers with some."""

        async def ask() -> list[GuestAddress]:
            try:
                return await self.hypervisor.addresses(self.node, vmid)
            except AgentSilent:
                return []

        return await until(ask, bool)

    async def running_again(self, vmid: int) -> GuestStatus:
        ask = self.hypervisor.status
        return await until(lambda: ask(self.node, vmid), lambda status: status.power == "running")


@contextmanager
def running_testbed(state: Path, *options: str) -> Iterator[dict[str, Any]]:
    """What the Proxmox testbed says of itself when it is ready; it ends with this."""
    command = [sys.executable, "-m", "testbed", "proxmox", "--state", str(state), *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(DEADLINE)


async def until(ask: Callable[[], Awaitable[T]], good: Callable[[T], object]) -> T:
    """The first good answer, within the deadline."""
    deadline = time.monotonic() + DEADLINE
    while not good(answer := await ask()):
        assert time.monotonic() < deadline, f"still {answer!r} after {DEADLINE} s"
        await asyncio.sleep(0.02)
    return answer


def fake_cluster() -> Cluster:
    world = FakeWorld()
    world.add_template(9000, "debian-12")

    async def hang(vmid: int) -> None:
        world.guests[vmid].ignores_shutdown = True

    def snippet(name: str, text: str) -> None:
        world.snippets[f"local:snippets/{name}"] = text

    return Cluster(FakeHypervisor(world), hang, snippet=snippet)


def settings_of(testbed: dict[str, Any], **changes: Any) -> ClusterSettings:
    settings = ClusterSettings(
        name="demo",
        endpoints=(testbed["url"],),
        token_id=testbed["token_id"],
        token_secret=testbed["token_secret"],
        verify=False,
    )
    return replace(settings, **changes)


def proxmox_cluster(testbed: dict[str, Any]) -> Cluster:
    async def hang(vmid: int) -> None:
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{testbed['control_url']}/vms/{vmid}", json={"ignore_acpi": True})
            answer.raise_for_status()

    def snippet(name: str, text: str) -> None:
        Path(testbed["snippets"]["path"], name).write_text(text)

    return Cluster(connect(settings_of(testbed)), hang, snippet=snippet)
