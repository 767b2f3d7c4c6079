"""How the Proxmox testbed carries ten thousand VMs on three nodes: its start, its memory, its overview, many clones."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

VMS = 10_000
NODES = 3
CLONES = 500
ASKED = 15
FIRST_CLONE = 1_000_000


async def main() -> None:
    """One line per figure, on stdout."""
    with tempfile.TemporaryDirectory(prefix="hostler-bench-") as directory:
        state, inventory = Path(directory) / "state", Path(directory) / "inventory.json"
        inventory.write_text(json.dumps({"vms": [_machine(number) for number in range(VMS)]}))
        with _testbed(state, "--inventory", str(inventory)) as (_, _, seconds):
            _line("pve_inventory_s", round(seconds, 2), vms=VMS)
        with _testbed(state) as (process, ready, seconds):
            _line("pve_start_s", round(seconds, 2), cpu=round(_processor(process.pid), 2), vms=VMS, nodes=NODES)
            _tick(ready)
            began = _processor(process.pid)
            times = _overview(ready)
            cpu = round((_processor(process.pid) - began) / ASKED * 1000)
            _line("pve_resources_ms", times, cpu=cpu, vms=VMS)
            _line("pve_memory_mb", _megabytes(process.pid), vms=VMS)
            await _clones(ready)
            _line("pve_memory_mb", _megabytes(process.pid), vms=VMS + CLONES)


def _line(bench: str, ours: object, **about: object) -> None:
    print(json.dumps({"bench": bench, "ours": ours, **about}), flush=True)


def _machine(number: int) -> dict[str, Any]:
    name, node = f"vps{number}", f"pve{number % NODES + 1}"
    address = f"10.{number // 65_536}.{number // 256 % 256}.{number % 256}/8"
    status = "running" if number % 4 else "stopped"
    sizes = {"cores": 2, "memory": 2048, "disk_gib": 20}
    return {"vmid": 10_000 + number, "name": name, "node": node, "ip": address, "status": status, **sizes}


@contextmanager
def _testbed(state: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any], float]]:
    command = [sys.executable, "-m", "testbed", "proxmox", "--nodes", str(NODES), "--state", str(state), *more]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        yield process, json.loads(line), time.perf_counter() - began
        process.terminate()


def _token(ready: dict[str, Any]) -> str:
    return f"PVEAPIToken={ready['token_id']}={ready['token_secret']}"


def _tick(ready: dict[str, Any]) -> None:
    """Have the figures of all VMs published."""
    httpx.post(f"{ready['control_url']}/tick", timeout=60).raise_for_status()


def _overview(ready: dict[str, Any]) -> dict[str, float]:
    """Milliseconds of whole answers as curl measures them, TLS included, without compression."""
    url, header = f"{ready['url']}/api2/json/cluster/resources", f"Authorization: {_token(ready)}"
    command = ["curl", "-sk", "-o", "/dev/null", "-w", "%{time_total} %{size_download}", "-H", header, url]
    answers = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(ASKED)]
    times = sorted(float(answer.split()[0]) * 1000 for answer in answers)
    size = int(answers[0].split()[1])
    return {"median": round(statistics.median(times)), "worst": round(times[-1]), "bytes": size}


def _megabytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024


def _processor(pid: int) -> float:
    """Seconds of processor time that a process has had: unlike others, a figure that a busy machine hardly changes."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _clones(ready: dict[str, Any]) -> None:
    limits = httpx.Limits(max_connections=50)
    headers = {"Authorization": _token(ready)}
    base = f"{ready['url']}/api2/json/nodes/pve1"
    async with httpx.AsyncClient(verify=False, headers=headers, timeout=300, limits=limits) as client:
        began = time.perf_counter()
        wanted = range(FIRST_CLONE, FIRST_CLONE + CLONES)
        template = f"{base}/qemu/{ready['template_vmid']}/clone"
        upids = [
            answer.json()["data"]
            for answer in await asyncio.gather(*(client.post(template, data={"newid": vmid}) for vmid in wanted))
        ]
        ends = await asyncio.gather(*(_ended(client, f"{base}/tasks/{upid}/status") for upid in upids))
        seconds = time.perf_counter() - began
    _line("pve_parallel_clones_s", round(seconds, 1), clones=CLONES, ok=ends.count("OK"), others=_others(ends))


async def _ended(client: httpx.AsyncClient, url: str) -> str:
    while True:
        status = (await client.get(url)).json()["data"]
        if status["status"] == "stopped":
            return str(status["exitstatus"])
        await asyncio.sleep(0.5)


def _others(ends: list[str]) -> dict[str, int]:
    return {text: ends.count(text) for text in set(ends) if text != "OK"}
