"""What a browser is told, and what another site can make it do."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx
import pytest

from service.app import PAGES
from service.identity import cookies, session
from service.web import problem_list
from service.web.edge import SECURITY
from service.web.problems import KINDS, PLACE
from tests.service.world import PASSWORD, Person, World

pytestmark = pytest.mark.pg
OWN_POLICY = "Content-Security-Policy"
LEADING_AWAY = (
    "//evil.example",
    "/%2F%2Fevil.example",
    "/\\\\evil.example",
    "/login?next=https://evil.example",
    "/servers/",
)


async def test_every_page_says_what_may_run_on_it(world: World) -> None:
    world.deps.ui.mkdir()
    (world.deps.ui / "index.html").write_text("<p>dashboard</p>")
    paths = [re.sub("{.*}", "x", path) for path in PAGES]
    async with world.anonymous() as client:
        for path in [*paths, "/docs", PLACE]:
            page = await client.get(path)
            policy = dict(part.strip().partition(" ")[::2] for part in page.headers[OWN_POLICY].split(";"))
            assert page.status_code == 200, path
            assert policy["default-src"] == "'self'"
            assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
            assert "unsafe" not in page.headers[OWN_POLICY]
            assert {name: page.headers[name] for name in SECURITY if name != OWN_POLICY}.items() <= SECURITY.items()
        for path in ("/nothing", "/v1/users/me", "/openapi.json", "/docs/nothing.js", "/assets/nothing.js"):
            assert (await client.get(path)).headers[OWN_POLICY] == SECURITY[OWN_POLICY]


async def test_a_browser_that_came_by_tls_comes_by_nothing_else(world: World) -> None:
    async with world.anonymous() as client:
        assert "strict-transport-security" not in (await client.get("/healthz")).headers
        assert "max-age" in (await client.get("https://hostler.test/healthz")).headers["strict-transport-security"]


async def test_nobody_is_led_to_another_site(world: World) -> None:
    async with world.anonymous() as client:
        for path in LEADING_AWAY:
            answer = await client.get(httpx.URL("http://hostler.test", raw_path=path.encode()))
            assert answer.status_code in (200, 404), path
            assert "location" not in answer.headers


async def test_another_site_cannot_use_the_refresh_cookie(world: World, ann: Person) -> None:
    async with world.anonymous() as client:
        signed_in = await client.post("/v1/login", json={"email": ann.email, "password": PASSWORD})
        given = signed_in.headers["set-cookie"].lower()
        assert {"httponly", "samesite=strict", "path=/v1/token"} <= {part.strip() for part in given.split(";")}
        headers = {"Cookie": f"{cookies.COOKIE}={signed_in.cookies[cookies.COOKIE]}"}
        for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
            answer = await client.post("/v1/token/refresh", headers=headers | {"Sec-Fetch-Site": site})
            assert answer.status_code == status, site


FOREIGN = (
    *("https://evil.example", "null", "", "http://", "hostler.test", "http://hostler.test.evil.example"),
    *("http://hostler.test:8443", "http://hostler.test@evil.example", "chrome-extension://hostler.test"),
)
OURS = ("http://hostler.test", "https://hostler.test", "https://panel.example.com")


@pytest.mark.parametrize("path", ["/v1/token/refresh", "/v1/logout"])
async def test_the_origin_of_another_site_is_refused_without_a_trace(world: World, ann: Person, path: str) -> None:
    async with world.anonymous() as client:
        signed_in = await client.post("/v1/login", json={"email": ann.email, "password": PASSWORD})
        headers = {"Cookie": f"{cookies.COOKIE}={signed_in.cookies[cookies.COOKIE]}"}
        for origin in FOREIGN:
            answer = await client.post(path, headers=headers | {"Origin": origin})
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), origin
            assert "set-cookie" not in answer.headers
        refused = await client.post(path, headers=headers | {"Sec-Fetch-Site": "cross-site"})
        assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)
        for origin in OURS:
            assert (await client.post(path, headers=headers | {"Origin": origin})).is_success, origin


async def test_an_address_nobody_has_takes_as_much_work(
    world: World, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    def verify(scheme: str, stored: str, password: str) -> bool:
        checked.append(scheme)
        return False

    monkeypatch.setattr("runtime.passwords.verify", verify)
    monkeypatch.setattr(session, "LEAST_SECONDS", 0.3)
    old = await world.person("old@example.com")
    await world.store.pool.execute("UPDATE credential SET scheme = 'md5_salt' WHERE user_id = $1", old.id)
    async with world.anonymous() as client:
        for email, work in (
            (ann.email, ["argon2id"]),
            ("nobody@example.com", ["argon2id"]),
            (old.email, ["md5_salt", "argon2id"]),
        ):
            checked.clear()
            began = time.monotonic()
            assert (await client.post("/v1/login", json={"email": email, "password": "wrong"})).status_code == 401
            assert checked == work
            assert 0.3 <= time.monotonic() - began < 3


async def test_every_problem_is_explained_where_its_type_leads(world: World) -> None:
    async with world.anonymous() as client:
        refused = (await client.get("/v1/users/me")).json()
        page = await client.get(refused["type"].partition("#")[0])
    assert refused["type"] == f"{PLACE}#unauthorized"
    assert {code for code in KINDS if f'id="{code}"' in page.text} == set(KINDS)


def test_the_list_of_problems_is_current() -> None:
    written = Path(__file__).parents[3] / "docs" / "problems.md"
    assert written.read_text() == problem_list.markdown(), "run: python -m service.web.problem_list > docs/problems.md"
