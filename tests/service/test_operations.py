"""Operations: all of one's own in a list, and answers that wait for their end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from domain import ids
from domain.server import events as e
from service.servers import models
from service.servers.waiting import preferred
from tests.service.test_actions import ask
from tests.service.test_servers import ordered, running
from tests.service.world import World

Order = Callable[..., dict[str, Any]]


async def listed(client: httpx.AsyncClient, **params: str) -> list[str]:
    answer = await client.get("/v1/operations", params=params)
    assert answer.status_code == 200, answer.text
    models.OperationPage.model_validate_json(answer.content)
    return [operation["id"] for operation in answer.json()["data"]]


async def test_all_operations_are_listed_newest_first_and_filtered(
    world: World, as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    stop = (await ask(as_ann, server, "stop")).json()["operation"]["id"]
    other = await ordered(as_ann, order(name="web-2"))
    bobs = (await ordered(as_bob, order(name="bob-1")))["operation"]["id"]
    await world.project()
    [newest, middle, oldest] = await listed(as_ann)
    assert (newest, middle) == (other["operation"]["id"], stop)
    assert await listed(as_ann, type="create") == [newest, oldest]
    assert await listed(as_ann, status="succeeded") == [oldest]
    assert await listed(as_ann, server=server) == [middle, oldest]
    assert await listed(as_ann, server=server, type="stop", status="queued") == [stop]
    assert await listed(as_bob) == [bobs]
    assert await listed(as_bob, server=server) == []
    assert await listed(as_staff) == []
    assert await listed(as_staff, scope="all") == [bobs, newest, middle, oldest]
    assert (await as_ann.get("/v1/operations", params={"scope": "all"})).status_code == 403
    assert (await as_ann.get("/v1/operations", params={"server": "x"})).status_code == 422


async def test_operations_come_in_pages(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    made = [(await ordered(as_ann, order(name=f"web-{n}")))["operation"]["id"] for n in range(5)]
    await world.project()
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await as_ann.get("/v1/operations", params=params)).json()
        seen += [operation["id"] for operation in page["data"]]
        cursor = page["page"]["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


async def newest(world: World, server: str) -> Any:
    """The operation that was asked for last, once it has been."""
    stream = ids.parse(ids.SERVER, server)
    assert stream is not None
    while True:
        event = (await world.store.read_stream(stream))[-1].event
        if isinstance(event, e.OperationRequested):
            return event.operation_id
        await asyncio.sleep(0)


async def test_who_prefers_to_wait_is_answered_at_the_operations_end(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    asked = as_ann.post(
        f"/v1/servers/{server}/actions", json={"type": "stop"}, headers={"Prefer": "respond-async, wait=30"}
    )
    waiting = asyncio.create_task(asked)
    operation = await newest(world, server)
    assert not waiting.done()
    await world.append(
        server,
        e.StepCompleted(operation_id=operation, step="stop"),
        e.PowerObserved(power="stopped"),
        e.OperationSucceeded(operation_id=operation),
    )
    answer = await asyncio.wait_for(waiting, 25)
    assert answer.status_code == 202
    models.OperationAccepted.model_validate_json(answer.content)
    assert answer.headers["preference-applied"] == "wait=30"
    assert answer.json()["operation"]["status"] == "succeeded"
    assert (await as_ann.get(answer.headers["location"])).json() == answer.json()["operation"]


async def test_who_waits_in_vain_is_answered_in_time(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    answer = await as_ann.post("/v1/servers", json=order(), headers={"Prefer": "wait=1", "Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["operation"]["status"]) == (202, "queued")
    assert answer.headers["preference-applied"] == "wait=1"
    models.ServerAccepted.model_validate_json(answer.content)
    again = await as_ann.post("/v1/servers", json=order(), headers={"Idempotency-Key": "k"})
    assert again.json() == answer.json()
    assert "preference-applied" not in again.headers


async def test_a_password_that_was_made_up_is_shown_after_the_wait_too(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    asked = as_ann.post(f"/v1/servers/{server}/actions", json={"type": "reset_password"}, headers={"Prefer": "wait=20"})
    waiting = asyncio.create_task(asked)
    operation = await newest(world, server)
    failed = e.OperationFailed(operation_id=operation, code="x", message="No.", retryable=False)
    await world.append(server, failed)
    answer = (await asyncio.wait_for(waiting, 25)).json()
    assert (answer["operation"]["status"], len(answer["password"])) == ("failed", 20)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("wait=5", 5),
        ("respond-async; wait=10", 10),
        ('wait="7"', 7),
        ("Wait=99", 30),
        ("wait=999999", 30),
        ("wait=0", 0),
        ("wait=-1", 0),
        ("wait=x", 0),
        ("await=5", 0),
        ("return=minimal", 0),
        ("", 0),
    ],
)
def test_a_preference_is_read_as_it_is_written(text: str, seconds: int) -> None:
    assert preferred(text) == seconds
