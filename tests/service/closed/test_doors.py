"""Every call of the document asks who is there, and whether they may."""

from __future__ import annotations

import httpx
import pytest

from domain import ids
from service.identity.statements import SQL
from tests.service.closed.document import CALLS, DESCRIPTION, GUARDED, Call, bodies
from tests.service.closed.house import House, all_calls
from tests.service.forgery import forged

pytestmark = pytest.mark.pg
TRIED = {"expired", "wrong key", "alg none", "HS256 with the public key in PEM", "other audience"}
OPEN = (
    *("/healthz", "/readyz", "/.well-known/", "/v1/login", "/v1/token/refresh", "/v1/logout"),
    *("/v1/password/", "/v1/invitations/", "/v1/oidc", "/v1/auth"),
)


def address(call: Call) -> str:
    return call.at(*("x" for _ in call.places))


async def refused(client: httpx.AsyncClient, call: Call) -> tuple[int, str]:
    """What a call without a readable body is told: nothing of its body is looked at before."""
    answer = await client.request(call.method, address(call), content=b"no json")
    return answer.status_code, answer.json().get("code", "") if answer.content else ""


def test_only_the_way_in_is_open() -> None:
    assert [call.path for call in CALLS if call.public and not call.path.startswith(OPEN)] == []


async def test_nobody_gets_in_without_a_token_that_holds(house: House) -> None:
    ann = await house.somebody("ann")
    tokens, session = house.world.deps.tokens, house.world.deps.tokens.verify
    shown = ann.client.headers["Authorization"].removeprefix("Bearer ")
    made = forged(tokens, session(shown).session_id, ids.show(ids.USER, ann.person.id))
    wrong = {name: house.client(made[name]) for name in TRIED} | {"none": house.client(None)}
    for name, client in wrong.items():
        code = "token_expired" if name == "expired" else "unauthorized"
        for call in GUARDED:
            assert await refused(client, call) == (401, code), (name, call.name)


async def test_a_session_that_has_ended_opens_nothing(house: House) -> None:
    ann = await house.somebody("ann")
    await house.world.until(lambda: house.world.deps.tokens.hearing)
    assert (await ann.client.get("/v1/users/me")).status_code == 200
    assert (await ann.client.post("/v1/logout", headers={"Origin": "http://hostler.test"})).status_code == 204
    for call in GUARDED:
        assert await refused(ann.client, call) == (401, "unauthorized"), call.name


async def test_customers_have_nothing_of_what_is_for_staff(house: House) -> None:
    ann = await house.somebody("ann")
    for call in [call for call in CALLS if call.staff]:
        assert await refused(ann.client, call) == (403, "forbidden"), call.name
        for body in bodies(call.body) if call.body else []:
            answer = await ann.client.request(call.method, address(call), json=body)
            assert answer.status_code == 403, call.name


async def test_a_token_is_good_for_its_scopes_alone(house: House) -> None:
    root = await house.somebody("root", staff=True)
    opened = []
    for scope in ("read", "write", "staff", "billing"):
        answer = await root.client.post("/v1/users/me/tokens", json={"name": scope, "scopes": [scope]})
        program = house.client(answer.json()["token"])
        for call in all_calls():
            told = await refused(program, call)
            if (told[0] == 403) != (scope not in needed(call)):
                opened.append((scope, call.name, told))
    assert opened == []


def needed(call: Call) -> set[str]:
    """The scopes that a call takes."""
    if call.path.startswith("/v1/admin/"):
        return {"staff"}
    if call.path.startswith("/v1/billing/"):
        return {"billing", "staff"}
    if call.path.startswith("/v1/users/me/"):
        return set()
    return {"read", "write"} if call.method == "GET" else {"write"}


async def test_who_acts_as_a_customer_changes_nothing_of_who_they_are(house: House) -> None:
    ann, root = await house.somebody("ann"), await house.somebody("root", staff=True)
    begun = await root.client.post(
        f"/v1/admin/users/{ids.show(ids.USER, ann.person.id)}/impersonation", json={"reason": "asked for"}
    )
    posing, changing = house.client(begun.json()["access_token"]), 0
    for call in GUARDED:
        if call.path.startswith(("/v1/users/", "/v1/accounts", "/v1/ssh-keys", "/v1/admin/")) and call.method != "GET":
            changing += 1
            assert await refused(posing, call) == (403, "forbidden"), call.name
    assert changing
    assert (await posing.get("/v1/users/me")).status_code == 200


async def test_a_method_that_is_not_there_does_nothing(house: House) -> None:
    ann = await house.somebody("ann")
    for path, methods in DESCRIPTION["paths"].items():
        for method in {"PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"} - {name.upper() for name in methods}:
            answer = await ann.client.request(method, path.replace("{", "").replace("}", ""))
            assert answer.status_code == 405, (method, path)


async def test_a_user_who_may_not_sign_in_does_nothing(house: House) -> None:
    ann, root = await house.somebody("ann"), await house.somebody("root", staff=True)
    await house.world.until(lambda: house.world.deps.tokens.hearing)
    user = ids.show(ids.USER, ann.person.id)
    assert (await ann.client.get("/v1/users/me")).status_code == 200
    assert (await root.client.post(f"/v1/admin/users/{user}/disable", json={"reason": "spam"})).status_code < 300
    assert not await house.world.store.pool.fetchval(SQL.session_user, session_of(house, ann.client))
    for call in GUARDED:
        assert (await refused(ann.client, call))[0] == 401, call.name


def session_of(house: House, client: httpx.AsyncClient) -> object:
    return house.world.deps.tokens.verify(client.headers["Authorization"].removeprefix("Bearer ")).session_id
