"""How operations end: given up, failed and tried again; and what their ends give back."""

from __future__ import annotations

from dataclasses import asdict, replace
from uuid import UUID

import pytest

from domain.server import events as e
from domain.server.state import Server
from hypervisor.fake import Accident, Crash
from hypervisor.fake_world import FakeBackup
from hypervisor.port import BackupVolume
from orchestrator import reconcile as reconciling
from orchestrator.steps.credentials import AT_NEXT_START
from orchestrator.work import SQL
from runtime.ids import new_id
from tests.given import IMAGE, PLAN
from tests.orchestrator.acts import LARGER
from tests.orchestrator.conftest import Life

pytestmark = pytest.mark.pg
HUGE = replace(PLAN, id=UUID(int=8), name="XXL", memory_mib=10_000_000)
OTHER = replace(IMAGE, id=UUID(int=7), name="Debian 13")


async def _running(life: Life) -> UUID:
    server = await life.create()
    await life.settle(server)
    life.advance(10)
    return server


async def _done(life: Life, server: UUID) -> Server:
    state = await life.settle(server, rounds=300)
    assert state.operation is not None
    assert state.operation.status == "succeeded", state.operation
    return state


async def _failed(life: Life, server: UUID) -> str:
    state = await life.settle(server, rounds=300)
    assert state.operation is not None
    assert state.operation.error is not None, state.operation
    assert state.operation.status == "failed"
    return state.operation.error.code


@pytest.mark.parametrize("verb", ["clone", "configure", "set_firewall", "resize", "start"])
@pytest.mark.parametrize(
    "accident", [Accident.CRASH_BEFORE, Accident.CRASH_AFTER, Accident.LOST_BEFORE, Accident.LOST_AFTER, Accident.LATE]
)
async def test_a_creation_given_up_at_any_moment_leaves_nothing(
    life: Life, verb: str, accident: Accident, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked of Proxmox is waited for, then everything goes."""
    monkeypatch.setattr(reconciling, "PATIENCE_SECONDS", -1.0)  # one look at a time
    server = await life.create()
    life.hypervisor.plan(verb, accident)
    for _ in range(40):
        try:
            life.advance(min(await life.round(server) or 0, 1))
        except Crash:
            break
        if any(call.verb == verb for call in life.hypervisor.calls):
            break
    await life.end(server, "cancel")
    life.advance(40)
    life.hypervisor.deliver_late()
    for _ in range(200):
        life.advance(await life.round(server) or 0)
        if (await life.state(server)).destroyed:
            break
    assert (await life.state(server)).status == "terminated"
    assert life.ours() == []
    assert set(life.world.volumes.values()) == {9000}
    pool = life.store.pool
    assert await pool.fetchval("SELECT count(*) FROM memory_promise") == 0
    assert await pool.fetchval("SELECT count(*) FROM address WHERE upper_inf(during)") == 0


async def test_a_creation_that_failed_is_tried_again_with_its_password(life: Life) -> None:
    server = await life.create()
    operation = (await life.state(server)).operation
    assert operation is not None
    sealed = life.tools.seal.seal(b'{"password": "correct horse"}', operation.id.bytes)
    await life.store.pool.execute("INSERT INTO secret (operation_id, data) VALUES ($1, $2)", operation.id, sealed)
    for _ in range(3):
        life.world.fail_task("qmclone", "clone failed: no space left on device")
    assert await _failed(life, server) == "clone_failed"
    await life.end(server, "retry")
    state = await _done(life, server)
    assert (state.status, life.world.guests[state.vmid or 0].password) == ("running", "correct horse")
    assert await life.store.pool.fetchval("SELECT count(*) FROM secret") == 0


async def test_a_failure_that_is_final_keeps_no_secret(life: Life) -> None:
    server = await _running(life)
    guest = life.world.guests[life.ours()[0]]
    guest.cloudinit_drive, guest.agent_enabled = None, False
    await life.ask(server, "reset_password", password="correct horse")
    assert await _failed(life, server) == "not_taken"
    assert await life.store.pool.fetchval("SELECT count(*) FROM secret") == 0


async def test_a_plan_without_room_changes_nothing(life: Life) -> None:
    """Staff read what there is not enough of."""
    server = await _running(life)
    await life.ask(server, "resize", plan=asdict(HUGE))
    assert await _failed(life, server) == "no_capacity"
    state = await life.state(server)
    assert state.operation is not None
    assert state.operation.error is not None
    assert (state.plan, state.operation.error.debug) == (PLAN, "pve1: only 63488 MiB free to promise")
    await life.claims_agree(server)


async def test_room_for_a_plan_is_given_back_when_it_fails_and_promised_again_when_it_is_tried_again(
    life: Life,
) -> None:
    server = await _running(life)
    life.hypervisor.plan("configure", Accident.REFUSED)
    await life.ask(server, "resize", plan=asdict(LARGER))
    code = await _failed(life, server)
    assert code == "refused"
    await life.claims_agree(server)
    life.world.fail_task("resize", "lvextend failed")
    life.world.fail_task("resize", "lvextend failed")
    life.world.fail_task("resize", "lvextend failed")
    await life.ask(server, "resize", plan=asdict(LARGER))
    assert await _failed(life, server) == "hypervisor_error"
    await life.claims_agree(server)
    await life.end(server, "retry")
    state = await _done(life, server)
    assert (state.plan, life.world.guests[state.vmid or 0].disk_gib["scsi0"]) == (LARGER, 40)
    await life.claims_agree(server)


async def test_a_resize_says_what_waits_for_a_restart(life: Life) -> None:
    """Without being asked to, nothing is restarted; a reboot of any kind brings it."""
    server = await _running(life)
    await life.ask(server, "resize", plan=asdict(LARGER))
    state = await _done(life, server)
    guest = life.world.guests[state.vmid or 0]
    assert (state.restart_needed, guest.booted) == (True, (2, 2048))
    life.advance(10)
    await life.ask(server, "reboot")
    state = await _done(life, server)
    assert (state.restart_needed, guest.booted) == (False, (4, 4096))


async def test_a_stopped_server_has_its_plan_at_once(life: Life) -> None:
    server = await _running(life)
    await life.ask(server, "stop")
    await _done(life, server)
    await life.ask(server, "resize", plan=asdict(LARGER), restart=True)
    state = await _done(life, server)
    assert (state.status, state.restart_needed) == ("stopped", False)


async def test_each_reason_of_a_suspension_is_lifted_by_itself(life: Life) -> None:
    server = await _running(life)
    for reason in ("abuse", "non_payment"):
        await life.ask(server, "suspend", by="staff", reason=reason)
        assert (await _done(life, server)).status == "suspended"
    await life.ask(server, "unsuspend", by="staff", reason="abuse")
    assert (await _done(life, server)).status == "suspended"
    assert life.world.guests[life.ours()[0]].power == "stopped"
    await life.ask(server, "unsuspend", by="staff", reason="non_payment")
    assert (await _done(life, server)).status == "running"


async def test_what_was_stopped_before_a_suspension_is_stopped_after_it(life: Life) -> None:
    server = await _running(life)
    await life.ask(server, "stop")
    await _done(life, server)
    await life.ask(server, "suspend", by="staff", reason="admin")
    await _done(life, server)
    await life.ask(server, "unsuspend", by="staff", reason="admin")
    assert (await _done(life, server)).status == "stopped"
    assert life.world.guests[life.ours()[0]].power == "stopped"


async def test_a_system_that_hangs_is_suspended_all_the_same(life: Life) -> None:
    server = await _running(life)
    life.world.guests[life.ours()[0]].ignores_shutdown = True
    await life.ask(server, "suspend", by="staff", reason="abuse")
    assert (await _done(life, server)).status == "suspended"


async def test_a_system_without_its_agent_takes_the_password_when_it_starts(life: Life) -> None:
    server = await _running(life)
    guest = life.world.guests[life.ours()[0]]
    guest.silent = 1000
    await life.ask(server, "reset_password", password="correct horse")
    state = await _done(life, server)
    assert state.operation is not None
    assert state.operation.steps[0].detail == AT_NEXT_START
    (changed,) = [r.event for r in await life.store.read_stream(server) if isinstance(r.event, e.CredentialsChanged)]
    assert (changed.in_guest, changed.ssh_keys) == (False, None)
    assert (guest.password, guest.system_passwords) == ("correct horse", {})


async def test_a_safety_snapshot_brings_the_old_disk_and_its_image_back(life: Life) -> None:
    """No volume is left that nobody knows of: not after the way back, and not after the snapshot is deleted."""
    server = await _running(life)
    vmid = life.ours()[0]
    before = dict(life.world.guests[vmid].volumes)
    await life.ask(server, "rebuild", image=asdict(OTHER), safety=True)
    state = await _done(life, server)
    assert (state.image, life.world.guests[vmid].volumes != before) == (OTHER, True)
    life.advance(10)
    await life.ask(server, "snapshot_restore", snapshot_id=str(state.snapshots[0].id))
    state = await _done(life, server)
    guest = life.world.guests[vmid]
    assert (state.image, guest.volumes, guest.unused) == (IMAGE, before, {})
    assert {volume for volume, owner in life.world.volumes.items() if owner == vmid} == set(before.values())
    await life.ask(server, "rebuild", image=asdict(OTHER), safety=True)
    state = await _done(life, server)
    for snapshot in state.snapshots:
        await life.ask(server, "snapshot_delete", snapshot_id=str(snapshot.id))
        await _done(life, server)
    assert {volume for volume, owner in life.world.volumes.items() if owner == vmid} == set(guest.volumes.values())
    assert guest.unused == {}


async def test_a_backup_put_back_takes_the_snapshots_and_their_disks_away(life: Life) -> None:
    server = await _running(life)
    await life.ask(server, "backup", name="b")
    state = await _done(life, server)
    await life.ask(server, "rebuild", image=asdict(OTHER), safety=True)
    await _done(life, server)
    life.advance(10)
    await life.ask(server, "backup_restore", backup_id=str(state.backups[0].id))
    state = await _done(life, server)
    guest = life.world.guests[state.vmid or 0]
    assert (state.image, state.snapshots, guest.unused) == (IMAGE, [], {})
    assert {volume for volume, owner in life.world.volumes.items() if owner == guest.vmid} == set(
        guest.volumes.values()
    )


async def test_a_disk_of_somebody_else_that_is_unused_is_left_alone(life: Life) -> None:
    server = await _running(life)
    guest = life.world.guests[life.ours()[0]]
    guest.unused["unused0"] = "local:theirs"
    life.world.volumes["local:theirs"] = guest.vmid
    await life.ask(server, "rebuild", image=asdict(IMAGE))
    await _done(life, server)
    assert list(guest.unused.values()) == ["local:theirs"]
    assert "local:theirs" in life.world.volumes


async def test_an_image_that_is_not_on_the_node_is_said_before_anything_is_touched(life: Life) -> None:
    server = await _running(life)
    called = len(life.hypervisor.calls)
    await life.ask(server, "rebuild", image=asdict(replace(IMAGE, template="amiga")))
    assert await _failed(life, server) == "image_missing"
    assert len(life.hypervisor.calls) == called
    assert (await life.state(server)).status == "running"


async def test_an_image_that_cannot_be_written_leaves_the_old_disk(life: Life) -> None:
    server = await _running(life)
    guest = life.world.guests[life.ours()[0]]
    before = dict(guest.volumes)
    for _ in range(3):
        life.world.fail_task("qmconfig", "no space left on device")
    await life.ask(server, "rebuild", image=asdict(OTHER))
    assert await _failed(life, server) == "reimage_failed"
    assert (guest.volumes, (await life.state(server)).image) == (before, IMAGE)
    life.world.power_on(guest)
    await life.end(server, "retry")
    state = await _done(life, server)
    assert (state.image, guest.volumes != before, guest.unused) == (OTHER, True, {})


async def test_a_lock_that_was_left_behind_goes_to_staff(life: Life) -> None:
    """The worker of a snapshot dies: only root can take the lock away."""
    server = await _running(life)
    life.world.kill_task("qmsnapshot")
    await life.ask(server, "snapshot", name="s")
    state = await life.settle(server, rounds=300)
    assert state.operation is not None
    assert state.operation.error is not None
    assert (state.operation.status, state.operation.error.code) == ("needs_attention", "lock_left")
    guest = life.world.guests[state.vmid or 0]
    guest.lock = None
    guest.snapshots.clear()
    await life.end(server, "retry", by="staff")
    assert len((await _done(life, server)).snapshots) == 1


async def test_a_lock_of_a_restore_is_waited_for_and_then_goes_to_staff(life: Life) -> None:
    """Proxmox refuses a second restore because of it; that does not end the first."""
    server = await _running(life)
    await life.ask(server, "backup", name="b")
    backup = (await _done(life, server)).backups[0]
    life.world.kill_task("qmrestore")
    await life.ask(server, "backup_restore", backup_id=str(backup.id))
    state = await life.settle(server, rounds=300)
    assert state.operation is not None
    assert state.operation.error is not None
    assert (state.operation.status, state.operation.error.code) == ("needs_attention", "lock_left")
    life.world.guests[state.vmid or 0].lock = None
    await life.end(server, "retry", by="staff")
    assert (await _done(life, server)).status == "running"


async def test_a_snapshot_that_somebody_deleted_is_said_to_be_gone(life: Life) -> None:
    server = await _running(life)
    await life.ask(server, "snapshot", name="s")
    state = await _done(life, server)
    life.world.guests[state.vmid or 0].snapshots.clear()
    await life.ask(server, "snapshot_restore", snapshot_id=str(state.snapshots[0].id))
    assert await _failed(life, server) == "snapshot_missing"
    assert (await life.state(server)).status == "running"


async def test_secrets_that_nobody_came_back_for_are_gone_within_a_day(life: Life) -> None:
    pool = life.store.pool
    for days in (0, 2):
        await pool.execute(
            "INSERT INTO secret (operation_id, data, at) VALUES ($1, 'x', now() - make_interval(days => $2))",
            new_id(),
            days,
        )
    await pool.execute(SQL.forget_old_secrets)
    assert await pool.fetchval("SELECT count(*) FROM secret") == 1


async def test_the_backups_of_a_server_go_with_it(life: Life) -> None:
    """Also one whose record was lost; those that somebody else makes of the guest are theirs."""
    server = await _running(life)
    for name in ("one", "two"):
        await life.ask(server, "backup", name=name)
        await _done(life, server)
        life.advance(5)
    known = next(iter(life.world.backups.values()))
    others = replace(known.volume, volume="backups:backup/nightly", notes="nightly")
    forgotten = replace(known.volume, volume="backups:backup/forgotten")
    for volume in (others, forgotten):
        life.world.backups[volume.volume] = replace(known, volume=volume)
    await life.ask(server, "terminate")
    await _done(life, server)
    assert len(life.world.backups) == 4
    life.advance(31)
    await life.round(server)
    state = await _done(life, server)
    assert (state.status, state.backups, list(life.world.backups)) == ("terminated", [], [others.volume])


@pytest.mark.parametrize("then", ["backup", "terminate"])
async def test_what_a_backup_left_that_was_given_up_goes_later(life: Life, then: str) -> None:
    """With the next backup that is made, or with the server."""
    server = await _running(life)
    vmid = (await life.state(server)).vmid or 0
    life.world.kill_task("vzdump")
    life.hypervisor.plan("delete_backup", Accident.UNREACHABLE)
    await life.ask(server, "backup", name="weekly")
    await life.round(server)
    await life.end(server, "cancel")
    assert (await life.settle(server)).backups == []
    life.world.guests[vmid].lock = None  # staff have unlocked it
    (left,) = life.world.backups
    await life.ask(server, then)
    await _done(life, server)
    if then == "terminate":
        life.advance(31)
        await life.round(server)
        await _done(life, server)
    state = await life.state(server)
    assert left not in life.world.backups
    assert set(life.world.backups) == {backup.volume for backup in state.backups}


async def test_what_a_killed_backup_left_is_deleted_before_the_next_try(life: Life) -> None:
    """It says nothing of whose it is: the log of the task that made it does. What others left stays."""
    server = await _running(life)
    vmid, before = (await life.state(server)).vmid or 0, len(life.hypervisor.calls)
    others = BackupVolume(f"backups:backup/vzdump-qemu-{vmid}-others.vma.zst", vmid, 1, 1, "", False)
    life.world.backups[others.volume] = FakeBackup(others, "backups", {})
    life.world.kill_task("vzdump")
    await life.ask(server, "backup", name="weekly")
    await life.round(server)
    life.world.guests[vmid].lock = None  # staff have unlocked it
    state = await _done(life, server)
    assert set(life.world.backups) == {others.volume, *(backup.volume for backup in state.backups)}
    verbs = [call.verb for call in life.hypervisor.calls[before:]]
    assert verbs[:3] == ["take_backup", "delete_backup", "take_backup"]
