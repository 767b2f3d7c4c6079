"""What holds for every route: who may ask, what wrong requests are told, what every answer carries."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from service.catalogue import models as catalogue_models
from service.identity import cookies
from service.web import models as web_models
from service.web.body import LIMIT
from tests.service.world import World

JSON = {"Content-Type": "application/json"}


async def test_an_unknown_route_of_the_api_needs_a_token_too(world: World, as_ann: httpx.AsyncClient) -> None:
    async with world.anonymous() as client:
        assert (await client.get("/v1/nothing")).status_code == 401
    answer = await as_ann.get("/v1/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_wrong_method_learns_the_right_ones(as_ann: httpx.AsyncClient) -> None:
    answer = await as_ann.put("/v1/servers")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) >= {"GET", "POST"}


async def test_every_answer_carries_a_request_id(as_ann: httpx.AsyncClient) -> None:
    given = await as_ann.get("/v1/servers", headers={"X-Request-Id": "mine-1"})
    assert given.headers["x-request-id"] == "mine-1"
    made = await as_ann.get("/v1/servers/x", headers={"X-Request-Id": "not\tfit for a log"})
    assert made.headers["x-request-id"] == made.json()["request_id"]
    assert "\t" not in made.headers["x-request-id"]


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", JSON, 400, "malformed"),
        (b"", JSON, 400, "malformed"),
        (b'{"name": "\xff"}', JSON, 400, "malformed"),
        (b'{"name": "\\ud800"}', JSON, 400, "malformed"),
        (b"[" * 5000, JSON, 400, "malformed"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"{}", {}, 415, "unsupported_media_type"),
        (b"{}", {"Content-Type": "application/json; charset=latin-1"}, 415, "unsupported_media_type"),
        (b"[]", JSON, 422, "invalid"),
        (b"null", JSON, 422, "invalid"),
        (b"x" * (LIMIT + 1), {"Content-Type": "text/plain"}, 413, "too_large"),
    ],
)
async def test_wrong_bodies_are_told_apart(
    as_ann: httpx.AsyncClient, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await as_ann.post("/v1/servers", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    web_models.Problem.model_validate_json(answer.content)


async def test_a_body_without_a_length_is_cut_off_while_it_is_read(as_ann: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 64:
            sent += 1
            yield b" " * (LIMIT // 4)

    answer = await as_ann.post("/v1/servers", content=endless(), headers=JSON)
    assert answer.status_code == 413


async def test_a_failure_of_ours_shows_no_trace(
    as_ann: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr("service.web.paging.page", broken)
    answer = await as_ann.get("/v1/servers")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret reason" not in answer.text


async def test_a_database_that_goes_away_is_said_and_comes_back(as_ann: httpx.AsyncClient, world: World) -> None:
    await world.store.pool.execute("ALTER TABLE server_view RENAME TO elsewhere")
    assert (await as_ann.get("/v1/servers")).status_code == 500
    await world.store.pool.execute("ALTER TABLE elsewhere RENAME TO server_view")
    await world.deps.store.pool.close()
    answer = await as_ann.get("/v1/servers")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    ready = await as_ann.get("/readyz")
    assert ready.status_code == 503
    web_models.Readiness.model_validate_json(ready.content)
    assert [check["name"] for check in ready.json()["checks"] if not check["ok"]] == ["database"]
    assert (await as_ann.get("/healthz")).status_code == 200


async def test_cut_connections_are_replaced(as_ann: httpx.AsyncClient, world: World) -> None:
    assert (await as_ann.get("/v1/servers")).status_code == 200
    connection = await world.store.pool.acquire()
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await world.store.pool.release(connection)
    statuses = [(await as_ann.get("/v1/servers")).status_code for _ in range(5)]
    assert set(statuses) <= {200, 503}
    assert statuses[-1] == 200


async def test_metrics_are_for_this_machine_alone(world: World, as_ann: httpx.AsyncClient) -> None:
    await as_ann.get("/v1/servers/secret-id")
    async with world.anonymous() as client:
        answer = await client.get("/metrics")
        assert answer.status_code == 200
        assert 'route="/v1/servers/{id}",status="404"' in answer.text
        assert "secret-id" not in answer.text
        assert (await client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})).status_code == 404
    transport = httpx.ASGITransport(world.transport.app, client=("192.0.2.7", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://hostler.test") as stranger:
        assert (await stranger.get("/metrics")).status_code == 404


async def test_the_catalogue_is_listed_in_the_operators_order(as_ann: httpx.AsyncClient) -> None:
    plans = await as_ann.get("/v1/plans")
    catalogue_models.PlanPage.model_validate_json(plans.content)
    assert [plan["name"] for plan in plans.json()["data"]] == ["Small", "Large"]
    images = await as_ann.get("/v1/images?limit=1")
    catalogue_models.ImagePage.model_validate_json(images.content)
    cursor = images.json()["page"]["next_cursor"]
    rest = await as_ann.get("/v1/images", params={"cursor": cursor})
    assert [image["name"] for image in rest.json()["data"]] == ["Ubuntu 24.04"]
    locations = await as_ann.get("/v1/locations")
    catalogue_models.LocationPage.model_validate_json(locations.content)
    assert [place["key"] for place in locations.json()["data"]] == ["fra1"]


async def test_the_dashboard_is_served_for_its_routes_and_its_files_are_kept(world: World) -> None:
    async with world.anonymous() as client:
        missing = await client.get("/servers")
        assert missing.status_code == 404
        assert "HOSTLER_UI_DIR" in missing.text
        build_dashboard(world.deps.ui)
        for path in ("/", "/login", "/servers", "/servers/srv_1", "/servers/new", "/account", "/admin/nodes"):
            page = await client.get(path)
            assert (page.status_code, page.text) == (200, "<p>dashboard</p>")
            assert "default-src 'self'" in page.headers["content-security-policy"]
            assert page.headers["cache-control"] == "no-cache"
        asset = await client.get("/assets/app-1.js")
        assert "immutable" in asset.headers["cache-control"]
        for nothing in ("/assets/app-2.js", "/assets/../secret", "/assets/%2e%2e/index.html", "/else"):
            assert (await client.get(nothing)).status_code == 404


@pytest.mark.parametrize(
    ("path", "signed_in", "nobody"),
    [
        ("/", "index", "index"),
        ("/login", "index", "login"),
        ("/password/forgot", "index", "index"),
        ("/servers", "list", "login"),
        ("/servers/new", "inside", "login"),
        ("/servers/srv_1", "server", "login"),
        ("/servers/srv_1/console", "inside", "login"),
        ("/account", "inside", "login"),
        ("/admin/drift", "inside", "login"),
    ],
)
async def test_a_page_begins_with_what_the_browser_is_about_to_show(
    world: World, path: str, signed_in: str, nobody: str
) -> None:
    build_dashboard(world.deps.ui)
    for frame in ("login", "list", "server", "inside"):
        (world.deps.ui / f"{frame}.html").write_text("<p>dashboard</p>" + frame)
    async with world.anonymous() as client:
        for cookie, file in (({}, nobody), ({"Cookie": f"{cookies.HINT}=1"}, signed_in)):
            page = await client.get(path, headers=cookie)
            assert (page.text.removeprefix("<p>dashboard</p>") or "index") == file
            assert "Cookie" in page.headers["vary"]


async def test_what_is_written_into_a_page_is_allowed_by_its_hash_alone(world: World) -> None:
    build_dashboard(world.deps.ui)
    (world.deps.ui / "index.html").write_text("<style>p{}</style><script>\nf()</script><script src='/a'></script>")
    async with world.anonymous() as client:
        policy = (await client.get("/")).headers["content-security-policy"]
    style, script = (b64encode(sha256(text).digest()).decode() for text in (b"p{}", b"\nf()"))
    assert f"style-src 'self' 'sha256-{style}';" in policy
    assert f"script-src 'self' 'sha256-{script}';" in policy


@pytest.mark.parametrize(
    ("accepted", "coding", "sent"),
    [
        *(("gzip, br", "br", b"b"), ("gzip", "gzip", b"g"), ("br;q=0, gzip;q=0.5", "gzip", b"g")),
        *(("identity", None, None), ("", None, None)),
    ],
)
async def test_a_file_is_sent_as_small_as_its_reader_can_read_it(
    world: World, accepted: str, coding: str | None, sent: bytes | None
) -> None:
    build_dashboard(world.deps.ui)
    for ending, content in (("br", b"b"), ("gz", b"g")):
        (world.deps.ui / "assets" / f"app-1.js.{ending}").write_bytes(content)
        (world.deps.ui / f"index.html.{ending}").write_bytes(content)
    async with world.anonymous() as client:
        for path, type, plain in (
            ("/assets/app-1.js", "text/javascript", b"1"),
            ("/servers", "text/html", b"<p>dashboard</p>"),
        ):
            async with client.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer:
                raw = b"".join([chunk async for chunk in answer.aiter_raw()])
            assert answer.headers["content-type"].startswith(type)
            assert answer.headers.get("content-encoding") == coding
            assert "Accept-Encoding" in answer.headers["vary"]
            assert raw == (sent or plain)


async def test_a_file_that_a_browser_has_is_not_sent_again(world: World) -> None:
    build_dashboard(world.deps.ui)
    async with world.anonymous() as client:
        tag = (await client.get("/assets/app-1.js")).headers["etag"]
        again = await client.get("/assets/app-1.js", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


async def test_a_browser_is_told_of_a_wrong_address_on_a_page(world: World) -> None:
    build_dashboard(world.deps.ui)
    async with world.anonymous() as client:
        browser = {"Accept": "text/html,*/*;q=0.8"}
        page = await client.get("/else", headers=browser)
        assert (page.status_code, page.text) == (404, "<p>dashboard</p>")
        assert "default-src 'self'" in page.headers["content-security-policy"]
        for nothing in ("/assets/app-2.js", "/v1/else"):
            assert "<p>" not in (await client.get(nothing, headers=browser)).text
        assert (await client.get("/else")).headers["content-type"] == "application/problem+json"


def build_dashboard(folder: Path) -> None:
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<p>dashboard</p>")
    (folder / "assets" / "app-1.js").write_text("1")


async def test_the_documentation_needs_nothing_from_elsewhere(world: World) -> None:
    async with world.anonymous() as client:
        page = await client.get("/docs")
        script = await client.get("/docs/docs.js")
        styles = await client.get("/docs/docs.css")
        assert page.status_code == script.status_code == styles.status_code == 200
        for text in (page.text, script.text, styles.text):
            assert "http://" not in text
            assert "https://" not in text
        assert (await client.get("/docs/other.js")).status_code == 404
