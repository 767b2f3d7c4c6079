"""A creation, from the order to the running server, against the same calls made bare and one after the other.

On the demo with simulated guests, whose tasks are told to take no time: what is left is Hostler's own time, and the
little that the calls themselves take. `create` compares both; `create_own` is the difference, against what it may be.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from bench.measure import by_turns, report
from hypervisor.clusters import open_clusters
from hypervisor.errors import AgentSilent
from hypervisor.port import GuestSettings, Hypervisor, IpConfig
from runtime.settings import load
from testbed.postgres import free_port

SAMPLES, ROUNDS = 8, 3
START_SECONDS = 300.0
WAITING = {"Prefer": "wait=30"}  # who asks again and again takes the processor from what is measured
BARE_LOOK_SECONDS = 0.005
MOST_OWN_MS = 300.0
AT_ONCE = ("boot_seconds", "linked_clone_seconds", "start_seconds", "removal_seconds", "shutdown_seconds")
ORDER = {"plan": "vps-s", "image": "debian-12", "location": "fra1"}


async def main() -> None:
    """Print the figures."""
    with _demo() as (demo, path):
        figures = await _measure(await _ready(demo, path))
    report("create", figures, "the same calls, bare", "ms p50", SAMPLES)
    report("create_own", (figures[0] - figures[1], MOST_OWN_MS), "what it may be", "ms p50", SAMPLES)


async def _measure(record: dict[str, Any]) -> tuple[float, float]:
    """Milliseconds: ours, bare."""
    async with httpx.AsyncClient(base_url=record["url"], timeout=60) as client:
        await client.post(f"{record['pve']['control_url']}/knobs", json=dict.fromkeys(AT_ONCE, 0.0))
        await _sign_in(client, record)
        (hypervisor,) = open_clusters(load(Path(record["config"])).cluster).values()
        vmids = iter(range(200_000_000, 300_000_000))
        figures = await by_turns(
            lambda: _median(lambda: _ours(client)), lambda: _median(lambda: _bare(hypervisor, next(vmids))), ROUNDS
        )
        await hypervisor.close()
    return figures


async def _median(sample: Callable[[], Awaitable[float]]) -> float:
    return statistics.median([await sample() for _ in range(SAMPLES)]) * 1000


@contextmanager
def _demo() -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A demo that was started, and where it will say how to reach it; stopped afterwards."""
    with tempfile.TemporaryDirectory(prefix="hostler-bench-") as home:
        Path(home).chmod(0o755)  # PostgreSQL runs as another user when this runs as root
        command = [sys.executable, "-m", "testbed.demo", "--guests", "sim", "--port", str(free_port())]
        with Path(home, "output.txt").open("wb") as output:
            environment = {**os.environ, "HOSTLER_DEMO_STATE": str(Path(home, "demo"))}
            demo = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
        try:
            yield demo, Path(home, "demo.json")
        finally:
            demo.terminate()
            demo.wait(60)


async def _ready(demo: subprocess.Popen[bytes], path: Path) -> dict[str, Any]:
    """What demo.json says once the service can serve."""
    async with asyncio.timeout(START_SECONDS), httpx.AsyncClient() as client:
        while demo.poll() is None:
            await asyncio.sleep(0.2)
            found = _record(path)
            with contextlib.suppress(httpx.TransportError):
                if found and (await client.get(f"{found['url']}/readyz")).status_code == 200:
                    return found
    raise RuntimeError("the demo did not start")


def _record(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


async def _sign_in(client: httpx.AsyncClient, record: dict[str, Any]) -> None:
    user = next(user for user in record["users"] if user["role"] == "customer")
    answer = await client.post("/v1/login", json={"email": user["email"], "password": user["password"]})
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


async def _ours(client: httpx.AsyncClient) -> float:
    """Seconds from the order until the server runs; it is terminated afterwards, before the next one is measured."""
    began = time.perf_counter()
    answer = await client.post("/v1/servers", json={"name": "bench", **ORDER}, headers=WAITING)
    took = time.perf_counter() - began
    server = answer.raise_for_status().json()["server"]
    assert server["status"] == "running", server
    (await client.delete(f"/v1/servers/{server['id']}", headers=WAITING)).raise_for_status()
    return took


async def _bare(hypervisor: Hypervisor, vmid: int) -> float:
    """Seconds that the calls of a creation take, each as soon as the one before is done.

    They are all that anybody has to ask who makes one server and no second, never in place of another: what there is
    room for and which number is free, every change, and after each a look at what came of it, since an answer alone
    proves nothing (a clone's task can end well for another guest; a change can be answered and lost). What Hostler
    asks beyond that is its own time, as are its waits, its log and its claims.
    """
    began = time.perf_counter()
    await asyncio.gather(hypervisor.nodes(), hypervisor.guests())
    assert not await hypervisor.vmid_taken(vmid)
    await _done(hypervisor, await hypervisor.clone("pve1", 9000, vmid, name="bare", description="bench", full=False))
    digest = (await hypervisor.config("pve1", vmid)).digest
    settings = GuestSettings(cores=1, memory_mib=1024, ipconfig={"net0": IpConfig("10.99.0.9/24", "10.99.0.1")})
    await hypervisor.configure("pve1", vmid, settings, digest)
    await hypervisor.config("pve1", vmid)
    await hypervisor.set_firewall("pve1", vmid, allowed={"net0": frozenset({"10.99.0.9"})})
    await hypervisor.config("pve1", vmid)
    await hypervisor.firewall("pve1", vmid)
    await _done(hypervisor, await hypervisor.resize("pve1", vmid, "scsi0", 10))
    await hypervisor.config("pve1", vmid)
    await _done(hypervisor, await hypervisor.start("pve1", vmid))
    await hypervisor.status("pve1", vmid)
    while not await _addresses(hypervisor, vmid):  # noqa: ASYNC110
        await asyncio.sleep(BARE_LOOK_SECONDS)
    took = time.perf_counter() - began
    await _done(hypervisor, await hypervisor.stop("pve1", vmid))
    await _done(hypervisor, await hypervisor.destroy("pve1", vmid))
    return took


async def _done(hypervisor: Hypervisor, upid: str) -> None:
    while (task := await hypervisor.task(upid)).state == "running":  # noqa: ASYNC110
        await asyncio.sleep(BARE_LOOK_SECONDS)
    assert task.state == "succeeded", task.text


async def _addresses(hypervisor: Hypervisor, vmid: int) -> bool:
    try:
        return bool(await hypervisor.addresses("pve1", vmid))
    except AgentSilent:
        return False
