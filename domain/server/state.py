"""A server as its events make it: `evolve` folds one event into the state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.copying import Change, changed, revised
from domain.record import Actor, Recorded
from domain.server import events as e

Fields = dict[str, Any]  # names and new values

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
    change = changed if state is not None else revised  # nobody else has seen what is born here
    for record in records:
        state = evolve(state, record, change)
    return state


def evolve(state: Server | None, record: Recorded[e.ServerEvent], change: Change = changed) -> Server:
    """The state after one more event; with `revised` it is the same object, for who has it alone."""
    if state is None:
        return _born(record)
    return change(state, version=record.version, updated_at=record.at, **_news(state, record, change))


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


def _sold(event: e.ServerImported | e.ImportUpdated) -> Fields:
    names = ("name", "plan", "image", "location", "addresses", "hint", "quarantine", "suspension", "billing")
    return {name: getattr(event, name) for name in names}


def _news(state: Server, record: Recorded[e.ServerEvent], change: Change) -> Fields:
    event = record.event
    if type(event) in OF_STEPS or type(event) in OF_ENDS:
        return _worked(state, record, change)
    match event:
        case e.OperationRequested():
            operation = _requested(record, event.operation_id, event.type, event.params)
            before = state.power if event.type == "terminate" else state.power_before
            return {"operation": operation, "power_before": before}
        case e.PowerObserved():
            return {"power": event.power}
        case e.ServerPlaced():
            return {"placement": event, **_place(event), "addresses": event.addresses}
        case e.GuestIdentified():
            return {"node": event.node, "identity": event.identity}
        case e.GuestMoved():
            return {"node": event.node}
        case e.ImportUpdated():
            return {"account_id": event.account_id, "declined": None, **_sold(event)}
        case e.ServerAdopted():
            known = {"power": event.power, "identity": event.identity, **_place(event)}
            return {"adopted": True, "declined": None, **known}
        case e.AdoptionDeclined():
            return {"declined": event}
        case e.TerminationScheduled():
            return {"purge_at": event.purge_at, "power_before": event.power_before}
        case e.TerminationUndone():
            return {"purge_at": None, "power_before": None}
        case e.ServerDestroyed():
            return {"destroyed": True, "purge_at": None, "power": None}
        case _:
            return {}


def _place(event: e.ServerPlaced | e.ServerAdopted) -> Fields:
    return {"cluster": event.cluster, "node": event.node, "vmid": event.vmid}


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


def _worked(state: Server, record: Recorded[Any], change: Change) -> Fields:
    """An event of the operation that goes on; one of another operation is no news."""
    event, operation = record.event, state.operation
    if operation is None or event.operation_id != operation.id:
        return {}
    if type(event) in OF_STEPS:
        news = _stepped(operation, event, record.at, change)
    else:
        news = OF_ENDS[type(event)](operation, event, record.at)
    moved = change(operation, version=record.version, **news)
    created = operation.type == "create" and moved.status == "succeeded"
    return {"operation": moved, "provisioned": state.provisioned or created}


def _stepped(operation: Operation, event: Any, at: datetime, change: Change) -> Fields:
    steps = operation.steps.copy()
    for n, step in enumerate(steps):
        if step.key == event.step:
            steps[n] = change(step, started_at=step.started_at or at, **OF_STEPS[type(event)](step, event, at))
    return {"status": "running", "started_at": operation.started_at or at, "steps": steps}


def _intended(step: Step, event: e.EffectIntended, at: datetime) -> Fields:
    effect = Effect(attempt=event.attempt, verb=event.verb, node=event.node, vmid=event.vmid, since=event.since, at=at)
    return {"status": "running", "attempt": event.attempt, "effect": effect, "detail": ""}


def _accepted(step: Step, event: e.TaskAccepted, at: datetime) -> Fields:
    return {"effect": step.effect and changed(step.effect, upid=event.upid)}


def _held(step: Step, event: e.StepHeld, at: datetime) -> Fields:
    return {"status": "waiting", "detail": event.detail, "effect": None if event.settled else step.effect}


def _completed(step: Step, event: e.StepCompleted, at: datetime) -> Fields:
    return {"status": "succeeded", "detail": event.detail, "finished_at": at}


# What each event of a step changes of it.
OF_STEPS: dict[type, Callable[[Step, Any, datetime], Fields]] = {
    e.EffectIntended: _intended,
    e.TaskAccepted: _accepted,
    e.StepHeld: _held,
    e.StepCompleted: _completed,
}


def _succeeded(operation: Operation, event: e.OperationSucceeded, at: datetime) -> Fields:
    return {"status": "succeeded", "finished_at": at}


def _failed(operation: Operation, event: e.OperationFailed, at: datetime) -> Fields:
    error = Problem(code=event.code, message=event.message, retryable=event.retryable, debug=event.debug)
    return {"status": "failed", "error": error, **_stopped(operation, at)}


def _raised(operation: Operation, event: e.AttentionRaised, at: datetime) -> Fields:
    error = Problem(code=event.code, message=event.message, retryable=False, debug=event.debug)
    return {"status": "needs_attention", "error": error, **_stopped(operation, at)}


def _stopped(operation: Operation, at: datetime) -> Fields:
    step = operation.step
    steps = [changed(s, status="failed", finished_at=at) if s is step else s for s in operation.steps]
    return {"steps": steps, "finished_at": at}


# What each event that ends an operation changes of it.
OF_ENDS: dict[type, Callable[[Operation, Any, datetime], Fields]] = {
    e.OperationSucceeded: _succeeded,
    e.OperationFailed: _failed,
    e.AttentionRaised: _raised,
}
