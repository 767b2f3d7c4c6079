"""Plans, images and locations by the API: staff make, change, retire them; the settings and imports keep theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from domain import ids
from domain.catalogue.events import PlanDeclared
from domain.record import Actor, Meta
from eventstore.store import Entry
from hypervisor.fake import FakeHypervisor
from hypervisor.fake_world import FakeWorld
from service.command.declare import apply_catalogue
from tests.service.world import SYSTEM, World

Order = Callable[..., dict[str, Any]]
PLANS, IMAGES, LOCATIONS = "/v1/admin/plans", "/v1/admin/images", "/v1/admin/locations"
TINY = {"key": "tiny", "name": "Tiny", "vcpus": 1, "memory_mib": 512, "disk_gib": 5, "reason": "asked for by many"}
ROCKY = {"key": "rocky", "name": "Rocky", "templates": [{"cluster": "demo", "vmid": 9100}], "default_user": "rocky"}
PARIS = {"key": "par1", "name": "Paris", "clusters": ["demo"], "pools": ["fra1-v4"]}


@pytest.fixture
async def templates(world: World) -> FakeWorld:
    """A cluster with the template that the new image names."""
    inside = FakeWorld()
    inside.add_template(9100, "rocky", "pve1")
    world.deps.clusters["demo"] = FakeHypervisor(inside)
    return inside


async def _made(client: httpx.AsyncClient, where: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(where, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _keys(client: httpx.AsyncClient, where: str) -> list[str]:
    return [item["key"] for item in (await client.get(where)).json()["data"]]


async def test_a_plan_is_made_changed_retired_and_offered_again(
    world: World, as_staff: httpx.AsyncClient, as_ann: httpx.AsyncClient, order: Order
) -> None:
    plan = await _made(as_staff, PLANS, **TINY)
    assert (plan["origin"], plan["listed"], plan["version"], plan["position"]) == ("staff", True, 1, 2)
    assert (plan["reason"], plan["updated_by"]["name"]) == ("asked for by many", "root")
    await world.project()
    server = (await as_ann.post("/v1/servers", json=order(plan="tiny"))).json()["server"]
    await world.project()
    one = f"{PLANS}/{plan['id']}"
    shown = await as_staff.get(one)
    assert shown.json()["in_use"] == {"servers": 1, "waiting": 1}
    changed = await as_staff.patch(one, json={"memory_mib": 768}, headers={"If-Match": shown.headers["etag"]})
    assert (changed.json()["memory_mib"], changed.json()["vcpus"], changed.json()["version"]) == (768, 1, 2)
    assert (await as_staff.patch(one, json={"vcpus": 2}, headers={"If-Match": '"1"'})).status_code == 412
    assert (await as_staff.post(f"{one}/retire", json={"reason": "no longer sold"})).json()["listed"] is False
    await world.project()
    assert "tiny" not in await _keys(as_ann, "/v1/plans")
    assert (await as_ann.post("/v1/servers", json=order(plan="tiny"))).json()["errors"][0]["pointer"] == "/plan"
    kept = (await as_ann.get(f"/v1/servers/{server['id']}")).json()["plan"]
    assert (kept["name"], kept["memory_mib"]) == ("Tiny", 512)
    assert (await as_staff.post(f"{one}/restore", json={})).json()["listed"] is True
    await world.project()
    assert "tiny" in await _keys(as_ann, "/v1/plans")


async def test_a_dry_run_writes_nothing_and_what_is_the_same_is_written_once(
    world: World, as_staff: httpx.AsyncClient
) -> None:
    tried = await as_staff.post(f"{PLANS}?dry_run=true", json=TINY)
    assert (tried.status_code, tried.json()["key"], tried.json()["version"]) == (200, "tiny", 1)
    plan = await _made(as_staff, PLANS, **TINY)
    one = f"{PLANS}/{plan['id']}"
    assert (await as_staff.post(f"{one}/retire?dry_run=true", json={})).json()["listed"] is False
    assert (await as_staff.patch(one, json={"name": "Tiny"})).json()["version"] == 1
    assert (await as_staff.get(one)).json()["listed"] is True
    assert (await as_staff.post(PLANS, json=TINY)).json()["code"] == "already_exists"


async def test_the_settings_govern_their_own_and_nothing_else(world: World, as_staff: httpx.AsyncClient) -> None:
    """Nor do imports lose theirs."""
    brought, importer = uuid4(), Meta(actor=Actor(type="import", id="run"))
    old = PlanDeclared(key="whmcs-1", name="Old", vcpus=1, memory_mib=512, disk_gib=5, listed=False)
    await world.store.append([Entry(brought, 1, old, importer)])
    await _made(as_staff, PLANS, **TINY)
    assert await apply_catalogue(world.store, world.deps.config, SYSTEM) == []
    small = ids.show(ids.PLAN, ids.catalogue("plan", "small"))
    for id, said in ((small, "hostler.toml"), (ids.show(ids.PLAN, brought), "import")):
        refused = await as_staff.patch(f"{PLANS}/{id}", json={"name": "Mine"})
        assert refused.status_code == 409
        assert said in refused.json()["detail"]
    await world.project()
    listed = (await as_staff.get(PLANS)).json()["data"]
    assert {item["key"]: item["origin"] for item in listed}["whmcs-1"] == "import"
    config = world.deps.config
    tiny = config.plan[0].model_copy(update={"key": "tiny"})
    mine = config.model_copy(update={"plan": [*config.plan, tiny]})
    assert await apply_catalogue(world.store, mine, SYSTEM) == ["left alone plan tiny: staff made it"]


async def test_pages_hold_every_item_once(world: World, as_staff: httpx.AsyncClient) -> None:
    for key in ("tiny", "mini"):
        await _made(as_staff, PLANS, **TINY | {"key": key})
        await world.project()
    found, cursor = [], ""
    while cursor is not None:
        page = (await as_staff.get(PLANS, params={"limit": 1} | ({"cursor": cursor} if cursor else {}))).json()
        found += [item["key"] for item in page["data"]]
        cursor = page["page"]["next_cursor"]
    assert found == ["small", "large", "tiny", "mini"]
    retired = await as_staff.get(PLANS, params={"listed": "false"})
    assert retired.json()["data"] == []


async def test_customers_see_and_change_nothing_here(as_ann: httpx.AsyncClient) -> None:
    for where, prefix, body in ((PLANS, "pln", TINY), (IMAGES, "img", ROCKY), (LOCATIONS, "loc", PARIS)):
        one = f"{where}/{ids.show(prefix, uuid4())}"
        answers = [
            await as_ann.get(where),
            await as_ann.post(where, json=body),
            await as_ann.get(one),
            await as_ann.patch(one, json={}),
            await as_ann.post(f"{one}/retire", json={}),
            await as_ann.post(f"{one}/restore", json={}),
        ]
        assert {answer.status_code for answer in answers} == {403}


async def test_an_image_with_templates_of_its_own_can_be_ordered_in_a_new_place(
    world: World, as_staff: httpx.AsyncClient, as_ann: httpx.AsyncClient, order: Order, templates: FakeWorld
) -> None:
    image = await _made(as_staff, IMAGES, **ROCKY)
    assert (image["template"], image["templates"]) == ("rocky", [{"cluster": "demo", "node": None, "vmid": 9100}])
    place = await _made(as_staff, LOCATIONS, **PARIS)
    assert (place["clusters"], place["pools"]) == (["demo"], ["fra1-v4"])
    await world.project()
    wanted = order(image="rocky", location="par1")
    fits = await as_ann.post("/v1/servers?dry_run=true", json=wanted)
    assert (fits.status_code, fits.json()["fits"]) == (200, True)
    assert (await as_ann.post("/v1/servers", json=wanted)).status_code == 202
    await world.project()
    # The order has no place yet: what it relies on stays, its name may change, and it may be retired.
    moved = {"templates": [{"cluster": "demo", "node": "pve1", "vmid": 9100}]}
    refused = await as_staff.patch(f"{IMAGES}/{image['id']}", json=moved)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_allowed")
    assert (await as_staff.patch(f"{LOCATIONS}/{place['id']}", json={"pools": []})).status_code == 409
    assert (await as_staff.patch(f"{LOCATIONS}/{place['id']}", json={"name": "Lyon"})).json()["name"] == "Lyon"
    assert (await as_staff.post(f"{LOCATIONS}/{place['id']}/retire", json={})).json()["listed"] is False


NOT_COPIED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"template": "debian-12"}, "/templates"),
    ({"templates": None}, "/templates"),
    ({"templates": None, "template": "nowhere"}, "/template"),
    ({"templates": [{"cluster": "moon", "vmid": 9100}]}, "/templates/0/cluster"),
    ({"templates": [{"cluster": "demo", "vmid": 9101}]}, "/templates/0/vmid"),
    ({"templates": [{"cluster": "demo", "vmid": 10_000_001}]}, "/templates/0/vmid"),
    ({"templates": [{"cluster": "demo", "node": "pve2", "vmid": 9100}]}, "/templates/0/node"),
    ({"templates": [{"cluster": "demo", "vmid": 9100}] * 2}, "/templates/0"),
    ({"default_user": "no user"}, "/default_user"),
)


async def test_an_image_that_cannot_be_copied_is_refused(as_staff: httpx.AsyncClient, templates: FakeWorld) -> None:
    for changes, pointer in NOT_COPIED:
        refused = await as_staff.post(IMAGES, json=ROCKY | changes)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer), changes
    assert (await as_staff.post(IMAGES, json=ROCKY | {"key": "debian-12"})).json()["code"] == "already_exists"


async def test_nobody_believes_a_cluster_that_does_not_answer(as_staff: httpx.AsyncClient) -> None:
    refused = await as_staff.post(IMAGES, json=ROCKY)
    assert (refused.status_code, refused.json()["code"]) == (503, "hypervisor_unreachable")


async def test_templates_of_the_settings_keep_their_user(as_staff: httpx.AsyncClient) -> None:
    second = {"key": "debian-small", "name": "Debian, small", "template": "debian-12"}
    refused = await as_staff.post(IMAGES, json=second | {"default_user": "else"})
    assert refused.json()["errors"][0]["pointer"] == "/default_user"
    image = await _made(as_staff, IMAGES, **second)
    assert image["templates"] == [{"cluster": "demo", "node": None, "vmid": 9000}]


NOWHERE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"clusters": ["moon"]}, "/clusters/0"),
    ({"clusters": []}, "/clusters"),
    ({"pools": ["none"]}, "/pools/0"),
)


async def test_a_location_of_what_is_not_there_is_refused(as_staff: httpx.AsyncClient) -> None:
    for changes, pointer in NOWHERE:
        refused = await as_staff.post(LOCATIONS, json=PARIS | changes)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
