"""Drift over HTTP: staff see every difference and say what to make of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from domain import ids
from domain.cluster.events import RemovalRefused, RemovalRequested, StrayFound
from domain.server import events as e
from domain.server.evolve import fold
from domain.server.state import Server
from eventstore.store import Entry
from tests.given import created, happened
from tests.service.world import SYSTEM, World

WHERE = "/v1/admin/drift"
FOUND = [
    e.DriftFound(kind="renamed", detail="It has another name.", personal={"name": "other"}),
    e.DriftFound(kind="lock", detail="It is locked.", facts={"lock": "backup"}),
]


@pytest.fixture
async def server(world: World) -> UUID:
    """A server of which two things are not as they should be, and a stranger beside it."""
    id = await happened(world.store, [*created(), *FOUND])
    stray = StrayFound(cluster="demo", kind="stranger", vmid=10_000_009, detail="It belongs to no server.")
    await world.store.append([Entry(ids.cluster("demo"), 1, stray, SYSTEM, ids.cluster("demo"))])
    await world.project()
    return id


async def _state(world: World, server: UUID) -> Server:
    state = fold(None, await world.store.read_stream(server))
    assert state is not None
    return state


async def _listed(client: httpx.AsyncClient, **asked: Any) -> list[dict[str, Any]]:
    answer = await client.get(WHERE, params=asked)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def _settle(client: httpx.AsyncClient, id: str, action: str) -> httpx.Response:
    return await client.post(f"{WHERE}/{id}", json={"action": action})


async def test_staff_see_all_of_it_page_by_page(world: World, server: UUID, as_staff: httpx.AsyncClient) -> None:
    listed = await _listed(as_staff)
    assert {one["kind"] for one in listed} == {"renamed", "lock", "stranger"}
    assert {one["name"] for one in listed if one["server"]} == {(await _state(world, server)).name}
    paged, cursor = [], None
    for _ in range(3):
        answer = (await as_staff.get(WHERE, params={"limit": 1} | ({"cursor": cursor} if cursor else {}))).json()
        paged += answer["data"]
        cursor = answer["page"]["next_cursor"]
    assert (paged, cursor) == (listed, None)


async def test_what_was_found_is_adopted(world: World, server: UUID, as_staff: httpx.AsyncClient) -> None:
    assert (await _settle(as_staff, f"srv_{server.hex}.renamed", "adopt")).status_code == 200
    assert (await _state(world, server)).name == "other"
    assert {one["kind"] for one in await _listed(as_staff)} >= {"stranger", "lock"}


async def test_a_repair_is_an_operation(world: World, server: UUID, as_staff: httpx.AsyncClient) -> None:
    """And somebody is woken to do it."""
    answer = (await _settle(as_staff, f"srv_{server.hex}.renamed", "repair")).json()
    shown = (await as_staff.get(f"/v1/operations/{answer['operation']}")).json()
    assert (shown["type"], shown["status"]) == ("repair", "queued")
    assert await world.store.pool.fetchval("SELECT count(*) FROM outbox WHERE stream_id = $1", server) == 1
    again = await _settle(as_staff, f"srv_{server.hex}.renamed", "repair")
    assert (again.status_code, again.json()["code"]) == (409, "operation_in_progress")


async def test_what_is_ignored_is_shown_only_when_asked_for(
    world: World, server: UUID, as_staff: httpx.AsyncClient
) -> None:
    for id in (f"srv_{server.hex}.lock", f"clu_{ids.cluster('demo').hex}.stranger.10000009"):
        assert (await _settle(as_staff, id, "ignore")).status_code == 200
    await world.project()
    assert {one["kind"] for one in await _listed(as_staff)} == {"renamed"}
    assert {one["kind"] for one in await _listed(as_staff, ignored="true")} == {"renamed", "lock", "stranger"}


async def test_what_cannot_be_done_is_refused(server: UUID, as_staff: httpx.AsyncClient) -> None:
    for id in (f"srv_{server.hex}.lock", f"clu_{ids.cluster('demo').hex}.stranger.10000009"):
        assert (await _settle(as_staff, id, "repair")).status_code == 409
    for id in (f"srv_{server.hex}.moved", "nonsense", f"srv_{server.hex}.lock.7", f"clu_{server.hex}.lock.7"):
        assert (await _settle(as_staff, id, "ignore")).status_code == 404
    assert (await _settle(as_staff, f"srv_{server.hex}.lock", "forget")).status_code == 422


async def test_only_what_a_removed_server_left_can_be_removed(world: World, as_staff: httpx.AsyncClient) -> None:
    """Somebody is woken to do it, once; why it was not done is told."""
    stream, vmid = ids.cluster("demo"), 10_000_007
    found = StrayFound(cluster="demo", kind="leftover", vmid=vmid, detail="Left.", facts={"volumes": ["local:x"]})
    await world.store.append([Entry(stream, 1, found, SYSTEM, stream)])
    id = f"clu_{stream.hex}.leftover.{vmid}"
    assert [(await _settle(as_staff, id, "repair")).status_code for _ in range(2)] == [200, 200]
    records = await world.store.read_stream(stream)
    (asked,) = [record.event for record in records if isinstance(record.event, RemovalRequested)]
    assert await world.store.pool.fetchval("SELECT category FROM outbox WHERE stream_id = $1", stream) == "cluster"
    (shown,) = await _listed(as_staff)
    assert (shown["actions"], shown["facts"]["removal"]) == (["repair", "ignore"], "It is being removed.")
    refused = RemovalRefused(
        cluster="demo",
        kind="leftover",
        vmid=vmid,
        removal_id=asked.removal_id,
        code="in_use",
        detail="Another one uses it.",
    )
    await world.store.append([Entry(stream, 3, refused, SYSTEM, stream)])
    assert (await _listed(as_staff))[0]["facts"]["removal"] == "Another one uses it."


async def test_customers_neither_see_nor_settle_it(server: UUID, as_ann: httpx.AsyncClient) -> None:
    assert (await as_ann.get(WHERE)).status_code == 403
    assert (await _settle(as_ann, f"srv_{server.hex}.lock", "ignore")).status_code == 403
