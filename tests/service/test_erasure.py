"""A customer is told what is kept about them, and is forgotten: in the log, in every view, in every table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from domain import ids
from domain.server import events as e
from eventstore.database import connect
from projector.check import check
from runtime.ids import new_id
from service.people import models
from tests.service.test_people import account
from tests.service.test_servers import running
from tests.service.world import PASSWORD, Person, World

Order = Callable[..., dict[str, Any]]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqNqcrYVpFrR2N1VhPqxEmmZkSEqCHzk7YqTGVnHEnU"
CANARY = "zanzibar"


@pytest.fixture
async def customer(world: World) -> Person:
    """Somebody whose every word is the canary."""
    return await world.person(f"{CANARY}@example.com")


async def with_a_past(world: World, client: httpx.AsyncClient, order: Order) -> str:
    """A server with personal data wherever it can be, and a second operation that renamed it."""
    server = await running(world, client, order(name=f"{CANARY}-1", labels={CANARY: CANARY}))
    await client.patch(f"/v1/servers/{server}", json={"labels": {"team": CANARY}})
    asked = await client.post(f"/v1/servers/{server}/actions", json={"type": "rename", "name": f"{CANARY}-2"})
    operation = ids.parse(ids.OPERATION, asked.json()["operation"]["id"])
    assert operation is not None
    held = e.StepHeld(operation_id=operation, step="rename", code="x", detail="", settled=True, debug=CANARY)
    failed = e.OperationFailed(operation_id=operation, code="x", message="No.", retryable=False, debug=CANARY)
    await world.append(server, held, failed)
    key = f"{KEY} {CANARY}"
    await invited_and_billed(world, server)
    assert (await client.post("/v1/ssh-keys", json={"name": CANARY, "public_key": key})).status_code == 201
    view = {"name": CANARY, "query": f"q={CANARY}"}
    assert (await client.post("/v1/users/me/views", json=view)).status_code == 201
    return server


async def invited_and_billed(world: World, server: str) -> None:
    """Others have written down their address, and what is wanted of their server."""
    pool, id = world.store.pool, ids.parse(ids.SERVER, server)
    await pool.execute(
        "INSERT INTO billing_service (external_id, server_id, desired, begins_at, asked_by, request_id)"
        " VALUES ('77', $1, $2, now(), $3, 'r')",
        *(id, f'{{"name": "{CANARY}"}}', new_id()),
    )
    await pool.execute(
        "INSERT INTO invitation (invitation_id, account_id, email, role, token_hash, invited_by, by_staff, expires_at)"
        " VALUES ($1, $2, $3, 'viewer', '\\x00', $4, false, now() + interval '1 day')",
        *(new_id(), new_id(), f"{CANARY}@example.com", new_id()),
    )
    await world.project()
    account = await pool.fetchval("SELECT account_id FROM server_view WHERE server_id = $1", id)
    for owner in (account, None):
        await pool.execute(
            "WITH made AS (INSERT INTO webhook_endpoint (endpoint_id, account_id, url, events, secret, created_by)"
            "              VALUES ($1, $2, $3, '{*}', '', $1))"
            " INSERT INTO webhook_delivery (endpoint_id, resource_id, account_id, message_id, type, body)"
            " VALUES ($1, $1, $4, $1, 'x', $3)",
            *(new_id(), owner, f"https://{CANARY}.example/" if owner else "https://staff.example/", account),
        )


async def gone(world: World, server: str) -> None:
    operation = new_id()
    asked = e.OperationRequested(operation_id=operation, type="destroy", steps=["stop", "destroy"])
    done = [e.ServerDestroyed(operation_id=operation), e.OperationSucceeded(operation_id=operation)]
    await world.append(server, asked, *done)
    await world.project()


async def places(world: World) -> list[str]:
    """Every table in which the canary can be read."""
    pool = world.store.pool
    tables = await pool.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    found = []
    for (table,) in tables:
        seen = f'SELECT count(*) FROM public."{table}" t WHERE t::text ILIKE $1'
        if await pool.fetchval(seen, f"%{CANARY}%"):
            found.append(table)
    return sorted(found)


async def test_everything_kept_about_a_customer_is_told(
    world: World, customer: Person, as_staff: httpx.AsyncClient, order: Order
) -> None:
    client = await world.signed_in(customer)
    server = await with_a_past(world, client, order)
    await world.project()
    answer = await as_staff.get(f"{account(customer)}/export")
    models.AccountExport.model_validate_json(answer.content)
    shown = answer.json()
    assert [one["id"] for one in shown["servers"]] == [server]
    (user,) = shown["users"]
    assert (user["email"], len(user["ssh_key"]), len(user["session"])) == (customer.email, 1, 1)
    assert [view["name"] for view in user["saved_view"]] == [CANARY]
    assert sorted(one["event"] for one in shown["events"][:3]) == [
        "AccountOpened",
        "MemberAdded",
        "UserRegistered",
    ]
    assert shown["events"][3]["event"] == "ServerRequested"
    assert [one["url"] for one in shown["webhooks"]] == [f"https://{CANARY}.example/"]
    assert PASSWORD not in answer.text
    assert (await client.get(f"{account(customer)}/export")).status_code == 403
    await client.aclose()


async def test_an_export_tells_nothing_of_what_a_member_is_to_others(
    world: World, customer: Person, as_staff: httpx.AsyncClient, as_ann: httpx.AsyncClient, ann: Person
) -> None:
    assert customer.account_id is not None
    key = {"name": "anns-own", "public_key": KEY}
    assert (await as_ann.post("/v1/ssh-keys", json=key)).status_code == 201
    await world.join(ann, customer.account_id, "operator")
    answer = await as_staff.get(f"{account(customer)}/export")
    shared = next(one for one in answer.json()["users"] if one["email"] == ann.email)
    assert shared == {"id": ids.show(ids.USER, ann.id), "email": ann.email, "name": "ann", "role": "operator"}
    assert ann.id.hex not in {event["stream"] for event in answer.json()["events"]}
    assert "anns-own" not in answer.text


async def test_a_preview_says_what_goes_and_what_is_in_the_way(
    world: World, customer: Person, as_staff: httpx.AsyncClient, order: Order
) -> None:
    client = await world.signed_in(customer)
    await with_a_past(world, client, order)
    await world.project()
    body = {"confirm": customer.email}
    answer = await as_staff.post(f"{account(customer)}/erase", params={"dry_run": "true"}, json=body)
    models.ErasureResult.model_validate_json(answer.content)
    assert (answer.json()["users"], answer.json()["servers"]) == ([ids.show(ids.USER, customer.id)], 1)
    assert "still has servers" in answer.json()["problem"]
    refused = await as_staff.post(f"{account(customer)}/erase", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_allowed")
    assert "event_private" in await places(world)
    await client.aclose()


async def test_who_is_erased_is_nowhere_any_more_and_the_log_still_makes_the_same_views(
    world: World, customer: Person, as_staff: httpx.AsyncClient, as_ann: httpx.AsyncClient, order: Order
) -> None:
    client = await world.signed_in(customer)
    server = await with_a_past(world, client, order)
    await gone(world, server)
    assert {
        "event_private",
        "server_view",
        "operation_view",
        "user_view",
        "ssh_key",
        "saved_list",
        "webhook_delivery",
    } <= set(await places(world))
    where = f"{account(customer)}/erase"
    assert (await as_staff.post(where, json={"confirm": "somebody"})).status_code == 422
    answer = await as_staff.post(where, json={"confirm": customer.email})
    assert answer.status_code == 200, answer.text
    assert (await as_staff.get(f"/v1/servers/{server}")).json()["name"] == "(erased)"
    assert (await client.get("/v1/users/me")).status_code == 401
    await world.project()
    assert await places(world) == []
    shown = (await as_staff.get(account(customer))).json()
    assert (shown["name"], shown["status"], shown["members"]) == ("(erased)", "closed", [])
    again = await as_staff.post(where, json={"confirm": "(erased)"})
    assert again.status_code == 409
    connection = await connect(world.url)
    assert [line async for line in check(connection) if "view" in line] == []
    await connection.close()
    assert (await as_ann.get("/v1/users/me")).status_code == 200
    await client.aclose()


async def test_what_staff_noted_of_a_customer_goes_with_them(
    world: World, customer: Person, as_staff: httpx.AsyncClient
) -> None:
    notes = f"{account(customer)}/notes"
    kept, removed = [(await as_staff.post(notes, json={"text": f"{CANARY} {n}"})).json() for n in range(2)]
    assert (await as_staff.delete(f"{notes}/{removed['id']}")).status_code == 204
    await world.project()
    assert await places(world) != []
    answer = await as_staff.post(f"{account(customer)}/erase", json={"confirm": customer.email})
    assert answer.status_code == 200, answer.text
    assert any("staff noted" in thing for thing in answer.json()["erased"])
    await world.project()
    assert await places(world) == []
    assert CANARY not in (await as_staff.get(notes)).text
    assert kept["id"] != removed["id"]


async def test_it_takes_staff_and_a_fresh_proof(
    world: World, customer: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient
) -> None:
    where, body = f"{account(customer)}/erase", {"confirm": customer.email}
    assert (await as_ann.post(where, json=body)).status_code == 403
    await world.store.pool.execute("UPDATE session SET proved_at = now() - interval '1 hour'")
    assert (await as_staff.post(where, json=body)).json()["code"] == "step_up_required"
    assert (await as_staff.get(f"{account(customer)}/export")).json()["code"] == "step_up_required"
