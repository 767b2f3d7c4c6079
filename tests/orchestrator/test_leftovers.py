"""What a removed server left on a storage is deleted when it is asked for, and only what nobody has any use for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from domain import ids
from domain.cluster import decide
from domain.cluster import events as c
from domain.cluster.state import Cluster, fold
from eventstore import outbox
from eventstore.store import Entry, Wake
from hypervisor.fake import Accident
from hypervisor.fake_world import FakeGuest
from orchestrator.drift.leftovers import remove_leftovers
from orchestrator.observer import Observer
from projector.loop import catch_up
from runtime.ids import new_id
from tests.orchestrator.conftest import META, Life

pytestmark = pytest.mark.pg
VMID, STREAM = 10_000_000, ids.cluster("demo")
LEFT = f"local:{VMID}/vm-{VMID}-disk-9.qcow2"


@pytest.fixture
async def left(life: Life) -> Life:
    """A server was removed, and a volume of it is still there and told of."""
    server = await life.create()
    await life.settle(server)
    await life.ask(server, "terminate")
    await life.settle(server)
    life.advance(31)
    await life.settle(server)
    await life.round(server)
    await life.settle(server)
    life.world.volumes[LEFT] = VMID
    life.world.add_guest(FakeGuest(200, "pve1"))
    await life.store.pool.execute("DELETE FROM outbox")
    await _observe(life)
    assert set((await _state(life)).strays) == {("leftover", VMID)}
    return life


async def _observe(life: Life) -> None:
    observer = Observer(life.tools, life.hypervisor)
    await catch_up(life.store)
    await observer.look()
    await observer.look()
    await life.store.pool.execute("UPDATE cluster_observation SET lease_until = NULL")


async def _state(life: Life) -> Cluster:
    return fold(await life.store.read_stream(STREAM))


async def _ask(life: Life) -> None:
    state = await _state(life)
    events = decide.remove_stray(state, "demo", "leftover", VMID, new_id())
    entries = [Entry(STREAM, state.version + n, event, META, STREAM) for n, event in enumerate(events, start=1)]
    await life.store.append(entries, [Wake(STREAM, "cluster")])


async def _looks(life: Life, times: int = 5) -> list[str]:
    """Wakes of the cluster; what was recorded."""
    before = (await _state(life)).version
    async with life.store.pool.acquire() as connection:
        (lease,) = await outbox.claim(connection, ["cluster"], 1)
    for _ in range(times):
        await remove_leftovers(life.tools, lease)
    await life.store.pool.execute("UPDATE outbox SET token = NULL, due = now()")
    return [type(record.event).__name__ for record in await life.store.read_stream(STREAM, before)]


def _asked(life: Life) -> list[int]:
    return [call.vmid for call in life.hypervisor.calls if call.verb == "delete_volume"]


async def test_it_is_deleted_after_it_was_written_down(left: Life) -> None:
    """Nothing else is, and it is counted as a removal."""
    others = {volume for volume in left.world.volumes if volume != LEFT}
    removals = "SELECT count(*) FROM destruction"
    before = await left.store.pool.fetchval(removals)
    await _ask(left)
    assert await _looks(left) == ["RemovalIntended", "StrayEnded"]
    assert set(left.world.volumes) == others
    assert (await _state(left)).strays == {}
    assert await left.store.pool.fetchval(removals) == before + 1


def _named_by_another(life: Life) -> None:
    life.world.guests[200].unused["unused0"] = LEFT


def _number_in_use(life: Life) -> None:
    life.world.add_guest(FakeGuest(VMID, "pve1"))


@pytest.mark.parametrize(("break_it", "code"), [(_named_by_another, "in_use"), (_number_in_use, "vmid_taken")])
async def test_what_somebody_uses_stays(left: Life, break_it: Callable[[Life], None], code: str) -> None:
    """Staff are told why."""
    await _ask(left)
    break_it(left)
    assert await _looks(left) == ["RemovalRefused"]
    refused = (await left.store.read_stream(STREAM))[-1].event
    assert isinstance(refused, c.RemovalRefused)
    assert (refused.code, _asked(left)) == (code, [])
    assert LEFT in left.world.volumes
    await _ask(left)
    assert await _looks(left) == ["RemovalRefused"]


@pytest.mark.parametrize("state", ["owned", "burned"])
async def test_only_a_number_that_was_given_back_is_meant(left: Life, state: str) -> None:
    """Whatever the log of the cluster says."""
    owner = "NULL" if state == "burned" else "server_id"
    await left.store.pool.execute(f"UPDATE vmid SET state = '{state}', server_id = {owner} WHERE vmid = {VMID}")
    await _ask(left)
    assert await _looks(left) == ["RemovalRefused"]
    assert (_asked(left), LEFT in left.world.volumes) == ([], True)


async def test_without_the_privilege_nothing_is_deleted(left: Life) -> None:
    left.hypervisor.plan("delete_volume", Accident.DENIED)
    await _ask(left)
    assert await _looks(left) == ["RemovalIntended", "RemovalRefused"]
    assert "Datastore.Allocate" in (await _state(left)).strays["leftover", VMID].refused


async def test_it_waits_where_many_are_removed_or_all_is_paused(left: Life) -> None:
    """And goes on afterwards."""
    policy = left.tools.config.policy.model_copy(update={"destroy_limit": 0})
    few = replace(left, tools=replace(left.tools, config=left.tools.config.model_copy(update={"policy": policy})))
    await _ask(left)
    assert await _looks(few) == []
    await left.store.pool.execute("UPDATE destroy_guard SET tripped_at = NULL")
    await left.store.pool.execute("UPDATE effects_switch SET paused = true, reason = 'a test'")
    paused = await _looks(left)
    await left.store.pool.execute("UPDATE effects_switch SET paused = false")
    assert (paused, await _looks(left)) == ([], ["RemovalIntended", "StrayEnded"])


@pytest.mark.parametrize("accident", [Accident.LOST_BEFORE, Accident.LOST_AFTER, Accident.BUSY])
async def test_a_lost_answer_is_looked_after(left: Life, accident: Accident) -> None:
    left.hypervisor.plan("delete_volume", accident)
    await _ask(left)
    assert await _looks(left) == ["RemovalIntended", "StrayEnded"]
    assert LEFT not in left.world.volumes


async def test_the_operator_may_want_it_done_without_being_asked(left: Life) -> None:
    wishes = left.tools.config.policy.drift.model_copy(update={"leftover": "repair"})
    policy = left.tools.config.policy.model_copy(update={"drift": wishes})
    left.tools = replace(left.tools, config=left.tools.config.model_copy(update={"policy": policy}))
    second = f"local:{VMID}/vm-{VMID}-disk-10.qcow2"
    left.world.volumes[second] = VMID
    await _observe(left)
    assert await _looks(left) == ["RemovalIntended", "StrayEnded"]
    assert {LEFT, second}.isdisjoint(left.world.volumes)
