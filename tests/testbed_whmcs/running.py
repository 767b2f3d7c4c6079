"""Starting testbeds as the command does, and looking into them."""

import json
import os
import select
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymysql

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "import sys; from testbed.whmcs.program import run; sys.exit(run(sys.argv[1:]))"]


@dataclass(slots=True)
class Testbed:
    """A running testbed and what it said when it was ready."""

    __test__ = False

    process: subprocess.Popen[str]
    ready: dict[str, str]

    @property
    def server_pid(self) -> int:
        """The process id of MariaDB."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        assert len(children) == 1
        return int(children[0])

    def connect(self, which: str = "dsn") -> "pymysql.Connection[pymysql.cursors.Cursor]":
        """A connection by one of the two addresses."""
        dsn = urlsplit(self.ready[which])
        return pymysql.connect(
            host=dsn.hostname,
            port=dsn.port or 0,
            user=dsn.username,
            password=dsn.password or "",
            database=dsn.path[1:],
            autocommit=True,
        )

    def rows(self, sql: str, which: str = "readonly_dsn") -> list[tuple[Any, ...]]:
        """What a query answers."""
        connection = self.connect(which)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def stop(self, sig: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end of both processes; returns the exit status."""
        server = os.pidfd_open(self.server_pid)
        self.process.send_signal(sig)
        status = self.process.wait(10)
        poll = select.poll()
        poll.register(server, select.POLLIN)
        assert poll.poll(5000), "MariaDB outlived the testbed"
        os.close(server)
        return status


def spawn(*arguments: str) -> Testbed:
    """Start a testbed and wait until it is ready."""
    process = subprocess.Popen([*COMMAND, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"the testbed ended with {process.wait()}"
    return Testbed(process, json.loads(line))


def refused(*arguments: str) -> tuple[int, str]:
    """The exit status and the error text of a testbed that cannot run."""
    done = subprocess.run([*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr
