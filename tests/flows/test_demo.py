"""The demo as a person and a program meet it: ready, mending itself, ending in order, starting again with its data."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from testbed.postgres import free_port
from tests.flows.customer import ALICE, Customer
from tests.flows.running import RunningDemo, alive, until

LOOPBACK = "0100007F"  # as /proc/net/tcp writes 127.0.0.1
PROCESSES = {"postgresql", "whmcs", "proxmox", "service", "projector", "orchestrator-1", "orchestrator-2"}


@pytest.fixture(scope="module")
def sim(home: Path) -> Iterator[RunningDemo]:
    """A demo whose guests are all simulated."""
    (home / "sim").mkdir(mode=0o755)
    running = RunningDemo(home / "sim", guests="sim")
    try:
        running.start()
        yield running
    finally:
        running.close()


def descendants(pid: int) -> set[int]:
    """Every process that stems from this one."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, waiting = set[int](), [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found.update(children)
        waiting.extend(children)
    return found


def test_its_record_tells_a_program_all_it_needs(sim: RunningDemo) -> None:
    record = sim.record()
    assert record.keys() == {"url", "database_url", "pve", "whmcs", "mapping", "config", "users", "processes"}
    promised = {"url", "node", "user", "password", "token_id", "token_secret", "template_vmid", "control_url"}
    assert record["pve"].keys() == promised | {"nodes", "snippets"}
    assert record["processes"].keys() == PROCESSES
    assert all(alive(pid) for pid in record["processes"].values())
    assert [user["role"] for user in record["users"]] == ["admin", "customer", "customer"]
    assert httpx.get(record["url"] + "/readyz").status_code == 200
    sim.run("hostler-admin", "doctor")


def test_secrets_are_for_their_owner_alone(sim: RunningDemo) -> None:
    files = [sim.record_path, *(sim.state / "secrets").iterdir(), *(sim.state / "config").iterdir()]
    assert [str(path) for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_everything_listens_on_loopback_alone(sim: RunningDemo) -> None:
    inodes = {inode for pid in descendants(sim.process.pid) for inode in sockets_of(pid)}
    addresses = [line[1].partition(":")[0] for line in listening() if line[9] in inodes]
    assert len(addresses) >= 5
    assert set(addresses) == {LOOPBACK}


def listening() -> list[list[str]]:
    """The lines of every TCP socket that listens; 1 is its address, 9 its inode."""
    tables = [Path(f"/proc/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    return [line.split() for table in tables for line in table if line.split()[3] == "0A"]


def sockets_of(pid: int) -> set[str]:
    """The inodes of a process's sockets."""
    try:
        links = [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return set()
    return {link[8:-1] for link in links if link.startswith("socket:[")}


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_a_killed_process_is_started_again(sim: RunningDemo, name: str) -> None:
    old = sim.pid(name)
    os.kill(old, signal.SIGKILL)
    until(f"{name} runs again", 10, lambda: sim.pid(name) != old and alive(sim.pid(name)))
    until("the service answers", 30, lambda: ready(sim))


def ready(demo: RunningDemo) -> bool:
    """Whether the service can serve."""
    try:
        return httpx.get(demo.record()["url"] + "/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_a_second_demo_on_the_same_data_is_refused_in_one_line(sim: RunningDemo) -> None:
    complaint = refused(sim, "--port", str(free_port()))
    assert f"a demo already runs on {sim.base}" in complaint


def test_a_port_in_use_is_said_in_one_line(sim: RunningDemo) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} is in use" in refused(sim, "--port", str(port))


def refused(demo: RunningDemo, *options: str) -> str:
    """What the demo says when it cannot start: one line."""
    environment = {**os.environ, "HOSTLER_DEMO_STATE": str(demo.base)}
    command = [sys.executable, "-m", "testbed.demo", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_it_ends_in_order_and_begins_again_with_its_data(sim: RunningDemo) -> None:
    alice = Customer(sim, ALICE)
    server, creation = alice.create("kept")
    alice.succeeded(creation)
    family = descendants(sim.process.pid)
    assert sim.stop() == 0
    assert [pid for pid in family if alive(pid)] == []
    assert not sim.record_path.exists()
    sim.start()
    assert Customer(sim, ALICE).becomes(server, "running")["name"] == "kept"


def test_nothing_outlives_a_killed_demo(sim: RunningDemo) -> None:
    family = descendants(sim.process.pid)
    assert len(family) > len(PROCESSES)
    assert sim.stop(signal.SIGKILL) == -signal.SIGKILL
    until("all its processes are gone", 20, lambda: not [pid for pid in family if alive(pid)])
