"""Everything a storm needs, on loopback and in a folder of its own: nothing outlives it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from bench import storm_disks
from testbed.demo.place import Place
from testbed.demo.processes import Program
from testbed.demo.settings import write_config
from testbed.postgres import Postgres, free_port

PASSWORD = "correct horse battery"
STAFF_EMAIL = "staff@example.com"
START_SECONDS = 120.0
REPOSITORY = Path(__file__).resolve().parents[1]  # its programs storm, not those of an installation
# The demo's settings, made fit for many servers that come and go quickly.
CHANGES = {
    "requests_per_minute = 600000": "requests_per_minute = 0",
    "undo_window = 30": "undo_window = 5\ndestroy_limit = 100000",
    "10.99.0.0/24": "10.99.0.0/16",
    "10.99.0.250": "10.99.40.250",
    'bridge = "vmbr0"': 'bridge = "vmbr0"\nmemory_overcommit = 100.0',
}


class Storming:
    """PostgreSQL, a Proxmox cluster, the service, the projector and the orchestrators."""

    def __init__(self, folder: Path, orchestrators: int, nodes: int, *, shared: bool = False):
        self.folder = folder
        self._nodes, self._shared = nodes, shared
        self._place = Place(folder / "storm")
        self.postgres = Postgres(folder / "pg")
        self.database_url = self.postgres.url("hostler") if (folder / "pg" / "password").exists() else ""
        self.url = f"http://127.0.0.1:{free_port()}"
        self.names = [f"orchestrator-{n}" for n in range(1, orchestrators + 1)]
        self.snippets = folder / "pve" / "content" / "shared" / "snippets" / "snippets"
        self.programs: dict[str, Program] = {}
        self.pve: dict[str, Any] = {}
        self._environment = {"PYTHONPATH": str(REPOSITORY)}

    def start(self, customers: int, *, plan: str = "") -> None:
        """Start everything; `plan` is added to the settings."""
        self._place.prepare()
        self.postgres.start()
        asyncio.run(self._create_database())
        self.database_url = self.postgres.url("hostler")
        testbed = _module("testbed", "proxmox", "--nodes", str(self._nodes), "--state", str(self.folder / "pve"))
        self.pve = json.loads(self._first_line(self._run("proxmox", testbed)))
        self.snippets.mkdir(parents=True)
        config = write_config(self._place, self.pve, self.url)
        text = config.read_text()
        for old, new in (CHANGES | asyncio.run(self._disks())).items():
            text = text.replace(old, new)
        config.write_text(text + plan)
        self._environment |= {
            "HOSTLER_DATABASE_URL": self.database_url,
            "HOSTLER_CONFIG": str(config),
            "HOSTLER_BIND": self.url.removeprefix("http://"),
            "PATH": os.pathsep.join((str(self.postgres.binaries), os.environ["PATH"])),
        }
        self.admin("migrate")
        self.admin("apply-catalogue")
        password = self.folder / "password"
        password.write_text(PASSWORD)
        self.admin("create-admin", "--email", STAFF_EMAIL, "--password-file", str(password))
        for n in range(customers):
            self.admin("create-user", "--email", email(n), "--name", f"Customer {n}", "--password-file", str(password))
        for name in ("service", "projector", *self.names):
            self._run(name, _module(name.partition("-")[0]))
        self._await_service()

    def stop(self) -> None:
        """End everything, whatever state it is in."""
        for program in self.programs.values():
            program.end(time.monotonic())
        self.postgres.stop()

    def admin(self, *arguments: str) -> None:
        """Run hostler-admin; an error ends the storm with what it said."""
        command, environment = _module("service.command.admin", *arguments), {**os.environ, **self._environment}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"hostler-admin {arguments[0]}: {done.stderr or done.stdout}")

    def control(self) -> httpx.AsyncClient:
        """The cluster's levers; a connection that is kept may be closed just as it is used again."""
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.AsyncClient(base_url=self.pve["control_url"], timeout=30, limits=limits)

    def _run(self, name: str, command: list[str]) -> Program:
        program = Program(name, command, self._place.logs, self._environment)
        self.programs[name] = program
        program.start()
        return program

    def _first_line(self, program: Program) -> str:
        deadline = time.monotonic() + START_SECONDS
        while not program.first_line():
            if not program.alive() or time.monotonic() > deadline:
                raise RuntimeError(program.fate())
            time.sleep(0.05)
        return program.first_line()

    def _await_service(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise RuntimeError(self.programs["service"].last_words())

    async def _disks(self) -> dict[str, str]:
        disks = storm_disks.shared(self.pve) if self._shared else storm_disks.apart(self.pve, self._nodes)
        return await storm_disks.snippets(self.pve, self.snippets) | await disks

    async def _create_database(self) -> None:
        connection = await asyncpg.connect(self.postgres.url("postgres"))
        await connection.execute("CREATE DATABASE hostler")
        await connection.close()


def email(n: int) -> str:
    """Where a customer gets letters."""
    return f"customer-{n}@example.com"


@asynccontextmanager
async def signed_in(place: Storming, who: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service that acts for somebody."""
    async with httpx.AsyncClient(base_url=place.url, timeout=120) as client:
        answer = await client.post("/v1/login", json={"email": who, "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"
        yield client


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


@contextmanager
def storming(
    *, orchestrators: int, nodes: int, customers: int, plan: str = "", shared: bool = False
) -> Iterator[Storming]:
    """A running installation, gone afterwards; `shared`: its nodes share the storage, and one of them has the image."""
    folder = Path(tempfile.mkdtemp(prefix="hostler-storm-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user when this runs as root
    place = Storming(folder, orchestrators, nodes, shared=shared)
    try:
        place.start(customers, plan=plan)
        yield place
    finally:
        place.stop()
        if not os.environ.get("HOSTLER_STORM_KEEP"):
            shutil.rmtree(folder, ignore_errors=True)


async def in_quiet(measure: Callable[[Storming], Coroutine[Any, Any, None]]) -> None:
    """Measure in an installation where nothing is carried out: one customer, and nobody who drives Proxmox."""

    def placed() -> None:
        with storming(orchestrators=0, nodes=1, customers=1) as place:
            asyncio.run(measure(place))

    await asyncio.to_thread(placed)
