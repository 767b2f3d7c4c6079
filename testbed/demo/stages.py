"""The order in which the demo starts its parts, and the opposite one."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from testbed.demo import database
from testbed.demo.commands import run
from testbed.demo.options import Options
from testbed.demo.place import REPOSITORY, DemoError, Guests
from testbed.demo.processes import POLL_SECONDS, Database, Program, Supervisor
from testbed.demo.record import Record
from testbed.demo.screen import Screen
from testbed.demo.settings import admin_password, write_config
from testbed.postgres import Postgres
from testbed.proxmox.qemu.image import default_cache

ADMIN = "admin@example.com"
CUSTOMERS = ("alice@example.com", "bob@example.com")
ORCHESTRATORS = ("orchestrator-1", "orchestrator-2")
PROGRAMS = ("service", "projector", *ORCHESTRATORS)
PORTS = ("postgresql", "whmcs", "proxmox", "proxmox-control")
MAPPING = REPOSITORY / "testbed" / "whmcs" / "mapping.yaml"
IMPORT_DONE = (0, 2)  # 2: done, with rows in quarantine
START_SECONDS, SETTLE_SECONDS = 60.0, 30.0
# Together below the 20 s in which everything has to have ended.
PROGRAMS_SECONDS, TESTBED_SECONDS, POSTGRES_SECONDS = 5.0, 5.0, 4.0


class Demo:
    """Every part of the demo; `start()` returns when all of it runs and the sample is imported."""

    def __init__(self, options: Options, screen: Screen):
        self._options, self._place, self._screen = options, options.place, screen
        self._record = Record(self._place.record)
        self.supervisor = Supervisor(lambda: self._record.follow(self.supervisor.pids()))
        self.database_url = ""
        self._environment: dict[str, str] = {}
        self._ports: dict[str, int] = {}

    @property
    def url(self) -> str:
        """Where the dashboard is."""
        return f"http://127.0.0.1:{self._options.port}"

    def start(self) -> None:
        """Start everything in order.

        Raises:
            DemoError, PostgresError: a part did not start; the message names it.
        """
        if self._options.fresh:
            self._place.remove()
        self._place.record.unlink(missing_ok=True)
        self._place.prepare()
        self._ports = self._place.ports(PORTS)
        self._start_postgres()
        whmcs = self._start_whmcs()
        proxmox = self._start_proxmox(Path(whmcs["inventory"]))
        self._prepare_product(proxmox)
        self._start_programs()
        self._import(whmcs["readonly_dsn"])
        users = self._users(Path(whmcs["truth"]))
        self._record.publish(
            {
                "url": self.url,
                "database_url": self.database_url,
                "pve": proxmox,
                "whmcs": {"dsn": whmcs["readonly_dsn"]},
                "mapping": str(MAPPING),
                "config": self._environment["HOSTLER_CONFIG"],
                "users": users,
            }
        )
        self._screen.ready(self.url, users, self._place.record)

    def stop(self) -> None:
        """Stop the programs, then the testbeds with MariaDB, then PostgreSQL; the data stays."""
        self._record.withdraw()
        if self.supervisor.processes:
            self._screen.step("stopping")
        self.supervisor.stop(*PROGRAMS, seconds=PROGRAMS_SECONDS)
        self.supervisor.stop("proxmox", seconds=TESTBED_SECONDS)
        self.supervisor.stop("whmcs", seconds=TESTBED_SECONDS)
        self.supervisor.stop("postgresql", seconds=POSTGRES_SECONDS)
        self._screen.step("stopped")

    def _start_postgres(self) -> None:
        server = Postgres(self._place.postgres, port=self._ports["postgresql"])
        self.supervisor.add(Database(server))
        database.create(server)
        self.database_url = server.url(database.NAME)
        # sqitch needs a psql that speaks to this server.
        self._environment = {
            "HOSTLER_DATABASE_URL": self.database_url,
            "HOSTLER_CONFIG": str(self._place.config / "hostler.toml"),
            "HOSTLER_BIND": f"127.0.0.1:{self._options.port}",
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), str(server.binaries), os.environ["PATH"])),
        }
        self._screen.step(f"PostgreSQL on 127.0.0.1:{server.port}")
        said = self._run("migrate", "hostler-admin", "migrate")
        self._screen.step(_last_line(said) or "schema up to date")
        self._run("rebuild", "hostler-replay", "rebuild", "--outdated")

    def _start_whmcs(self) -> dict[str, Any]:
        arguments = ["whmcs", "--port", str(self._ports["whmcs"]), "--state", str(self._place.whmcs), "--cases", "demo"]
        ready = self._start_testbed("whmcs", arguments)
        self._screen.step(f"WHMCS testbed: MariaDB on 127.0.0.1:{self._ports['whmcs']}")
        return ready

    def _start_proxmox(self, inventory: Path) -> dict[str, Any]:
        guests = self._options.guests
        arguments = ["proxmox", "--port", str(self._ports["proxmox"]), "--state", str(self._place.proxmox)]
        arguments += ["--control-port", str(self._ports["proxmox-control"])]
        arguments += ["--guests", "sim" if guests == "sim" else "qemu"]
        arguments += ["--inventory", str(self._inventory(inventory, guests))]
        if guests != "sim":
            self._build_guest_image()
        ready = self._start_testbed("proxmox", arguments)
        self._screen.step(f"Proxmox VE testbed: {ready['url']}, new servers are {arguments[-3]} guests")
        return ready

    def _inventory(self, inventory: Path, guests: Guests | None) -> Path:
        """The imported VMs, of the kind asked for."""
        if guests is None:
            return inventory
        content = json.loads(inventory.read_text())
        for machine in content["vms"]:
            machine["guests"] = guests
        self._place.remember("inventory", content)
        return self._place.root / "inventory.json"

    def _build_guest_image(self) -> None:
        if not any(default_cache().glob("*/vmlinuz")):
            self._screen.step("building what real guests boot (once, about half a minute)")
        run([sys.executable, "-m", "testbed.proxmox.qemu"], "guest image", self.supervisor, self._environment)

    def _start_testbed(self, name: str, arguments: list[str]) -> dict[str, Any]:
        program = self._add(name, [sys.executable, "-m", "testbed", *arguments])
        self._await(program, lambda: bool(program.first_line()))
        ready: dict[str, Any] = json.loads(program.first_line())
        return ready

    def _prepare_product(self, proxmox: dict[str, Any]) -> None:
        write_config(self._place, proxmox, self.url)
        self._run("apply-catalogue", "hostler-admin", "apply-catalogue")
        if not database.login_exists(self.database_url, ADMIN):
            password = str(admin_password(self._place))
            name = ["--email", ADMIN, "--name", "Demo Admin", "--password-file", password]
            self._run("create-admin", "hostler-admin", "create-admin", *name)
        self._screen.step("catalogue and administrator")

    def _start_programs(self) -> None:
        service = self._add("service", ["hostler-service"])
        for name, command in (
            ("projector", "hostler-projector"),
            *((n, "hostler-orchestrator") for n in ORCHESTRATORS),
        ):
            self._add(name, [command])
        self._await(service, self._answers)
        self._screen.step(f"service, projector and {len(ORCHESTRATORS)} orchestrators")

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def _import(self, dsn: str) -> None:
        command = ["whmcs-import", "--source", dsn, "--mapping", str(MAPPING), "--manage"]
        self._screen.step("whmcs-import --dry-run")
        plan = self._run("import-dry-run", *command, "--dry-run", codes=IMPORT_DONE)
        self._screen.quote(_last_line(plan) if self._place.recall("imported") else plan)
        self._screen.step("whmcs-import")
        self._screen.quote(_last_line(self._run("import", *command, codes=IMPORT_DONE)))
        self._place.remember("imported", {"source": "whmcs"})
        if self._wait(SETTLE_SECONDS, lambda: database.imports_settled(self.database_url)):
            self._screen.step("imported servers are linked to their VMs")

    def _users(self, truth: Path) -> list[dict[str, str]]:
        passwords = {user["email"]: user["password"] for user in json.loads(truth.read_text())["users"]}
        admin = {"role": "admin", "email": ADMIN, "password": admin_password(self._place).read_text()}
        return [admin, *({"role": "customer", "email": mail, "password": passwords[mail]} for mail in CUSTOMERS)]

    def _add(self, name: str, command: list[str]) -> Program:
        command[0] = _installed(command[0])
        program = Program(name, command, self._place.logs, self._environment)
        self.supervisor.add(program)
        return program

    def _run(self, title: str, *command: str, codes: tuple[int, ...] = (0,)) -> str:
        whole = [_installed(command[0]), *command[1:]]
        said = run(whole, title, self.supervisor, self._environment, codes=codes)
        (self._place.logs / f"{title}.log").write_text(said)
        return said

    def _await(self, program: Program, condition: Callable[[], bool]) -> None:
        if not self._wait(START_SECONDS, condition):
            raise DemoError(f"{program.name} did not start: {program.last_words()} (log: {program.log})")

    def _wait(self, seconds: float, condition: Callable[[], bool]) -> bool:
        """Watch the programs until the condition holds; whether it came to hold in time."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.supervisor.watch()
            time.sleep(POLL_SECONDS)
        return True


def _installed(command: str) -> str:
    """The full name of a command of this installation."""
    return command if "/" in command else str(Path(sys.executable).parent / command)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
