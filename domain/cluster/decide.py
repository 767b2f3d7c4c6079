"""What staff may ask of a cluster: events, or none where it is so already."""

from __future__ import annotations

from domain.cluster.events import ClusterEvent, MaintenanceBegun, MaintenanceEnded
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
