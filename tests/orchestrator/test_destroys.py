"""Many removals at once wait for staff."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from uuid import UUID

import pytest

from service.reads import SQL as SERVICE
from tests.orchestrator.conftest import Life

pytestmark = pytest.mark.pg
LIMIT = 3


@pytest.fixture
async def doomed(life: Life) -> list[UUID]:
    """Five servers whose time to undo the termination has passed; three may go."""
    policy = life.tools.config.policy.model_copy(update={"destroy_limit": LIMIT})
    life.tools = replace(life.tools, config=life.tools.config.model_copy(update={"policy": policy}))
    servers = [await life.create(f"web-{n}") for n in range(5)]
    for server in servers:
        await life.settle(server)
        await life.ask(server, "terminate")
        await life.settle(server)
    life.advance(31)
    return servers


async def _rounds(life: Life, servers: list[UUID], count: int = 6) -> None:
    for _ in range(count):
        await asyncio.gather(*(life.round(server) for server in servers))
        life.advance(5)


def _destroyed(life: Life) -> int:
    return Counter(call.verb for call in life.hypervisor.calls)["destroy"]


async def test_beyond_the_limit_removals_wait_until_staff_allow_them(life: Life, doomed: list[UUID]) -> None:
    """All at once, from several workers: exactly as many go as may; the others say why they wait."""
    await _rounds(life, doomed)
    states = [await life.state(server) for server in doomed]
    assert (_destroyed(life), len(life.ours())) == (LIMIT, 2)
    waiting = [state for state in states if state.status != "terminated"]
    for state in waiting:
        assert state.current is not None
        assert state.current.step is not None
        assert "staff are asked first" in state.current.step.detail
    await life.store.pool.execute(SERVICE.allow_destroys, 5)
    await _rounds(life, [state.id for state in waiting])
    assert life.ours() == []


async def test_it_stays_shut_when_the_time_has_passed(life: Life, doomed: list[UUID]) -> None:
    """A loop that removes twenty every ten minutes is caught too."""
    await _rounds(life, doomed)
    await life.store.pool.execute("UPDATE destruction SET at = at - interval '1 hour'")
    await _rounds(life, doomed)
    assert _destroyed(life) == LIMIT


async def test_few_removals_wait_for_nobody(life: Life, doomed: list[UUID]) -> None:
    """What went long ago does not count."""
    for _ in range(2):
        await _rounds(life, doomed[:2])
        await life.store.pool.execute("UPDATE destruction SET at = at - interval '1 hour'")
    await _rounds(life, doomed[2:])
    assert _destroyed(life) == 5
