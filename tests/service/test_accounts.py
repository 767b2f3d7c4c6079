"""Accounts: who is shown them, who changes their members, and what each role may do to servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import ids
from domain.account.decide import ChangeMember, change_member, role_of
from domain.account.events import Member, MemberRole
from domain.account.roles import RIGHTS, Right
from domain.account.state import Account, evolve_account
from domain.errors import NotAllowed
from domain.record import Actor, Meta, Recorded
from runtime.ids import new_id
from service.accounts import models
from tests.given import BIRTH
from tests.service.test_actions import ask
from tests.service.test_servers import running
from tests.service.world import Person, World

REPOSITORY = Path(__file__).parents[2]
Order = Callable[..., dict[str, Any]]
ROLES: list[MemberRole] = ["owner", "admin", "operator", "billing", "viewer"]


@pytest.fixture
async def eve(world: World) -> Person:
    """Somebody with an account of her own, and soon a part in another."""
    return await world.person("eve@example.com")


@pytest.fixture
async def as_eve(world: World, eve: Person) -> AsyncIterator[httpx.AsyncClient]:
    client = await world.signed_in(eve)
    yield client
    await client.aclose()


def at(person: Person, who: Person | None = None) -> str:
    """The address of an account, or of one of its members."""
    assert person.account_id is not None
    account = f"/v1/accounts/{ids.show(ids.ACCOUNT, person.account_id)}"
    return account if who is None else f"{account}/members/{ids.show(ids.USER, who.id)}"


async def roles(client: httpx.AsyncClient, account: Person) -> dict[str, str]:
    answer = await client.get(f"{at(account)}/members")
    assert answer.status_code == 200
    models.MemberPage.model_validate_json(answer.content)
    return {member["email"]: member["role"] for member in answer.json()["data"]}


async def put(client: httpx.AsyncClient, account: Person, who: Person, role: str) -> int:
    return (await client.put(at(account, who), json={"role": role})).status_code


async def test_people_see_the_accounts_they_act_for(
    world: World, ann: Person, eve: Person, as_ann: httpx.AsyncClient, as_eve: httpx.AsyncClient, as_staff: Any
) -> None:
    shown = (await as_ann.get("/v1/accounts")).json()["data"]
    models.Account.model_validate(shown[0], strict=False)
    assert [(account["name"], account["role"]) for account in shown] == [("ann@example.com", "owner")]
    assert (await as_ann.get(at(ann))).json() == shown[0]
    assert (await as_eve.get(at(ann))).status_code == 404
    assert (await as_eve.get(f"{at(ann)}/members")).status_code == 404
    assert (await as_staff.get("/v1/accounts")).json()["data"] == []
    everything = (await as_staff.get("/v1/accounts", params={"scope": "all"})).json()["data"]
    assert [(account["name"], account["role"]) for account in everything] == [
        ("eve@example.com", None),
        ("ann@example.com", None),
    ]
    assert (await as_eve.get("/v1/accounts", params={"scope": "all"})).status_code == 403
    assert ann.account_id is not None
    await world.join(eve, ann.account_id, "billing")
    assert {a["name"]: a["role"] for a in (await as_eve.get("/v1/accounts")).json()["data"]} == {
        "eve@example.com": "owner",
        "ann@example.com": "billing",
    }


async def test_who_acts_for_several_accounts_lists_the_servers_of_one(
    world: World, ann: Person, eve: Person, as_ann: httpx.AsyncClient, as_eve: httpx.AsyncClient, as_staff: Any,
    order: Order,
) -> None:  # fmt: skip
    assert ann.account_id is not None
    await world.join(eve, ann.account_id, "viewer")
    anns, eves = [await running(world, client, order(name=name)) for client, name in ((as_ann, "a"), (as_eve, "e"))]
    accounts = {name: at(person).rpartition("/")[2] for name, person in (("ann", ann), ("eve", eve))}
    await world.project()

    async def listed(client: httpx.AsyncClient, **asked: str) -> list[str]:
        return [one["id"] for one in (await client.get("/v1/servers", params=asked)).json()["data"]]

    assert await listed(as_eve) == [eves, anns]
    assert await listed(as_eve, account=accounts["ann"]) == [anns]
    assert await listed(as_eve, account=accounts["eve"], sort="name") == [eves]
    assert await listed(as_ann, account=accounts["eve"]) == []
    assert await listed(as_staff, account=accounts["ann"], scope="all") == [anns]
    assert (await as_eve.get("/v1/servers", params={"account": "x"})).status_code == 422


async def test_members_get_other_roles_and_go(
    world: World, ann: Person, eve: Person, as_ann: httpx.AsyncClient, as_eve: httpx.AsyncClient, as_staff: Any
) -> None:
    assert await put(as_ann, ann, eve, "viewer") == 404  # people come by invitation
    assert await put(as_staff, ann, eve, "viewer") == 200
    assert await roles(as_eve, ann) == {"ann@example.com": "owner", "eve@example.com": "viewer"}
    assert await put(as_eve, ann, eve, "owner") == 409
    for role in ("operator", "operator", "admin"):
        answer = await as_ann.put(at(ann, eve), json={"role": role})
        assert (answer.status_code, answer.json()["role"]) == (200, role)
        models.Member.model_validate_json(answer.content)
    assert await put(as_eve, ann, ann, "viewer") == 409  # only owners change owners
    assert await put(as_ann, ann, ann, "admin") == 409  # nobody would own it
    assert await put(as_ann, ann, eve, "owner") == 200
    assert await put(as_eve, ann, ann, "admin") == 200
    assert await roles(as_ann, ann) == {"ann@example.com": "admin", "eve@example.com": "owner"}
    assert (await as_ann.delete(at(ann, ann))).status_code == 204
    assert (await as_ann.get(at(ann))).status_code == 404
    assert (await as_eve.delete(at(ann, eve))).status_code == 409
    assert (await as_eve.delete(at(ann, ann))).status_code == 404
    assert (await as_staff.put(at(ann, ann), json={"role": "king"})).status_code == 422


async def test_other_peoples_members_do_not_exist(
    ann: Person, eve: Person, as_ann: httpx.AsyncClient, as_eve: httpx.AsyncClient
) -> None:
    assert await put(as_eve, ann, eve, "owner") == 404
    assert await put(as_eve, ann, ann, "viewer") == 404
    assert (await as_eve.delete(at(ann, ann))).status_code == 404
    assert await roles(as_ann, ann) == {"ann@example.com": "owner"}


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_may_do_its_part(
    world: World,
    ann: Person,
    eve: Person,
    as_ann: httpx.AsyncClient,
    as_eve: httpx.AsyncClient,
    order: Order,
    role: MemberRole,
) -> None:
    server = await running(world, as_ann, order())
    assert ann.account_id is not None
    await world.join(eve, ann.account_id, role)
    path, rights = f"/v1/servers/{server}", RIGHTS[role]
    for look in ("", "/actions", "/history", "/snapshots", "/backups"):
        assert (await as_eve.get(f"{path}{look}")).status_code == 200
    assert [s["id"] for s in (await as_eve.get("/v1/servers")).json()["data"]] == [server]
    acts = 403 not in {
        (await as_eve.patch(path, json={"labels": {"a": "b"}})).status_code,
        (await ask(as_eve, server, "rebuild", image="none")).status_code,
        (await as_eve.post(f"{path}/console")).status_code,
    }
    assert acts is ("act" in rights)
    resize = await ask(as_eve, server, "resize", plan="none")
    assert (resize.status_code == 403) is ("order" not in rights)
    body = order(account=ids.show(ids.ACCOUNT, ann.account_id), name="web-2")
    assert ((await as_eve.post("/v1/servers", json=body)).status_code == 202) is ("order" in rights)
    assert ((await as_eve.delete(path)).status_code == 202) is ("end" in rights)


async def test_who_is_no_member_any_more_sees_nothing(
    world: World, ann: Person, eve: Person, as_ann: httpx.AsyncClient, as_eve: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    assert ann.account_id is not None
    await world.join(eve, ann.account_id, "admin")
    assert (await as_eve.get(f"/v1/servers/{server}")).status_code == 200
    assert (await as_ann.delete(at(ann, eve))).status_code == 204
    await world.project()
    assert (await as_eve.get(f"/v1/servers/{server}")).status_code == 404
    assert (await as_eve.get("/v1/servers")).json()["data"] == []


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([*ROLES, None]), st.integers(0, 3)), max_size=30))
def test_an_account_always_has_an_owner_and_nobody_raises_themselves(steps: list[Any]) -> None:
    people = [UUID(int=n) for n in range(4)]
    state = Account(
        id=new_id(), name="", version=1, created_at=BIRTH, members=[Member(user_id=people[0], role="owner")]
    )
    for who, role, by in steps:
        asking, now = role_of(state, people[by]), role_of(state, people[who])
        command = ChangeMember(user_id=people[who], role=role, by=asking or "none", themselves=who == by)
        try:
            events = change_member(state, command)
        except NotAllowed:
            continue
        for event in events:
            assert asking in ("owner", "admin") or (who == by and role is None)
            assert asking == "owner" or ("owner" not in (now, role)) or (who == by and role is None)
            meta = Meta(actor=Actor(type="system"))
            record = Recorded(
                tx=1, pos=1, stream_id=state.id, version=state.version + 1, event=event, meta=meta, at=BIRTH
            )
            state = evolve_account(state, record)
        assert any(member.role == "owner" for member in state.members)
        assert role_of(state, people[who]) == role


def test_the_page_about_people_says_what_each_role_may_do() -> None:
    lines = (REPOSITORY / "docs" / "people.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    columns: list[Right] = ["see", "act", "order", "end", "manage"]
    written = {
        role: frozenset(right for right, cell in zip(columns, cells, strict=True) if cell == "yes")
        for role, *cells in rows[2:]
    }
    assert written == RIGHTS
