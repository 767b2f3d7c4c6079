"""What people may ask of a server: what must be there first, what is asked, and what is true afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from uuid import UUID

from domain.server.state import Server
from hypervisor.fake_world import FakeGuest
from tests.given import IMAGE, PLAN
from tests.orchestrator.conftest import TEMPLATE, Life

LARGER = replace(PLAN, id=UUID(int=9), name="L", vcpus=4, memory_mib=4096, disk_gib=40)
KEY = "ssh-ed25519 " + "A" * 68


@dataclass(frozen=True)
class Act:
    """`verbs`: the calls it makes, in their order."""

    verbs: tuple[str, ...]
    ask: Callable[[Life, UUID], Awaitable[None]]
    check: Callable[[Life, Server, FakeGuest], None]
    before: Callable[[Life, UUID], Awaitable[None]] | None = None


async def _nothing(life: Life, server: UUID) -> None:
    return None


async def _with_snapshot(life: Life, server: UUID) -> None:
    await life.ask(server, "snapshot", name="before the update")
    await life.settle(server)


async def _with_backup(life: Life, server: UUID) -> None:
    await life.ask(server, "backup", name="weekly")
    await life.settle(server)


async def _changed_since_snapshot(life: Life, server: UUID) -> None:
    await _with_snapshot(life, server)
    await _changed(life, server)


async def _changed_since_backup(life: Life, server: UUID) -> None:
    await _with_backup(life, server)
    await _changed(life, server)


async def _changed(life: Life, server: UUID) -> None:
    await life.ask(server, "rename", name="later.example.com")
    await life.settle(server)
    await life.ask(server, "resize", plan=asdict(LARGER), restart=True)
    await life.settle(server)
    life.advance(100)


async def _suspended(life: Life, server: UUID) -> None:
    await life.ask(server, "suspend", by="staff", reason="non_payment")
    await life.settle(server)


async def _rename(life: Life, server: UUID) -> None:
    await life.ask(server, "rename", name="Other.example.com")


async def _reset_password(life: Life, server: UUID) -> None:
    await life.ask(server, "reset_password", password="correct horse", ssh_keys=[KEY])


async def _resize(life: Life, server: UUID) -> None:
    await life.ask(server, "resize", plan=asdict(LARGER), restart=True)


async def _rebuild(life: Life, server: UUID) -> None:
    await life.ask(server, "rebuild", image=asdict(IMAGE), ssh_keys=[KEY], password="correct horse")


async def _rebuild_safely(life: Life, server: UUID) -> None:
    await life.ask(server, "rebuild", image=asdict(IMAGE), safety=True)


async def _image_elsewhere(life: Life, server: UUID) -> None:
    """The template is on another node; the storage is there too."""
    world = life.world
    world.storages[world.storage] = replace(world.storages[world.storage], shared=True)
    world.nodes["pve2"] = replace(world.nodes["pve1"], name="pve2")
    world.guests[TEMPLATE].node = "pve2"


async def _snapshot(life: Life, server: UUID) -> None:
    await life.ask(server, "snapshot", name="before the update")


async def _snapshot_restore(life: Life, server: UUID) -> None:
    await life.ask(server, "snapshot_restore", snapshot_id=str((await life.state(server)).snapshots[-1].id))


async def _snapshot_delete(life: Life, server: UUID) -> None:
    await life.ask(server, "snapshot_delete", snapshot_id=str((await life.state(server)).snapshots[-1].id))


async def _backup(life: Life, server: UUID) -> None:
    await life.ask(server, "backup", name="weekly")


async def _backup_restore(life: Life, server: UUID) -> None:
    await life.ask(server, "backup_restore", backup_id=str((await life.state(server)).backups[-1].id))


async def _backup_delete(life: Life, server: UUID) -> None:
    await life.ask(server, "backup_delete", backup_id=str((await life.state(server)).backups[-1].id))


async def _suspend(life: Life, server: UUID) -> None:
    await life.ask(server, "suspend", by="staff", reason="abuse", note="spam")


async def _unsuspend(life: Life, server: UUID) -> None:
    await life.ask(server, "unsuspend", by="staff", reason="non_payment")


def _runs(state: Server, guest: FakeGuest) -> None:
    assert (state.status, guest.power) == ("running", "running")


def _renamed(life: Life, state: Server, guest: FakeGuest) -> None:
    assert (state.name, guest.name) == ("other.example.com", "other.example.com")
    _runs(state, guest)


def _has_new_credentials(life: Life, state: Server, guest: FakeGuest) -> None:
    assert (guest.password, guest.ssh_keys, state.ssh_keys) == ("correct horse", (KEY,), [KEY])
    assert guest.system_passwords == {"admin": "correct horse"}
    _runs(state, guest)


def _larger(life: Life, state: Server, guest: FakeGuest) -> None:
    assert (state.plan, state.restart_needed) == (LARGER, False)
    assert (guest.cores, guest.memory_mib, guest.booted) == (4, 4096, (4, 4096))
    assert guest.disk_gib["scsi0"] == 40
    _runs(state, guest)


def _rebuilt(life: Life, state: Server, guest: FakeGuest) -> None:
    assert (state.snapshots, guest.snapshots, guest.unused) == ([], {}, {})
    assert (guest.password, guest.ssh_keys) == ("correct horse", (KEY,))
    _anew(life, state, guest)


def _rebuilt_safely(life: Life, state: Server, guest: FakeGuest) -> None:
    (snapshot,) = state.snapshots
    assert (snapshot.name, list(guest.snapshots)) == ("Before the rebuild", [snapshot.key])
    assert set(snapshot.volumes) == set(guest.unused.values())
    _anew(life, state, guest)


def _rebuilt_from_afar(life: Life, state: Server, guest: FakeGuest) -> None:
    assert (guest.node, state.node) == ("pve1", "pve1")
    _anew(life, state, guest)


def _anew(life: Life, state: Server, guest: FakeGuest) -> None:
    """Another disk on the same guest, and no volume that nobody knows of."""
    assert state.identity is not None
    assert state.identity.volumes == guest.volumes
    assert (guest.disk_gib["scsi0"], guest.booted) == (20, (2, 2048))
    known = {*guest.volumes.values(), *guest.unused.values()}
    assert {volume for volume, owner in life.world.volumes.items() if owner == guest.vmid} == known
    _runs(state, guest)


def _snapped(life: Life, state: Server, guest: FakeGuest) -> None:
    (snapshot,) = state.snapshots
    assert (snapshot.name, list(guest.snapshots)) == ("before the update", [snapshot.key])
    _runs(state, guest)


def _as_promised(life: Life, state: Server, guest: FakeGuest) -> None:
    """The disks are from then; name and plan are the newest."""
    assert (guest.name, guest.cores, guest.memory_mib) == ("later.example.com", 4, 4096)
    assert (guest.disk_gib["scsi0"], guest.booted) == (40, (4, 4096))
    assert state.identity is not None
    assert state.identity.volumes == guest.volumes
    _runs(state, guest)


def _unsnapped(life: Life, state: Server, guest: FakeGuest) -> None:
    assert (state.snapshots, guest.snapshots) == ([], {})
    _runs(state, guest)


def _backed_up(life: Life, state: Server, guest: FakeGuest) -> None:
    (backup,) = state.backups
    assert (backup.name, list(life.world.backups)) == ("weekly", [backup.volume])
    _runs(state, guest)


def _without_backup(life: Life, state: Server, guest: FakeGuest) -> None:
    assert (state.backups, life.world.backups) == ([], {})
    _runs(state, guest)


def _kept_from_its_owner(life: Life, state: Server, guest: FakeGuest) -> None:
    assert (state.status, guest.power, [hold.reason for hold in state.holds]) == ("suspended", "stopped", ["abuse"])


def _given_back(life: Life, state: Server, guest: FakeGuest) -> None:
    assert state.holds == []
    _runs(state, guest)


ACTS = {
    "rename": Act(("configure",), _rename, _renamed),
    "reset_password": Act(("configure", "set_password"), _reset_password, _has_new_credentials),
    "resize": Act(("configure", "resize", "reboot"), _resize, _larger),
    "rebuild": Act(
        ("shutdown", "reimage", "delete_snapshot", "drop_unused", "configure", "resize", "start"),
        _rebuild,
        _rebuilt,
        _with_snapshot,
    ),
    "rebuild_safely": Act(
        ("take_snapshot", "shutdown", "reimage", "configure", "resize", "start"), _rebuild_safely, _rebuilt_safely
    ),
    "rebuild_from_afar": Act(
        ("shutdown", "migrate", "reimage", "drop_unused", "migrate", "configure", "resize", "start"),
        _rebuild,
        _rebuilt_from_afar,
        _image_elsewhere,
    ),
    "snapshot": Act(("take_snapshot",), _snapshot, _snapped),
    "snapshot_restore": Act(
        ("roll_back", "configure", "resize", "start"), _snapshot_restore, _as_promised, _changed_since_snapshot
    ),
    "snapshot_delete": Act(("delete_snapshot",), _snapshot_delete, _unsnapped, _with_snapshot),
    "backup": Act(("take_backup",), _backup, _backed_up),
    "backup_restore": Act(
        ("shutdown", "restore_backup", "configure", "resize", "start"),
        _backup_restore,
        _as_promised,
        _changed_since_backup,
    ),
    "backup_delete": Act(("delete_backup",), _backup_delete, _without_backup, _with_backup),
    "suspend": Act(("shutdown", "configure"), _suspend, _kept_from_its_owner),
    "unsuspend": Act(("start", "configure"), _unsuspend, _given_back, _suspended),
}
