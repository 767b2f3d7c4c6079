"""A server and its newest operation, as their events make them; `evolve` folds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.record import Actor
from domain.server import events as e
from domain.server.operations import OPERATIONS, USER_DATA

OPEN = ("queued", "running", "needs_attention")


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
    upids: list[str] = field(default_factory=list)  # the tasks of all attempts


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
    status: str = "queued"  # queued | running | succeeded | failed | cancelled | needs_attention
    steps: list[Step] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)
    error: Problem | None = None
    requested_by: Actor = field(default_factory=lambda: Actor(type="system"))
    request_id: str = ""
    cancelling: bool = False
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

    @property
    def with_user_data(self) -> bool:
        """Whether user data came with it."""
        return any(step.key == USER_DATA for step in self.steps)

    @property
    def begun(self) -> bool:
        """Whether anything was done on its behalf, or may have been."""
        return any(step.effect is not None or step.status == "succeeded" for step in self.steps)


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Why a server is kept from its owner, and since when."""

    reason: str
    note: str = ""
    since: datetime
    imported: bool = False  # placed by the system that the server came from


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A state of the disks that can be gone back to; `key` is its name on the hypervisor, `volumes` what it holds."""

    id: UUID
    key: str
    name: str
    created_at: datetime
    image: e.Image | None = None  # what the disks were made of
    volumes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A copy of the disks apart from them."""

    id: UUID
    name: str
    storage: str
    volume: str
    size_bytes: int
    created_at: datetime
    image: e.Image | None = None


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How the guest is not as the log says. An ignored one stays until it is gone, so as not to be found again."""

    kind: str
    detail: str
    since: datetime
    ignored: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


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
    billed_as: str | None = None
    hint: e.GuestHint | None = None
    quarantine: str | None = None
    adopted: bool = True
    actual: dict[str, int] = field(default_factory=dict)  # the size found at adoption, until the plan is changed
    declined: e.AdoptionDeclined | None = None
    holds: list[Hold] = field(default_factory=list)
    power_held: e.Power | None = None  # what it was before the first hold
    given_up: list[str] = field(default_factory=list)  # tasks of backups that came to nothing; they may have left some
    billing: e.Billing | None = None
    protected: bool = False
    purge_at: datetime | None = None
    power_before: e.Power | None = None
    provisioned: bool = False
    destroyed: bool = False
    reverted: bool = False  # its import was taken back; a later one may bring it again
    restart_needed: bool = False  # the guest has its plan only after it has been off and on
    snapshots: list[Snapshot] = field(default_factory=list)
    backups: list[Backup] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    operation: Operation | None = None  # the newest that has begun
    queued: Operation | None = None  # waits for the other one's end
    version: int = 0
    created_at: datetime
    updated_at: datetime

    @property
    def current(self) -> Operation | None:
        """The operation that goes on, or the one that is next."""
        if self.operation is not None and self.operation.open:
            return self.operation
        return self.queued

    @property
    def touched(self) -> Operation | None:
        """The operation that the newest event is about."""
        for one in (self.operation, self.queued):  # asked after every event: no generator
            if one is not None and one.version == self.version:
                return one
        return None

    @property
    def size(self) -> dict[str, int]:
        """Cores, MiB and GiB that its guest has: the plan's, unless it was adopted with others."""
        plan = {"vcpus": self.plan.vcpus, "memory_mib": self.plan.memory_mib, "disk_gib": self.plan.disk_gib}
        return plan | self.actual

    @property
    def external_id(self) -> str | None:
        """What the system that bills for it calls it."""
        return f"{self.source}:service:{self.source_id}" if self.source else self.billed_as

    @property
    def suspension(self) -> str | None:
        """Why the server is kept from its owner: the first reason of several."""
        return self.holds[0].reason if self.holds else None

    @property
    def status(self) -> str:
        """The one word people see; see the contract for the list."""
        if self.destroyed:
            return "terminated"
        return self._shown or self.resting

    @property
    def _shown(self) -> str | None:
        """What it is called while an operation goes on."""
        if self.current is None or self.current.status == "needs_attention":
            return None
        return OPERATIONS[self.current.type].shown

    @property
    def resting(self) -> str:
        """The status without the operation that goes on."""
        if self.purge_at is not None:
            return "terminating"
        if not self.adopted:
            return "unlinked"
        if not self.provisioned:
            return "failed" if self.operation is not None else "provisioning"
        if self.holds:
            return "suspended"
        return self.power or "unknown"

    def hold(self, reason: str) -> Hold | None:
        """The hold for a reason."""
        return next((hold for hold in self.holds if hold.reason == reason), None)

    def drifted(self, kind: str) -> Drift | None:
        """The known difference of a kind."""
        return next((drift for drift in self.drift if drift.kind == kind), None)

    def snapshot(self, id: UUID) -> Snapshot | None:
        """A snapshot."""
        return next((snapshot for snapshot in self.snapshots if snapshot.id == id), None)

    def backup(self, id: UUID) -> Backup | None:
        """A backup."""
        return next((backup for backup in self.backups if backup.id == id), None)
