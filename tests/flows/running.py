"""A demo of the tests' own, and waiting for states of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

from testbed.postgres import free_port

T = TypeVar("T")
BIN = Path(sys.executable).parent
START_SECONDS, STOP_SECONDS, POLL_SECONDS = 240.0, 20.0, 0.05


def until(what: str, seconds: float, ask: Callable[[], T | None]) -> T:
    """The first answer that is true; fails naming `what` when there is none within `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(POLL_SECONDS)
    return answer


class RunningDemo:
    """A demo in a state directory of its own, as a person starts it."""

    def __init__(self, home: Path, guests: str | None = None):
        self.base, self.record_path = home / "demo", home / "demo.json"
        self.state = home / f"demo-{guests}" if guests else self.base
        self.output = home / "output.txt"
        self.port = free_port()
        self._command = [sys.executable, "-m", "testbed.demo", "--port", str(self.port)]
        self._command += ["--guests", guests] if guests else []
        self._home = home
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with self.output.open("ab") as output:
            environment = {**os.environ, "HOSTLER_DEMO_STATE": str(self.base)}
            self.process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
            )
        until("the demo is ready", START_SECONDS, self._is_ready)

    def stop(self, number: int = signal.SIGTERM, seconds: float = STOP_SECONDS) -> int:
        """Ask it to end; its exit code, once it has ended."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def close(self) -> None:
        """See that it has ended, whatever a test did."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def record(self) -> dict[str, Any]:
        """What demo.json says now."""
        content: dict[str, Any] = json.loads(self.record_path.read_text())
        return content

    def pid(self, name: str) -> int:
        """The process that has this name now."""
        return int(self.record()["processes"][name])

    def user(self, email: str) -> dict[str, str]:
        """A login by its address."""
        return next(user for user in self.record()["users"] if user["email"] == email)

    def run(self, *command: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run one of Hostler's commands against this demo; what it printed."""
        record = self.record()
        settings = {"HOSTLER_DATABASE_URL": record["database_url"], "HOSTLER_CONFIG": record["config"]}
        done = subprocess.run(
            [BIN / command[0], *command[1:]],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode in codes, f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def import_again(self, *options: str) -> dict[str, Any]:
        """Run the import of the sample once more; its report."""
        record, path = self.record(), self._home / "report.json"
        source = ["--source", record["whmcs"]["dsn"], "--mapping", record["mapping"], "--manage"]
        self.run("whmcs-import", *source, "--report", str(path), *options, codes=(0, 2))
        report: dict[str, Any] = json.loads(path.read_text())
        return report

    def guests(self) -> dict[str, Any]:
        """What the hypervisor really has: `counts`, `orphan_volumes`, `vms`."""
        answer = httpx.get(self.record()["pve"]["control_url"] + "/vms", timeout=30)
        content: dict[str, Any] = answer.raise_for_status().json()
        return content

    def named(self, name: str) -> list[dict[str, Any]]:
        """The virtual machines that have this name on the hypervisor."""
        return [vm for vm in self.guests()["vms"] if vm["name"] == name]

    def hypervisor(self, state: str) -> None:
        """Let the hypervisor's node be `up` or `down`."""
        address = self.record()["pve"]["control_url"] + "/node"
        httpx.post(address, json={"state": state}, timeout=30).raise_for_status()

    def requests(self) -> list[dict[str, Any]]:
        """Every request that reached the hypervisor."""
        answer = httpx.get(self.record()["pve"]["control_url"] + "/requests", timeout=30)
        content: list[dict[str, Any]] = answer.raise_for_status().json()
        return content

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, f"the demo ended: {self.output.read_text()}"
        return self.record_path.exists()


def alive(pid: int) -> bool:
    """Whether a process runs (one that only waits to be collected does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state != "Z"
