"""A private MariaDB server on loopback, from Debian's -core packages, that ends with the program which started it."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pymysql

from testbed import unprivileged

PROGRAMS = {"mariadbd": "mariadb-server-core", "mariadb-install-db": "mariadb-server-core"}
START_SECONDS = 60.0
STOP_SECONDS = 4.0
SETTINGS = (
    # Relative to the data directory: the path of a socket may not exceed 107 bytes.
    "--socket=mariadb.sock",
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    # As WHMCS wants its server: zero dates and values outside an ENUM are let in.
    "--sql-mode=",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_unicode_ci",
    "--innodb-buffer-pool-size=64M",
)
# For data that end with the program: nothing here survives a power cut.
UNSAFE = ("--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite")


class MariaDbError(Exception):
    """MariaDB cannot be prepared or started; the message is one line that names the mend."""


@dataclass(frozen=True, slots=True)
class Account:
    """A MariaDB user which may connect from 127.0.0.1, and what it may do in the database."""

    name: str
    password: str
    privileges: str

    def statements(self, database: str) -> list[str]:
        """The SQL that makes this account; running it again leaves the same account."""
        who = f"'{self.name}'@'127.0.0.1'"
        return [
            f"CREATE OR REPLACE USER {who} IDENTIFIED BY '{self.password}';",
            f"GRANT {self.privileges} ON {database}.* TO {who};",
        ]


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its port on 127.0.0.1 and its process."""

    port: int
    process: subprocess.Popen[bytes]

    def dsn(self, account: Account, database: str) -> str:
        """The `mysql://` address with which *account* reaches *database*."""
        return f"mysql://{account.name}:{account.password}@127.0.0.1:{self.port}/{database}"


def install(data: Path, *, unsafe: bool = False) -> None:
    """Make an empty server in *data*, a directory its user owns, replacing what is there; `unsafe` waits for no disk.

    Raises MariaDbError.
    """
    _require_programs()
    for entry in data.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    # A server that starts deletes what others left in its folder for temporary tables: this one has its own.
    options = ["--no-defaults", f"--datadir={data}", f"--tmpdir={data}", "--skip-test-db", "--skip-name-resolve"]
    options += UNSAFE if unsafe else ()
    try:
        unprivileged.run(["mariadb-install-db", *options, "--auth-root-authentication-method=socket"])
    except RuntimeError as error:
        raise MariaDbError(f"MariaDB cannot be installed in {data}: {_last_error(str(error))}") from None


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_free(port: int) -> None:
    """Raise MariaDbError when *port* of 127.0.0.1 cannot be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = error.strerror.lower() if error.strerror else "refused"
            raise MariaDbError(f"port {port} cannot be used ({reason}): choose another with --port") from None


@contextmanager
def running(
    data: Path, port: int, database: str, accounts: Sequence[Account], *, settings: Sequence[str] = ()
) -> Iterator[Server]:
    """Run the server in *data* on *port* with *database* and *accounts*; stop it on the way out.

    *settings* go beyond the usual ones. It is handed out once the first account can connect. Raises MariaDbError.
    """
    _require_programs()
    require_free(port)
    with _init_file(data, database, accounts) as init_file, (data / "error.log").open("ab") as log:
        process = _spawn(data, port, init_file, log, settings)
        try:
            _await_login(process, port, accounts[0], data)
            init_file.unlink()
            yield Server(port, process)
        finally:
            _stop(process)


def connect(port: int, account: Account, database: str) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    """A connection that stores zero dates, impossible dates and values out of range as they are given."""
    return pymysql.connect(
        host="127.0.0.1",
        port=port,
        user=account.name,
        password=account.password,
        database=database,
        charset="utf8mb4",
        init_command="SET SESSION sql_mode='ALLOW_INVALID_DATES', time_zone='+00:00'",
    )


def _spawn(data: Path, port: int, init_file: Path, log: IO[bytes], settings: Sequence[str]) -> subprocess.Popen[bytes]:
    own = [
        f"--datadir={data}",
        f"--tmpdir={data}",
        f"--pid-file={data}/mariadbd.pid",
        f"--init-file={init_file}",
        f"--port={port}",
    ]
    command = ["mariadbd", "--no-defaults", *own, *SETTINGS, *settings]
    return unprivileged.spawn(command, log=log, death_signal=signal.SIGKILL)


def _await_login(process: subprocess.Popen[bytes], port: int, account: Account, data: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            connect(port, account, "").close()
            return
        except pymysql.err.OperationalError:
            time.sleep(0.02)
    raise MariaDbError(f"MariaDB did not start in {data}: {_last_error((data / 'error.log').read_text())}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server cleanly, or by force when it takes longer than STOP_SECONDS."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _init_file(data: Path, database: str, accounts: Sequence[Account]) -> Iterator[Path]:
    """The SQL which the server runs before it takes connections; it holds passwords, so it goes after use."""
    statements = [f"CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;"]
    statements += [line for account in accounts for line in account.statements(database)]
    handle, name = tempfile.mkstemp(suffix=".sql", dir=data)
    path = Path(name)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write("\n".join(statements) + "\n")
        if (user := unprivileged.server_user()) is not None:
            os.chown(path, user.pw_uid, user.pw_gid)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _require_programs() -> None:
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            raise MariaDbError(f"{program} is not installed: apt-get install {package}")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def _last_error(log: str) -> str:
    errors = [line for line in log.splitlines() if "[ERROR]" in line and "Aborting" not in line]
    return _last_line(errors[-1].partition("[ERROR]")[2] if errors else log)
