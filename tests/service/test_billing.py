"""The billing contract: what is wanted becomes so, once, when it is time, and not for very many without staff."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from domain import ids
from domain.server import events as e
from eventstore.store import Entry
from service.background import follower, working
from service.billing import models
from service.billing.desire import Ask, Desire, Done, Stuck, next_step
from service.billing.settle import settle_one
from tests.given import STEPS, adopted, imported, operated, placed, server
from tests.service.world import SYSTEM, Person, World

Order = Callable[..., dict[str, Any]]
ONE = "/v1/billing/services/blesta-17"
NEW = {"state": "active", "name": "web-1", "plan": "small", "image": "debian-12", "location": "fra1"}


async def put(client: httpx.AsyncClient, path: str = ONE, **wanted: Any) -> dict[str, Any]:
    answer = await client.put(path, json=wanted)
    assert answer.status_code in (200, 202), answer.text
    models.BillingService.model_validate_json(answer.content)
    shown: dict[str, Any] = answer.json()
    assert (answer.status_code == 202) is (shown["operation"] is not None)
    return shown


async def show(client: httpx.AsyncClient, path: str = ONE) -> dict[str, Any]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    models.BillingService.model_validate_json(answer.content)
    shown: dict[str, Any] = answer.json()
    return shown


async def due(world: World) -> None:
    """Have all processes look at once, and again until nothing is due."""
    await world.store.pool.execute("UPDATE billing_service SET due_at = now() WHERE due_at > now()")
    while any(await asyncio.gather(*(settle_one(world.deps) for _ in range(3)))):
        pass


async def done(world: World, service: dict[str, Any], *more: Any) -> None:
    """The orchestrator carries out the operation that goes on."""
    operation = ids.parse(ids.OPERATION, service["operation"]["id"])
    assert operation is not None
    await world.append(service["observed"]["server"], *more, e.OperationSucceeded(operation_id=operation))


async def made(world: World, client: httpx.AsyncClient, path: str = ONE, **wanted: Any) -> dict[str, Any]:
    """A service whose server is there."""
    service = await put(client, path, **(NEW | wanted))
    operation = ids.parse(ids.OPERATION, service["operation"]["id"])
    assert operation is not None
    steps = [e.StepCompleted(operation_id=operation, step=step) for step in STEPS["create"]]
    promised = placed(operation, addresses=[], explanation={}, promises={})
    await done(world, service, promised, *steps, e.PowerObserved(power="running"))
    await world.project()
    return await show(client, path)


async def operations(world: World, service: dict[str, Any]) -> list[str]:
    """What was ever asked of a server."""
    server = ids.parse(ids.SERVER, service["observed"]["server"])
    assert server is not None
    events = [record.event for record in await world.store.read_stream(server)]
    return [event.type for event in events if isinstance(event, e.OperationRequested)]


async def test_a_service_is_made_suspended_and_brought_back(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient
) -> None:
    service = await made(world, as_staff, owner=ann.email)
    assert (service["observed"]["state"], service["in_sync"]) == ("active", True)
    server = (await as_ann.get(f"/v1/servers/{service['observed']['server']}")).json()
    assert (server["name"], server["external_id"]) == ("web-1", "blesta-17")
    again = await put(as_staff, **NEW, owner=ann.email)
    assert (again["operation"], again["in_sync"], await operations(world, again)) == (None, True, [])

    suspended = await put(as_staff, state="suspended")
    assert suspended["operation"]["type"] == "suspend"
    await put(as_staff, state="suspended")
    await due(world)
    assert await operations(world, suspended) == ["suspend"]
    assert not (await show(as_staff))["in_sync"]
    await done(world, suspended, e.PowerObserved(power="stopped"))
    shown = await show(as_staff)
    assert (shown["observed"]["state"], shown["observed"]["suspended_for"]) == ("suspended", ["non_payment"])
    assert shown["in_sync"]

    back = await put(as_staff, state="active", plan="large")
    assert back["operation"]["type"] == "unsuspend"
    await done(world, back, e.PowerObserved(power="running"))
    await due(world)
    resize = await show(as_staff)
    assert resize["operation"]["type"] == "resize"
    assert (resize["operation"]["requested_by"]["type"], resize["in_sync"]) == ("user", False)


async def test_a_termination_is_billings_to_undo_and_the_owners_is_not(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient
) -> None:
    service = await made(world, as_staff, owner=ids.show(ids.USER, ann.id))
    ended = await put(as_staff, state="terminated")
    assert ended["operation"]["type"] == "terminate"
    purge_at = datetime.now(UTC) + timedelta(hours=1)
    operation = ids.parse(ids.OPERATION, ended["operation"]["id"])
    assert operation is not None
    scheduled = e.TerminationScheduled(operation_id=operation, purge_at=purge_at, power_before="running")
    await done(world, ended, scheduled)
    assert ((await show(as_staff))["observed"]["state"], (await show(as_staff))["in_sync"]) == ("terminated", True)
    back = await put(as_staff, state="active")
    assert back["operation"]["type"] == "restore"
    restored = ids.parse(ids.OPERATION, back["operation"]["id"])
    assert restored is not None
    await done(world, back, e.TerminationUndone(operation_id=restored), e.PowerObserved(power="running"))
    assert (await put(as_staff, state="active"))["in_sync"]

    owners = (await as_ann.delete(f"/v1/servers/{service['observed']['server']}")).json()["operation"]["id"]
    operation = ids.parse(ids.OPERATION, owners)
    assert operation is not None
    scheduled = e.TerminationScheduled(operation_id=operation, purge_at=purge_at, power_before="running")
    await world.append(service["observed"]["server"], scheduled, e.OperationSucceeded(operation_id=operation))
    stays = await put(as_staff, state="active")
    assert (stays["operation"], stays["problem"]["code"]) == (None, "terminated")


async def test_it_begins_when_it_is_time_and_not_twice(world: World, ann: Person, as_staff: httpx.AsyncClient) -> None:
    await made(world, as_staff, owner=ann.email)
    later = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    planned = await put(as_staff, state="suspended", reason="abuse", effective_at=later, grace_seconds=3600)
    assert (planned["operation"], planned["in_sync"]) == (None, False)
    begins = datetime.fromisoformat(planned["desired"]["begins_at"])
    assert begins == datetime.fromisoformat(later) + timedelta(hours=1)
    grace = await put(as_staff, state="suspended", grace_seconds=600)
    again = await put(as_staff, state="suspended", grace_seconds=600)
    assert again["desired"]["begins_at"] == grace["desired"]["begins_at"]  # asking again does not put it off
    assert await operations(world, again) == []
    await due(world)
    assert await operations(world, again) == ["suspend"]


async def test_the_next_step_is_taken_as_soon_as_the_one_before_has_ended(
    world: World, ann: Person, as_staff: httpx.AsyncClient
) -> None:
    """Nothing else would look within an hour; what waits for its day goes on waiting."""
    await follower(world.deps).begin()
    service = await made(world, as_staff, owner=ann.email)
    suspended = await put(as_staff, state="suspended")
    back = await put(as_staff, state="active", plan="large")
    assert back["operation"]["id"] == suspended["operation"]["id"]
    await world.store.pool.execute("UPDATE billing_service SET due_at = now() + interval '1 hour'")
    async with working(world.deps):
        await done(world, suspended, e.PowerObserved(power="stopped"))
        async with asyncio.timeout(10):
            while await operations(world, service) != ["suspend", "unsuspend"]:  # noqa: ASYNC110 - it knows nothing of us
                await asyncio.sleep(0.02)
        later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        await put(as_staff, state="suspended", effective_at=later)
        unsuspending = await show(as_staff)
        await done(world, unsuspending, e.PowerObserved(power="running"))
        one = follower(world.deps)
        while await one.page():
            pass
    assert await world.store.pool.fetchval("SELECT due_at > now() + interval '50 minutes' FROM billing_service")


async def test_what_cannot_be_is_refused_or_told(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient
) -> None:
    for wrong, pointer in (
        (NEW, "/owner"),
        (NEW | {"owner": "nobody@example.com"}, "/owner"),
        (NEW | {"owner": ann.email, "plan": "none"}, "/plan"),
        (NEW | {"owner": ann.email, "name": "no host name"}, "/name"),
        ({"state": "active", "owner": ann.email}, "/name"),
        ({"state": "gone"}, "/state"),
    ):
        answer = await as_staff.put(ONE, json=wrong)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (await as_staff.get(ONE)).status_code == 404
    assert (await as_staff.get("/v1/billing/services/whmcs:service:1")).status_code == 404
    assert (await as_staff.put("/v1/billing/services/whmcs:service:1", json={"state": "active"})).status_code == 404
    service = await made(world, as_staff, owner=ann.email, plan="large")
    smaller = await as_staff.put(ONE, json={"state": "active", "plan": "small"})
    assert (smaller.status_code, smaller.json()["errors"][0]["pointer"]) == (422, "/plan")
    other = await world.person("eve@example.com")
    assert (await as_staff.put(ONE, json={"state": "active", "owner": other.email})).status_code == 422
    path = f"/v1/servers/{service['observed']['server']}"
    assert (await as_ann.patch(path, json={"protection": {"delete": True}})).status_code == 200
    protected = await put(as_staff, state="terminated")
    assert (protected["operation"], protected["problem"]["code"]) == (None, "protected")
    listed = await as_staff.get("/v1/billing/services", params={"problem": "true"})
    models.BillingServicePage.model_validate_json(listed.content)
    assert [one["external_id"] for one in listed.json()["data"]] == ["blesta-17"]


async def test_very_many_wait_for_staff(world: World, ann: Person, as_staff: httpx.AsyncClient) -> None:
    paths = [f"/v1/billing/services/shop-{n}" for n in range(5)]
    for path in paths:
        await made(world, as_staff, path, owner=ann.email)
    answers = [await put(as_staff, path, state="suspended") for path in paths]
    assert [answer["operation"] is not None for answer in answers] == [True, True, True, False, False]
    assert answers[3]["problem"]["code"] == "held"
    holds = (await as_staff.get("/v1/admin/holds")).json()
    models.BillingHolds.model_validate(holds, strict=False)
    assert (holds["recent"], holds["limit"], holds["waiting"]) == (3, 3, 2)
    await world.store.pool.execute("UPDATE billing_step SET at = at - interval '1 hour'")
    await due(world)
    assert (await show(as_staff, paths[4]))["problem"]["code"] == "held"  # peace alone does not let them go
    assert (await as_staff.post("/v1/admin/holds", json={"minutes": 5})).json()["waiting_since"] is None
    while await settle_one(world.deps):
        pass
    assert (await show(as_staff, paths[3]))["operation"]["type"] == "suspend"
    assert (await show(as_staff, paths[4]))["operation"]["type"] == "suspend"


async def test_it_is_for_staff_and_for_programs_with_the_scope(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient
) -> None:
    for method, path in (
        ("GET", "/v1/billing/services"),
        ("GET", ONE),
        ("PUT", ONE),
        ("GET", "/v1/admin/holds"),
        ("POST", "/v1/admin/holds"),
    ):
        assert (await as_ann.request(method, path, json=NEW)).status_code == 403
    asked = {"name": "shop", "scopes": ["billing"]}
    assert (await as_ann.post("/v1/users/me/tokens", json=asked)).status_code == 422
    token = (await as_staff.post("/v1/users/me/tokens", json=asked)).json()["token"]
    reading = (await as_staff.post("/v1/users/me/tokens", json=asked | {"scopes": ["write"]})).json()["token"]
    async with world.anonymous(Authorization=f"Bearer {token}") as shop:
        assert (await put(shop, **NEW, owner=ann.email))["operation"]["type"] == "create"
        assert (await shop.get("/v1/servers")).status_code == 403
        assert (await shop.get("/v1/admin/holds")).status_code == 403
    async with world.anonymous(Authorization=f"Bearer {reading}") as other:
        assert (await other.get(ONE)).status_code == 403


async def test_what_was_imported_is_taken_over(world: World, ann: Person, as_staff: httpx.AsyncClient) -> None:
    assert ann.account_id is not None
    was = imported(account_id=ann.account_id, suspension=None)
    stream = ids.imported(was.source, "service", was.source_id)
    entries = [Entry(stream, n, event, SYSTEM, ann.account_id) for n, event in enumerate([was, adopted()], start=1)]
    await world.store.append(entries)
    await world.project()
    path = f"/v1/billing/services/{was.source}:service:{was.source_id}"
    before = await show(as_staff, path)
    assert (before["desired"], before["observed"]["server"]) == (None, ids.show(ids.SERVER, stream))
    assert before["billing"]["cycle"] == was.billing.cycle
    taken = await put(as_staff, path, state="suspended")
    expected = ("suspend", None) if was.mode == "manage" else (None, "not_allowed")
    told = taken["operation"]["type"] if taken["operation"] else None, (taken["problem"] or {}).get("code")
    assert told == expected


def test_what_failed_is_not_repeated_until_it_is_asked_again() -> None:
    was = imported(suspension=None, mode="manage")
    failed = operated("suspend")[:1]
    cancelled = e.OperationCancelled(operation_id=failed[0].operation_id)
    state = server(was, adopted(), *failed, cancelled)
    desire = Desire(state="suspended")
    assert isinstance(next_step(state, desire, Done(asked_at=state.created_at)), Stuck)
    later = state.updated_at + timedelta(seconds=1)
    assert isinstance(next_step(state, desire, Done(asked_at=later)), Ask)


def test_what_others_hold_stays_held() -> None:
    was = imported(suspension=None, mode="manage")
    held = server(was, adopted(), e.HoldPlaced(reason="abuse"), e.HoldPlaced(reason="non_payment"))
    done = Done(asked_at=held.updated_at)
    lifted = next_step(held, Desire(state="active"), done)
    assert isinstance(lifted, Ask)
    assert (lifted.type, lifted.params) == ("unsuspend", {"reason": "non_payment"})
    abuse = server(was, adopted(), e.HoldPlaced(reason="abuse"))
    assert next_step(abuse, Desire(state="active"), done) is None
    own = Done(asked_at=held.updated_at, placed=frozenset({"abuse"}))
    assert isinstance(next_step(abuse, Desire(state="active"), own), Ask)
