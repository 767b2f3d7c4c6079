"""A server's events in plain words: what happened, when, through whom. Customers never see where the guest is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from domain import ids
from domain.account.state import User
from domain.record import Actor, Recorded
from domain.server import events as e
from domain.server import represent
from service.deps import caller, deps
from service.servers.writing import seen
from service.web import paging
from service.web.body import query
from service.web.models import PageQuery
from service.web.reply import reply

OPERATIONS = {
    "create": "Creation",
    "start": "Start",
    "shutdown": "Shutdown",
    "stop": "Power off",
    "reboot": "Reboot",
    "reset": "Hard reset",
    "terminate": "Termination",
    "restore": "Undoing the termination",
    "destroy": "Removal",
    "rebuild": "Rebuild",
    "resize": "Resize",
    "rename": "Renaming",
    "reset_password": "Password reset",
    "snapshot": "Snapshot",
    "snapshot_restore": "Return to a snapshot",
    "snapshot_delete": "Deletion of a snapshot",
    "backup": "Backup",
    "backup_restore": "Return to a backup",
    "backup_delete": "Deletion of a backup",
    "suspend": "Suspension",
    "unsuspend": "End of the suspension",
    "repair": "Repair",
}
STEPS = {
    "place": "finding a place",
    "clone": "copying the image",
    "configure": "configuring",
    "resize": "enlarging the disk",
    "start": "starting",
    "address": "waiting for the address",
    "shutdown": "shutting down",
    "stop": "stopping",
    "reboot": "rebooting",
    "reset": "resetting",
    "schedule": "scheduling the removal",
    "restore": "undoing the termination",
    "destroy": "removing",
    "guard": "setting the address filter",
    "user_data": "taking the user data away again",
    "safety": "taking a safety snapshot",
    "reimage": "writing the image",
    "clean": "removing the old disk",
    "reserve": "reserving room",
    "scale": "changing cores and memory",
    "restart": "restarting",
    "rename": "renaming",
    "credentials": "changing password and keys",
    "rollback": "going back",
    "snapshot": "taking the snapshot",
    "snapshot_delete": "deleting the snapshot",
    "backup": "making the backup",
    "backup_restore": "restoring the backup",
    "backup_delete": "deleting the backup",
    "suspend": "suspending",
    "unsuspend": "ending the suspension",
    "repair": "setting right what was changed outside",
}
HOLDS = {"non_payment": "non-payment", "abuse": "abuse", "admin": "by staff"}
# How it was done, not what happened: for staff alone.
MECHANICS = (
    e.EffectIntended,
    e.TaskAccepted,
    e.StepCompleted,
    e.GuestIdentified,
    e.GuestMoved,
    e.CapacityReserved,
    e.ModeChanged,
    e.DriftFound,
    e.DriftEnded,
)
EXPLAINED = (e.CancelRequested, e.OperationCancelled, e.OperationRetried)  # by staff, to staff
HIDDEN = tuple(kind.name for kind in e.EVENTS if kind.cls in MECHANICS)
Words = tuple[str, str | None]


def _operation(name: str) -> str:
    return OPERATIONS.get(name, name.replace("_", " ").capitalize())


def _step(key: str) -> str:
    return STEPS.get(key, key.replace("_", " "))


def _size(plan: e.Plan) -> str:
    return f"{plan.vcpus} CPU, {plan.memory_mib} MiB memory, {plan.disk_gib} GiB disk"


def _ordered(event: e.ServerRequested, _: str) -> Words:
    return "Server ordered", f"{event.plan.name} ({_size(event.plan)}), {event.image.name}, {event.location.name}"


def _imported(event: e.ServerImported, _: str) -> Words:
    return "Imported", f"From {event.source}, service {event.source_id}: {event.plan.name} ({_size(event.plan)})"


def _placed(event: e.ServerPlaced, _: str) -> Words:
    addresses = ", ".join(address.address for address in event.addresses)
    return "Place found", f"Address {addresses}" if addresses else None


def _intended(event: e.EffectIntended, _: str) -> Words:
    again = f"Attempt {event.attempt}" if event.attempt > 1 else None
    return f"Step begun: {_step(event.step)}", again


def _scheduled(event: e.TerminationScheduled, _: str) -> Words:
    return "Termination scheduled", f"It can be undone until {event.purge_at:%-d %B %Y, %H:%M:%S} UTC"


# One line for every event there is, given the event and its operation's name; tests see to it that none is missing.
def _plan_changed(event: e.PlanChanged, _name: str) -> Words:
    detail = "It takes effect when the server is off and on again" if event.restart_needed else None
    return f"Now {event.plan.name} ({_size(event.plan)})", detail


def _credentials(event: e.CredentialsChanged, _name: str) -> Words:
    return "Password and keys changed", None if event.in_guest else "They are taken over at the next start"


WORDS: dict[type, Callable[[Any, str], Words]] = {
    e.ServerRequested: _ordered,
    e.ServerImported: _imported,
    e.ImportUpdated: lambda v, _: ("Updated from the import", f"{v.plan.name} ({_size(v.plan)})"),
    e.OperationRequested: lambda v, _: (f"{_operation(v.type)} requested", None),
    e.ServerPlaced: _placed,
    e.EffectIntended: _intended,
    e.TaskAccepted: lambda v, _: (f"Step accepted: {_step(v.step)}", None),
    e.StepCompleted: lambda v, _: (f"Step done: {_step(v.step)}", v.detail or None),
    e.StepHeld: lambda v, name: (f"{name} waits, {_step(v.step)}", v.detail or None),
    e.GuestIdentified: lambda _, __: ("Virtual machine identified", None),
    e.GuestMoved: lambda _, __: ("Moved to other hardware", None),
    e.PowerObserved: lambda v, _: (f"The server is {v.power}", None),
    e.OperationSucceeded: lambda _, name: (f"{name} finished", None),
    e.OperationFailed: lambda v, name: (f"{name} failed", v.message),
    e.AttentionRaised: lambda v, name: (f"{name} stopped; staff will look", v.message),
    e.ServerAdopted: lambda v, _: ("Linked to its virtual machine", f"Found {v.power}, left as it was"),
    e.ImportReverted: lambda _, __: ("Import taken back", "The virtual machine was left as it was"),
    e.AdoptionDeclined: lambda v, _: ("Not linked to a virtual machine", v.detail),
    e.TerminationScheduled: _scheduled,
    e.TerminationUndone: lambda _, __: ("Termination undone", None),
    e.ServerDestroyed: lambda _, __: ("Server removed", None),
    e.CancelRequested: lambda _, name: (f"{name}: cancellation requested", None),
    e.OperationCancelled: lambda _, name: (f"{name} cancelled", None),
    e.OperationRetried: lambda _, name: (f"{name} is tried again", None),
    e.CapacityReserved: lambda v, _: ("Room reserved", _size(v.plan)),
    e.PlanChanged: _plan_changed,
    e.ImageChanged: lambda v, _: (f"Rebuilt with {v.image.name}", None),
    e.ServerRenamed: lambda v, _: (f"Renamed to {v.name}", None),
    e.CredentialsChanged: _credentials,
    e.SnapshotTaken: lambda v, _: ("Snapshot taken", v.name or None),
    e.SnapshotRestored: lambda _, __: ("Back at a snapshot", None),
    e.SnapshotDeleted: lambda _, __: ("Snapshot deleted", None),
    e.BackupTaken: lambda v, _: ("Backup made", v.name or None),
    e.BackupRestored: lambda _, __: ("Back at a backup", None),
    e.BackupDeleted: lambda _, __: ("Backup deleted", None),
    e.HoldPlaced: lambda v, _: (f"Suspended: {HOLDS.get(v.reason, v.reason)}", None),
    e.HoldLifted: lambda v, _: (f"No longer suspended for: {HOLDS.get(v.reason, v.reason)}", None),
    e.ModeChanged: lambda v, _: (f"Mode changed to {v.mode}", None),
    e.ProtectionChanged: lambda v, _: (f"Delete protection turned {'on' if v.protected else 'off'}", None),
    e.LabelsChanged: lambda _, __: ("Labels changed", None),
    e.DriftFound: lambda v, _: ("Found different from what is recorded", v.detail),
    e.OwnerErased: lambda _, __: ("Personal data erased", None),
    e.DriftEnded: lambda v, _: (f"Difference settled: {v.how}", v.kind),
}


async def list_history(req: Request) -> Response:
    """What happened to a server, newest first; staff also see how it was done."""
    found, asked, d, staff = await seen(req), query(req, PageQuery), deps(req), caller(req).staff
    before, _ = paging.parse(asked.cursor, "history", paging.number)
    records = await d.reads.history(found.server.id, before, () if staff else HIDDEN, asked.limit + 1)
    people, types = await d.reads.people(people_of(records)), await d.reads.operation_types(found)
    shown = paging.page(
        records,
        asked.limit,
        lambda record: entry(record, people, types, staff=staff),
        lambda record: paging.cursor("history", record.version),
    )
    return reply(shown)


def entry(
    record: Recorded[Any],
    people: Mapping[UUID, User],
    types: Mapping[UUID, str],
    *,
    staff: bool,
    words: Mapping[type, Callable[[Any, str], Words]] = WORDS,
    prefix: str = ids.SERVER,
) -> dict[str, Any]:
    """An event in words: who, what, when, why. `prefix` is that of what the event is about."""
    operation_id: UUID | None = getattr(record.event, "operation_id", None)
    name = _operation(types.get(operation_id, "operation")) if operation_id else ""
    title, detail = words[type(record.event)](record.event, name)
    if staff and isinstance(record.event, EXPLAINED):
        detail = record.event.reason
    shown: dict[str, Any] = {
        "id": f"{ids.show(prefix, record.stream_id)}:{record.version}",
        "at": represent.time(record.at),
        "actor": _actor(record.meta.actor, people, staff=staff),
        "title": title,
        "detail": detail,
        "operation_id": ids.show(ids.OPERATION, operation_id) if operation_id else None,
        "request_id": record.meta.request_id or None,
    }
    if staff:
        shown["admin"] = {"event": type(record.event).__name__, **msgspec.to_builtins(record.event)}
    return shown


def _actor(actor: Actor, people: Mapping[UUID, User], *, staff: bool) -> dict[str, str]:
    if actor.type != "user":
        run = f", {actor.id}" if staff and actor.type == "import" and actor.id else ""
        label = actor.type.capitalize() + run
        return {"type": actor.type, "label": label}
    person = people.get(ids.parse(ids.USER, actor.person) or UUID(int=0))
    if actor.acting_as is not None:
        customer = people.get(ids.parse(ids.USER, actor.acting_as) or UUID(int=0))
        return {"type": "staff", "label": f"{_called(person) if staff else 'Staff'} as {_called(customer)}"}
    if person is None:
        return {"type": "user", "label": "A user"}
    if person.role == "admin" and not staff:
        return {"type": "staff", "label": "Staff"}
    return {"type": "staff" if person.role == "admin" else "user", "label": _called(person)}


def people_of(records: Sequence[Recorded[Any]]) -> set[UUID]:
    """The users who caused events."""
    actors = {record.meta.actor for record in records if record.meta.actor.type == "user"}
    named = {name for actor in actors for name in (actor.person, actor.acting_as) if name is not None}
    return {id for name in named if (id := ids.parse(ids.USER, name)) is not None}


def _called(person: User | None) -> str:
    return (person.name or person.email) if person is not None else "somebody"
