"""A forgotten password, from the question to the new one."""

from __future__ import annotations

import email
import re
from email.policy import default
from pathlib import Path

import httpx
import pytest

from domain.account import events as a
from tests.service.world import PASSWORD, Person, World

FORGOT, RESET = "/v1/password/forgot", "/v1/password/reset"
NEW = "a better horse battery"


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """Where the letters of this installation go."""
    return tmp_path / "mail"


def letters(box: Path) -> list[tuple[str, str, str]]:
    """Whom to, what about, and what, of every letter, the oldest first."""
    paths = sorted(box.glob("*.eml"))
    found = [email.message_from_bytes(path.read_bytes(), policy=default) for path in paths]
    return [(m["To"], m["Subject"], m.get_content()) for m in found]


async def token(world: World, box: Path, address: str = "ann@example.com") -> str:
    """Ask for a letter; what its link opens."""
    before = len(letters(box))
    async with world.anonymous() as client:
        assert (await client.post(FORGOT, json={"email": address})).status_code == 202
    await world.until(lambda: len(letters(box)) > before)
    found = re.search(r"https://panel\.example\.com/password/reset#(\S+)", letters(box)[-1][2])
    assert found is not None
    return found.group(1)


async def test_a_letter_opens_the_way_to_a_new_password(
    world: World, ann: Person, as_ann: httpx.AsyncClient, box: Path
) -> None:
    link = await token(world, box, " Ann@Example.com")
    assert letters(box)[0][0] == "ann@example.com"
    async with world.anonymous() as client:
        assert (await client.post(RESET, json={"token": link, "password": NEW})).status_code == 204
        old = await client.post("/v1/login", json={"email": ann.email, "password": PASSWORD})
        new = await client.post("/v1/login", json={"email": ann.email, "password": NEW})
        assert (old.status_code, new.status_code) == (401, 200)
        again = await client.post(RESET, json={"token": link, "password": NEW})
        assert (again.status_code, again.json()["code"]) == (410, "link_expired")
    assert (await as_ann.get("/v1/users/me")).status_code == 401  # signed out everywhere
    await world.until(lambda: "Your password was changed" in {subject for _, subject, _ in letters(box)})
    assert type((await world.store.read_stream(ann.id))[-1].event) is a.PasswordChanged


async def test_nobody_learns_who_has_an_account(world: World, ann: Person, box: Path) -> None:
    async with world.anonymous() as client:
        known = await client.post(FORGOT, json={"email": ann.email})
        unknown = await client.post(FORGOT, json={"email": "nobody@example.com"})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    await world.until(lambda: len(letters(box)) == 1)
    assert letters(box)[0][0] == ann.email


async def test_only_the_youngest_link_opens_and_not_for_ever(world: World, ann: Person, box: Path) -> None:
    first = await token(world, box)
    second = await token(world, box)
    async with world.anonymous() as client:
        assert (await client.post(RESET, json={"token": first, "password": NEW})).status_code == 410
        await world.store.pool.execute("UPDATE one_time_link SET expires_at = now() - interval '1 s'")
        assert (await client.post(RESET, json={"token": second, "password": NEW})).status_code == 410
        assert (await client.post(RESET, json={"token": "made up", "password": NEW})).status_code == 410


async def test_a_weak_password_does_not_use_the_link_up(world: World, ann: Person, box: Path) -> None:
    link = await token(world, box)
    async with world.anonymous() as client:
        assert (await client.post(RESET, json={"token": link, "password": "short"})).status_code == 422
        assert (await client.post(RESET, json={"token": link, "password": "aaaaaaaaaaaa"})).status_code == 422
        assert (await client.post(RESET, json={"token": link, "password": NEW})).status_code == 204


async def test_nobodys_box_is_filled(world: World, ann: Person, box: Path) -> None:
    async with world.anonymous() as client:
        answers = [(await client.post(FORGOT, json={"email": ann.email})).status_code for _ in range(12)]
    assert 429 in answers


async def test_what_a_letter_says_is_not_in_the_database(world: World, ann: Person, box: Path) -> None:
    link = await token(world, box)
    tables = ("letter", "one_time_link", "event", "event_private")
    rows = [await world.store.pool.fetch(f"SELECT t::text FROM {table} t") for table in tables]
    kept = " ".join(row[0] for table in rows for row in table)
    assert link not in kept
    assert link.encode().hex() not in kept
    waiting = "SELECT count(*) FROM letter WHERE sealed IS NOT NULL OR sent_at IS NULL"
    assert await world.store.pool.fetchval(waiting) == 0
