"""Claiming, keeping and giving back wakes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from domain.importing.events import ImportFinished
from domain.server import events as e
from eventstore.codec import UnknownEvent
from eventstore.outbox import Lease
from eventstore.positions import Position
from eventstore.store import Entry, EventStore, Wake
from orchestrator import worker
from orchestrator.__main__ import reconcile_server
from orchestrator.worker import Worker
from runtime.ids import new_id
from runtime.settings import Slots
from tests.orchestrator.conftest import META, Life

pytestmark = pytest.mark.pg
DEADLINE = 20.0


async def _wake(store: EventStore, stream: UUID, version: int = 1) -> Position:
    return await store.append([Entry(stream, version, ImportFinished(report={}), META)], [Wake(stream, "server")])


async def _until(check: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(DEADLINE):
        while not (found := await check()):  # noqa: ASYNC110 - the state is in the database
            await asyncio.sleep(0.01)
        return found


@asynccontextmanager
async def _working(life: Life, url: str, handler: Any) -> Any:
    stop = asyncio.Event()
    task = asyncio.create_task(Worker(life.tools, {"server": handler}, url).run(stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, DEADLINE)


async def test_a_wake_is_handled_and_gone(life: Life, database_url: str) -> None:
    """An append wakes the worker; a finished wake leaves no row."""
    seen: list[UUID] = []

    async def handler(tools: Any, lease: Lease) -> tuple[Position, None]:
        seen.append(lease.stream_id)
        return lease.position, None

    async with _working(life, database_url, handler):
        stream = new_id()
        await _wake(life.store, stream)
        await _until(lambda: _empty(life))
    assert seen == [stream]


async def _empty(life: Life) -> bool:
    return await life.store.pool.fetchval("SELECT count(*) = 0 FROM outbox") is True


async def test_an_append_while_the_wake_is_held_is_handled_too(life: Life, database_url: str) -> None:
    """Finishing covers only what was handled."""
    handled: list[Position] = []
    stream = new_id()

    async def handler(tools: Any, lease: Lease) -> tuple[Position, None]:
        if not handled:
            await _wake(life.store, stream, version=2)
        handled.append(lease.position)
        return lease.position, None

    async with _working(life, database_url, handler):
        await _wake(life.store, stream)
        await _until(lambda: _empty(life))
    assert len(handled) == 2
    assert handled[0] < handled[1]


async def test_a_failing_stream_is_tried_again_later_and_says_why(life: Life, database_url: str) -> None:
    """One bad stream does not stop the others."""
    good, bad = new_id(), new_id()
    seen: list[UUID] = []

    async def handler(tools: Any, lease: Lease) -> tuple[Position, None]:
        if lease.stream_id == bad:
            raise ValueError("something is odd")
        seen.append(lease.stream_id)
        return lease.position, None

    async with _working(life, database_url, handler):
        await _wake(life.store, bad)
        await _wake(life.store, good)
        row = await _until(
            lambda: life.store.pool.fetchrow("SELECT attempts, error FROM outbox WHERE error IS NOT NULL")
        )
        await _until(lambda: _only_left(life, bad))
    assert "something is odd" in row["error"]
    assert seen == [good]


async def _only_left(life: Life, stream: UUID) -> bool:
    rows = await life.store.pool.fetch("SELECT stream_id FROM outbox")
    return [row["stream_id"] for row in rows] == [stream]


async def test_a_stream_of_a_newer_version_is_parked(life: Life, database_url: str) -> None:
    """Unknown events are not guessed at: the stream waits an hour for a newer program."""

    async def handler(tools: Any, lease: Lease) -> tuple[Position, None]:
        raise UnknownEvent("event type 'server.flown' version 1 is unknown")

    async with _working(life, database_url, handler):
        await _wake(life.store, new_id())
        row = await _until(
            lambda: life.store.pool.fetchrow(
                "SELECT due > now() + interval '50 minutes' AS parked FROM outbox WHERE error IS NOT NULL"
            )
        )
    assert row["parked"]


async def test_work_whose_lease_was_taken_stops(life: Life, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The holder of an old token is told by its heartbeat and does nothing more."""
    monkeypatch.setattr(worker, "HEARTBEAT_SECONDS", 0.02)
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(tools: Any, lease: Lease) -> tuple[Position, None]:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return lease.position, None

    async with _working(life, database_url, handler):
        await _wake(life.store, new_id())
        await asyncio.wait_for(started.wait(), DEADLINE)
        await life.store.pool.execute("UPDATE outbox SET token = gen_random_uuid()")
        await asyncio.wait_for(cancelled.wait(), DEADLINE)


async def test_the_worker_goes_on_after_its_connections_are_cut(life: Life, database_url: str) -> None:
    """Every connection of the database is terminated; the next wake is handled all the same."""
    seen: list[UUID] = []

    async def handler(tools: Any, lease: Lease) -> tuple[Position, None]:
        seen.append(lease.stream_id)
        return lease.position, None

    async with _working(life, database_url, handler):
        await _wake(life.store, new_id())
        await _until(lambda: _empty(life))
        await life.store.pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await _wake(life.store, new_id())
        await _until(lambda: _seen(seen, 2))


async def _seen(seen: list[UUID], count: int) -> bool:
    return len(seen) == count


async def test_a_pause_stops_every_effect_of_all_workers(life: Life, database_url: str) -> None:
    """Ten servers are being made by three workers: each may end the one call it is about to make, then nothing leaves
    until the pause is over.
    """
    calls = life.hypervisor.calls
    life.world.task_looks = 3
    cluster = life.tools.config.cluster[0].model_copy(update={"slots": Slots(node=10, storage=10, template=10)})
    life.tools = replace(life.tools, config=life.tools.config.model_copy(update={"cluster": [cluster]}))
    servers = [await life.create(f"web-{number}") for number in range(10)]
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(_working(life, database_url, reconcile_server))
        for server in servers:
            labelled = e.LabelsChanged(labels={"wake": "up"})
            await life.store.append([Entry(server, 2, labelled, META, server)], [Wake(server, "server")])
        await _until(lambda: _made(calls, 15))
        await life.store.pool.execute("UPDATE effects_switch SET paused = true, reason = 'test'")
        made = len(calls)
        await _until(lambda: _nobody_works(life))
        assert len(calls) <= made + len(servers)
        assert not await _all_run(life, servers)
        made = len(calls)
        await life.store.pool.execute("UPDATE outbox SET due = now()")
        await _until(lambda: _nobody_works(life))
        assert len(calls) == made
        await life.store.pool.execute("UPDATE effects_switch SET paused = false")
        await life.store.pool.execute("UPDATE outbox SET due = now()")
        await _until(lambda: _all_run(life, servers))


async def _made(calls: list[Any], count: int) -> bool:
    return len(calls) >= count


async def _nobody_works(life: Life) -> bool:
    busy = "SELECT count(*) FROM outbox WHERE token IS NOT NULL OR due <= now()"
    return bool(await life.store.pool.fetchval(busy) == 0)


async def _all_run(life: Life, servers: list[UUID]) -> bool:
    return all([(await life.state(server)).status == "running" for server in servers])
