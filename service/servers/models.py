"""Bodies about servers, their operations, copies and history."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, RootModel, StringConstraints
from pydantic.config import JsonDict

from domain.account.roles import NEEDED, RIGHTS, may
from domain.server.operations import OPERATIONS
from service.servers.user_data import MOST_BYTES, checked
from service.web.models import Answer, Label, Line, Named, Page, PageQuery, Query, Request

PublicKey = Annotated[
    str,
    StringConstraints(
        max_length=8192,
        pattern=r"^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) "
        r"[A-Za-z0-9+/]+={0,2}( [^\x00-\x1f\x7f]*)?$",
    ),
]


Status = Literal[
    "provisioning",
    "running",
    "stopped",
    "paused",
    "starting",
    "stopping",
    "rebooting",
    "rebuilding",
    "resizing",
    "restoring",
    "suspended",
    "terminating",
    "terminated",
    "failed",
    "unlinked",
    "unknown",
]


OperationStatus = Literal["queued", "running", "succeeded", "failed", "cancelled", "needs_attention"]


ALLOWED: JsonDict = {type: [*sorted(kind.allowed)] for type, kind in OPERATIONS.items() if kind.allowed}


ROLES: JsonDict = {
    type: [role for role in RIGHTS if may(role, NEEDED.get(type, "act"))]
    for type, kind in OPERATIONS.items()
    if kind.who == "customer"
}


Password = Annotated[str, StringConstraints(min_length=8, max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]


Keys = Annotated[list[PublicKey], Field(max_length=50)]


UserData = Annotated[str, StringConstraints(min_length=1, max_length=MOST_BYTES), AfterValidator(checked)]


KeyIds = Annotated[list[Line], Field(max_length=50)]


Labels = Annotated[dict[Label, Label], Field(max_length=32)]


Hold = Literal["non_payment", "abuse", "admin"]


Sort = Literal["created_at", "-created_at", "name", "-name"]


class ServerCreate(Request):
    """`plan`, `image` and `location` are ids or keys of the catalogue; `account` is needed by who owns several.
    `ssh_key_ids` name keys of the caller's, `ssh_keys` are keys themselves; the server gets both. `user_data` is
    what cloud-init in the guest runs at its first start, at most 64 KiB; only where the location says `user_data`.
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    plan: Line
    image: Line
    location: Line
    ssh_key_ids: KeyIds = Field(default_factory=list)
    ssh_keys: Keys = Field(default_factory=list)
    password: Password | None = None
    user_data: UserData | None = None
    labels: Labels = Field(default_factory=dict)
    account: Line | None = None


class ProtectionChange(Request):
    delete: bool


class ServerChange(Request):
    """What is not given stays as it is; `labels` are all of them."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)] | None = None
    labels: Labels | None = None
    protection: ProtectionChange | None = None


class Power(Request):
    type: Literal["start", "stop", "shutdown", "reboot", "reset"]


class Restore(Request):
    """Undo the termination."""

    type: Literal["restore"]


class Rebuild(Request):
    """Everything on the disk is lost, and the snapshots with it; with `safety` a snapshot keeps the disk as it is.
    Addresses stay. Without keys and `password` those of before are used; `user_data` is as in an order.
    """

    type: Literal["rebuild"]
    image: Line
    ssh_key_ids: KeyIds | None = None
    ssh_keys: Keys | None = None
    password: Password | None = None
    user_data: UserData | None = None
    safety: bool = False


class Resize(Request):
    """The disk only grows. What needs a restart waits for one; `restart` has it done at once."""

    type: Literal["resize"]
    plan: Line
    restart: bool = False


class Rename(Request):
    type: Literal["rename"]
    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]


class ResetPassword(Request):
    """With neither a password nor keys a password is made up, and shown once, in the answer."""

    type: Literal["reset_password"]
    password: Password | None = None
    ssh_key_ids: KeyIds | None = None
    ssh_keys: Keys | None = None


class Take(Request):
    type: Literal["snapshot", "backup"]
    name: Line = ""


class OfSnapshot(Request):
    type: Literal["snapshot_restore", "snapshot_delete"]
    snapshot: Line


class OfBackup(Request):
    type: Literal["backup_restore", "backup_delete"]
    backup: Line


class Suspend(Request):
    """For staff: each reason is placed and lifted by itself."""

    type: Literal["suspend"]
    reason: Hold
    note: Line = ""


class Unsuspend(Request):
    """For staff. The server runs again if it ran before, once no reason is left."""

    type: Literal["unsuspend"]
    reason: Hold


class End(Request):
    """Have a failed operation tried again, or give one up; without `operation`, the newest."""

    type: Literal["retry", "cancel"]
    operation: Line | None = None


Act = Power | Restore | Rebuild | Resize | Rename | ResetPassword | Take | OfSnapshot | OfBackup | Suspend | Unsuspend


class ServerAction(RootModel[Annotated[Act | End, Field(discriminator="type")]]):
    """`x-allowed`: the statuses in which each action is possible. `x-roles`: the roles in an account that may ask."""

    model_config = ConfigDict(json_schema_extra={"x-allowed": ALLOWED, "x-roles": ROLES})


class ServersQuery(PageQuery):
    """Without `status`, servers that no longer exist are left out. `label` is `key` or `key:value`; `account` is one
    that the caller acts for, or with `scope=all` any.
    """

    status: Status | None = None
    q: Line | None = None
    account: Line | None = None
    label: Line | None = None
    sort: Sort = "-created_at"
    scope: Literal["own", "all"] = "own"


class OperationsQuery(PageQuery):
    """Those of the caller's servers; staff see all with `scope=all`."""

    status: OperationStatus | None = None
    type: Line | None = None
    server: Line | None = None
    scope: Literal["own", "all"] = "own"


class CreateQuery(Query):
    dry_run: bool = False


class ActQuery(Query):
    """`dry_run`: only say whether it is possible now, and what it would mean."""

    dry_run: bool = False


class IpAddress(Answer):
    address: str
    prefix: int
    gateway: str | None
    family: Literal[4, 6]
    primary: bool
    rdns: str | None


class ServerPlan(Answer):
    id: str
    name: str
    vcpus: int
    memory_mib: int
    disk_gib: int


class Protection(Answer):
    delete: bool


class Suspension(Answer):
    """Why its owner cannot use the server: the first reason, all of them, and since when."""

    reason: str
    reasons: list[str]
    since: datetime


class HoldNote(Answer):
    """Why a server is held, and what was noted then; the note is empty once its account is erased."""

    reason: str
    note: str
    since: datetime


class ServerAdmin(Answer):
    """For staff: where the guest is, the account that owns the server, and what it is held for."""

    cluster: str | None
    node: str | None
    vmid: int | None
    owner: str
    mode: Literal["observe", "manage"]
    holds: list[HoldNote]


class Server(Answer):
    """`account` is whose it is; what the caller may do follows from their role there (`x-roles` of an action)."""

    id: str
    object: Literal["server"]
    name: str
    status: Status
    status_reason: str | None
    plan: ServerPlan
    image: Named
    location: Named
    ips: list[IpAddress]
    protection: Protection
    labels: dict[str, str]
    account: str
    current_operation: str | None
    suspension: Suspension | None
    restart_needed: bool
    purge_at: datetime | None
    external_id: str | None
    last_status: Status | None
    observed_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime
    admin: ServerAdmin | None = None


class OperationStep(Answer):
    key: str
    status: Literal["queued", "running", "waiting", "succeeded", "failed"]
    detail: str | None
    started_at: datetime | None
    finished_at: datetime | None
    attempt: int


class OperationError(Answer):
    code: str
    message: str
    retryable: bool
    debug: str | None = None


class Resource(Answer):
    type: Literal["server"]
    id: str


class Requester(Answer):
    type: str
    id: str | None


class Operation(Answer):
    id: str
    object: Literal["operation"]
    type: str
    status: OperationStatus
    progress: int
    resource: Resource
    steps: list[OperationStep]
    error: OperationError | None
    requested_by: Requester
    request_id: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ServerAccepted(Answer):
    server: Server
    operation: Operation


class OperationAccepted(Answer):
    """`password`: the one that was made up, shown here and never again."""

    operation: Operation
    password: str | None = None


class Snapshot(Answer):
    id: str
    object: Literal["snapshot"]
    name: str
    image: Named | None
    created_at: datetime


class Backup(Answer):
    id: str
    object: Literal["backup"]
    name: str
    image: Named | None
    size_bytes: int
    created_at: datetime


class WouldGo(Answer):
    """Where an order would go now and why, and why not to each other node. Without a node it would wait."""

    node: str | None = None
    cluster: str | None = None
    because: str | None = None
    not_: Annotated[dict[str, str], Field(alias="not")]


class Fit(Answer):
    """A dry run: this could be carried out now. `notes`: what it would mean, in plain words; `placement` of an order is
    for staff.
    """

    fits: Literal[True]
    dry_run: Literal[True]
    notes: Annotated[list[str], Field(default_factory=list)]
    placement: WouldGo | None = None


class MetricsQuery(Query):
    timeframe: Literal["hour", "day", "week", "month", "year"] = "hour"


class Measurement(Answer):
    """The average of the time up to `t`; null where nothing was measured.

    `cpu`: share of the server's cores, 0 to 1. `memory`: bytes in use. The others: bytes per second.
    """

    t: datetime
    cpu: float | None
    memory: float | None
    disk_read: float | None
    disk_write: float | None
    net_in: float | None
    net_out: float | None


class Metrics(Answer):
    """`step`: seconds between two measurements, null while there are fewer than two."""

    object: Literal["metrics"]
    timeframe: Literal["hour", "day", "week", "month", "year"]
    step: int | None
    data: list[Measurement]


class Actor(Answer):
    type: Literal["user", "staff", "system", "import"]
    label: str


class HistoryEntry(Answer):
    id: str
    at: datetime
    actor: Actor
    title: str
    detail: str | None
    operation_id: str | None
    request_id: str | None
    admin: dict[str, Any] | None = None


class ServerPage(Answer):
    data: list[Server]
    page: Page


class OperationPage(Answer):
    data: list[Operation]
    page: Page


class SnapshotPage(Answer):
    data: list[Snapshot]
    page: Page


class BackupPage(Answer):
    data: list[Backup]
    page: Page


class HistoryPage(Answer):
    data: list[HistoryEntry]
    page: Page
