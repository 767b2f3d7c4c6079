"""Staff act as a customer: announced, recorded, short, and never able to change how the customer signs in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from domain import ids
from domain.account import events as a
from service.people import models
from tests.service.test_people import user
from tests.service.test_servers import running
from tests.service.world import PASSWORD, Person, World

Order = Callable[..., dict[str, Any]]


async def begun(client: httpx.AsyncClient, person: Person) -> dict[str, Any]:
    answer = await client.post(f"{user(person)}/impersonation", json={"reason": "ticket 7"})
    assert answer.status_code == 201, answer.text
    models.Impersonation.model_validate_json(answer.content)
    begun: dict[str, Any] = answer.json()
    return begun


@pytest.fixture
async def as_if_ann(world: World, ann: Person, as_staff: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Staff who act as the customer."""
    client = world.anonymous(Authorization=f"Bearer {(await begun(as_staff, ann))['access_token']}")
    yield client
    await client.aclose()


async def test_staff_see_and_do_what_the_customer_may_and_it_is_known_who_did(
    world: World, as_ann: httpx.AsyncClient, as_if_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    await world.project()
    assert [one["id"] for one in (await as_if_ann.get("/v1/servers")).json()["data"]] == [server]
    done = await as_if_ann.post(f"/v1/servers/{server}/actions", json={"type": "reboot"})
    staff, ann = [(await one.get("/v1/users/me")).json()["id"] for one in (as_staff, as_ann)]
    assert done.json()["operation"]["requested_by"] == {"type": "user", "id": f"{staff} as {ann}"}
    for client, label in ((as_ann, "Staff as ann"), (as_staff, "root as ann")):
        newest = (await client.get(f"/v1/servers/{server}/history")).json()["data"][0]
        assert newest["actor"] == {"type": "staff", "label": label}


async def test_the_customer_is_told(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_if_ann: httpx.AsyncClient
) -> None:
    newest = (await as_ann.get("/v1/users/me/history")).json()["data"][0]
    assert (newest["title"], newest["actor"]["label"]) == ("Staff act as this user for a while", "Staff")
    assert newest["detail"] == "ticket 7"
    sessions = (await as_ann.get("/v1/users/me/sessions")).json()["data"]
    assert sorted((one["current"], one["by_staff"]) for one in sessions) == [(False, True), (True, False)]
    assert await world.store.pool.fetchval("SELECT count(*) FROM letter WHERE kind = 'impersonated'") == 1
    (record,) = [r for r in await world.store.read_stream(ann.id) if isinstance(r.event, a.UserImpersonated)]
    assert record.event.reason == "ticket 7"


async def test_how_the_customer_signs_in_and_who_acts_for_them_stays_out_of_reach(
    world: World, ann: Person, as_if_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient
) -> None:
    assert ann.account_id is not None
    bob = (await as_bob.get("/v1/users/me")).json()["id"]
    account = f"/v1/accounts/{ids.show(ids.ACCOUNT, ann.account_id)}"
    tries = [
        ("PUT", "/v1/users/me/password", {"current_password": PASSWORD, "password": "another horse battery"}),
        ("PATCH", "/v1/users/me", {"name": "Eve"}),
        ("POST", "/v1/users/me/proof", {"password": PASSWORD}),
        ("POST", "/v1/users/me/tokens", {"name": "x", "scopes": ["read"]}),
        ("POST", "/v1/users/me/two-factor", None),
        ("DELETE", "/v1/users/me/sessions", None),
        ("POST", "/v1/ssh-keys", {"name": "x", "public_key": "x"}),
        ("PUT", f"{account}/members/{bob}", {"role": "owner"}),
        ("POST", f"{account}/invitations", {"email": "eve@example.com", "role": "owner"}),
    ]
    for method, path, body in tries:
        answer = await as_if_ann.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
    assert (await as_if_ann.get("/v1/admin/users")).status_code == 403


async def test_it_ends_when_staff_or_the_customer_say_so(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_if_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient
) -> None:
    assert (await as_staff.delete(f"{user(ann)}/impersonation")).status_code == 204
    assert (await as_if_ann.get("/v1/servers")).status_code == 401
    again = await begun(as_staff, ann)
    client = world.anonymous(Authorization=f"Bearer {again['access_token']}")
    assert (await client.get("/v1/servers")).status_code == 200
    assert (await as_ann.delete(f"/v1/users/me/sessions/{again['session']}")).status_code == 204
    assert (await client.get("/v1/servers")).status_code == 401
    assert (await as_ann.get("/v1/servers")).status_code == 200
    await client.aclose()


async def test_only_customers_only_by_staff_and_only_with_a_fresh_proof(
    world: World, ann: Person, as_staff: httpx.AsyncClient, as_bob: httpx.AsyncClient
) -> None:
    where = f"{user(ann)}/impersonation"
    assert (await as_bob.post(where, json={})).status_code == 403
    other = await world.person("other@example.com", role="admin")
    assert (await as_staff.post(f"{user(other)}/impersonation", json={})).status_code == 409
    await world.store.pool.execute("UPDATE session SET proved_at = now() - interval '1 hour'")
    assert (await as_staff.post(where, json={})).json()["code"] == "step_up_required"


async def test_who_is_kept_out_acts_as_nobody(
    world: World, ann: Person, as_if_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient
) -> None:
    me = (await as_staff.get("/v1/users/me")).json()["id"]
    other = await world.signed_in(await world.person("other@example.com", role="admin"))
    assert (await as_if_ann.get("/v1/servers")).status_code == 200
    assert (await other.post(f"/v1/admin/users/{me}/disable", json={})).status_code == 200
    assert (await as_if_ann.get("/v1/servers")).status_code == 401
    await other.aclose()
