"""Slots: no more at once than is borne, a queue that is fair, nothing held by the dead, limits that are learned."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.server import events as e
from eventstore.store import Entry, EventStore
from hypervisor.fake import Accident, Crash
from orchestrator import reconcile as reconciling
from orchestrator import slots
from orchestrator.slots import Ticket, grant
from runtime.settings import Slots
from tests.orchestrator.conftest import META, Life

BEGIN = datetime(2026, 3, 3, tzinfo=UTC)
RESOURCES = ("node/a", "node/b", "storage/s")
tickets = st.lists(
    st.builds(
        Ticket,
        operation_id=st.uuids(),
        account_id=st.sampled_from([UUID(int=n) for n in range(3)]),
        resources=st.sets(st.sampled_from(RESOURCES), min_size=1).map(lambda found: tuple(sorted(found))),
        asked_at=st.integers(0, 50).map(lambda seconds: BEGIN + timedelta(seconds=seconds)),
    ),
    max_size=12,
    unique_by=lambda ticket: ticket.operation_id,
)
counts = st.fixed_dictionaries({resource: st.integers(0, 4) for resource in RESOURCES})


@given(tickets, counts, counts)
def test_limits_hold_and_nobody_waits_for_nothing(
    waiting: list[Ticket], held: dict[str, int], limits: dict[str, int]
) -> None:
    granted = grant(waiting, held, {}, limits)
    used = Counter(held)
    for ticket in waiting:
        if ticket.operation_id in granted:
            used.update(ticket.resources)
    over = {resource for resource in RESOURCES if used[resource] > max(limits[resource], held[resource])}
    assert over == set()
    left = [ticket for ticket in waiting if ticket.operation_id not in granted]
    assert all(any(used[resource] >= limits[resource] for resource in ticket.resources) for ticket in left)


def test_a_customer_with_many_does_not_hold_up_one_with_few() -> None:
    """Fifty of one asked first; of three slots the other gets the second."""
    many = [_ticket(n, account=1, after=n) for n in range(50)]
    one = _ticket(99, account=2, after=60)
    granted = grant([*many, one], {}, {}, {"node/a": 3})
    assert granted == [many[0].operation_id, one.operation_id, many[1].operation_id]
    assert grant([*many, one], {}, {UUID(int=1): 2}, {"node/a": 1}) == [one.operation_id]


def _ticket(number: int, *, account: int, after: int) -> Ticket:
    return Ticket(UUID(int=number), UUID(int=account), ("node/a",), BEGIN + timedelta(seconds=after))


def _narrow(life: Life, **limits: int) -> None:
    cluster = life.tools.config.cluster[0].model_copy(update={"slots": Slots(**limits)})
    life.tools = replace(life.tools, config=life.tools.config.model_copy(update={"cluster": [cluster]}))


async def _wait(life: Life, server: UUID) -> str:
    """Looks at a server whose tasks do not end; what its current step tells."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconciling, "PATIENCE_SECONDS", -1.0)  # one look a round
        for _ in range(4):
            await life.round(server)
    current = (await life.state(server)).current
    assert current is not None
    assert current.step is not None
    return current.step.detail


@pytest.mark.pg
@pytest.mark.parametrize("limit", ["node", "storage", "template"])
async def test_what_is_too_much_at_once_waits_for_its_turn(life: Life, limit: str) -> None:
    """Of five copies two go on; the others are told that they wait, and all come to run."""
    _narrow(life, **{limit: 2})
    life.world.task_looks = None
    servers = [await life.create(f"web-{number}") for number in range(5)]
    details = [await _wait(life, server) for server in servers]
    assert details == ["", "", slots.QUEUED, slots.QUEUED, slots.QUEUED]
    assert len(life.world.running()) == 2
    life.world.run_tasks()
    life.world.task_looks = 0
    for server in servers:
        assert (await life.settle(server)).status == "running"
    assert len(life.ours()) == 5
    assert await life.store.pool.fetchval("SELECT count(*) FROM slot") == 0


@pytest.mark.pg
async def test_whoever_is_next_is_woken(life: Life) -> None:
    """Not the next look but the end of a task lets the next one begin."""
    _narrow(life, node=1)
    life.world.task_looks = None
    first, second = await life.create("web-1"), await life.create("web-2")
    assert [await _wait(life, first), await _wait(life, second)] == ["", slots.QUEUED]
    await life.store.pool.execute(
        "INSERT INTO outbox (stream_id, category, tx, pos, due) VALUES ($1, 'server', '1', 1, now() + interval '9 s')",
        second,
    )
    life.world.run_tasks()
    life.world.task_looks = 0
    await life.settle(first)
    assert await life.store.pool.fetchval("SELECT due <= now() FROM outbox WHERE stream_id = $1", second)


@pytest.mark.pg
async def test_who_gives_up_leaves_the_queue_at_once(life: Life) -> None:
    """A creation that was cancelled holds back nobody, and keeps no place."""
    _narrow(life, node=1)
    life.world.task_looks = None
    first, second = await life.create("web-1"), await life.create("web-2")
    assert [await _wait(life, first), await _wait(life, second)] == ["", slots.QUEUED]
    await life.end(second, "cancel")
    await life.round(second)
    assert await life.store.pool.fetchval("SELECT count(*) FROM slot WHERE stream_id = $1", second) == 0


@pytest.mark.pg
async def test_a_slot_that_staff_gave_up_is_the_next_ones(life: Life) -> None:
    """The operation that held it is cancelled while it needs attention: whoever waits has its turn now."""
    _narrow(life, node=1)
    life.world.task_looks = None
    first, second = await life.create("web-1"), await life.create("web-2")
    assert [await _wait(life, first), await _wait(life, second)] == ["", slots.QUEUED]
    state = await life.state(first)
    assert state.operation is not None
    cancelled = e.OperationCancelled(operation_id=state.operation.id)
    await EventStore.append(life.store, [Entry(first, state.version + 1, cancelled, META, state.account_id)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconciling, "PATIENCE_SECONDS", -1.0)
        await life.round(first)
    rows = await life.store.pool.fetch("SELECT stream_id FROM slot WHERE granted")
    assert [row["stream_id"] for row in rows] == [second]


@pytest.mark.pg
async def test_a_slot_of_the_dead_is_free_when_its_lease_has_run_out(life: Life) -> None:
    """A holder that crashed blocks nobody for long, and counts again when somebody goes on with its task."""
    _narrow(life, node=1)
    life.world.task_looks = None
    dead, waiting = await life.create("dead"), await life.create("waiting")
    life.hypervisor.plan("clone", Accident.CRASH_AFTER)
    with pytest.raises(Crash):
        await _wait(life, dead)
    assert await _wait(life, waiting) == slots.QUEUED
    await life.store.pool.execute("UPDATE slot SET lease_until = now() - interval '1 second' WHERE granted")
    assert await _wait(life, waiting) == ""
    await _wait(life, dead)
    assert await life.store.pool.fetchval("SELECT count(*) FROM slot WHERE granted") == 2
    life.world.run_tasks()
    life.world.task_looks = 0
    for server in (dead, waiting):
        assert (await life.settle(server)).status == "running"


@pytest.mark.pg
async def test_limits_are_learned_down_when_locks_time_out_and_up_again(life: Life) -> None:
    """A lock that could not be had halves what goes on at once; each success gives a little back."""
    text = "clone failed: cfs-lock 'storage-local' error: got lock request timeout"
    life.world.fail_task("qmclone", text)
    server = await life.create()
    assert (await life.settle(server)).status == "running"
    learned = await _learned(life)
    assert learned == {"node/demo/pve1": 2.1, "storage/demo/local/pve1": 4.1, "template/demo/9000": 4.1}
    await life.store.pool.execute("UPDATE slot_limit SET allowed = 3.95, lowered_at = now() - interval '1 minute'")
    assert (await life.settle(await life.create("web-2"))).status == "running"
    assert (await _learned(life))["node/demo/pve1"] == 4


async def _learned(life: Life) -> dict[str, float]:
    rows = await life.store.pool.fetch("SELECT resource, allowed FROM slot_limit")
    return {row["resource"]: round(row["allowed"], 3) for row in rows}
