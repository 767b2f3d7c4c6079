"""Saved views: kept for their user alone, and only what the list of servers understands."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from service.views import models, views
from tests.service.world import World

VIEWS = "/v1/users/me/views"
RUNNING = {"name": "Running", "query": "status=running&sort=name", "scope": "own"}


async def kept(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await client.post(VIEWS, json=RUNNING | changes)
    assert answer.status_code == 201, answer.text
    models.SavedView.model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{VIEWS}/{found['id']}"
    return found


async def test_a_view_is_kept_listed_by_name_replaced_and_forgotten(as_ann: httpx.AsyncClient) -> None:
    view, other = await kept(as_ann), await kept(as_ann, name="All", query="")
    assert (view["name"], view["query"], view["scope"]) == tuple(RUNNING.values())
    listed = await as_ann.get(VIEWS)
    models.SavedViewPage.model_validate_json(listed.content)
    assert listed.json()["data"] == [other, view]
    path = f"{VIEWS}/{view['id']}"
    assert (await as_ann.get(path)).json() == view
    changed = {"name": "Web", "query": "q=web%20%26%20co&label=stage:live"}
    replaced = await as_ann.put(path, json=changed)
    assert replaced.json() == view | changed | {"updated_at": replaced.json()["updated_at"]}
    assert replaced.json()["updated_at"] > view["updated_at"]
    assert (await as_ann.put(path, json=RUNNING | {"name": "Web"})).status_code == 200
    assert (await as_ann.delete(path)).status_code == 204
    for gone in (await as_ann.get(path), await as_ann.put(path, json=RUNNING), await as_ann.delete(path)):
        assert gone.status_code == 404
    assert (await as_ann.get(VIEWS)).json()["data"] == [other]


async def test_one_name_is_one_view(as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient) -> None:
    view, other = await kept(as_ann), await kept(as_ann, name="Other")
    for answer in (
        await as_ann.post(VIEWS, json=RUNNING),
        await as_ann.put(f"{VIEWS}/{other['id']}", json=RUNNING),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")
        assert view["id"] in answer.json()["detail"]
    assert (await as_ann.get(f"{VIEWS}/{other['id']}")).json() == other
    await kept(as_bob)


async def test_anothers_view_is_not_there(as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient) -> None:
    view = await kept(as_ann)
    path = f"{VIEWS}/{view['id']}"
    for answer in (await as_bob.get(path), await as_bob.put(path, json=RUNNING), await as_bob.delete(path)):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await as_bob.get(VIEWS)).json()["data"] == []
    assert (await as_ann.get(path)).json() == view


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("status=asleep", "status:"),
        ("sort=size", "sort:"),
        ("scope=all", "scope"),
        ("limit=5", "limit"),
        ("cursor=x", "cursor"),
        ("colour=red", "colour"),
        ("status", "question mark"),
        ("q=a&q=b", "question mark"),
        ("q=%00", "q:"),
        ("q=a b", "characters"),
        ("&".join(f"q{n}=1" for n in range(30)), "question mark"),
        ("q=" + "x" * 1000, "1000"),
    ],
)
async def test_what_the_list_would_not_understand_is_refused(as_ann: httpx.AsyncClient, query: str, said: str) -> None:
    answer = await as_ann.post(VIEWS, json=RUNNING | {"query": query})
    (fault,) = answer.json()["errors"]
    assert (answer.status_code, fault["pointer"]) == (422, "/query")
    assert said in fault["message"]


@pytest.mark.parametrize("name", ["", "x" * 61, "a\nb"])
async def test_a_name_is_one_short_line(as_ann: httpx.AsyncClient, name: str) -> None:
    assert (await as_ann.post(VIEWS, json=RUNNING | {"name": name})).json()["errors"][0]["pointer"] == "/name"


async def test_everybodys_servers_are_for_staff(as_ann: httpx.AsyncClient, as_staff: httpx.AsyncClient) -> None:
    assert (await as_ann.post(VIEWS, json=RUNNING | {"scope": "all"})).status_code == 403
    assert (await kept(as_staff, scope="all"))["scope"] == "all"


async def test_there_is_room_for_so_many(
    as_ann: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST", 2)
    first, _ = await kept(as_ann), await kept(as_ann, name="Other")
    answer = await as_ann.post(VIEWS, json=RUNNING | {"name": "Third"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_allowed")
    assert (await as_ann.put(f"{VIEWS}/{first['id']}", json=RUNNING | {"name": "Third"})).status_code == 200
    assert len((await as_ann.get(VIEWS)).json()["data"]) == 2
