"""What keeps every effect from leaving: the operator's switch, and maintenance of a node or a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from domain.server import events as e
from eventstore.store import Entry, EventStore, Written
from orchestrator import work
from tests.orchestrator.conftest import Life

pytestmark = pytest.mark.pg


@pytest.mark.parametrize("reason", [None, "moving racks"])
async def test_the_switch_needs_no_reason(life: Life, reason: str | None) -> None:
    """Paused is paused, with words or without."""
    await life.store.pool.execute("UPDATE effects_switch SET paused = true, reason = $1", reason)
    server = await life.create()
    await life.round(server)
    assert life.hypervisor.calls == []
    state = await life.state(server)
    assert state.current is not None
    assert state.current.step is not None
    assert "paused by the operator" in state.current.step.detail


@pytest.mark.parametrize("node", ["", "pve1"])
async def test_operations_wait_for_the_end_of_maintenance(life: Life, node: str) -> None:
    """Of the guest's node or of its whole cluster; the customer reads why, staff read the reason."""
    server = await life.create()
    await life.settle(server)
    before = list(life.hypervisor.calls)
    await life.store.pool.execute("INSERT INTO maintenance VALUES ('demo', $1, 'new memory')", node)
    await life.ask(server, "stop")
    for _ in range(3):
        life.advance(await life.round(server) or 0)
    assert life.hypervisor.calls == before
    held = await life.state(server)
    assert held.current is not None
    assert held.current.step is not None
    assert (held.current.step.status, "under maintenance" in held.current.step.detail) == ("waiting", True)
    assert "memory" not in held.current.step.detail
    await life.store.pool.execute("DELETE FROM maintenance")
    state = await life.settle(server)
    assert state.status == "stopped"


async def test_another_nodes_maintenance_hinders_nobody(life: Life) -> None:
    """Only what is on the node waits."""
    server = await life.create()
    await life.settle(server)
    await life.store.pool.execute("INSERT INTO maintenance VALUES ('demo', 'pve2', ''), ('other', '', '')")
    await life.ask(server, "stop")
    assert (await life.settle(server)).status == "stopped"


async def test_a_pause_that_comes_while_the_intent_is_written_is_heeded(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that lets its callers wait does not let effects out late."""
    monkeypatch.setattr(work, "ALLOWED_SECONDS", -1.0)
    write = EventStore.write

    async def paused_meanwhile(store: EventStore, entries: list[Entry], *args: Any) -> Written:
        if isinstance(entries[0].event, e.EffectIntended):
            await store.pool.execute("UPDATE effects_switch SET paused = true")
        return await write(store, entries, *args)

    monkeypatch.setattr(EventStore, "write", paused_meanwhile)
    server = await life.create()
    await life.round(server)
    assert life.hypervisor.calls == []
    monkeypatch.setattr(EventStore, "write", write)
    await life.store.pool.execute("UPDATE effects_switch SET paused = false")
    assert (await life.settle(server)).status == "running"
    assert len(life.ours()) == 1
