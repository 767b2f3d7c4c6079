"""Claiming, keeping and giving back wakes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from domain.importing.events import ImportFinished
from eventstore.codec import UnknownEvent
from eventstore.outbox import Lease
from eventstore.positions import Position
from eventstore.store import Entry, EventStore, Wake
from orchestrator import worker
from orchestrator.worker import Worker
from runtime.ids import new_id
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
