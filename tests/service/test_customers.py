"""Customers that a billing system makes: each once, invited by letter, and ready to own services."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain import ids
from domain.account.events import MemberRemoved
from eventstore.store import Entry
from service.billing import models
from tests.service.identity.test_reset import letters
from tests.service.test_billing import NEW, ONE
from tests.service.world import PASSWORD, SYSTEM, Person, World

CUSTOMERS = "/v1/billing/customers"
EVE = {"external_id": "client-7", "email": "Eve@example.com", "name": "Eve Ltd"}
CHOSEN = "a better horse battery"


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """Where the letters of this installation go."""
    return tmp_path / "mail"


async def make(client: httpx.AsyncClient, status: int, **wanted: Any) -> dict[str, Any]:
    answer = await client.post(CUSTOMERS, json=wanted)
    assert answer.status_code == status, answer.text
    models.BillingCustomer.model_validate_json(answer.content)
    shown: dict[str, Any] = answer.json()
    place = f"{CUSTOMERS}/{shown['external_id']}" if shown["external_id"] else None
    assert answer.headers.get("location") == place
    return shown


async def accounts(world: World) -> int:
    found: int = await world.store.pool.fetchval("SELECT count(*) FROM event WHERE type = 'account.opened'")
    return found


async def test_who_was_made_chooses_a_password_and_owns_services(
    world: World, as_staff: httpx.AsyncClient, box: Path
) -> None:
    made = await make(as_staff, 201, **EVE)
    assert (made["email"], made["name"], made["status"], made["invited"]) == (EVE["email"], "Eve Ltd", "active", True)
    assert (await as_staff.get(f"{CUSTOMERS}/client-7")).json() == made | {"invited": False}
    for owner in (made["account"], made["user"], made["email"]):
        placed = await as_staff.put(f"{ONE}-{owner[:3]}", json=NEW | {"owner": owner})
        assert placed.status_code == 202, placed.text
        assert placed.json()["observed"]["account"] == made["account"]
    await world.until(lambda: len(letters(box)) == 1)
    to, subject, text = letters(box)[0]
    link = re.search(r"https://panel\.example\.com/password/reset#(\S+)", text)
    assert link is not None
    assert (to, "choose a password" in subject, "Eve Ltd" in text) == ("Eve@example.com", True, True)
    async with world.anonymous() as client:
        for password in ("", PASSWORD, CHOSEN):
            assert (await client.post("/v1/login", json={"email": to, "password": password})).status_code in (401, 422)
        chosen = {"token": link.group(1), "password": CHOSEN}
        assert (await client.post("/v1/password/reset", json=chosen)).status_code == 204
        assert (await client.post("/v1/password/reset", json=chosen)).status_code == 410
        signed_in = await client.post("/v1/login", json={"email": "eve@example.com", "password": CHOSEN})
        assert (signed_in.status_code, signed_in.json()["user"]["id"]) == (200, made["user"])


async def test_the_same_customer_is_made_once(world: World, as_staff: httpx.AsyncClient, box: Path) -> None:
    answers = await asyncio.gather(*(as_staff.post(CUSTOMERS, json=EVE) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [201]
    assert len({answer.json()["account"] for answer in answers}) == 1
    without = {"email": "eve@EXAMPLE.com", "name": "Otherwise"}
    assert (await make(as_staff, 200, **without))["name"] == "Eve Ltd"
    nameless = [as_staff.post(CUSTOMERS, json={"email": "max@example.com", "name": "Max"}) for _ in range(5)]
    answers = await asyncio.gather(*nameless)
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [201]
    named = await make(as_staff, 200, email="max@example.com", name="Max", external_id="client-8")
    assert named["account"] == answers[0].json()["account"]
    assert await accounts(world) == 2
    await world.until(lambda: len(letters(box)) == 2)


async def test_who_is_here_already_is_found_by_the_address(
    world: World, ann: Person, as_staff: httpx.AsyncClient, box: Path
) -> None:
    assert ann.account_id is not None
    found = await make(as_staff, 200, email=ann.email, name="Ann", external_id="client-1")
    assert (found["account"], found["invited"]) == (ids.show(ids.ACCOUNT, ann.account_id), False)
    assert await make(as_staff, 200, email=ann.email, name="Ann", external_id="client-1") == found
    for wrong, code in (
        ({"external_id": "client-2", "email": ann.email}, "already_exists"),
        ({"external_id": "client-1", "email": "other@example.com"}, "already_exists"),
    ):
        answer = await as_staff.post(CUSTOMERS, json={"name": "Ann"} | wrong)
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert letters(box) == []


async def test_who_acts_for_others_so_far_gets_an_account_of_their_own(
    world: World, ann: Person, as_staff: httpx.AsyncClient
) -> None:
    assert ann.account_id is not None
    helper = await world.person("helper@example.com")
    assert helper.account_id is not None
    await world.join(helper, ann.account_id, "operator")
    await world.store.append([Entry(helper.account_id, 3, MemberRemoved(user_id=helper.id), SYSTEM)])
    await world.project()
    made = await make(as_staff, 201, email=helper.email, name="Helper", external_id="client-3")
    assert (made["user"], made["invited"]) == (ids.show(ids.USER, helper.id), False)
    assert made["account"] not in {ids.show(ids.ACCOUNT, account) for account in (helper.account_id, ann.account_id)}
    assert await make(as_staff, 200, email=helper.email, name="Helper", external_id="client-3") == made


async def test_what_is_no_customer_is_refused(
    world: World, as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient
) -> None:
    for wrong, pointer, code in (
        ({"email": "nobody"}, "/email", "string_pattern_mismatch"),
        ({"email": "root@example.com"}, "/email", "staff"),
        ({"external_id": "a b"}, "/external_id", "invalid"),
        ({"name": ""}, "/name", "string_too_short"),
    ):
        answer = await as_staff.post(CUSTOMERS, json=EVE | wrong)
        (fault,) = answer.json()["errors"]
        assert (answer.status_code, fault["pointer"], fault["code"]) == (422, pointer, code)
    assert (await as_staff.get(f"{CUSTOMERS}/client-7")).status_code == 404
    assert (await as_ann.post(CUSTOMERS, json=EVE)).status_code == 403
    assert await accounts(world) == 1


async def test_an_installation_without_letters_invites_nobody(
    world: World, as_staff: httpx.AsyncClient, box: Path
) -> None:
    assert (await make(as_staff, 201, **EVE, invite=False))["invited"] is False
    assert await world.store.pool.fetchval("SELECT count(*) FROM letter") == 0


async def test_the_owner_of_a_service_is_a_customer_who_is_there(
    world: World, ann: Person, as_staff: httpx.AsyncClient
) -> None:
    for owner, code in (
        (ids.show(ids.ACCOUNT, ann.id), "unknown"),
        (ids.show(ids.USER, ids.billed("nobody")), "unknown"),
        ("root@example.com", "staff"),
        ("nobody@example.com", "unknown"),
        ("acc_nonsense", "unknown"),
    ):
        answer = await as_staff.put(ONE, json=NEW | {"owner": owner})
        (fault,) = answer.json()["errors"]
        assert (answer.status_code, fault["pointer"], fault["code"]) == (422, "/owner", code), owner
    assert (await as_staff.get(ONE)).status_code == 404
