"""What can happen to a server. Names on disk stand at the foot; version them, never rename them.

Each step of an operation is told in three events: `EffectIntended` before Proxmox is touched, `TaskAccepted` when it
named a task, `StepCompleted` when the effect was observed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from domain.record import EventType, private

Power = Literal["running", "stopped", "paused"]
Mode = Literal["observe", "manage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan as it was when it was chosen: later changes of the catalogue do not touch a server."""

    id: UUID
    name: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    snapshots: int = 3  # how many of each a server may have
    backups: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The operating system image as it was when it was chosen; `template` is its key in the settings."""

    id: UUID
    name: str
    template: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """The place as it was when it was chosen; `key` is its key in the settings."""

    id: UUID
    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One address of a server, with the prefix length and gateway its guest is told."""

    address: str
    prefix: int
    gateway: str | None
    family: int
    primary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """What the source billed for an imported service; amounts are exact decimal text in `currency`."""

    cycle: str
    amount: str
    currency: str
    next_due: str | None = None
    registered: str | None = None
    source_status: str = ""
    override_until: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestHint:
    """Where the source says the guest of an imported service is, and how it knows."""

    cluster: str
    vmid: int
    kind: str = "qemu"
    evidence: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What makes a guest this guest and no other: smbios uuid, MAC per NIC, volume per drive."""

    smbios_uuid: str | None
    macs: dict[str, str]
    volumes: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRequested:
    operation_id: UUID
    account_id: UUID
    plan: Plan
    image: Image
    location: Location
    steps: list[str]
    external_id: str | None = None  # what a billing system calls it
    name: str = private(default="")
    labels: dict[str, str] = private(default_factory=dict)
    ssh_keys: list[str] = private(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerImported:
    source: str
    source_id: str
    run_id: UUID
    account_id: UUID
    plan: Plan
    image: Image
    location: Location
    mode: Mode
    addresses: list[Address]
    hint: GuestHint | None
    quarantine: str | None  # why the guest must not be adopted, decided from the source alone
    suspension: str | None  # non_payment | abuse | admin
    billing: Billing
    name: str = private(default="")
    raw: dict[str, Any] = private(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportUpdated:
    """A later run found the source changed: the whole of what is sold, as it now is."""

    run_id: UUID
    account_id: UUID
    plan: Plan
    image: Image
    location: Location
    addresses: list[Address]
    hint: GuestHint | None
    quarantine: str | None
    suspension: str | None
    billing: Billing
    name: str = private(default="")
    raw: dict[str, Any] = private(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRequested:
    """Beside another one that goes on it waits for that one's end."""

    operation_id: UUID
    type: str
    steps: list[str]
    params: dict[str, Any] = field(default_factory=dict)
    personal: dict[str, Any] = private(default_factory=dict)  # params that name people or what is theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    """What has not begun does not begin; what goes on ends first, then the operation is cancelled."""

    operation_id: UUID
    reason: str | None = private(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationCancelled:
    operation_id: UUID
    reason: str | None = private(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRetried:
    """The step that failed is tried again; where its outcome is unknown, it is looked for first."""

    operation_id: UUID
    reason: str | None = private(default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPlaced:
    operation_id: UUID
    cluster: str
    node: str
    vmid: int
    template_vmid: int
    storage: str
    bridge: str
    full: bool
    addresses: list[Address]
    explanation: dict[str, Any]
    template_node: str = ""  # where the image is copied from; empty: the same node
    vlan: int | None = None
    networks: list[str] = field(default_factory=list)  # prefixes that are the server's own as a whole
    promises: dict[str, int] = field(default_factory=dict)  # cores and GiB, by the names they are counted under


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectIntended:
    operation_id: UUID
    step: str
    attempt: int
    verb: str
    cluster: str
    node: str
    vmid: int
    since: int  # Proxmox's own clock (epoch seconds) before the call: evidence is searched from here


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAccepted:
    operation_id: UUID
    step: str
    upid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCompleted:
    operation_id: UUID
    step: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepHeld:
    """The step waits for something that is not its own doing; it goes on by itself.

    `settled`: nothing of the newest attempt happened or can still happen, so the next one starts afresh.
    """

    operation_id: UUID
    step: str
    code: str
    detail: str
    settled: bool
    debug: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestIdentified:
    operation_id: UUID
    node: str
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestMoved:
    """`promised`: what was promised to it went with it, to its new node."""

    node: str
    promised: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerObserved:
    power: Power


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSucceeded:
    operation_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFailed:
    operation_id: UUID
    code: str
    message: str
    retryable: bool
    debug: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionRaised:
    """The operation stops and staff must look: going on by itself could do harm."""

    operation_id: UUID
    code: str
    message: str
    debug: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityReserved:
    """Room for a larger plan is promised where the guest is; the plan changes once the guest has it."""

    operation_id: UUID
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChanged:
    """The guest is configured for another plan; `restart_needed`: it has it only when it has been off and on."""

    operation_id: UUID
    plan: Plan
    restart_needed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageChanged:
    """The disk was made anew; the guest is still the same one."""

    operation_id: UUID
    image: Image
    ssh_keys: list[str] = private(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRenamed:
    operation_id: UUID
    name: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsChanged:
    """`in_guest`: the running system has the password already; otherwise it takes it when it starts."""

    operation_id: UUID
    in_guest: bool
    ssh_keys: list[str] | None = private(default=None)  # None: as before


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotTaken:
    operation_id: UUID
    snapshot_id: UUID
    key: str  # its name on the hypervisor
    name: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRestored:
    operation_id: UUID
    snapshot_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotDeleted:
    operation_id: UUID
    snapshot_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupTaken:
    operation_id: UUID
    backup_id: UUID
    storage: str
    volume: str
    size_bytes: int
    name: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRestored:
    operation_id: UUID
    backup_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupDeleted:
    operation_id: UUID
    backup_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPlaced:
    """From now on the server is kept from its owner, for this reason among others."""

    reason: str
    note: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldLifted:
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChanged:
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionChanged:
    protected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsChanged:
    labels: dict[str, str] = private(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFound:
    """The guest is not as the log says; `kind` once at a time. `facts`: what was seen, for staff."""

    kind: str
    detail: str
    facts: dict[str, Any] = field(default_factory=dict)
    personal: dict[str, Any] = private(default_factory=dict)  # facts that name people or what is theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftEnded:
    """It is as the log says again, or staff said what to make of it: `how` is gone, adopted, repaired or ignored.
    `size`: the cores, MiB and GiB that were taken over, and are promised from now on; empty where it is no other size.
    """

    kind: str
    how: str
    size: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAdopted:
    cluster: str
    node: str
    vmid: int
    power: Power
    identity: Identity
    evidence: list[str]
    actual: dict[str, int]  # vcpus, memory_mib, disk_gib as Proxmox has them
    promises: dict[str, int] = field(default_factory=dict)  # cores and GiB as in ServerPlaced; with any, memory too


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReverted:
    """The run that imported the service was taken back; its guest is let go as it is."""

    run_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptionDeclined:
    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminationScheduled:
    operation_id: UUID
    purge_at: datetime
    power_before: Power | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminationUndone:
    operation_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerDestroyed:
    operation_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerErased:
    """The personal data of the customer whose server it was is deleted beside the log; the server is gone already."""


ServerEvent = (
    ServerRequested
    | ServerImported
    | ImportUpdated
    | OperationRequested
    | ServerPlaced
    | EffectIntended
    | TaskAccepted
    | StepCompleted
    | StepHeld
    | GuestIdentified
    | GuestMoved
    | PowerObserved
    | OperationSucceeded
    | OperationFailed
    | AttentionRaised
    | ServerAdopted
    | AdoptionDeclined
    | ImportReverted
    | TerminationScheduled
    | TerminationUndone
    | ServerDestroyed
    | CancelRequested
    | OperationCancelled
    | OperationRetried
    | CapacityReserved
    | PlanChanged
    | ImageChanged
    | ServerRenamed
    | CredentialsChanged
    | SnapshotTaken
    | SnapshotRestored
    | SnapshotDeleted
    | BackupTaken
    | BackupRestored
    | BackupDeleted
    | HoldPlaced
    | HoldLifted
    | ModeChanged
    | ProtectionChanged
    | LabelsChanged
    | DriftFound
    | DriftEnded
    | OwnerErased
)

# The steps of the operations that were asked for before their steps were written down.
_FIRST_STEPS = {
    "create": ["place", "clone", "configure", "resize", "start", "address"],
    "terminate": ["stop", "schedule"],
    "destroy": ["stop", "destroy"],
}


def _with_steps(plain: dict[str, Any]) -> dict[str, Any]:
    type = plain.get("type", "create")
    return plain | {"steps": _FIRST_STEPS.get(type, [type])}


def _as_it_is(plain: dict[str, Any]) -> dict[str, Any]:
    """New fields have defaults that were true of what was written before."""
    return plain


EVENTS = (
    EventType("server.requested", 3, ServerRequested, {1: _with_steps, 2: _as_it_is}),
    EventType("server.imported", 2, ServerImported, {1: _as_it_is}),
    EventType("server.import_updated", 2, ImportUpdated, {1: _as_it_is}),
    EventType("server.operation_requested", 2, OperationRequested, {1: _with_steps}),
    EventType("server.placed", 2, ServerPlaced, {1: _as_it_is}),
    EventType("server.effect_intended", 1, EffectIntended),
    EventType("server.task_accepted", 1, TaskAccepted),
    EventType("server.step_completed", 1, StepCompleted),
    EventType("server.step_held", 1, StepHeld),
    EventType("server.guest_identified", 1, GuestIdentified),
    EventType("server.guest_moved", 2, GuestMoved, {1: lambda plain: plain | {"promised": False}}),
    EventType("server.power_observed", 1, PowerObserved),
    EventType("server.operation_succeeded", 1, OperationSucceeded),
    EventType("server.operation_failed", 1, OperationFailed),
    EventType("server.attention_raised", 1, AttentionRaised),
    EventType("server.adopted", 2, ServerAdopted, {1: _as_it_is}),
    EventType("server.adoption_declined", 1, AdoptionDeclined),
    EventType("server.import_reverted", 1, ImportReverted),
    EventType("server.termination_scheduled", 1, TerminationScheduled),
    EventType("server.termination_undone", 1, TerminationUndone),
    EventType("server.destroyed", 1, ServerDestroyed),
    EventType("server.cancel_requested", 2, CancelRequested, {1: _as_it_is}),
    EventType("server.operation_cancelled", 2, OperationCancelled, {1: _as_it_is}),
    EventType("server.operation_retried", 2, OperationRetried, {1: _as_it_is}),
    EventType("server.capacity_reserved", 1, CapacityReserved),
    EventType("server.plan_changed", 1, PlanChanged),
    EventType("server.image_changed", 1, ImageChanged),
    EventType("server.renamed", 1, ServerRenamed),
    EventType("server.credentials_changed", 1, CredentialsChanged),
    EventType("server.snapshot_taken", 1, SnapshotTaken),
    EventType("server.snapshot_restored", 1, SnapshotRestored),
    EventType("server.snapshot_deleted", 1, SnapshotDeleted),
    EventType("server.backup_taken", 1, BackupTaken),
    EventType("server.backup_restored", 1, BackupRestored),
    EventType("server.backup_deleted", 1, BackupDeleted),
    EventType("server.hold_placed", 1, HoldPlaced),
    EventType("server.hold_lifted", 1, HoldLifted),
    EventType("server.mode_changed", 1, ModeChanged),
    EventType("server.protection_changed", 1, ProtectionChanged),
    EventType("server.labels_changed", 1, LabelsChanged),
    EventType("server.drift_found", 2, DriftFound, {1: _as_it_is}),
    EventType("server.drift_ended", 2, DriftEnded, {1: lambda plain: plain | {"size": {}}}),
    EventType("server.owner_erased", 1, OwnerErased),
)
