"""What the importer did, for staff: its runs, and what became of the servers of one."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest

from domain.importing.events import ChunkLinked, ChunkLoaded, ImportFinished, ImportStarted
from domain.server.events import AdoptionDeclined
from eventstore.store import Entry
from runtime.ids import new_id
from tests.given import adopted, happened, imported
from tests.service.world import SYSTEM, World

IMPORTS = "/v1/admin/imports"
COUNTS = {"servers": {"create": 3, "update": 0}}
REPORT = {"plan_hash": "abc", "quarantined": [{"entity": "servers", "source_id": "9", "reason": "no_image"}]}
DECLINED = AdoptionDeclined(code="vm_missing", detail="It does not exist.")


async def _run(world: World, servers: list[UUID], *, finished: bool = True) -> str:
    run = new_id()
    events: list[object] = [
        ImportStarted(source="whmcs", plan_hash="abc", counts=COUNTS),
        ChunkLoaded(number=1, server_ids=servers),
    ]
    if finished:
        events += [ImportFinished(report=REPORT), ChunkLinked(number=1)]
    await world.store.append([Entry(run, n, event, SYSTEM) for n, event in enumerate(events, start=1)])
    await world.project()
    return f"run_{run.hex}"


async def test_runs_are_listed_newest_first(world: World, as_staff: httpx.AsyncClient) -> None:
    """One that was stopped has no end."""
    first = await _run(world, [], finished=False)
    second = await _run(world, [])
    one = (await as_staff.get(IMPORTS, params={"limit": 1})).json()
    rest = (await as_staff.get(IMPORTS, params={"limit": 1, "cursor": one["page"]["next_cursor"]})).json()
    assert [run["id"] for run in one["data"] + rest["data"]] == [second, first]
    assert one["data"][0]["counts"] == COUNTS
    assert (one["data"][0]["loaded"], one["data"][0]["linked"]) == (1, 1)
    assert one["data"][0]["finished_at"] is not None
    assert (rest["data"][0]["linked"], rest["data"][0]["finished_at"]) == (0, None)


async def test_a_login_is_no_row_of_its_own(world: World, as_staff: httpx.AsyncClient) -> None:
    """Runs of older versions counted it beside its user; a list says as many rows as the run's report."""
    counts = {**COUNTS, "logins": {"create": 2, "update": 0}}
    started = ImportStarted(source="whmcs", plan_hash="abc", counts=counts)
    await world.store.append([Entry(new_id(), 1, started, SYSTEM)])
    listed = (await as_staff.get(IMPORTS)).json()["data"][0]
    assert listed["counts"] == COUNTS


async def test_a_run_tells_what_became_of_its_servers(world: World, as_staff: httpx.AsyncClient) -> None:
    """By reason, the first few of each named with the guest that the source names for them."""
    lives: list[list[object]] = [[adopted(vmid=201)], [DECLINED], []]
    servers = [
        await happened(world.store, [imported(source_id=str(n)), *life]) for n, life in enumerate(lives, start=1)
    ]
    shown = (await as_staff.get(f"{IMPORTS}/{await _run(world, servers)}")).json()
    assert shown["report"] == REPORT
    told = {part["became"]: part for part in shown["adoption"]}
    assert {became: part["count"] for became, part in told.items()} == {"adopted": 1, "declined": 1, "waiting": 1}
    assert (told["declined"]["code"], told["declined"]["detail"]) == ("vm_missing", "It does not exist.")
    assert told["adopted"]["servers"][0] == {
        "id": f"srv_{servers[0].hex}",
        "name": "vps1",
        "source_id": "1",
        "cluster": "demo",
        "vmid": 201,
    }


@pytest.mark.parametrize("id", ["run_none", f"run_{'0' * 32}"])
async def test_what_is_no_run_is_not_found(as_staff: httpx.AsyncClient, id: str) -> None:
    """A stream of another kind neither."""
    assert (await as_staff.get(f"{IMPORTS}/{id}")).status_code == 404


async def test_the_runs_are_for_staff(world: World, as_ann: httpx.AsyncClient) -> None:
    """Customers learn not even how many there are."""
    run = await _run(world, [])
    for path in (IMPORTS, f"{IMPORTS}/{run}"):
        assert (await as_ann.get(path)).status_code == 403
