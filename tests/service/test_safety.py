"""Safety catches over HTTP: modes in batches, and removals that wait."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest

from domain.server.evolve import fold
from service.staff import safety
from tests.given import adopted, happened, imported
from tests.service.world import World

MODES, DESTROYS = "/v1/admin/servers/mode", "/v1/admin/destroys"


async def _observed(world: World, count: int) -> list[UUID]:
    servers = [
        await happened(world.store, [imported(source_id=str(n), mode="observe"), adopted(vmid=200 + n)])
        for n in range(count)
    ]
    await world.project()
    return servers


async def _modes(world: World, servers: list[UUID]) -> list[str]:
    states = [fold(None, await world.store.read_stream(server)) for server in servers]
    return [state.mode for state in states if state is not None]


async def test_servers_are_switched_over_by_name(world: World, as_staff: httpx.AsyncClient) -> None:
    """Doing it twice is doing it once."""
    servers = await _observed(world, 3)
    asked = {"mode": "manage", "servers": [f"srv_{server.hex}" for server in servers[:2]]}
    answer = await as_staff.post(MODES, json=asked)
    assert answer.json() == {"object": "mode_change", "mode": "manage", "changed": 2, "has_more": False}
    assert await _modes(world, servers) == ["manage", "manage", "observe"]
    await world.project()
    assert (await as_staff.post(MODES, json=asked)).json()["changed"] == 0


async def test_a_filter_is_worked_off_in_batches(
    world: World, as_staff: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`has_more` says that there are others."""
    monkeypatch.setattr(safety, "MOST", 2)
    monkeypatch.setattr(safety, "CHUNK", 1)
    servers = await _observed(world, 3)
    asked = {"mode": "manage", "filter": {"cluster": "demo"}}
    answers = []
    for _ in range(2):
        answers.append((await as_staff.post(MODES, json=asked)).json())
        await world.project()
    assert [(answer["changed"], answer["has_more"]) for answer in answers] == [(2, True), (1, False)]
    assert await _modes(world, servers) == ["manage"] * 3
    assert (await as_staff.post(MODES, json=asked | {"filter": {"cluster": "moon"}})).json()["changed"] == 0


async def test_one_of_names_and_filter_is_given(as_staff: httpx.AsyncClient) -> None:
    both = {"mode": "manage", "servers": [f"srv_{UUID(int=1).hex}"], "filter": {}}
    for asked in ({"mode": "manage"}, both, {"mode": "manage", "servers": ["x"]}, {"mode": "off", "filter": {}}):
        assert (await as_staff.post(MODES, json=asked)).status_code == 422


async def test_removals_that_wait_are_shown_and_allowed(world: World, as_staff: httpx.AsyncClient) -> None:
    await world.store.pool.execute("UPDATE destroy_guard SET tripped_at = now()")
    await world.store.pool.execute("INSERT INTO destruction SELECT gen_random_uuid() FROM generate_series(1, 20)")
    shown = (await as_staff.get(DESTROYS)).json()
    assert (shown["recent"], shown["limit"], shown["waiting_since"] is None) == (20, 20, False)
    allowed = (await as_staff.post(DESTROYS, json={"minutes": 5})).json()
    assert (allowed["waiting_since"], allowed["allowed_until"] is None) == (None, False)


async def test_customers_have_none_of_it(as_ann: httpx.AsyncClient) -> None:
    assert (await as_ann.post(MODES, json={"mode": "manage", "filter": {}})).status_code == 403
    assert (await as_ann.get(DESTROYS)).status_code == 403
    assert (await as_ann.post(DESTROYS, json={})).status_code == 403
