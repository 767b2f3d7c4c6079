"""Bodies that only staff sends or sees."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from service.web.models import Answer, Line, Page, PageQuery, Query, Request


class MaintenanceChange(Request):
    """Without `node` it is about the whole cluster."""

    on: bool
    node: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$")] | None = None
    reason: Line = ""


class ClusterModeChange(Request):
    """In `observe` nothing there is ever changed, whatever the mode of its servers."""

    mode: Literal["observe", "manage"]


class DriftAction(Request):
    action: Literal["adopt", "repair", "ignore"]


class ServerFilter(Request):
    """Without `cluster`: servers of all."""

    cluster: Line | None = None


class ModeChange(Request):
    """Either the servers or a filter."""

    mode: Literal["observe", "manage"]
    servers: Annotated[list[Line], Field(min_length=1, max_length=1000)] | None = None
    filter: ServerFilter | None = None


class DestroysAllowed(Request):
    minutes: Annotated[int, Field(ge=1, le=1440)] = 10
    reason: Line = ""


class DriftQuery(PageQuery):
    ignored: bool = False


class AddressQuery(Query):
    """A time without a zone is in UTC."""

    at: datetime | None = None


class Maintenance(Answer):
    """`node` is null for the whole cluster."""

    node: str | None
    reason: str


class Cluster(Answer):
    """For staff: a cluster, whether it answers, whether it is managed, and what of it is under maintenance."""

    name: str
    object: Literal["cluster"]
    reachable: bool | None
    observed_at: datetime | None
    mode: Literal["observe", "manage"]
    maintenance: list[Maintenance]


class Drift(Answer):
    """For staff: a guest that is not as recorded, or something in our range that belongs to no server.

    `name` is the server's.
    """

    id: str
    object: Literal["drift"]
    kind: str
    server: str | None
    name: str | None
    cluster: str | None
    vmid: int | None
    detail: str
    facts: dict[str, Any]
    since: datetime
    ignored: bool
    actions: list[Literal["adopt", "repair", "ignore"]]


class DriftSettlement(Answer):
    """`operation` repairs the guest."""

    id: str
    object: Literal["drift_settlement"]
    action: Literal["adopt", "repair", "ignore"]
    operation: str | None


class ModesChanged(Answer):
    object: Literal["mode_change"]
    mode: Literal["observe", "manage"]
    changed: int
    has_more: bool


class Destroys(Answer):
    """Removals of guests within the window; beyond the limit they wait for staff."""

    object: Literal["destroys"]
    recent: int
    limit: int
    window_seconds: int
    waiting_since: datetime | None
    allowed_until: datetime | None


class AddressHolder(Answer):
    """A server that had an address since a time, until another; `network` is what was promised to it."""

    network: str
    server: str
    name: str | None
    account: str | None
    cluster: str | None
    vmid: int | None
    since: datetime
    until: datetime | None


class AddressHistory(Answer):
    """For staff: who had an address at a time, or who ever had it."""

    address: str
    object: Literal["address"]
    at: datetime | None
    holders: list[AddressHolder]


class DriftPage(Answer):
    data: list[Drift]
    page: Page


class ClusterPage(Answer):
    data: list[Cluster]
    page: Page
