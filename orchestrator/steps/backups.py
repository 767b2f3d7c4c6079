"""Backups: make one, put it in the guest's place, delete it. It is found by the operation's id in its notes."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from domain.server import events as e
from domain.server.state import Backup
from hypervisor.errors import Invalid, Missing, Refused
from hypervisor.identity import identity_of
from hypervisor.port import BackupVolume, GuestConfig
from orchestrator import slots
from orchestrator.effect import LATE_SECONDS, Plan, no_task, pursue, pursue_all, task_finder, task_succeeded
from orchestrator.outcome import Attention, Done, Failed, Outcome
from orchestrator.steps import power
from orchestrator.steps.snapshots import drop_plan
from orchestrator.work import Work
from runtime.ids import new_id

TAKE = "take_backup"
NO_STORAGE = "Backups are not offered where this server is: nothing was changed."
GONE = "The backup is not there any more: nothing was changed."


def mark(work: Work) -> str:
    """The line in a backup's notes that says whose it is and which operation made it."""
    return f"hostler server={work.state.id.hex} operation={work.operation.id.hex}"


async def take(work: Work) -> Outcome:
    """Done with `BackupTaken` once it is listed."""
    guest = await power.ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    cluster = work.tools.config.known_cluster(work.state.cluster)
    storage = cluster.backup_storage if cluster is not None else None
    if storage is None:
        return Failed("no_backups", NO_STORAGE, "the cluster has no backup_storage", retryable=False)
    plan = Plan(
        verb=TAKE,
        node=guest.node,
        reached=partial(_taken, work, storage),
        issue=lambda: work.hypervisor.take_backup(guest.node, guest.vmid, storage=storage, notes=mark(work)),
        find=task_finder(work, "vzdump"),
        grace=LATE_SECONDS,  # a request that comes late would make a second one
        occupies=slots.needed(
            work.state.cluster or "", node=guest.node, storage=slots.disks(work.state, guest.node, storage)
        ),
    )
    effect = work.step.effect
    going_on = effect is not None and effect.verb == TAKE
    outcome = await pursue_all(work, [plan] if going_on else [_drop_broken(work, guest.node, storage), plan])
    return await _recorded(work, storage) if isinstance(outcome, Done) else outcome


def _drop_broken(work: Work, node: str, storage: str) -> Plan:
    """Delete what earlier attempts left: their workers died before they had written whose backup it is."""

    async def delete_all() -> None:
        for row in await _broken(work, storage):
            await work.hypervisor.delete_backup(node, storage, row.volume)

    async def reached() -> str | None:
        return None if await _broken(work, storage) else ""

    return Plan(verb="delete_backup", node=node, reached=reached, issue=delete_all, find=no_task, grace=2.0)


async def _broken(work: Work, storage: str) -> list[BackupVolume]:
    """What this operation's tasks made, or those of earlier ones that came to nothing, without saying whose it is."""
    named = {await _archive(work, upid, storage) for upid in [*work.state.given_up, *work.step.upids]}
    return [row for row in await _rows(work, storage) if row.volume in named and not row.notes] if named else []


async def _archive(work: Work, upid: str, storage: str) -> str | None:
    """What a task says that it makes, also when it has died; None when nobody knows any more."""
    try:
        return await work.hypervisor.archive(upid, storage)
    except Missing:
        return None


async def _rows(work: Work, storage: str) -> list[BackupVolume]:
    assert work.state.node is not None
    assert work.state.vmid is not None
    return await work.hypervisor.backups(work.state.node, storage, work.state.vmid)


async def _made(work: Work, storage: str) -> BackupVolume | None:
    """The backup that says it is this operation's, or that a task which went well says it made."""
    rows, effect = await _rows(work, storage), work.step.effect
    marked = next((row for row in rows if mark(work) in row.notes), None)
    if marked is not None or effect is None or effect.upid is None or await task_succeeded(work, TAKE)() is None:
        return marked
    named = await _archive(work, effect.upid, storage)
    return next((row for row in rows if row.volume == named), None)


async def _taken(work: Work, storage: str) -> str | None:
    guest = await work.guest()
    whole = guest is not None and guest.lock is None
    return "" if whole and await _made(work, storage) is not None else None


async def _recorded(work: Work, storage: str) -> Outcome:
    made = await _made(work, storage)
    if made is None:
        return Attention("backup_missing", "The backup was made and is not to be seen any more.")
    taken = e.BackupTaken(
        operation_id=work.operation.id,
        backup_id=new_id(),
        storage=storage,
        volume=made.volume,
        size_bytes=made.size_bytes,
        name=str(work.operation.params.get("name") or ""),
    )
    return Done("", [taken])


def _named(work: Work) -> Backup | None:
    return work.state.backup(UUID(str(work.operation.params["backup_id"])))


async def stop(work: Work) -> Outcome:
    """The guest is stopped, gracefully if it does so in time; that it ran is not forgotten. Nothing is done for a
    backup that is gone.
    """
    backup = _named(work)
    if backup is None or await _listed(work, backup) is None:
        return Failed("backup_missing", GONE, retryable=False)
    outcome = await power.shutdown(work, force=True)
    return Done(outcome.detail) if isinstance(outcome, Done) else outcome


async def _listed(work: Work, backup: Backup) -> BackupVolume | None:
    assert work.state.node is not None
    assert work.state.vmid is not None
    rows = await work.hypervisor.backups(work.state.node, backup.storage, work.state.vmid)
    return next((row for row in rows if row.volume == backup.volume), None)


async def restore(work: Work) -> Outcome:
    """Done with `BackupRestored` once the guest is as it was then; its snapshots went with its disks."""
    guest = await power.ours(work, volumes=False)
    if not isinstance(guest, GuestConfig):
        return guest
    backup, storage = _named(work), _storage_of(work, guest)
    if backup is None:
        return Failed("backup_missing", GONE, retryable=False)
    plan = Plan(
        verb="restore_backup",
        node=guest.node,
        reached=task_succeeded(work, "restore_backup"),
        issue=lambda: work.hypervisor.restore_backup(guest.node, guest.vmid, volume=backup.volume, storage=storage),
        find=task_finder(work, "qmrestore"),
        grace=LATE_SECONDS,  # until the guest starts again, restoring twice is restoring once
        before=partial(_still_there, work, backup),
        occupies=slots.needed(
            work.state.cluster or "", node=guest.node, storage=slots.disks(work.state, guest.node, storage)
        ),
    )
    off = power.shutdown_plan(work, guest, force=True)  # it may have been started before this was tried again
    outcome = await pursue_all(work, [off, plan])
    return await _restored(work, backup) if isinstance(outcome, Done) else outcome


def _storage_of(work: Work, guest: GuestConfig) -> str:
    """Where its disks are now, or new ones are made."""
    if guest.volumes:
        return next(iter(guest.volumes.values())).partition(":")[0]
    cluster = work.tools.config.known_cluster(work.state.cluster)
    return cluster.storage if cluster is not None else ""


async def _still_there(work: Work, backup: Backup) -> Outcome | None:
    there = await _listed(work, backup)
    return None if there is not None else Failed("backup_missing", GONE, retryable=False)


async def _restored(work: Work, backup: Backup) -> Outcome:
    guest = await power.ours(work, volumes=False)
    if not isinstance(guest, GuestConfig):
        return guest
    held = [volume for snapshot in work.state.snapshots for volume in snapshot.volumes]
    loose = frozenset(held).difference(guest.volumes.values())
    outcome = await pursue_all(work, [drop_plan(work, guest, loose)])
    if not isinstance(outcome, Done):
        return outcome
    operation = work.operation.id
    lost = [e.SnapshotDeleted(operation_id=operation, snapshot_id=snapshot.id) for snapshot in work.state.snapshots]
    identified = e.GuestIdentified(operation_id=operation, node=guest.node, identity=identity_of(guest))
    return Done("", [identified, *lost, e.BackupRestored(operation_id=operation, backup_id=backup.id)])


async def delete(work: Work) -> Outcome:
    """Done with `BackupDeleted` once it is listed no more. What is listed under its name must be the server's own."""
    backup = _named(work)
    if backup is None:
        return Done("It was gone already.")
    there = await _listed(work, backup)
    if there is not None and not _says(work, there):
        return Attention("not_ours", "Another backup stands where this server's should be.", there.volume)
    node = work.state.node
    assert node is not None

    async def gone() -> str | None:
        return "" if await _listed(work, backup) is None else None

    plan = Plan(
        verb="delete_backup",
        node=node,
        reached=gone,
        issue=lambda: work.hypervisor.delete_backup(node, backup.storage, backup.volume),
        find=no_task,
        grace=2.0,
    )
    outcome = await pursue(work, plan)
    deleted = e.BackupDeleted(operation_id=work.operation.id, backup_id=backup.id)
    return Done(outcome.detail, [deleted]) if isinstance(outcome, Done) else outcome


def leave_none(work: Work) -> Plan:
    """Delete every backup that says it is the server's, or that a task of its made, whether the log knows of it or not:
    the server is to go.
    """
    node, vmid = work.state.node, work.state.vmid
    assert node is not None
    assert vmid is not None

    async def own() -> list[tuple[str, BackupVolume]]:
        found = [(storage, await _all_on(work, node, storage, vmid)) for storage in _storages(work)]
        said = [(storage, row) for storage, rows in found for row in rows if _says(work, row)]
        return said + [(storage, row) for storage, rows in found if rows for row in await _broken(work, storage)]

    async def delete_all() -> None:
        for storage, row in await own():
            await work.hypervisor.delete_backup(node, storage, row.volume)

    async def reached() -> str | None:
        return None if await own() else ""

    return Plan(verb="delete_backups", node=node, reached=reached, issue=delete_all, find=no_task, grace=2.0)


def _says(work: Work, row: BackupVolume) -> bool:
    return f"hostler server={work.state.id.hex} " in row.notes


def _storages(work: Work) -> list[str]:
    """Where backups are made now, and where those lie that are known."""
    cluster = work.tools.config.known_cluster(work.state.cluster)
    made = {cluster.backup_storage} if cluster is not None and cluster.backup_storage is not None else set()
    return sorted(made | {backup.storage for backup in work.state.backups})


async def _all_on(work: Work, node: str, storage: str, vmid: int) -> list[BackupVolume]:
    """A storage that is not there any more has none."""
    try:
        return await work.hypervisor.backups(node, storage, vmid)
    except (Missing, Refused, Invalid):
        return []
