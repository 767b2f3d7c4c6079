"""Real processes that are asked to end, or frozen and woken again, with a wake in their hands."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from eventstore.store import EventStore, Wake
from tests.given import adopted, entries, imported

pytestmark = pytest.mark.pg
REPOSITORY = Path(__file__).resolve().parents[2]
DEADLINE = 30.0


class Holders:
    """Workers of the test's own, each in its process."""

    def __init__(self, store: EventStore, url: str, folder: Path):
        self.store, self._url, self._folder = store, url, folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """One more."""
        command = [sys.executable, "-m", "tests.orchestrator.holder", self._url, name]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        with (self._folder / name).open("wb") as output:
            self.running[name] = subprocess.Popen(command, stderr=output, cwd=REPOSITORY, env=environment)

    def said(self, name: str) -> str:
        """What it has logged."""
        return (self._folder / name).read_text()

    async def told(self, name: str, what: str) -> None:
        """Wait until it has told this."""
        await self.until(lambda: self._told(name, what), f"{name} {what}")

    async def _told(self, name: str, what: str) -> bool:
        statement = "SELECT count(*) FROM told WHERE name = $1 AND what = $2"
        return bool(await self.store.pool.fetchval(statement, name, what))

    async def until(self, check: Any, what: str) -> None:
        """Wait for a state."""
        deadline = time.monotonic() + DEADLINE
        while not await check():
            assert time.monotonic() < deadline, f"not in time: {what}; {[self.said(n) for n in self.running]}"
            await asyncio.sleep(0.02)

    async def go_on(self) -> None:
        """What is held may be done."""
        await self.store.pool.execute("INSERT INTO told VALUES ('test', 'go on')")

    async def actors(self) -> list[str]:
        """Who has changed the guest."""
        return [row["name"] for row in await self.store.pool.fetch("SELECT name FROM told WHERE what = 'acted'")]


@pytest.fixture
async def holders(store: EventStore, database_url: str, tmp_path: Path) -> AsyncIterator[Holders]:
    """A managed server whose wake is due."""
    server = uuid4()
    await store.append(entries(server, [imported(), adopted(vmid=105)]), [Wake(server, "server")])
    await store.pool.execute("CREATE TABLE told (name text, what text)")
    made = Holders(store, database_url, tmp_path)
    yield made
    for process in made.running.values():
        process.kill()
        process.wait()


async def test_a_worker_that_is_asked_to_end_hands_over_at_once(holders: Holders) -> None:
    """SIGTERM: it ends well within ten seconds, and nobody waits for its lease to run out."""
    holders.start("first")
    await holders.told("first", "holds")
    began = time.monotonic()
    holders.running["first"].send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(holders.running["first"].wait, 10) == 0
    assert time.monotonic() - began < 10
    row = await holders.store.pool.fetchrow("SELECT token, due <= clock_timestamp() AS due FROM outbox")
    assert row is not None
    assert (row["token"], row["due"]) == (None, True)
    holders.start("second")
    await holders.go_on()
    await holders.told("second", "acted")


async def test_a_frozen_worker_that_wakes_does_nothing_more(holders: Holders) -> None:
    """SIGSTOP: its lease runs out, another worker goes on; when it wakes it must not act."""
    holders.start("first")
    await holders.told("first", "holds")
    holders.running["first"].send_signal(signal.SIGSTOP)
    holders.start("second")
    await holders.told("second", "holds")
    await holders.go_on()
    holders.running["first"].send_signal(signal.SIGCONT)
    await holders.told("second", "acted")
    await holders.until(lambda: _said(holders, "first", "lease lost"), "the first knows that its lease is lost")
    assert await holders.actors() == ["second"]
    assert await holders.store.pool.fetchval("SELECT count(*) FROM outbox") == 0


async def _said(holders: Holders, name: str, text: str) -> bool:
    return text in holders.said(name)
