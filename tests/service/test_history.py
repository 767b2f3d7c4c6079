"""A server's history: every event has words, and customers' words say nothing of where the guest is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from domain.server import events as e
from domain.server.events import EVENTS
from domain.server.operations import OPERATIONS, steps_of
from service.servers import history, models
from tests.service.test_servers import running
from tests.service.world import World


def test_every_event_and_every_step_has_words() -> None:
    assert set(history.WORDS) == {kind.cls for kind in EVENTS}
    assert set(history.OPERATIONS) == set(OPERATIONS)
    assert set(history.STEPS) == {step for type in OPERATIONS for step in steps_of(type, user_data=True)}


async def test_history_tells_it_in_plain_words(
    as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Callable[..., Any]
) -> None:
    accepted = (await as_ann.post("/v1/servers", json=order(), headers={"X-Request-Id": "req-1"})).json()
    path = f"/v1/servers/{accepted['server']['id']}/history"
    answer = await as_ann.get(path)
    models.HistoryPage.model_validate_json(answer.content)
    (entry,) = answer.json()["data"]
    assert entry["title"] == "Server ordered"
    assert entry["actor"] == {"type": "user", "label": "ann"}
    assert entry["request_id"] == "req-1"
    assert entry["operation_id"] == accepted["operation"]["id"]
    assert "admin" not in entry
    assert (await as_staff.get(path)).json()["data"][0]["admin"]["event"] == "ServerRequested"


async def test_customers_never_read_where_the_guest_is(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Callable[..., Any]
) -> None:
    server = await running(world, as_ann, order())
    await world.append(server, e.GuestMoved(node="pve2"))
    path = f"/v1/servers/{server}/history"
    told = await as_ann.get(path)
    for word in ("pve1", "pve2", "10000000", "9000", "vmbr0"):
        assert word not in told.text
        assert word in (await as_staff.get(path)).text
    assert (await as_staff.get(path)).json()["data"][0]["title"] == "Moved to other hardware"


async def test_history_is_paged_without_gaps(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Callable[..., Any]
) -> None:
    server = await running(world, as_ann, order())
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "4"} | ({"cursor": cursor} if cursor else {})
        page = (await as_staff.get(f"/v1/servers/{server}/history", params=params)).json()
        seen += [entry["id"] for entry in page["data"]]
        if (cursor := page["page"]["next_cursor"]) is None:
            break
    assert seen == [f"{server}:{version}" for version in range(len(seen), 0, -1)]
    assert len(seen) == len(set(seen)) > 4
