"""A server's life in rounds, with a crash between any two."""

from __future__ import annotations

from collections import Counter
from typing import Literal
from uuid import UUID

import pytest

from domain.server import events as e
from hypervisor.fake import Accident, Crash, FakeHypervisor
from hypervisor.fake_world import FakeGuest
from orchestrator.steps import clone as cloning
from orchestrator.steps.place import next_vmid
from orchestrator.steps.power import WAS_OFF
from orchestrator.work import SQL, Work
from runtime.ids import new_id
from runtime.settings import Cluster
from tests.given import STEPS
from tests.orchestrator.conftest import Life

pytestmark = pytest.mark.pg
CHANGES = ("clone", "configure", "set_firewall", "resize", "start")


async def _assert_one_whole_server(life: Life, server: UUID) -> None:
    state = await life.state(server)
    assert state.status == "running", (state.status, state.operation)
    assert life.ours() == [state.vmid]
    assert state.vmid is not None
    guest = life.world.guests[state.vmid]
    assert guest.power == "running"
    assert (guest.cores, guest.memory_mib) == (2, 2048)
    assert guest.disk_gib["scsi0"] == 20
    assert set(life.world.volumes.values()) == {9000, state.vmid}
    records = await life.store.read_stream(server)
    assert [r.version for r in records] == list(range(1, len(records) + 1))
    completed = Counter(r.event.step for r in records if isinstance(r.event, e.StepCompleted))
    assert completed == dict.fromkeys(STEPS["create"], 1)


async def test_a_requested_server_comes_to_run(life: Life) -> None:
    """Round after round: placed, cloned, configured, resized, started, its address seen."""
    server = await life.create()
    await life.settle(server)
    await _assert_one_whole_server(life, server)
    assert Counter(call.verb for call in life.hypervisor.calls) == dict.fromkeys(CHANGES, 1)


async def test_every_effect_is_preceded_by_its_intent(life: Life) -> None:
    """Whoever dies right before a call has already written down what it was going to do."""
    for verb in CHANGES:
        server = await life.create(f"before-{verb}".replace("_", "-"))
        life.hypervisor.plan(verb, Accident.CRASH_BEFORE)
        with pytest.raises(Crash):
            await life.settle(server)
        last = (await life.store.read_stream(server))[-1].event
        assert isinstance(last, e.EffectIntended)
        assert last.verb == verb


@pytest.mark.parametrize("verb", CHANGES)
@pytest.mark.parametrize(
    "accident",
    [
        Accident.CRASH_BEFORE,
        Accident.CRASH_AFTER,
        Accident.LOST_BEFORE,
        Accident.LOST_AFTER,
        Accident.LATE,
        Accident.UNREACHABLE,
        Accident.BUSY,
    ],
)
async def test_an_accident_at_any_effect_leaves_one_whole_server(life: Life, verb: str, accident: Accident) -> None:
    """Lost, late, refused or dead in between: one guest, no orphan, no step done twice."""
    server = await life.create()
    life.hypervisor.plan(verb, accident)
    try:
        await life.settle(server)
    except Crash:
        life.hypervisor.deliver_late()
        await life.settle(server)
    life.hypervisor.deliver_late()
    await _assert_one_whole_server(life, server)


async def test_a_crash_around_any_append_leaves_one_whole_server(life: Life) -> None:
    """kill -9 right before and right after every append of a creation."""
    server = await life.create()
    await life.settle(server)
    appends = life.store.appends
    await life.ask(server, "terminate")
    await _purge(life, server)
    for number in range(1, appends + 1):
        for moment in ("before", "after"):
            life.store.appends, life.store.die_at = 0, (number, moment)
            server = await life.create(f"crash-{number}-{moment}")
            with pytest.raises(Crash):
                await life.settle(server)
            life.store.die_at = None
            await life.settle(server)
            await _assert_one_whole_server(life, server)
            await life.ask(server, "terminate")
            await _purge(life, server)


async def _purge(life: Life, server: UUID) -> None:
    await life.settle(server)
    life.advance(31)
    await life.round(server)
    await life.settle(server)
    assert life.ours() == []


async def test_two_workers_at_once_make_one_server(life: Life) -> None:
    """Both hold the wake; the append with the expected version lets only one act."""
    import asyncio

    server = await life.create()
    await asyncio.gather(life.settle(server), life.settle(server))
    await _assert_one_whole_server(life, server)
    assert Counter(call.verb for call in life.hypervisor.calls)["clone"] == 1


async def test_a_strangers_vmid_is_burned_and_never_touched(life: Life) -> None:
    """A guest of somebody else stands where ours was to be: it stays as it is, ours gets the next number."""
    life.world.add_guest(FakeGuest(10_000_000, "pve1", name="stranger", power="running"))
    server = await life.create()
    state = await life.settle(server)
    assert (state.status, state.vmid) == ("running", 10_000_001)
    assert life.world.guests[10_000_000].name == "stranger"


@pytest.mark.parametrize("kind", ["qemu", "lxc"])
async def test_a_stranger_that_comes_between_promise_and_clone_is_not_touched(
    life: Life, kind: Literal["qemu", "lxc"]
) -> None:
    """The VMID was free when it was promised and is taken when the clone arrives."""
    server = await life.create()
    life.hypervisor.plan("clone", Accident.CRASH_BEFORE)
    with pytest.raises(Crash):
        await life.settle(server)
    life.world.add_guest(FakeGuest(10_000_000, "pve1", name="stranger", power="running", kind=kind))
    state = await life.settle(server)
    assert (state.status, state.vmid) == ("running", 10_000_001)
    assert life.world.guests[10_000_000].power == "running"


async def test_who_chooses_another_number_too_late_chooses_again(life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process promised the same number to its server in between: that is no error of anybody's."""
    server = await life.create()
    life.hypervisor.plan("clone", Accident.CRASH_BEFORE)
    with pytest.raises(Crash):
        await life.settle(server)
    life.world.add_guest(FakeGuest(10_000_000, "pve1", name="stranger", power="running"))
    chosen: list[int | None] = []

    async def overtaken(work: Work, cluster: Cluster) -> int | None:
        chosen.append(await next_vmid(work, cluster))
        if len(chosen) == 1:
            await work.tools.store.pool.execute(SQL.own_vmid, cluster.name, chosen[0], new_id())
        return chosen[-1]

    monkeypatch.setattr(cloning, "next_vmid", overtaken)
    state = await life.settle(server)
    assert (state.status, state.vmid, chosen) == ("running", 10_000_002, [10_000_001, 10_000_002])


async def test_a_creation_that_a_stranger_overtook_can_be_ended(life: Life) -> None:
    """Nothing of ours was made: the server goes, the stranger that has its number stays as it is."""
    server = await life.create()
    life.hypervisor.plan("clone", Accident.CRASH_BEFORE)
    with pytest.raises(Crash):
        await life.settle(server)
    life.world.add_guest(FakeGuest(10_000_000, "pve1", name="stranger", power="running"))
    life.hypervisor.plan("clone", Accident.REFUSED)
    await life.settle(server)
    life.world.add_guest(FakeGuest(10_000_001, "pve1", name="stranger", power="running"))
    await life.ask(server, "terminate")
    await life.settle(server)
    life.advance(31)
    await life.round(server)
    assert (await life.settle(server)).status == "terminated"
    strangers = [guest.power for guest in life.world.guests.values() if guest.name == "stranger"]
    assert strangers == ["running", "running"]


async def test_a_cluster_that_is_down_is_waited_for(life: Life) -> None:
    """Unreachable is never failed: the creation goes on when the cluster is back."""
    life.world.set_node("pve1", online=False)
    server = await life.create()
    for _ in range(5):
        await life.round(server)
        life.advance(5)
    held = await life.state(server)
    assert held.status == "provisioning"
    assert held.current is not None
    life.world.set_node("pve1", online=True)
    await life.settle(server)
    await _assert_one_whole_server(life, server)


async def test_a_refusal_fails_with_words_for_its_owner(life: Life) -> None:
    """Proxmox's own text is for staff alone."""
    life.world.fail_task("qmclone", "clone failed: no space left on device")
    life.world.fail_task("qmclone", "clone failed: no space left on device")
    life.world.fail_task("qmclone", "clone failed: no space left on device")
    server = await life.create()
    state = await life.settle(server)
    assert state.status == "failed"
    assert state.operation is not None
    assert state.operation.error is not None
    assert "space" not in state.operation.error.message
    assert "space" in state.operation.error.debug
    await life.ask(server, "terminate")
    await _purge(life, server)


@pytest.mark.parametrize(
    ("type", "after"), [("shutdown", "stopped"), ("stop", "stopped"), ("reboot", "running"), ("reset", "running")]
)
@pytest.mark.parametrize("accident", [None, Accident.CRASH_BEFORE, Accident.CRASH_AFTER, Accident.LOST_AFTER])
async def test_power_actions_survive_accidents(life: Life, type: str, after: str, accident: Accident | None) -> None:
    """The goal is reached and observed, whatever happened to the call."""
    server = await life.create()
    await life.settle(server)
    life.advance(5)
    if accident is not None:
        life.hypervisor.plan(type, accident)
    await life.ask(server, type)
    try:
        state = await life.settle(server, rounds=200)
    except Crash:
        state = await life.settle(server, rounds=200)
    assert (state.status, life.world.guests[state.vmid or 0].power) == (after, after)
    assert state.operation is not None
    assert state.operation.status == "succeeded"


@pytest.mark.parametrize("type", ["reboot", "reset"])
async def test_what_somebody_powered_off_is_started_instead(life: Life, type: str) -> None:
    """There is nothing to restart any more; that it runs is what was asked for."""
    server = await life.create()
    state = await life.settle(server)
    guest = life.world.guests[state.vmid or 0]
    guest.power = "stopped"
    await life.ask(server, type)
    state = await life.settle(server)
    assert (state.status, guest.power) == ("running", "running")
    assert state.operation is not None
    assert (state.operation.status, state.operation.steps[0].detail) == ("succeeded", WAS_OFF)


@pytest.mark.parametrize("type", ["reboot", "reset"])
async def test_what_is_powered_off_in_the_very_moment_is_started(
    life: Life, type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ran when it was looked at, and was off when it was asked."""
    server = await life.create()
    state = await life.settle(server)
    guest = life.world.guests[state.vmid or 0]
    asked = getattr(FakeHypervisor, type)

    async def overtaken(hypervisor: FakeHypervisor, node: str, vmid: int) -> str:
        guest.power = "stopped"
        upid: str = await asked(hypervisor, node, vmid)
        return upid

    monkeypatch.setattr(FakeHypervisor, type, overtaken)
    await life.ask(server, type)
    state = await life.settle(server)
    assert (state.status, guest.power) == ("running", "running")
    assert state.operation is not None
    assert state.operation.status == "succeeded"


async def test_terminate_undo_terminate_purge(life: Life) -> None:
    """The undo brings the server back to what it was; the purge frees what was promised."""
    server = await life.create()
    await life.settle(server)
    await life.ask(server, "terminate")
    state = await life.settle(server)
    assert state.status == "terminating"
    assert state.purge_at is not None
    await life.ask(server, "restore")
    state = await life.settle(server)
    assert state.status == "running"
    await life.ask(server, "terminate")
    await _purge(life, server)
    state = await life.state(server)
    assert state.status == "terminated"
    pool = life.store.pool
    assert await pool.fetchval("SELECT count(*) FROM memory_promise") == 0
    assert await pool.fetchval("SELECT sum(promised_mib) FROM node_promise") == 0
    assert await pool.fetchval("SELECT state FROM vmid") == "released"
    assert await pool.fetchval("SELECT count(*) FROM address WHERE upper_inf(during)") == 0


@pytest.mark.parametrize("type", ["shutdown", "stop", "reboot", "reset", "terminate"])
async def test_a_guest_that_is_not_the_recorded_one_is_never_touched(life: Life, type: str) -> None:
    """Identity is compared before every act; a mismatch raises attention."""
    server = await life.create()
    state = await life.settle(server)
    assert state.vmid is not None
    life.world.guests[state.vmid].smbios_uuid = "00000000-0000-4000-8000-00000000dead"
    before = list(life.hypervisor.calls)
    await life.ask(server, type)
    state = await life.settle(server)
    assert state.operation is not None
    assert state.operation.status == "needs_attention"
    assert life.hypervisor.calls == before


async def test_a_paused_switch_lets_no_effect_out(life: Life) -> None:
    """All effects wait while the operator has switched them off, and go on afterwards."""
    await life.store.pool.execute("UPDATE effects_switch SET paused = true, reason = 'maintenance'")
    server = await life.create()
    for _ in range(3):
        await life.round(server)
        life.advance(5)
    assert life.hypervisor.calls == []
    await life.store.pool.execute("UPDATE effects_switch SET paused = false")
    await life.settle(server)
    await _assert_one_whole_server(life, server)


async def test_addresses_are_never_given_twice_and_run_out_clearly(life: Life) -> None:
    """Eleven addresses, twelve servers: the last one fails and says why."""
    seen = []
    for number in range(11):
        server = await life.create(f"web-{number}")
        state = await life.settle(server)
        seen.append(state.addresses[0].address)
    assert len(set(seen)) == 11
    server = await life.create("one-too-many")
    state = await life.settle(server)
    assert state.operation is not None
    assert state.operation.error is not None
    assert state.operation.error.code == "no_address"
