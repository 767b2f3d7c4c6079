"""Changing a server: labels and protection at once, its name as an operation, and all of it at a version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from service.servers import models
from tests.service.test_actions import over
from tests.service.test_servers import ordered, running
from tests.service.world import Person, World

Order = Callable[..., dict[str, Any]]


async def test_labels_and_protection_are_changed_at_once_and_told_in_the_history(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    path = f"/v1/servers/{await running(world, as_ann, order(labels={'team': 'a'}))}"
    before = (await as_ann.get(path)).json()
    answer = await as_ann.patch(path, json={"labels": {"team": "b", "env": ""}, "protection": {"delete": True}})
    assert answer.status_code == 200
    models.Server.model_validate_json(answer.content)
    after = await as_ann.get(path)
    assert after.json() == answer.json()
    assert after.headers["etag"] == answer.headers["etag"]
    assert (after.json()["labels"], after.json()["protection"]) == ({"team": "b", "env": ""}, {"delete": True})
    assert after.json()["version"] == before["version"] + 2
    told = [entry["title"] for entry in (await as_ann.get(f"{path}/history")).json()["data"]]
    assert told[:2] == ["Delete protection turned on", "Labels changed"]


async def test_a_change_that_changes_nothing_writes_nothing(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    path = f"/v1/servers/{await running(world, as_ann, order(labels={'team': 'a'}))}"
    before = await as_ann.get(path)
    for same in ({}, {"labels": {"team": "a"}}, {"protection": {"delete": False}}, {"name": "WEB-1"}):
        answer = await as_ann.patch(path, json=same)
        assert (answer.status_code, answer.json()) == (200, before.json())


async def test_a_protected_server_is_not_terminated(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    path = f"/v1/servers/{await running(world, as_ann, order())}"
    assert (await as_ann.patch(path, json={"protection": {"delete": True}})).status_code == 200
    refused = await as_ann.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "protected")
    assert (await as_ann.patch(path, json={"protection": {"delete": False}})).status_code == 200
    assert (await as_ann.delete(path)).status_code == 202


async def test_another_name_is_an_operation_beside_which_the_rest_is_done(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = await running(world, as_ann, order())
    path = f"/v1/servers/{server}"
    answer = await as_ann.patch(path, json={"name": "Web-2", "labels": {"a": "b"}})
    assert answer.status_code == 202
    models.ServerAccepted.model_validate_json(answer.content)
    operation = answer.json()["operation"]
    assert operation["type"] == "rename"
    assert answer.headers["location"] == f"/v1/operations/{operation['id']}"
    assert (await as_ann.get(answer.headers["location"])).json() == operation
    assert answer.json()["server"]["labels"] == {"a": "b"}
    busy = await as_ann.patch(path, json={"name": "web-3", "labels": {}})
    assert (busy.status_code, busy.json()["blocking_operation"]) == (409, operation["id"])
    assert (await as_ann.patch(path, json={"labels": {}})).status_code == 200
    await over(world, server, operation)
    wrong = await as_ann.patch(path, json={"name": "not a host name", "labels": {"x": "y"}})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/name")
    assert (await as_ann.get(path)).json()["labels"] == {}


async def test_a_change_is_guarded_by_a_version_and_answered_once(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    path = f"/v1/servers/{await running(world, as_ann, order())}"
    tag = (await as_ann.get(path)).headers["etag"]
    headers = {"If-Match": tag, "Idempotency-Key": "k"}
    first = await as_ann.patch(path, json={"labels": {"a": "1"}}, headers=headers)
    assert first.status_code == 200
    assert (await as_ann.patch(path, json={"labels": {"a": "1"}}, headers=headers)).content == first.content
    late = await as_ann.patch(path, json={"labels": {"a": "2"}}, headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "version_mismatch")
    assert (await as_ann.get(path)).headers["etag"] == first.headers["etag"]


async def test_only_who_may_act_on_a_server_changes_it(
    world: World, ann: Person, as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient, order: Order
) -> None:
    path = f"/v1/servers/{await running(world, as_ann, order())}"
    assert (await as_bob.patch(path, json={"labels": {"a": "b"}})).status_code == 404
    eve = await world.person("eve@example.com")
    assert ann.account_id is not None
    await world.join(eve, ann.account_id, "viewer")
    as_eve = await world.signed_in(eve)
    assert (await as_eve.patch(path, json={"labels": {"a": "b"}})).status_code == 403
    for field in ("status", "version", "owner", "admin"):
        assert (await as_ann.patch(path, json={field: "x"})).status_code == 422


async def test_servers_are_found_by_their_labels(
    world: World, as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient, order: Order
) -> None:
    for name, labels in [("a", {"env": "live"}), ("b", {"env": "test", "x": ""}), ("c", {"note": "a:b'%"}), ("d", {})]:
        await ordered(as_ann, order(name=name, labels=labels))
    await world.project()

    async def found(label: str, client: httpx.AsyncClient = as_ann) -> list[str]:
        answer = await client.get("/v1/servers", params={"label": label, "sort": "name"})
        return [server["name"] for server in answer.json()["data"]]

    assert await found("env") == ["a", "b"]
    assert await found("env:live") == ["a"]
    assert await found("x:") == ["b"]
    assert await found("note:a:b'%") == ["c"]
    assert await found("env:nothing") == await found("' OR true --") == []
    assert await found("") == ["a", "b", "c", "d"]
    assert await found("env", as_bob) == []
