"""Programs: what a token opens, from where, until when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.account import events as a
from service.identity import models
from tests.service.world import Person, World

TOKENS = "/v1/users/me/tokens"
Order = Callable[..., dict[str, Any]]


async def made(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post(TOKENS, json={"name": "ci", "scopes": ["read"]} | body)
    assert answer.status_code == 201, answer.text
    models.NewApiToken.model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    return found


def program(world: World, token: dict[str, Any], address: str = "127.0.0.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(world.transport.app, raise_app_exceptions=False, client=(address, 5000))
    headers = {"Authorization": f"Bearer {token['token']}"}
    return httpx.AsyncClient(transport=transport, base_url="http://hostler.test", headers=headers)


async def test_a_token_reads_and_one_that_may_writes(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    reading, writing = await made(as_ann), await made(as_ann, scopes=["write"])
    async with program(world, reading) as reader, program(world, writing) as writer:
        assert (await reader.get("/v1/servers")).status_code == 200
        refused = await reader.post("/v1/servers", json=order())
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        created = await writer.post("/v1/servers", json=order())
        assert created.status_code == 202
        assert (await reader.get(f"/v1/servers/{created.json()['server']['id']}")).status_code == 200


async def test_a_token_sees_what_its_user_sees(
    world: World, as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient, order: Order
) -> None:
    server = (await as_bob.post("/v1/servers", json=order())).json()["server"]["id"]
    async with program(world, await made(as_ann, scopes=["write"])) as client:
        assert (await client.get(f"/v1/servers/{server}")).status_code == 404


async def test_a_token_changes_nothing_about_who_one_is(world: World, as_ann: httpx.AsyncClient) -> None:
    async with program(world, await made(as_ann, scopes=["read", "write"])) as client:
        assert (await client.get("/v1/users/me")).status_code == 200
        for method, path in [("POST", TOKENS), ("GET", "/v1/users/me/sessions"), ("PUT", "/v1/users/me/password")]:
            answer = await client.request(method, path, json={})
            assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


async def test_a_token_is_listed_used_and_revoked_at_once(world: World, ann: Person, as_ann: httpx.AsyncClient) -> None:
    token = await made(as_ann)
    async with program(world, token) as client:
        assert (await client.get("/v1/plans")).status_code == 200
        listed = await as_ann.get(TOKENS)
        models.ApiTokens.model_validate_json(listed.content)
        (shown,) = listed.json()["data"]
        assert shown["id"] == token["id"]
        assert shown["last_used_from"] == "127.0.0.1"
        assert shown["last_used_at"]
        assert token["token"] not in listed.text
        assert (await as_ann.delete(f"{TOKENS}/{token['id']}")).status_code == 204
        assert (await client.get("/v1/plans")).status_code == 401
    assert (await as_ann.delete(f"{TOKENS}/{token['id']}")).status_code == 404
    events = [type(record.event) for record in await world.store.read_stream(ann.id)]
    assert events[-2:] == [a.ApiTokenCreated, a.ApiTokenRevoked]


async def test_a_token_of_somebody_else_is_not_there(as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient) -> None:
    token = await made(as_ann)
    assert (await as_bob.delete(f"{TOKENS}/{token['id']}")).status_code == 404
    assert (await as_bob.get(TOKENS)).json()["data"] == []


async def test_a_token_is_good_only_from_its_networks(world: World, as_ann: httpx.AsyncClient) -> None:
    token = await made(as_ann, networks=["198.51.100.0/24", "2001:db8::/32"])
    for address, status in [("198.51.100.7", 200), ("2001:db8::5", 200), ("198.51.101.7", 403), ("127.0.0.1", 403)]:
        async with program(world, token, address) as client:
            assert (await client.get("/v1/plans")).status_code == status, address


async def test_a_token_ends_when_its_time_is_over(world: World, as_ann: httpx.AsyncClient) -> None:
    token = await made(as_ann, expires_at=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    async with program(world, token) as client:
        assert (await client.get("/v1/plans")).status_code == 200
        await world.store.pool.execute("UPDATE api_token SET expires_at = now() - interval '1 s'")
        world.deps.tokens.hear(True)  # forgets what it had checked
        assert (await client.get("/v1/plans")).status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"scopes": ["staff"]},
        {"networks": ["everywhere"]},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2030-01-01T00:00:00"},
        {"name": ""},
        {"user_id": "usr_1"},
    ],
)
async def test_a_wrong_token_is_refused(as_ann: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    answer = await as_ann.post(TOKENS, json={"name": "ci", "scopes": ["read"]} | wrong)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["pointer"].startswith("/" + next(iter(wrong)))


async def test_staff_may_have_tokens_for_their_routes(world: World, as_staff: httpx.AsyncClient) -> None:
    async with program(world, await made(as_staff, scopes=["staff"])) as client:
        assert (await client.get("/v1/admin/clusters")).status_code == 200
        assert (await client.get("/v1/servers")).status_code == 403
    async with program(world, await made(as_staff, scopes=["write"])) as client:
        assert (await client.get("/v1/admin/clusters")).status_code == 403


@pytest.mark.parametrize("token", ["hst_", "hst_x", "hst_" + "a" * 5000])
async def test_what_is_no_token_opens_nothing(world: World, token: str) -> None:
    async with program(world, {"token": token}) as client:
        assert (await client.get("/v1/plans")).status_code == 401
