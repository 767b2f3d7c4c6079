"""Staff sign in through the company's provider; nobody else gets in, whatever the provider or the browser says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from domain.account import events as a
from eventstore.store import Entry
from runtime.settings import Config, Oidc
from service.app import build
from service.identity import cookies
from service.oidc import sign_in
from testbed.postgres import free_port
from tests.service.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, serving
from tests.service.world import SYSTEM, Person, World

PANEL = "http://hostler.test"


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    """The company's provider; it vouches for root@example.com."""
    made = Provider()
    made.claims = {"email": "Root@Example.com", "email_verified": True}
    async with serving(made):
        yield made


@pytest.fixture
def world(world: World, provider: Provider, tmp_path: Path) -> World:
    """An installation that knows the provider."""
    (tmp_path / "client_secret").write_text(CLIENT_SECRET)
    return with_provider(world, provider, tmp_path)


@pytest.fixture
async def root(world: World) -> Person:
    """An administrator."""
    return await world.person("root@example.com", role="admin")


def with_provider(world: World, provider: Provider, folder: Path, **settings: Any) -> World:
    values: dict[str, Any] = {
        "name": "Example ID",
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "domains": ["example.com"],
    }
    values |= {"client_secret_file": folder / "client_secret", "link_base": PANEL} | settings
    config: Config = world.deps.config.model_copy(update={"oidc": Oidc.model_validate(values)})
    deps = replace(world.deps, config=config)
    world.deps = deps
    world.transport = httpx.ASGITransport(build(deps), raise_app_exceptions=False, client=("127.0.0.1", 5000))
    return world


async def there(client: httpx.AsyncClient, next: str = "/admin") -> str:
    """Where the provider sends the browser back to."""
    left = await client.get("/v1/oidc/login", params={"next": next})
    assert left.status_code == 303, left.text
    async with httpx.AsyncClient() as browser:
        return str((await browser.get(left.headers["location"])).headers["location"])


async def back(client: httpx.AsyncClient) -> httpx.Response:
    return await client.get(await there(client))


async def test_an_administrator_signs_in_and_the_session_is_like_any_other(world: World, root: Person) -> None:
    async with world.anonymous() as client:
        answer = await back(client)
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin")
        assert sign_in.COOKIE not in client.cookies
        assert client.cookies[cookies.HINT] == "1"
        token = (await client.post("/v1/token/refresh")).json()["access_token"]
        me = await client.get("/v1/users/me", headers={"Authorization": f"Bearer {token}"})
    assert me.json()["email"] == root.email


async def test_the_first_time_is_recorded_and_then_the_providers_own_name_counts(
    world: World, root: Person, provider: Provider
) -> None:
    async with world.anonymous() as client:
        await back(client)
        provider.claims["email"] = "root.married@example.com"
        assert (await back(client)).headers["location"] == "/admin"
    linked = [r.event for r in await world.store.read_stream(root.id) if isinstance(r.event, a.IdentityLinked)]
    assert linked == [a.IdentityLinked(issuer=provider.issuer, subject="248289761001")]


async def test_the_sign_in_page_learns_what_the_provider_is_called(world: World) -> None:
    async with world.anonymous() as client:
        assert (await client.get("/v1/oidc")).json() == {"object": "sign_in_provider", "name": "Example ID"}


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"email": "nobody@example.com"}, "unknown"),
        ({"email": "ann@example.com"}, "unknown"),  # a customer
        ({"email": "root@elsewhere.com"}, "not_allowed"),
        ({"email_verified": False}, "not_allowed"),
        ({"email": None}, "not_allowed"),
        ({"iss": "https://id.evil.example"}, "refused"),
        ({"aud": "another-client"}, "refused"),
        ({"aud": [CLIENT_ID, "another-client"]}, "refused"),
        ({"exp": 1_000_000_000}, "refused"),
        ({"nonce": "another"}, "refused"),
    ],
)
async def test_nobody_else_is_let_in(
    world: World, root: Person, ann: Person, provider: Provider, claims: dict[str, Any], why: str
) -> None:
    provider.claims |= claims
    async with world.anonymous() as client:
        answer = await back(client)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/login#sign-in={why}")
        assert cookies.COOKIE not in client.cookies


@pytest.mark.parametrize("algorithm", ["another key", "none"])
async def test_what_the_provider_did_not_sign_proves_nothing(
    world: World, root: Person, provider: Provider, algorithm: str
) -> None:
    claims = provider.usual("n") | {"nonce": "n"}
    forged = provider.signed(claims, RSAKey.generate_key(2048, {"kid": "first"}))
    provider.id_token = forged if algorithm == "another key" else f"eyJhbGciOiJub25lIn0.{forged.split('.')[1]}."
    async with world.anonymous() as client:
        assert (await back(client)).headers["location"] == "/login#sign-in=refused"


async def test_a_disabled_administrator_stays_out(world: World, root: Person) -> None:
    await world.store.append([Entry(root.id, 2, a.UserDisabled(reason="left"), SYSTEM, root.id)])
    async with world.anonymous() as client:
        assert (await back(client)).headers["location"] == "/login#sign-in=unknown"


async def test_two_people_of_the_provider_are_never_one_administrator(
    world: World, root: Person, provider: Provider
) -> None:
    async with world.anonymous() as client:
        await back(client)
        provider.claims["sub"] = "another"
        assert (await back(client)).headers["location"] == "/login#sign-in=unknown"


async def test_a_code_holds_once_and_in_the_browser_that_left(world: World, root: Person) -> None:
    async with world.anonymous() as client, world.anonymous() as thief:
        url = await there(client)
        assert (await thief.get(url)).headers["location"] == "/login#sign-in=refused"
        sealed = client.cookies[sign_in.COOKIE]
        assert (await client.get(url.replace("state=", "state=x"))).headers["location"] == "/login#sign-in=refused"
        client.cookies.set(sign_in.COOKIE, sealed, domain="hostler.test", path=sign_in.PATH)
        assert (await client.get(url)).headers["location"] == "/admin"
        client.cookies.set(sign_in.COOKIE, sealed, domain="hostler.test", path=sign_in.PATH)
        assert (await client.get(url)).headers["location"] == "/login#sign-in=refused"


async def test_too_late_is_too_late(world: World, root: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world.anonymous() as client:
        url = await there(client)
        monkeypatch.setattr(sign_in, "SECONDS", -1)
        assert (await client.get(url)).headers["location"] == "/login#sign-in=refused"


@pytest.mark.parametrize("next", ["//evil.example/", "https://evil.example/", "/\\evil.example", "/a\r\nX: y", ""])
async def test_nobody_is_sent_to_another_site(world: World, root: Person, next: str) -> None:
    async with world.anonymous() as client:
        assert (await client.get(await there(client, next))).headers["location"] == "/"


async def test_a_provider_that_denies_or_is_away_is_said(world: World, provider: Provider, tmp_path: Path) -> None:
    provider.denies = True
    async with world.anonymous() as client:
        assert (await back(client)).headers["location"] == "/login#sign-in=refused"
    with_provider(world, provider, tmp_path, issuer=f"http://127.0.0.1:{free_port()}")
    async with world.anonymous() as client:
        left = await client.get("/v1/oidc/login")
    assert left.headers["location"] == "/login#sign-in=away"


async def test_a_group_admits_whom_the_domain_does_not(
    world: World, root: Person, provider: Provider, tmp_path: Path
) -> None:
    with_provider(world, provider, tmp_path, domains=[], groups=["hosting"])
    async with world.anonymous() as client:
        assert (await back(client)).headers["location"] == "/login#sign-in=not_allowed"
        provider.claims["groups"] = ["hosting", "other"]
        assert (await back(client)).headers["location"] == "/admin"


async def test_without_a_provider_there_is_none(world: World) -> None:
    world.deps = replace(world.deps, config=world.deps.config.model_copy(update={"oidc": None}))
    world.transport = httpx.ASGITransport(build(world.deps), client=("127.0.0.1", 5000))
    async with world.anonymous() as client:
        assert (await client.get("/v1/oidc")).json()["name"] is None
        assert [(await client.get(path)).status_code for path in ("/v1/oidc/login", "/v1/oidc/callback")] == [404, 404]


def test_a_provider_whose_people_nobody_named_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="domains"):
        Oidc(issuer="https://id.example.com", client_id="x", client_secret_file=tmp_path, link_base=PANEL)
    with pytest.raises(ValidationError, match="issuer"):
        Oidc(issuer="http://id.example.com", client_id="x", client_secret_file=tmp_path, link_base=PANEL, groups=["a"])
