"""What can happen to a cluster as a whole. Names on disk stand at the foot; version them, never rename them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from domain.record import EventType, private

Mode = Literal["observe", "manage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceBegun:
    """Nothing is changed on the node, or without one on the whole cluster, until it ends; operations wait."""

    cluster: str
    node: str | None
    reason: str = private(default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceEnded:
    cluster: str
    node: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterModeChanged:
    """Staff say whether anything is ever changed there; until then it is as the settings say."""

    cluster: str
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class StrayFound:
    """Something stands in our range of VMIDs that belongs to no server; `kind` once at a time for a VMID."""

    cluster: str
    kind: str
    vmid: int
    detail: str
    facts: dict[str, Any] = field(default_factory=dict)
    personal: dict[str, Any] = private(default_factory=dict)  # facts that name people or what is theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class StrayEnded:
    """It is not there any more, or staff said what to make of it: `how` is gone, repaired, adopted or ignored."""

    cluster: str
    kind: str
    vmid: int
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalRequested:
    """What a removed server left behind is to be deleted."""

    cluster: str
    kind: str
    vmid: int
    removal_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalIntended:
    """These volumes, and no others, are deleted now."""

    cluster: str
    kind: str
    vmid: int
    removal_id: UUID
    volumes: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalRefused:
    """It was not done, or not wholly; what is left stays. It can be asked for again."""

    cluster: str
    kind: str
    vmid: int
    removal_id: UUID
    code: str
    detail: str
    debug: str = private(default="")


ClusterEvent = (
    MaintenanceBegun
    | MaintenanceEnded
    | ClusterModeChanged
    | StrayFound
    | StrayEnded
    | RemovalRequested
    | RemovalIntended
    | RemovalRefused
)

EVENTS = (
    EventType("cluster.maintenance_begun", 1, MaintenanceBegun),
    EventType("cluster.maintenance_ended", 1, MaintenanceEnded),
    EventType("cluster.mode_changed", 1, ClusterModeChanged),
    EventType("cluster.stray_found", 1, StrayFound),
    EventType("cluster.stray_ended", 1, StrayEnded),
    EventType("cluster.removal_requested", 1, RemovalRequested),
    EventType("cluster.removal_intended", 1, RemovalIntended),
    EventType("cluster.removal_refused", 1, RemovalRefused),
)
