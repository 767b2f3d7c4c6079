"""Where the demo keeps what: one state directory, the same ports every time, one demo at a time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from testbed import unprivileged
from testbed.postgres import free_port

Guests = Literal["sim", "qemu"]
REPOSITORY = Path(__file__).resolve().parents[2]
UNREACHABLE_BY_OTHERS, PASSABLE = 0o700, 0o711


class DemoError(Exception):
    """The demo cannot go on; the message is one line that names the thing and the mend."""


@dataclass(frozen=True, slots=True)
class Place:
    """The state directory and the record of a running demo beside it (`var/demo` and `var/demo.json`).

    A demo with one kind of guests has a state directory of its own (`var/demo-sim`): guests cannot change their kind.
    """

    base: Path
    guests: Guests | None = None

    @property
    def root(self) -> Path:
        """The state directory."""
        return self.base if self.guests is None else self.base.with_name(f"{self.base.name}-{self.guests}")

    @property
    def record(self) -> Path:
        """What programs read about the running demo."""
        return self.base.with_name(f"{self.base.name}.json")

    @property
    def config(self) -> Path:
        """Where hostler.toml and its secrets are."""
        return self.root / "config"

    @property
    def secrets(self) -> Path:
        """Generated passwords and keys, for the owner alone."""
        return self.root / "secrets"

    @property
    def logs(self) -> Path:
        """What the programs print."""
        return self.root / "logs"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def whmcs(self) -> Path:
        return self.root / "whmcs"

    @property
    def proxmox(self) -> Path:
        return self.root / "proxmox"

    def prepare(self) -> None:
        """Make the folders. Raises DemoError."""
        try:
            for folder in (self.root, self.logs, self.config, self.secrets):
                folder.mkdir(parents=True, exist_ok=True)
            self.root.chmod(PASSABLE)  # the database servers run as another user when the demo runs as root
            for folder in (self.logs, self.config, self.secrets):
                folder.chmod(UNREACHABLE_BY_OTHERS)
        except OSError as error:
            raise DemoError(f"{self.root} cannot be the state directory: {error.strerror}") from None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the record against a second demo. Raises DemoError."""
        self.base.parent.mkdir(parents=True, exist_ok=True)
        with self.base.with_name(f".{self.base.name}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DemoError(f"a demo already runs on {self.base}: stop it first, or wait for its end") from None
            yield

    def remove(self) -> None:
        """Forget everything of earlier runs, with what the database servers keep elsewhere."""
        for data in (self.postgres, self.whmcs / "mariadb"):
            if data.parent.exists() or not unprivileged.reachable(data):
                shutil.rmtree(unprivileged.home_for(data), ignore_errors=True)
        shutil.rmtree(self.root, ignore_errors=True)
        self.record.unlink(missing_ok=True)

    def ports(self, names: tuple[str, ...]) -> dict[str, int]:
        """A port for each name: the one of the last time, unless somebody else has it now."""
        known = self.recall("ports")
        ports = {name: known[name] if is_free(known.get(name)) else free_port() for name in names}
        self.remember("ports", ports)
        return ports

    def recall(self, name: str) -> dict[str, Any]:
        """What `remember` kept under this name; nothing when it never did."""
        with contextlib.suppress(OSError, ValueError):
            content: dict[str, Any] = json.loads((self.root / f"{name}.json").read_text())
            return content
        return {}

    def remember(self, name: str, content: dict[str, Any]) -> None:
        """Keep something small for the next start."""
        write_private(self.root / f"{name}.json", json.dumps(content, indent=1) + "\n")


def is_free(port: int | None) -> bool:
    """Whether this port of loopback can be listened on."""
    return port is not None and not obstacle(port)


def obstacle(port: int) -> str:
    """What keeps anybody from listening on this port of loopback; nothing when it is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
    return ""


def write_private(path: Path, content: str) -> None:
    """Write a file that is there whole or not at all, readable by its owner alone."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(content)
    partial.replace(path)
