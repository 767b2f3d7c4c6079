"""`var/demo.json`: what other programs read about the running demo. It is there exactly while everything runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from testbed.demo.place import write_private


class Record:
    """The file; it appears with `publish`, follows restarts, and goes with `withdraw`."""

    def __init__(self, path: Path):
        self._path = path
        self._facts: dict[str, Any] = {}
        self._processes: dict[str, int] = {}

    def publish(self, facts: dict[str, Any]) -> None:
        """Everything runs, and these are its facts."""
        self._facts = facts
        self._write()

    def follow(self, processes: dict[str, int]) -> None:
        """The programs have these process ids now."""
        self._processes = processes
        if self._facts:
            self._write()

    def withdraw(self) -> None:
        """The end has begun."""
        self._facts = {}
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        write_private(self._path, json.dumps({**self._facts, "processes": self._processes}, indent=1) + "\n")
