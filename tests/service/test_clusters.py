"""Maintenance: begun and ended by staff over HTTP or at the command line, one and the same, told in the log."""

from __future__ import annotations

from typing import Any

import httpx

from domain import ids
from domain.cluster.events import ClusterModeChanged, MaintenanceBegun, MaintenanceEnded
from service.staff.clusters import set_maintenance
from tests.service.test_actions import Order, ask
from tests.service.test_servers import running
from tests.service.world import SYSTEM, World

WHERE = "/v1/admin/clusters/demo/maintenance"


async def _change(client: httpx.AsyncClient, **asked: Any) -> httpx.Response:
    return await client.post(WHERE, json=asked)


async def test_staff_begin_and_end_maintenance(world: World, as_staff: httpx.AsyncClient) -> None:
    """A node and the whole cluster are apart; doing it twice is doing it once."""
    assert (await _change(as_staff, on=True, node="pve1", reason="memory")).status_code == 200
    shown = (await _change(as_staff, on=True, reason="racks")).json()
    assert shown["maintenance"] == [{"node": None, "reason": "racks"}, {"node": "pve1", "reason": "memory"}]
    await _change(as_staff, on=True, reason="racks")
    await _change(as_staff, on=False)
    listed = (await as_staff.get("/v1/admin/clusters")).json()
    assert [(c["name"], c["maintenance"]) for c in listed["data"]] == [("demo", [{"node": "pve1", "reason": "memory"}])]
    await _change(as_staff, on=False, node="pve1")
    events = [type(record.event) for record in await world.store.read_stream(ids.cluster("demo"))]
    assert events == [MaintenanceBegun, MaintenanceBegun, MaintenanceEnded, MaintenanceEnded]


async def test_a_cluster_that_is_not_there_has_no_maintenance(as_staff: httpx.AsyncClient) -> None:
    assert (await as_staff.post(WHERE.replace("demo", "moon"), json={"on": True})).status_code == 404


async def test_customers_neither_see_nor_change_it(as_ann: httpx.AsyncClient) -> None:
    assert (await as_ann.get("/v1/admin/clusters")).status_code == 403
    assert (await _change(as_ann, on=True)).status_code == 403


async def test_the_command_line_does_the_same(world: World, as_staff: httpx.AsyncClient) -> None:
    assert await set_maintenance(world.store, SYSTEM, "demo", "pve2", "disks")
    assert not await set_maintenance(world.store, SYSTEM, "demo", "pve2", "disks")
    listed = (await as_staff.get("/v1/admin/clusters")).json()
    assert listed["data"][0]["maintenance"] == [{"node": "pve2", "reason": "disks"}]


async def test_staff_switch_a_cluster_over(
    world: World, as_staff: httpx.AsyncClient, as_ann: httpx.AsyncClient, order: Order
) -> None:
    """What is asked for while it is observed is refused with a reason; switched back it goes on at once."""
    mode = "/v1/admin/clusters/demo/mode"
    server = await running(world, as_ann, order())
    shown = await as_staff.post(mode, json={"mode": "observe"})
    assert (shown.status_code, shown.json()["mode"]) == (200, "observe")
    await as_staff.post(mode, json={"mode": "observe"})
    refused = await ask(as_ann, server, "stop")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_allowed")
    assert "switched off" in refused.json()["detail"]
    closed = await as_ann.post("/v1/servers", json=order())
    assert (closed.status_code, closed.json()["errors"][0]["code"]) == (422, "not_offered")
    assert (await as_staff.post(mode, json={"mode": "manage"})).json()["mode"] == "manage"
    assert (await ask(as_ann, server, "stop")).status_code == 202
    events = [record.event for record in await world.store.read_stream(ids.cluster("demo"))]
    assert events == [ClusterModeChanged(cluster="demo", mode=mode) for mode in ("observe", "manage")]


async def test_only_staff_switch_clusters_that_are_there(
    as_staff: httpx.AsyncClient, as_ann: httpx.AsyncClient
) -> None:
    assert (await as_ann.post("/v1/admin/clusters/demo/mode", json={"mode": "observe"})).status_code == 403
    assert (await as_staff.post("/v1/admin/clusters/moon/mode", json={"mode": "observe"})).status_code == 404
    assert (await as_staff.post("/v1/admin/clusters/demo/mode", json={"mode": "off"})).status_code == 422
