"""What staff may ask of a cluster: events, or none where it is so already."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from domain.cluster.events import (
    ClusterEvent,
    ClusterModeChanged,
    MaintenanceBegun,
    MaintenanceEnded,
    Mode,
    RemovalRequested,
    StrayEnded,
    StrayFound,
)
from domain.cluster.state import Cluster
from domain.errors import NotAllowed

REMOVABLE = "leftover"


def begin_maintenance(state: Cluster, cluster: str, node: str | None, reason: str) -> list[ClusterEvent]:
    """Nothing is changed there any more; another reason for the same replaces the first."""
    known = state.maintained(node)
    if known is not None and known.reason == reason:
        return []
    return [MaintenanceBegun(cluster=cluster, node=node, reason=reason)]


def end_maintenance(state: Cluster, cluster: str, node: str | None) -> list[ClusterEvent]:
    """What waited goes on. The end of a cluster's maintenance is not that of its nodes'."""
    return [MaintenanceEnded(cluster=cluster, node=node)] if state.maintained(node) is not None else []


def change_mode(state: Cluster, cluster: str, mode: Mode) -> list[ClusterEvent]:
    """From now on nothing is changed there, or what is asked for is done again."""
    return [] if state.mode == mode else [ClusterModeChanged(cluster=cluster, mode=mode)]


def notice_stray(state: Cluster, found: StrayFound) -> list[ClusterEvent]:
    """Something was seen that belongs to no server; what is known leads to nothing."""
    known = state.strays.get((found.kind, found.vmid))
    facts: dict[str, Any] = found.facts | found.personal
    return [] if known is not None and known.facts == facts else [found]


def end_stray(state: Cluster, cluster: str, kind: str, vmid: int, how: str) -> list[ClusterEvent]:
    """It is gone, or staff know of it."""
    known = state.strays.get((kind, vmid))
    if known is None or (how not in ("gone", "repaired") and known.ignored):
        return []
    return [StrayEnded(cluster=cluster, kind=kind, vmid=vmid, how=how)]


def remove_stray(state: Cluster, cluster: str, kind: str, vmid: int, removal_id: UUID) -> list[ClusterEvent]:
    """What a removed server left behind is to be deleted; one such removal at a time.

    Raises:
        NotAllowed: it is something else.
    """
    if kind != REMOVABLE:
        raise NotAllowed(
            "Hostler never touches what is not its own: remove it on the hypervisor, and this ends by itself."
        )
    known = state.strays.get((kind, vmid))
    if known is None or known.removal is not None:
        return []
    return [RemovalRequested(cluster=cluster, kind=kind, vmid=vmid, removal_id=removal_id)]
