"""What every measurement needs: a server that keeps its promises, a migrated database, alternating rounds, a line."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from service.command.migrate import deploy
from testbed.postgres import Postgres

ROUNDS = 5
Measure = Callable[[], Awaitable[float]]


@contextmanager
def server() -> Iterator[Postgres]:
    """A PostgreSQL with fsync and synchronous commits, as in production; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="hostler-bench-"))
    folder.chmod(0o755)  # the server runs as another user when this runs as root
    started = Postgres(folder / "pg")
    started.start()
    try:
        yield started
    finally:
        started.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def created(postgres: Postgres, name: str) -> str:
    """The URL of a new database."""
    connection = await asyncpg.connect(postgres.url("postgres"))
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return postgres.url(name)


async def migrated(postgres: Postgres, name: str) -> str:
    """The URL of a new database with the newest schema."""
    await created(postgres, name)
    deploy(postgres.url(name), path=f"{postgres.binaries}:{os.environ['PATH']}")
    return postgres.url(name)


async def by_turns(ours: Measure, peer: Measure, rounds: int = ROUNDS) -> tuple[float, float]:
    """Medians of both, measured alternately so that the machine's moods meet both alike."""
    both = [(await ours(), await peer()) for _ in range(rounds)]
    return statistics.median(one for one, _ in both), statistics.median(other for _, other in both)


def report(bench: str, figures: tuple[float, float], peer_name: str, unit: str, n: int) -> None:
    """One line: `ratio` is ours divided by the peer's; `n` is how much one round measured."""
    ours, peer = figures
    line = {
        "bench": bench,
        "ours": round(ours, 3),
        "peer": round(peer, 3),
        "peer_name": peer_name,
        "ratio": round(ours / peer, 3),
        "unit": unit,
        "n": n,
    }
    print(json.dumps(line), flush=True)
