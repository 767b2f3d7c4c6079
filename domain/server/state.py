"""A server as its events make it: `evolve` folds one event into the state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.copying import changed
from domain.record import Actor, Recorded
from domain.server import events as e

# The steps of each operation, in order. The orchestrator takes them one by one; people see them by these names.
STEPS: dict[str, tuple[str, ...]] = {
    "create": ("place", "clone", "configure", "resize", "start", "address"),
    "start": ("start",),
    "shutdown": ("shutdown",),
    "stop": ("stop",),
    "reboot": ("reboot",),
    "reset": ("reset",),
    "terminate": ("stop", "schedule"),
    "restore": ("restore",),
    "destroy": ("stop", "destroy"),
}
OPEN = ("queued", "running", "needs_attention")
# What a server's status is called while an operation of this type goes on.
IN_TRANSITION = {
    "create": "provisioning",
    "start": "starting",
    "shutdown": "stopping",
    "stop": "stopping",
    "reboot": "rebooting",
    "reset": "rebooting",
    "restore": "restoring",
    "terminate": "terminating",
    "destroy": "terminating",
}


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The newest attempt of a step: what was intended, and the task Proxmox named for it."""

    attempt: int
    verb: str
    node: str
    vmid: int
    since: int
    at: datetime
    upid: str | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of an operation as people see it, and its newest effect as the orchestrator needs it."""

    key: str
    status: str = "queued"  # queued | running | waiting | succeeded | failed
    detail: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempt: int = 0
    effect: Effect | None = None


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why an operation failed or needs staff; `debug` is for staff alone."""

    code: str
    message: str
    retryable: bool
    debug: str = ""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One thing being done to a server."""

    id: UUID
    server_id: UUID
    type: str
    status: str = "queued"
    steps: list[Step] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)
    error: Problem | None = None
    requested_by: Actor = field(default_factory=lambda: Actor(type="system"))
    request_id: str = ""
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    version: int = 0

    @property
    def step(self) -> Step | None:
        """The first step that is not done."""
        return next((step for step in self.steps if step.status != "succeeded"), None)

    @property
    def open(self) -> bool:
        """Whether it still blocks other operations."""
        return self.status in OPEN


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server: what was sold, where its guest is, what goes on."""

    id: UUID
    account_id: UUID
    name: str
    plan: e.Plan
    image: e.Image
    location: e.Location
    labels: dict[str, str] = field(default_factory=dict)
    ssh_keys: list[str] = field(default_factory=list)
    addresses: list[e.Address] = field(default_factory=list)
    cluster: str | None = None
    node: str | None = None
    vmid: int | None = None
    placement: e.ServerPlaced | None = None
    identity: e.Identity | None = None
    power: e.Power | None = None
    mode: e.Mode = "manage"
    source: str | None = None
    source_id: str | None = None
    hint: e.GuestHint | None = None
    quarantine: str | None = None
    adopted: bool = True
    declined: e.AdoptionDeclined | None = None
    suspension: str | None = None
    billing: e.Billing | None = None
    protected: bool = False
    purge_at: datetime | None = None
    power_before: e.Power | None = None
    provisioned: bool = False
    destroyed: bool = False
    operation: Operation | None = None  # the newest
    version: int = 0
    created_at: datetime
    updated_at: datetime

    @property
    def current(self) -> Operation | None:
        """The operation that goes on, if one does."""
        return self.operation if self.operation is not None and self.operation.open else None

    @property
    def status(self) -> str:
        """The one word people see; see the contract for the list."""
        if self.destroyed:
            return "terminated"
        if self.current is not None and self.current.status != "needs_attention":
            return IN_TRANSITION[self.current.type]
        if self.purge_at is not None:
            return "terminating"
        if not self.adopted:
            return "unlinked"
        if not self.provisioned:
            return "failed" if self.operation is not None else "provisioning"
        if self.suspension is not None:
            return "suspended"
        return self.power or "unknown"


def fold(state: Server | None, records: Iterable[Recorded[Any]]) -> Server | None:
    """The state after more events."""
    for record in records:
        state = evolve(state, record)
    return state


def evolve(state: Server | None, record: Recorded[e.ServerEvent]) -> Server:
    """The state after one more event."""
    after = _born(record) if state is None else _lived(state, record)
    return changed(after, version=record.version, updated_at=record.at)


def _born(record: Recorded[e.ServerEvent]) -> Server:
    event, at = record.event, record.at
    common: dict[str, Any] = {"id": record.stream_id, "created_at": at, "updated_at": at}
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
                operation=_requested(record, event.operation_id, "create", {}),
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
                **_sold(event),
            )
        case _:
            raise ValueError(f"a server's stream cannot begin with {type(event).__name__}")


def _sold(event: e.ServerImported | e.ImportUpdated) -> dict[str, Any]:
    names = ("name", "plan", "image", "location", "addresses", "hint", "quarantine", "suspension", "billing")
    return {name: getattr(event, name) for name in names}


def _lived(state: Server, record: Recorded[e.ServerEvent]) -> Server:
    event = record.event
    match event:
        case e.OperationRequested():
            operation = _requested(record, event.operation_id, event.type, event.params)
            before = state.power if event.type == "terminate" else state.power_before
            return changed(state, operation=operation, power_before=before)
        case e.ImportUpdated():
            return changed(state, account_id=event.account_id, declined=None, **_sold(event))
        case e.ServerPlaced():
            placed: dict[str, Any] = {
                "cluster": event.cluster,
                "node": event.node,
                "vmid": event.vmid,
                "addresses": event.addresses,
            }
            return changed(state, placement=event, **placed)
        case e.GuestIdentified():
            return changed(state, node=event.node, identity=event.identity)
        case e.GuestMoved():
            return changed(state, node=event.node)
        case e.PowerObserved():
            return changed(state, power=event.power)
        case e.ServerAdopted():
            place: dict[str, Any] = {"cluster": event.cluster, "node": event.node, "vmid": event.vmid}
            return changed(state, adopted=True, declined=None, power=event.power, identity=event.identity, **place)
        case e.AdoptionDeclined():
            return changed(state, declined=event)
        case e.TerminationScheduled():
            return changed(state, purge_at=event.purge_at, power_before=event.power_before)
        case e.TerminationUndone():
            return changed(state, purge_at=None, power_before=None)
        case e.ServerDestroyed():
            return changed(state, destroyed=True, purge_at=None, power=None)
        case _:
            return _worked(state, record)


def _worked(state: Server, record: Recorded[e.ServerEvent]) -> Server:
    """Events of the operation that goes on."""
    event, operation = record.event, state.operation
    if operation is None or getattr(event, "operation_id", None) != operation.id:
        return state
    moved = changed(_advanced(operation, record), version=record.version)
    done = isinstance(event, e.OperationSucceeded) and operation.type == "create"
    return changed(state, operation=moved, provisioned=state.provisioned or done)


def _requested(record: Recorded[Any], id: UUID, type: str, params: dict[str, Any]) -> Operation:
    return Operation(
        id=id,
        server_id=record.stream_id,
        type=type,
        params=params,
        steps=[Step(key=key) for key in STEPS[type]],
        requested_by=record.meta.actor,
        request_id=record.meta.request_id,
        created_at=record.at,
        version=record.version,
    )


def _advanced(operation: Operation, record: Recorded[e.ServerEvent]) -> Operation:
    event, at = record.event, record.at
    match event:
        case e.EffectIntended():
            effect = Effect(
                attempt=event.attempt,
                verb=event.verb,
                node=event.node,
                vmid=event.vmid,
                since=event.since,
                at=at,
            )
            return _step(operation, event.step, at, status="running", attempt=event.attempt, effect=effect, detail="")
        case e.TaskAccepted():
            step = _named(operation, event.step)
            known = step.effect and changed(step.effect, upid=event.upid)
            return _step(operation, event.step, at, effect=known)
        case e.StepHeld():
            kept = None if event.settled else _named(operation, event.step).effect
            return _step(operation, event.step, at, status="waiting", detail=event.detail, effect=kept)
        case e.StepCompleted():
            return _step(operation, event.step, at, status="succeeded", detail=event.detail, finished_at=at)
        case e.OperationSucceeded():
            return changed(operation, status="succeeded", finished_at=at)
        case e.OperationFailed():
            problem = Problem(code=event.code, message=event.message, retryable=event.retryable, debug=event.debug)
            return _stopped(changed(operation, status="failed", error=problem), at)
        case e.AttentionRaised():
            problem = Problem(code=event.code, message=event.message, retryable=False, debug=event.debug)
            return _stopped(changed(operation, status="needs_attention", error=problem), at)
        case _:
            return operation


def _named(operation: Operation, key: str) -> Step:
    return next(step for step in operation.steps if step.key == key)


def _step(operation: Operation, key: str, at: datetime, **changes: Any) -> Operation:
    steps = [
        changed(step, started_at=step.started_at or at, **changes) if step.key == key else step
        for step in operation.steps
    ]
    return changed(operation, status="running", started_at=operation.started_at or at, steps=steps)


def _stopped(operation: Operation, at: datetime) -> Operation:
    step = operation.step
    failed = [changed(s, status="failed", finished_at=at) if s is step else s for s in operation.steps]
    return changed(operation, steps=failed, finished_at=at)
