"""A server's life against a fake cluster and a real log, with a clock that tests can move."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import pytest

from domain.record import Actor, Meta
from domain.server import decide
from domain.server import events as e
from domain.server.decide import CreateServer, EndOperation, RequestOperation
from domain.server.evolve import fold
from domain.server.operations import Who
from domain.server.state import Server
from eventstore.store import Entry, EventStore, Written
from hypervisor.fake import Crash, FakeHypervisor
from hypervisor.fake_world import FakeWorld
from orchestrator import reconcile as reconciling
from orchestrator.reconcile import reconcile
from orchestrator.work import SQL, Tools, Work
from projector.claims import Claims
from runtime.ids import new_id
from runtime.sealing import Seal
from runtime.settings import Auth, Cluster, Config, Image, Location, Policy, Pool, Snippets
from tests.given import IMAGE, LOCATION, PLAN
from tests.orchestrator.snippets import MemorySnippets

TEMPLATE = 9000
PERSONAL = ("name", "note", "ssh_keys")  # params that are people's own
META = Meta(actor=Actor(type="user", id="usr_1"), request_id="req-1")


class FragileStore(EventStore):
    """A log whose writer can die right before or right after the n-th append, or once around each kind of append."""

    appends = 0
    die_at: tuple[int, str] | None = None
    survived: set[tuple[str, ...]] | None = None

    async def write(self, entries: Any, *args: Any) -> Written:
        """Append, or die."""
        self.appends += 1
        self._perhaps_die(entries, "before")
        written = await super().write(entries, *args)
        self._perhaps_die(entries, "after")
        return written

    def _perhaps_die(self, entries: list[Entry], moment: str) -> None:
        if self.die_at == (self.appends, moment):
            raise Crash(f"{moment} append")
        kind = (moment, *(f"{type(one.event).__name__} {getattr(one.event, 'step', '')}" for one in entries))
        if self.survived is not None and kind not in self.survived:
            self.survived.add(kind)
            raise Crash(f"{moment} append")


@dataclass
class Life:
    """The orchestrator's world: one cluster, one log, a clock."""

    store: FragileStore
    world: FakeWorld
    hypervisor: FakeHypervisor
    tools: Tools
    snippets: MemorySnippets
    skew: timedelta = field(default_factory=timedelta)

    def advance(self, seconds: float) -> None:
        """Time passes, here and at Proxmox."""
        self.skew += timedelta(seconds=seconds)
        self.world.advance(int(seconds))

    async def create(
        self,
        name: str = "web-1",
        account: UUID | None = None,
        *,
        image: e.Image = IMAGE,
        location: e.Location = LOCATION,
        user_data: str | None = None,
    ) -> UUID:
        """A customer asks for a server."""
        server = new_id()
        command = CreateServer(
            operation_id=new_id(),
            account_id=account or new_id(),
            name=name,
            plan=PLAN,
            image=image,
            location=location,
            user_data=user_data is not None,
        )
        await self._append(server, 0, command.account_id, decide.create(None, command))
        await self._seal(command.operation_id, user_data=user_data)
        return server

    async def ask(
        self,
        server: UUID,
        type: str,
        *,
        by: Who = "customer",
        password: str | None = None,
        user_data: str | None = None,
        **params: Any,
    ) -> None:
        """Somebody asks for an operation; a password and user data are sealed as the service seals them."""
        state, operation = await self.state(server), new_id()
        now = await self.store.pool.fetchval(SQL.now) + self.skew
        personal = {name: params.pop(name) for name in PERSONAL if name in params}
        command = RequestOperation(
            operation_id=operation,
            type=type,
            now=now,
            by=by,
            params=params,
            personal=personal,
            user_data=user_data is not None,
        )
        await self._append(server, state.version, state.account_id, decide.request(state, command))
        await self._seal(operation, password=password, user_data=user_data)

    async def _seal(self, operation: UUID, **given: str | None) -> None:
        secrets = {name: text for name, text in given.items() if text is not None}
        if secrets:
            sealed = self.tools.seal.seal(json.dumps(secrets).encode(), operation.bytes)
            await self.store.pool.execute("INSERT INTO secret (operation_id, data) VALUES ($1, $2)", operation, sealed)

    async def end(self, server: UUID, what: Literal["retry", "cancel"], *, by: Who = "customer") -> None:
        """Somebody has the newest operation tried again, or gives it up."""
        state = await self.state(server)
        await self._append(server, state.version, state.account_id, decide.end(state, EndOperation(what=what, by=by)))

    async def _append(self, server: UUID, version: int, account: UUID, events: list[Any]) -> None:
        entries = [Entry(server, version + n, event, META, account) for n, event in enumerate(events, start=1)]
        await EventStore.write(self.store, entries, (), (), None)

    async def state(self, server: UUID) -> Server:
        """The server as its events make it."""
        state = fold(None, await self.store.read_stream(server))
        assert state is not None
        return state

    async def round(self, server: UUID) -> float | None:
        """One wake of one server."""
        return await reconcile(await Work.load(self.tools, server))

    async def settle(self, server: UUID, *, rounds: int = 60) -> Server:
        """Wakes, and the time between them, until no operation goes on."""
        for _ in range(rounds):
            wait = await self.round(server)
            state = await self.state(server)
            if state.current is None or state.current.status == "needs_attention":
                return state
            self.advance(wait or 0)
        raise AssertionError(f"still {state.status}: {state.current}")

    async def claims_agree(self, *servers: UUID) -> None:
        """What the tables promise these servers, and all in all, is what the log says."""
        claims, pool = Claims(), self.store.pool
        for server in servers:
            for record in await self.store.read_stream(server):
                claims.fold(record)
        derived = claims.tables()
        rows = await pool.fetch("SELECT server_id, cluster, node, memory_mib FROM memory_promise")
        assert {tuple(row) for row in rows} == derived["memory_promise"]
        rows = await pool.fetch("SELECT server_id, resource, amount FROM capacity_promise")
        assert {tuple(row) for row in rows} == derived["capacity_promise"]
        rows = await pool.fetch("SELECT cluster, node, promised_mib FROM node_promise WHERE promised_mib > 0")
        memory = Counter[tuple[str, str]]()
        for _, cluster, node, mib in derived["memory_promise"]:
            memory[cluster, node] += mib
        assert {(row[0], row[1]): row[2] for row in rows} == memory
        rows = await pool.fetch("SELECT resource, promised FROM capacity WHERE promised > 0")
        capacity = Counter[str]()
        for _, resource, amount in derived["capacity_promise"]:
            capacity[resource] += amount
        assert {row[0]: row[1] for row in rows} == capacity

    def ours(self) -> list[int]:
        """The VMIDs of our range that have a guest."""
        return sorted(vmid for vmid in self.world.guests if vmid >= 10_000_000)


@pytest.fixture
def life(store: EventStore, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Life:
    """A cluster with one template, one pool, and room."""
    world = FakeWorld()
    world.add_template(TEMPLATE, "debian-12")
    hypervisor = FakeHypervisor(world)
    fragile = FragileStore(store.pool, store.codec)
    snippets = MemorySnippets(world)
    tools = Tools(fragile, _config(tmp_path), {"demo": hypervisor}, Seal(bytes(32)), snippets={"demo": snippets})
    made = Life(fragile, world, hypervisor, tools, snippets)

    async def now(work: Work) -> datetime:
        moment: datetime = await work.tools.store.pool.fetchval(SQL.now)
        return moment + made.skew

    async def at_once(seconds: float) -> None:
        made.advance(seconds)

    monkeypatch.setattr(Work, "now", now)
    monkeypatch.setattr(reconciling, "pause", at_once)
    return made


def _config(folder: Any) -> Config:
    cluster = Cluster(
        name="demo",
        endpoints=["https://127.0.0.1:1"],
        token_id="root@pam!t",
        token_secret_file=folder / "token",
        storage="local",
        backup_storage="backups",
        snippets=Snippets(storage="local", folder=folder),
        templates={"debian-12": TEMPLATE},
    )
    pool = Pool.model_validate(
        {
            "name": "p",
            "location": "fra1",
            "network": "10.99.0.0/24",
            "gateway": "10.99.0.1",
            "first": "10.99.0.100",
            "last": "10.99.0.110",
        }
    )
    return Config(
        auth=Auth(signing_key_file=folder / "s", secret_key_file=folder / "k"),
        policy=Policy(undo_window=30, shutdown_timeout=30, address_quarantine=0, destroy_limit=1000),
        cluster=[cluster],
        pool=[pool],
        image=[Image(key="debian-12", name="Debian 12", template="debian-12", user="admin")],
        location=[Location(key="fra1", name="Frankfurt", cluster="demo")],
    )
