"""Commands and what they lead to: `decide` takes a command and the state, and returns events or refuses.

Ids, times and everything looked up elsewhere enter with the command.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from domain.errors import Invalid, NotAllowed, OperationInProgress, Protected
from domain.server import events as e
from domain.server.operations import HOLDS, OPERATIONS, USER_DATA, WHY, Kind, Who, steps_of
from domain.server.state import Operation, Server

Ending = Literal["retry", "skip", "cancel"]
# Steps that record nothing but that they were done: what follows does not build on them.
SKIPPABLE = frozenset({"guard", "address", USER_DATA})
HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateServer:
    """Ask for a new server; plan, image and location are already looked up. `user_data`: some lies beside the log."""

    operation_id: UUID
    account_id: UUID
    name: str
    plan: e.Plan
    image: e.Image
    location: e.Location
    min_disk_gib: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    ssh_keys: list[str] = field(default_factory=list)
    external_id: str | None = None
    user_data: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOperation:
    """Ask for an operation on a server that exists. `personal` are the params that are people's own; `observed`: its
    whole cluster is only looked at; `user_data`: some is kept beside the log.
    """

    operation_id: UUID
    type: str
    now: datetime
    params: dict[str, Any] = field(default_factory=dict)
    personal: dict[str, Any] = field(default_factory=dict)
    by: Who = "customer"
    observed: bool = False
    user_data: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOperation:
    """Ask for a failed operation to be tried again, to go on without its step, or to be given up; None: the newest.

    `reason` is for staff to read.
    """

    what: Ending
    operation_id: UUID | None = None
    by: Who = "customer"
    reason: str | None = None


def create(state: Server | None, command: CreateServer) -> list[e.ServerEvent]:
    """A new server, or nothing when it is there already.

    Raises:
        Invalid: the name is no host name, or the plan's disk is smaller than the image.
    """
    if state is not None:
        return []
    check_name(command.name)
    if command.plan.disk_gib < command.min_disk_gib:
        raise Invalid("/plan", f"{command.image.name} needs a disk of at least {command.min_disk_gib} GiB.")
    return [
        e.ServerRequested(
            operation_id=command.operation_id,
            account_id=command.account_id,
            plan=command.plan,
            image=command.image,
            location=command.location,
            steps=steps_of("create", user_data=command.user_data),
            name=command.name.lower(),
            labels=command.labels,
            ssh_keys=command.ssh_keys,
            external_id=command.external_id,
        )
    ]


def request(state: Server, command: RequestOperation) -> list[e.ServerEvent]:
    """An operation on a server.

    Raises:
        Invalid: there is no such operation, or something that it needs is wrong.
        OperationInProgress: another one goes on.
        Protected: delete protection is on.
        NotAllowed: the status does not allow it, or the guest is only observed.
    """
    kind = OPERATIONS.get(command.type)
    if kind is None or not _may(kind, command.by):
        raise Invalid("/type", f"There is no action {command.type!r}.")
    if command.type == "terminate" and state.protected:
        raise Protected("Delete protection is on: turn it off first.")
    asked = e.OperationRequested(
        operation_id=command.operation_id,
        type=command.type,
        steps=steps_of(command.type, user_data=command.user_data),
        params=command.params,
        personal=command.personal,
    )
    if command.type == "terminate" and (created := _creation(state)) is not None:
        return [*_cancel(created), asked]
    _not_busy(state)
    if command.by != "system":
        _allowed(state, command, kind)
    return [*SPECIAL[command.type](state, command), asked] if command.type in SPECIAL else [asked]


def _may(kind: Kind, by: Who) -> bool:
    ranks: list[Who] = ["customer", "staff", "system"]
    return ranks.index(by) >= ranks.index(kind.who)


def _creation(state: Server) -> Operation | None:
    """The creation that goes on, with nothing waiting for its end yet."""
    operation = state.operation
    going_on = operation is not None and operation.type == "create" and operation.status in ("queued", "running")
    return operation if going_on and state.queued is None else None


def _not_busy(state: Server) -> None:
    current = state.current
    if current is not None:
        what = "waits for staff" if current.status == "needs_attention" else "is running"
        raise OperationInProgress(f"Another operation ({current.type}) {what}.", current.id)


def _allowed(state: Server, command: RequestOperation, kind: Kind) -> None:
    statuses = kind.allowed | (kind.staff_allowed if command.by == "staff" else frozenset())
    if state.status not in statuses:
        raise NotAllowed(f"This is not possible now: {WHY.get(state.status, state.status)}.")
    check_managed(state, command)


def check_managed(state: Server, command: RequestOperation) -> None:
    """Raise NotAllowed where nothing may be done to the guest."""
    if state.mode == "observe":
        raise NotAllowed("This server is only observed: it is still managed by the system it came from.")
    if command.observed:
        raise NotAllowed("Changes are switched off at this place for now. The server itself is not affected.")


def _restore(state: Server, command: RequestOperation) -> list[e.ServerEvent]:
    if command.by != "system" and state.purge_at is not None and command.now >= state.purge_at:
        raise NotAllowed("The time to undo the termination has passed.")
    return []


def _resize(state: Server, command: RequestOperation) -> list[e.ServerEvent]:
    plan = command.params["plan"]
    if plan["disk_gib"] < state.plan.disk_gib:
        raise Invalid("/plan", f"The disk cannot become smaller: it has {state.plan.disk_gib} GiB.")
    if plan == {name: getattr(state.plan, name) for name in plan}:
        raise NotAllowed(f"The server has the plan {state.plan.name} already.")
    return []


def _rebuild(state: Server, command: RequestOperation) -> list[e.ServerEvent]:
    return _snapshot(state, command) if command.params.get("safety") else []


def _rename(state: Server, command: RequestOperation) -> list[e.ServerEvent]:
    check_name(command.personal["name"])
    return []


def _snapshot(state: Server, command: RequestOperation) -> list[e.ServerEvent]:
    if len(state.snapshots) >= state.plan.snapshots:
        raise NotAllowed(f"The plan {state.plan.name} has room for {state.plan.snapshots} snapshots: delete one first.")
    return []


def _backup(state: Server, command: RequestOperation) -> list[e.ServerEvent]:
    if len(state.backups) >= state.plan.backups:
        raise NotAllowed(f"The plan {state.plan.name} has room for {state.plan.backups} backups: delete one first.")
    return []


def _of_snapshot(state: Server, command: RequestOperation) -> list[e.ServerEvent]:
    if state.snapshot(UUID(command.params["snapshot_id"])) is None:
        raise Invalid("/snapshot", "The server has no such snapshot.")
    return []


def _of_backup(state: Server, command: RequestOperation) -> list[e.ServerEvent]:
    if state.backup(UUID(command.params["backup_id"])) is None:
        raise Invalid("/backup", "The server has no such backup.")
    return []


def _suspend(state: Server, command: RequestOperation) -> list[e.ServerEvent]:
    reason = command.params["reason"]
    if reason not in HOLDS:
        raise Invalid("/reason", f"The reason is one of {', '.join(HOLDS)}.")
    if state.hold(reason) is not None:
        raise NotAllowed(f"The server is suspended for this reason already ({reason}).")
    return [e.HoldPlaced(reason=reason, note=command.personal.get("note", ""))]


def _unsuspend(state: Server, command: RequestOperation) -> list[e.ServerEvent]:
    reason = command.params["reason"]
    if state.hold(reason) is None:
        held = ", ".join(hold.reason for hold in state.holds)
        raise Invalid("/reason", f"The server is not suspended for this reason, but for: {held}.")
    return [e.HoldLifted(reason=reason)]


# What else must hold for an operation, and what is recorded before it.
SPECIAL = {
    "restore": _restore,
    "resize": _resize,
    "rebuild": _rebuild,
    "rename": _rename,
    "snapshot": _snapshot,
    "snapshot_restore": _of_snapshot,
    "snapshot_delete": _of_snapshot,
    "backup": _backup,
    "backup_restore": _of_backup,
    "backup_delete": _of_backup,
    "suspend": _suspend,
    "unsuspend": _unsuspend,
}


def end(state: Server, command: EndOperation) -> list[e.ServerEvent]:
    """Retry or cancel an operation, or skip its step.

    Raises:
        Invalid: the server has no such operation.
        OperationInProgress: another one goes on.
        NotAllowed: it is not for this one, now, or by whom it is asked.
    """
    operation = _named(state, command.operation_id)
    if command.what == "retry":
        return _retry(state, operation, command)
    if command.what == "skip":
        return _skip(state, operation, command)
    if operation.status == "needs_attention" and command.by == "customer":
        raise NotAllowed("Staff look at this operation: only they can give it up.")
    return _cancel(operation, command.reason)


STANDS = {
    "queued": "has not begun yet",
    "running": "goes on",
    "needs_attention": "waits for staff",
    "succeeded": "succeeded",
    "failed": "failed for good",
    "cancelled": "was cancelled",
}


def _named(state: Server, id: UUID | None) -> Operation:
    known = [operation for operation in (state.queued, state.operation) if operation is not None]
    found = next((operation for operation in known if id in (None, operation.id)), None)
    if found is None:
        raise Invalid("/operation", "This is not the server's newest operation.")
    return found


def _retry(state: Server, operation: Operation, command: EndOperation) -> list[e.ServerEvent]:
    current = state.current
    if current is not None and current is not operation:
        raise OperationInProgress(f"Another operation ({current.type}) is running.", current.id)
    attention = operation.status == "needs_attention"
    if attention and command.by == "customer":
        raise NotAllowed("Staff look at this operation: only they can have it tried again.")
    retryable = operation.error is not None and operation.error.retryable
    if not attention and not (operation.status == "failed" and retryable):
        raise NotAllowed(f"This operation cannot be tried again: it {STANDS[operation.status]}.")
    return [e.OperationRetried(operation_id=operation.id, reason=command.reason)]


def _skip(state: Server, operation: Operation, command: EndOperation) -> list[e.ServerEvent]:
    """Staff have seen to a step, or can do without it: it counts as done."""
    if command.by == "customer" or operation.status != "needs_attention":
        raise NotAllowed("Only staff skip a step, and only of an operation that waits for them.")
    step = operation.step
    if step is None or step.key not in SKIPPABLE:
        raise NotAllowed("What follows builds on this step: have it tried again, or give the operation up.")
    skipped = e.StepCompleted(operation_id=operation.id, step=step.key, detail="Skipped by staff")
    return [*_retry(state, operation, command), skipped]


def _cancel(operation: Operation, reason: str | None = None) -> list[e.ServerEvent]:
    if not operation.open:
        raise NotAllowed(f"This operation has ended: it {STANDS[operation.status]}.")
    if operation.cancelling:
        return []
    if operation.status == "needs_attention" or (operation.status == "queued" and not operation.begun):
        return [e.OperationCancelled(operation_id=operation.id, reason=reason)]
    if operation.type != "create" and operation.begun:
        raise NotAllowed("This has begun and cannot be called back.")
    return [e.CancelRequested(operation_id=operation.id, reason=reason)]


def check_name(name: str) -> None:
    """Raise Invalid unless this is a host name."""
    if not HOST_NAME.fullmatch(name):
        raise Invalid("/name", "Use letters, digits, hyphens and dots: a host name such as web-1 or web-1.example.com.")
