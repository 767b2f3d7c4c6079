"""What it costs to watch 100,000 servers: 20 clusters of 5,000 guests, looked at every ten seconds by one process.

The answers are those of Proxmox as text, parsed each time as the adapter does; only TLS and the network are left out.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench import crowd
from bench.measure import migrated, report, server
from domain.registry import EVENTS
from eventstore.codec import Codec
from eventstore.database import open_pool
from eventstore.store import Entry, EventStore
from hypervisor.proxmox import ProxmoxHypervisor
from hypervisor.session import parsed
from orchestrator.observer import Observer
from orchestrator.work import Tools
from projector.loop import catch_up
from runtime.sealing import Seal
from runtime.settings import Auth, Config, Policy

CLUSTERS, GUESTS, SECONDS, EVERY = 20, 5_000, 60.0, 10.0
FIRST = 10_000_000
REPOSITORY = Path(__file__).resolve().parents[1]


async def main() -> None:
    """Print what the loop takes of a core, and of memory, against what it may take."""
    with server() as postgres:
        url = await migrated(postgres, "observe")
        await _fill(url)
        command = [sys.executable, "-m", "bench.observe", url]
        process = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        assert process.returncode == 0
    measured = json.loads(out)
    report("observe_cpu", (measured["cpu"], 10.0), "the most it may take", "% of a core", CLUSTERS * GUESTS)
    report("observe_memory", (measured["rss"], 300.0), "the most it may take", "MB", CLUSTERS * GUESTS)


def _name(cluster: int) -> str:
    return f"cluster-{cluster:02}"


async def _fill(url: str) -> None:
    """Servers that were imported and adopted, as many as there are guests."""
    pool = await open_pool(url)
    store = EventStore(pool, Codec(EVENTS))
    for cluster in range(CLUSTERS):
        await crowd.append_all(store, GUESTS, partial(_server, _name(cluster)))
        await catch_up(store)
    await pool.execute("UPDATE server_view SET updated_at = updated_at - interval '1 hour'")
    await pool.execute("VACUUM ANALYZE server_view")
    await pool.close()


def _server(cluster: str, number: int) -> list[Entry]:
    return crowd.server(cluster, FIRST + number, crowd.mac(number))


class Answers:
    """A node that answers from memory; every answer is text that has to be parsed."""

    clock: tuple[int, float] | None = None

    def __init__(self, resources: str):
        self._resources = resources.encode()

    async def call(self, method: str, path: Sequence[str], params: dict[str, Any]) -> Any:
        """The data of an answer."""
        if path == ("cluster", "resources"):
            return parsed(self._resources)
        if path == ("cluster", "status"):
            return [{"type": "cluster", "quorate": 1}]
        if path[-1] == "config":
            return _config(int(path[3]))
        if path[-1] == "current":
            return {"status": "running", "qmpstatus": "running", "uptime": 1000, "pid": 1}
        return []

    def close(self) -> None:
        """Nothing was opened."""


def _config(vmid: int) -> dict[str, Any]:
    return {
        "name": f"vps{vmid}",
        "cores": 2,
        "memory": "2048",
        "digest": "0" * 40,
        "net0": f"virtio={crowd.mac(vmid - FIRST)},bridge=vmbr0",
        "scsi0": f"ceph:vm-{vmid}-disk-0,size=20G",
    }


def _row(vmid: int) -> dict[str, Any]:
    figures = {"cpu": 0.01, "maxcpu": 2, "mem": 10**9, "maxmem": 2**31, "disk": 0, "maxdisk": 20 * 2**30}
    traffic = {"netin": 10**9, "netout": 10**9, "diskread": 10**9, "diskwrite": 10**9, "uptime": 10**6}
    place = {"id": f"qemu/{vmid}", "vmid": vmid, "node": f"pve{vmid % 3 + 1}", "type": "qemu", "template": 0}
    return place | {"name": f"vps{vmid}", "status": "running"} | figures | traffic


async def _watch(url: str) -> None:
    """The process that is measured: its second minute, when everything is known."""
    pool = await open_pool(url, size=12)
    resources = json.dumps([_row(FIRST + number) for number in range(GUESTS)])
    clusters = {_name(n): ProxmoxHypervisor(_name(n), [Answers(resources)]) for n in range(CLUSTERS)}
    auth = Auth(signing_key_file=Path("s"), secret_key_file=Path("k"))
    config = Config(auth=auth, policy=Policy(observe_every=EVERY))
    tools = Tools(EventStore(pool, Codec(EVENTS)), config, clusters, Seal(bytes(32)))
    observers = [Observer(tools, cluster) for cluster in clusters.values()]
    for observer in observers:
        await observer.look()
    stop, began, used = asyncio.Event(), time.monotonic(), time.process_time()
    running = [asyncio.create_task(observer.run(stop)) for observer in observers]
    await asyncio.sleep(SECONDS)
    spent = time.process_time() - used
    cpu = 100 * spent / (time.monotonic() - began)
    stop.set()
    await asyncio.gather(*running)
    print(json.dumps({"cpu": cpu, "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
    await pool.close()


if __name__ == "__main__":
    asyncio.run(_watch(sys.argv[1]))
