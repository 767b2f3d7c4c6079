"""Letters about servers: one for each outcome, to its owner, never twice, and none about what an import brings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain import ids
from domain.record import Actor, Meta
from domain.server import events as e
from eventstore.store import Entry
from runtime.ids import new_id
from runtime.settings import Letters
from service.background import follower
from service.follow.follower import Follower
from service.mail.notices import Notices
from tests.given import adopted, imported
from tests.service.test_servers import running
from tests.service.world import Person, World

Order = Callable[..., dict[str, Any]]
PURGE_AT = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)


async def told(world: World) -> list[str]:
    """Follow the log to its end, as three processes at once; every letter that was ever kept."""
    await world.project()
    followers = [follower(world.deps) for _ in range(3)]

    async def follow(one: Follower) -> None:
        while await one.page():
            pass

    await asyncio.gather(*(follow(one) for one in followers))
    return [row["kind"] for row in await world.store.pool.fetch("SELECT kind FROM letter ORDER BY kind")]


async def operated(world: World, server: str, type: str, *events: Any) -> None:
    """An operation that succeeds, and what it was asked with."""
    operation = new_id()
    asked = e.OperationRequested(operation_id=operation, type=type, steps=[type])
    await world.append(server, *events, asked, e.OperationSucceeded(operation_id=operation))


async def test_each_outcome_is_told_once(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order, tmp_path: Path
) -> None:
    assert await told(world) == []
    server = await running(world, as_ann, order())
    assert await told(world) == ["server_ready"]
    assert await told(world) == ["server_ready"]
    await operated(world, server, "suspend", e.HoldPlaced(reason="non_payment"))
    await operated(world, server, "suspend", e.HoldPlaced(reason="abuse"))  # nothing new for its owner
    await operated(world, server, "unsuspend", e.HoldLifted(reason="abuse"))
    await operated(world, server, "unsuspend", e.HoldLifted(reason="non_payment"))
    operation = new_id()
    asked = e.OperationRequested(operation_id=operation, type="terminate", steps=["stop"])
    scheduled = e.TerminationScheduled(operation_id=operation, purge_at=PURGE_AT, power_before=None)
    await world.append(server, asked, scheduled, e.OperationSucceeded(operation_id=operation))
    assert await told(world) == ["server_ready", "server_suspended", "server_terminated", "server_unsuspended"]
    box = tmp_path / "mail"
    world.deps.post._rung.set()
    await world.until(lambda: len(list(box.glob("*.eml"))) == 4)
    texts = " ".join(path.read_text() for path in box.glob("*.eml"))
    assert "To: ann@example.com" in texts
    assert "3 March 2026 at 14:05 UTC" in texts
    assert "https://panel.example.com/servers/srv_" in texts


async def test_staff_hear_of_what_waits_for_them(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    await follower(world.deps).begin()
    accepted = (await as_ann.post("/v1/servers", json=order())).json()
    operation = ids.parse(ids.OPERATION, accepted["operation"]["id"])
    assert operation is not None
    raised = e.AttentionRaised(operation_id=operation, code="odd", message="Something is odd.")
    await world.append(accepted["server"]["id"], raised)
    assert await told(world) == ["attention"]


async def test_an_import_writes_to_nobody(world: World, ann: Person, as_ann: httpx.AsyncClient) -> None:
    await follower(world.deps).begin()
    assert ann.account_id is not None
    was, meta = imported(account_id=ann.account_id, suspension="non_payment"), Meta(actor=Actor(type="import"))
    stream, operation = new_id(), new_id()
    asked = e.OperationRequested(operation_id=operation, type="suspend", steps=["suspend"])
    done = e.OperationSucceeded(operation_id=operation)
    entries = [Entry(stream, n, event, meta, stream) for n, event in enumerate([was, adopted(), asked, done], start=1)]
    await world.store.append(entries)
    assert await told(world) == []


async def test_a_kind_that_is_off_is_not_written_and_who_cannot_sign_in_gets_nothing(
    world: World, ann: Person, as_ann: httpx.AsyncClient, order: Order
) -> None:
    off = Follower(world.store, [Notices(world.store, world.deps.post, Letters(server_ready=False))])
    await off.begin()
    server = await running(world, as_ann, order())
    while await off.page():
        pass
    await world.store.pool.execute("DELETE FROM login_name WHERE user_id = $1", ann.id)
    await operated(world, server, "suspend", e.HoldPlaced(reason="admin"))
    assert await told(world) == []


async def test_a_process_that_dies_in_between_tells_nothing_twice(
    world: World, as_ann: httpx.AsyncClient, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    await follower(world.deps).begin()
    await running(world, as_ann, order())
    await world.project()
    keep, died = world.deps.post.keep, False

    async def dies(*args: Any) -> None:
        nonlocal died
        await keep(*args)
        if not died:
            died = True
            raise ConnectionResetError

    monkeypatch.setattr(type(world.deps.post), "keep", lambda self, *args: dies(*args))
    with pytest.raises(ConnectionResetError):
        await follower(world.deps).page()
    assert await told(world) == ["server_ready"]
