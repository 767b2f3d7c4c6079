"""What staff may ask of a cluster: events, or none where it is so already."""

from __future__ import annotations

from typing import Any

from domain.cluster.events import (
    ClusterEvent,
    ClusterModeChanged,
    MaintenanceBegun,
    MaintenanceEnded,
    Mode,
    StrayEnded,
    StrayFound,
)
from domain.cluster.state import Cluster


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
    if known is None or (how != "gone" and known.ignored):
        return []
    return [StrayEnded(cluster=cluster, kind=kind, vmid=vmid, how=how)]
