"""Staff find users and customers, keep users out, help them back in, and suspend all a customer has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from domain import ids
from domain.account import events as a
from domain.account.events import TwoFactorEnabled
from eventstore.store import Entry
from service.people import models
from tests.service.test_servers import running
from tests.service.world import PASSWORD, SYSTEM, Person, World

Order = Callable[..., dict[str, Any]]
USERS, ACCOUNTS = "/v1/admin/users", "/v1/admin/accounts"


def user(person: Person) -> str:
    return f"{USERS}/{ids.show(ids.USER, person.id)}"


def account(person: Person) -> str:
    assert person.account_id is not None
    return f"{ACCOUNTS}/{ids.show(ids.ACCOUNT, person.account_id)}"


async def test_users_are_found_by_address_name_and_role(
    ann: Person, as_staff: httpx.AsyncClient, as_bob: httpx.AsyncClient
) -> None:
    answer = await as_staff.get(USERS)
    models.StaffUserPage.model_validate_json(answer.content)
    assert [u["email"] for u in answer.json()["data"]] == ["bob@example.com", "root@example.com", "ann@example.com"]
    for params, found in (
        ({"q": "ANN@"}, ["ann@example.com"]),
        ({"q": "bob"}, ["bob@example.com"]),
        ({"q": "%"}, []),
        ({"role": "admin"}, ["root@example.com"]),
    ):
        assert [u["email"] for u in (await as_staff.get(USERS, params=params)).json()["data"]] == found
    first = (await as_staff.get(USERS, params={"limit": 2})).json()["page"]["next_cursor"]
    rest = (await as_staff.get(USERS, params={"limit": 2, "cursor": first})).json()
    assert [u["email"] for u in rest["data"]] == ["ann@example.com"]


async def test_a_user_is_shown_with_accounts_and_means(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient
) -> None:
    answer = await as_staff.get(user(ann))
    models.StaffUserDetail.model_validate_json(answer.content)
    shown = answer.json()
    assert [(one["name"], one["role"]) for one in shown["accounts"]] == [("ann@example.com", "owner")]
    assert (shown["password_scheme"], shown["two_factor"], shown["sessions"]) == ("argon2id", False, 1)


async def test_who_is_disabled_is_out_at_once_and_stays_out_until_enabled(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient
) -> None:
    made = await as_ann.post("/v1/users/me/tokens", json={"name": "script", "scopes": ["read"]})
    program = world.anonymous(Authorization=f"Bearer {made.json()['token']}")
    assert (await program.get("/v1/servers")).status_code == 200
    answer = await as_staff.post(f"{user(ann)}/disable", json={"reason": "abuse"})
    assert (answer.status_code, answer.json()["disabled"], answer.json()["sessions"]) == (200, True, 0)
    assert (await as_ann.get("/v1/servers")).status_code == 401
    assert (await program.get("/v1/servers")).status_code == 401
    credentials = {"email": ann.email, "password": PASSWORD}
    async with world.anonymous() as client:
        assert (await client.post("/v1/login", json=credentials)).json()["code"] == "invalid_credentials"
        assert (await as_staff.post(f"{user(ann)}/enable")).json()["disabled"] is False
        assert (await client.post("/v1/login", json=credentials)).status_code == 200
    assert (await program.get("/v1/servers")).status_code == 200
    told = [type(record.event) for record in await world.store.read_stream(ann.id)][-2:]
    assert told == [a.UserDisabled, a.UserEnabled]
    await program.aclose()


async def test_staff_do_not_shut_themselves_out(as_staff: httpx.AsyncClient) -> None:
    me = (await as_staff.get("/v1/users/me")).json()["id"]
    for answer in (
        await as_staff.post(f"{USERS}/{me}/disable", json={}),
        await as_staff.delete(f"{USERS}/{me}/two-factor"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "not_allowed")


async def test_sessions_are_ended_and_a_lost_second_factor_is_taken_off(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient
) -> None:
    assert (await as_staff.delete(f"{user(ann)}/two-factor")).status_code == 404
    factor = "INSERT INTO two_factor (user_id, secret, confirmed_at) VALUES ($1, 'x', now())"
    await world.store.pool.execute(factor, ann.id)
    await world.store.append([Entry(ann.id, 2, TwoFactorEnabled(), SYSTEM)])
    assert (await as_staff.get(user(ann))).json()["two_factor"] is True
    assert (await as_staff.delete(f"{user(ann)}/two-factor")).status_code == 204
    assert (await as_staff.get(user(ann))).json()["two_factor"] is False
    assert (await as_ann.get("/v1/users/me")).status_code == 401
    assert await world.store.pool.fetchval("SELECT count(*) FROM letter WHERE kind = 'two_factor_reset'") == 1
    again = await world.signed_in(ann)
    assert (await as_staff.delete(f"{user(ann)}/sessions")).status_code == 204
    assert (await again.get("/v1/users/me")).status_code == 401
    await again.aclose()


@pytest.mark.parametrize("act", ["disable", "enable"])
async def test_it_takes_a_fresh_proof(world: World, ann: Person, as_staff: httpx.AsyncClient, act: str) -> None:
    await world.store.pool.execute("UPDATE session SET proved_at = now() - interval '1 hour'")
    answer = await as_staff.post(f"{user(ann)}/{act}", json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")


async def test_customers_are_found_and_shown_with_all_they_have(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_bob: Any, as_staff: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    await world.project()
    answer = await as_staff.get(ACCOUNTS, params={"q": "ann"})
    models.StaffAccountPage.model_validate_json(answer.content)
    assert [(one["name"], one["server_count"]) for one in answer.json()["data"]] == [("ann@example.com", 1)]
    detail = await as_staff.get(account(ann))
    models.StaffAccountDetail.model_validate_json(detail.content)
    shown = detail.json()
    assert shown["totals"] == {"by_status": {"running": 1}, "vcpus": 1, "memory_mib": 1024, "disk_gib": 10}
    assert [(m["email"], m["role"]) for m in shown["members"]] == [("ann@example.com", "owner")]
    assert [(s["id"], s["admin"]["node"]) for s in shown["servers"]] == [(server, "pve1")]


async def test_all_servers_of_a_customer_are_suspended_after_a_preview(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    unfinished = (await as_ann.post("/v1/servers", json=order(name="web-2"))).json()["server"]["id"]
    await world.project()
    body = {"reason": "non_payment", "note": "invoice 7"}
    before = await world.version(server)
    preview = (await as_staff.post(f"{account(ann)}/suspend", params={"dry_run": "true"}, json=body)).json()
    assert (preview["dry_run"], preview["asked"], preview["refused"]) == (True, 1, 1)
    assert await world.version(server) == before
    answer = await as_staff.post(f"{account(ann)}/suspend", json=body)
    models.MassResult.model_validate_json(answer.content)
    assert (answer.status_code, await world.version(server)) == (202, before + 2)
    outcomes = {one["server"]: one for one in answer.json()["outcomes"]}
    assert outcomes[server]["operation"].startswith("op_")
    assert "running" in outcomes[unfinished]["refused"]
    shown = (await as_staff.get(f"/v1/servers/{server}")).json()
    assert shown["suspension"]["reasons"] == ["non_payment"]
    operation = (await as_staff.get(f"/v1/operations/{outcomes[server]['operation']}")).json()
    assert operation["type"] == "suspend"
    await world.project()
    held = (await as_staff.get(account(ann))).json()["holds"]
    assert held == [{"server": server, "name": "web-1", "reasons": ["non_payment"]}]


async def test_staff_note_what_they_know_of_a_customer_and_of_a_server(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    notes, server = f"{account(ann)}/notes", await running(world, as_ann, order())
    made = await as_staff.post(notes, json={"text": "Pays by bank transfer.\nAlways late."})
    assert made.status_code == 201, made.text
    models.Note.model_validate_json(made.content)
    assert made.headers["location"] == f"{notes}/{made.json()['id']}"
    about = (await as_staff.post(notes, json={"text": "Runs a shop.", "server": server})).json()
    listed = await as_staff.get(notes)
    models.NotePage.model_validate_json(listed.content)
    assert [note["text"] for note in listed.json()["data"]] == ["Runs a shop.", "Pays by bank transfer.\nAlways late."]
    assert (await as_staff.get(notes, params={"server": server})).json()["data"] == [about]
    assert about["author"]["name"] == "root"
    assert (await as_staff.delete(f"{notes}/{about['id']}")).status_code == 204
    assert (await as_staff.delete(f"{notes}/{about['id']}")).status_code == 404
    assert (await as_staff.get(notes)).json()["data"] == [made.json()]
    assert not await world.store.pool.fetchval("SELECT count(*) FROM event WHERE data::text LIKE '%bank transfer%'")


async def test_a_note_is_about_a_server_of_the_customer(
    world: World, ann: Person, as_bob: httpx.AsyncClient, as_staff: httpx.AsyncClient, order: Order
) -> None:
    others = await running(world, as_bob, order())
    for given in ({"text": "x", "server": others}, {"text": "x", "server": "srv_1"}, {"text": ""}, {"text": "\x00"}):
        assert (await as_staff.post(f"{account(ann)}/notes", json=given)).status_code == 422
    assert (await as_staff.get(f"{account(ann)}/notes", params={"server": others})).status_code == 422
    assert (await as_staff.get(f"{account(ann)}/notes")).json()["data"] == []


async def test_it_is_all_for_staff(ann: Person, as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient) -> None:
    for path in (USERS, user(ann), ACCOUNTS, account(ann), f"{account(ann)}/notes"):
        assert (await as_ann.get(path)).status_code == 403
    for path in (f"{user(ann)}/disable", f"{user(ann)}/enable", f"{account(ann)}/suspend", f"{account(ann)}/unsuspend"):
        assert (await as_bob.post(path, json={"reason": "abuse"})).status_code == 403
    for path in (f"{user(ann)}/sessions", f"{user(ann)}/two-factor"):
        assert (await as_bob.delete(path)).status_code == 403
