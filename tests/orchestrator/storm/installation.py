"""A whole installation without sockets: a log, a cluster, orchestrators that die and freeze, and people."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from uuid import UUID

import structlog

from domain.record import Actor, Meta
from domain.server import decide
from domain.server.decide import CreateServer, RequestOperation
from domain.server.operations import Who
from domain.server.state import Operation, Server
from eventstore.store import Entry, Wake
from orchestrator import fence, work
from orchestrator import observer as observing
from orchestrator import worker as working
from orchestrator.__main__ import HANDLERS
from orchestrator.observer import Observer
from orchestrator.work import Tools
from orchestrator.worker import Worker
from runtime import ids
from runtime.sealing import Seal
from runtime.settings import Auth, Cluster, Config, Location, Policy, Pool, Snippets
from tests.given import IMAGE, LOCATION, PLAN
from tests.orchestrator.storm.clock import Clock
from tests.orchestrator.storm.cluster import Network, Remote, RemoteSnippets, TimedWorld
from tests.orchestrator.storm.memory import Bell, Connection, MemoryStore, Wire
from tests.orchestrator.storm.process import RUNNING, Process
from tests.orchestrator.storm.tables import Tables

TEMPLATE = 9000
FIRST_VMID = 10_000_000
UNDO_SECONDS = 30
META = Meta(actor=Actor(type="user", id="usr_1"), request_id="req-1")
SEAL = Seal(bytes(32))


def user_data_of(operation: UUID) -> str:
    """What comes with an operation that comes with user data."""
    return f"#!/bin/sh\necho {operation.hex}\n"


class Installation:
    """`seed` decides everything that is left to chance. `shared`: all nodes have the storage, the first the image; else
    each has its own of both.
    """

    def __init__(
        self, seed: int, *, nodes: int = 1, shared: bool = False, lasting: Callable[[str], float] = lambda kind: 1.0
    ):
        self.chance = random.Random(seed)
        self.clock = Clock()
        names = tuple(f"pve{n}" for n in range(1, nodes + 1))
        self.world = TimedWorld(self.clock, names, lasting)
        templates = {name: TEMPLATE + n for n, name in enumerate(names[:1] if shared else names)}
        for name, vmid in templates.items():
            self.world.add_template(vmid, "debian-12", node=name)
        self.world.storages["local"] = replace(self.world.storages["local"], shared=shared)
        self.wire, self.network = Wire(), Network()
        self.tables = Tables(self.clock.moment, random.Random(seed + 1))
        self.store = MemoryStore(self.tables, self.wire)
        self.config = _config(TEMPLATE if shared else templates)
        self.processes: list[Process] = []
        self.remotes: list[Remote] = []
        self.crashes: list[str] = []
        self.outside = Process("people")
        self.folder_fails: Callable[[], bool] = lambda: False
        self._whether = random.Random(seed + 2)

    def run(self, story: Callable[[], Awaitable[None]]) -> None:
        """Let a story happen."""
        RUNNING.set(self.outside)
        with _own_time(self):
            try:
                self.clock.run_until_complete(story())
            finally:
                self.clock.finish()

    # Programs

    def start(self) -> Process:
        """One more orchestrator."""
        process = Process(f"orchestrator-{len(self.processes) + 1}")
        self.processes.append(process)
        remote = Remote(self.world, self.network, self.clock)
        self.remotes.append(remote)
        snippets = {"demo": RemoteSnippets(self.world, lambda: self.folder_fails())}
        tools = Tools(self.store, self.config, {"demo": remote}, SEAL, snippets=snippets)
        context = Context()
        context.run(RUNNING.set, process)
        for program in (Worker(tools, HANDLERS, "").run, Observer(tools, remote).run):
            task = self.clock.create_task(program(asyncio.Event()), context=context.copy())
            task.add_done_callback(self._ended)
        return process

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self.crashes.append(repr(task.exception()))

    def living(self) -> list[Process]:
        """The orchestrators that were not killed."""
        return [process for process in self.processes if process.alive]

    # People

    def some(self) -> bool:
        """Whether this one comes with user data: every other."""
        return self._whether.random() < 0.5

    def create(self, name: str, *, user_data: bool = False) -> UUID:
        """A customer orders a server."""
        server, account = ids.new_id(), ids.new_id()
        command = CreateServer(
            operation_id=ids.new_id(),
            account_id=account,
            name=name,
            plan=PLAN,
            image=IMAGE,
            location=LOCATION,
            user_data=user_data,
        )
        if user_data:
            self._seal(command.operation_id)
        self._append(server, 0, account, decide.create(None, command))
        return server

    def ask(
        self,
        server: UUID,
        type: str,
        params: dict[str, Any],
        personal: dict[str, Any],
        by: Who,
        *,
        user_data: bool = False,
    ) -> UUID:
        """Somebody asks for an operation. Raises what the domain refuses with."""
        state = self.tables.server(server)
        command = RequestOperation(
            operation_id=ids.new_id(),
            type=type,
            now=self.clock.moment(),
            params=params,
            personal=personal,
            by=by,
            user_data=user_data,
        )
        self._append(server, state.version, state.account_id, decide.request(state, command))
        if user_data:
            self._seal(command.operation_id)
        return command.operation_id

    def _seal(self, operation: UUID) -> None:
        sealed = SEAL.seal(json.dumps({"user_data": user_data_of(operation)}).encode(), operation.bytes)
        self.tables.table("secret")[operation] = {"data": sealed, "at": self.clock.moment()}

    def _append(self, server: UUID, version: int, account: UUID, events: list[Any]) -> None:
        entries = [Entry(server, version + n, event, META, account) for n, event in enumerate(events, start=1)]
        self.store.put(entries, [Wake(server, "server")])

    # What is there

    def servers(self) -> list[Server]:
        """Every server as its events make it."""
        return self.tables.servers()

    def busy(self) -> list[Operation]:
        """Operations that go on by themselves."""
        current = (server.current for server in self.servers())
        return [operation for operation in current if operation and operation.status != "needs_attention"]

    async def quiet(self, seconds: float) -> bool:
        """Wait until nothing goes on any more, or for so long; whether it is so."""
        end = self.clock.time() + seconds
        while self.clock.time() < end:
            if not self.busy() and not self.tables.table("outbox") and not self.world.running():
                return True
            await asyncio.sleep(1.0)
        return False

    async def ended(self, seconds: float) -> None:
        """Wait until no operation goes on."""
        end = self.clock.time() + seconds
        while self.busy():
            assert self.clock.time() < end, self.busy()
            await asyncio.sleep(0.5)

    async def observed(self) -> None:
        """Wait until the observers have looked at everything again."""
        await asyncio.sleep(3 * self.config.policy.observe_every)


@contextmanager
def _own_time(installation: Installation) -> Iterator[None]:
    """The modules that ask for the time, for chance or for a socket get this installation's."""
    clock, store, wire = installation.clock, installation.store, installation.wire
    chance = random.Random(installation.chance.random())

    async def connect(url: str, **settings: str) -> Connection:
        return Connection(installation.tables, wire)

    hours = SimpleNamespace(monotonic=clock.time, time_ns=lambda: int(clock.moment().timestamp() * 1e9))
    with (
        patch.object(working, "connect", connect),
        patch.object(working, "Doorbell", lambda url, channel: Bell(store)),
        patch.object(working, "time", hours),
        patch.object(fence, "time", hours),
        patch.object(work, "time", hours),
        patch.object(observing, "time", hours),
        patch.object(observing, "random", chance),
        patch.object(working, "POLL_SECONDS", 5.0),
        patch.object(working, "random", chance),
        patch.object(ids, "time", hours),
        patch.object(ids, "secrets", SimpleNamespace(randbits=chance.getrandbits)),
        structlog.testing.capture_logs(),
    ):
        yield


def _config(templates: int | dict[str, int]) -> Config:
    folder = Path("/nowhere")
    cluster = Cluster(
        name="demo",
        endpoints=["https://127.0.0.1:1"],
        token_id="root@pam!t",
        token_secret_file=folder / "token",
        storage="local",
        backup_storage="backups",
        snippets=Snippets(storage="local", folder=folder),
        templates={"debian-12": templates},
    )
    pool = {
        "name": "p",
        "location": "fra1",
        "network": "10.99.0.0/16",
        "gateway": "10.99.0.1",
        "first": "10.99.0.100",
        "last": "10.99.9.250",
    }
    return Config(
        auth=Auth(signing_key_file=folder / "s", secret_key_file=folder / "k"),
        policy=Policy(undo_window=UNDO_SECONDS, shutdown_timeout=30, address_timeout=60, address_quarantine=0),
        cluster=[cluster],
        pool=[Pool.model_validate(pool)],
        location=[Location(key="fra1", name="Frankfurt", cluster="demo")],
    )
