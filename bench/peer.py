"""The libraries measured beside ours: each in an environment of its own, `var/bench-venv`, away from the product's."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PLACE = REPOSITORY / "var" / "bench-venv"
PACKAGES = ("procrastinate==3.10.0", "eventsourcing==9.5.6", "psycopg[binary,pool]")
IMPORTS = "import procrastinate, eventsourcing.postgres"


def missing(bench: str) -> bool:
    """Install the peers where they are not; whether that failed, which is said."""
    why = _installed()
    if why is not None:
        print(f"{bench}: left out, {' and '.join(PACKAGES[:2])} cannot be installed: {why}", file=sys.stderr)
    return why is not None


def _installed() -> str | None:
    python = PLACE / "bin" / "python"
    if python.exists() and not _quiet([python, "-c", IMPORTS]):
        return None
    failed = _quiet([sys.executable, "-m", "venv", "--clear", PLACE])
    return failed or _quiet([python, "-m", "pip", "install", "-q", *PACKAGES])


def _quiet(command: list[str | Path]) -> str | None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stderr.strip() or "failed").splitlines()[-1] if done.returncode else None


async def ask(script: str, url: str, *arguments: str) -> str:
    """What a script beside this file prints about a database."""
    process = await asyncio.create_subprocess_exec(
        PLACE / "bin" / "python",
        REPOSITORY / "bench" / script,
        *arguments,
        env=os.environ | {"PEER_DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{script} {' '.join(arguments)} ended with {process.returncode}")
    return out.decode()
