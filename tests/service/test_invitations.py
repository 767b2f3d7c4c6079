"""Invitations: by letter, for who is here already and who is new, once, for a time, and for nobody else to see."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.account import events as a
from service.accounts import models
from tests.service.identity.test_reset import letters
from tests.service.test_accounts import at, roles
from tests.service.world import PASSWORD, Person, World

OPEN, ACCEPT = "/v1/invitations/open", "/v1/invitations/accept"
NEW = "a better horse battery"


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """Where the letters of this installation go."""
    return tmp_path / "mail"


async def invite(client: httpx.AsyncClient, account: Person, email: str, role: str = "viewer") -> httpx.Response:
    return await client.post(f"{at(account)}/invitations", json={"email": email, "role": role})


async def token(world: World, box: Path, client: httpx.AsyncClient, account: Person, email: str, role: str) -> str:
    """Invite somebody; what the letter's link opens."""
    before = len(letters(box))
    answer = await invite(client, account, email, role)
    assert answer.status_code == 201, answer.text
    models.Invitation.model_validate_json(answer.content)
    await world.until(lambda: len(letters(box)) > before)
    found = re.search(r"https://panel\.example\.com/invitations/accept#(\S+)", letters(box)[-1][2])
    assert found is not None
    return found.group(1)


async def waiting(client: httpx.AsyncClient, account: Person) -> list[dict[str, Any]]:
    answer = await client.get(f"{at(account)}/invitations")
    models.InvitationPage.model_validate_json(answer.content)
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def test_somebody_new_chooses_a_name_and_a_password(
    world: World, ann: Person, as_ann: httpx.AsyncClient, box: Path
) -> None:
    link = await token(world, box, as_ann, ann, "Eve@Example.com", "operator")
    assert letters(box)[-1][0] == "eve@example.com"
    async with world.anonymous() as client:
        offered = await client.post(OPEN, json={"token": link})
        models.OpenedInvitation.model_validate_json(offered.content)
        shown = {name: offered.json()[name] for name in ("account", "email", "role", "signs_in")}
        assert shown == {"account": ann.email, "email": "eve@example.com", "role": "operator", "signs_in": False}
        assert (await client.post(ACCEPT, json={"token": link})).status_code == 422
        weak = {"token": link, "name": "Eve", "password": "eve@example.com"}
        assert (await client.post(ACCEPT, json=weak)).status_code == 422
        answer = await client.post(ACCEPT, json={"token": link, "name": "Eve", "password": NEW})
        assert answer.status_code == 200
        models.AcceptedInvitation.model_validate_json(answer.content)
        assert answer.json()["account"]["role"] == "operator"
        again = await client.post(ACCEPT, json={"token": link, "name": "Eve", "password": NEW})
        assert (again.status_code, again.json()["code"]) == (410, "link_expired")
        login = await client.post("/v1/login", json={"email": "eve@example.com", "password": NEW})
        assert login.status_code == 200
    await world.project()
    assert await roles(as_ann, ann) == {ann.email: "owner", "eve@example.com": "operator"}
    assert await waiting(as_ann, ann) == []
    assert ann.account_id is not None
    told = [type(record.event) for record in await world.store.read_stream(ann.account_id)]
    assert told[-2:] == [a.MemberInvited, a.MemberAdded]


async def test_who_is_here_already_signs_in_and_accepts(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient, box: Path
) -> None:
    link = await token(world, box, as_ann, ann, "bob@example.com", "admin")
    async with world.anonymous() as client:
        assert (await client.post(OPEN, json={"token": link})).json()["signs_in"] is True
        refused = await client.post(ACCEPT, json={"token": link, "name": "Bob", "password": NEW})
        assert (refused.status_code, refused.json()["code"]) == (409, "already_exists")
        stolen = await client.post(ACCEPT, json={"token": link}, headers={"Authorization": "Bearer made-up"})
        assert stolen.status_code == 401
    assert (await as_bob.get(at(ann))).status_code == 404
    assert (await as_bob.post(ACCEPT, json={"token": link})).status_code == 200
    await world.project()
    assert (await as_bob.get(at(ann))).json()["role"] == "admin"
    second = await token(world, box, as_ann, ann, "bob2@example.com", "viewer")
    assert (await as_bob.post(ACCEPT, json={"token": second})).status_code == 409  # they are what they are


async def test_an_invitation_is_replaced_withdrawn_and_too_old(
    world: World, ann: Person, as_ann: httpx.AsyncClient, box: Path
) -> None:
    first = await token(world, box, as_ann, ann, "eve@example.com", "viewer")
    second = await token(world, box, as_ann, ann, "eve@example.com", "admin")
    (only,) = await waiting(as_ann, ann)
    assert (only["email"], only["role"]) == ("eve@example.com", "admin")
    async with world.anonymous() as client:
        assert (await client.post(OPEN, json={"token": first})).status_code == 410
        assert (await as_ann.delete(f"{at(ann)}/invitations/{only['id']}")).status_code == 204
        assert (await as_ann.delete(f"{at(ann)}/invitations/{only['id']}")).status_code == 404
        assert (await client.post(OPEN, json={"token": second})).status_code == 410
        third = await token(world, box, as_ann, ann, "eve@example.com", "admin")
        await world.store.pool.execute("UPDATE invitation SET expires_at = now() - interval '1 s'")
        new = {"token": third, "name": "Eve", "password": NEW}
        assert (await client.post(ACCEPT, json=new)).status_code == 410
        assert await waiting(as_ann, ann) == []
        assert (await client.post(OPEN, json={"token": "made up"})).status_code == 410


async def test_only_who_manages_members_invites_and_nobody_invites_above_themselves(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient, box: Path
) -> None:
    assert (await invite(as_bob, ann, "eve@example.com")).status_code == 404
    assert (await as_bob.get(f"{at(ann)}/invitations")).status_code == 404
    link = await token(world, box, as_ann, ann, "bob@example.com", "operator")
    assert (await as_bob.post(ACCEPT, json={"token": link})).status_code == 200
    await world.project()
    assert (await invite(as_bob, ann, "eve@example.com")).status_code == 403
    assert (await as_bob.get(f"{at(ann)}/invitations")).status_code == 403
    (bob,) = [m for m in (await as_ann.get(f"{at(ann)}/members")).json()["data"] if m["email"] == "bob@example.com"]
    assert (await as_ann.put(f"{at(ann)}/members/{bob['id']}", json={"role": "admin"})).status_code == 200
    assert (await invite(as_bob, ann, "eve@example.com", "owner")).status_code == 409
    eves = await token(world, box, as_bob, ann, "eve@example.com", "admin")
    other = (await waiting(as_ann, ann))[0]["id"]
    assert (await as_ann.delete(f"{at(ann)}/members/{bob['id']}")).status_code == 204
    async with world.anonymous() as client:
        new = {"token": eves, "name": "Eve", "password": NEW}
        assert (await client.post(ACCEPT, json=new)).status_code == 410  # who invited may not any more
    await world.project()
    assert (await as_bob.delete(f"{at(ann)}/invitations/{other}")).status_code == 404


async def test_programs_do_not_accept_and_boxes_are_not_filled(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient, box: Path
) -> None:
    made = (await as_bob.post("/v1/users/me/tokens", json={"name": "ci", "scopes": ["write"]})).json()
    link = await token(world, box, as_ann, ann, "bob@example.com", "viewer")
    async with world.anonymous(Authorization=f"Bearer {made['token']}") as program:
        assert (await program.post(ACCEPT, json={"token": link})).status_code == 403
    answers = [(await invite(as_ann, ann, "victim@example.com")).status_code for _ in range(12)]
    assert 429 in answers


async def test_what_opens_an_invitation_is_not_in_the_database(
    world: World, ann: Person, as_ann: httpx.AsyncClient, box: Path
) -> None:
    link = await token(world, box, as_ann, ann, "eve@example.com", "viewer")
    rows = [
        await world.store.pool.fetch(f"SELECT t::text FROM {table} t")
        for table in ("letter", "invitation", "event", "event_private")
    ]
    assert link not in " ".join(row[0] for table in rows for row in table)
    assert PASSWORD not in str(rows)
