"""What a server used over time: as it was measured, asked for once, and nobody else's business."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from hypervisor.fake import Accident, FakeHypervisor
from hypervisor.fake_world import FakeGuest, FakeWorld
from hypervisor.identity import identity_of
from hypervisor.port import Sample
from service.servers import measured, models
from tests.service.test_console import VMID, identified
from tests.service.test_servers import ordered
from tests.service.world import World

Order = Callable[..., dict[str, Any]]
SAMPLES = [
    Sample(1_790_000_000, 0.25, 1024.0, 1.0, 2.0, 3.0, 4.0),
    Sample(1_790_000_060, None, None, None, None, None, None),
]


async def shown(world: World, client: httpx.AsyncClient, order: dict[str, Any]) -> tuple[str, FakeHypervisor]:
    inside = FakeWorld()
    inside.add_guest(FakeGuest(VMID, "pve1", name="web-1", power="running", measured=list(SAMPLES)))
    hypervisor = FakeHypervisor(inside)
    world.deps.clusters["demo"] = hypervisor
    server = await identified(world, client, order, identity_of(await hypervisor.config("pve1", VMID)))
    return f"/v1/servers/{server}/metrics", hypervisor


async def test_measurements_come_with_their_gaps(world: World, as_ann: httpx.AsyncClient, order: Order) -> None:
    path, _ = await shown(world, as_ann, order())
    answer = await as_ann.get(path, params={"timeframe": "day"})
    assert answer.status_code == 200
    models.Metrics.model_validate_json(answer.content)
    names = ("cpu", "memory", "disk_read", "disk_write", "net_in", "net_out")
    assert answer.json() == {
        "object": "metrics",
        "timeframe": "day",
        "step": 60,
        "data": [
            {"t": "2026-09-21T14:13:20Z"} | dict(zip(names, (0.25, 1024.0, 1.0, 2.0, 3.0, 4.0), strict=True)),
            {"t": "2026-09-21T14:14:20Z"} | dict.fromkeys(names),
        ],
    }


async def test_many_who_look_ask_the_hypervisor_once(
    world: World, as_ann: httpx.AsyncClient, order: Order, monkeypatch: Any
) -> None:
    path, _ = await shown(world, as_ann, order())
    asked: list[str] = []
    series = FakeHypervisor.series

    async def counted(self: FakeHypervisor, node: str, vmid: int, timeframe: Any) -> list[Sample]:
        asked.append(timeframe)
        return await series(self, node, vmid, timeframe)

    monkeypatch.setattr(FakeHypervisor, "series", counted)
    answers = await asyncio.gather(*(as_ann.get(path) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert asked == ["hour"]
    assert (await as_ann.get(path, params={"timeframe": "week"})).status_code == 200
    assert asked == ["hour", "week"]
    monkeypatch.setattr(measured, "SECONDS", 0.0)
    for _ in range(2):
        await as_ann.get(path, params={"timeframe": "year"})
    assert asked == ["hour", "week", "year", "year"]


async def test_a_hypervisor_that_is_away_is_said_and_asked_again(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    path, hypervisor = await shown(world, as_ann, order())
    hypervisor.plan("series", Accident.UNREACHABLE)
    away = await as_ann.get(path)
    assert (away.status_code, away.json()["code"], away.json()["retryable"]) == (503, "hypervisor_unreachable", True)
    assert away.headers["retry-after"] == "5"
    assert "refused" not in away.text
    assert (await as_ann.get(path)).status_code == 200


async def test_other_peoples_measurements_do_not_exist(
    world: World, as_ann: httpx.AsyncClient, as_bob: httpx.AsyncClient, order: Order
) -> None:
    path, _ = await shown(world, as_ann, order())
    assert (await as_ann.get(path)).status_code == 200
    assert (await as_bob.get(path)).status_code == 404
    assert (await as_ann.get(path, params={"timeframe": "decade"})).status_code == 422


async def test_another_guest_in_its_place_is_not_measured(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    path, hypervisor = await shown(world, as_ann, order())
    hypervisor.world.guests[VMID].smbios_uuid = "11111111-2222-3333-4444-555555555555"
    answer = await as_ann.get(path)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_allowed")


async def test_a_server_without_a_guest_has_no_measurements(
    world: World, as_ann: httpx.AsyncClient, order: Order
) -> None:
    server = (await ordered(as_ann, order()))["server"]["id"]
    assert (await as_ann.get(f"/v1/servers/{server}/metrics")).status_code == 409
