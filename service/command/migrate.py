"""Bring a database to the newest schema with sqitch; the password travels in the environment, never in an argument."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

REPOSITORY = Path(__file__).resolve().parents[2]


class MigrationFailed(Exception):
    """The schema was not brought up to date; the message is sqitch's reason."""


def changes() -> list[str]:
    """The changes of the schema that this version knows, in their order."""
    lines = (REPOSITORY / "sqitch.plan").read_text().splitlines()
    return [line.split()[0] for line in lines if line and not line.startswith("%")]


def deploy(url: str, *, path: str | None = None, to: str | None = None) -> list[str]:
    """Deploy every change that is missing, each verified; returns the names of the changes.

    `url` is a postgresql:// URL; `path` overrides PATH, where sqitch and psql are looked for; `to` is the last change.

    Raises:
        MigrationFailed: sqitch is missing, or a change could not be deployed.
    """
    target, password = _target(url)
    environment = {**os.environ, "SQITCH_FULLNAME": "Hostler", "SQITCH_EMAIL": "hostler@example.invalid"}
    environment |= {"PATH": path or os.environ.get("PATH", ""), "PGPASSWORD": password}
    command = shutil.which("sqitch", path=environment["PATH"])
    if command is None:
        raise MigrationFailed("sqitch is not installed: install the packages sqitch and libdbd-pg-perl")
    done = subprocess.run(
        [command, "deploy", "--verify", *(["--to-change", to] if to else []), target],
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MigrationFailed(_reason(done.stderr or done.stdout))
    return [line.split()[1] for line in done.stdout.splitlines() if line.lstrip().startswith("+")]


def _target(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    user = f"{quote(unquote(parts.username))}@" if parts.username else ""
    port = f":{parts.port}" if parts.port else ""
    query = f"?{parts.query}" if parts.query else ""
    return f"db:pg://{user}{parts.hostname or ''}{port}{parts.path}{query}", unquote(parts.password or "")


def _reason(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wrong = [line for line in lines if "ERROR" in line or "FATAL" in line or "failed" in line]
    return (wrong or lines or ["sqitch failed without a word"])[0]
