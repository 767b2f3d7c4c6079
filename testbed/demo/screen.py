"""What the person at the terminal sees: one line per step, then the logins, then how everything is doing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from testbed.demo.processes import Supervisor

LINE_SECONDS = 30.0
MEBIBYTE = 1024 * 1024


class Screen:
    """Prints to a terminal or to a file; on a terminal the status at the bottom renews itself."""

    def __init__(self, console: Console | None = None):
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._began = time.monotonic()
        self._live: Live | None = None
        self._last_line = (0.0, "")
        self._told = 0

    def step(self, text: str) -> None:
        """Say that something has been done."""
        self.console.print(f"[dim]{time.monotonic() - self._began:6.1f} s[/]  {escape(text)}")

    def quote(self, text: str) -> None:
        """Show what a program printed."""
        for line in text.rstrip().splitlines():
            self.console.print(f"          [dim]│[/] {escape(line)}")

    def ready(self, url: str, users: list[dict[str, str]], record: Path) -> None:
        """Say where to go and with which names."""
        self.console.print(f"\n  [bold]Hostler is ready:[/] [bold cyan]{url}[/]\n")
        for user in users:
            self.console.print(f"    {user['role']:<9} {escape(user['email']):<22} {escape(user['password'])}")
        self.console.print(f"\n  For programs: {escape(str(record))}. Ctrl-C ends everything and keeps the data.\n")

    def status(self, supervisor: Supervisor, counts: Mapping[str, int]) -> None:
        """Renew the status: a table on a terminal, a line when it has changed elsewhere."""
        for death in supervisor.deaths[self._told :]:
            self.step(f"{death}; started again")
        self._told = len(supervisor.deaths)
        if self.console.is_terminal:
            self._draw(supervisor, counts)
        else:
            self._line(counts)

    def close(self) -> None:
        """Leave the terminal as it is now."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _draw(self, supervisor: Supervisor, counts: Mapping[str, int]) -> None:
        if self._live is None:
            # Renewed by hand: its own thread would be one that children could take for their parent.
            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(Group(_processes(supervisor), Text(f"  servers: {_words(counts)}")), refresh=True)

    def _line(self, counts: Mapping[str, int]) -> None:
        at, said = self._last_line
        text = f"servers: {_words(counts)}"
        if text != said and (not said or time.monotonic() - at > LINE_SECONDS):
            self.step(text)
            self._last_line = (time.monotonic(), text)


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {status}" for status, number in counts.items()) or "none"


def _processes(supervisor: Supervisor) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for title in ("process", "pid", "state", "memory", "restarts"):
        table.add_column(title, justify="left" if title in ("process", "state") else "right")
    for process in supervisor.processes:
        state = Text("running", "green") if process.alive() else Text("starting again", "yellow")
        restarts = supervisor.restarts.get(process.name, 0)
        pid = str(process.pid or "")
        table.add_row(process.name, pid, state, _memory(process.pid), str(restarts) if restarts else "")
    return table


def _memory(pid: int | None) -> str:
    with suppress(OSError, IndexError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return f"{pages * 4096 // MEBIBYTE} MB"
    return ""
