"""What staff decide is written down with who, why and when, and read page by page; what happens by itself is not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from domain import ids
from domain.cluster.events import StrayEnded
from domain.installation.events import InstallationRestored
from domain.record import Actor, Meta
from domain.server import events as e
from eventstore.store import Conflict, Entry, EventStore
from runtime.settings import Settings
from service.command import admin
from service.command.operator import operator
from service.decisions import models
from service.decisions.record import decide
from tests.service.test_drift import WHERE as DRIFT
from tests.service.test_drift import server as server
from tests.service.world import SYSTEM, World

DECISIONS, EFFECTS = "/v1/admin/decisions", "/v1/admin/effects"
NOTHING: dict[str, Any] = dict.fromkeys(models.Decided.model_fields)


async def listed(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    answer = await client.get(DECISIONS)
    models.DecisionPage.model_validate_json(answer.content)
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def test_what_is_let_through_and_stopped_is_told_with_who_and_why(
    world: World, as_staff: httpx.AsyncClient
) -> None:
    me = (await as_staff.get("/v1/users/me")).json()
    for path, asked in (
        (EFFECTS, {"paused": True, "reason": "the storage is full"}),
        (EFFECTS, {"paused": False}),
        ("/v1/admin/destroys", {"minutes": 5, "reason": "the trial is over"}),
        ("/v1/admin/holds", {"minutes": 7, "reason": "it is the end of the month"}),
        ("/v1/admin/clusters/demo/mode", {"mode": "observe"}),
        ("/v1/admin/clusters/demo/maintenance", {"on": True, "node": "pve1", "reason": "memory"}),
        ("/v1/admin/clusters/demo/maintenance", {"on": False, "node": "pve1"}),
    ):
        answer = await as_staff.post(path, json=asked, headers={"X-Request-Id": f"request-{path[10:]}"})
        assert answer.status_code == 200, answer.text
    told = await listed(as_staff)
    assert {(one["by"]["id"], one["by"]["name"]) for one in told} == {(me["id"], me["name"])}
    assert [(one["kind"], one["reason"], one["about"]) for one in reversed(told)] == [
        ("effects_paused", "the storage is full", NOTHING),
        ("effects_resumed", None, NOTHING),
        ("removals_let_through", "the trial is over", NOTHING | {"minutes": 5}),
        ("suspensions_let_through", "it is the end of the month", NOTHING | {"minutes": 7}),
        ("cluster_mode_changed", None, NOTHING | {"cluster": "demo", "mode": "observe"}),
        ("maintenance_begun", "memory", NOTHING | {"cluster": "demo", "node": "pve1"}),
        ("maintenance_ended", None, NOTHING | {"cluster": "demo", "node": "pve1"}),
    ]
    assert told[-1]["request_id"] == "request-effects"
    assert len({one["id"] for one in told}) == 7


async def test_what_is_made_of_drift_is_told_and_what_ends_by_itself_is_not(
    world: World, server: UUID, as_staff: httpx.AsyncClient
) -> None:
    stranger = f"clu_{ids.cluster('demo').hex}.stranger.10000009"
    for id, action in ((f"srv_{server.hex}.renamed", "adopt"), (stranger, "ignore")):
        assert (await as_staff.post(f"{DRIFT}/{id}", json={"action": action})).status_code == 200
    await world.append(ids.show(ids.SERVER, server), e.DriftEnded(kind="lock", how="gone"))
    gone = StrayEnded(cluster="demo", kind="stranger", vmid=10_000_009, how="adopted")
    await world.store.append([Entry(ids.cluster("demo"), 3, gone, SYSTEM)])
    assert [(one["kind"], one["about"]) for one in await listed(as_staff)] == [
        ("drift_ignored", NOTHING | {"cluster": "demo", "vmid": 10_000_009, "drift": "stranger"}),
        ("drift_adopted", NOTHING | {"server": ids.show(ids.SERVER, server), "drift": "renamed"}),
    ]


async def test_who_decided_at_the_command_line_is_told(
    world: World, settings: Settings, as_staff: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SUDO_USER", "carl")
    monkeypatch.setenv("HOSTLER_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("HOSTLER_CONFIG", str(tmp_path / "hostler.toml"))
    for asked in (["pause", "--reason", "moving racks"], ["resume"], ["allow-destroys", "--reason", "seen"]):
        with pytest.raises(SystemExit) as ended:
            await asyncio.to_thread(admin.main, asked)
        assert not ended.value.code
    told = await listed(as_staff)
    assert [(one["kind"], one["reason"]) for one in told] == [
        ("removals_let_through", "seen"),
        ("effects_resumed", None),
        ("effects_paused", "moving racks"),
    ]
    assert {(one["by"]["id"], one["by"]["name"]) for one in told} == {(None, operator())}
    assert operator().startswith("carl@")


async def test_pages_go_on_where_they_ended_while_more_is_decided(world: World, as_staff: httpx.AsyncClient) -> None:
    for number in range(5):
        await as_staff.post(EFFECTS, json={"paused": bool(number % 2), "reason": str(number)})
    first = (await as_staff.get(DECISIONS, params={"limit": 2})).json()
    await as_staff.post(EFFECTS, json={"paused": False, "reason": "later"})
    second = (await as_staff.get(DECISIONS, params={"limit": 3, "cursor": first["page"]["next_cursor"]})).json()
    assert [one["reason"] for one in first["data"] + second["data"]] == ["4", "3", "2", "1", "0"]
    assert second["page"]["has_more"] is False


async def test_two_decisions_at_once_are_both_written_down(world: World, as_staff: httpx.AsyncClient) -> None:
    asked = [as_staff.post(EFFECTS, json={"paused": bool(n % 2), "reason": str(n)}) for n in range(4)]
    assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200] * 4
    told = await listed(as_staff)
    assert sorted(one["reason"] for one in told) == ["0", "1", "2", "3"]
    now = (await as_staff.get(EFFECTS)).json()
    assert (now["reason"], now["paused"]) == (told[0]["reason"], told[0]["kind"] == "effects_paused")


async def test_what_cannot_be_written_down_does_not_hold(
    world: World, as_staff: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object, **__: object) -> None:
        raise Conflict

    monkeypatch.setattr(EventStore, "append", never)
    assert (await as_staff.post(EFFECTS, json={"paused": True})).json()["code"] == "busy"
    assert not await world.store.pool.fetchval("SELECT paused FROM effects_switch")


async def test_a_restore_is_told(world: World, as_staff: httpx.AsyncClient) -> None:
    at = await world.store.pool.fetchval("SELECT now()")
    meta = Meta(actor=Actor(type="system", id="hostler-admin restore"))
    await decide(world.store, meta, InstallationRestored(backup_at=at, events=9, operator="carl@host"))
    (told,) = await listed(as_staff)
    assert (told["kind"], told["by"]["name"], told["about"]["backup_at"][:10]) == (
        "restored",
        "carl@host",
        f"{at:%Y-%m-%d}",
    )


async def test_it_is_for_staff(as_ann: httpx.AsyncClient) -> None:
    assert (await as_ann.get(DECISIONS)).status_code == 403
