"""PostgreSQL crashes and comes back while an orchestrator is at work: what was begun goes on, and happens once."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import pytest

from domain.server import decide
from domain.server.decide import CreateServer
from domain.server.evolve import fold
from domain.server.state import Server
from eventstore import outbox
from eventstore.coalescer import Coalescer
from eventstore.database import LOST, open_pool
from eventstore.store import Entry, EventStore, Wake
from hypervisor.fake import FakeHypervisor
from hypervisor.fake_world import FakeWorld
from orchestrator import worker
from orchestrator.__main__ import HANDLERS
from orchestrator.worker import Worker
from runtime.ids import new_id
from testbed.postgres import Postgres
from tests.databases import Databases
from tests.given import IMAGE, LOCATION, PLAN
from tests.orchestrator.conftest import META, Life

pytestmark = pytest.mark.pg
LEASE_SECONDS, DEADLINE = 2.0, 90.0
BEGINNINGS = {"clone", "configure", "resize", "start"}
T = TypeVar("T")


class Restarting(FakeHypervisor):
    """Its cluster is changed while PostgreSQL is away: before each change, the first time, the server crashes."""

    def __init__(self, world: FakeWorld, server: Postgres):
        super().__init__(world)
        self._server = server
        self.left = set(BEGINNINGS)
        self._coming: list[asyncio.Task[None]] = []

    async def _change(self, verb: str, node: str, vmid: int, effect: Callable[[str], T]) -> T:
        if verb in self.left:
            self.left.remove(verb)
            await asyncio.to_thread(self._server.kill)
            self._coming.append(asyncio.create_task(asyncio.to_thread(self._server.start)))
        return await super()._change(verb, node, vmid, effect)

    async def back(self) -> None:
        """PostgreSQL is there again."""
        await asyncio.gather(*self._coming)


@contextmanager
def _own_database() -> Iterator[tuple[Postgres, str]]:
    folder = Path(tempfile.mkdtemp(prefix="hostler-test-"))
    folder.chmod(0o755)  # the server runs as another user when the tests run as root
    server = Postgres(folder / "pg")  # it keeps what it acknowledged
    server.start()
    try:
        with Databases(server).lease() as url:
            yield server, url
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def own(life: Life, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Life, str, Restarting]]:
    """A life with a database server of its own."""
    monkeypatch.setattr(outbox, "LEASE_SECONDS", LEASE_SECONDS)
    monkeypatch.setattr(worker, "HEARTBEAT_SECONDS", LEASE_SECONDS / 4)
    monkeypatch.setattr(worker, "SURE_SECONDS", LEASE_SECONDS * 2 / 3)
    with _own_database() as (server, url):
        async with Coalescer(url, life.store.codec) as coalescer:
            pool = await open_pool(url, size=4)
            hypervisor = Restarting(life.world, server)
            store = EventStore(pool, life.store.codec, coalescer)
            life.tools = replace(life.tools, store=store, clusters={"demo": hypervisor})
            yield life, url, hypervisor
            pool.terminate()


async def _ordered(store: EventStore) -> UUID:
    server, account = new_id(), new_id()
    command = CreateServer(
        operation_id=new_id(), account_id=account, name="web-1", plan=PLAN, image=IMAGE, location=LOCATION
    )
    events = enumerate(decide.create(None, command), start=1)
    entries = [Entry(server, version, event, META, account) for version, event in events]
    await store.append(entries, [Wake(server, "server")])
    return server


async def _ended(store: EventStore, server: UUID) -> Server:
    async with asyncio.timeout(DEADLINE):
        while True:
            await asyncio.sleep(0.05)
            try:
                state = fold(None, await store.read_stream(server))
            except LOST:
                continue
            assert state is not None
            if state.current is None or state.current.status == "needs_attention":
                return state


async def test_a_creation_outlives_crashes_of_postgresql(own: tuple[Life, str, Restarting]) -> None:
    """Every change of the guest is made while the database is away: it is recorded afterwards, and not made twice."""
    life, url, hypervisor = own
    server = await _ordered(life.tools.store)
    working = asyncio.create_task(Worker(life.tools, HANDLERS, url).run(life.tools.stopping))
    state = await _ended(life.tools.store, server)
    life.tools.stopping.set()
    await asyncio.wait_for(working, DEADLINE)
    await hypervisor.back()
    assert (state.status, hypervisor.left, life.ours()) == ("running", set(), [10_000_000])
    made = [call.verb for call in hypervisor.calls]
    assert [made.count(verb) for verb in ("clone", "start")] == [1, 1]
