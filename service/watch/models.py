"""Bodies about how everything goes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from service.servers.models import Operation
from service.web.models import Answer, Line, Page, PageQuery, Request


class EffectsChange(Request):
    """While they are paused nothing changes on Proxmox; what is asked for waits."""

    paused: bool
    reason: Line = ""


class StaffOperationsQuery(PageQuery):
    """`status=open`: queued, running and those that need attention."""

    status: Literal["open", "queued", "running", "succeeded", "failed", "cancelled", "needs_attention"] | None = None
    type: Line | None = None
    cluster: Line | None = None
    node: Line | None = None


class OperationDecision(Request):
    """retry: try it again. skip: count its step as done and go on. abandon: give it up. `reason`: why, for staff."""

    action: Literal["retry", "skip", "abandon"]
    reason: Line = ""


class Effects(Answer):
    """Whether changes on Proxmox are paused; `by` is a user, null for the command line."""

    object: Literal["effects"]
    paused: bool
    reason: str | None
    since: datetime
    by: str | None


class Projection(Answer):
    """How far read models are behind the log; `events` are counted up to 100,000."""

    name: str
    events: int
    seconds: float
    moved_at: datetime
    code_version: int


class Wakes(Answer):
    """Servers to look at: `due` wait for a worker, `leased` are being looked at, `failing` were tried in vain."""

    waiting: int
    due: int
    leased: int
    failing: int
    oldest_due_seconds: float


class Program(Answer):
    """A program connected to the database from an address (null: the same machine)."""

    name: str
    address: str | None
    connections: int
    since: datetime
    last_active_at: datetime


class ClusterSight(Answer):
    """`watched`: a program has it in sight now. `error` is what was last in the way."""

    name: str
    reachable: bool | None
    observed_at: datetime | None
    changed_at: datetime | None
    watched: bool
    error: str | None


class DatabaseHealth(Answer):
    version: str
    size_bytes: int
    connections: int
    max_connections: int


class LetterCounts(Answer):
    waiting: int
    given_up: int


class OpenOperations(Answer):
    queued: int
    running: int
    needs_attention: int


class Pace(Answer):
    """Events per minute, now and over ten minutes; at most 50,000 are counted."""

    last_minute: int
    ten_minutes: float


class FailingWebhook(Answer):
    """One that has taken nothing since a time, or was turned off by itself; `account` is null for those of staff."""

    id: str
    account: str | None
    url: str
    failing_since: datetime | None
    disabled_reason: str | None


class SystemHealth(Answer):
    object: Literal["health"]
    at: datetime
    version: str
    log_id: str
    database: DatabaseHealth
    effects: Effects
    projections: list[Projection]
    wakes: Wakes
    programs: list[Program]
    clusters: list[ClusterSight]
    letters: LetterCounts
    operations: OpenOperations
    events_per_minute: Pace
    webhooks: list[FailingWebhook]


class Owner(Answer):
    """The server of an operation, and where its guest is."""

    id: str
    name: str
    account: str
    cluster: str | None
    node: str | None
    vmid: int | None


class StaffOperation(Operation):
    """`actions`: what staff may decide about it."""

    server: Owner
    actions: list[Literal["retry", "skip", "abandon"]]


class StaffOperationPage(Answer):
    data: list[StaffOperation]
    page: Page


class Amount(Answer):
    most: int
    promised: int


class NodeCapacity(Answer):
    """Memory in MiB; null until it was looked at."""

    cluster: str
    node: str
    memory: Amount
    cores: Amount | None


class StorageCapacity(Answer):
    """In GiB; `node` is null for a shared one."""

    cluster: str
    storage: str
    node: str | None
    disk: Amount


class PoolCapacity(Answer):
    """`taken` counts addresses that rest as well."""

    name: str
    location: str
    network: str
    size: int
    taken: int


class Slots(Answer):
    """Heavy tasks that go on, and those that wait for their turn."""

    cluster: str
    granted: int
    waiting: int


class Capacity(Answer):
    object: Literal["capacity"]
    nodes: list[NodeCapacity]
    storages: list[StorageCapacity]
    pools: list[PoolCapacity]
    slots: list[Slots]


class Hour(Answer):
    """What began within an hour: all operations, those that create a server, those that failed or wait for staff."""

    hour: datetime
    begun: int
    creates: int
    failed: int


class LocationRoom(Answer):
    """`grown`: servers that came within 30 days less those that went; imports do not count.

    `room`: for about how many more servers, as they are there on average; null where there is none yet to judge by.
    `short_of`: what is over first. Memory in MiB, disk in GiB, addresses of the family of which fewer are left.
    """

    key: str
    name: str
    servers: int
    grown: int
    memory: Amount | None
    disk: Amount | None
    addresses: Amount | None
    room: int | None
    short_of: Literal["memory", "disk", "addresses"] | None


class ServicePace(Answer):
    """`hours`: the last 24, oldest first, in UTC; the last is the one that goes on."""

    object: Literal["pace"]
    hours: list[Hour]
    locations: list[LocationRoom]
