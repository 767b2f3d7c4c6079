"""Whether everything moves, what room is left, and what staff decide about operations that wait for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from domain import ids
from domain.server import events as e
from service.watch import models
from tests.given import STEPS
from tests.service.test_servers import ordered, running
from tests.service.world import Person, World

Order = Callable[..., dict[str, Any]]
HEALTH, EFFECTS, OPERATIONS = "/v1/admin/health", "/v1/admin/effects", "/v1/admin/operations"
PACE = "/v1/admin/pace"


async def health(client: httpx.AsyncClient) -> Any:
    answer = await client.get(HEALTH)
    assert answer.status_code == 200, answer.text
    models.SystemHealth.model_validate_json(answer.content)
    return answer.json()


async def pace(client: httpx.AsyncClient) -> Any:
    answer = await client.get(PACE)
    assert answer.status_code == 200, answer.text
    models.ServicePace.model_validate_json(answer.content)
    return answer.json()


async def stuck(world: World, client: httpx.AsyncClient, order: dict[str, Any], step: str) -> tuple[str, str]:
    """A server whose creation needs attention at a step; its id and that of the creation."""
    accepted = await ordered(client, order)
    server, shown = accepted["server"]["id"], accepted["operation"]["id"]
    operation = ids.parse(ids.OPERATION, shown)
    assert operation is not None
    done = STEPS["create"][: STEPS["create"].index(step)]
    raised = e.AttentionRaised(operation_id=operation, code="odd", message="It is odd.", debug="qemu says so")
    await world.append(server, *[e.StepCompleted(operation_id=operation, step=key) for key in done], raised)
    await world.project()
    return server, shown


async def listed(client: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get(OPERATIONS, params=params)
    assert answer.status_code == 200, answer.text
    models.StaffOperationPage.model_validate_json(answer.content)
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def test_health_says_how_far_the_views_are_behind(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    await world.project()
    level = await health(as_staff)
    (views,) = level["projections"]
    assert (views["name"], views["events"], views["seconds"]) == ("views", 0, 0)
    await ordered(as_ann, order())
    behind = await health(as_staff)
    (views,) = behind["projections"]
    assert views["events"] == 1
    assert views["seconds"] > 0
    assert (behind["wakes"]["waiting"], behind["wakes"]["due"], behind["wakes"]["leased"]) == (1, 1, 0)
    assert behind["wakes"]["oldest_due_seconds"] > 0
    await world.project()
    again = await health(as_staff)
    assert again["operations"] == {"queued": 1, "running": 0, "needs_attention": 0}
    assert again["events_per_minute"]["last_minute"] > 0
    assert again["log_id"] == world.deps.log_id.hex


async def test_health_names_programs_clusters_and_the_database(world: World, as_staff: httpx.AsyncClient) -> None:
    await world.store.pool.execute(
        "INSERT INTO cluster_observation (cluster, reachable, observed_at, error)"
        " VALUES ('demo', false, now(), 'refused')"
    )
    shown = await health(as_staff)
    assert [program["name"] for program in shown["programs"]] == ["hostler-service"]
    assert [(c["name"], c["reachable"], c["watched"], c["error"]) for c in shown["clusters"]] == [
        ("demo", False, False, "refused")
    ]
    assert shown["database"]["size_bytes"] > 0
    assert shown["letters"] == {"waiting": 0, "given_up": 0}


async def test_effects_are_paused_and_resumed_and_it_is_known_by_whom(
    world: World, as_staff: httpx.AsyncClient, as_ann: httpx.AsyncClient
) -> None:
    me = (await as_staff.get("/v1/users/me")).json()["id"]
    paused = await as_staff.post(EFFECTS, json={"paused": True, "reason": "storage is full"})
    models.Effects.model_validate_json(paused.content)
    assert (paused.json()["paused"], paused.json()["reason"], paused.json()["by"]) == (True, "storage is full", me)
    assert await world.store.pool.fetchval("SELECT paused FROM effects_switch")
    assert (await health(as_staff))["effects"] == (await as_staff.get(EFFECTS)).json() == paused.json()
    resumed = (await as_staff.post(EFFECTS, json={"paused": False})).json()
    assert (resumed["paused"], resumed["reason"]) == (False, None)
    assert (await as_ann.post(EFFECTS, json={"paused": True})).status_code == 403
    assert not await world.store.pool.fetchval("SELECT paused FROM effects_switch")


async def test_capacity_tells_what_is_promised_and_what_there_is(world: World, as_staff: httpx.AsyncClient) -> None:
    pool = world.store.pool
    await pool.execute("INSERT INTO node_promise VALUES ('demo', 'pve1', 65536, 1024)")
    await pool.execute(
        "INSERT INTO capacity"
        " VALUES ('cpu/demo/pve1', 32, 1), ('disk/demo/ceph', 900, 10), ('disk/demo/local/pve1', 90, 0)"
    )
    await pool.execute(
        "INSERT INTO address VALUES ('10.99.0.100', gen_random_uuid(), tstzrange(now() - interval '1 day', NULL))"
    )
    answer = await as_staff.get("/v1/admin/capacity")
    models.Capacity.model_validate_json(answer.content)
    shown = answer.json()
    assert shown["nodes"] == [
        {
            "cluster": "demo",
            "node": "pve1",
            "memory": {"most": 65536, "promised": 1024},
            "cores": {"most": 32, "promised": 1},
        }
    ]
    assert [(s["storage"], s["node"], s["disk"]["promised"]) for s in shown["storages"]] == [
        ("ceph", None, 10),
        ("local", "pve1", 0),
    ]
    assert [(p["name"], p["size"], p["taken"]) for p in shown["pools"]] == [("fra1-v4", 2, 1)]


async def test_what_began_within_each_hour_is_counted(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    await running(world, as_ann, order())
    await stuck(world, as_ann, order(name="web-2"), "guard")
    hours = (await pace(as_staff))["hours"]
    assert [hour["hour"] for hour in hours] == sorted({hour["hour"] for hour in hours})
    assert (len(hours), sum(hour["begun"] for hour in hours)) == (24, 2)
    assert [sum(hour[what] for hour in hours) for what in ("creates", "failed")] == [2, 1]


async def test_a_location_tells_for_how_many_more_servers_it_has_room_and_what_is_over_first(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    (empty, *_) = (await pace(as_staff))["locations"]
    assert (empty["servers"], empty["room"], empty["short_of"]) == (0, None, None)
    await running(world, as_ann, order())
    await world.project()
    await world.store.pool.execute("DELETE FROM node_promise")
    await world.store.pool.execute("DELETE FROM capacity")
    await world.store.pool.execute("INSERT INTO node_promise VALUES ('demo', 'pve1', 10240, 1024)")
    await world.store.pool.execute("INSERT INTO capacity VALUES ('disk/demo/ceph', 30, 10)")
    (place, *_) = (await pace(as_staff))["locations"]
    assert (place["servers"], place["grown"]) == (1, 1)
    assert (place["memory"], place["disk"]) == ({"most": 10240, "promised": 1024}, {"most": 30, "promised": 10})
    assert (place["room"], place["short_of"]) == (2, "disk")
    await world.store.pool.execute(
        "INSERT INTO address VALUES ('10.99.0.100', gen_random_uuid(), tstzrange(now() - interval '1 day', NULL)),"
        " ('10.99.0.101', gen_random_uuid(), tstzrange(now() - interval '1 day', NULL)) ON CONFLICT DO NOTHING"
    )
    (place, *_) = (await pace(as_staff))["locations"]
    assert (place["room"], place["short_of"]) == (0, "addresses")


async def test_operations_are_found_by_where_they_are_and_how_they_go(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    _, waits = await stuck(world, as_ann, order(name="web-2"), "guard")
    assert [o["id"] for o in await listed(as_staff, status="open")] == [waits]
    assert [o["id"] for o in await listed(as_staff, status="needs_attention")] == [waits]
    assert await listed(as_staff, status="failed") == []
    assert [o["server"]["id"] for o in await listed(as_staff, cluster="demo", node="pve1")] == [server]
    assert await listed(as_staff, cluster="demo", node="pve2") == []
    assert await listed(as_staff, type="rebuild") == []
    newest, oldest = await listed(as_staff)
    assert (newest["error"]["debug"], newest["actions"]) == ("qemu says so", ["retry", "skip", "abandon"])
    assert (oldest["actions"], oldest["server"]["node"], oldest["server"]["vmid"]) == ([], "pve1", 10_000_000)
    assert ann.account_id is not None
    assert oldest["server"]["account"] == ids.show(ids.ACCOUNT, ann.account_id)
    page = (await as_staff.get(OPERATIONS, params={"limit": 1})).json()
    assert [o["id"] for o in await listed(as_staff, limit=1, cursor=page["page"]["next_cursor"])] == [oldest["id"]]


@pytest.mark.parametrize(
    ("action", "status", "step"),
    [("retry", "running", "queued"), ("skip", "running", "succeeded"), ("abandon", "cancelled", "failed")],
)
async def test_staff_decide_what_becomes_of_an_operation(
    world: World,
    as_ann: httpx.AsyncClient,
    as_staff: httpx.AsyncClient,
    order: Order,
    action: str,
    status: str,
    step: str,
) -> None:
    server, operation = await stuck(world, as_ann, order(), "guard")
    answer = await as_staff.post(f"{OPERATIONS}/{operation}", json={"action": action, "reason": "Seen to"})
    assert answer.status_code == 202, answer.text
    shown = answer.json()["operation"]
    guard = next(one for one in shown["steps"] if one["key"] == "guard")
    assert (shown["status"], guard["status"]) == (status, step)
    history = (await as_staff.get(f"/v1/servers/{server}/history")).json()["data"]
    why = next(one for one in history if one["operation_id"] == operation and one["detail"] == "Seen to")
    assert why["actor"]["type"] == "staff"
    past = await as_staff.get("/v1/admin/time-machine", params={"server": server, "time": shown["created_at"]})
    assert "Seen to" in past.text
    assert "Seen to" not in (await as_ann.get(f"/v1/servers/{server}/history")).text
    assert (shown["error"] is None) is (action != "abandon")


async def test_a_step_that_others_build_on_is_not_skipped(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    _, operation = await stuck(world, as_ann, order(), "clone")
    assert (await listed(as_staff))[0]["actions"] == ["retry", "abandon"]
    refused = await as_staff.post(f"{OPERATIONS}/{operation}", json={"action": "skip"})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_allowed")


async def test_it_is_all_for_staff(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    _, operation = await stuck(world, as_ann, order(), "guard")
    for path in (HEALTH, EFFECTS, OPERATIONS, PACE, "/v1/admin/capacity"):
        assert (await as_ann.get(path)).status_code == 403
    assert (await as_ann.post(f"{OPERATIONS}/{operation}", json={"action": "skip"})).status_code == 403
