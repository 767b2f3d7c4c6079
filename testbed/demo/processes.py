"""The programs of the demo: each is started, watched, started again when it dies, and stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from testbed import unprivileged
from testbed.postgres import Postgres, PostgresError

POLL_SECONDS = 0.05
# A program that dies again within CALM_SECONDS waits before the next start, never as long as 2 s.
CALM_SECONDS = 5.0
PAUSES = (0.0, 0.3, 1.0, 1.5)


class Process(Protocol):
    """What the supervisor needs of a program."""

    name: str

    @property
    def pid(self) -> int | None: ...
    def alive(self) -> bool: ...
    def start(self) -> None: ...
    def interrupt(self) -> None: ...
    def end(self, deadline: float) -> None: ...
    def last_words(self) -> str: ...
    def fate(self) -> str: ...


class Program:
    """A program with a log file; it ends with this one, even if this one is killed."""

    def __init__(self, name: str, command: list[str], logs: Path, environment: dict[str, str] | None = None):
        self.name = name
        self._command, self._environment = command, environment
        self.log, self.output = logs / f"{name}.log", logs / f"{name}.out"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; what it printed on standard output before is forgotten."""
        with self.output.open("wb") as output, self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                env={**os.environ, **(self._environment or {})},
                start_new_session=True,  # Ctrl-C is for the supervisor, which ends them in order
                preexec_fn=lambda: unprivileged.die_with_parent(signal.SIGKILL),
            )

    def interrupt(self) -> None:
        """Ask it to end."""
        if self._process is not None and self.alive():
            self._process.terminate()

    def end(self, deadline: float) -> None:
        """Wait for its end until `deadline` (monotonic seconds), then kill it."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def first_line(self) -> str:
        """The first whole line of standard output since the start, or nothing yet."""
        line, newline, _ = self.output.read_text(errors="replace").partition("\n")
        return line if newline else ""

    def fate(self) -> str:
        """How it ended, in words."""
        code = self._process.returncode if self._process else 0
        if code is not None and code < 0:
            return f"{self.name} was ended by {signal.Signals(-code).name}"
        return f"{self.name} ended with {code}: {self.last_words()}"

    def last_words(self) -> str:
        """The last line it logged."""
        with contextlib.suppress(OSError):
            lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
            if lines:
                return lines[-1].strip()
        return "it said nothing"


class Database:
    """PostgreSQL as one of the programs."""

    name = "postgresql"

    def __init__(self, server: Postgres):
        self.server = server
        self._started = False

    @property
    def pid(self) -> int | None:
        return self.server.pid if self._started else None

    def alive(self) -> bool:
        """Whether the server process runs."""
        return self.server.alive()

    def start(self) -> None:
        """Start it and wait until it answers. Raises PostgresError."""
        self.server.start()
        self._started = True

    def interrupt(self) -> None:
        """Nothing: `end` does both, since nothing else is stopped beside the database."""

    def end(self, deadline: float) -> None:
        """Stop it in order; once `deadline` is near, at once (the next start recovers)."""
        self.server.stop(max(1.0, deadline - time.monotonic()))

    def fate(self) -> str:
        """How it ended, in words."""
        return f"{self.name} ended: {self.last_words()}"

    def last_words(self) -> str:
        """The last line of its log."""
        return (self.server.state / "postgres.log").read_text(errors="replace").splitlines()[-1]


class Supervisor:
    """Keeps programs running; `changed` is called whenever one has been started."""

    def __init__(self, changed: Callable[[], None]):
        self.processes: list[Process] = []
        self.restarts: dict[str, int] = {}
        self.deaths: list[str] = []
        self._changed = changed
        self._started: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._failures: dict[str, int] = {}

    def add(self, process: Process) -> None:
        """Start a program and watch it from now on."""
        process.start()
        self.processes.append(process)
        self._started[process.name] = time.monotonic()
        self._changed()

    def watch(self) -> None:
        """Start again what has died; to be called often."""
        for process in self.processes:
            if not process.alive():
                self._revive(process)

    def pids(self) -> dict[str, int]:
        """The process id of every program."""
        return {process.name: process.pid for process in self.processes if process.pid is not None}

    def stop(self, *names: str, seconds: float) -> None:
        """Stop the named programs together, `seconds` at most, and watch them no longer."""
        leaving = [process for process in self.processes if process.name in names]
        self.processes = [process for process in self.processes if process.name not in names]
        for process in leaving:
            process.interrupt()
        deadline = time.monotonic() + seconds
        for process in leaving:
            process.end(deadline)

    def _revive(self, process: Process) -> None:
        now, name = time.monotonic(), process.name
        if name not in self._due:
            calm = now - self._started[name] > CALM_SECONDS
            self._failures[name] = 0 if calm else self._failures.get(name, 0) + 1
            self._due[name] = now + PAUSES[min(self._failures[name], len(PAUSES) - 1)]
            self.deaths.append(process.fate())
        if now < self._due[name]:
            return
        del self._due[name]
        self._started[name] = now
        # A database that was killed needs a moment until its last children are gone: the next look tries again.
        with contextlib.suppress(PostgresError):
            process.start()
        self.restarts[name] = self.restarts.get(name, 0) + 1
        self._changed()
