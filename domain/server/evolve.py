"""What each event makes of a server: `fold` for many, `evolve` for one more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from domain.copying import Change, changed, revised
from domain.record import ERASED, Recorded
from domain.server import events as e
from domain.server.progress import ENDS, STEPS, Fields, requested, stepped
from domain.server.state import Backup, Drift, Hold, Operation, Server, Snapshot

WORK = STEPS.keys() | ENDS.keys()  # the events of an operation that goes on
# What ends in the power state from before.
POWER_KEPT = ("terminate", "snapshot_restore", "backup_restore")


def fold(state: Server | None, records: Iterable[Recorded[Any]]) -> Server | None:
    """The state after more events."""
    change = changed if state is not None else revised  # nobody else has seen what is born here
    for record in records:
        state = evolve(state, record, change)
    return state


def evolve(state: Server | None, record: Recorded[e.ServerEvent], change: Change = changed) -> Server:
    """The state after one more event; with `revised` it is the same object, for who has it alone."""
    if state is None:
        return _born(record)
    news = _news(state, record, change)
    news["version"], news["updated_at"] = record.version, record.at
    return change(state, **news)


def _born(record: Recorded[e.ServerEvent]) -> Server:
    event, at = record.event, record.at
    common: Fields = {"id": record.stream_id, "created_at": at, "updated_at": at, "version": record.version}
    match event:
        case e.ServerRequested():
            return Server(
                **common,
                account_id=event.account_id,
                name=event.name,
                plan=event.plan,
                image=event.image,
                location=event.location,
                labels=event.labels,
                ssh_keys=event.ssh_keys,
                billed_as=event.external_id,
                operation=requested(record, event.operation_id, "create", event.steps, {}),
            )
        case e.ServerImported():
            return Server(
                **common,
                account_id=event.account_id,
                source=event.source,
                source_id=event.source_id,
                mode=event.mode,
                adopted=False,
                provisioned=True,
                holds=_imported_holds([], event.suspension, at),
                **_sold(event),
            )
        case _:
            raise ValueError(f"a server's stream cannot begin with {type(event).__name__}")


def _sold(event: e.ServerImported | e.ImportUpdated) -> Fields:
    names = ("name", "plan", "image", "location", "addresses", "hint", "quarantine", "billing")
    return {name: getattr(event, name) for name in names}


def _imported_holds(holds: list[Hold], reason: str | None, at: datetime) -> list[Hold]:
    """Holds after the source was read: what the source placed follows it, what staff placed stays."""
    others = [hold for hold in holds if not hold.imported]
    if reason is None:
        return others
    known = next((hold for hold in holds if hold.imported and hold.reason == reason), None)
    return [known or Hold(reason=reason, since=at, imported=True), *others]


def _news(state: Server, record: Recorded[Any], change: Change) -> Fields:
    kind = type(record.event)
    if kind in WORK:
        return _worked(state, record, change)
    return OTHERS[kind](state, record.event, record.at) if kind in OTHERS else _asked(state, record)


def _asked(state: Server, record: Recorded[Any]) -> Fields:
    event = record.event
    operation = requested(record, event.operation_id, event.type, event.steps, event.params | event.personal)
    before = state.power if event.type in POWER_KEPT else state.power_before
    place = "queued" if state.operation is not None and state.operation.open else "operation"
    return {place: operation, "power_before": before}


def _worked(state: Server, record: Recorded[Any], change: Change) -> Fields:
    """An event of an operation that goes on; one of another operation is no news."""
    event, operation, queued = record.event, state.operation, state.queued
    if operation is not None and event.operation_id == operation.id:
        return _moved(state, operation, record, change)
    if queued is not None and event.operation_id == queued.id:
        return {**_moved(state, queued, record, change), "queued": None}
    return {}


def _moved(state: Server, operation: Operation, record: Recorded[Any], change: Change) -> Fields:
    event = record.event
    if type(event) in STEPS:
        news = stepped(operation, event, record.at, change)
    else:
        news = ENDS[type(event)](operation, event, record.at)
    news["version"] = record.version
    moved = change(operation, **news)
    fields: Fields = {"operation": moved}
    if moved.type == "create" and moved.status == "succeeded":
        fields["provisioned"] = True
    if moved.type == "backup" and moved.status in ("failed", "cancelled"):
        fields["given_up"] = _given_up(state, moved)
    return fields


def _given_up(state: Server, backup: Operation) -> list[str]:
    tasks = [upid for step in backup.steps for upid in step.upids if upid not in state.given_up]
    return [*state.given_up, *tasks]


def _placed(state: Server, event: e.ServerPlaced, at: datetime) -> Fields:
    return {"placement": event, **_place(event), "addresses": event.addresses}


def _place(event: e.ServerPlaced | e.ServerAdopted) -> Fields:
    return {"cluster": event.cluster, "node": event.node, "vmid": event.vmid}


def _import_updated(state: Server, event: e.ImportUpdated, at: datetime) -> Fields:
    holds = _imported_holds(state.holds, event.suspension, at)
    again: Fields = {"destroyed": False, "reverted": False} if state.reverted else {}
    return {"account_id": event.account_id, "declined": None, "holds": holds, **_sold(event), **again}


def _reverted(state: Server, event: e.ImportReverted, at: datetime) -> Fields:
    nowhere = {"cluster": None, "node": None, "vmid": None, "identity": None, "power": None}
    return {"destroyed": True, "reverted": True, "adopted": False, "declined": None, "drift": [], **nowhere}


def _adopted(state: Server, event: e.ServerAdopted, at: datetime) -> Fields:
    known = {"power": event.power, "identity": event.identity, "actual": event.actual, **_place(event)}
    return {"adopted": True, "declined": None, **known}


def _power(state: Server, event: e.PowerObserved, at: datetime) -> Fields:
    started = event.power == "running" and state.power == "stopped"
    return {"power": event.power, "restart_needed": state.restart_needed and not started}


def _held(state: Server, event: e.HoldPlaced, at: datetime) -> Fields:
    hold = Hold(reason=event.reason, note=event.note, since=at)
    held = state.power_held if state.holds else state.power
    return {"holds": [*state.holds, hold], "power_held": held}


def _lifted(state: Server, event: e.HoldLifted, at: datetime) -> Fields:
    return {"holds": [hold for hold in state.holds if hold.reason != event.reason]}


def _credentials(state: Server, event: e.CredentialsChanged, at: datetime) -> Fields:
    return {} if event.ssh_keys is None else {"ssh_keys": event.ssh_keys}


def _snapshot(state: Server, event: e.SnapshotTaken, at: datetime) -> Fields:
    volumes = sorted(state.identity.volumes.values()) if state.identity is not None else []
    taken = Snapshot(
        id=event.snapshot_id, key=event.key, name=event.name, created_at=at, image=state.image, volumes=volumes
    )
    return {"snapshots": [*state.snapshots, taken]}


def _snapshot_gone(state: Server, event: e.SnapshotDeleted, at: datetime) -> Fields:
    return {"snapshots": [kept for kept in state.snapshots if kept.id != event.snapshot_id]}


def _backup(state: Server, event: e.BackupTaken, at: datetime) -> Fields:
    taken = Backup(
        id=event.backup_id,
        name=event.name,
        storage=event.storage,
        volume=event.volume,
        size_bytes=event.size_bytes,
        created_at=at,
        image=state.image,
    )
    return {"backups": [*state.backups, taken], "given_up": []}


def _backup_gone(state: Server, event: e.BackupDeleted, at: datetime) -> Fields:
    return {"backups": [kept for kept in state.backups if kept.id != event.backup_id]}


def _restored(state: Server, kept: Snapshot | Backup | None) -> Fields:
    return {"image": kept.image} if kept is not None and kept.image is not None else {}


def _drifted(state: Server, event: e.DriftFound, at: datetime) -> Fields:
    others = [drift for drift in state.drift if drift.kind != event.kind]
    found = Drift(kind=event.kind, detail=event.detail, since=at, facts=event.facts | event.personal)
    return {"drift": [*others, found]}


def _undrifted(state: Server, event: e.DriftEnded, at: datetime) -> Fields:
    others = [drift for drift in state.drift if drift.kind != event.kind]
    known = state.drifted(event.kind)
    if known is None or event.how != "ignored":
        return {"drift": others, **(_as_found(state, known, event) if known and event.how == "adopted" else {})}
    return {"drift": [*others, changed(known, ignored=True)]}


def _as_found(state: Server, drift: Drift, event: e.DriftEnded) -> Fields:
    """What the log takes over when it is the guest that is right."""
    facts, taken = drift.facts, Fields()
    if drift.kind == "renamed" and "name" in facts:
        taken["name"] = facts["name"]
    found: dict[str, Any] = {size: facts[size] for size in ("vcpus", "memory_mib", "disk_gib") if size in facts}
    sizes = dict[str, Any](event.size) or found
    if sizes:
        taken |= {"plan": replace(state.plan, **sizes), "actual": {}}
    if state.placement is not None and "bridge" in facts:
        taken["placement"] = replace(state.placement, bridge=facts["bridge"])
    if state.identity is not None and "identity" in facts:
        taken["identity"] = e.Identity(**facts["identity"])
    return taken


def _erased(state: Server, event: e.OwnerErased, at: datetime) -> Fields:
    """Nothing of what people had written is left; older operations lose theirs when the stream is folded anew."""
    return {
        "name": ERASED,
        "labels": {},
        "ssh_keys": [],
        "holds": [replace(hold, note="") for hold in state.holds],
        "snapshots": [replace(one, name=ERASED) for one in state.snapshots],
        "backups": [replace(one, name=ERASED) for one in state.backups],
    }


OTHERS: dict[type, Callable[[Server, Any, datetime], Fields]] = {
    e.PowerObserved: _power,
    e.ServerPlaced: _placed,
    e.GuestIdentified: lambda _, v, __: {"node": v.node, "identity": v.identity},
    e.GuestMoved: lambda _, v, __: {"node": v.node},
    e.ImportUpdated: _import_updated,
    e.ServerAdopted: _adopted,
    e.OwnerErased: _erased,
    e.ImportReverted: _reverted,
    e.AdoptionDeclined: lambda _, v, __: {"declined": v},
    e.TerminationScheduled: lambda _, v, __: {"purge_at": v.purge_at, "power_before": v.power_before},
    e.TerminationUndone: lambda _, __, ___: {"purge_at": None, "power_before": None},
    e.ServerDestroyed: lambda _, __, ___: {"destroyed": True, "purge_at": None, "power": None},
    e.CapacityReserved: lambda _, __, ___: {},
    e.PlanChanged: lambda _, v, __: {"plan": v.plan, "restart_needed": v.restart_needed, "actual": {}},
    e.ImageChanged: lambda _, v, __: {"image": v.image, "ssh_keys": v.ssh_keys},
    e.ServerRenamed: lambda _, v, __: {"name": v.name},
    e.CredentialsChanged: _credentials,
    e.SnapshotTaken: _snapshot,
    e.SnapshotRestored: lambda s, v, _: _restored(s, s.snapshot(v.snapshot_id)),
    e.SnapshotDeleted: _snapshot_gone,
    e.BackupTaken: _backup,
    e.BackupRestored: lambda s, v, _: _restored(s, s.backup(v.backup_id)),
    e.BackupDeleted: _backup_gone,
    e.HoldPlaced: _held,
    e.HoldLifted: _lifted,
    e.ModeChanged: lambda _, v, __: {"mode": v.mode},
    e.ProtectionChanged: lambda _, v, __: {"protected": v.protected},
    e.LabelsChanged: lambda _, v, __: {"labels": v.labels},
    e.DriftFound: _drifted,
    e.DriftEnded: _undrifted,
}
