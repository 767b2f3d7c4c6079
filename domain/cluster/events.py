"""What can happen to a cluster as a whole. Names on disk stand at the foot; version them, never rename them."""

from __future__ import annotations

from dataclasses import dataclass

from domain.record import EventType, private


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


ClusterEvent = MaintenanceBegun | MaintenanceEnded

EVENTS = (
    EventType("cluster.maintenance_begun", 1, MaintenanceBegun),
    EventType("cluster.maintenance_ended", 1, MaintenanceEnded),
)
