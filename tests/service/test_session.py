"""Signing in, staying signed in, signing out."""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import timedelta

import bcrypt
import httpx
import pytest

from domain import ids
from domain.account.events import PasswordRehashed
from runtime import passwords
from service.identity import cookies, models, session, throttle
from tests.service.world import PASSWORD, Person, World


async def login(client: httpx.AsyncClient, email: str = "ann@example.com", password: str = PASSWORD) -> httpx.Response:
    return await client.post("/v1/login", json={"email": email, "password": password})


async def test_the_right_password_opens_a_session(world: World, ann: Person) -> None:
    async with world.anonymous() as client:
        answer = await login(client, "Ann@Example.com ")
        assert answer.status_code == 200
        models.Session.model_validate_json(answer.content)
        assert answer.json()["token_type"] == "Bearer"
        assert answer.json()["user"]["id"] == ids.show(ids.USER, ann.id)
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Path=/v1/token" in cookie
        assert "Secure" not in cookie  # plain http on this machine
        token = answer.json()["access_token"]
        me = await client.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"})
        assert me.json() == answer.json()["user"]


async def test_scripts_learn_that_there_is_a_session_and_nothing_of_it(world: World, ann: Person) -> None:
    async with world.anonymous() as client:
        answer = await login(client)
        (hint,) = [text for text in answer.headers.get_list("set-cookie") if text.startswith(f"{cookies.HINT}=")]
        assert hint.startswith(f"{cookies.HINT}=1;")
        assert "HttpOnly" not in hint
        assert "SameSite=strict" in hint
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        gone = (await client.post("/v1/logout")).headers.get_list("set-cookie")
    assert sorted((text.partition("=")[0], "Max-Age=0" in text) for text in gone) == [
        (cookies.COOKIE, True),
        (cookies.HINT, True),
    ]


async def test_the_cookie_is_for_https_alone_unless_on_this_machine(world: World, ann: Person) -> None:
    transport = httpx.ASGITransport(world.transport.app, client=("192.0.2.7", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://hostler.test") as client:
        assert "Secure" in (await login(client)).headers["set-cookie"]


@pytest.mark.parametrize(("email", "password"), [("ann@example.com", "wrong"), ("nobody@example.com", PASSWORD)])
async def test_wrong_credentials_look_alike(world: World, ann: Person, email: str, password: str) -> None:
    async with world.anonymous() as client:
        answer = await login(client, email, password)
    assert answer.status_code == 401
    assert answer.json()["code"] == "invalid_credentials"
    assert answer.json()["detail"] == "No user signs in with these."


@pytest.mark.parametrize(
    "raw",
    [
        bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(),
        bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, b"2a")).decode().replace("$2a", "$2y"),
        hashlib.md5(PASSWORD.encode()).hexdigest(),
        hashlib.md5(b"R(I:y" + PASSWORD.encode()).hexdigest() + ":R(I:y",
        hmac.new(b"key", PASSWORD.encode(), "sha256").hexdigest() + ":key",
    ],
    ids=["bcrypt", "bcrypt-2y", "md5", "md5-salt", "sha256-key"],
)
async def test_an_imported_password_opens_once_and_is_kept_under_argon2id(world: World, raw: str) -> None:
    imported = passwords.import_hash(raw)
    assert imported is not None
    old = await world.person("old@example.com", credential=imported)
    async with world.anonymous() as client:
        assert (await login(client, old.email, "wrong")).status_code == 401
        assert (await login(client, old.email)).status_code == 200
        kept = await world.store.pool.fetchrow("SELECT scheme, hash FROM credential WHERE user_id = $1", old.id)
        assert kept is not None
        assert kept["scheme"] == "argon2id"
        assert passwords.verify("argon2id", kept["hash"], PASSWORD)
        rehashed = (await world.store.read_stream(old.id))[-1].event
        assert rehashed == PasswordRehashed(scheme="argon2id", previous=imported[0])
        assert (await login(client, old.email)).status_code == 200
        assert len(await world.store.read_stream(old.id)) == 2


async def test_an_expired_legacy_password_opens_nothing(world: World, ann: Person) -> None:
    await world.store.pool.execute("UPDATE credential SET legacy_expires_at = now() - interval '1 day'")
    async with world.anonymous() as client:
        assert (await login(client)).status_code == 401


async def test_guessing_is_slowed_down_and_time_lets_the_right_password_in(world: World, ann: Person) -> None:
    pool = world.store.pool
    async with world.anonymous() as client:
        for _ in range(throttle.FREE_FAILURES):
            assert (await login(client, password="wrong")).status_code == 401
        await pool.execute("UPDATE login_attempt SET last_at = now()")  # however long the failures took
        slowed = await login(client)
        assert slowed.status_code == 429
        assert slowed.json()["code"] == "rate_limited"
        assert 1 <= int(slowed.headers["retry-after"]) <= throttle.LONGEST_DELAY
        assert (await login(client, "other@example.com", "x")).status_code == 401  # others are not slowed down
        await pool.execute("UPDATE login_attempt SET last_at = last_at - $1::interval", timedelta(seconds=2))
        assert (await login(client)).status_code == 200
        assert (await login(client, password="wrong")).status_code == 401  # counting starts anew


async def test_who_guesses_at_very_many_names_is_slowed_down_too(
    world: World, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "CROWD", throttle.Measure(3, 5.0))
    async with world.anonymous() as client:
        for name in "abc":
            assert (await login(client, f"{name}@example.com", "wrong")).status_code == 401
        await world.store.pool.execute("UPDATE login_attempt SET last_at = now()")
        slowed = await login(client)
        assert (slowed.status_code, 1 <= int(slowed.headers["retry-after"]) <= 5) == (429, True)
        await world.store.pool.execute("UPDATE login_attempt SET last_at = now() - interval '6 seconds'")
        assert (await login(client)).status_code == 200


async def test_the_delay_has_an_end(world: World, ann: Person) -> None:
    async with world.anonymous() as client:
        await login(client, password="wrong")
        await world.store.pool.execute("UPDATE login_attempt SET failures = 1000000")
        slowed = await login(client)
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) <= throttle.LONGEST_DELAY


async def refreshed(world: World, cookie: str) -> httpx.Response:
    async with world.anonymous(Cookie=f"{cookies.COOKIE}={cookie}") as client:
        return await client.post("/v1/token/refresh")


async def test_refreshing_rotates_and_a_second_tab_gets_the_same_successor(world: World, ann: Person) -> None:
    async with world.anonymous() as client:
        first = (await login(client)).cookies[cookies.COOKIE]
    one, other = await refreshed(world, first), await refreshed(world, first)
    assert one.status_code == other.status_code == 200
    assert one.cookies[cookies.COOKIE] == other.cookies[cookies.COOKIE] != first
    assert (await refreshed(world, one.cookies[cookies.COOKIE])).status_code == 200


async def test_late_reuse_of_a_replaced_token_ends_the_whole_session(world: World, ann: Person) -> None:
    async with world.anonymous() as client:
        answer = await login(client)
    first, token = answer.cookies[cookies.COOKIE], answer.json()["access_token"]
    second = (await refreshed(world, first)).cookies[cookies.COOKIE]
    await world.store.pool.execute("UPDATE refresh_token SET replaced_at = replaced_at - interval '11 seconds'")
    stolen = await refreshed(world, first)
    assert stolen.status_code == 401
    assert stolen.json()["code"] == "invalid_refresh_token"
    assert "Max-Age=0" in stolen.headers["set-cookie"]
    assert (await refreshed(world, second)).status_code == 401
    async with world.anonymous(Authorization=f"Bearer {token}") as client:
        assert (await client.get("/v1/users/me")).status_code == 401


@pytest.mark.parametrize("cookie", ["", "made-up"])
async def test_refreshing_without_a_known_cookie_is_refused(world: World, cookie: str) -> None:
    assert (await refreshed(world, cookie)).status_code == 401


async def test_signing_out_ends_the_session_at_once(world: World, ann: Person) -> None:
    async with world.anonymous() as client:
        answer = await login(client)
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        assert (await client.get("/v1/users/me")).status_code == 200
        out = await client.post("/v1/logout")
        assert out.status_code == 204
        assert (await client.get("/v1/users/me")).status_code == 401
    assert (await refreshed(world, answer.cookies[cookies.COOKIE])).status_code == 401


async def test_an_expired_token_is_refused_and_says_so(
    world: World, as_ann: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await as_ann.get("/v1/users/me")).status_code == 200
    later = time.time() + world.deps.tokens.seconds + 1
    monkeypatch.setattr("time.time", lambda: later)
    answer = await as_ann.get("/v1/users/me")
    assert answer.status_code == 401
    assert answer.json()["code"] == "token_expired"
