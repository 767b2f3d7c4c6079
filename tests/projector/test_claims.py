"""What a check derives from the log is what the orchestrator really claimed, through a server's whole life."""

from __future__ import annotations

from uuid import UUID

import pytest

from hypervisor.fake import Accident
from hypervisor.fake_world import FakeGuest
from projector.check import check
from projector.loop import catch_up
from tests.orchestrator import conftest as orchestrated
from tests.orchestrator.conftest import Life

pytestmark = pytest.mark.pg
life = orchestrated.life


async def differences(life: Life) -> list[str]:
    """Without which stream an operation belongs to: who asks claims that, and here nobody of the product asks."""
    await catch_up(life.store)
    async with life.store.pool.acquire() as connection:
        found = [line async for line in check(connection, patience=0)]
    return [line for line in found if not line.startswith("operation_stream")]


async def claimed(life: Life) -> tuple[int, int, int]:
    """How many VMIDs, addresses and shares of memory are held now."""
    counts = (
        "SELECT count(*) FROM vmid WHERE state = 'owned'",
        "SELECT count(*) FROM address WHERE upper_inf(during)",
        "SELECT count(*) FROM memory_promise",
    )
    vmids, addresses, shares = [await life.store.pool.fetchval(count) for count in counts]
    return vmids, addresses, shares


async def test_through_creation_use_termination_and_undo(life: Life) -> None:
    server = await life.create()
    assert await differences(life) == []
    await life.settle(server)
    assert await claimed(life) == (1, 1, 1)
    assert await differences(life) == []
    for type in ("stop", "start", "terminate", "restore"):
        await life.ask(server, type)
        await life.settle(server)
        assert await differences(life) == []


async def test_after_a_purge_everything_is_free_and_agreed_upon(life: Life) -> None:
    server = await life.create()
    await life.settle(server)
    await life.ask(server, "terminate")
    await purge(life, server)
    assert await claimed(life) == (0, 0, 0)
    assert await differences(life) == []


async def test_after_a_stranger_took_the_promised_number(life: Life) -> None:
    server = await life.create()
    life.hypervisor.plan("clone", Accident.LOST_BEFORE)
    await life.round(server)
    life.world.add_guest(FakeGuest(10_000_000, "pve1", name="stranger", power="running"))
    await life.settle(server)
    assert await differences(life) == []


async def test_after_several_creations(life: Life) -> None:
    for name in ("one", "two", "three"):
        await life.settle(await life.create(name))
    assert await claimed(life) == (3, 3, 3)
    assert await differences(life) == []


async def purge(life: Life, server: UUID) -> None:
    await life.settle(server)
    life.advance(31)
    await life.round(server)
    await life.settle(server)
