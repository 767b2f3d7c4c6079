"""Snapshots: take one, go back to it, delete it. Its name is made of the operation's id, so it is taken once."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from domain.server import events as e
from domain.server.state import Snapshot
from hypervisor.errors import Refused
from hypervisor.identity import identity_of
from hypervisor.port import GuestConfig, GuestSnapshot, Task
from orchestrator.effect import LATE_SECONDS, Plan, no_task, pursue, pursue_all, task_finder, task_succeeded
from orchestrator.outcome import Done, Failed, Outcome
from orchestrator.steps.power import ours
from orchestrator.work import Work
from runtime.ids import new_id

UNSUPPORTED = "The storage of this server cannot take snapshots: nothing was changed."
GONE = "The snapshot is not there any more: nothing was changed."
NOT_NEWEST = "The storage can only go back to the newest snapshot: nothing was changed. Delete the newer ones first."


def key_of(work: Work) -> str:
    """What the snapshot of this operation is called on the hypervisor: a letter and 32 digits of 40 allowed."""
    return f"h{work.operation.id.hex}"


async def take(work: Work) -> Outcome:
    """Done with `SnapshotTaken` once it is whole."""
    return await take_named(work, str(work.operation.params.get("name") or ""))


async def take_named(work: Work, name: str) -> Outcome:
    """Done with `SnapshotTaken` once it is whole; `name` is what people call it."""
    guest = await ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    key = key_of(work)
    mark = f"hostler server={work.state.id.hex} operation={work.operation.id.hex}"
    plan = Plan(
        verb="take_snapshot",
        node=guest.node,
        reached=partial(_taken, work, key),
        issue=lambda: work.hypervisor.take_snapshot(guest.node, guest.vmid, key, description=mark),
        find=task_finder(work, "qmsnapshot"),
        grace=LATE_SECONDS,
        failed=_cannot_take,
    )
    outcome = await pursue(work, plan)
    taken = e.SnapshotTaken(operation_id=work.operation.id, snapshot_id=new_id(), key=key, name=name)
    return Done(outcome.detail, [taken]) if isinstance(outcome, Done) else outcome


def _cannot_take(task: Task) -> Outcome | None:
    return Failed("unsupported", UNSUPPORTED, task.text, retryable=False) if task.cause == "refused" else None


async def found(work: Work, key: str) -> GuestSnapshot | None:
    """The snapshot as the hypervisor has it."""
    assert work.state.node is not None
    assert work.state.vmid is not None
    rows = await work.hypervisor.snapshots(work.state.node, work.state.vmid)
    return next((row for row in rows if row.name == key), None)


async def _taken(work: Work, key: str) -> str | None:
    snapshot = await found(work, key)
    return "" if snapshot is not None and snapshot.complete else None


async def go_back(work: Work) -> Outcome:
    """Done with `SnapshotRestored` once the disks are as they were; the guest is off then."""
    guest = await ours(work, volumes=False)
    if not isinstance(guest, GuestConfig):
        return guest
    snapshot = _named(work)
    if snapshot is None:
        return Failed("snapshot_missing", GONE, retryable=False)
    plan = Plan(
        verb="roll_back",
        node=guest.node,
        reached=task_succeeded(work, "roll_back"),
        issue=lambda: work.hypervisor.roll_back(guest.node, guest.vmid, snapshot.key),
        find=task_finder(work, "qmrollback"),
        grace=LATE_SECONDS,  # until the guest starts again, going back twice is going back once
        failed=_cannot_go_back,
        before=partial(_still_there, work, snapshot),
    )
    outcome = await pursue(work, plan)
    return await _clean(work, snapshot) if isinstance(outcome, Done) else outcome


def _named(work: Work) -> Snapshot | None:
    return work.state.snapshot(UUID(str(work.operation.params["snapshot_id"])))


async def _still_there(work: Work, snapshot: Snapshot) -> Outcome | None:
    there = await found(work, snapshot.key)
    return None if there is not None and there.complete else Failed("snapshot_missing", GONE, retryable=False)


def _cannot_go_back(task: Task) -> Outcome | None:
    if "is not most recent snapshot" in task.text:
        return Failed("not_newest", NOT_NEWEST, task.text, retryable=False)
    return None


async def _clean(work: Work, snapshot: Snapshot) -> Outcome:
    """A disk that came after the snapshot goes; the guest is identified by what it has now."""
    guest = await ours(work, volumes=False)
    if not isinstance(guest, GuestConfig):
        return guest
    held = [volume for other in work.state.snapshots for volume in other.volumes]
    before = work.state.identity.volumes.values() if work.state.identity is not None else ()
    newer = frozenset(before).difference(held, guest.volumes.values())
    outcome = await pursue_all(work, [drop_plan(work, guest, newer)])
    events = [
        e.GuestIdentified(operation_id=work.operation.id, node=guest.node, identity=identity_of(guest)),
        e.SnapshotRestored(operation_id=work.operation.id, snapshot_id=snapshot.id),
    ]
    return Done("", events) if isinstance(outcome, Done) else outcome


async def delete(work: Work) -> Outcome:
    """Done with `SnapshotDeleted` once it is gone, and with it a disk that only it held."""
    guest = await ours(work)
    if not isinstance(guest, GuestConfig):
        return guest
    snapshot = _named(work)
    if snapshot is None:
        return Done("It was gone already.")
    plans = [delete_plan(work, guest, snapshot), drop_plan(work, guest, held_alone(work, snapshot))]
    outcome = await pursue_all(work, plans)
    deleted = e.SnapshotDeleted(operation_id=work.operation.id, snapshot_id=snapshot.id)
    return Done(outcome.detail, [deleted]) if isinstance(outcome, Done) else outcome


def delete_plan(work: Work, guest: GuestConfig, snapshot: Snapshot) -> Plan:
    """How one snapshot goes away; the verb names it, since a step may delete several."""

    async def gone() -> str | None:
        return "" if await found(work, snapshot.key) is None else None

    return Plan(
        verb=f"delete_snapshot {snapshot.key}",
        node=guest.node,
        reached=gone,
        issue=lambda: work.hypervisor.delete_snapshot(guest.node, guest.vmid, snapshot.key),
        find=task_finder(work, "qmdelsnapshot"),
        grace=2.0,
    )


def held_alone(work: Work, snapshot: Snapshot) -> frozenset[str]:
    """Volumes that no other snapshot holds and that were not the guest's when it was last identified."""
    others = [volume for other in work.state.snapshots if other.id != snapshot.id for volume in other.volumes]
    now = work.state.identity.volumes.values() if work.state.identity is not None else ()
    return frozenset(snapshot.volumes).difference(others, now)


def drop_plan(work: Work, guest: GuestConfig, volumes: frozenset[str]) -> Plan:
    """How volumes that hang on no drive go away, these and no others. One that a snapshot of somebody else holds stays
    with it: that is no reason to stop.
    """
    refused = False

    async def gone() -> str | None:
        there = await work.guest()
        return "" if refused or (there is not None and not volumes & set(there.unused.values())) else None

    async def drop() -> None:
        nonlocal refused
        try:
            await work.hypervisor.drop_unused(guest.node, guest.vmid, volumes)
        except Refused:
            refused = True

    return Plan(verb="drop_unused", node=guest.node, reached=gone, issue=drop, find=no_task, grace=0.0)
