"""The accidents of the fake: each leaves the world as the real one would be left."""

from __future__ import annotations

import pytest

from hypervisor.errors import Ambiguous, Busy, Conflict, Denied, HypervisorError, Missing, Refused, Unreachable
from hypervisor.fake import Accident, Call, Crash, FakeHypervisor
from hypervisor.fake_world import FakeGuest, FakeWorld
from hypervisor.port import GuestSettings, Hypervisor, IpConfig


@pytest.fixture
def world() -> FakeWorld:
    world = FakeWorld(("pve1", "pve2"))
    world.add_template(9000, "debian-12")
    return world


@pytest.fixture
def fake(world: FakeWorld) -> FakeHypervisor:
    return FakeHypervisor(world)


async def clone(hypervisor: Hypervisor, vmid: int = 10_000_000) -> str:
    return await hypervisor.clone("pve1", 9000, vmid, name="web-1", description="ours", full=False)


@pytest.mark.parametrize(
    ("accident", "error", "happens"),
    [
        (Accident.LOST_BEFORE, Ambiguous, False),
        (Accident.LOST_AFTER, Ambiguous, True),
        (Accident.LATE, Ambiguous, False),
        (Accident.UNREACHABLE, Unreachable, False),
        (Accident.BUSY, Busy, False),
        (Accident.DENIED, Denied, False),
        (Accident.REFUSED, Refused, False),
        (Accident.CRASH_BEFORE, Crash, False),
        (Accident.CRASH_AFTER, Crash, True),
    ],
)
async def test_an_accident_of_a_change(
    fake: FakeHypervisor, accident: Accident, error: type[BaseException], happens: bool
) -> None:
    fake.plan("clone", accident)
    with pytest.raises(error):
        await clone(fake)
    assert await fake.vmid_taken(10_000_000) is happens
    assert (fake.calls == []) is (accident is Accident.CRASH_BEFORE)


@pytest.mark.parametrize("accident", [Accident.LOST_BEFORE, Accident.LOST_AFTER, Accident.UNREACHABLE])
async def test_a_lost_read_is_unreachable(fake: FakeHypervisor, accident: Accident) -> None:
    fake.plan("config", accident, times=2)
    for _ in range(2):
        with pytest.raises(Unreachable):
            await fake.config("pve1", 9000)
    assert (await fake.config("pve1", 9000)).template


async def test_an_accident_may_wait_for_its_guest(fake: FakeHypervisor) -> None:
    fake.plan("clone", Accident.BUSY, vmid=10_000_001)
    await clone(fake, 10_000_000)
    with pytest.raises(Busy):
        await clone(fake, 10_000_001)
    assert fake.calls == [Call("clone", 10_000_000), Call("clone", 10_000_001)]


async def test_a_late_request_loses_against_its_own_retry(fake: FakeHypervisor, world: FakeWorld) -> None:
    fake.plan("clone", Accident.LATE)
    with pytest.raises(Ambiguous):
        await clone(fake)
    await clone(fake)
    first = await fake.config("pve1", 10_000_000)
    fake.deliver_late()
    assert await fake.config("pve1", 10_000_000) == first
    assert sorted(world.guests) == [9000, 10_000_000]


async def test_a_late_request_may_come_after_everybody_gave_up(fake: FakeHypervisor, world: FakeWorld) -> None:
    fake.plan("clone", Accident.LATE)
    with pytest.raises(Ambiguous):
        await clone(fake)
    assert sorted(world.guests) == [9000]
    fake.deliver_late()
    assert sorted(world.guests) == [9000, 10_000_000]


async def test_a_running_clone_shows_only_its_lock(fake: FakeHypervisor, world: FakeWorld) -> None:
    world.task_looks = None
    upid = await clone(fake)
    config = await fake.config("pve1", 10_000_000)
    assert (config.lock, config.description, config.volumes) == ("clone", "qmclone temporary file", {})
    assert (await fake.task(upid)).state == "running"
    with pytest.raises(Busy):
        await fake.configure("pve1", 10_000_000, GuestSettings(cores=2))
    with pytest.raises(Conflict):
        await clone(fake)
    world.run_tasks()
    assert (await fake.task(upid)).state == "succeeded"
    assert (await fake.config("pve1", 10_000_000)).description == "ours"


async def test_tasks_may_end_at_the_nth_look(fake: FakeHypervisor, world: FakeWorld) -> None:
    world.task_looks = 2
    upid = await clone(fake)
    assert [(await fake.task(upid)).state for _ in range(3)] == ["running", "succeeded", "succeeded"]


async def test_a_failed_clone_leaves_nothing(fake: FakeHypervisor, world: FakeWorld) -> None:
    world.fail_task("qmclone", "clone failed: cfs-lock 'storage-local' error: got lock request timeout")
    task = await fake.task(await clone(fake))
    assert (task.state, task.cause) == ("failed", "busy")
    assert sorted(world.guests) == [9000]
    assert await fake.volumes("pve1", "local", 10_000_000) == []
    assert (await fake.task(await clone(fake))).state == "succeeded"


async def test_a_killed_clone_leaves_its_lock(fake: FakeHypervisor, world: FakeWorld) -> None:
    world.kill_task("qmclone")
    task = await fake.task(await clone(fake))
    assert (task.state, task.text) == ("lost", "unexpected status")
    assert (await fake.config("pve1", 10_000_000)).lock == "clone"
    destroyed = await fake.task(await fake.destroy("pve1", 10_000_000))
    assert (destroyed.state, destroyed.cause) == ("failed", "busy")


async def test_a_killed_task_never_happens(fake: FakeHypervisor, world: FakeWorld) -> None:
    await clone(fake)
    world.kill_task("qmstart")
    assert (await fake.task(await fake.start("pve1", 10_000_000))).state == "lost"
    assert (await fake.status("pve1", 10_000_000)).power == "stopped"


async def test_a_vmid_of_another_node_conflicts_in_the_task(fake: FakeHypervisor, world: FakeWorld) -> None:
    world.add_guest(FakeGuest(10_000_000, "pve2", name="foreign"))
    task = await fake.task(await clone(fake))
    assert (task.state, task.cause) == ("failed", "conflict")
    assert world.guests[10_000_000].name == "foreign"


async def test_a_dead_node_is_unreachable_and_its_guests_are_not_missing(
    fake: FakeHypervisor, world: FakeWorld
) -> None:
    world.add_guest(FakeGuest(101, "pve2", power="running"))
    world.set_node("pve2", online=False)
    calls = (fake.config("pve2", 101), fake.start("pve2", 101), fake.volumes("pve2", "local", 101))
    for call in calls:
        with pytest.raises(Unreachable):
            await call
    assert await fake.vmid_taken(101)


async def test_without_quorum_nothing_is_written(fake: FakeHypervisor, world: FakeWorld) -> None:
    world.quorate = False
    assert not await fake.quorate()
    with pytest.raises(Busy):
        await clone(fake)
    assert sorted(world.guests) == [9000]


async def test_a_guest_that_moved_is_missing_where_it_was(fake: FakeHypervisor, world: FakeWorld) -> None:
    world.add_guest(FakeGuest(101, "pve1"))
    world.guests[101].node = "pve2"
    with pytest.raises(Missing):
        await fake.status("pve1", 101)
    assert [row.node for row in await fake.guests() if row.vmid == 101] == ["pve2"]


async def test_a_new_guest_is_nameless_until_figures_are_gathered(fake: FakeHypervisor, world: FakeWorld) -> None:
    world.stats_lag = True
    await clone(fake)
    rows = {row.vmid: row for row in await fake.guests()}
    assert (rows[10_000_000].name, rows[10_000_000].status) == (None, "unknown")
    world.tick()
    rows = {row.vmid: row for row in await fake.guests()}
    assert (rows[10_000_000].name, rows[10_000_000].status) == ("web-1", "stopped")


async def test_the_agent_may_take_its_time(fake: FakeHypervisor, world: FakeWorld) -> None:
    address = {"net0": IpConfig("10.99.0.9/24")}
    world.add_guest(FakeGuest(101, "pve1", silent_looks=2, ipconfig=address, power="running"))
    for _ in range(2):
        with pytest.raises(HypervisorError):
            await fake.addresses("pve1", 101)
    assert [found.address for found in await fake.addresses("pve1", 101)] == ["10.99.0.9"]


async def test_a_stop_overrules_the_shutdown_that_holds_the_lock(fake: FakeHypervisor, world: FakeWorld) -> None:
    world.add_guest(FakeGuest(101, "pve1", power="running", ignores_shutdown=True))
    world.task_looks = None
    waiting = await fake.shutdown("pve1", 101, timeout_s=60, force=False)
    blocked = await fake.stop("pve1", 101)
    overruling = await fake.stop("pve1", 101, overrule_shutdown=True)
    world.run_tasks()
    assert (await fake.task(waiting)).text == "received interrupt"
    assert (await fake.task(blocked)).cause == "busy"
    assert (await fake.task(overruling)).state == "succeeded"
    assert (await fake.status("pve1", 101)).power == "stopped"


async def test_two_callers_share_one_world(world: FakeWorld) -> None:
    one, two = FakeHypervisor(world), FakeHypervisor(world)
    await clone(one)
    with pytest.raises(Conflict):
        await clone(two)


async def test_a_backup_is_asked_for_on_the_guests_own_node() -> None:
    world = FakeWorld(("pve1", "pve2"))
    world.add_guest(FakeGuest(101, "pve2"))
    with pytest.raises(Missing):
        await FakeHypervisor(world).take_backup("pve1", 101, storage="backups", notes="x")
